//! Every page of the desk in a real Chromium: by day, by night and on a phone, with axe-core, with hostile words stored
//! wherever words are stored; and every form filled in wrongly, with script and without. Pictures are in
//! target/screenshots/admin. A new page or form is one line in a table here, and needs nothing else.

mod furniture;
mod handover;
mod looks;
mod saml;
mod story;
mod wrongly;

use furniture::{Desk, Who};
use looks::Look;
use wrongly::Form;

/// A page: the name of its pictures, its path, and who looks at it. `{sub}` and the like are what [`Desk::names`] has.
struct Visit(&'static str, &'static str, Who);

const PAGES: &[Visit] = &[
    Visit("sign-in", "/admin/sign-in", Who::Stranger),
    Visit("password-first", "/admin/password", Who::Newcomer),
    Visit("overview-first", "/admin", Who::First),
    Visit("overview", "/admin", Who::Owner),
    Visit("find", "/admin/find?q=a", Who::Owner),
    Visit("find-nothing", "/admin/find?q=%22%3E%3Cimg%20data-hostile%3E", Who::Owner),
    Visit("signing-keys", "/admin/signing-keys", Who::Owner),
    Visit("signing-key-rotate", "/admin/signing-keys/RS256/rotate", Who::Owner),
    Visit("signing-key-schedule", "/admin/signing-keys/RS256/schedule", Who::Owner),
    Visit("signing-key-revoke", "/admin/signing-keys/{kid}/revoke", Who::Owner),
    Visit("calendar", "/admin/calendar", Who::Owner),
    Visit("calendar-first", "/admin/calendar", Who::First),
    Visit("calendar-feed", "/admin/calendar/feed", Who::Owner),
    Visit("calendar-withdraw", "/admin/calendar/feed/withdraw", Who::Owner),
    Visit("audit", "/admin/audit", Who::Owner),
    Visit("audit-nothing", "/admin/audit?reason=%22%3E%3Cimg%20data-hostile%3E", Who::Owner),
    Visit("settings", "/admin/settings", Who::Owner),
    Visit("webhooks-first", "/admin/webhooks", Who::First),
    Visit("webhooks", "/admin/webhooks", Who::Owner),
    Visit("webhook-new", "/admin/webhooks/new", Who::Owner),
    Visit("webhook", "/admin/webhooks/{webhook}", Who::Owner),
    Visit("webhook-secret-new", "/admin/webhooks/{webhook}/rotate-secret", Who::Owner),
    Visit("webhook-delete", "/admin/webhooks/{webhook}/delete", Who::Owner),
    Visit("not-found", "/admin/no-such-page", Who::Owner),
    Visit("password", "/admin/password", Who::Owner),
    Visit("settings-auditor", "/admin/settings", Who::Auditor),
    Visit("overview-auditor", "/admin", Who::Auditor),
    Visit("clients", "/admin/clients", Who::Owner),
    Visit("clients-none", "/admin/clients?q=nobody", Who::Owner),
    Visit("clients-first", "/admin/clients", Who::First),
    Visit("clients-auditor", "/admin/clients", Who::Auditor),
    Visit("client-choose", "/admin/clients/new", Who::Owner),
    Visit("client-new", "/admin/clients/new?as=native", Who::Owner),
    Visit("client", "/admin/clients/robot", Who::Owner),
    Visit("client-unproven", "/admin/clients/german", Who::Owner),
    Visit("client-rtl", "/admin/clients/arabic", Who::Owner),
    Visit("client-auditor", "/admin/clients/robot", Who::Auditor),
    Visit("client-settings", "/admin/clients/german/settings", Who::Owner),
    Visit("client-delete", "/admin/clients/shop/delete", Who::Owner),
    Visit("client-release", "/admin/clients/shop/release", Who::Owner),
    Visit("integration", "/admin/integrations/influxdb", Who::Owner),
    Visit(
        "integration-plan",
        "/admin/integrations/influxdb?cluster=https%3A%2F%2Fnew.example&client_id=ctl&step=plan",
        Who::Owner,
    ),
    Visit("snippets-systems", "/admin/clients/robot/snippets", Who::Auditor),
    Visit("doctor", "/admin/clients/influxctl/doctor", Who::Owner),
    Visit("snippets", "/admin/clients/influxctl/snippets/influxctl", Who::Auditor),
    Visit("snippets-people", "/admin/clients/influxctl/snippets/influxdb?user={sub}&q=a", Who::Owner),
    Visit("traces", "/admin/traces", Who::Auditor),
    Visit("traces-none", "/admin/traces?email=nobody@example.com", Who::Auditor),
    Visit("trace-refused", "/admin/traces/{refused}", Who::Owner),
    Visit("trace", "/admin/traces/{signed-in}", Who::Owner),
    Visit("connections", "/admin/connections", Who::Owner),
    Visit("connections-none", "/admin/connections?q=%22%3E%3Cimg%20data-hostile%3E", Who::Auditor),
    Visit("connections-first", "/admin/connections", Who::First),
    Visit("connection-new", "/admin/connections/new", Who::Owner),
    Visit("connection", "/admin/connections/contoso", Who::Owner),
    Visit("connection-hostile", "/admin/connections/hostile", Who::Auditor),
    Visit("connection-credentials", "/admin/connections/hostile/credentials", Who::Owner),
    Visit("connection-handover", "/admin/connections/broken/credentials", Who::Owner),
    Visit("connection-secret-promote", "/admin/connections/broken/credentials/secrets/{next}/promote", Who::Owner),
    Visit("connection-secret-restore", "/admin/connections/broken/credentials/secrets/{former}/restore", Who::Owner),
    Visit("connection-secret-test", "/admin/connections/broken/test?credential_id={next}", Who::Owner),
    Visit("connection-saml", "/admin/connections/fabrikam", Who::Owner),
    Visit("connection-saml-credentials", "/admin/connections/fabrikam/credentials", Who::Owner),
    Visit("connection-keys-promote", "/admin/connections/fabrikam/credentials/sp-keys/promote", Who::Owner),
    Visit("connection-keys", "/admin/connections/contoso/keys", Who::Owner),
    Visit("connection-keys-hostile", "/admin/connections/hostile/keys", Who::Owner),
    Visit("connection-saml-keys", "/admin/connections/fabrikam/keys", Who::Owner),
    Visit("connection-keys-put-back", "/admin/connections/fabrikam/keys/put-back", Who::Owner),
    Visit("connection-claims", "/admin/connections/fabrikam/claims", Who::Owner),
    Visit("connection-versions", "/admin/connections/contoso/versions", Who::Owner),
    Visit("connection-versions-first", "/admin/connections/hostile/versions", Who::Auditor),
    Visit("connection-settings", "/admin/connections/refusing/settings", Who::Owner),
    Visit("connection-saml-settings", "/admin/connections/fabrikam/settings", Who::Auditor),
    Visit("connection-register", "/admin/connections/contoso/setup/register", Who::Owner),
    Visit("connection-saml-register", "/admin/connections/fabrikam/setup/register", Who::Owner),
    Visit("connection-setup", "/admin/connections/hostile/setup/credentials", Who::Owner),
    Visit("connection-saml-setup", "/admin/connections/fabrikam/setup/credentials", Who::Owner),
    Visit("connection-setup-claims", "/admin/connections/hostile/setup/claims", Who::Owner),
    Visit("connection-setup-test", "/admin/connections/hostile/setup/test", Who::Owner),
    Visit("connection-disable", "/admin/connections/contoso/disable", Who::Owner),
    Visit("connection-delete", "/admin/connections/hostile/delete", Who::Owner),
    Visit("connection-release", "/admin/connections/hostile/release", Who::Owner),
    Visit("connection-test", "/admin/connections/hostile/test", Who::Owner),
    Visit("connection-replay", "/admin/connections/refusing/replay", Who::Owner),
    Visit("renewal-links", "/admin/connections/refusing/renewal-links", Who::Owner),
    Visit("rotation", "/admin/connections/refusing/credentials/rotation", Who::Owner),
    Visit("rotation-keycloak", "/admin/connections/refusing/credentials/rotation?kind=keycloak", Who::Owner),
    Visit("renewal-links-auditor", "/admin/connections/fabrikam/renewal-links", Who::Auditor),
    Visit("renewal-link-withdraw", "/admin/connections/refusing/renewal-links/{renewal-link}/delete", Who::Owner),
    Visit("renew", "/renew/{renew}", Who::Stranger),
    Visit("renew-hostile", "/renew/{renew-hostile}", Who::Stranger),
    Visit("renew-saml", "/renew/{renew-saml}", Who::Stranger),
    Visit("renew-over", "/renew/nothing", Who::Stranger),
    Visit("resources", "/admin/resources", Who::Owner),
    Visit("resource-new", "/admin/resources/new", Who::Owner),
    Visit("resource", "/admin/resources/https%3A%2F%2Finflux.example", Who::Auditor),
    Visit("resource-delete", "/admin/resources/https%3A%2F%2Finflux.example/delete", Who::Owner),
    Visit("users", "/admin/users", Who::Owner),
    Visit("users-none", "/admin/users?q=%22%3E%3Cimg%20data-hostile%3E", Who::Auditor),
    Visit("user-new", "/admin/users/new", Who::Owner),
    Visit("user-import", "/admin/users/import", Who::Owner),
    Visit("moves", "/admin/moves", Who::Owner),
    Visit("moves-first", "/admin/moves", Who::First),
    Visit("move-new", "/admin/moves/new", Who::Owner),
    Visit("move", "/admin/moves/{move}", Who::Owner),
    Visit("move-auditor", "/admin/moves/{move}", Who::Auditor),
    Visit("move-complete", "/admin/moves/{move}/complete", Who::Owner),
    Visit("move-delete", "/admin/moves/{move}/delete", Who::Owner),
    Visit("user", "/admin/users/{sub}", Who::Owner),
    Visit("user-groups", "/admin/users/{directory}/groups", Who::Owner),
    Visit("user-directory", "/admin/users/{directory}", Who::Auditor),
    Visit("user-block", "/admin/users/{sub}/block", Who::Owner),
    Visit("roles", "/admin/roles", Who::Owner),
    Visit("role-new", "/admin/roles/new", Who::Owner),
    Visit("operators", "/admin/operators", Who::Owner),
    Visit("operator-new", "/admin/operators/new", Who::Owner),
    Visit("operator-keys", "/admin/operator-keys", Who::Owner),
    Visit("operator-rules", "/admin/operator-rules", Who::Owner),
    Visit("account", "/admin/account", Who::Owner),
    Visit("account-second-factor", "/admin/account/second-factor", Who::Owner),
];

