//! `avouch preset`: the clients and resources that a system known by name needs, as a resource file to look at and apply.

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::Args;

use crate::integration::{self, SYSTEMS};

#[derive(Args, Debug)]
pub(super) struct Preset {
    /// Without one, all are listed with what they ask
    #[arg(value_name = "SYSTEM")]
    system: Option<String>,
    /// The answer to a question; repeat it for more
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = answer)]
    answers: Vec<(String, String)>,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Preset {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Some(name) = self.system else {
            SYSTEMS.iter().for_each(ask);
            return Ok(());
        };
        let system = integration::named(&name).with_context(|| {
            let known = SYSTEMS.iter().map(|system| system.name).collect::<Vec<_>>().join(", ");
            format!("{name:?} is no system that presets are known for; there are {known}")
        })?;
        let answers: BTreeMap<String, String> = self.answers.into_iter().collect();
        print!("{}", system.preset(&answers)?.to_yaml()?);
        Ok(())
    }
}

fn ask(system: &integration::System) {
    println!("{}: {}", system.name, system.title);
    for question in system.questions {
        let usual = match question.usual {
            None => "needed".to_owned(),
            Some("") => "empty".to_owned(),
            Some(usual) => usual.to_owned(),
        };
        println!("    --set {}=...   {} [{usual}]", question.key, question.label);
    }
}
