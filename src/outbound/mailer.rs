//! E-mail that leaves the house: one server, one sender. It knows neither to whom nor about what is written.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use url::Url;

use crate::secret::Secret;

/// For the whole exchange with the server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the server is reached, checked.
#[derive(Clone, Debug)]
pub struct Smtp {
    url: Secret<String>,
    host: String,
    from: Mailbox,
}

/// What is wrong with the settings, and what to write instead. Never the URL, which holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    #[error(
        "is not an SMTP URL; write it like smtps://user:password@smtp.example.com or smtp://smtp.example.com:587?tls=required"
    )]
    Url,
    #[error("would send the password in clear; write smtps://, or add ?tls=required")]
    ClearPassword,
    #[error("is not an e-mail address; write it like avouch@example.com or Avouch <avouch@example.com>")]
    From,
    #[error(
        "the extra CA file (AVOUCH_UPSTREAM_CA_FILE) holds no PEM certificate; it needs -----BEGIN CERTIFICATE----- blocks"
    )]
    ExtraCa,
}

impl Smtp {
    /// `smtps://` speaks TLS from the first byte; `smtp://` after STARTTLS with `?tls=required`, and not at all without,
    /// which is for a relay beside us that asks for no password.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(url: &Secret<String>, from: &str) -> Result<Self, SmtpError> {
        let parsed = Url::parse(url.expose()).map_err(|_| SmtpError::Url)?;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or(SmtpError::Url)?.to_owned();
        let tls = match (parsed.scheme(), parsed.query()) {
            ("smtps", None) | ("smtp", Some("tls=required")) => true,
            ("smtp", None) => false,
            _ => return Err(SmtpError::Url),
        };
        if !tls && (!parsed.username().is_empty() || parsed.password().is_some()) {
            return Err(SmtpError::ClearPassword);
        }
        AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose()).map_err(|_| SmtpError::Url)?;
        let from = from.trim().parse().map_err(|_| SmtpError::From)?;
        Ok(Self { url: Secret::new(url.expose().clone()), host, from })
    }
}

/// Plain text to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The same at each attempt, so that a letter whose receipt got lost is seen once.
    pub id: String,
    pub at: OffsetDateTime,
}

/// In the server's words or the network's, bounded; `again`: whether a later attempt may succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct MailError {
    pub again: bool,
    pub detail: String,
}

/// Opens a connection for each letter: there are a few a day.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

impl Mailer {
    /// `name`: who we say we are (EHLO).
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(smtp: &Smtp, name: &str, extra_ca_pem: Option<&[u8]>) -> Result<Self, SmtpError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.url.expose()).map_err(|_| SmtpError::Url)?;
        let builder = builder.timeout(Some(TIMEOUT)).hello_name(ClientId::Domain(name.to_owned()));
        let Some(pem) = extra_ca_pem.filter(|_| is_tls(smtp.url.expose())) else {
            return Ok(Self { transport: builder.build(), from: smtp.from.clone(), host: smtp.host.clone() });
        };
        let mut parameters = TlsParameters::builder(smtp.host.clone()).certificate_store(CertificateStore::Default);
        for der in CertificateDer::pem_slice_iter(pem) {
            let der = der.map_err(|_| SmtpError::ExtraCa)?;
            let certificate = Certificate::from_der(der.to_vec()).map_err(|_| SmtpError::ExtraCa)?;
            parameters = parameters.add_root_certificate(certificate);
        }
        let parameters = parameters.build_rustls().map_err(|_| SmtpError::ExtraCa)?;
        let tls = if smtp.url.expose().starts_with("smtps:") { Tls::Wrapper } else { Tls::Required };
        Ok(Self { transport: builder.tls(tls(parameters)).build(), from: smtp.from.clone(), host: smtp.host.clone() })
    }

    /// The server's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let never = |detail: String| MailError { again: false, detail };
        let to: Address = letter.to.parse().map_err(|_| never(format!("{:?} is no e-mail address", letter.to)))?;
        // RFC 3834: nobody's holiday notice answers a machine
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(&letter.subject)
            .date(letter.at.into())
            .message_id(Some(letter.id.clone()))
            .header(ContentType::TEXT_PLAIN)
            .raw_header(automatic)
            .body(letter.text.clone())
            .map_err(|error| never(error.to_string()))?;
        let sent = tokio::time::timeout(TIMEOUT, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(MailError { again: !error.is_permanent(), detail: bounded(&told(&error)) }),
            Err(_elapsed) => Err(MailError {
                again: true,
                detail: format!("the mail server did not finish within {} s", TIMEOUT.as_secs()),
            }),
        }
    }
}

fn is_tls(url: &str) -> bool {
    url.starts_with("smtps:") || url.ends_with("tls=required")
}

/// The error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The server's words are anybody's.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str, from: &str) -> Result<Smtp, SmtpError> {
        Smtp::new(&Secret::new(url.to_owned()), from)
    }

    #[test]
    fn a_password_never_goes_in_clear() {
        let from = "avouch@example.com";
        for url in ["smtps://u:p@mx.example", "smtp://u:p@mx.example:587?tls=required", "smtp://127.0.0.1:25"] {
            assert!(smtp(url, from).is_ok(), "{url}");
        }
        for url in ["smtp://u:p@mx.example", "smtp://u@mx.example"] {
            assert_eq!(smtp(url, from).unwrap_err(), SmtpError::ClearPassword, "{url}");
        }
        for url in ["https://mx.example", "smtp://u:p@mx.example?tls=opportunistic", "mx.example:25", "smtps://"] {
            assert_eq!(smtp(url, from).unwrap_err(), SmtpError::Url, "{url}");
        }
        assert_eq!(smtp("smtps://mx.example", "nobody").unwrap_err(), SmtpError::From);
        assert!(!format!("{:?}", smtp("smtps://u:hush@mx.example", from).unwrap()).contains("hush"));
    }
}