/// A form that is filled in wrongly: `fill` is what is typed (selector, text), `kept` what must still stand there, and
/// `errors` the fields beside which an error must stand.
const FORMS: &[Form] = &[
    Form {
        name: "sign-in-wrong",
        path: "/admin/sign-in",
        who: Who::Stranger,
        fill: &[("#email", "ada@example.com"), ("#password", "not this one")],
        press: "#sign-in",
        errors: &["password"],
        kept: &[("#email", "ada@example.com")],
    },
    Form {
        name: "password-wrong",
        path: "/admin/password",
        who: Who::Owner,
        fill: &[("#current", "not this one"), ("#new", "short")],
        press: "#save",
        errors: &["new"],
        kept: &[],
    },
    Form {
        name: "settings-wrong",
        path: "/admin/settings",
        who: Who::Owner,
        fill: &[("#name", " "), ("#accent", "mauve"), ("#support_email", "nobody"), ("#audit_retention_days", "3")],
        press: "#save",
        errors: &["name", "accent", "support_email", "audit_retention_days"],
        kept: &[("#accent", "mauve"), ("#support_email", "nobody"), ("#audit_retention_days", "3")],
    },
    Form {
        name: "webhook-wrong",
        path: "/admin/webhooks/new",
        who: Who::Owner,
        fill: &[("#url", "nowhere")],
        press: "#save",
        errors: &["url"],
        kept: &[("#url", "nowhere")],
    },
    Form {
        name: "signing-key-rotate-early",
        path: "/admin/signing-keys/ES256/rotate",
        who: Who::Owner,
        fill: &[("#reason", " ")],
        press: "#go",
        errors: &["reason"],
        kept: &[("#reason", " ")],
    },
    Form {
        name: "connection-new-wrong",
        path: "/admin/connections/new",
        who: Who::Owner,
        fill: &[("#display_name", "Northwind Traders"), ("#slug", "contoso"), ("#email_domains", "northwind")],
        press: "#continue",
        errors: &["slug", "email_domains"],
        kept: &[("#display_name", "Northwind Traders"), ("#slug", "contoso"), ("#email_domains", "northwind")],
    },
    Form {
        name: "connection-setup-wrong",
        path: "/admin/connections/hostile/setup/credentials",
        who: Who::Owner,
        fill: &[("#issuer", "no issuer"), ("#expires_at", "2020-01-01")],
        press: "#continue",
        errors: &["issuer"],
        kept: &[("#issuer", "no issuer")],
    },
    Form {
        name: "connection-claims-wrong",
        path: "/admin/connections/hostile/setup/claims",
        who: Who::Owner,
        fill: &[("#allow", "claims.("), (r#"[name="mapping.attributes"]"#, "no sign")],
        press: "#continue",
        errors: &["allow", "mapping.attributes"],
        kept: &[("#allow", "claims.("), (r#"[name="mapping.attributes"]"#, "no sign")],
    },
    Form {
        name: "renewal-link-wrong",
        path: "/admin/connections/refusing/renewal-links",
        who: Who::Owner,
        fill: &[("#days", "31")],
        press: "#make-link",
        errors: &["days"],
        kept: &[("#days", "31")],
    },
    Form {
        name: "renew-wrong",
        path: "/renew/{renew}",
        who: Who::Stranger,
        fill: &[("#secret", " ")],
        press: "#give",
        errors: &["secret"],
        kept: &[],
    },
    Form {
        name: "renew-saml-wrong",
        path: "/renew/{renew-saml}",
        who: Who::Stranger,
        fill: &[("#document", "nothing")],
        press: "#give",
        errors: &["document"],
        kept: &[("#document", "nothing")],
    },
    Form {
        name: "client-choose-wrong",
        path: "/admin/clients/new",
        who: Who::Owner,
        fill: &[],
        press: "#continue",
        errors: &["as"],
        kept: &[],
    },
    Form {
        name: "client-new-wrong",
        path: "/admin/clients/new?as=web",
        who: Who::Owner,
        fill: &[("#client_id", "no such id"), ("#redirect_uris", "http://grafana.example/login")],
        press: "#save",
        errors: &["client_id", "redirect_uris"],
        kept: &[("#client_id", "no such id"), ("#redirect_uris", "http://grafana.example/login")],
    },
    Form {
        name: "integration-wrong",
        path: "/admin/integrations/influxdb",
        who: Who::Owner,
        fill: &[("#cluster", " "), ("#client_id", "no such id")],
        press: "#continue",
        errors: &["cluster"],
        kept: &[("#cluster", " "), ("#client_id", "no such id")],
    },
    Form {
        name: "doctor-wrong",
        path: "/admin/clients/influxctl/doctor",
        who: Who::Owner,
        fill: &[("#person", "nobody@nowhere.example")],
        press: "#look",
        errors: &["person"],
        kept: &[("#person", "nobody@nowhere.example")],
    },
    Form {
        name: "connection-test-wrong",
        path: "/admin/connections/hostile/test",
        who: Who::Owner,
        fill: &[("#client_id", "no-such-client")],
        press: "#begin",
        errors: &["client_id"],
        kept: &[("#client_id", "no-such-client")],
    },
    Form {
        name: "connection-replay-wrong",
        path: "/admin/connections/refusing/replay",
        who: Who::Owner,
        fill: &[("#allow", "claims.("), ("#groups", "claims.memberOf"), ("#attributes", "no colon")],
        press: "#compare",
        errors: &["allow", "attributes"],
        kept: &[("#allow", "claims.("), ("#groups", "claims.memberOf"), ("#attributes", "no colon")],
    },
];

#[tokio::test]
async fn chromium_every_page_of_the_desk_is_readable_by_everybody_in_every_light() {
    let mut desk = Desk::furnish().await;
    let only = std::env::var("AVOUCH_PAGE").unwrap_or_default();
    let mut wrong = Vec::new();
    for Visit(name, path, who) in PAGES.iter().filter(|page| page.0.contains(&only)) {
        let origin = desk.open(*who, path).await;
        let browser = &desk.browser;
        let mut say = |what: Vec<String>| wrong.extend(what.into_iter().map(|what| format!("{name} ({path}): {what}")));
        for look in Look::ALL {
            say(look.at(browser, name).await);
        }
        say(browser.complaints(&origin).await);
        if browser.has("[data-hostile]").await || browser.evaluate("typeof hostile").await != "undefined" {
            say(vec!["stored words became markup".into()]);
        }
    }
    desk.open(Who::Owner, "/admin").await;
    wrong.extend(Look::PhoneMenu.at(&desk.browser, "menu").await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn chromium_the_doctor_says_what_breaks_and_what_to_change() {
    let mut desk = Desk::furnish().await;
    let origin = desk.open(Who::Owner, "/admin/clients/influxctl/doctor?system=camunda").await;
    let browser = &desk.browser;
    browser.click("#doctor .fold > summary").await;
    browser.fill("#issuer", "https://id.example.com/").await;
    browser.click("#look").await;
    browser.wait_for("#broken").await;
    let mut wrong = Vec::new();
    for look in Look::ALL {
        wrong.extend(look.at(browser, "doctor-report").await);
    }
    wrong.extend(browser.complaints(&origin).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn chromium_a_renewal_link_is_shown_once_with_a_message_to_send() {
    let mut desk = Desk::furnish().await;
    let origin = desk.open(Who::Owner, "/admin/connections/refusing").await;
    let browser = &desk.browser;
    browser.click("#renewal-links").await;
    browser.click("#make-link").await;
    let url = browser.text("#renewal-url").await;
    assert!(url.contains("/renew/avo_rl_"), "{url}");
    let mut wrong = Vec::new();
    for look in Look::ALL {
        wrong.extend(look.at(browser, "renewal-link-made").await);
    }
    wrong.extend(browser.complaints(&origin).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    browser.click("#onward").await;
    browser.wait_for("#make-link").await;
    assert!(!browser.has("#renewal-url").await);
    // the customer's own browser
    browser.forget_cookies().await;
    browser.goto(&url).await;
    browser.fill("#secret", "the-next-secret-of-somebody-0123").await;
    browser.click("#give").await;
    browser.wait_for("#taken").await;
}

#[tokio::test]
async fn chromium_a_form_filled_in_wrongly_says_what_is_wrong_and_keeps_what_was_typed() {
    let mut desk = Desk::furnish().await;
    let only = std::env::var("AVOUCH_PAGE").unwrap_or_default();
    let mut wrong = Vec::new();
    for form in FORMS.iter().filter(|form| form.name.contains(&only)) {
        for script in [true, false] {
            let said = form.fill_in_wrongly(&mut desk, script).await;
            wrong.extend(said.into_iter().map(|what| format!("{} (script {script}): {what}", form.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
