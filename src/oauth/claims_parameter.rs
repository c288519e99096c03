//! OIDC Core §5.5 `claims`: claims asked for one by one, beside what the scopes bring.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::{ErrorCode, OAuthError};

const LONGEST: usize = 4096;

/// What was asked for, by the place where it is wanted. A name without more said of it stands with the empty wish.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ClaimsParameter {
    id_token: Option<BTreeMap<String, Option<Wish>>>,
    userinfo: Option<BTreeMap<String, Option<Wish>>>,
}

/// §5.5.1.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Wish {
    essential: bool,
    value: Option<Value>,
    values: Option<Vec<Value>>,
}

impl ClaimsParameter {
    /// # Errors
    /// `invalid_request` when it is no such JSON object, or longer than 4 KiB.
    pub fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        let Some(text) = text else { return Ok(Self::default()) };
        if text.len() > LONGEST {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "claims is longer than 4096 bytes"));
        }
        // an object first: the derived reader would take an array for a struct
        let object = serde_json::from_str::<serde_json::Map<String, Value>>(text).map(Value::Object);
        object.and_then(serde_json::from_value).map_err(|_| {
            OAuthError::new(
                ErrorCode::InvalidRequest,
                "claims is not a JSON object as OpenID Connect Core section 5.5 describes it",
            )
        })
    }

    pub fn of_id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    pub fn of_userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// The person it must be about and nobody else.
    pub fn sub(&self) -> Option<&str> {
        [&self.id_token, &self.userinfo].into_iter().find_map(|place| wish(place, "sub")?.value.as_ref()?.as_str())
    }

    /// §5.5.1.1: the ways to sign in that would do, and whether no other does.
    pub fn acr(&self) -> (Vec<String>, bool) {
        let Some(wish) = wish(&self.id_token, "acr") else { return (Vec::new(), false) };
        let values = wish.value.iter().chain(wish.values.iter().flatten());
        (values.filter_map(Value::as_str).map(Into::into).collect(), wish.essential)
    }
}

fn wish<'a>(place: &'a Option<BTreeMap<String, Option<Wish>>>, name: &str) -> Option<&'a Wish> {
    place.as_ref()?.get(name)?.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_understood() {
        let text = r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true}, "acr": {"essential": true, "values": ["urn:mace:incommon:iap:silver"]},
                         "sub": {"value": "248289761001"}}, "other": 1}"#;
        let claims = ClaimsParameter::parse(Some(text)).unwrap();
        assert_eq!(claims.of_id_token().collect::<Vec<_>>(), ["acr", "auth_time", "sub"]);
        assert_eq!(claims.of_userinfo().count(), 3);
        assert_eq!(claims.sub(), Some("248289761001"));
        assert_eq!(claims.acr(), (vec!["urn:mace:incommon:iap:silver".into()], true));
    }

    #[test]
    fn what_is_no_such_object_is_refused() {
        for text in [
            "x",
            "[]",
            "1",
            r#"{"id_token": 1}"#,
            r#"{"userinfo": {"name": "x"}}"#,
            &"[".repeat(4000),
            &" ".repeat(5000),
        ] {
            assert_eq!(ClaimsParameter::parse(Some(text)).unwrap_err().code, ErrorCode::InvalidRequest, "{text}");
        }
        for text in ["{}", r#"{"id_token": null}"#] {
            assert!(ClaimsParameter::parse(Some(text)).is_ok());
        }
    }
}
