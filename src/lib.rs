//! Avouch, a self-hosted identity broker. This page is the map; `docs/ARCHITECTURE.md` says why it is drawn like this.

// words: no I/O
pub mod clock; // the time, as something that can be handed in
pub mod ids; // typed ids with a prefix
pub mod life; // next, active, retiring, retired, revoked
pub mod oauth; // the RFCs' vocabulary
pub mod rng; // randomness
pub mod secret; // values that must not be seen
pub mod urls; // every URL of ours, from the one issuer

// mechanisms: know no noun
pub mod cel; // expressions over claims
pub mod ctx; // what every operation needs
pub mod db; // pool, transactions, errors
pub mod embedded_postgres; // a Postgres of our own when none is given
pub mod errand; // what is owed to somebody outside: leases and pauses
pub mod jose; // key pairs, JWKs, signatures
pub mod outbound; // the one HTTP client, guarded
pub mod overage; // groups that a provider's token had no room for
pub mod telemetry; // logs and metrics
pub mod vault; // encryption at rest
pub mod web; // HTTP manners

// nouns: things an operator can point at
pub mod audit; // what happened
pub mod client; // a downstream application
pub mod connection; // an upstream identity provider as stored
pub mod consent; // what a user allowed a client
pub mod operator; // who may administer
pub mod resource; // a downstream API
pub mod role; // a rule that grants a role on a resource
pub mod session; // a browser's single sign-on session
pub mod settings; // what an operator chooses for the whole instance
pub mod signing_key; // our keys and their life
pub mod trace; // what happened to one login, step by step
pub mod user; // a person and the identities linked to it

// steps
pub mod alert; // what operators should hear of before they ask
pub mod authorization; // one /authorize request
pub mod broker; // the live state: configuration and keys in memory
pub mod calendar; // the feed of what ends
pub mod drift; // whether providers still say what they said
pub mod mail; // what operators are told of by e-mail
pub mod metadata; // keeping SAML providers' metadata fresh
pub mod moving; // people, from one connection to another
pub mod rotation; // an upstream secret, renewed by its provider's own API
pub mod token;
pub mod upstream; // talking to an IdP // what we mint
pub mod webhook; // who outside is told of what matters

// journeys
pub mod admin; // the operator's desk: admin pages and admin API
pub mod device; // RFC 8628: a person approves a device that cannot show a browser
pub mod discovery; // what we tell the world
pub mod doctor; // whether it will work, and what to change
pub mod grant; // the token endpoint
pub mod integration; // systems known by name: presets and snippets
pub mod login; // from /authorize through an upstream to a session
pub mod logout; // ending a session
pub mod provisioning; // the resource file: plan, apply, export
pub mod registration;
pub mod renewal; // a link, and what somebody without an account gives by it // what a client does to its own (RFC 7592)

// top
pub mod cli;
pub mod config;
pub mod demo;
pub mod janitor;
pub mod server;
pub mod startup; // from a configuration to a working Ctx
