//! `/api/v1/settings`, and the logo beside it.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::admin::api::{body, expected, one};
use crate::admin::extract::Api;
use crate::admin::{Own, Read, Trouble};
use crate::broker::Broker;
use crate::provisioning::Problem;
use crate::settings::accent::Palette;
use crate::settings::logo::Logo;
use crate::settings::{self, Settings, Wanted};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/settings").route(web::get().to(read)).route(web::put().to(change)))
        .route("/settings/reminder-emails/test", web::post().to(test_mail))
        .service(web::resource("/settings/logo").route(web::put().to(set_logo)).route(web::delete().to(remove_logo)));
}

#[derive(Serialize)]
struct SettingsView {
    name: String,
    accent: Option<String>,
    support_email: Option<String>,
    support_url: Option<String>,
    reminder_emails: Vec<String>,
    audit_retention_days: i32,
    trace_retention_days: i32,
    /// What pages show in place of `accent` so that it can be read; absent without one.
    accent_shown: Option<AccentShown>,
    logo: Option<LogoView>,
}

#[derive(Serialize)]
struct AccentShown {
    light: String,
    dark: String,
}

#[derive(Serialize)]
struct LogoView {
    media_type: &'static str,
    width: u32,
    height: u32,
    bytes: usize,
    url: Option<String>,
}

/// What `GET` gave may be sent back: what cannot be set here is ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    name: String,
    #[serde(default)]
    accent: Option<String>,
    #[serde(default)]
    support_email: Option<String>,
    #[serde(default)]
    support_url: Option<String>,
    #[serde(default)]
    reminder_emails: Vec<String>,
    audit_retention_days: i64,
    trace_retention_days: i64,
    #[serde(default, rename = "accent_shown")]
    _accent_shown: IgnoredAny,
    #[serde(default, rename = "logo")]
    _logo: IgnoredAny,
}

async fn read(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let stored = settings::store::load(&mut *api.broker.ctx.db.acquire().await?).await?;
    Ok(shown(&api.broker, &stored))
}

async fn change(api: Api<Own>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let sent: SettingsBody = body(&bytes)?;
    let wanted = Wanted {
        name: sent.name,
        accent: sent.accent,
        support_email: sent.support_email,
        support_url: sent.support_url,
        reminder_emails: sent.reminder_emails,
        audit_retention_days: sent.audit_retention_days,
        trace_retention_days: sent.trace_retention_days,
    };
    let chosen = wanted.check().map_err(invalid)?;
    let changed = settings::change(&api.broker.ctx, &api.author, version(&req)?, &chosen).await?;
    Ok(shown(&api.broker, &changed))
}

/// The body is the image itself.
async fn set_logo(api: Api<Own>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let logo = Logo::parse(bytes.to_vec()).map_err(|why| invalid(vec![("logo", why.to_string())]))?;
    let changed = settings::set_logo(&api.broker.ctx, &api.author, version(&req)?, Some(logo)).await?;
    Ok(shown(&api.broker, &changed))
}

async fn remove_logo(api: Api<Own>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let changed = settings::set_logo(&api.broker.ctx, &api.author, version(&req)?, None).await?;
    Ok(shown(&api.broker, &changed))
}

/// Answers once the mail server has taken the letters or has not.
async fn test_mail(api: Api<Own>) -> Result<HttpResponse, Trouble> {
    super::test_mail(&api.broker.ctx, &api.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn shown(broker: &Broker, settings: &Settings) -> HttpResponse {
    let chosen = &settings.chosen;
    let shown = chosen
        .accent
        .map(Palette::of)
        .map(|palette| AccentShown { light: palette.light.accent.to_string(), dark: palette.dark.accent.to_string() });
    let logo = settings.logo.as_ref().map(|logo| LogoView {
        media_type: logo.format.media_type(),
        width: logo.width,
        height: logo.height,
        bytes: logo.bytes.len(),
        url: settings.look().brand(&broker.ctx.urls).logo.map(|view| view.url),
    });
    let view = SettingsView {
        name: chosen.name.clone(),
        accent: chosen.accent.map(|accent| accent.to_string()),
        support_email: chosen.support_email.clone(),
        support_url: chosen.support_url.clone(),
        reminder_emails: chosen.reminder_emails.clone(),
        audit_retention_days: chosen.audit_retention,
        trace_retention_days: chosen.trace_retention,
        accent_shown: shown,
        logo,
    };
    one(&view, Some(&settings.version.to_string()))
}

fn version(req: &HttpRequest) -> Result<Option<i64>, Trouble> {
    // a version that is no number was never ours
    expected(req)?.map(|version| version.parse().map_err(|_| Trouble::Changed)).transpose()
}

fn invalid(faults: Vec<(&'static str, String)>) -> Trouble {
    Trouble::Invalid(faults.into_iter().map(|(path, reason)| Problem { path: path.into(), reason }).collect())
}
