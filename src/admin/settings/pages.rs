//! `/admin/settings`: the branding with its preview, how long evidence is kept, whom people turn to.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::Uploaded;
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::{capitalised, show, show_again};
use crate::admin::{Own, Read, Right, Trouble};
use crate::mail::{self, LastMail};
use crate::settings::accent::{Colour, Palette};
use crate::settings::logo::Logo;
use crate::settings::{self, AUDIT_RETENTION, Settings, SettingsError, TRACE_RETENTION, Wanted};
use crate::web::redirect;

const PATH: &str = "/admin/settings";

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/settings").route(web::get().to(form)).route(web::post().to(save)))
        .route("/settings/reminder-emails/test", web::post().to(test))
        .route("/settings/logo", web::post().to(upload))
        .route("/settings/logo/remove", web::post().to(remove));
}

/// As it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    version: String,
    name: String,
    accent: String,
    support_email: String,
    support_url: String,
    /// One on each line.
    reminder_emails: String,
    audit_retention_days: String,
    trace_retention_days: String,
    /// `preview` shows the colour and saves nothing.
    step: String,
}

impl Typed {
    fn of(settings: &Settings) -> Self {
        let chosen = settings.chosen.clone();
        Self {
            version: settings.version.to_string(),
            name: chosen.name,
            accent: chosen.accent.map(|accent| accent.to_string()).unwrap_or_default(),
            support_email: chosen.support_email.unwrap_or_default(),
            support_url: chosen.support_url.unwrap_or_default(),
            reminder_emails: chosen.reminder_emails.join("\n"),
            audit_retention_days: chosen.audit_retention.to_string(),
            trace_retention_days: chosen.trace_retention.to_string(),
            step: String::new(),
        }
    }

