//! Systems known by name: the preset is applied, the snippet is read by its format's own parser, and the flow is driven
//! with nothing but the values found there.

mod argocd;
mod camunda;
mod confluent;
mod documents;
mod every;
mod grafana;
mod influxdb;
mod kafka;
mod kubernetes;
pub mod paste;

use std::collections::BTreeMap;

use avouch::provisioning::ResourceFile;

pub fn answers(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The preset as the file that `avouch apply` takes.
pub fn preset(system: &str, given: &[(&str, &str)]) -> String {
    let file: ResourceFile = avouch::integration::named(system).unwrap().preset(&answers(given)).unwrap();
    file.to_yaml().unwrap()
}
