//! Connections at the desk: setting one up until somebody signs in through it, and what becomes of it later.

mod api;
mod credentials;
mod handover;
mod keys;
mod lookers;
mod setup;

use crate::harness::Page;

/// Nothing of this stands in the page, nor came with it.
#[track_caller]
fn says_nothing_of(page: &Page, secret: &str) {
    assert!(!page.body.contains(secret) && !format!("{:?}", page.headers).contains(secret), "{page}");
}

/// What the field says now.
fn field(page: &Page, form: &str, name: &str) -> String {
    let form = page.form(form);
    form.fields.into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
}
