//! `avouch demo`: not part of the product's path. (being written)

use crate::config::Config;
use crate::ctx::Ctx;

pub async fn everything(_config: Config, _ctx: Ctx) -> anyhow::Result<()> {
    anyhow::bail!("the demo is being written")
}
pub async fn broker(_config: Config, _ctx: Ctx) -> anyhow::Result<()> {
    anyhow::bail!("the demo is being written")
}
pub async fn idp(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("the demo is being written")
}
pub async fn app(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("the demo is being written")
}
