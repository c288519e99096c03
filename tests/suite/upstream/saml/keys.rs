//! The broker's own keys at a SAML connection, replaced while people sign in.

use std::process::{Command, Stdio};

use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use serde_json::json;
use sqlx::ConnectOptions as _;

use super::*;
use crate::admin::{Api, Operator};
use crate::harness::until;

/// One certificate of our metadata.
type Der = Vec<u8>;

impl Saml {
    async fn cli(&self, arguments: &[&str]) -> (bool, String) {
        let command = [&["connection", "sp-keys"], arguments].concat();
        self.world.broker.cli(&command).await
    }

    async fn done(&self, arguments: &[&str]) -> String {
        let (success, printed) = self.cli(arguments).await;
        assert!(success, "{printed}");
        printed
    }

    async fn metadata(&self) -> String {
        reqwest::get(&self.idp.sp_entity_id).await.unwrap().text().await.unwrap()
    }

    /// Certificates for signing and for encryption, as our metadata orders them.
    async fn published(&self) -> (Vec<Der>, Vec<Der>) {
        let text = self.metadata().await;
        let document = roxmltree::Document::parse(&text).unwrap();
        let of = |usage: &str| {
            let keys = document.descendants().filter(|node| node.attribute("use") == Some(usage));
            let certificate = |key: roxmltree::Node<'_, '_>| {
                let node = key.descendants().find(|node| node.tag_name().name() == "X509Certificate").unwrap();
                STANDARD.decode(node.text().unwrap()).unwrap()
            };
            keys.map(certificate).collect()
        };
        (of("signing"), of("encryption"))
    }

    /// The same, once the running broker has heard of the change.
    async fn published_soon(&self, signing: usize, encryption: usize) -> (Vec<Der>, Vec<Der>) {
        until("the new keys are published", async || {
            let found = self.published().await;
            ((found.0.len(), found.1.len()) == (signing, encryption)).then_some(found)
        })
        .await
    }

    /// An answer that was never given before, encrypted to this certificate.
    fn encrypted_to(idp: &forge::World, certificate: &Der) -> String {
        let id = format!("_{}", crate::harness::app::random().replace(['-', '_'], "0"));
        let assertion = idp.assertion().replace("_assertion", &id);
        let signed = Sign::by(&idp.idp).apply(&assertion, &id);
        let public = X509::from_der(certificate).unwrap().public_key().unwrap();
        idp.response(&encrypted(&signed, &public))
    }

    async fn opens(&mut self, certificate: &Der) {
        self.accepted(|idp| Self::encrypted_to(idp, certificate)).await;
    }

    async fn opens_no_more(&mut self, certificate: &Der) {
        self.refused(403, "decryption_failed", |idp| Self::encrypted_to(idp, certificate)).await;
    }

    /// The certificate of these under which a fresh request's signature holds.
    async fn signs_with<'a>(&self, certificates: &'a [Der]) -> &'a Der {
        let mut browser = self.world.shop.browser();
        browser.stop_at("http://localhost:9/");
        let (_, page) = self.world.shop.sign_in(&mut browser, &[("connection", "fabrikam")]).await;
        let query = page.url.query().unwrap();
        let signed = &query[query.find("SAMLRequest=").unwrap()..query.find("&Signature=").unwrap()];
        let signature = STANDARD.decode(page.param("Signature")).unwrap();
        let holds = |certificate: &&Der| {
            let key = X509::from_der(certificate).unwrap().public_key().unwrap();
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap()
        };
        certificates.iter().find(holds).expect("one of the published keys signs")
    }
}

