//! What follows from a list, with certificates that are names only.

use time::Duration;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn facts(name: &str) -> Facts {
    Facts {
        der: Vec::new(),
        sha256: name.into(),
        key_type: "rsa",
        key_bits: 2048,
        not_before: NOW,
        not_after: if name.starts_with("old") { NOW } else { NOW + Duration::days(9) },
    }
}

fn known(name: &str, source: Source, retired: Option<Source>) -> Certificate {
    Certificate {
        id: CertificateId::from_stored(name.into()),
        facts: facts(name),
        state: if retired.is_some() { CertificateState::Retired } else { CertificateState::Active },
        source,
        added_by: String::new(),
        added_at: NOW,
        first_seen_at: None,
        last_seen_at: None,
        retired: retired.map(|by| (NOW, by)),
    }
}

/// add, revive, retire, kept as last, distrusted, stays retired
fn told(following: &Following) -> String {
    let names = |facts: &[Facts]| facts.iter().map(|one| one.sha256.clone()).collect::<Vec<_>>().join(",");
    let certificates = |all: &[Certificate]| names(&all.iter().map(|one| one.facts.clone()).collect::<Vec<_>>());
    let Following { add, revive, retire, kept_as_last, distrusted, stays_retired } = following;
    [
        names(add),
        certificates(revive),
        certificates(retire),
        certificates(kept_as_last),
        names(distrusted),
        certificates(stays_retired),
    ]
    .join("|")
}

#[test]
fn lists_add_and_retire_but_never_the_last_and_never_against_a_person() {
    let a = known("a", Source::Metadata, None);
    let by_hand = known("hand", Source::Manual, None);
    let gone = known("gone", Source::Metadata, Some(Source::Metadata));
    let banned = known("banned", Source::File, Some(Source::Manual));
    let table: [(&[&Certificate], &[&str], bool, &str); 12] = [
        (&[], &["a", "b", "a"], true, "a,b|||||"),
        (&[&a], &["a"], true, "|||||"),
        (&[&a], &["a", "b"], true, "b|||||"),
        (&[&a], &["b"], true, "b||a|||"),
        (&[&a], &["a", "b"], false, "||||b|"),
        (&[&a], &["b"], false, "|||a|b|"),
        (&[&a], &[], true, "|||a||"),
        (&[&a, &by_hand], &[], true, "||a|||"),
        (&[&a, &gone], &["gone"], true, "|gone|a|||"),
        (&[&a, &gone], &["gone"], false, "|||a|gone|"),
        (&[&a, &banned], &["banned"], true, "|||a||banned"),
        (&[&a], &["old"], true, "old|||a||"),
    ];
    for (certificates, listed, trusts_new, expected) in table {
        let certificates: Vec<_> = certificates.iter().map(|one| (*one).clone()).collect();
        let listed: Vec<_> = listed.iter().map(|name| facts(name)).collect();
        // as where dates are enforced
        let following = Following::of(&certificates, &listed, trusts_new, |one| one.is_in_time(NOW));
        assert_eq!(told(&following), expected, "{certificates:?} {listed:?}");
    }
}

#[test]
fn fingerprints_are_shown_as_other_tools_show_them() {
    assert_eq!(fingerprint("00ffa1"), "00:FF:A1");
}
