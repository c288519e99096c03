//! The page on which a secret is told to rotate by itself.

use serde_json::json;
use time::Duration;

use super::Stage;
use super::provider::CREDENTIAL;
use crate::admin::Operator;

const PAGE: &str = "/admin/connections/contoso/credentials/rotation";

#[tokio::test]
async fn an_operator_sets_it_up_begins_one_stops_it_and_ends_it_all() {
    let stage = Stage::set().await;
    let mut editor = Operator::signed_in(&stage.world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/credentials").await;
    assert!(page.has("rotates"), "{page}");
    let page = editor.open(&format!("{PAGE}?kind=okta")).await;
    assert!(page.has("app_id") && page.body.contains("okta.apps.manage") && !page.has("run"), "{page}");
    let wrong = editor.submit(&page, "rotation", &[("url", "nowhere"), ("interval_days", "x")]).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    for field in ["url", "interval_days", "credential"] {
        assert!(wrong.has(&format!("{field}-error")), "{field}: {wrong}");
    }
    let url = stage.provider.url.clone();
    let fields = [("url", url.as_str()), ("credential", CREDENTIAL), ("credential_expires_at", "2127-05-21")];
    let page = editor.submit(&page, "rotation", &fields).await;
    assert!(page.status == 200 && page.has("run") && !page.body.contains(CREDENTIAL), "{page}");
    // what is stored stays, where nothing is typed
    let page = editor.submit(&page, "rotation", &[("interval_days", "60")]).await;
    assert!(page.status == 200 && page.body.contains("One is stored, sealed."), "{page}");
    let page = editor.submit(&page, "run-it", &[]).await;
    assert!(page.has("steps") && page.has("stop") && !page.has("run"), "{page}");
    stage.until_step("prove", Duration::ZERO).await;
    let page = editor.open(PAGE).await;
    assert!(page.body.contains("<b>Wait until the provider takes it</b>"), "{page}");
    editor.submit(&page, "stop-it", &[]).await;
    assert_eq!(stage.until_over(Duration::ZERO).await["outcome"], "stopped");
    let page = editor.open(PAGE).await;
    assert!(page.body.contains(">Stopped<") && page.has("delete"), "{page}");
    assert_eq!(stage.provider.ids(), ["by-hand"]);

    let mut auditor = Operator::signed_in(&stage.world.broker, "auditor").await;
    let page = auditor.open(PAGE).await;
    assert!(page.status == 200 && !page.has("rotation") && !page.has("run"), "{page}");

    let page = editor.open(&format!("{PAGE}/delete")).await;
    let csrf = editor.csrf().await;
    assert_eq!(page.status, 200, "{page}");
    editor.post(&format!("{PAGE}/delete"), &[("csrf", &csrf)]).await;
    assert_eq!(stage.api.get("/connections/contoso/rotation").await.status, 404);
}

#[tokio::test]
async fn a_connection_without_a_secret_has_nothing_to_rotate() {
    let stage = Stage::set().await;
    stage.world.connect("keyed", "client_authentication: private_key_jwt").await;
    let mut editor = Operator::signed_in(&stage.world.broker, "editor").await;
    let page = editor.open("/admin/connections/keyed/credentials/rotation").await;
    page.assert_problem(409, "no_secret");
    let body = json!({ "driver": stage.entra(), "credential": CREDENTIAL });
    let put = stage.api.put("/connections/keyed/rotation", &body).await;
    assert_eq!((put.status, put.text("code")), (409, "no_secret"));
}