#[tokio::test]
async fn keys_are_replaced_without_a_failed_sign_in() {
    let mut saml = Saml::by_hand("encryption: require").await;
    let (signing, encryption) = saml.published().await;
    assert_eq!((signing.len(), encryption.len()), (1, 1));
    assert_ne!(signing, encryption, "each use has a key of its own");
    saml.opens_no_more(&signing[0]).await;

    let added = saml.done(&["add", "fabrikam"]).await;
    assert!(added.contains(&saml.idp.sp_entity_id), "{added}");
    let (both_signing, both_encryption) = saml.published_soon(2, 2).await;
    assert_eq!((&both_signing[0], &both_encryption[0]), (&signing[0], &encryption[0]), "the active one stands first");
    let (old, new) = (&both_encryption[0], &both_encryption[1]);
    saml.opens(old).await;
    saml.opens(new).await;
    assert_eq!(saml.signs_with(&both_signing).await, &signing[0]);

    let promoted = saml.done(&["promote", "fabrikam"]).await;
    assert!(promoted.contains("signing: ") && promoted.contains("encryption: "), "{promoted}");
    let (now_signing, one_encryption) = saml.published_soon(2, 1).await;
    assert_eq!(&one_encryption[0], new, "nothing more is encrypted to a retiring key");
    assert_eq!(now_signing, [both_signing[1].clone(), signing[0].clone()], "it may sign again, if it is put back");
    assert_eq!(saml.signs_with(&both_signing).await, &both_signing[1]);
    saml.opens(old).await;
    saml.opens(new).await;

    saml.done(&["retire", "fabrikam", "--use", "encryption"]).await;
    saml.world.broker.catch_up().await;
    saml.opens_no_more(old).await;
    saml.opens(new).await;

    let listed = saml.done(&["list", "fabrikam"]).await;
    let states: Vec<_> = listed.lines().skip(1).map(|line| line.split_whitespace().take(2).collect()).collect();
    let states: Vec<Vec<&str>> = states;
    assert_eq!(states, [["encryption", "active"], ["signing", "retiring"], ["signing", "active"]], "{listed}");
    let events = saml.world.broker.audit_events().await;
    for action in ["connection.key_added", "connection.key_promoted", "connection.key_retired"] {
        let event = events.iter().find(|event| event.action == action).unwrap_or_else(|| panic!("no {action}"));
        assert_eq!((event.actor.as_str(), event.connection.as_deref()), ("cli", Some("fabrikam")));
    }
}

#[tokio::test]
async fn one_use_is_replaced_alone_and_wrong_orders_are_refused_with_a_remedy() {
    let saml = Saml::by_hand("").await;
    let refused = async |arguments: &[&str], remedy: &str| {
        let (success, printed) = saml.cli(arguments).await;
        assert!(!success && printed.lines().count() == 1 && printed.contains(remedy), "{arguments:?}: {printed}");
    };
    refused(&["promote", "fabrikam"], "there is no next signing key to promote; add one").await;
    refused(&["retire", "fabrikam"], "has no retiring key").await;
    refused(&["list", "fabrikan"], "there is no connection fabrikan").await;
    refused(&["add", "contoso"], "only SAML connections").await;
    let listed = saml.done(&["list", "fabrikam"]).await;
    let id = |listed: &str, row: [&str; 2]| {
        let columns = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        columns.filter(|columns| columns[..2] == row).map(|columns| columns[4].to_owned()).next().unwrap()
    };
    let active = id(&listed, ["signing", "active"]);
    refused(&["retire", "fabrikam", "--key", &active], "is the active key; add another").await;
    refused(&["retire", "fabrikam", "--key", "crd_other"], "has no such key").await;

    saml.done(&["add", "fabrikam", "--use", "signing"]).await;
    saml.published_soon(2, 1).await;
    refused(&["add", "fabrikam"], "the next signing key is crd_").await;
    refused(&["promote", "fabrikam"], "there is no next encryption key").await;
    assert_eq!(saml.published().await.0.len(), 2, "what was refused changed nothing");
    let next = id(&saml.done(&["list", "fabrikam"]).await, ["signing", "next"]);
    saml.done(&["retire", "fabrikam", "--key", &next]).await;
    saml.published_soon(1, 1).await;
}

