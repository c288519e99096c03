//! `avouch operator`: the way in when no upstream works. What is generated goes to stdout, alone and once; the words
//! around it go to stderr.

use clap::{Subcommand, ValueEnum};

use super::database::{self, Sharing};
use crate::audit::{self, Event};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::operator::{self, OperatorRole, api_key};
use crate::secret::Secret;

#[derive(Subcommand, Debug)]
pub(super) enum Operator {
    /// Make an operator; prints a one-time password
    Create {
        email: String,
        #[arg(long, value_enum, default_value = "owner")]
        role: Role,
    },
    /// Give an operator a new one-time password
    ResetPassword { email: String },
    /// Make an operator key for the admin API; prints it
    CreateKey {
        name: String,
        #[arg(long, value_enum)]
        role: Role,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    Owner,
    Editor,
    Auditor,
}

impl From<Role> for OperatorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Editor => Self::Editor,
            Role::Auditor => Self::Auditor,
        }
    }
}

impl Operator {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        let (words, value) = database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let (action, about) = self.audit_words();
            let made = self.carry_out(&ctx).await?;
            let event = Event::success(action, "cli").detail(serde_json::json!({ "about": about }));
            audit::record(&ctx, &mut *ctx.db.acquire().await?, event).await?;
            Ok(made)
        })?;
        eprintln!("{words}");
        println!("{}", value.expose());
        Ok(())
    }

    fn audit_words(&self) -> (&'static str, String) {
        match self {
            Self::Create { email, .. } => ("operator.created", email.clone()),
            Self::ResetPassword { email } => ("operator.password_reset", email.clone()),
            Self::CreateKey { name, .. } => ("operator_key.created", name.clone()),
        }
    }

    /// The words to say, and the value that is shown this once.
    async fn carry_out(self, ctx: &Ctx) -> anyhow::Result<(String, Secret<String>)> {
        match self {
            Self::Create { email, role } => {
                let (made, password) = operator::create(ctx, &email, role.into()).await?;
                Ok((format!("operator {} made, role {}; one-time password:", made.email, made.role), password))
            }
            Self::ResetPassword { email } => {
                let password = operator::reset_password(ctx, &email).await?;
                Ok((format!("new one-time password of {email}:"), password))
            }
            Self::CreateKey { name, role } => {
                let (made, value) = api_key::create(ctx, &name, role.into(), None).await?;
                Ok((format!("operator key {:?} made, role {}; it is not shown again:", made.name, made.role), value))
            }
        }
    }
}
