//! The black box: what a person, an application and an operator do to a whole broker, over HTTP. One folder per thing
//! that somebody does. Each test has a broker and a database of its own, and turns the clock instead of waiting.

mod harness;

mod account;
mod admin;
mod conformance;
mod database;
mod device;
mod doctor;
mod federation;
mod fixtures;
mod integrations;
mod interop;
mod moving;
mod operations;
mod process;
mod races;
mod real;
mod renewal;
mod rotation;
mod sign_in;
mod sign_out;
mod tokens;
mod traces;
mod upstream;
mod validators;
mod withdrawal;
