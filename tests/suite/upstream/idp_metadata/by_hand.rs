//! Certificates that come by the resource file and at the command line.

use super::*;

/// A play without metadata: the provider is entered by hand, with these certificates.
async fn by_hand(numbers: &[usize]) -> Play {
    let play = Play::unconnected(Options::default()).await;
    apply(&play, numbers).await;
    play
}

async fn apply(play: &Play, numbers: &[usize]) {
    let certificates: Vec<_> =
        numbers.iter().map(|number| STANDARD.encode(&play.identity(*number).certificate)).collect();
    let entity_id = &play.saml.idp.idp_entity_id;
    let settings = format!("entity_id: {entity_id}\nsso_url: {SSO}\ncertificates: [{}]", certificates.join(", "));
    play.saml.connect(&settings).await;
}

fn pem(play: &Play, number: usize) -> String {
    let name = format!("{number}.pem");
    let pem = openssl::x509::X509::from_der(&play.identity(number).certificate).unwrap().to_pem().unwrap();
    std::fs::write(play.saml.world.broker.files().join(&name), pem).unwrap();
    name
}

#[tokio::test]
async fn the_file_adds_and_retires_its_own_and_leaves_those_of_people_alone() {
    let mut play = by_hand(&[0]).await;
    assert_eq!(play.states(&[0]).await, ["active file"]);
    apply(&play, &[0, 1]).await;
    assert_eq!(play.states(&[0, 1]).await, ["active file", "next file"]);
    play.accepted(0).await;
    play.accepted(1).await;
    apply(&play, &[1]).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired file", "active file"]);
    play.refused(0, "unknown_certificate").await;
    let (well, told) = play.cli(&["connection", "certificates", "add", "fabrikam", &pem(&play, 2)]).await;
    assert!(well, "{told}");
    apply(&play, &[1]).await;
    assert_eq!(play.states(&[1, 2]).await, ["active file", "next manual"]);
    play.accepted(2).await;
    // what was taken out of the file and comes back is trusted again
    apply(&play, &[0]).await;
    assert_eq!(play.states(&[0, 1, 2]).await, ["next file", "retired file", "active manual"]);
    play.accepted(0).await;
    // unless a person has said no meanwhile
    let second = sha256(&play.identity(1).certificate);
    let (well, told) = play.cli(&["connection", "certificates", "retire", "fabrikam", &second]).await;
    assert!(well, "{told}");
    apply(&play, &[0, 1]).await;
    assert_eq!(play.states(&[0, 1]).await, ["active file", "retired file"]);
}

#[tokio::test]
async fn an_export_has_them_and_plans_nothing() {
    let play = by_hand(&[0, 1]).await;
    play.cli(&["connection", "certificates", "add", "fabrikam", &pem(&play, 2)]).await;
    play.cli(&["connection", "certificates", "retire", "fabrikam", &sha256(&play.identity(1).certificate)]).await;
    let (well, file) = play.cli(&["export"]).await;
    assert!(well, "{file}");
    for (number, there) in [(0, true), (1, false), (2, true)] {
        assert_eq!(file.contains(&STANDARD.encode(&play.identity(number).certificate)), there, "{number} in {file}");
    }
    std::fs::write(play.saml.world.broker.files().join("export.yaml"), file).unwrap();
    let (well, plan) = play.cli(&["apply", "-f", "export.yaml", "--dry-run"]).await;
    assert!(well && plan.contains("no changes"), "{plan}");
}

#[tokio::test]
async fn what_a_person_retires_no_file_brings_back() {
    let mut play = by_hand(&[0, 1]).await;
    let first = colons(&sha256(&play.identity(0).certificate));
    let (well, told) = play.cli(&["connection", "certificates", "retire", "fabrikam", &first[..20]]).await;
    assert!(well && told.contains("is retired"), "{told}");
    play.refused(0, "unknown_certificate").await;
    apply(&play, &[0, 1]).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired file", "next file"]);
    play.refused(0, "unknown_certificate").await;
    let (well, told) = play.cli(&["connection", "certificates", "add", "fabrikam", &pem(&play, 0)]).await;
    assert!(well, "{told}");
    play.accepted(0).await;
}

#[tokio::test]
async fn what_a_person_retires_no_metadata_brings_back_either() {
    let mut play = Play::new("").await;
    play.publish(&[0, 1]).await;
    play.a_day_later().await;
    let first = sha256(&play.identity(0).certificate);
    let (well, told) = play.cli(&["connection", "certificates", "retire", "fabrikam", &first]).await;
    assert!(well, "{told}");
    for _ in 0..2 {
        play.a_day_later().await;
        assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "next metadata"]);
    }
    play.refused(0, "unknown_certificate").await;
    play.accepted(1).await;
}

