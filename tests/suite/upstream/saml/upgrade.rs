//! A database from before certificates of identity providers had rows of their own: people go on signing in.

use sqlx::ConnectOptions as _;

use super::{Saml, metadata, pem};

/// Puts the connection's row back into the form it had, and starts the broker on it.
async fn as_before(saml: &mut Saml, restore: &str) {
    let mut conn = saml.world.broker.database().connect().await.unwrap();
    for statement in ["DELETE FROM connection_certificates", restore] {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.unwrap();
    }
    saml.world.broker.restart().await;
}

async fn states(saml: &Saml) -> Vec<String> {
    let mut conn = saml.world.broker.database().connect().await.unwrap();
    let query = "SELECT state || ' ' || source FROM connection_certificates ORDER BY added_at, id";
    sqlx::query_scalar(query).fetch_all(&mut conn).await.unwrap()
}

#[tokio::test]
async fn certificates_entered_by_hand_move_to_rows_of_their_own() {
    let mut saml = Saml::by_hand("").await;
    let listed = serde_json::json!([pem(&saml.idp.idp.certificate), "no certificate"]);
    let restore = format!(
        "UPDATE connections SET settings = jsonb_set(settings, '{{source,manual,certificates}}', '{listed}') WHERE slug = 'fabrikam'"
    );
    as_before(&mut saml, &restore).await;
    saml.accepted(|idp| idp.signed_response()).await;
    assert_eq!(states(&saml).await, ["active file"]);
    // and what the file says is what there is
    let (entity_id, certificate) = (saml.idp.idp_entity_id.clone(), pem(&saml.idp.idp.certificate));
    saml.connect(&format!("entity_id: {entity_id}\nsso_url: {}\ncertificates: [{certificate}]", super::SSO)).await;
    saml.world.broker.restart().await;
    assert_eq!(states(&saml).await, ["active file"]);
}

#[tokio::test]
async fn so_do_those_of_a_metadata_file() {
    let mut saml = Saml::without_connection().await;
    let xml = metadata(&saml.idp.idp_entity_id, &saml.idp.idp.certificate, "HTTP-Redirect");
    std::fs::write(saml.world.broker.files().join("idp.xml"), xml).unwrap();
    saml.connect("metadata_file: idp.xml").await;
    as_before(&mut saml, "SELECT 1").await;
    saml.accepted(|idp| idp.signed_response()).await;
    assert_eq!(states(&saml).await, ["active file"]);
}
