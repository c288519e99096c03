//! Settings: what an operator chooses stands on the pages that people see, on every replica, and can be read on them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Api, Operator};
use crate::harness::app::{answer, http};
use crate::harness::{Answer, Broker, Browser, Options, Page, World, until};

fn chosen(more: Value) -> Value {
    let mut settings = json!({ "name": "Tidewater", "audit_retention_days": 400, "trace_retention_days": 30 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

/// Eight by eight, in red.
fn png() -> Vec<u8> {
    STANDARD
        .decode("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII=")
        .unwrap()
}

/// A page that everybody can see, and that says no.
async fn refusal(broker: &Broker) -> Page {
    Browser::new().open(&broker.url("/authorize?client_id=nobody")).await
}

async fn put_logo(broker: &Broker, api: &Api, bytes: Vec<u8>) -> Answer {
    let url = broker.url("/api/v1/settings/logo");
    answer(http().put(url).header("authorization", &api.authorization).body(bytes)).await
}

#[tokio::test]
async fn what_is_chosen_stands_on_every_page_people_see_on_every_replica() {
    let here = Broker::start(Options::default()).await;
    let there = Broker::start(Options { database: Some(here.database().clone()), ..Options::default() }).await;
    assert!(refusal(&there).await.body.contains("<span dir=\"auto\">Avouch</span>"));
    let owner = Api::of(&here, "owner").await;
    let wanted = chosen(json!({ "accent": "#7A1FA2", "support_email": "help@tidewater.example",
                                "support_url": "https://help.tidewater.example/" }));
    let answer = owner.put("/settings", &wanted).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(answer.json["accent"], "#7a1fa2");
    assert_eq!(put_logo(&here, &owner, png()).await.status, 200);

    let page = until("the other replica", async || {
        Some(refusal(&there).await).filter(|page| page.body.contains("<img src=\"/branding/logo"))
    })
    .await;
    assert!(
        page.body.contains("· Tidewater</title>") && page.body.contains("<span dir=\"auto\">Tidewater</span>"),
        "{page}"
    );
    assert!(page.body.contains("href=\"mailto:help@tidewater.example?subject="), "{page}");
    assert!(page.body.contains("href=\"https://help.tidewater.example/\""), "{page}");
    let linked = |start: &str| {
        let after = page.body.split_once(start).unwrap_or_else(|| panic!("no {start} on {page}")).1;
        there.url(&format!("/branding/{}", after.split('"').next().unwrap()))
    };
    let sheet = http().get(linked("href=\"/branding/")).send().await.unwrap();
    assert_eq!(sheet.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(sheet.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert!(sheet.text().await.unwrap().contains("--accent: light-dark(#7a1fa2, #"));
    let logo = http().get(linked("src=\"/branding/")).send().await.unwrap();
    assert_eq!(logo.headers()["content-type"], "image/png");
    assert_eq!(logo.headers()["x-content-type-options"], "nosniff");
    assert!(logo.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(logo.bytes().await.unwrap(), png());
    // it is the name of the pages of a sign-in too
    let world = World::new().await;
    let owner = Api::of(&world.broker, "owner").await;
    owner.put("/settings", &chosen(json!({ "name": "<b>T&T</b>" }))).await;
    let page = until("the name", async || {
        let page = Browser::new().open(&world.broker.url("/oidc/logout")).await;
        Some(page).filter(|page| !page.body.contains("Avouch</title>"))
    })
    .await;
    assert!(!page.body.contains("<b>T") && page.body.contains("T&#38;T"), "{page}");
}

#[tokio::test]
async fn only_owners_change_them_and_nobody_over_somebody_elses_change() {
    let broker = Broker::start(Options::default()).await;
    let owner = Api::of(&broker, "owner").await;
    for role in ["editor", "auditor"] {
        let api = Api::of(&broker, role).await;
        assert_eq!(api.put("/settings", &chosen(json!({}))).await.status, 403, "{role}");
        assert_eq!(put_logo(&broker, &api, png()).await.status, 403, "{role}");
        assert_eq!(api.get("/settings").await.status, 200, "{role}");
    }
    let read = owner.get("/settings").await;
    let etag = read.header("etag").to_owned();
    let put = async |etag: &str, body: &Value| {
        owner.call(reqwest::Method::PUT, "/settings", &[("if-match", etag)], Some(body)).await
    };
    // what was read may be sent back as it is
    assert_eq!(put(&etag, &read.json).await.header("etag"), etag, "nothing changed");
    let changed = put(&etag, &chosen(json!({}))).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
    let late = put(&etag, &chosen(json!({ "name": "Late" }))).await;
    assert_eq!((late.status, late.text("code")), (412, "changed_meanwhile"));
    assert_eq!(put("\"nonsense\"", &chosen(json!({}))).await.status, 412);
    assert_eq!(owner.get("/settings").await.json["name"], "Tidewater");

    let events = broker.audit_events().await;
    let [event] = &events.iter().filter(|event| event.action == "settings.changed").collect::<Vec<_>>()[..] else {
        panic!("{events:#?}")
    };
    assert_eq!(event.detail, json!({ "changes": { "name": ["Avouch", "Tidewater"] } }));
    assert!(event.actor.starts_with("operator_key:owner"), "{event:?}");
}

#[tokio::test]
async fn hostile_settings_are_refused_with_their_faults() {
    let broker = Broker::start(Options::default()).await;
    let owner = Api::of(&broker, "owner").await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a\nb")),
        ("name", json!("x".repeat(61))),
        ("accent", json!("red; } body { background: url(https://evil.example)")),
        ("accent", json!("#fff")),
        ("accent", json!("#12345g")),
        ("support_email", json!("a@b.example?bcc=c@d.example")),
        ("support_email", json!("\"><script>@b.example")),
        ("support_url", json!("javascript:alert(1)")),
        ("support_url", json!("http://help.example")),
        ("audit_retention_days", json!(29)),
        ("audit_retention_days", json!(3651)),
        ("trace_retention_days", json!(0)),
    ] {
        let answer = owner.put("/settings", &chosen(json!({ field: value }))).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["path"]),
            (422, &json!(field)),
            "{value}: {}",
            answer.json
        );
    }
    assert_eq!(owner.put("/settings", &chosen(json!({ "surprise": 1 }))).await.status, 400);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    let mut huge = png();
    huge.resize((64 << 10) + 1, 0);
    let mut wide = png();
    wide[16..20].copy_from_slice(&4096_u32.to_be_bytes());
    for (what, bytes) in [("svg", svg), ("page", b"<!doctype html><script>".to_vec()), ("huge", huge), ("wide", wide)] {
        let answer = put_logo(&broker, &owner, bytes).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["path"]),
            (422, &json!("logo")),
            "{what}: {}",
            answer.json
        );
    }
    assert_eq!(http().get(broker.url("/branding/logo")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_page_shows_the_colour_first_and_says_when_it_had_to_be_moved() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin/settings").await;
    assert!(page.has("preview-light") && page.has("preview-dark") && !page.has("moved-light"), "{page}");
    let shown = owner.submit(&page, "settings", &[("accent", "#ffcc00"), ("step", "preview")]).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("<code>#ffcc00</code> cannot be read well on light pages"), "{shown}");
    assert!(shown.body.contains("value=\"#ffcc00\"") && shown.body.contains("not saved yet"));
    assert!(!refusal(&broker).await.body.contains("/branding/"), "nothing is saved yet");

    let saved = owner.submit(&shown, "settings", &[("name", "Tidewater"), ("step", "save")]).await;
    assert!(saved.url.path().ends_with("/admin/settings") && saved.has("moved-light"), "{saved}");
    until("the colour", async || refusal(&broker).await.body.contains("/branding/accent.css").then_some(())).await;

    // the page that was open before does not write over it
    let late = owner.submit(&page, "settings", &[("name", "Late"), ("step", "save")]).await;
    assert_eq!(late.status, 422);
    assert!(late.has("name-error") && late.body.contains("value=\"Late\""), "{late}");
    let wrong = owner.submit(&saved, "settings", &[("accent", "mauve"), ("audit_retention_days", "many")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("accent-error") && wrong.has("audit_retention_days-error"), "{wrong}");
    assert!(wrong.body.contains("value=\"mauve\"") && wrong.body.contains("value=\"many\""), "{wrong}");

    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    let page = auditor.open("/admin/settings").await;
    assert!(page.has("settings") && !page.has("save") && !page.has("upload"), "{page}");
    assert_eq!(auditor.post("/admin/settings", &[("name", "Mine")]).await.status, 403);
}

/// As a browser sends a form with a file.
async fn upload(broker: &Broker, owner: &Operator, csrf: &str, file: &[u8]) -> u16 {
    let edge = "----edge";
    let part =
        |name: &str, more: &str| format!("--{edge}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
    let head =
        format!("{}{csrf}\r\n{}", part("csrf", ""), part("file", "; filename=\"logo.png\"\r\nContent-Type: image/png"));
    let body = [head.as_bytes(), file, format!("\r\n--{edge}--\r\n").as_bytes()].concat();
    let cookies: Vec<_> = ["avouch-operator", "__Host-avouch-operator"]
        .into_iter()
        .filter_map(|name| owner.browser.cookie(&broker.issuer, name))
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    let request = http()
        .post(broker.url("/admin/settings/logo"))
        .header("cookie", cookies.join("; "))
        .header("content-type", format!("multipart/form-data; boundary={edge}"))
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_logo_is_uploaded_by_our_own_form_only_and_can_be_removed() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let csrf = owner.csrf().await;
    assert_eq!(upload(&broker, &owner, "wrong", &png()).await, 403);
    assert_eq!(upload(&broker, &owner, &csrf, b"<svg/>").await, 422);
    assert_eq!(upload(&broker, &owner, &csrf, &vec![0; 1 << 20]).await, 422);
    assert_eq!(upload(&broker, &owner, &csrf, &png()).await, 303);
    let page =
        until("the logo", async || Some(owner.open("/admin/settings").await).filter(|page| page.has("logo-shown")))
            .await;
    let removed = owner.press(&page, "remove-logo").await;
    assert_eq!(removed.status, 200);
    until("no logo", async || (!owner.open("/admin/settings").await.has("logo-shown")).then_some(())).await;
    let auditor = Operator::signed_in(&broker, "auditor").await;
    assert_eq!(upload(&broker, &auditor, &csrf, &png()).await, 403);
    let events = broker.audit_events().await;
    let logos: Vec<_> = events.iter().filter_map(|event| event.detail["changes"]["logo"].as_array().cloned()).collect();
    assert_eq!(logos.len(), 2, "{events:#?}");
    assert!(logos[0][1].as_str().unwrap().starts_with("image/png 8x8, "), "{logos:?}");
}
