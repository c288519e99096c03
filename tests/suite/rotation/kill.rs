//! kill -9 of the process itself, while the provider has done what it was asked for and not answered yet.

use std::sync::Arc;

use sqlx::Row as _;

use super::provider::{CREDENTIAL, Provider, TENANT};
use crate::harness::world::CONTOSO_SECRET;
use crate::harness::{BrokerProcess, FakeIdp, until};

/// What the desk would have stored, by the same operation.
async fn prepare(broker: &BrokerProcess, provider: &Provider) {
    let wanted = serde_json::json!({
        "driver": { "kind": "entra", "tenant": TENANT, "client_id": "the-rotator", "login_url": provider.url,
                    "graph_url": format!("{}/graph/v1.0", provider.url) },
        "credential": CREDENTIAL,
    });
    let twin = crate::harness::Broker::start(crate::harness::Options {
        database: Some(broker.database.options()),
        settings: vec![("AVOUCH_MASTER_KEY_FILE", broker.files().join("master.key").display().to_string())],
        ..Default::default()
    })
    .await;
    let (ctx, slug) = (twin.ctx(), avouch::connection::Slug::parse("contoso").unwrap());
    let author = avouch::audit::Author::cli();
    let wanted = serde_json::from_value(wanted).unwrap();
    avouch::connection::secret_driver::put(ctx, &author, &slug, wanted, None).await.unwrap();
    // its own clock must not begin what the process is to begin
    ctx.db.close().await;
    let due = "UPDATE secret_drivers SET next_rotation_at = now() - interval '1 minute'";
    sqlx::query(due).execute(&mut broker.database.connect().await).await.unwrap();
}

#[tokio::test]
async fn a_killed_process_leaves_one_new_secret_in_the_end() {
    let clock = Arc::default();
    let idp = FakeIdp::start(&clock).await;
    let provider = Provider::start(&clock).await;
    let mut broker = BrokerProcess::prepare().await;
    std::fs::write(broker.files().join("contoso"), CONTOSO_SECRET).unwrap();
    broker.apply(&format!(
        "connections: [{{ slug: contoso, issuer: \"{}\", client_id: avouch-at-contoso, client_secret: {{ file: contoso }} }}]",
        idp.issuer
    ));
    // token and list to plan, token and list to add: the fifth call is the addition
    provider.state().hang_at = Some(5);
    prepare(&broker, &provider).await;
    broker.serve().await;
    provider.shared.hangs.notified().await;
    broker.kill();
    assert_eq!((provider.count("addPassword"), provider.ids().len()), (1, 2), "done there, unknown here");

    let mut conn = broker.database.connect().await;
    // the time until its lease is over
    sqlx::query("UPDATE secret_rotations SET leased_until = now()").execute(&mut conn).await.unwrap();
    broker.serve().await;
    let stored = until("the new secret", async || {
        let row = sqlx::query("SELECT state FROM connection_credentials WHERE created_by LIKE 'rotation:%'");
        row.fetch_optional(&mut conn).await.unwrap().map(|row| row.get::<String, _>(0))
    })
    .await;
    assert_eq!(stored, "next");
    assert_eq!(provider.ids(), ["by-hand", "key-2"], "the one whose value was lost is gone");
    let row = sqlx::query("SELECT step, fence FROM secret_rotations").fetch_one(&mut conn).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "prove");
    assert!(row.get::<i64, _>(1) >= 2);
}
