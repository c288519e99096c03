//! What proves us to a provider, and what proves the provider to us, at the desk: secrets, our keys, its certificates, its
//! metadata. Owns what is shown of them and what pages and API do alike; the rules are the noun's. Credentials are changed
//! here whoever owns the connection's settings: a file owns configuration, never credentials.

pub mod lanes;
pub mod pages;
pub(super) mod proof;
mod saml;
pub mod secret;
pub mod shown;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use super::form::{self, Typed};
use super::{slug, stored};
use crate::admin::Trouble;
use crate::admin::form::{FieldErrors, given};
use crate::audit::Author;
use crate::connection::certificate::{self, Added, Certificate, ChangeError, Facts, Origin, Source};
use crate::connection::credential::client_secret::{self, KnownSecret};
use crate::connection::metadata::schedule::Why;
use crate::connection::sp_key::SpKeyError;
use crate::connection::{Connection, KeyUse, Protocol};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::metadata::{self, RefreshError, Refreshed};
use crate::provisioning::Problem;
use crate::secret::Secret;
use crate::upstream::saml::TrustedCertificate;

/// A client secret as it was pasted.
pub struct Pasted {
    pub value: Secret<String>,
    pub expires_at: Option<OffsetDateTime>,
}

/// The same as programs send it: `{value, expires_at?}`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    value: Secret<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

impl NewSecret {
    /// # Errors
    /// [`Trouble::Malformed`] where `expires_at` is no time.
    pub fn pasted(self) -> Result<Pasted, Trouble> {
        Ok(Pasted { value: self.value, expires_at: self.expires_at.as_deref().map(instant).transpose()? })
    }
}

/// What the fields `secret` and `expires_at` say; nothing where no secret was pasted.
pub fn pasted(sent: &Typed, errors: &mut FieldErrors) -> Option<Pasted> {
    let value = given(form::typed(sent, "secret"));
    let expires_at = day(form::typed(sent, "expires_at")).unwrap_or_else(|message| {
        errors.add("expires_at", message);
        None
    });
    value.map(|value| Pasted { value: Secret::new(value), expires_at })
}

/// The midnight that day begins with, in UTC: of what is only known by its day, the cautious end.
pub fn day(text: &str) -> Result<Option<OffsetDateTime>, String> {
    let Some(text) = given(text) else { return Ok(None) };
    let day = Date::parse(&text, format_description!("[year]-[month]-[day]"));
    let day = day.map_err(|_| "Write the date like 2027-05-21.".to_owned())?;
    Ok(Some(day.with_time(Time::MIDNIGHT).assume_utc()))
}

/// RFC 3339, or a date.
///
/// # Errors
/// [`Trouble::Malformed`].
fn instant(text: &str) -> Result<OffsetDateTime, Trouble> {
    let day = || day(text).ok().flatten();
    let read = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(day);
    read.ok_or_else(|| Trouble::Malformed("expires_at is a time like 2027-05-21T00:00:00Z".into()))
}

/// Stores a secret: as the next one, or in use at once where it is the first.
///
/// # Errors
/// [`Trouble::Invalid`] names `value` or `expires_at`; [`Trouble::Conflict`].
pub async fn add_secret(ctx: &Ctx, author: &Author, name: &str, pasted: &Pasted) -> Result<KnownSecret, Trouble> {
    Ok(client_secret::add(ctx, author, &slug(name)?, &pasted.value, pasted.expires_at).await?)
}

/// # Errors
/// [`Trouble::Unknown`], [`Trouble::Conflict`].
pub async fn withdraw_secret(ctx: &Ctx, author: &Author, name: &str, id: &str) -> Result<(), Trouble> {
    Ok(client_secret::withdraw(ctx, author, &slug(name)?, id).await?)
}

/// Trusts a certificate of the provider from now on.
///
/// # Errors
/// [`Trouble::Invalid`] names `pem`.
pub async fn trust(ctx: &Ctx, author: &Author, name: &str, pem: &str) -> Result<Added, Trouble> {
    let certificate = TrustedCertificate::from_text(pem)
        .map_err(|error| invalid("pem", format!("This cannot be used as a certificate: {error}.")))?;
    let facts = Facts::from(&certificate);
    with_saml(ctx, name, async |conn, one| {
        certificate::add(ctx, conn, one, facts, Origin { source: Source::Manual, author }).await
    })
    .await
}

/// Says that the provider signs with it by now.
///
/// # Errors
/// [`Trouble::Unknown`], [`Trouble::Conflict`].
pub async fn promote(ctx: &Ctx, author: &Author, name: &str, id: &str) -> Result<Certificate, Trouble> {
    with_saml(ctx, name, async |conn, one| {
        certificate::promote(ctx, conn, one, id, Origin { source: Source::Manual, author }).await
    })
    .await
}