#[tokio::test]
async fn the_command_line_shows_adds_promotes_and_refuses_to_retire_the_last() {
    let mut play = by_hand(&[0]).await;
    let prints = [0, 1].map(|number| colons(&sha256(&play.identity(number).certificate)));
    let (well, told) = play.cli(&["connection", "certificates", "retire", "fabrikam", &prints[0]]).await;
    assert!(!well && told.contains("it is the last certificate"), "{told}");
    let file = pem(&play, 1);
    let (well, told) = play.cli(&["connection", "certificates", "add", "fabrikam", &file]).await;
    assert!(
        well && told.contains(&format!("fabrikam: certificate SHA-256 {} is trusted from now on", prints[1])),
        "{told}"
    );
    let (_, told) = play.cli(&["connection", "certificates", "add", "fabrikam", &file]).await;
    assert!(told.contains("is known already"), "{told}");
    play.accepted(0).await;
    let (well, told) = play.cli(&["connection", "certificates", "list", "fabrikam"]).await;
    let line = |print: &str| told.lines().find(|line| line.ends_with(print)).unwrap().to_owned();
    assert!(well && line(&prints[0]).starts_with("active") && !line(&prints[0]).contains("never"), "{told}");
    assert!(line(&prints[1]).starts_with("next") && line(&prints[1]).contains("never"), "{told}");
    assert!(line(&prints[1]).contains("2030-03-17T17:46:40Z") && line(&prints[1]).contains("manual"), "{told}");
    let (well, told) = play.cli(&["connection", "certificates", "promote", "fabrikam", &prints[1]]).await;
    assert!(well, "{told}");
    let (well, told) = play.cli(&["connection", "certificates", "retire", "fabrikam", &prints[0]]).await;
    assert!(well, "{told}");
    assert_eq!(play.states(&[0, 1]).await, ["retired file", "active manual"]);
    play.accepted(1).await;
    for action in ["saml.certificate.activated", "saml.certificate.retired"] {
        assert_eq!(play.audited(action, None).await.len(), 1, "{action}");
    }
    assert_eq!(play.audited("saml.certificate.added", None).await.len(), 2);

    std::fs::write(play.saml.world.broker.files().join("x.pem"), "hello").unwrap();
    let faults: [(&[&str], &str); 5] = [
        (&["list", "nobody"], "there is no connection nobody"),
        (&["list", "contoso"], "contoso speaks OpenID Connect"),
        (&["add", "fabrikam", "x.pem"], "x.pem is not one usable certificate"),
        (&["retire", "fabrikam", "0123456789"], "the connection has no certificate 0123456789"),
        (&["promote", "fabrikam", &prints[0]], "the certificate is retired"),
    ];
    for (arguments, expected) in faults {
        let (well, told) = play.cli(&[&["connection", "certificates"], arguments].concat()).await;
        assert!(!well && told.contains(expected) && told.trim_end().lines().count() == 1, "{expected}: {told}");
    }
    let (well, told) = play.cli(&["connection", "refresh", "fabrikam"]).await;
    assert!(!well && told.contains("has no metadata_url"), "{told}");
}

#[tokio::test]
async fn what_a_person_has_added_no_list_takes_away() {
    let mut play = Play::new("").await;
    let (well, told) = play.cli(&["connection", "certificates", "add", "fabrikam", &pem(&play, 0)]).await;
    assert!(well && told.contains("is known already"), "{told}");
    play.publish(&[1]).await;
    play.a_day_later().await;
    assert_eq!(play.states(&[0, 1]).await, ["active manual", "next metadata"]);
    play.accepted(0).await;
}

#[tokio::test]
async fn an_operator_may_ask_for_the_metadata_now() {
    let mut play = Play::new("").await;
    play.publish(&[0, 1]).await;
    let (well, told) = play.cli(&["connection", "refresh", "fabrikam"]).await;
    let print = colons(&sha256(&play.identity(1).certificate));
    assert!(well && told.contains(&format!("trusts SHA-256 {print} from now on")), "{told}");
    play.accepted(1).await;
    play.publisher.answer_with(404);
    let (well, told) = play.cli(&["connection", "refresh", "fabrikam"]).await;
    assert!(!well && told.contains("status 404") && told.contains("what is stored stays in use"), "{told}");
}

#[tokio::test]
async fn another_source_is_another_trust() {
    let mut play = Play::new("").await;
    play.accepted(0).await;
    apply(&play, &[1]).await;
    assert_eq!(play.states(&[0, 1]).await, ["retired metadata", "active file"]);
    play.refused(0, "unknown_certificate").await;
    play.accepted(1).await;
    play.connect("").await;
    play.accepted(0).await;
    assert_eq!(play.states(&[0, 1]).await, ["active metadata", "retired file"]);
}
