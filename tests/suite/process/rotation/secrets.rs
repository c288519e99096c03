//! Client secrets, at both ends: those that programs show us, and those that we show a provider.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;

use super::visitors::{CLIENTS, robot_token};
use super::{ROUNDS, Stage, calls, ids, stands};
use crate::harness::FakeIdp;

#[tokio::test]
async fn no_login_and_no_token_is_lost_while_secrets_rotate_and_replicas_die() {
    let idp = FakeIdp::start(&Arc::default()).await;
    idp.tell(|script| script.client_secrets = Some(vec!["first-at-contoso".into()]));
    let contoso = format!(
        "connections: [{{ slug: contoso, issuer: \"{}\", client_id: avouch-at-contoso, client_authentication: client_secret_basic }}]\n",
        idp.issuer
    );
    let mut stage = Stage::set(&(contoso + CLIENTS)).await;
    stage.made("/connections/contoso/secrets", &json!({ "value": "first-at-contoso" })).await;
    stage.people_come("contoso");
    let robot_secret = stage.programs_come().await;
    stage.load.carries_on(2 * ROUNDS, "nothing").await;

    downstream(&mut stage, &robot_secret).await;
    upstream(&mut stage, &idp).await;
    stage.end().await;
}

async fn downstream(stage: &mut Stage, current: &Arc<Mutex<String>>) {
    const LIST: &str = "/clients/robot/secrets";
    let old = stage.api(0).get(LIST).await.json["items"][0]["id"].as_str().unwrap().to_owned();
    // the value is in the answer alone: what a killed replica made is nobody's, and another one is made
    let made = Arc::new(Mutex::new(None));
    let keep = made.clone();
    let act = move |api: crate::admin::Api| {
        let keep = keep.clone();
        async move {
            let answer = api.post(LIST, &json!({})).await;
            *keep.lock().unwrap() = Some(answer.json.clone());
            answer
        }
    };
    let known = made.clone();
    let done = move |_| {
        let known = known.lock().unwrap().is_some();
        async move { known }
    };
    stage.step("another secret of a client", act, done).await;
    let new = made.lock().unwrap().clone().unwrap();
    let former = std::mem::replace(&mut *current.lock().unwrap(), new["value"].as_str().unwrap().to_owned());
    stage.load.carries_on(ROUNDS, "the program took the new secret").await;
    let withdraw = calls(Method::DELETE, &format!("{LIST}/{old}"), None);
    stage.step("the former secret is withdrawn", withdraw, stands(LIST, ("id", &old), "revoked")).await;
    stage
        .fails_at_once("a withdrawn client secret", |at| {
            let former = former.clone();
            async move { robot_token(&at, &former).await.status }
        })
        .await;
}

async fn upstream(stage: &mut Stage, idp: &FakeIdp) {
    const LIST: &str = "/connections/contoso/secrets";
    let first = ids(&stage.api(0), LIST, "active").await.remove(0);
    let takes = |secrets: &[&str]| {
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        idp.tell(|script| script.client_secrets = Some(secrets));
    };
    takes(&["first-at-contoso", "second-at-contoso"]);
    let add = calls(Method::POST, LIST, Some(json!({ "value": "second-at-contoso" })));
    stage.step("a next secret at the provider", add, super::counts(LIST, "next", 1)).await;
    let second = ids(&stage.api(0), LIST, "next").await.remove(0);
    let act = |verb: &str, id: &str| calls(Method::POST, &format!("{LIST}/{id}/{verb}"), Some(json!({})));
    let active = |id: &str| stands(LIST, ("id", id), "active");
    stage.step("the next secret takes over", act("promote", &second), active(&second)).await;
    stage.step("the former secret is put back", act("restore", &first), active(&first)).await;
    stage.step("the next secret takes over again", act("promote", &second), active(&second)).await;
    takes(&["second-at-contoso"]);
    stage.load.carries_on(ROUNDS, "the provider dropped the former secret").await;
    let forget = calls(Method::DELETE, &format!("{LIST}/{first}"), None);
    stage.step("the former secret is forgotten", forget, stands(LIST, ("id", &first), "revoked")).await;
}
