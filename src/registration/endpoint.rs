//! `POST /oauth/client/secrets`, `.../list` and `.../withdraw`: forms like those of the token endpoint, by a client that proves
//! itself like there. RFC 7591's words in the answers.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::audit::Author;
use crate::broker::Broker;
use crate::broker::extract::ClientForm;
use crate::client::secret::own::{self, LONGEST_OVERLAP, OVERLAP, OwnSecretError};
use crate::client::secret::{KnownSecret, SecretError};
use crate::db::database_error;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::web::oauth_error::OAuthErrorAnswer;

/// Requests of one client in ten minutes.
const MOST: u32 = 10;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/oauth/client/secrets", web::post().to(rotate))
        .route("/oauth/client/secrets/list", web::post().to(list))
        .route("/oauth/client/secrets/withdraw", web::post().to(withdraw));
}

/// `overlap`: seconds that the others count on. `expires_in`: seconds that the new one counts; absent, for ever.
async fn rotate(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let author = admitted(&broker, &form)?;
    let overlap = seconds(&form.params, "overlap")?.unwrap_or(OVERLAP);
    if overlap > LONGEST_OVERLAP {
        let text = format!("overlap is at most {} seconds, which is 30 days", LONGEST_OVERLAP.whole_seconds());
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text).into());
    }
    let expires_at = seconds(&form.params, "expires_in")?.map(|life| broker.ctx.now() + life);
    let client = form.client.client();
    let (made, value) = own::rotate(&broker.ctx, &author, client, overlap, expires_at).await.map_err(refused)?;
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).json(json!({
        "client_id": client.client_id,
        "client_secret": value.expose(),
        "client_secret_id": made.id,
        // RFC 7591 section 3.2.1: seconds since 1970, 0 for never
        "client_secret_expires_at": made.expires_at.map_or(0, OffsetDateTime::unix_timestamp),
        "secrets": told(&broker, &form).await?,
    })))
}

async fn list(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    admitted(&broker, &form)?;
    let answer = json!({ "client_id": form.client.client().client_id, "secrets": told(&broker, &form).await? });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

async fn withdraw(broker: Data<Broker>, form: ClientForm) -> Result<HttpResponse, OAuthErrorAnswer> {
    let author = admitted(&broker, &form)?;
    let (id, proved_by) = (form.params.require("client_secret_id")?, form.client.secret_id());
    own::withdraw(&broker.ctx, &author, form.client.client(), proved_by, id).await.map_err(refused)?;
    Ok(HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish())
}

/// Who has the right to it, not too often.
fn admitted(broker: &Broker, form: &ClientForm) -> Result<Author, OAuthError> {
    let client = form.client.client();
    let (key, now) = (client.client_id.as_str(), broker.ctx.now());
    if !client.is_confidential() || !client.settings.may_rotate_secret {
        return Err(refused(OwnSecretError::NotAllowed));
    }
    if broker.secret_rotations.wait(key, MOST, now).is_some() {
        let text = format!("a client may ask for its secrets {MOST} times in ten minutes");
        return Err(OAuthError::new(ErrorCode::TooManyRequests, text));
    }
    broker.secret_rotations.note(key.into(), now);
    Ok(Author {
        actor: format!("client:{}", client.client_id),
        trace_id: form.caller.trace_id.clone(),
        remote_addr: form.caller.addr,
    })
}

fn seconds(params: &Params, name: &str) -> Result<Option<Duration>, OAuthError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let seconds = text
        .parse::<u32>()
        .map_err(|_| OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is a whole number of seconds")))?;
    Ok(Some(Duration::seconds(seconds.into())))
}

/// Those that count, the newest first.
async fn told(broker: &Broker, form: &ClientForm) -> Result<Vec<Value>, OAuthError> {
    let now = broker.ctx.now();
    let all = own::list(&broker.ctx, form.client.client()).await.map_err(refused)?;
    let stamp = |at: Option<OffsetDateTime>| at.map(OffsetDateTime::unix_timestamp);
    let tell = |one: &KnownSecret| {
        json!({
            "client_secret_id": one.id, "hint": one.hint, "created_at": one.created_at.unix_timestamp(),
            "client_secret_expires_at": stamp(one.expires_at).unwrap_or(0), "last_used_at": stamp(one.last_used_at),
        })
    };
    Ok(all.iter().filter(|one| one.counts_at(now)).map(tell).collect())
}

fn refused(error: OwnSecretError) -> OAuthError {
    let code = match &error {
        OwnSecretError::Secret(SecretError::Database(cause)) => return database_error(cause),
        OwnSecretError::NotAllowed | OwnSecretError::Secret(SecretError::Public(_)) => ErrorCode::UnauthorizedClient,
        OwnSecretError::TooMany | OwnSecretError::Unknown | OwnSecretError::InUse | OwnSecretError::Secret(_) => {
            ErrorCode::InvalidRequest
        }
    };
    OAuthError::new(code, error.to_string())
}