/// Trusts it no more; never the last one.
///
/// # Errors
/// [`Trouble::Unknown`], [`Trouble::Conflict`].
pub async fn distrust(ctx: &Ctx, author: &Author, name: &str, id: &str) -> Result<Certificate, Trouble> {
    with_saml(ctx, name, async |conn, one| {
        certificate::retire(ctx, conn, one, id, Origin { source: Source::Manual, author }).await
    })
    .await
}

async fn with_saml<T>(
    ctx: &Ctx,
    name: &str,
    work: impl AsyncFnOnce(&mut Conn, &Connection) -> Result<T, ChangeError>,
) -> Result<T, Trouble> {
    let slug = slug(name)?;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let one = stored(conn, &slug).await?;
        match one.protocol {
            Protocol::Saml(_) => Ok(work(conn, &one).await?),
            Protocol::Oidc(_) => Err(not_saml(name)),
        }
    })
    .await
}

pub(super) fn not_saml(name: &str) -> Trouble {
    Trouble::Conflict("protocol_mismatch", format!("the connection {name} speaks OpenID Connect; this is SAML's"))
}

/// Reads the provider's metadata now.
///
/// # Errors
/// [`Trouble::Conflict`]: there is no URL, or nothing usable came from it; what is stored goes on being used.
pub async fn refresh(ctx: &Ctx, name: &str) -> Result<Refreshed, Trouble> {
    let one = stored(&mut *ctx.db.acquire().await?, &slug(name)?).await?;
    metadata::refresh(ctx, &one, Why::Asked).await.map_err(|error| match error {
        RefreshError::NotPublished => Trouble::Conflict("metadata_not_published", error.to_string()),
        RefreshError::Database(error) => error.into(),
        RefreshError::Fetch(_) | RefreshError::JustTried(_) => {
            Trouble::Conflict("metadata_unusable", error.to_string())
        }
    })
}

/// One of them, or both.
///
/// # Errors
/// [`Trouble::Malformed`].
pub fn uses(word: Option<&str>) -> Result<Vec<KeyUse>, Trouble> {
    match word.filter(|word| !word.is_empty()) {
        None => Ok(KeyUse::ALL.to_vec()),
        Some(word) => KeyUse::parse(word)
            .map(|usage| vec![usage])
            .ok_or_else(|| Trouble::Malformed("use is signing or encryption".into())),
    }
}

/// What is wrong with what was pasted, beside the form's fields; any other trouble is one.
///
/// # Errors
/// what no field can say.
pub fn beside_fields(trouble: Trouble) -> Result<FieldErrors, Trouble> {
    let problems = match trouble {
        Trouble::Invalid(problems) => problems,
        Trouble::Conflict(_, sentence) => vec![Problem { path: "secret".into(), reason: sentence }],
        other => return Err(other),
    };
    let mut errors = FieldErrors::default();
    for problem in problems {
        let field = if problem.path == "value" { "secret" } else { &problem.path };
        let mut sentence = problem.reason;
        if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
            sentence.replace_range(..1, &first);
        }
        let end = if sentence.ends_with('.') { "" } else { "." };
        errors.add(field, format!("{sentence}{end}"));
    }
    Ok(errors)
}

fn invalid(field: &str, reason: String) -> Trouble {
    Trouble::Invalid(vec![Problem { path: field.into(), reason }])
}

impl From<ChangeError> for Trouble {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(named) => Self::Unknown(format!("certificate {named} of this connection")),
            ChangeError::Ambiguous(_) => Self::Malformed(error.to_string()),
            ChangeError::Retired => Self::Conflict("certificate_retired", error.to_string()),
            ChangeError::Last => Self::Conflict("last_certificate", error.to_string()),
            ChangeError::Database(error) => error.into(),
        }
    }
}

impl From<SpKeyError> for Trouble {
    fn from(error: SpKeyError) -> Self {
        match error {
            SpKeyError::Database(error) => error.into(),
            SpKeyError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            SpKeyError::NoSuchKey(_) => Self::Unknown("such key of this connection".into()),
            SpKeyError::NotSaml(_) => Self::Conflict("protocol_mismatch", error.to_string()),
            SpKeyError::NextExists { .. } => Self::Conflict("next_exists", error.to_string()),
            SpKeyError::NoNext(_) => Self::Conflict("no_next", error.to_string()),
            SpKeyError::Active(_) => Self::Conflict("key_active", error.to_string()),
            SpKeyError::NothingRetires(_) => Self::Conflict("nothing_retires", error.to_string()),
            SpKeyError::Certificate(_) => {
                tracing::error!(%error, "a key could not be made");
                Self::Broken
            }
        }
    }
}
