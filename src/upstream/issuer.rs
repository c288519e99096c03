//! Which issuer is right. Nearly always the configured one, byte for byte. A multi-tenant Entra issuer stands for many:
//! each token names its tenant in `tid`, which must be on the operator's list, and its `iss` is the template filled in.

use serde_json::Value;

use super::UpstreamError;
use super::quoted::quoted;
use crate::connection::OidcSettings;

const PLACEHOLDER: &str = "{tenantid}";

/// `https://login.microsoftonline.com/{tenantid}/v2.0` for `https://login.microsoftonline.com/organizations/v2.0`.
fn template(settings: &OidcSettings) -> Option<String> {
    if !settings.is_multi_tenant() {
        return None;
    }
    let (host, tenant) = settings.issuer.trim_end_matches('/').strip_suffix("/v2.0")?.rsplit_once('/')?;
    let tail = &settings.issuer[host.len() + 1 + tenant.len()..];
    Some(format!("{host}/{PLACEHOLDER}{tail}"))
}

/// Every issuer a token of this connection may name.
///
/// # Errors
/// `tenants_missing`.
pub(super) fn acceptable(settings: &OidcSettings) -> Result<Vec<String>, UpstreamError> {
    let Some(template) = template(settings) else {
        return Ok(vec![settings.issuer.clone()]);
    };
    if settings.tenants.is_empty() {
        return Err(UpstreamError::misconfigured(
            "tenants_missing",
            "the issuer stands for every Entra tenant; list the tenant ids that may sign in under `tenants`",
        ));
    }
    Ok(settings.tenants.iter().map(|tenant| template.replace(PLACEHOLDER, tenant)).collect())
}

/// Whether a discovery document's `issuer` is the connection's.
///
/// # Errors
/// `discovery_issuer_mismatch`, `tenants_missing`.
pub(super) fn check_document(settings: &OidcSettings, named: &str) -> Result<(), UpstreamError> {
    let acceptable = acceptable(settings)?;
    if template(settings).as_deref() == Some(named) || acceptable.iter().any(|issuer| issuer == named) {
        return Ok(());
    }
    Err(UpstreamError::misconfigured(
        "discovery_issuer_mismatch",
        format!(
            "the discovery document names the issuer {:?}; enter exactly that as the connection's issuer, if it is the right one",
            quoted(named, 200)
        ),
    ))
}

/// The issuer an ID token with these (unverified) claims must name to be let in.
///
/// # Errors
/// `tid_missing`, `tenant_not_allowed`.
pub(super) fn expected(settings: &OidcSettings, claims: &Value) -> Result<String, UpstreamError> {
    let template = template(settings);
    if template.is_none() && settings.tenants.is_empty() {
        return Ok(settings.issuer.clone());
    }
    let tid = claims["tid"].as_str().unwrap_or_default();
    if tid.is_empty() {
        return Err(UpstreamError::invalid(
            "tid_missing",
            "the ID token names no tenant (tid), and the connection lists tenants",
        ));
    }
    if !settings.tenants.iter().any(|tenant| tenant.eq_ignore_ascii_case(tid)) {
        let detail = format!("the tenant {:?} is not listed under the connection's tenants", quoted(tid, 64));
        return Err(UpstreamError::invalid("tenant_not_allowed", detail));
    }
    Ok(template.map_or_else(|| settings.issuer.clone(), |template| template.replace(PLACEHOLDER, tid)))
}

/// Whether a key of a multi-tenant JWK set may sign for `issuer`: Entra marks keys that belong to one tenant or to the
/// template with an `issuer` of their own.
pub(super) fn key_may_sign(key: &Value, issuer: &str, tid: Option<&str>) -> bool {
    match (key["issuer"].as_str(), tid) {
        (Some(owner), Some(tid)) => owner.replace(PLACEHOLDER, tid) == issuer,
        (Some(_), None) | (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connection::ClientAuthentication;

    fn settings(issuer: &str, tenants: &[&str]) -> OidcSettings {
        OidcSettings {
            issuer: issuer.into(),
            client_id: "c".into(),
            client_authentication: ClientAuthentication::ClientSecretPost,
            key_rotation: None,
            graph: None,
            scopes: vec![],
            tenants: tenants.iter().map(|t| (*t).into()).collect(),
            endpoints: None,
            assertion_audience: Default::default(),
            prompt: None,
            max_age: None,
            acr_values: None,
            domain_hint: None,
            upstream_logout: false,
            refresh: Default::default(),
        }
    }

    #[test]
    fn one_issuer_is_compared_byte_for_byte() {
        let one = settings("https://idp.example/", &[]);
        assert!(check_document(&one, "https://idp.example/").is_ok());
        for near in ["https://idp.example", "https://idp.example//", "https://IDP.example/", "https://{tenantid}/"] {
            assert_eq!(check_document(&one, near).unwrap_err().reason(), "discovery_issuer_mismatch");
        }
        assert_eq!(expected(&one, &json!({"tid": "x"})).unwrap(), "https://idp.example/");
    }

    #[test]
    fn many_tenants_need_a_list_and_a_token_that_names_its_tenant() {
        let issuer = "https://login.microsoftonline.com/organizations/v2.0";
        let many = settings(issuer, &["AAAA-1", "bbbb-2"]);
        assert!(check_document(&many, "https://login.microsoftonline.com/{tenantid}/v2.0").is_ok());
        assert!(check_document(&many, "https://evil.example/{tenantid}/v2.0").is_err());
        assert_eq!(
            expected(&many, &json!({"tid": "aaaa-1"})).unwrap(),
            "https://login.microsoftonline.com/aaaa-1/v2.0"
        );
        assert_eq!(expected(&many, &json!({"tid": "cccc-3"})).unwrap_err().reason(), "tenant_not_allowed");
        assert_eq!(expected(&many, &json!({})).unwrap_err().reason(), "tid_missing");
        assert_eq!(acceptable(&settings(issuer, &[])).unwrap_err().reason(), "tenants_missing");
        assert_eq!(check_document(&settings(issuer, &[]), issuer).unwrap_err().reason(), "tenants_missing");
    }

    #[test]
    fn a_list_of_tenants_counts_for_a_single_tenant_issuer_too() {
        let one = settings("https://login.microsoftonline.com/t1/v2.0", &["t1"]);
        assert!(expected(&one, &json!({"tid": "t1"})).is_ok());
        assert_eq!(expected(&one, &json!({"tid": "t2"})).unwrap_err().reason(), "tenant_not_allowed");
    }

    #[test]
    fn a_key_of_another_tenant_signs_nothing() {
        let issuer = "https://login.microsoftonline.com/t1/v2.0";
        for (owner, expected) in [
            (json!({"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}), true),
            (json!({"issuer": issuer}), true),
            (json!({}), true),
            (json!({"issuer": "https://login.microsoftonline.com/9188040d/v2.0"}), false),
        ] {
            assert_eq!(key_may_sign(&owner, issuer, Some("t1")), expected);
        }
    }
}
