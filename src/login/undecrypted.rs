//! How often answers may come from one address that do not decrypt. Each tells whoever holds somebody else's ciphertext a
//! little about it (XML Encryption's CBC is a padding oracle), however alike the refusals are; so there are few of them.

use super::{Problem, Visitor};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::upstream::UpstreamError;
use crate::web::rate_limit::network;

/// In ten minutes, by one connection. A provider that encrypts to a key that is not ours gets as many people here.
const MOST: u32 = 20;

/// # Errors
/// [`Problem::UndecryptedTooOften`]: the answer is not looked at.
pub(super) fn may_try(broker: &Broker, visitor: &Visitor, connection: &Connection) -> Result<(), Problem> {
    match broker.undecrypted.wait(&key(visitor, connection), MOST, broker.ctx.now()) {
        Some(_) => Err(Problem::UndecryptedTooOften { connection: connection.display_name.clone() }),
        None => Ok(()),
    }
}

pub(super) fn note(broker: &Broker, visitor: &Visitor, connection: &Connection, error: &UpstreamError) {
    if error.reason() == "decryption_failed" {
        broker.undecrypted.note(key(visitor, connection), broker.ctx.now());
    }
}

fn key(visitor: &Visitor, connection: &Connection) -> String {
    let address = visitor.addr.map(|address| network(address).to_string()).unwrap_or_default();
    format!("{} {address}", connection.slug)
}
