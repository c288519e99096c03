//! What goes wrong with tokens of Microsoft Entra, told in its words: by far the most asked question of its users.

use serde_json::Value;

use super::Refusal;
use crate::jose::Jwt;

/// Microsoft Graph, by its application id and by its address.
const GRAPH: [&str; 3] =
    ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.microsoft.com/"];
const ISSUERS: [&str; 2] = ["https://sts.windows.net/", "https://login.microsoftonline.com/"];

/// A token for Graph has a `nonce` in its header that makes its signature good for Graph alone; nobody else can verify it.
///
/// # Errors
/// [`Refusal`] with the remedy.
pub(super) fn not_for_graph(jwt: &Jwt) -> Result<(), Refusal> {
    let audience = jwt.claims.get("aud").and_then(Value::as_str).unwrap_or_default();
    let sealed = is_microsoft(jwt) && jwt.header.nonce.is_some();
    if !sealed && !GRAPH.contains(&audience) {
        return Ok(());
    }
    let text = "this is an access token for Microsoft Graph (aud 00000003-0000-0000-c000-000000000000 or \
                https://graph.microsoft.com, nonce in its header), which only Graph can verify; request it with \
                scope=api://<application id>/.default for an application that exposes an API";
    Err(Refusal::new("assertion_for_graph", text))
}

/// Why the issuer may be another one than was registered.
pub(super) fn issuer_hint(jwt: &Jwt) -> &'static str {
    if is_microsoft(jwt) {
        "; compare the tenant id in it, and the token version: v1 tokens come from https://sts.windows.net/TENANT/, v2 ones \
         from https://login.microsoftonline.com/TENANT/v2.0"
    } else {
        ""
    }
}

fn is_microsoft(jwt: &Jwt) -> bool {
    jwt.text("iss").is_some_and(|iss| ISSUERS.iter().any(|host| iss.starts_with(host)))
}
