//! SAML: as our page tells to set the client up; its signing certificate and ours change while people sign in.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Keycloak, Stage, is_alice};
use crate::admin::Api;
use crate::harness::{Broker, Browser};

fn client(broker: &Broker) -> Value {
    let (metadata, acs) = (broker.url("/connections/corp/metadata"), broker.url("/connections/corp/acs"));
    let attribute = |name: &str, uri: &str, property: &str| {
        json!({
            "name": name, "protocol": "saml", "protocolMapper": "saml-user-property-mapper",
            "config": { "attribute.nameformat": "URI Reference", "user.attribute": property, "friendly.name": property, "attribute.name": uri },
        })
    };
    json!({
        "clientId": metadata,
        "protocol": "saml",
        "redirectUris": [acs],
        "frontchannelLogout": true,
        "attributes": {
            "saml_assertion_consumer_url_post": acs,
            "saml_single_logout_service_url_post": broker.url("/connections/corp/slo"),
            "saml_single_logout_service_url_redirect": broker.url("/connections/corp/slo"),
            "saml_name_id_format": "persistent",
            "saml_force_name_id_format": "true",
            "saml.force.post.binding": "true",
            "saml.authnstatement": "true",
            "saml.server.signature": "true",
            "saml.assertion.signature": "true",
            "saml.signature.algorithm": "RSA_SHA256",
            "saml_signature_canonicalization_method": "http://www.w3.org/2001/10/xml-exc-c14n#",
            "saml.client.signature": "true",
            "saml.useMetadataDescriptorUrl": "true",
            "saml.metadataDescriptorUrl": metadata,
        },
        "protocolMappers": [
            attribute("email", "urn:oid:1.2.840.113549.1.9.1", "email"),
            attribute("givenName", "urn:oid:2.5.4.42", "firstName"),
            attribute("surname", "urn:oid:2.5.4.4", "lastName"),
            {
                "name": "groups", "protocol": "saml", "protocolMapper": "saml-group-membership-mapper",
                "config": { "attribute.name": "groups", "attribute.nameformat": "Basic", "single": "true", "full.path": "false" },
            },
        ],
    })
}

impl Stage {
    async fn signs_in_by_saml(&self, browser: &mut Browser) -> Value {
        let (request, page) = self.log_in(browser).await;
        let mut page = browser.submit(&page, "", &[]).await;
        if page.has("form-post") {
            page = browser.submit(&page, "form-post", &[]).await;
        }
        self.welcome(&request, &page).await
    }
}

fn metadata_url(keycloak: &Keycloak) -> String {
    format!("{}/protocol/saml/descriptor", keycloak.realm())
}

#[tokio::test]
#[ignore = "make interop"]
async fn people_sign_in_while_the_keys_of_both_ends_change() {
    let stage = Stage::set(client).await;
    let connection = json!({
        "slug": "corp", "protocol": "saml", "preset": "keycloak", "metadata_url": metadata_url(&stage.keycloak), "sign_requests": true,
    });
    stage.broker.apply(&json!({ "connections": [connection] }).to_string()).await;
    let claims = stage.signs_in_by_saml(&mut stage.wiki.browser()).await;
    is_alice(&claims);

    stage.keycloak.signs_with_a_new_key(200).await;
    let later = stage.signs_in_by_saml(&mut stage.wiki.browser()).await;
    assert_eq!(later["sub"], claims["sub"], "a certificate that nobody announced costs one fetch");

    // it goes by the metadata that it has read until that says to read it again (cacheDuration)
    let an_hour_passes = async || stage.keycloak.admin(Method::POST, "/corp/clear-keys-cache", None).await;
    let api = Api::of(&stage.broker, "editor").await;
    assert_eq!(api.post("/connections/corp/sp-keys", &json!({})).await.status, 201);
    stage.broker.catch_up().await;
    stage.signs_in_by_saml(&mut stage.wiki.browser()).await;
    an_hour_passes().await;
    let promoted = api.post("/connections/corp/sp-keys/promote", &json!({})).await;
    assert_eq!(promoted.status, 200, "{}", promoted.json);
    stage.broker.catch_up().await;
    let last = stage.signs_in_by_saml(&mut stage.wiki.browser()).await;
    assert_eq!(last["sub"], claims["sub"], "Keycloak follows our metadata");
}
