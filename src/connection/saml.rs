//! Settings of a SAML 2.0 identity provider. Stored as JSON in `connections.settings`. How the provider's answers are
//! read stands with its claims: SAML attributes are lists, named in as many ways as there are products.

use serde::{Deserialize, Serialize};

use super::Mapping;
use crate::cel::Expression;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlSettings {
    pub source: IdpSource,
    /// The provider's entity id. With metadata it pins which entity counts; by hand it is mandatory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<String>,
    /// Ours, where it is not the URL of our metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_entity_id: Option<String>,
    pub sign_requests: bool,
    #[serde(default)]
    pub want_signed: WantSigned,
    #[serde(default)]
    pub encryption: Encryption,
    /// Ask the person anew at every sign-in.
    #[serde(default)]
    pub force_authn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_format: Option<String>,
    /// AuthnContextClassRefs: one must be asked for and met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_authn_context: Vec<String>,
    /// The attribute that says who the person is; absent: the NameID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where the provider takes logout messages; metadata says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// Whether signing out here goes on to the provider. Its own logout requests are followed in any case.
    #[serde(default)]
    pub single_logout: bool,
}

/// A single logout service entered by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    pub url: String,
    #[serde(default)]
    pub binding: SsoBinding,
    /// Where answers go, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_url: Option<String>,
}

/// Where the provider's addresses and certificates come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IdpSource {
    /// Fetched when needed and kept for a while.
    MetadataUrl { url: String },
    /// The document itself.
    Metadata { xml: String },
    /// Entered by hand; certificates are PEM or bare base64.
    Manual { sso_url: String, sso_binding: SsoBinding, certificates: Vec<String> },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsoBinding {
    #[default]
    Redirect,
    Post,
}

/// What must be signed. Unsigned answers are never taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantSigned {
    Response,
    Assertion,
    #[default]
    Either,
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    Never,
    #[default]
    Allow,
    Require,
}

const CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
const MICROSOFT: &str = "http://schemas.microsoft.com";

/// What providers call things, most specific first. An address counts as verified for the connection's own domains only,
/// as everywhere.
pub(super) fn mapping() -> Mapping {
    let claim = |name: &str| format!("{CLAIMS}/{name}");
    // a NameID in the e-mail format is an address, where no attribute is one
    let name_id =
        "claims.name_id_format == 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' ? claims.name_id : null";
    Mapping {
        email: first(
            &["mail", "email", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", &claim("emailaddress")],
            name_id,
        ),
        email_verified: None,
        name: first(
            &[
                "displayName",
                "displayname",
                "urn:oid:2.16.840.1.113730.3.1.241",
                &format!("{MICROSOFT}/identity/claims/displayname"),
                "name",
                "cn",
                "urn:oid:2.5.4.3",
            ],
            "null",
        ),
        given_name: first(
            &["givenName", "given_name", "firstName", "first_name", "urn:oid:2.5.4.42", &claim("givenname")],
            "null",
        ),
        family_name: first(
            &["sn", "surname", "lastName", "last_name", "family_name", "urn:oid:2.5.4.4", &claim("surname")],
            "null",
        ),
        preferred_username: first(
            &[
                "preferred_username",
                "eduPersonPrincipalName",
                "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
                &claim("upn"),
                "upn",
                "uid",
                "urn:oid:0.9.2342.19200300.100.1.1",
                "username",
                &claim("name"),
            ],
            "null",
        ),
        groups: groups(&[
            "groups",
            "memberOf",
            "isMemberOf",
            "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
            "Group",
            "group",
            "http://schemas.xmlsoap.org/claims/Group",
            &format!("{MICROSOFT}/ws/2008/06/identity/claims/groups"),
        ]),
    }
}

/// The first value of the first attribute that has one.
fn first(names: &[&str], otherwise: &str) -> Option<Expression> {
    let names = list(names);
    read(&format!("({names}.filter(n, n in claims && size(claims[n]) > 0).map(n, claims[n][0]) + [{otherwise}])[0]"))
}

/// All values of the first attribute that is there.
fn groups(names: &[&str]) -> Option<Expression> {
    read(&format!("({}.filter(n, n in claims).map(n, claims[n]) + [[]])[0]", list(names)))
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn read(source: &str) -> Option<Expression> {
    Some(Expression::parse(source).expect("expressions of presets are tested"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn evaluated(expression: Option<Expression>, claims: &Value) -> Value {
        expression.unwrap().evaluate(&[("claims", claims)]).unwrap()
    }

    #[test]
    fn attributes_are_found_under_the_names_that_products_give_them() {
        let entra = json!({
            "name_id": "x", "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            (format!("{CLAIMS}/emailaddress")): ["marty@contoso.com"],
            (format!("{CLAIMS}/givenname")): ["Marty"],
            (format!("{CLAIMS}/surname")): ["McFly"],
            "http://schemas.microsoft.com/identity/claims/displayname": ["Marty McFly"],
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups": ["a", "b"],
        });
        assert_eq!(evaluated(mapping().email, &entra), "marty@contoso.com");
        assert_eq!(evaluated(mapping().name, &entra), "Marty McFly");
        assert_eq!(evaluated(mapping().given_name, &entra), "Marty");
        assert_eq!(evaluated(mapping().family_name, &entra), "McFly");
        assert_eq!(evaluated(mapping().groups, &entra), json!(["a", "b"]));
        assert_eq!(evaluated(mapping().preferred_username, &entra), Value::Null);
    }

    #[test]
    fn an_address_in_the_name_id_counts_where_no_attribute_is_one() {
        let format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
        let bare = json!({"name_id": "m@x.test", "name_id_format": format, "mail": []});
        assert_eq!(evaluated(mapping().email, &bare), "m@x.test");
        assert_eq!(evaluated(mapping().groups, &bare), json!([]));
        let other = json!({"name_id": "m@x.test", "name_id_format": "urn:x"});
        assert_eq!(evaluated(mapping().email, &other), Value::Null);
    }
}
