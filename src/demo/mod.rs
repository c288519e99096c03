//! (being written)

use crate::config::Config;
use crate::ctx::Ctx;

pub async fn everything(_: Config, _: Ctx) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
pub async fn broker(_: Config, _: Ctx) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
pub async fn idp(_: Config) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
pub async fn app(_: Config) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
