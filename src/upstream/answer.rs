//! What an endpoint that authenticates clients has answered (RFC 6749 §5): the one place where our credential being
//! refused is told from everything else, for sign-ins, refreshes and rehearsals alike. A provider that is out of order has
//! never refused anything.

use http::StatusCode;
use serde::Deserialize;

use super::quoted::{error_code, quoted};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Status 200, and the body says nothing of an error.
    Given,
    /// It does not know us by what we have shown.
    ClientRefused(Words),
    /// It knows us, and not the code or token (`invalid_grant`).
    GrantRefused(Words),
    Refused(Words),
    /// Out of order, or nothing that can be read. Says what came.
    Nothing(String),
}

/// The error and its description: the provider's, bounded and on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) error: String,
    pub(super) description: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Answer {
    /// The body counts where it names an error: some answer 200 with one.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Self {
        let nothing = || Self::Nothing(format!("the provider answered with status {}", status.as_u16()));
        if status != StatusCode::OK && (!status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS) {
            return nothing();
        }
        let refusal = serde_json::from_slice::<Refusal>(body).ok().filter(|refusal| !refusal.error.is_empty());
        let Some(Refusal { error, error_description }) = refusal else {
            return if status == StatusCode::OK { Self::Given } else { nothing() };
        };
        let words = Words { error: error_code(&error), description: quoted(&error_description, 300) };
        match words.error.as_str() {
            // RFC 6749 §5.2; the second is Keycloak's word for a wrong secret
            "invalid_client" | "unauthorized_client" | "incorrect_client_credentials" => Self::ClientRefused(words),
            // Auth0's and Rauthy's words for it
            "access_denied" | "Unauthorized" if status == StatusCode::UNAUTHORIZED => Self::ClientRefused(words),
            "invalid_grant" | "bad_verification_code" => Self::GrantRefused(words),
            "temporarily_unavailable" | "server_error" => Self::Nothing(words.to_string()),
            _ => Self::Refused(words),
        }
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.description.as_str() {
            "" => f.write_str(&self.error),
            description => write!(f, "{}: {description}", self.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> &'static str {
        match Answer::read(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            Answer::Given => "given",
            Answer::ClientRefused(_) => "client",
            Answer::GrantRefused(_) => "grant",
            Answer::Refused(_) => "refused",
            Answer::Nothing(_) => "nothing",
        }
    }

    #[test]
    fn every_way_of_refusing_a_client_is_told_from_a_failure() {
        for (status, body, what) in [
            (401, r#"{"error":"invalid_client"}"#, "client"),
            (400, r#"{"error":"invalid_client"}"#, "client"),
            (401, r#"{"error":"unauthorized_client","error_description":"Invalid client"}"#, "client"),
            (401, r#"{"error":"access_denied","error_description":"Unauthorized"}"#, "client"),
            (403, r#"{"error":"access_denied"}"#, "refused"),
            (200, r#"{"error":"invalid_client"}"#, "client"),
            (200, r#"{"error":"invalid_grant"}"#, "grant"),
            (400, r#"{"error":"invalid_grant","error_description":"x"}"#, "grant"),
            (400, r#"{"error":"invalid_request"}"#, "refused"),
            (200, r#"{"access_token":"x"}"#, "given"),
            (500, r#"{"error":"invalid_client"}"#, "nothing"),
            (503, r#"{"error":"invalid_grant"}"#, "nothing"),
            (429, r#"{"error":"invalid_client"}"#, "nothing"),
            (400, r#"{"error":"server_error"}"#, "nothing"),
            (400, "<html>", "nothing"),
            (401, "", "nothing"),
            (302, r#"{"error":"invalid_client"}"#, "nothing"),
        ] {
            assert_eq!(read(status, body), what, "{status} {body}");
        }
    }
}
