//! The doctor: tells beforehand whether a client will work at a system, and whether the broker itself is well. It sends what
//! the client would send, takes a token apart that is never used, and says of every finding what breaks and what to change.
//! Owns the rules of systems; it changes nothing and shows no secret and no token.

mod exchange;
mod finding;
mod house;
mod published;
mod reach;
pub mod system;
mod token;
mod wire;

use serde_json::json;

pub use finding::{Finding, Report, State};
pub use system::{SYSTEMS, System};
pub use token::Expected;

use crate::audit::{self, Author};
use crate::broker::Broker;
use crate::client::{Client, ClientId};
use crate::connection::Profile;
use crate::ids::{SessionId, UserId};
use crate::oauth::error::OAuthError;
use crate::oauth::grant_type::GrantType;
use crate::oauth::scope::Scope;
use crate::token::Person;
use crate::token::preview::{self, Anatomy};
use crate::user::{self, User, UserStatus};
use system::Reads;
use token::Sample;

/// What is to be looked at, by what.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None: what the client looks like.
    pub system: Option<String>,
    /// Whose claims; none: somebody made up, and whoever is in the most groups.
    pub person: Option<UserId>,
    pub expected: Expected,
}

#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    #[error("there is no client {0}")]
    NoClient(ClientId),
    #[error("there is no user {0}")]
    NoUser(UserId),
    #[error("{0:?} is no system that rules are known for; there are {known}", known = names())]
    NoSystem(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn names() -> String {
    SYSTEMS.iter().map(|system| system.name).collect::<Vec<_>>().join(", ")
}

/// A client at a system.
///
/// # Errors
/// [`DoctorError`]; whatever is wrong with the client is a finding.
pub async fn examine(
    broker: &Broker,
    author: &Author,
    client_id: &ClientId,
    wanted: &Wanted,
) -> Result<Report, DoctorError> {
    let client = broker.catalog.load().client(client_id.as_str());
    let client = client.ok_or_else(|| DoctorError::NoClient(client_id.clone()))?;
    let system = match wanted.system.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => system::named(name).ok_or_else(|| DoctorError::NoSystem(name.into()))?,
        None => system::guessed(&client),
    };
    let worst = {
        let mut conn = broker.ctx.db.acquire().await?;
        match &wanted.person {
            Some(id) => {
                let known = user::store::by_id(&mut conn, id).await?;
                Some(known.ok_or_else(|| DoctorError::NoUser(id.clone()))?)
            }
            None => user::store::with_most_groups(&mut conn).await?,
        }
    };
    let mut findings = Vec::new();
    if !client.enabled {
        let says = "the client is switched off";
        findings.push(Finding::failure("client", says, "every request of it is refused", "switch the client on"));
    }
    let (published, served) = published::look(broker, system, wanted.expected.issuer.as_deref()).await;
    findings.extend(published);
    findings.extend(tokens(broker, &client, system, wanted, worst, served.as_ref()));
    // where nobody can be reached, or everything is refused, the same would be said of every request
    if served.is_some() && client.enabled {
        findings.extend(wire::replay(broker, &client, system).await);
    }
    findings.extend(reach::look(broker, &client).await);
    let report = Report::of(Some(system.name), findings);
    let detail = json!({
        "system": system.name,
        "failures": report.count(State::Failure),
        "warnings": report.count(State::Warning),
    });
    let mut conn = broker.ctx.db.acquire().await?;
    audit::record(&broker.ctx, &mut conn, author.did("client.examined").client(&client.client_id).detail(detail))
        .await?;
    Ok(report)
}

/// The broker itself.
pub async fn examine_broker(broker: &Broker) -> Report {
    let mut findings = house::look(broker).await;
    let (published, _) = published::look(broker, &SYSTEMS[SYSTEMS.len() - 1], None).await;
    findings.extend(published);
    Report::of(None, findings)
}