#[tokio::test]
async fn keys_that_were_replaced_by_hand_go_by_themselves_and_say_what_they_did() {
    let mut saml = Saml::by_hand("encryption: require").await;
    let (api, ctx) = (Api::of(&saml.world.broker, "editor").await, saml.world.broker.ctx().clone());
    let (_, encryption) = saml.published().await;
    saml.opens(&encryption[0]).await;
    saml.opens(&encryption[0]).await;
    // what is not believed was nobody's use
    saml.refused(403, "unknown_certificate", |idp| {
        let signed = Sign::by(&idp.attacker).apply(&idp.assertion(), "_assertion");
        idp.response(&super::encrypted(&signed, &X509::from_der(&encryption[0]).unwrap().public_key().unwrap()))
    })
    .await;
    let keys = async || {
        saml.world.broker.live().write_used_secrets().await.unwrap();
        api.get("/connections/fabrikam/keys").await.json["items"].as_array().unwrap().clone()
    };
    let mut uses: Vec<_> = keys().await.iter().map(|key| key["uses"].as_i64().unwrap()).collect();
    uses.sort_unstable();
    assert_eq!(uses, [2, 3], "two answers opened, three requests signed");
    let mut auditor = Operator::signed_in(&saml.world.broker, "auditor").await;
    let page = auditor.open("/admin/connections/fabrikam/keys").await;
    assert!(page.body.contains("2 times in all") && page.body.contains("3 times in all"), "{page}");

    assert_eq!(api.post("/connections/fabrikam/sp-keys", &json!({})).await.status, 201);
    assert_eq!(api.post("/connections/fabrikam/sp-keys/promote", &json!({})).await.status, 200);
    let replaced = keys().await;
    let of = |state: &str| replaced.iter().filter(|key| key["state"] == state).cloned().collect::<Vec<_>>();
    assert!(of("retiring").len() == 2 && of("retiring").iter().all(|key| key["retire_at"].is_string()), "{replaced:?}");
    let mut verdicts: Vec<_> = of("retiring").iter().map(|key| key["safe_to_retire"]["safe"] == true).collect();
    verdicts.sort_unstable();
    assert_eq!(
        verdicts,
        [false, true],
        "nothing is signed any more, and something may still be encrypted: {replaced:?}"
    );
    // the keys of SAML say the same where they are replaced
    let listed = api.get("/connections/fabrikam/sp-keys").await.json["items"].clone();
    let old: Vec<_> = listed.as_array().unwrap().iter().filter(|key| key["state"] == "retiring").collect();
    for (usage, uses, safe) in [("signing", 3, true), ("encryption", 2, false)] {
        let key = old.iter().find(|key| key["use"] == usage).unwrap_or_else(|| panic!("{listed}"));
        assert_eq!((&key["uses"], &key["safe_to_retire"]["safe"]), (&json!(uses), &json!(safe)), "{key}");
        assert!(key["last_used_at"].is_string(), "{key}");
    }
    let verdict = "Not yet: The one in use took over less than a day ago.";
    let printed = saml.done(&["list", "fabrikam"]).await;
    assert!(printed.contains("Yes: It signs nothing any more.") && printed.contains(verdict), "{printed}");
    let mut editor = Operator::signed_in(&saml.world.broker, "editor").await;
    let page = editor.open("/admin/connections/fabrikam/credentials").await;
    assert!(page.body.contains("Safe to retire: not yet.") && page.body.contains("3 times in all"), "{page}");
    let encrypts = old.iter().find(|key| key["use"] == "encryption").unwrap()["id"].as_str().unwrap();
    let page = editor.open(&format!("/admin/connections/fabrikam/credentials/sp-keys/{encrypts}/delete")).await;
    assert!(page.body.contains(verdict), "{page}");
    assert!(of("active").iter().all(|key| key["active_since"].is_string() && key["uses"] == 0), "{replaced:?}");
    // the answers here are of today: the dates come nearer instead
    for (days, gone) in [(7, 0), (2, 2)] {
        let sooner = "UPDATE connection_key_lives SET retire_at = retire_at - make_interval(days => $1)";
        sqlx::query(sooner).bind(days).execute(&ctx.db).await.unwrap();
        assert_eq!(avouch::connection::key_rotation::keep_schedule(&ctx).await.unwrap(), gone, "{days} days later");
    }
    saml.world.broker.catch_up().await;
    let (_, new) = saml.published().await;
    saml.opens_no_more(&encryption[0]).await;
    saml.opens(&new[0]).await;
}

