//! A client looked at by the doctor, at the desk. What is looked at and what is said of it is [`crate::doctor`]'s.

pub mod api;
pub mod pages;

use super::path;
use crate::admin::Trouble;
use crate::admin::form::given;
use crate::audit::Author;
use crate::broker::Broker;
use crate::client::ClientId;
use crate::doctor::{self, DoctorError, Expected, Report, Wanted};
use crate::ids::UserId;
use crate::provisioning::Problem;

/// Where the doctor is asked about a client, by the rules of a system if that is known already.
pub fn href(id: &ClientId, system: Option<&str>) -> String {
    let asked = system.map(|name| format!("?system={name}")).unwrap_or_default();
    format!("{}/doctor{asked}", path(id))
}

/// As it was written; what is blank was left out.
#[derive(Clone, Debug, Default)]
struct Asked {
    system: String,
    /// A `sub`.
    user: String,
    issuer: String,
    audience: String,
    groups_claim: String,
}

/// # Errors
/// [`Trouble::Unknown`]: no such client; [`Trouble::Invalid`] by field.
async fn examine(broker: &Broker, author: &Author, id: &ClientId, asked: &Asked) -> Result<Report, Trouble> {
    let person = given(&asked.user);
    if let Some(wrong) = person.as_deref().filter(|sub| !UserId::is_well_formed(sub)) {
        return Err(invalid("user", format!("{wrong:?} is not the sub of a person: they begin with usr_")));
    }
    let expected = Expected {
        issuer: given(&asked.issuer),
        audience: given(&asked.audience),
        groups_claim: given(&asked.groups_claim),
    };
    let wanted = Wanted { system: given(&asked.system), person: person.map(UserId::from_stored), expected };
    Ok(doctor::examine(broker, author, id, &wanted).await?)
}

fn invalid(path: &str, reason: String) -> Trouble {
    Trouble::Invalid(vec![Problem { path: path.into(), reason }])
}

impl From<DoctorError> for Trouble {
    fn from(error: DoctorError) -> Self {
        match error {
            DoctorError::NoClient(id) => Self::Unknown(format!("client {id}")),
            DoctorError::NoUser(_) => invalid("user", error.to_string()),
            DoctorError::NoSystem(_) => invalid("system", error.to_string()),
            DoctorError::Database(error) => error.into(),
        }
    }
}
