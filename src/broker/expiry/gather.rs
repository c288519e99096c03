//! Looks for everything with an end. What is switched off ends nothing; what ended and has a successor is history.

use time::OffsetDateTime;

use super::{Expiry, Kind, Served, Successor};
use crate::broker::{Broker, Catalog};
use crate::client::Client;
use crate::connection::secret_driver::store::Ending;
use crate::connection::{Connection, CredentialKind, Protocol};
use crate::life::State;
use crate::operator::api_key::OperatorKey;
use crate::web::certificate_expiry::not_after;

impl Broker {
    /// Everything that ends by itself, the next first. Out of memory.
    pub fn expiries(&self) -> Vec<Expiry> {
        let catalog = self.catalog.load();
        let served = self.served.load();
        let tls = served.as_deref().map(|served| of_tls(served, self.ctx.urls.host()));
        let now = self.ctx.now();
        let mut all: Vec<_> = all(&catalog).chain(tls).collect();
        all.retain(|one| one.at > now || one.successor != Successor::Working);
        all.sort_by(|a, b| (a.at, a.kind, &a.owner, &a.id).cmp(&(b.at, b.kind, &b.owner, &b.id)));
        all
    }
}

fn all(catalog: &Catalog) -> impl Iterator<Item = Expiry> {
    let connections = catalog.connections().iter().filter(|one| one.enabled).flat_map(|one| of_connection(one));
    let clients = catalog.clients().filter(|one| one.enabled).flat_map(|one| of_client(one));
    let drivers = catalog.secret_drivers().iter().map(of_secret_driver);
    connections.chain(drivers).chain(clients).chain(catalog.operator_keys().iter().filter_map(of_operator_key))
}

/// Of two ends the one that leaves more time; none is the latest.
fn outlives(end: Option<OffsetDateTime>, at: OffsetDateTime) -> bool {
    end.is_none_or(|end| end > at)
}

/// `others` with their states and ends, this one left out.
fn successor(
    state: State,
    at: OffsetDateTime,
    others: impl Iterator<Item = (State, Option<OffsetDateTime>)>,
) -> Successor {
    let mut found = if state == State::Retiring { Successor::Working } else { Successor::Missing };
    for (other, _) in others.filter(|(_, end)| outlives(*end, at)) {
        match other {
            State::Active => return Successor::Working,
            State::Next if found == Successor::Missing => found = Successor::Waiting,
            _ => {}
        }
    }
    found
}

fn of_connection(connection: &Connection) -> Vec<Expiry> {
    let (slug, path) = (connection.slug.as_str(), format!("/admin/connections/{}/credentials", connection.slug));
    let enforced = match &connection.protocol {
        Protocol::Saml(settings) => settings.enforce_certificate_dates,
        Protocol::Oidc(_) => true,
    };
    let expiry = |kind, id: &str, at, state, successor| Expiry {
        kind,
        owner: slug.into(),
        name: connection.display_name.clone(),
        id: id.into(),
        at,
        state,
        successor,
        lenient: kind == Kind::SamlIdpCertificate && !enforced,
        path: path.clone(),
    };
    let usable = || connection.certificates.iter().filter(|certificate| certificate.is_usable());
    let theirs = usable().map(|one| {
        let later = usable().any(|other| other.id != one.id && other.not_after > one.not_after);
        let successor = if later { Successor::Working } else { Successor::Missing };
        expiry(Kind::SamlIdpCertificate, one.id.as_str(), one.not_after, one.state, successor)
    });
    let in_use = |one: &&crate::connection::Credential| match &connection.protocol {
        Protocol::Oidc(settings) if settings.client_authentication.by_secret() => {
            one.kind() == CredentialKind::ClientSecret
        }
        // what is left of a time before ends nobody's sign-in
        Protocol::Oidc(_) => one.kind() == CredentialKind::PrivateKey,
        Protocol::Saml(_) => true,
    };
    let ours = || connection.credentials.iter().filter(|one| one.state.is_published()).filter(in_use);
    let own = ours().filter_map(|one| {
        let at = one.expires_at?;
        let kind = match (one.kind(), &connection.protocol) {
            (CredentialKind::ClientSecret, _) => Kind::ConnectionSecret,
            (CredentialKind::PrivateKey, Protocol::Saml(_)) => Kind::SamlSpKey,
            (CredentialKind::PrivateKey, Protocol::Oidc(_)) => Kind::ConnectionKey,
        };
        let alike = |other: &&crate::connection::Credential| {
            other.id != one.id && other.kind() == one.kind() && other.key_use() == one.key_use()
        };
        let others = ours().filter(alike).map(|other| (other.state, other.expires_at));
        Some(expiry(kind, one.id.as_str(), at, one.state, successor(one.state, at, others)))
    });
    let metadata = connection.metadata().and_then(|metadata| metadata.valid_until);
    let metadata =
        metadata.map(|until| expiry(Kind::SamlMetadata, "metadata", until, State::Active, Successor::Missing));
    theirs.chain(own).chain(metadata).collect()
}

