//! A person signs in to an application.

mod happy;
