//! An operator disables a connection or a client, or blocks a person: from then on nothing comes out of any route for
//! them, whatever was begun before. The routes are read from the source, so a new one without a case fails here.
//!
//! What is public stays so: discovery, keys, and the metadata and keys of a disabled connection, which its provider's
//! administrator needs before the connection is enabled (again).

mod attempt;
mod before;
mod routes;

use before::Before;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Withdrawn {
    /// The control: everything that was begun before is alive.
    Nothing,
    Connections,
    Clients,
    People,
}

/// Something that a route gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gain {
    /// A code or tokens for an application.
    Access,
    /// What a token is worth at our own endpoints.
    Standing,
    /// A session of this browser, or that we know who is there.
    Session,
    /// A connection to choose, by whoever is there.
    Offer,
    /// That somebody may give a connection a new secret.
    Renewal,
    /// A token for a machine.
    MachineToken,
}

impl Withdrawn {
    /// Whether this must not be had any more. A machine needs no person and no connection, and a person whose
    /// application is disabled is still signed in.
    fn takes(self, gain: Gain) -> bool {
        match self {
            Self::Nothing => false,
            Self::Connections => gain != Gain::MachineToken,
            Self::Clients => !matches!(gain, Gain::Session | Gain::Renewal),
            Self::People => !matches!(gain, Gain::MachineToken | Gain::Offer | Gain::Renewal),
        }
    }
}

async fn walk(withdrawn: Withdrawn) {
    let mut before = Before::new().await;
    before.withdraw(withdrawn).await;
    let mut routes = routes::of_the_broker();
    routes.sort_by_key(|route| route != "/oauth/token"); // codes are short-lived
    let mut wrong = Vec::new();
    for route in routes {
        for (what, gain, had) in attempt::attempt(&route, &mut before).await {
            if had && withdrawn.takes(gain) {
                wrong.push(format!("{route} gives {what}"));
            } else if !had && withdrawn == Withdrawn::Nothing {
                wrong.push(format!("{route} does not give {what}: this case would prove nothing"));
            }
        }
    }
    assert!(wrong.is_empty(), "{withdrawn:?}: {wrong:#?}");
}

#[tokio::test]
async fn before_anything_is_withdrawn_every_route_gives_what_it_is_for() {
    walk(Withdrawn::Nothing).await;
}

#[tokio::test]
async fn a_disabled_connection_gets_nothing_at_any_route() {
    walk(Withdrawn::Connections).await;
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_at_any_route() {
    walk(Withdrawn::Clients).await;
}

#[tokio::test]
async fn a_blocked_person_gets_nothing_at_any_route() {
    walk(Withdrawn::People).await;
}
