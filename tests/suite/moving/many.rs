//! Ten thousand people, and the process killed in the middle.

use sqlx::Row as _;

use crate::admin::Api;
use crate::harness::app::{answer, http};
use crate::harness::{BrokerProcess, FakeIdp, until};

const PEOPLE: i64 = 10_000;

const MAKE: &str = "
    WITH made AS (
        INSERT INTO users (id, status, email, email_verified, groups, created_at, updated_at)
        SELECT 'usr_' || lpad(n::text, 26, '0'), 'active', 'p' || n || '@contoso.example', false, '{}', now(), now() FROM generate_series(1, 10000) n
        RETURNING id)
    INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at)
    SELECT 'idn_' || right(made.id, 26), made.id, c.id, $1, 'old-' || right(made.id, 26)::bigint, now() FROM made, connections c WHERE c.slug = 'contoso'";

/// Who is where: (at Contoso, at Fabrikam, those whose two identities are not one user's or whose `sub` changed).
const STAND: &str = "
    SELECT count(*) FILTER (WHERE c.slug = 'contoso'), count(*) FILTER (WHERE c.slug = 'fabrikam'),
           count(*) FILTER (WHERE right(i.user_id, 26)::bigint <> split_part(i.subject, '-', 2)::bigint)
    FROM identities i JOIN connections c ON c.id = i.connection_id";

#[tokio::test]
async fn ten_thousand_move_and_come_back_and_move_for_good_while_processes_die() {
    let clock = Default::default();
    let (contoso, fabrikam) = (FakeIdp::start(&clock).await, FakeIdp::start(&clock).await);
    let one = BrokerProcess::prepare().await;
    std::fs::write(one.files().join("secret"), "an-upstream-secret-0123456789").unwrap();
    let connection = |slug: &str, idp: &FakeIdp| {
        format!(
            "  - {{ slug: {slug}, issuer: \"{}\", client_id: avouch, client_secret: {{ file: secret }} }}\n",
            idp.issuer
        )
    };
    one.apply(&format!("connections:\n{}{}", connection("contoso", &contoso), connection("fabrikam", &fabrikam)));
    let mut conn = one.database.connect().await;
    sqlx::query(MAKE).bind(&contoso.issuer).execute(&mut conn).await.unwrap();
    let made = one.run(&["operator", "create-key", "--role", "editor", "mover"]);
    let key = String::from_utf8(made.stdout).unwrap().split_whitespace().last().unwrap().to_owned();
    let two = one.replica();
    let mut replicas = [one, two];
    for replica in &mut replicas {
        replica.serve().await;
    }
    let api = |replica: &BrokerProcess| Api::at(&replica.address(), &key);
    let table: String = (1..=PEOPLE).map(|number| format!("old-{number},new-{number}\n")).collect();
    let url = format!("{}/api/v1/moves?from=contoso&to=fabrikam", replicas[0].address());
    let request = http().post(url).bearer_auth(&key).header("content-type", "text/csv");
    let planned = answer(request.body(format!("old_subject,new_subject\n{table}"))).await;
    assert_eq!((planned.status, &planned.json["counts"]["ready"]), (201, &PEOPLE.into()), "{}", planned.json);
    let path = format!("/moves/{}", planned.text("id"));

    for (step, stands) in
        [("forward", (PEOPLE, PEOPLE)), ("back", (PEOPLE, 0)), ("forward", (PEOPLE, PEOPLE)), ("complete", (0, PEOPLE))]
    {
        let asked = api(&replicas[0]).post(&format!("{path}/{step}"), &serde_json::json!({})).await;
        assert_eq!(asked.json["people"], PEOPLE, "{step}: {}", asked.json);
        // whichever of them is at it dies in the middle, and the other one, and they come back
        for (number, victim) in (1..).zip(&mut replicas) {
            until("some are done", async || {
                let due =
                    sqlx::query("SELECT count(*) FROM move_people WHERE place <> target").fetch_one(&mut conn).await;
                (due.unwrap().get::<i64, _>(0) < PEOPLE - 1000 * number).then_some(())
            })
            .await;
            victim.kill();
            let row = sqlx::query(STAND).fetch_one(&mut conn).await.unwrap();
            let (old, new, wrong) = (row.get::<i64, _>(0), row.get::<i64, _>(1), row.get::<i64, _>(2));
            assert!(old + new >= PEOPLE && wrong == 0, "{step}: nobody is without an identity: {old} {new} {wrong}");
            victim.serve().await;
        }
        until("the step to be done", async || {
            let shown = api(&replicas[1]).get(&path).await.json;
            (shown["counts"]["due"] == 0).then_some(())
        })
        .await;
        let row = sqlx::query(STAND).fetch_one(&mut conn).await.unwrap();
        assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), stands, "{step}");
        assert_eq!(row.get::<i64, _>(2), 0, "{step}: everybody keeps their sub");
    }
    let users = sqlx::query("SELECT count(*) FROM users").fetch_one(&mut conn).await.unwrap();
    assert_eq!(users.get::<i64, _>(0), PEOPLE);
}
