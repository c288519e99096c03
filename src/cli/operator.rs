//! `avouch operator`: the way in when no upstream works. What is generated goes to stdout, alone and once; the words
//! around it go to stderr.

use clap::{Subcommand, ValueEnum};

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::operator::{self, OperatorError, OperatorRole, api_key, manage};
use crate::secret::Secret;

#[derive(Subcommand, Debug)]
pub(super) enum Operator {
    /// Make an operator; prints a one-time password
    Create {
        email: String,
        #[arg(long, value_enum, default_value = "owner")]
        role: Role,
    },
    /// Give an operator a new one-time password; wrong guesses at the old one are forgiven
    ResetPassword { email: String },
    /// Take away the second factor of an operator who has lost it
    ResetSecondFactor { email: String },
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
        let (words, value) =
            database::with_ctx(config, Sharing::WithRunning, async |ctx| Ok(self.carry_out(&ctx).await?))?;
        eprintln!("{words}");
        if let Some(value) = value {
            println!("{}", value.expose());
        }
        Ok(())
    }

    /// The words to say, and the value that is shown this once. Whoever sits at the machine may do what an owner may.
    async fn carry_out(self, ctx: &Ctx) -> Result<(String, Option<Secret<String>>), OperatorError> {
        let author = Author { actor: "cli".into(), ..Author::system() };
        let by = OperatorRole::Owner;
        Ok(match self {
            Self::Create { email, role } => {
                let (made, password) = manage::create(ctx, &author, by, &email, role.into()).await?;
                (format!("operator {} made, role {}; one-time password:", made.email, made.role), Some(password))
            }
            Self::ResetPassword { email } => {
                let known = known(ctx, &email).await?;
                let password = manage::reset_password(ctx, &author, &known.id).await?;
                (format!("new one-time password of {email}:"), Some(password))
            }
            Self::ResetSecondFactor { email } => {
                let known = known(ctx, &email).await?;
                manage::reset_second_factor(ctx, &author, &known.id).await?;
                (format!("{email} signs in by password alone now, and should add a second factor again"), None)
            }
            Self::CreateKey { name, role } => {
                let (made, value) = api_key::create(ctx, &author, by, &name, role.into(), None).await?;
                (format!("operator key {:?} made, role {}; it is not shown again:", made.name, made.role), Some(value))
            }
        })
    }
}

async fn known(ctx: &Ctx, email: &str) -> Result<operator::Operator, OperatorError> {
    let found = operator::store::by_email(&mut *ctx.db.acquire().await?, email.trim()).await?;
    found.map(|(operator, _)| operator).ok_or_else(|| OperatorError::Unknown(email.trim().into()))
}
