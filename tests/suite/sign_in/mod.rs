//! A person signs in to an application.

mod applications;
mod chooser;
mod consent;
mod forms;
mod happy;
mod malformed;
mod people;
mod prompt;
mod requests;
mod sessions;
