//! The life of a resource file against a real database.

use std::sync::Arc;

use base64::Engine;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use avouch::clock::{Clock, SystemClock};
use avouch::config::{Config, Environment, Flags, Purpose};
use avouch::connection::{CredentialKind, CredentialState, Slug};
use avouch::ctx::Ctx;
use avouch::jose::{Alg, Certificate, KeyPair};
use avouch::provisioning::{Job, ProvisioningError, ResourceFile, apply, export, plan};
use avouch::{client, connection, startup};

const FILE: &str = "
connections:
  - slug: contoso
    display_name: Contoso
    protocol: oidc
    preset: entra
    issuer: https://login.microsoftonline.com/1b5e7f0a-0000-0000-0000-000000000001/v2.0
    client_id: 11111111-2222-3333-4444-555555555555
    client_authentication: client_secret_post
    client_secret: { file: contoso.secret }
    email_domains: [Contoso.com]
    allow: \"'staff' in claims.groups\"
    mapping: { groups: claims.groups }
  - slug: okta
    issuer: https://okta.example
    client_id: abc
    client_authentication: private_key_jwt
    authorization_endpoint: https://okta.example/authorize
    token_endpoint: https://okta.example/token
    jwks_uri: https://okta.example/jwks
    max_age: 300
resources:
  - identifier: https://influx.example
    scopes: [read, write]
    access_token: { ttl: 600, alg: ES256, typ: JWT }
