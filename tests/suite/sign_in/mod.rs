//! A person signs in to an application.

mod applications;
mod chooser;
mod consent;
mod forms;
mod happy;
mod people;
mod prompt;
mod requests;
mod sessions;