fn tokens(
    broker: &Broker,
    client: &Client,
    system: &System,
    wanted: &Wanted,
    worst: Option<User>,
    served: Option<&published::Served>,
) -> Vec<Finding> {
    let is_person = client.may_use(GrantType::AuthorizationCode) || client.may_use(GrantType::DeviceCode);
    if system.reads == Reads::IdToken && !is_person {
        let says = format!("{} reads ID tokens, and nobody signs in to this client", system.title);
        let change = "give the client the grant authorization_code, or examine it by another system's rules";
        return vec![Finding::failure("grants", says, "it gets no ID token", change)];
    }
    let one = person(broker, somebody(broker, 1));
    let of = |person: Option<&Person>| minted(broker, client, system, person);
    let judged = match &wanted.person {
        Some(_) => worst.clone().map(|user| person(broker, user)),
        None => Some(one),
    };
    let token = match of(judged.as_ref().filter(|_| is_person)) {
        Ok(Some(token)) => token,
        Ok(None) => {
            let change = "let the client have the scope openid";
            return vec![Finding::failure(
                "scopes",
                "the client may not ask for openid",
                "it gets no ID token",
                change,
            )];
        }
        Err(error) => {
            let says = format!("no token can be made: {}", error.description);
            return vec![Finding::failure("token", says, "the client gets no token", "do as that says")];
        }
    };
    let made_up = (person(broker, somebody(broker, MANY)), format!("for somebody in {MANY} groups"));
    let known = worst.filter(|_| is_person).map(|user| {
        let words = format!("for {}, with {} groups", user.id, user.profile.groups.len());
        (person(broker, user), words)
    });
    let candidates = match (wanted.person.is_some(), known) {
        (true, Some(known)) => vec![known],
        (_, known) => known.into_iter().chain([made_up]).collect(),
    };
    let sized = candidates.into_iter().filter_map(|(person, words)| Some((of(Some(&person)).ok()??, words)));
    let longest = sized.max_by_key(|(token, _)| token.bytes).filter(|_| is_person);
    let (longest, whose) = longest.unwrap_or_else(|| (token.clone(), String::new()));
    let sample = Sample {
        client,
        userinfo: &broker.ctx.urls.at("/userinfo"),
        token: &token,
        longest: (&longest, whose.trim()),
        is_person,
    };
    token::judge(system, &sample, &wanted.expected, served)
}

/// The token that the system reads, taken apart. None: there is no ID token.
fn minted(
    broker: &Broker,
    client: &Client,
    system: &System,
    person: Option<&Person>,
) -> Result<Option<Anatomy>, OAuthError> {
    let catalog = broker.catalog.load();
    let wanted = match person {
        Some(_) => Scope::parse(system.scope_of_people()),
        None => catalog.all_scopes(client, &client.resolve_audiences::<&str>(&[])?),
    };
    let (access, id_token) = preview::anatomy(broker, &catalog, client, person, wanted)?;
    Ok(match system.reads {
        Reads::AccessToken => Some(access),
        Reads::IdToken => id_token,
    })
}

/// Groups of the worst case that is made up: more than most have, and still within every budget.
const MANY: usize = 25;

/// Somebody whose every claim has something to say, in groups that are named by ids as Entra's are.
fn somebody(broker: &Broker, groups: usize) -> User {
    let text = |text: &str| Some(text.to_owned());
    User {
        id: UserId::new(broker.ctx.now(), &broker.ctx.rng),
        status: UserStatus::Active,
        profile: Profile {
            email: text("wolfeschlegelsteinhausenbergerdorff@subsidiary.example.com"),
            email_verified: true,
            name: text("Hubert Wolfeschlegelsteinhausenbergerdorff"),
            given_name: text("Hubert"),
            family_name: text("Wolfeschlegelsteinhausenbergerdorff"),
            preferred_username: text("hubert.wolfeschlegelsteinhausenbergerdorff"),
            groups: (0..groups).map(|at| format!("00000000-0000-4000-8000-{at:012}")).collect(),
            attributes: serde_json::Map::new(),
        },
    }
}

fn person(broker: &Broker, user: User) -> Person {
    let now = broker.ctx.now();
    Person {
        user,
        session_id: SessionId::new(now, &broker.ctx.rng),
        auth_time: now,
        acr: None,
        amr: vec!["pwd".into(), "mfa".into()],
    }
}

impl System {
    /// What people's applications ask for, where the system has no scopes of its own.
    fn scope_of_people(&self) -> &'static str {
        if self.scope.is_empty() { "openid" } else { self.scope }
    }
}
