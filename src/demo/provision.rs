//! What the broker needs to know for the demo: `resources.yaml` applied as any resource file is, and a first operator.

use crate::audit::Author;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::operator::{OperatorError, OperatorRole, manage};
use crate::provisioning::{self, Job, Owner, ResourceFile};
use crate::secret::Secret;

use super::places::Places;

pub(super) const OPERATOR: &str = "operator@demo.example";

pub(super) struct Provisioned {
    /// The operator's one-time password, when they were made just now.
    pub operator: Option<Secret<String>>,
}

pub(super) async fn apply(config: &Config, ctx: &Ctx, places: &Places) -> anyhow::Result<Provisioned> {
    let text = include_str!("resources.yaml")
        .replace("http://localhost:8081", places.idp.issuer())
        .replace("http://localhost:8082", places.app.issuer())
        .replace("http://localhost:8083", places.saml_idp.issuer());
    let job = Job {
        file: ResourceFile::parse(&text, "resources.yaml")?,
        owner: Owner::File("demo".into()),
        base_dir: config.data_dir.clone(),
        prune: false,
    };
    provisioning::apply(ctx, &job).await?;
    let operator =
        match manage::create(ctx, &Author::system(), OperatorRole::Owner, OPERATOR, OperatorRole::Owner).await {
            Ok((_, password)) => Some(password),
            Err(OperatorError::Exists(_)) => None,
            Err(error) => return Err(error.into()),
        };
    Ok(Provisioned { operator })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_that_anybody_could_apply() {
        let file = ResourceFile::parse(include_str!("resources.yaml"), "resources.yaml").unwrap();
        assert_eq!((file.connections.len(), file.clients.len()), (2, 2));
    }
}