#[tokio::test]
async fn a_key_from_before_serves_both_uses_until_each_has_its_own() {
    let mut saml = Saml::by_hand("").await;
    let mut conn = saml.world.broker.database().connect().await.unwrap();
    for before in [
        "DELETE FROM connection_credentials WHERE key_use = 'encryption'",
        "UPDATE connection_credentials SET key_use = NULL, state = 'active' WHERE key_use = 'signing'",
    ] {
        sqlx::query(before).execute(&mut conn).await.unwrap();
    }
    saml.world.broker.restart().await;
    let (signing, encryption) = saml.published().await;
    assert_eq!(signing, encryption);
    saml.opens(&signing[0]).await;
    let certificate = pem(&saml.idp.idp.certificate);
    let same = format!("entity_id: {}\nsso_url: {SSO}\ncertificates: [{certificate}]", saml.idp.idp_entity_id);
    saml.connect(&same).await;
    assert_eq!(saml.published().await, (signing.clone(), encryption.clone()), "an apply leaves it alone");

    saml.done(&["add", "fabrikam"]).await;
    let (both, _) = saml.published_soon(2, 2).await;
    saml.done(&["promote", "fabrikam", "--use", "signing"]).await;
    saml.published_soon(1, 2).await;
    assert_eq!(saml.signs_with(&both).await, &both[1]);
    saml.opens(&encryption[0]).await;
    saml.done(&["promote", "fabrikam", "--use", "encryption"]).await;
    let (_, new) = saml.published_soon(2, 1).await;
    saml.opens(&encryption[0]).await;
    saml.opens(&new[0]).await;
    saml.done(&["retire", "fabrikam"]).await;
    saml.published_soon(1, 1).await;
    saml.world.broker.catch_up().await;
    saml.opens_no_more(&encryption[0]).await;
    saml.opens(&new[0]).await;
}

#[tokio::test]
async fn our_metadata_says_what_we_want_and_fits_the_schema() {
    let saml = Saml::by_hand("").await;
    let certificate = pem(&saml.idp.idp.certificate);
    let entity_id = saml.idp.idp_entity_id.clone();
    let with = async |more: &str| {
        saml.connect(&format!("entity_id: {entity_id}\nsso_url: {SSO}\ncertificates: [{certificate}]\n{more}")).await;
        let text = saml.metadata().await;
        assert_fits_the_schema(&text);
        text
    };
    for (wanted, says) in [("either", true), ("response", false), ("assertion", true), ("both", true)] {
        let text = with(&format!("want_signed: {wanted}")).await;
        assert!(text.contains(&format!("WantAssertionsSigned=\"{says}\"")), "{wanted}: {text}");
    }
    saml.done(&["add", "fabrikam"]).await;
    saml.published_soon(2, 2).await;
    let text = with("sign_requests: true").await;
    assert!(text.contains("AuthnRequestsSigned=\"true\"") && text.contains("<ds:SignatureValue>"), "{text}");
    let of_two: Vec<_> = text.matches("xmlenc11#aes256-gcm").collect();
    assert_eq!(of_two.len(), 2);
    assert!(text.find("aes256-gcm") < text.find("aes256-cbc"));
    let text = with("sign_requests: false\nsign_metadata: false").await;
    assert!(text.contains("AuthnRequestsSigned=\"false\"") && !text.contains("Signature"), "{text}");
    // it is how a provider is set up, so it is there before the connection signs anybody in
    assert!(with("enabled: false").await.contains("AssertionConsumerService"));
}

fn assert_fits_the_schema(xml: &str) {
    use std::io::Write as _;
    let schema = "/usr/share/simplesamlphp/schemas/saml-schema-metadata-2.0.xsd";
    if !std::path::Path::new(schema).exists() {
        eprintln!("not checked: {schema} is missing");
        return;
    }
    let mut command = Command::new("xmllint");
    command.args(["--nonet", "--noout", "--schema", schema, "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("not checked: xmllint is missing");
        return;
    };
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}
