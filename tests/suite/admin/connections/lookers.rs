//! Who may look and not touch, what a file owns, and words that somebody hostile has stored.

use super::field;
use crate::admin::Operator;
use crate::harness::World;
use crate::harness::world::connection;

const PATHS: [&str; 4] = ["", "/credentials", "/claims", "/settings"];

#[tokio::test]
async fn an_auditor_sees_everything_and_changes_nothing() {
    let world = World::new().await;
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let page = auditor.open("/admin/connections").await;
    assert!(page.body.contains("contoso") && !page.has("new"), "{page}");
    for path in PATHS {
        let page = auditor.open(&format!("/admin/connections/contoso{path}")).await;
        assert_eq!(page.status, 200, "{page}");
        for id in ["save", "add-secret", "disable", "enable", "delete", "release", "refresh"] {
            assert!(!page.has(id), "{id} on {page}");
        }
    }
    for path in ["/new", "/contoso/delete", "/contoso/disable", "/contoso/release", "/contoso/setup/credentials"] {
        auditor.open(&format!("/admin/connections{path}")).await.assert_problem(403, "role_too_small");
    }
    for path in ["/settings", "/claims", "/disable", "/delete", "/credentials/secrets", "/setup/claims", "/enable"] {
        let page = auditor.post(&format!("/admin/connections/contoso{path}"), &[("version", "x")]).await;
        page.assert_problem(403, "role_too_small");
    }
    assert_eq!(world.count("connection.updated", "success").await, 0);
}

#[tokio::test]
async fn what_a_file_owns_is_for_reading_until_it_is_released() {
    let world = World::new().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/settings").await;
    assert!(page.has("owned") && page.has("release") && !page.has("save") && !page.has("delete"), "{page}");
    let page = editor.submit(&page, "settings", &[("display_name", "Mine")]).await;
    page.assert_problem(409, "owned_by_file");
    let page = editor.open("/admin/connections/contoso/release").await;
    let page = editor.press(&page, "go").await;
    assert!(!page.has("owned"), "{page}");
    let page = editor.open("/admin/connections/contoso/settings").await;
    let page = editor.submit(&page, "settings", &[("display_name", "Mine"), ("refresh.max_age", "60")]).await;
    assert_eq!((page.status, field(&page, "settings", "display_name").as_str()), (200, "Mine"), "{page}");
    // a form that was filled in before somebody else's change is not taken
    let stale = page.clone();
    editor.submit(&page, "settings", &[("max_age", "300")]).await;
    editor.submit(&stale, "settings", &[("max_age", "600")]).await.assert_problem(412, "changed_meanwhile");
    let page = editor.open("/admin/connections/contoso/settings").await;
    assert_eq!(field(&page, "settings", "max_age"), "300");
    assert_eq!(field(&page, "settings", "refresh.max_age"), "60");
    // number and rule beside their fields, and nothing typed is lost
    let typed = [("max_age", "soon"), ("refresh.policy", "login_only"), ("scopes", "profile")];
    let page = editor.submit(&page, "settings", &typed).await;
    assert_eq!((page.status, page.has("max_age-error")), (422, true), "{page}");
    let page = editor.submit(&page, "settings", &[("max_age", "")]).await;
    assert_eq!((page.status, page.has("refresh.max_age-error"), page.has("scopes-error")), (422, true, true), "{page}");
    assert_eq!(field(&page, "settings", "scopes"), "profile");
}

#[tokio::test]
async fn switching_off_and_deleting_say_first_what_they_touch() {
    let world = World::new().await;
    world.signed_in().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.post("/admin/connections/contoso/release", &[]).await;
    assert_eq!(page.status, 200, "{page}");
    let page = editor.open("/admin/connections/contoso/disable").await;
    assert!(page.body.contains("Marty McFly") && page.body.contains("shop"), "{page}");
    let page = editor.press(&page, "go").await;
    assert!(page.has("enable") && !page.has("disable"), "{page}");
    world.broker.catch_up().await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[("connection", "contoso")]).await;
    assert!(!page.stopped || !page.params().contains_key("code"), "{page}");
    let page = editor.open("/admin/connections/contoso").await;
    let page = editor.press(&page, "enable").await;
    assert!(page.has("disable"), "{page}");
    let page = editor.open("/admin/connections/contoso/delete").await;
    let page = editor.press(&page, "go").await;
    assert_eq!(page.url.path(), "/admin/connections", "{page}");
    editor.open("/admin/connections/contoso").await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn hostile_words_stay_words() {
    const EVIL: &str = "\"><script id=evil>alert(1)</script>";
    let world = World::new().await;
    let more = format!(
        "display_name: '{EVIL}'\nemail_domains: [evil.example]\nallow: \"'<script id=evil>' in claims.groups\"\nprompt: 'login'\nacr_values: '{EVIL}'"
    );
    world.apply(&connection("evil", &world.idp, &more)).await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let mut pages = vec![
        editor.open("/admin/connections").await,
        editor.open("/admin/connections?q=%22%3E%3Cscript%20id%3Devil%3E").await,
    ];
    for path in [
        "",
        "/credentials",
        "/claims",
        "/settings",
        "/delete",
        "/disable",
        "/release",
        "/setup/register",
        "/setup/credentials",
        "/setup/test",
    ] {
        pages.push(editor.open(&format!("/admin/connections/evil{path}")).await);
    }
    let typed =
        [("provider", EVIL), ("display_name", EVIL), ("slug", EVIL), ("email_domains", EVIL), ("protocol", EVIL)];
    pages.push(editor.post("/admin/connections/new", &typed).await);
    pages.push(
        editor
            .post("/admin/connections/evil/settings", &[("version", EVIL), ("issuer", EVIL), ("refresh.policy", EVIL)])
            .await,
    );
    for page in pages {
        assert!([200, 422].contains(&page.status), "{page}");
        assert!(!page.body.contains("<script id=evil"), "{page}");
    }
}

#[tokio::test]
async fn the_list_is_searched_filtered_and_paged() {
    let world = World::new().await;
    let idp = &world.idp;
    let mut yaml = "connections:\n".to_owned();
    for number in 0..55 {
        yaml.push_str(&format!(
            "  - slug: c{number:02}\n    display_name: Number {number}\n    enabled: {}\n    issuer: {}\n    client_id: c\n",
            number % 2 == 0,
            idp.issuer
        ));
    }
    world.apply(&yaml).await;
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let page = auditor.open("/admin/connections").await;
    assert!(page.body.contains(">c00<") && page.body.contains(">c49<") && !page.body.contains(">c50<"), "{page}");
    let next = page.body.split("id=\"next-page\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let page = auditor.open(&next).await;
    assert!(page.body.contains(">c50<") && page.body.contains(">contoso<") && !page.has("next-page"), "{page}");
    let page = auditor.open("/admin/connections?q=number+5&state=off").await;
    assert!(page.body.contains(">c05<") && page.body.contains(">c53<") && !page.body.contains(">c50<"), "{page}");
    let page = auditor.open("/admin/connections?protocol=saml").await;
    assert!(page.body.contains("No connection is like that"), "{page}");
    auditor.open("/admin/connections?after=x").await.assert_problem(400, "malformed");
    auditor.open("/admin/connections/No-Slug").await.assert_problem(404, "not_found");
}
