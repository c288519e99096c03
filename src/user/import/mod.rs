//! People created ahead, many at once: what a table says, everything that is wrong with it by line, and bringing it in as a
//! whole or not at all. Bringing the same table twice changes nothing the second time.

mod store;
mod table;

pub use table::{COLUMNS, Lines, MOST_BYTES, MOST_ROWS, parse};

use serde_json::json;

use super::IdentityKey;
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{AuditEventId, ConnectionId, IdentityId, UserId};

/// One person as somebody wrote them down. Blank is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Of the table, counted from 1; the header is one of them.
    pub line: u64,
    pub email: String,
    pub name: String,
    /// The slug.
    pub connection: String,
    pub subject: String,
    pub issuer: String,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    /// Empty where it is about the whole line.
    pub column: &'static str,
    pub reason: String,
}

/// A connection as far as it matters here.
#[derive(Clone, Debug)]
pub struct Place {
    pub id: ConnectionId,
    /// The issuer that every identity of the connection has; none when there are several, or it is not known.
    pub issuer: Option<String>,
}

/// A row that may be brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub line: u64,
    pub email: Option<String>,
    pub name: Option<String>,
    pub connection: ConnectionId,
    pub key: IdentityKey,
}

/// # Errors
/// everything that is wrong with the rows, in their order.
pub fn check(rows: &[Row], place: impl Fn(&str) -> Option<Place>) -> Result<Vec<Ready>, Vec<Fault>> {
    let (mut ready, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut seen = std::collections::HashMap::new();
    for row in rows {
        let before = faults.len();
        let mut fault = |column, reason: String| faults.push(Fault { line: row.line, column, reason });
        for (column, text, most) in [
            ("email", &row.email, 254),
            ("name", &row.name, 200),
            ("subject", &row.subject, 1000),
            ("issuer", &row.issuer, 1000),
        ] {
            if text.chars().any(char::is_control) {
                fault(column, "holds a control character".into());
            } else if text.chars().count() > most {
                fault(column, format!("is longer than {most} characters"));
            }
        }
        if !row.email.is_empty() && !is_email(&row.email) {
            fault("email", format!("{:?} is not an e-mail address", row.email));
        }
        if row.email.is_empty() && row.name.is_empty() {
            fault("email", "give an e-mail address or a name, so that somebody can find this person".into());
        }
        if row.subject.is_empty() {
            fault(
                "subject",
                "is empty: write what the provider calls the person (sub; for Entra oid; for SAML the NameID)".into(),
            );
        }
        let place = place(&row.connection);
        let issuer = Some(row.issuer.clone()).filter(|i| !i.is_empty()).or_else(|| place.as_ref()?.issuer.clone());
        match (&place, &issuer) {
            (None, _) if row.connection.is_empty() => fault("connection", "is empty: write the slug of a connection".into()),
            (None, _) => fault("connection", format!("there is no connection {:?}", row.connection)),
            (Some(_), None) => fault(
                "issuer",
                "the connection stands for several tenants, or fetches its metadata: write the issuer of the person's tenant (SAML: the entity id)".into(),
            ),
            _ => {}
        }
        let (Some(place), Some(issuer)) = (place, issuer) else { continue };
        let key = IdentityKey { issuer, subject: row.subject.clone() };
        if let Some(first) = seen.insert((place.id.to_string(), key.clone()), row.line)
            && faults.len() == before
        {
            let reason = format!("this person stands on line {first} already");
            faults.push(Fault { line: row.line, column: "subject", reason });
        }
        if faults.len() == before {
            let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            let (email, name) = (given(&row.email), given(&row.name));
            ready.push(Ready { line: row.line, email, name, connection: place.id, key });
        }
    }
    if faults.is_empty() { Ok(ready) } else { Err(faults) }
}

pub fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// What an import found and made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// With the line that brought them.
    pub created: Vec<(u64, UserId)>,
    /// Known by that identity already; nothing about them was changed.
    pub known: Vec<(u64, UserId)>,
}

/// What [`import`] would do.
///
/// # Errors
/// the database's.
pub async fn preview(conn: &mut Conn, rows: &[Ready]) -> Result<Vec<Option<UserId>>, sqlx::Error> {
    store::known(conn, rows).await
}

/// Brings in all of them, or none.
///
/// # Errors
/// the database's.
pub async fn import(ctx: &Ctx, author: &Author, rows: &[Ready]) -> Result<Imported, sqlx::Error> {
    let attempt = || {
        db::in_tx(&ctx.db, async |conn: &mut Conn| {
            let now = ctx.now();
            let mut imported = Imported::default();
            let mut fresh = Vec::new();
            for (row, known) in rows.iter().zip(store::known(conn, rows).await?) {
                match known {
                    Some(id) => imported.known.push((row.line, id)),
                    None => {
                        let id = UserId::new(now, &ctx.rng);
                        imported.created.push((row.line, id.clone()));
                        fresh.push((id, IdentityId::new(now, &ctx.rng), row));
                    }
                }
            }
            store::insert(conn, &fresh, &author.actor, now).await?;
            let events: Vec<_> = fresh
                .iter()
                .map(|(id, ..)| (AuditEventId::new(now, &ctx.rng), now, author.did("user.created").about(id)))
                .collect();
            audit::store::insert(conn, &events).await?;
            let detail = json!({ "created": imported.created.len(), "known": imported.known.len() });
            audit::record(ctx, conn, author.did("users.imported").detail(detail)).await?;
            Ok(imported)
        })
    };
    match attempt().await {
        // one of them came, or was created, a moment ago
        Err(error) if db::on_constraint(&error, "identities_key") => attempt().await,
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(slug: &str) -> Option<Place> {
        let issuer = (slug != "tenants").then(|| format!("https://{slug}.example"));
        (slug != "nowhere").then(|| Place { id: ConnectionId::from_stored(slug.into()), issuer })
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_by_line() {
        let text = "subject,email,connection\n1,a@x.example,contoso\n,b,nowhere\n1,c@x.example,contoso\n4,,tenants\n";
        let faults = check(&parse(text.as_bytes()).unwrap(), place).unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
        assert_eq!(
            told,
            [(3, "email"), (3, "subject"), (3, "connection"), (4, "subject"), (5, "email"), (5, "issuer")]
        );
        assert!(faults[3].reason.contains("line 2"), "{faults:?}");
    }
}
