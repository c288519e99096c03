//! What is posted below `/admin/connections/{slug}/credentials` of a SAML connection, and asked before.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::admin::connection::credential::pages::{Question, ask, back, page};
use crate::admin::connection::{credential, slug};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::Done;
use crate::admin::moment::Moment;
use crate::admin::pages::show_again;
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Trouble};
use crate::connection::certificate::fingerprint;
use crate::connection::{CredentialState, KeyUse, key_rotation, sp_key};

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}/credentials{tail}");
    app.route(&at("/refresh"), web::post().to(refresh))
        .route(&at("/certificates"), web::post().to(trust))
        .route(&at("/certificates/{id}/promote"), web::post().to(promote_certificate))
        .route(&at("/certificates/{id}/delete"), web::get().to(ask_distrust))
        .route(&at("/certificates/{id}/delete"), web::post().to(distrust))
        .route(&at("/sp-keys"), web::post().to(prepare_keys))
        .route(&at("/sp-keys/promote"), web::get().to(ask_promote_keys))
        .route(&at("/sp-keys/promote"), web::post().to(promote_keys))
        .route(&at("/sp-keys/{id}/delete"), web::get().to(ask_end_key))
        .route(&at("/sp-keys/{id}/delete"), web::post().to(end_key));
}

async fn refresh(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    // the page says what came of it
    match credential::refresh(&posted.desk.broker.ctx, &name).await {
        Ok(_) | Err(Trouble::Conflict("metadata_unusable", _)) => Ok(back(&posted.desk, &name, Done::Asked)),
        Err(trouble) => Err(trouble),
    }
}

#[derive(Deserialize)]
struct PemForm {
    #[serde(default)]
    pem: String,
}

async fn trust(posted: Posted<Edit, PemForm>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: PemForm { pem } } = posted;
    match credential::trust(&desk.broker.ctx, &desk.author, &name, &pem).await {
        Ok(_) => Ok(back(&desk, &name, Done::Added)),
        Err(Trouble::Invalid(problems)) => {
            let errors = FieldErrors::of(&problems, |_| None);
            Ok(show_again(&page(&desk, &name, errors).await?.pasted(pem)))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn promote_certificate(
    posted: Posted<Edit, NoFields>,
    at: Path<(String, String)>,
) -> Result<HttpResponse, Trouble> {
    credential::promote(&posted.desk.broker.ctx, &posted.desk.author, &at.0, &at.1).await?;
    Ok(back(&posted.desk, &at.0, Done::Saved))
}

async fn ask_distrust(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (name, id) = at.into_inner();
    ask(&desk, &name, |one, _| {
        let known = one.certificates.iter().find(|certificate| certificate.id.as_str() == id);
        let now = desk.broker.ctx.now();
        let seen = known.and_then(|certificate| certificate.last_seen_at).map(|at| Moment::new(at, now).to_string());
        let sha256 = known.map(|certificate| fingerprint(&certificate.sha256)).unwrap_or_default();
        Question {
            what: format!("Trust a certificate of {} no more?", one.display_name),
            explanation: "Answers signed with it are refused from then on, and no metadata and no file brings it back.",
            touches: vec![
                ("SHA-256".into(), sha256),
                ("Last signed an answer".into(), seen.unwrap_or_else(|| "Never".into())),
            ],
            action: format!("/certificates/{id}/delete"),
            button: "Trust it no more",
            harmless: false,
        }
    })
    .await
}

async fn distrust(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    credential::distrust(&posted.desk.broker.ctx, &posted.desk.author, &at.0, &at.1).await?;
    Ok(back(&posted.desk, &at.0, Done::Removed))
}

async fn prepare_keys(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    sp_key::add(&desk.broker.ctx, &desk.author, &slug(&name)?, &KeyUse::ALL).await?;
    Ok(back(&desk, &name, Done::Added))
}

async fn ask_promote_keys(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    ask(&desk, &name, |one, _| Question {
        what: format!("Let the next keys of {} take over?", one.display_name),
        explanation: "From then on requests are signed with the next key. A provider that checks signatures and has not read our \
                      metadata since the key stands in it refuses them. What is encrypted to the keys before is still read.",
        touches: Vec::new(),
        action: "/sp-keys/promote".into(),
        button: "Take over",
        harmless: true,
    })
    .await
}

async fn promote_keys(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, slug) = (posted.desk, slug(&name)?);
    let ctx = &desk.broker.ctx;
    let keys = sp_key::list(&mut *ctx.db.acquire().await?, &slug).await?;
    let next = keys.iter().filter(|key| key.state == CredentialState::Next);
    let uses: Vec<KeyUse> = next.filter_map(|key| key.key_use()).collect();
    sp_key::take_over(ctx, &desk.author, &slug, if uses.is_empty() { &KeyUse::ALL } else { &uses }).await?;
    Ok(back(&desk, &name, Done::Saved))
}

async fn ask_end_key(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (name, id) = at.into_inner();
    let now = desk.broker.ctx.now();
    let known = key_rotation::list(&mut *desk.broker.ctx.db.acquire().await?, &slug(&name)?).await?;
    let key = known.iter().find(|key| key.id.as_str() == id);
    let used = key.and_then(|key| key.last_used_at).map(|at| Moment::new(at, now).to_string());
    let mut touches = vec![("Last used".into(), used.unwrap_or_else(|| "Never".into()))];
    let verdict = key.and_then(|key| key.safe_to_retire(&known, now));
    touches.extend(verdict.map(|verdict| ("Safe to retire".into(), verdict.to_string())));
    ask(&desk, &name, |one, _| Question {
        what: format!("End a key of {}?", one.display_name),
        explanation: "What is encrypted to it is refused from then on. End it once the provider has read our metadata without it.",
        touches,
        action: format!("/sp-keys/{id}/delete"),
        button: "End it",
        harmless: false,
    })
    .await
}

async fn end_key(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    sp_key::end(&desk.broker.ctx, &desk.author, &slug(&at.0)?, None, Some(&at.1)).await?;
    Ok(back(&desk, &at.0, Done::Removed))
}
