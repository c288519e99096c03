//! `avouch apply` and `avouch export`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::database::{self, Sharing};
use crate::config::Config;
use crate::ids::UserId;
use crate::provisioning::{self, Job, Owner, ProvisioningError, ResourceFile};

#[derive(Args, Debug)]
pub(super) struct Apply {
    /// The resource file (YAML); - reads standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    file: PathBuf,
    /// Print what would change and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete stored resources that the file does not name; users stay
    #[arg(long)]
    prune: bool,
}

impl Apply {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let job = self.job()?;
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let outcome = if self.dry_run {
                provisioning::plan(&ctx, &job).await.map(|plan| {
                    println!("{plan}");
                    users(&plan.known_users);
                    if !plan.changes.is_empty() {
                        println!("dry run: nothing was changed");
                    }
                })
            } else {
                provisioning::apply(&ctx, &job).await.map(|applied| {
                    println!("{}", applied.plan);
                    users(&applied.users);
                    if !applied.plan.changes.is_empty() {
                        println!("applied");
                    }
                })
            };
            match outcome {
                Err(ProvisioningError::Problems(mut problems)) => {
                    let last = problems.pop();
                    for problem in &problems {
                        eprintln!("avouch: {}: {problem}", self.file.display());
                    }
                    let last = last.map(|problem| problem.to_string()).unwrap_or_default();
                    Err(anyhow::anyhow!("{}: {last}", self.file.display()))
                }
                other => Ok(other?),
            }
        })
    }

    fn job(&self) -> anyhow::Result<Job> {
        let name = self.file.display().to_string();
        let (text, managed_by, base_dir) = if self.file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            (text, "stdin".to_owned(), PathBuf::from("."))
        } else {
            let text = std::fs::read_to_string(&self.file).with_context(|| format!("{name} cannot be read"))?;
            let managed_by = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (text, managed_by, self.file.parent().map(Path::to_path_buf).unwrap_or_default())
        };
        Ok(Job {
            file: ResourceFile::parse(&text, &name)?,
            owner: Owner::File(managed_by),
            base_dir,
            prune: self.prune,
        })
    }
}

fn users(users: &[(String, UserId)]) {
    for (email, sub) in users {
        println!("user {email} sub={sub}");
    }
}

pub(super) fn export(config: &Config) -> anyhow::Result<()> {
    let file = database::with_ctx(config, Sharing::WithRunning, async |ctx| Ok(provisioning::export(&ctx).await?))?;
    print!("{}", file.to_yaml()?);
    Ok(())
}
