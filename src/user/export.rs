//! Lists of people for other systems: the `users:` of an InfluxDB cluster, and a table for people.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::list::Listed;

#[derive(Serialize)]
struct InfluxUsers<'a> {
    users: Vec<InfluxUser<'a>>,
}

/// InfluxDB Clustered, `spec.package.spec.admin.users` of an AppInstance or `admin.users` of the Helm chart: every field is
/// needed, `id` is the token's `sub`, and the others may say anything.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InfluxUser<'a> {
    id: &'a str,
    first_name: String,
    last_name: String,
    email: String,
}

/// # Errors
/// when a value cannot be written, which none of ours is.
pub fn influxdb(people: &[Listed]) -> Result<String, serde_saphyr::SerializeError> {
    let users = people.iter().map(|person| {
        let (first, last) = names(person);
        InfluxUser {
            id: person.id.as_str(),
            first_name: first,
            last_name: last,
            // RFC 2606 §2: nobody gets mail there
            email: person.email.clone().unwrap_or_else(|| format!("{}@users.invalid", person.id)),
        }
    });
    serde_saphyr::to_string(&InfluxUsers { users: users.collect() })
}

fn names(person: &Listed) -> (String, String) {
    let whole = person.name.as_deref().unwrap_or_default().trim();
    let (first, last) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
    let or = |given: &Option<String>, part: &str| {
        let known = given.as_deref().map(str::trim).filter(|given| !given.is_empty()).unwrap_or_else(|| part.trim());
        if known.is_empty() { "Unknown".to_owned() } else { known.to_owned() }
    };
    (or(&person.given_name, first), or(&person.family_name, last))
}

/// RFC 4180, for a spreadsheet.
///
/// # Errors
/// none that a table in memory has.
pub fn table(people: &[Listed]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(["sub", "email", "name", "status", "connections", "created_at", "last_sign_in_at"])?;
    for person in people {
        let at = |at: Option<time::OffsetDateTime>| at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
        out.write_record([
            person.id.as_str(),
            &inert(person.email.as_deref().unwrap_or_default()),
            &inert(person.name.as_deref().unwrap_or_default()),
            person.status.as_str(),
            &person.connections.join(" "),
            &at(Some(person.created_at)),
            &at(person.last_login_at),
        ])?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// A spreadsheet would compute what begins like a formula, and people choose their names.
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;
    use crate::user::UserStatus;

    fn person(name: &str, given: Option<&str>, email: Option<&str>) -> Listed {
        Listed {
            id: UserId::from_stored("usr_1".into()),
            status: UserStatus::Active,
            email: email.map(Into::into),
            name: Some(name.into()),
            given_name: given.map(Into::into),
            family_name: None,
            managed_by: None,
            created_at: time::OffsetDateTime::UNIX_EPOCH,
            last_login_at: None,
            connections: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn every_field_of_influxdb_has_a_text_whatever_the_person_is_called() {
        let people = [
            person("Marty Mc Fly", None, Some("mcfly@x.example")),
            person("Cher", None, None),
            person("null", Some("yes: [no] # {x}"), Some("a: b\n- c")),
        ];
        let yaml = influxdb(&people).unwrap();
        let first = "users:\n- id: usr_1\n  firstName: Marty\n  lastName: Mc Fly\n  email: mcfly@x.example\n";
        assert!(yaml.starts_with(first), "{yaml}");
        let read: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        let fields =
            |at: usize| ["firstName", "lastName", "email"].map(|f| read["users"][at][f].as_str().unwrap().to_owned());
        assert_eq!(fields(1), ["Cher", "Unknown", "usr_1@users.invalid"]);
        assert_eq!(fields(2), ["yes: [no] # {x}", "Unknown", "a: b\n- c"]);
    }

    #[test]
    fn a_spreadsheet_computes_nothing() {
        let people = [person("=HYPERLINK(\"http://evil\")", None, Some("-1@x")), person("@SUM,\n", None, None)];
        let table = String::from_utf8(table(&people).unwrap()).unwrap();
        let lines: Vec<_> = table.split("\r\n").collect();
        assert_eq!(lines[1], "usr_1,'-1@x,\"'=HYPERLINK(\"\"http://evil\"\")\",active,a b,1970-01-01T00:00:00Z,");
        assert!(lines[2].starts_with("usr_1,,\"'@SUM,\n\",active"), "{table}");
    }
}
