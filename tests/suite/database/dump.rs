//! Whoever gets hold of a database dump can use nothing in it.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::harness::postgres::MASTER_KEY;
use crate::harness::world::{CONTOSO_SECRET, SHOP_SECRET};
use crate::harness::{RefreshTokens, World};

fn dump(url: &str) -> String {
    let mut places: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin/pg_dump"))
        .filter(|program| program.exists())
        .collect();
    places.sort();
    let program = places.pop().unwrap_or_else(|| "pg_dump".into());
    let output = Command::new(program).args(["--inserts", "--dbname", url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_dump_after_sign_ins_holds_no_usable_secret() {
    let world = World::new().await;
    world.connect("fabrikam", "client_authentication: private_key_jwt").await;
    world.idp.tell(|script| script.refresh_tokens = RefreshTokens::Rotating);
    world.set_contoso("refresh: { max_age: 0 }").await;
    let shop = &world.shop;
    let mut secrets: Vec<(&str, String)> =
        vec![("client secret", SHOP_SECRET.into()), ("upstream secret", CONTOSO_SECRET.into())];

    // one sign-in redeemed and refreshed, one whose code lies about, one under way at the provider
    let mut browser = shop.browser();
    let (request, page) = shop.sign_in(&mut browser, &[("connection", "contoso")]).await;
    let tokens = shop.redeem(&page.param("code"), &request.verifier).await;
    let fresh = shop.refresh(tokens.text("refresh_token")).await;
    secrets.extend([
        ("code", page.param("code")),
        ("verifier", request.verifier),
        ("refresh token", tokens.text("refresh_token").into()),
        ("refresh token's successor", fresh.text("refresh_token").into()),
        ("access token", tokens.text("access_token").into()),
        ("ID token", tokens.text("id_token").into()),
    ]);
    // one request that was pushed and waits
    let (_, pushed) = shop.push(&[], &[]).await;
    let reference = pushed.text("request_uri").rsplit_once(':').unwrap().1;
    secrets.push(("pushed request's reference", reference.into()));
    // one device that got its tokens, one that waits
    let cli = world.app("cli", "kind: native\ngrants: [device_code]\nconnections: [contoso]").await;
    for approved in [true, false] {
        let answer = crate::device::ask(&cli, &[("client_id", "cli")]).await.json;
        let device = crate::device::Device { app: cli.clone(), answer };
        if approved {
            device.tokens(&mut browser).await;
        }
        secrets.push(("device code", device.device_code().into()));
        secrets.push(("user code", device.user_code().into()));
        secrets.push(("user code", device.user_code().replace('-', "")));
    }
    let (request, page) = shop.sign_in(&mut browser, &[]).await;
    secrets.extend([("unused code", page.param("code")), ("verifier", request.verifier)]);
    let mut under_way = shop.browser();
    under_way.stop_at(&world.broker.url("/connections/"));
    let (_, page) = shop.sign_in(&mut under_way, &[("connection", "fabrikam")]).await;
    secrets.extend([("state", page.param("state")), ("the provider's code", page.param("code"))]);
    for call in world.idp.received().token {
        let refreshed = call.params.get("refresh_token").map(|token| ("the provider's refresh token", token.clone()));
        secrets.extend(call.params.get("code_verifier").map(|verifier| ("verifier at the provider", verifier.clone())));
        secrets.extend(refreshed);
    }
    secrets.extend(world.idp.refresh_tokens().into_iter().map(|token| ("the provider's refresh token", token)));
    assert!(secrets.iter().filter(|(what, _)| *what == "the provider's refresh token").count() >= 2);
    secrets.push(("the provider's access token", "an-upstream-access-token".into()));
    for value in [browser.cookie_values(), under_way.cookie_values()].concat() {
        if value.starts_with("avo_") {
            secrets.push(("cookie", value));
        }
    }
    assert!(secrets.iter().filter(|(what, _)| *what == "cookie").count() >= 3);
    let master = STANDARD.decode(MASTER_KEY.trim().split_once(':').unwrap().1).unwrap();
    secrets.push(("master key", String::from_utf8(master).unwrap()));

    world.broker.audit_events().await;
    let dump = dump(world.broker.database_url());
    assert!(dump.contains("shop.example") && dump.contains("marty@contoso.example"), "this is the right database");
    for (what, value) in &secrets {
        let forms = [value.clone(), hex(value.as_bytes()), STANDARD.encode(value), URL_SAFE_NO_PAD.encode(value)];
        for form in forms {
            assert!(!dump.contains(form.trim_end_matches('=')), "a {what} stands in the dump");
        }
    }
    // PKCS#8: version and algorithm, as the dump would write them; PEM and JWK
    let private = [
        "020100300d06092a864886f70d010101",
        "020100301306072a8648ce3d0201",
        "020100300506032b6570",
        "020101300506032b6570",
        "PRIVATE KEY",
        "\"d\":",
        "\"d\" :",
        "MIIEv",
        "MIIEu",
        "MC4CAQAwBQYDK2Vw",
    ];
    for pattern in private {
        assert!(!dump.contains(pattern), "a private key stands in the dump: {pattern}");
    }
}
