//! What a SAML provider says of somebody, and what a stranger says in a provider's name, at every page that shows it.

use super::furniture::{Desk, HOSTILE, Who};
use crate::admin::Api;
use crate::upstream::saml::Saml;

#[tokio::test]
async fn chromium_what_a_saml_provider_says_stays_words() {
    let mut saml = Saml::by_hand("").await;
    let words = HOSTILE.replace('<', "&lt;").replace('>', "&gt;");
    // an attribute of somebody who comes in
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.said("R&amp;D", &words)).await;
    assert!(page.params().contains_key("code"), "{page}");
    // and words where the guard refuses them, which the trace and the audit log tell
    let audience = format!("<saml:Audience>{}", saml.idp.sp_entity_id);
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let answer = saml.idp.said(&audience, &format!("<saml:Audience>{words}"));
    let refused = saml.post(&mut browser, &relay_state, &answer).await;
    assert!(refused.has("trace-id") && !refused.body.contains("<img data-hostile"), "{refused}");

    let api = Api::of(&saml.world.broker, "auditor").await;
    let items = async |path: &str, name: &str| -> Vec<String> {
        let found = api.get(path).await.json;
        let items = found["items"].as_array().unwrap_or_else(|| panic!("{found}"));
        items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
    };
    let (users, traces) = (items("/users", "sub").await, items("/traces", "id").await);
    assert!(!users.is_empty() && traces.len() >= 2);
    let mut paths = vec!["/admin".to_owned(), "/admin/users".into(), "/admin/traces".into(), "/admin/audit".into()];
    paths.push("/admin/connections/fabrikam/replay".into());
    paths.extend(users.iter().map(|sub| format!("/admin/users/{sub}")));
    paths.extend(traces.iter().map(|trace| format!("/admin/traces/{trace}")));
    let mut desk = Desk::of(saml.world).await;
    let mut seen = 0;
    for path in paths {
        let origin = desk.open(Who::Owner, &path).await;
        // evidence is folded away until somebody looks
        desk.browser.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)").await;
        seen += usize::from(desk.browser.text("main").await.contains("onerror=hostile=1"));
        assert!(!desk.browser.has("[data-hostile]").await, "{path}: words became markup");
        assert_eq!(desk.browser.evaluate("typeof hostile").await, "undefined", "{path}");
        assert_eq!(desk.browser.complaints(&origin).await, Vec::<String>::new(), "{path}");
    }
    assert!(seen >= 2, "the words are shown as words: at {seen} pages");
}