clients:
  - client_id: influxctl
    kind: native
    grants: [device_code, refresh_token]
    audiences: [https://influx.example]
    scopes: [openid, email, read]
    connections: [contoso]
    claims: { id_token: [email, groups] }
    complete_verification_uri: true
    backchannel_logout_uri: https://influx.example/logout
    backchannel_logout_session_required: true
  - client_id: worker
    name: The worker
    kind: machine
    audiences: [https://influx.example]
    client_secret: { file: worker.secret }
roles:
  - { name: admin, when: \"'platform' in user.groups\", resource: https://influx.example }
users:
  - { email: mcfly@contoso.com, name: Marty McFly, connection: contoso, subject: oid-1 }
";

/// A broker's insides on a database of its own, with secrets in a directory of its own.
struct House {
    ctx: Ctx,
    dir: tempfile::TempDir,
}

impl House {
    async fn open(options: PgConnectOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("contoso.secret"), "hunter2-hunter2-hunter2-hunter2\n").unwrap();
        std::fs::write(dir.path().join("worker.secret"), "weak").unwrap();
        let flags = Flags { data_dir: Some(dir.path().display().to_string()), ..Flags::default() };
        let config = Config::load(&flags, &Environment::default(), Purpose::Serve).unwrap();
        Self { ctx: startup::open(&config, options, Arc::new(SystemClock)).await.unwrap(), dir }
    }

    fn job(&self, text: &str) -> Job {
        Job {
            file: ResourceFile::parse(text, "f.yaml").unwrap(),
            owner: avouch::provisioning::Owner::File("f.yaml".into()),
            base_dir: self.dir.path().to_path_buf(),
            prune: false,
        }
    }

    async fn credentials(&self, slug: &str) -> Vec<(CredentialKind, CredentialState)> {
        let mut conn = self.ctx.db.acquire().await.unwrap();
        let found = connection::store::by_slug(&mut conn, &Slug::parse(slug).unwrap()).await.unwrap().unwrap();
        found.credentials.iter().map(|c| (c.kind(), c.state)).collect()
    }
}

#[sqlx::test]
async fn a_file_is_applied_once_and_its_export_changes_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let job = house.job(FILE);

    let first = plan(&house.ctx, &job).await.unwrap().to_string();
    assert!(
        first.contains("client_secret: imports a new value") && first.contains("private key: makes one"),
        "{first}"
    );
    assert!(!first.contains("hunter2") && !first.contains("weak"), "{first}");
    assert!(first.ends_with("7 to create, 0 to update, 0 to delete, 0 unchanged"), "{first}");

    let applied = apply(&house.ctx, &job).await.unwrap();
    let (email, sub) = &applied.users[0];
    assert!(email == "mcfly@contoso.com" && sub.as_str().starts_with("usr_"));
    assert_eq!(house.credentials("contoso").await, [(CredentialKind::ClientSecret, CredentialState::Active)]);
    assert_eq!(house.credentials("okta").await, [(CredentialKind::PrivateKey, CredentialState::Active)]);

    let again = apply(&house.ctx, &job).await.unwrap();
    assert_eq!(again.plan.to_string(), "no changes (7 as the file says)");
    assert_eq!(again.users, applied.users);

    let yaml = export(&house.ctx).await.unwrap().to_yaml().unwrap();
    assert!(yaml.contains("AVOUCH_SECRET_CONNECTION_CONTOSO") && !yaml.contains("hunter2"), "{yaml}");
    assert_eq!(yaml.matches("complete_verification_uri: true").count(), 1, "{yaml}");
    assert!(yaml.contains("backchannel_logout_uri: https://influx.example/logout"), "{yaml}");
    let round = plan(&house.ctx, &house.job(&yaml)).await.unwrap();
    assert!(round.changes.is_empty() && round.kept.is_empty(), "{round}\n{yaml}");
    assert_eq!(round.notes.len(), 2, "the secrets that are not at hand: {round}");
}

#[sqlx::test]
async fn changes_are_shown_by_field_and_secrets_are_added_never_replaced(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    apply(&house.ctx, &house.job(FILE)).await.unwrap();

    std::fs::write(house.dir.path().join("contoso.secret"), "another-another-another").unwrap();
    std::fs::write(house.dir.path().join("worker.secret"), "strong").unwrap();
    let text = FILE.replace("display_name: Contoso", "display_name: Contoso Ltd").replace("ttl: 600", "ttl: 900");
    let applied = apply(&house.ctx, &house.job(&text)).await.unwrap();
    let shown = applied.plan.to_string();
    assert!(shown.contains("~ connection contoso\n    display_name: \"Contoso\" -> \"Contoso Ltd\"\n"), "{shown}");
    assert!(shown.contains("\"ttl\":600") && shown.contains("\"ttl\":900"), "{shown}");
    assert_eq!(
        house.credentials("contoso").await,
        [
            (CredentialKind::ClientSecret, CredentialState::Active),
            (CredentialKind::ClientSecret, CredentialState::Retiring)
        ]
    );
    let mut conn = house.ctx.db.acquire().await.unwrap();
    let clients = client::store::all(&mut conn).await.unwrap();
    drop(conn);
    assert_eq!(clients.iter().find(|c| c.client_id.as_str() == "worker").unwrap().secrets.len(), 2);

    // The first value comes back: it was imported before, so nothing moves.
    std::fs::write(house.dir.path().join("contoso.secret"), "hunter2-hunter2-hunter2-hunter2").unwrap();
    assert!(plan(&house.ctx, &house.job(&text)).await.unwrap().changes.is_empty());
}

#[sqlx::test]
async fn what_the_file_does_not_name_stays_unless_pruned(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    apply(&house.ctx, &house.job(FILE)).await.unwrap();
    let mut job = house.job("resources:\n  - { identifier: https://influx.example, scopes: [read, write] }\n");
    let kept = plan(&house.ctx, &job).await.unwrap();
    assert_eq!(kept.kept.len(), 5, "{kept}");
    job.prune = true;
    let pruned = apply(&house.ctx, &job).await.unwrap();
    assert!(pruned.plan.to_string().ends_with("0 to create, 1 to update, 5 to delete, 0 unchanged"), "{}", pruned.plan);
    let left = export(&house.ctx).await.unwrap();
    assert!(
        left.clients.is_empty() && left.connections.is_empty() && left.roles.is_empty() && left.resources.len() == 1
    );
}

#[sqlx::test]
async fn every_fault_is_found_with_the_item_it_is_about_and_nothing_is_stored(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let house = House::open(options).await;
    let text = "
connections:
  - { slug: a, issuer: nowhere, client_id: x, client_authentication: private_key_jwt, client_secret: { env: X } }
  - { slug: a, issuer: https://login.microsoftonline.com/common/v2.0, client_id: x, scopes: [email] }
resources:
  - { identifier: https://r.example, access_token: { ttl: 5 } }
clients:
  - { client_id: spa, kind: spa, client_secret: { env: X }, require_pkce: false }
  - { client_id: m, kind: machine, audiences: [https://other.example], connections: [b], scopes: [nonsense] }
roles:
  - { name: r, when: 'true', resource: https://other.example }
users:
  - { email: nobody, connection: b, subject: '' }
";
    let Err(ProvisioningError::Problems(problems)) = apply(&house.ctx, &house.job(text)).await else {
        panic!("faults")
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for expected in [
        "connections[a].slug: stands twice",
        "connections[a].issuer: \"nowhere\" is not an absolute",
        "connections[a].client_secret: has no place beside",
        "connections[a].tenants: the issuer stands for every Entra tenant",
        "connections[a].scopes: must hold openid",
        "resources[https://r.example].access_token.ttl: must be 60",
        "clients[spa].client_secret: a spa client is public",
        "clients[spa].require_pkce: a spa client is public",
        "clients[spa].redirect_uris: the grant authorization_code",
        "clients[m].audiences: \"https://other.example\" is no resource",
        "clients[m].connections: b is no connection",
        "clients[m].scopes: \"nonsense\" is neither",
        "roles[r].resource: ",
        "users[nobody].email: ",
        "users[nobody].subject: ",
        "users[nobody].connection: b is no connection",
    ] {
        assert!(shown.iter().any(|problem| problem.starts_with(expected)), "{expected} in {shown:#?}");
    }
    assert_eq!(export(&house.ctx).await.unwrap(), ResourceFile::default());

    let missing = FILE.replace("file: worker.secret", "env: AVOUCH_SECRET_NOT_SET");
    let error = apply(&house.ctx, &house.job(&missing)).await.err().unwrap().to_string();
    assert_eq!(error, "clients[worker].client_secret: the variable AVOUCH_SECRET_NOT_SET is not set");
    assert_eq!(export(&house.ctx).await.unwrap(), ResourceFile::default());
}

/// A machine's `sub` is its client_id; a person's begins with `usr_`.
#[test]
fn a_client_is_not_named_like_a_person() {
    let file = |id: &str| ResourceFile::parse(&format!("clients: [{{ client_id: {id}, kind: machine }}]"), "f.yaml");
    for id in ["usr_", "usr_01jzz0000000000000000000"] {
        let error = file(id).unwrap_err().to_string();
        assert!(error.contains(id) && error.contains("not begin with usr_"), "{error}");
    }
    for id in ["usr", "user_1", "my-usr_1"] {
        assert!(file(id).is_ok(), "{id}");
    }
}

/// A certificate as an identity provider has it, bare base64.
fn certificate() -> String {
    let (pair, _) = KeyPair::generate(Alg::RS256);
    let now = SystemClock.now();
    let certificate = Certificate::self_signed(&pair, "idp", now, now + time::Duration::days(1)).unwrap();
    base64::engine::general_purpose::STANDARD.encode(certificate.der())
}

fn metadata(certificate: &str) -> String {
    // with what files have that memory has not: a byte order mark, CRLF, comments, trailing lines
    format!(
        "\u{feff}<!-- exported -->\r\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example/saml\">\r\n  \
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor>\
         <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor><md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>\r\n\r\n"
    )
}

#[sqlx::test]
async fn saml_connections_come_by_url_by_file_and_by_hand_and_go_round(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let certificate = certificate();
    std::fs::write(house.dir.path().join("idp.xml"), metadata(&certificate)).unwrap();
    let file = format!(
        "
connections:
  - {{ slug: url, protocol: saml, metadata_url: https://idp.example/metadata, want_assertions_signed: true, sign_requests: false,
      sign_metadata: false, send_login_hint: true, end_with_idp_session: false, allow_idp_initiated: true,
      initiate_login_uri: 'https://app.example/start?x=1' }}
  - {{ slug: file, protocol: saml, metadata_file: idp.xml, subject: uid, encryption: require, want_signed: both }}
  - slug: hand
    protocol: saml
    entity_id: https://idp.example/saml
    sso_url: https://idp.example/sso
    sso_binding: post
    certificates:
      - |
        -----BEGIN CERTIFICATE-----
        {certificate}
        -----END CERTIFICATE-----
    requested_authn_context: [urn:mfa]
    email_domains: [idp.example]
users:
  - {{ email: m@idp.example, connection: file, subject: '7' }}
  - {{ email: n@idp.example, connection: url, subject: '8', issuer: https://idp.example/saml }}
"
    );
    apply(&house.ctx, &house.job(&file)).await.unwrap();
    for slug in ["url", "file", "hand"] {
        // one to sign with, one to be encrypted to
        assert_eq!(house.credentials(slug).await, [(CredentialKind::PrivateKey, CredentialState::Active); 2]);
    }
    let again = apply(&house.ctx, &house.job(&file)).await.unwrap();
    assert_eq!(again.plan.to_string(), "no changes (5 as the file says)");

    let yaml = export(&house.ctx).await.unwrap().to_yaml().unwrap();
    assert!(yaml.contains("metadata: ") && !yaml.contains("metadata_file"), "{yaml}");
    std::fs::remove_file(house.dir.path().join("idp.xml")).unwrap();
    let round = plan(&house.ctx, &house.job(&yaml)).await.unwrap();
    assert!(round.changes.is_empty() && round.kept.is_empty() && round.notes.is_empty(), "{round}\n{yaml}");
    let error = apply(&house.ctx, &house.job(&file)).await.err().unwrap().to_string();
    assert!(error.starts_with("connections[file].metadata_file: the file idp.xml cannot be read"), "{error}");
}

#[sqlx::test]
async fn faults_of_saml_connections_are_told_in_clear_words(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let certificate = certificate();
    let text = format!(
        "
connections:
  - {{ slug: none, protocol: saml }}
  - {{ slug: two, protocol: saml, metadata_url: https://idp.example/m, sso_url: https://idp.example/sso }}
  - {{ slug: bare, protocol: saml, entity_id: x, sso_url: https://idp.example/sso }}
  - {{ slug: nameless, protocol: saml, sso_url: https://idp.example/sso, certificates: ['{certificate}', 'AAAA'] }}
  - {{ slug: mixed, protocol: saml, metadata_url: nowhere, client_id: x, scopes: [openid], issuer: https://idp.example }}
  - {{ slug: broken, protocol: saml, metadata: '<a/>' }}
  - {{ slug: empty, protocol: saml, metadata: \"{}\" }}
  - {{ slug: lands, protocol: saml, metadata_url: https://idp.example/m, initiate_login_uri: 'javascript:x#y' }}
  - {{ slug: oidc, metadata_url: https://idp.example/m, want_signed: both }}
users:
  - {{ email: n@idp.example, connection: two, subject: '8' }}
",
        metadata("").replace('"', "'").replace(['\r', '\n', '\u{feff}'], "")
    );
    let Err(ProvisioningError::Problems(problems)) = apply(&house.ctx, &house.job(&text)).await else {
        panic!("faults")
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for expected in [
        "connections[none].metadata_url: is missing: a SAML provider comes by",
        "connections[two].metadata_url: one source only",
        "connections[bare].certificates: is empty",
        "connections[nameless].entity_id: is missing",
        "connections[nameless].certificates[1]: it is not an X.509 certificate",
        "connections[mixed].metadata_url: \"nowhere\" is not an absolute",
        "connections[mixed].client_id: belongs to connections of protocol oidc",
        "connections[mixed].scopes: belongs to",
        "connections[mixed].issuer: belongs to",
        "connections[broken].metadata: entity_missing: ",
        "connections[empty].metadata: no_usable_certificate: ",
        "connections[lands].initiate_login_uri: \"javascript:x#y\" is not an absolute",
        "connections[lands].initiate_login_uri: means nothing without allow_idp_initiated",
        "connections[lands].initiate_login_uri: must not have a fragment",
        "connections[oidc].metadata_url: belongs to connections of protocol saml",
        "connections[oidc].want_signed: belongs to",
        "connections[oidc].issuer: is missing",
        "connections[oidc].client_id: is empty",
        "users[n@idp.example].issuer: ",
    ] {
        assert!(shown.iter().any(|problem| problem.starts_with(expected)), "{expected} in {shown:#?}");
    }
    assert_eq!(export(&house.ctx).await.unwrap(), ResourceFile::default());
}

#[sqlx::test]
async fn keys_of_clients_and_who_they_are_elsewhere_go_round(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let (pair, _) = KeyPair::generate(Alg::ES256);
    let now = SystemClock.now();
    let certificate = Certificate::self_signed(&pair, "zeebe", now, now + time::Duration::days(30)).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(certificate.der());
    let keys = serde_json::json!({ "keys": [pair.public_jwk()] });
    let file = format!(
        "
resources:
  - {{ identifier: https://api.example, scopes: [read] }}
clients:
  - client_id: zeebe
    kind: machine
    token_endpoint_auth_method: private_key_jwt
    certificates:
      - |
        -----BEGIN CERTIFICATE-----
        {der}
        -----END CERTIFICATE-----
  - client_id: inline
    kind: machine
    jwks: {keys}
  - client_id: fetched
    kind: machine
    grants: [client_credentials, jwt_bearer, token_exchange]
    jwks_uri: https://fetched.example/jwks
    serves: [https://api.example]
    federated_identities:
      - {{ issuer: https://token.actions.githubusercontent.com, audience: avouch, subject: 'repo:octo/app:ref:refs/heads/main', one_use: true }}
      - issuer: https://kubernetes.default.svc
        audience: avouch
        subject_rule: claims.sub.startsWith('system:serviceaccount:prod:')
        jwks: {keys}
        max_age: 7200
        algs: [RS256, ES256]
"
    );
    let applied = apply(&house.ctx, &house.job(&file)).await.unwrap();
    assert!(applied.plan.notes.is_empty(), "none of them needs a secret: {}", applied.plan);
    assert_eq!(apply(&house.ctx, &house.job(&file)).await.unwrap().plan.to_string(), "no changes (4 as the file says)");
    let yaml = export(&house.ctx).await.unwrap().to_yaml().unwrap();
    let round = plan(&house.ctx, &house.job(&yaml)).await.unwrap();
    assert!(round.changes.is_empty(), "{round}\n{yaml}");
}

#[sqlx::test]
async fn how_far_a_logout_goes_is_written_down_and_goes_round(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let certificate = certificate();
    let hand =
        format!("protocol: saml, entity_id: x, sso_url: https://idp.example/sso, certificates: ['{certificate}']");
    let file = format!(
        "
connections:
  - {{ slug: oidc, issuer: https://idp.example, client_id: c, client_authentication: private_key_jwt, upstream_logout: true }}
  - {{ slug: saml, {hand}, single_logout: true, slo_url: https://idp.example/slo, slo_binding: post, slo_response_url: https://idp.example/done }}
  - {{ slug: quiet, protocol: saml, metadata_url: https://idp.example/m, single_logout: false }}
"
    );
    apply(&house.ctx, &house.job(&file)).await.unwrap();
    let again = apply(&house.ctx, &house.job(&file)).await.unwrap();
    assert_eq!(again.plan.to_string(), "no changes (3 as the file says)");
    let yaml = export(&house.ctx).await.unwrap().to_yaml().unwrap();
    for line in ["upstream_logout: true", "single_logout: true", "slo_url: ", "slo_binding: post", "slo_response_url: "]
    {
        assert_eq!(yaml.matches(line).count(), 1, "{line} in {yaml}");
    }
    assert!(plan(&house.ctx, &house.job(&yaml)).await.unwrap().changes.is_empty(), "{yaml}");

    let text = format!(
        "
connections:
  - {{ slug: both, protocol: saml, metadata_url: https://idp.example/m, slo_url: https://idp.example/slo }}
  - {{ slug: half, {hand}, slo_binding: post }}
  - {{ slug: nowhere, {hand}, single_logout: true }}
  - {{ slug: odd, {hand}, slo_url: nowhere, upstream_logout: true }}
  - {{ slug: oidc2, issuer: https://idp.example, client_id: c, single_logout: true }}
"
    );
    let Err(ProvisioningError::Problems(problems)) = apply(&house.ctx, &house.job(&text)).await else {
        panic!("faults")
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for expected in [
        "connections[both].slo_url: stands beside metadata",
        "connections[half].slo_url: is missing",
        "connections[nowhere].single_logout: needs slo_url",
        "connections[odd].slo_url: \"nowhere\" is not an absolute",
        "connections[odd].upstream_logout: belongs to connections of protocol oidc",
        "connections[oidc2].single_logout: belongs to connections of protocol saml",
    ] {
        assert!(shown.iter().any(|problem| problem.starts_with(expected)), "{expected} in {shown:#?}");
    }
}

#[sqlx::test]
async fn how_fresh_a_refresh_is_is_written_down_and_goes_round(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::open(options).await;
    let oidc = "issuer: https://idp.example, client_id: c, client_authentication: private_key_jwt";
    let file = format!(
        "
connections:
  - {{ slug: strict, {oidc}, refresh: {{ policy: require, max_age: 60 }} }}
  - {{ slug: soft, {oidc}, refresh: {{ max_age: 900 }} }}
  - {{ slug: never, {oidc}, refresh: {{ policy: login_only }} }}
  - {{ slug: usual, {oidc}, refresh: {{ policy: best_effort }} }}
"
    );
    apply(&house.ctx, &house.job(&file)).await.unwrap();
    let again = apply(&house.ctx, &house.job(&file)).await.unwrap();
    assert_eq!(again.plan.to_string(), "no changes (4 as the file says)");
    let yaml = export(&house.ctx).await.unwrap().to_yaml().unwrap();
    for (line, times) in [("policy: require", 1), ("policy: login_only", 1), ("max_age: 60", 1), ("refresh:", 3)] {
        assert_eq!(yaml.matches(line).count(), times, "{line} in {yaml}");
    }
    assert!(plan(&house.ctx, &house.job(&yaml)).await.unwrap().changes.is_empty(), "{yaml}");

    let text = format!(
        "
connections:
  - {{ slug: saml, protocol: saml, metadata_url: https://idp.example/m, refresh: {{ policy: require }} }}
  - {{ slug: odd, {oidc}, refresh: {{ policy: login_only, max_age: 60 }} }}
"
    );
    let Err(ProvisioningError::Problems(problems)) = apply(&house.ctx, &house.job(&text)).await else {
        panic!("faults")
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for expected in [
        "connections[saml].refresh: belongs to connections of protocol oidc: a SAML provider cannot be asked again",
        "connections[odd].refresh.max_age: means nothing beside policy: login_only",
    ] {
        assert!(shown.iter().any(|problem| problem.starts_with(expected)), "{expected} in {shown:#?}");
    }
}