/// Every secret that is not over counts at once, so none has to be put to use by us.
fn of_client(client: &Client) -> Vec<Expiry> {
    let id = client.client_id.as_str();
    let segment: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let expiry = |kind, id: String, at, successor| Expiry {
        kind,
        owner: client.client_id.to_string(),
        name: client.name.clone(),
        id,
        at,
        state: State::Active,
        successor,
        lenient: kind == Kind::ClientCertificate,
        path: format!("/admin/clients/{segment}"),
    };
    let secrets = client.secrets.iter().filter_map(|one| {
        let at = one.expires_at?;
        let later = client.secrets.iter().any(|other| other.id != one.id && outlives(other.expires_at, at));
        let successor = if later || client.settings.has_keys() { Successor::Working } else { Successor::Missing };
        Some(expiry(Kind::ClientSecret, one.id.to_string(), at, successor))
    });
    let ends: Vec<_> =
        client.settings.certificates.iter().map(|one| one.der().and_then(|der| not_after(&der))).collect();
    let certificates = client.settings.certificates.iter().zip(&ends).filter_map(|(one, at)| {
        let at = (*at)?;
        let later = ends.iter().any(|other| other.is_some_and(|other| other > at));
        let successor = if later { Successor::Working } else { Successor::Missing };
        Some(expiry(Kind::ClientCertificate, one.key().thumbprint(), at, successor))
    });
    secrets.chain(certificates).collect()
}

fn of_operator_key(key: &OperatorKey) -> Option<Expiry> {
    Some(Expiry {
        kind: Kind::OperatorKey,
        owner: key.name.clone(),
        name: key.name.clone(),
        id: key.id.to_string(),
        at: key.expires_at?,
        state: State::Active,
        successor: Successor::Missing,
        lenient: false,
        path: "/admin/operator-keys".into(),
    })
}

fn of_secret_driver(one: &Ending) -> Expiry {
    Expiry {
        kind: Kind::DriverCredential,
        owner: one.slug.clone(),
        name: one.name.clone(),
        id: "driver".into(),
        at: one.at,
        state: State::Active,
        successor: Successor::Missing,
        lenient: false,
        path: format!("/admin/connections/{}/credentials/rotation", one.slug),
    }
}

fn of_tls(served: &Served, host: &str) -> Expiry {
    Expiry {
        kind: Kind::TlsCertificate,
        owner: host.into(),
        name: host.into(),
        id: served.id.clone(),
        at: served.not_after,
        state: State::Active,
        successor: Successor::Missing,
        lenient: false,
        // renewed where it lies, not on a page
        path: "/admin/calendar".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_comes_before_what_waits() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let (sooner, later) = (Some(at - time::Duration::DAY), Some(at + time::Duration::DAY));
        let of = |state, others: &[_]| successor(state, at, others.iter().copied());
        assert_eq!(of(State::Active, &[]), Successor::Missing);
        assert_eq!(of(State::Active, &[(State::Next, sooner), (State::Active, sooner)]), Successor::Missing);
        assert_eq!(of(State::Active, &[(State::Next, later)]), Successor::Waiting);
        assert_eq!(of(State::Active, &[(State::Next, None), (State::Active, None)]), Successor::Working);
        assert_eq!(of(State::Retiring, &[]), Successor::Working);
    }
}