    fn wanted(&self) -> Wanted {
        // what is no number is out of range too
        let days = |text: &str| text.trim().parse().unwrap_or(-1);
        Wanted {
            name: self.name.clone(),
            accent: Some(self.accent.clone()),
            support_email: Some(self.support_email.clone()),
            support_url: Some(self.support_url.clone()),
            reminder_emails: self.reminder_emails.lines().map(Into::into).collect(),
            audit_retention_days: days(&self.audit_retention_days),
            trace_retention_days: days(&self.trace_retention_days),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/settings/settings.html")]
struct SettingsPage {
    frame: Frame,
    typed: Typed,
    errors: FieldErrors,
    preview: Preview,
    /// It shows what is not saved.
    unsaved: bool,
    audit_help: String,
    trace_help: String,
    emails_help: String,
    /// Whether a letter can be sent now.
    can_mail: bool,
    last_mail: Option<(Moment, LastMail)>,
}

/// The colour as it comes out, in both themes.
struct Preview {
    chosen: Option<Colour>,
    light: Theme,
    dark: Theme,
    moved_in_light: bool,
    moved_in_dark: bool,
}

struct Theme {
    name: &'static str,
    canvas: &'static str,
    surface: &'static str,
    ink: &'static str,
    accent: String,
    on_accent: String,
    wash: String,
    /// Of the accent on the surface: "6.1".
    contrast: String,
}

impl Preview {
    fn of(accent: Option<Colour>) -> Self {
        let palette = Palette::of(accent.unwrap_or(Colour([0x0b, 0x5c, 0x77])));
        let theme = |name, tones: settings::accent::Tones, canvas, surface, ink| Theme {
            name,
            canvas,
            surface,
            ink,
            accent: tones.accent.to_string(),
            on_accent: tones.on_accent.to_string(),
            wash: tones.wash.to_string(),
            contrast: Colour::parse(surface).map(|s| format!("{:.1}", tones.accent.contrast(s))).unwrap_or_default(),
        };
        Self {
            chosen: accent,
            light: theme("Light", palette.light, "#f6f5f2", "#ffffff", "#1a1c1e"),
            dark: theme("Dark", palette.dark, "#121415", "#1a1d1e", "#e8ebea"),
            moved_in_light: accent.is_some() && palette.is_moved_in_light(),
            moved_in_dark: accent.is_some() && palette.is_moved_in_dark(),
        }
    }
}

/// A letter now, to those whose addresses are saved.
async fn test(posted: Posted<Own, NoFields>) -> Result<HttpResponse, Trouble> {
    let desk = &posted.desk;
    let ctx = &desk.broker.ctx;
    match super::test_mail(ctx, &desk.author).await {
        Ok(()) => Ok(redirect::see_other(&Done::Sent.at(&ctx.urls.local(PATH)))),
        Err(Trouble::Conflict(_, said)) => {
            let stored = settings::store::load(&mut *ctx.db.acquire().await?).await?;
            let errors = FieldErrors::one("reminder_emails", capitalised(&said));
            Ok(show_again(&shown(desk, Typed::of(&stored), errors, stored.chosen.accent, false).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn form(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let stored = settings::store::load(&mut *desk.broker.ctx.db.acquire().await?).await?;
    Ok(show(&shown(&desk, Typed::of(&stored), FieldErrors::default(), stored.chosen.accent, false).await?))
}

async fn save(posted: Posted<Own, Typed>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: typed } = posted;
    let ctx = &desk.broker.ctx;
    let accent = Colour::parse(typed.accent.trim());
    let chosen = match typed.wanted().check() {
        Err(faults) => {
            let mut errors = FieldErrors::default();
            faults.into_iter().for_each(|(field, message)| errors.add(field, message));
            return Ok(show_again(&shown(&desk, typed, errors, accent, true).await?));
        }
        Ok(_) if typed.step == "preview" => {
            return Ok(show(&shown(&desk, typed, FieldErrors::default(), accent, true).await?));
        }
        Ok(chosen) => chosen,
    };
    match settings::change(ctx, &desk.author, typed.version.parse().ok(), &chosen).await {
        Ok(_) => Ok(redirect::see_other(&Done::Saved.at(&ctx.urls.local(PATH)))),
        Err(SettingsError::Changed) => {
            let errors = FieldErrors::one(
                "name",
                "Somebody else saved these settings meanwhile. Look at what they are now in another tab, then save yours again.",
            );
            let now = settings::store::load(&mut *ctx.db.acquire().await?).await?;
            let typed = Typed { version: now.version.to_string(), ..typed };
            Ok(show_again(&shown(&desk, typed, errors, accent, true).await?))
        }
        Err(error) => Err(error.into()),
    }
}

async fn upload(uploaded: Uploaded<Own>) -> Result<HttpResponse, Trouble> {
    let desk = &uploaded.desk;
    let ctx = &desk.broker.ctx;
    let logo = match Logo::parse(uploaded.file) {
        Ok(logo) => logo,
        Err(why) => {
            let stored = settings::store::load(&mut *ctx.db.acquire().await?).await?;
            let mut said = why.to_string();
            said.replace_range(..1, &said[..1].to_uppercase());
            let errors = FieldErrors::one("file", format!("{said}."));
            return Ok(show_again(&shown(desk, Typed::of(&stored), errors, stored.chosen.accent, false).await?));
        }
    };
    settings::set_logo(ctx, &desk.author, None, Some(logo)).await?;
    Ok(redirect::see_other(&Done::Saved.at(&ctx.urls.local(PATH))))
}

/// A form that is nothing but its button.
#[derive(Deserialize)]
struct NoFields {}

async fn remove(posted: Posted<Own, NoFields>) -> Result<HttpResponse, Trouble> {
    let ctx = &posted.desk.broker.ctx;
    settings::set_logo(ctx, &posted.desk.author, None, None).await?;
    Ok(redirect::see_other(&Done::Removed.at(&ctx.urls.local(PATH))))
}

async fn shown<R: Right>(
    desk: &Desk<R>,
    typed: Typed,
    errors: FieldErrors,
    accent: Option<Colour>,
    unsaved: bool,
) -> Result<SettingsPage, Trouble> {
    let range = |range: std::ops::RangeInclusive<i64>| format!("{} to {} days.", range.start(), range.end());
    let ctx = &desk.broker.ctx;
    let now = ctx.now();
    let last = mail::store::last(&mut *ctx.db.acquire().await?).await?;
    let what = "Told when a secret, a certificate or a key is about to end. One address on each line.";
    let emails_help = match &ctx.mailer {
        Some(mailer) => format!("{what} Sent through {}.", mailer.host()),
        None => format!("{what} Nothing is sent before AVOUCH_SMTP_URL and AVOUCH_SMTP_FROM are set."),
    };
    Ok(SettingsPage {
        can_mail: ctx.mailer.is_some() && !typed.reminder_emails.trim().is_empty(),
        emails_help,
        last_mail: last.map(|mail| (Moment::new(mail.at, now), mail)),
        frame: desk.frame(Section::Settings),
        typed,
        errors,
        preview: Preview::of(accent),
        unsaved,
        audit_help: range(AUDIT_RETENTION),
        trace_help: range(TRACE_RETENTION),
    })
}
