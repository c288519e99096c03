//! The audit log: found by what one looks for, paged without gaps, exported whole, kept from everybody until its retention
//! is over.

use std::collections::HashSet;

use avouch::audit;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, PgConnection, Row as _};

use super::{Api, Operator};
use crate::harness::app::http;
use crate::harness::{Broker, Options};

/// A row of the log as somebody wrote it long ago.
async fn write(conn: &mut PgConnection, n: usize, at: &str, more: Value) {
    let member = |name: &str| more[name].as_str().map(str::to_owned);
    let outcome = member("outcome").unwrap_or_else(|| "success".into());
    let reason = member("reason").or((outcome != "success").then(|| "because".into()));
    sqlx::query(
        "INSERT INTO audit_events (id, at, action, outcome, reason, actor, client_id, connection, sub, trace_id, detail)
         VALUES ('evt_' || lpad($1::text, 26, '0'), $2::timestamptz, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(i64::try_from(n).unwrap())
    .bind(at)
    .bind(member("action").unwrap_or_else(|| "test.event".into()))
    .bind(outcome)
    .bind(reason)
    .bind(member("actor").unwrap_or_else(|| "system".into()))
    .bind(member("client_id"))
    .bind(member("connection"))
    .bind(member("sub"))
    .bind(member("trace_id"))
    .bind(if more["detail"].is_null() { json!({}) } else { more["detail"].clone() })
    .execute(conn)
    .await
    .unwrap();
}

async fn broker() -> (Broker, PgConnection, Api) {
    let broker = Broker::start(Options::default()).await;
    let conn = broker.database().connect().await.unwrap();
    let api = Api::of(&broker, "auditor").await;
    (broker, conn, api)
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_filter_finds_what_it_says_and_nothing_else() {
    let (_broker, mut conn, api) = broker().await;
    let day = "2020-03-04T10:00:00Z";
    let rows = [
        json!({ "action": "test.login", "outcome": "refused", "reason": "not_allowed", "connection": "contoso" }),
        json!({ "action": "test.login.refreshed", "sub": "usr_0000000000000000000000000a" }),
        json!({ "actor": "operator:Ingrid@tidewater.example", "client_id": "grafana", "trace_id": "trc_abc" }),
        json!({ "outcome": "failed", "reason": "100%_sure" }),
        json!({ "actor": "operator:ingo@tidewater.example" }),
    ];
    for (n, row) in rows.into_iter().enumerate() {
        write(&mut conn, n + 1, day, row).await;
    }
    write(&mut conn, 9, "2020-03-05T00:00:00Z", json!({ "action": "test.login" })).await;
    let found = async |query: &str| {
        let until = if query.contains("to=") { "" } else { "&to=2020-12-31" };
        let answer = api.get(&format!("/audit-events?{query}{until}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.json);
        let mut found: Vec<_> = ids(&answer.json).iter().map(|id| id[4..].parse::<u32>().unwrap()).collect();
        found.sort_unstable();
        found
    };
    for (query, expected) in [
        ("action=test.login", vec![1, 2, 9]),
        ("action=test.login.", vec![2]),
        ("action=test_login", vec![]),
        ("outcome=refused", vec![1]),
        ("outcome=failed", vec![4]),
        ("reason=100%25_sure", vec![4]),
        ("actor=operator:ingo@tidewater.example", vec![5]),
        ("client_id=grafana", vec![3]),
        ("connection=contoso", vec![1]),
        ("sub=usr_0000000000000000000000000a", vec![2]),
        ("trace_id=trc_abc", vec![3]),
        ("q=ing", vec![3, 5]),
        ("q=operator:ing", vec![5]),
        ("q=ingrid", vec![3]),
        ("q=usr_0000", vec![2]),
        ("q=trc_abc", vec![3]),
        ("q=trc_a", vec![]),
        ("q=%25", vec![]),
        ("q=in_", vec![]),
        ("q=a%00b", vec![]),
        ("from=2020-03-05", vec![9]),
        ("from=2020-03-04T10:00:00Z&to=2020-03-04", vec![1, 2, 3, 4, 5]),
        ("to=2020-03-04T10:00:00Z", vec![]),
        ("outcome=refused&connection=fabrikam", vec![]),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
    for query in
        ["outcome=perhaps", "from=yesterday", "to=2020-13-01", "after=garbage", "after=WyJhIiwiYiJd", "limit=0"]
    {
        let answer = api.get(&format!("/audit-events?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.json);
        assert_eq!(answer.text("code"), "malformed");
    }
}

/// Many in the same microsecond, and more written all the while.
#[tokio::test]
async fn pages_repeat_and_skip_nothing_while_events_are_written() {
    let (_broker, mut conn, api) = broker().await;
    let old = HashSet::<String>::from_iter((1..=60).map(|n| format!("evt_{n:026}")));
    for n in 1..=60 {
        let at = if n % 3 == 0 { "2020-01-01T00:00:00.000001Z" } else { "2020-01-01T00:00:00Z" };
        write(&mut conn, n, at, json!({ "action": "test.paged" })).await;
    }
    let (mut seen, mut after, mut n) = (Vec::new(), String::new(), 1000);
    loop {
        let page = api.get(&format!("/audit-events?action=test.paged&limit=7&after={after}")).await.json;
        seen.extend(ids(&page));
        write(&mut conn, n, "2021-01-01T00:00:00Z", json!({ "action": "test.paged" })).await;
        n += 1;
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 60);
    assert_eq!(HashSet::from_iter(seen), old);
}

/// The database refuses it to the role that Avouch itself runs as, however it is put.
#[tokio::test]
async fn nobody_changes_or_removes_an_event() {
    let (broker, mut conn, _) = broker().await;
    write(&mut conn, 1, "2015-01-01T00:00:00Z", json!({})).await;
    write(&mut conn, 2, "2020-01-01T00:00:00Z", json!({})).await;
    for statement in [
        "UPDATE audit_events SET actor = 'somebody else'",
        "UPDATE audit_events SET actor = 'somebody else' WHERE false",
        "DELETE FROM audit_events WHERE id = 'evt_00000000000000000000000002'",
        "DELETE FROM audit_events WHERE at < '2016-01-01'",
        "TRUNCATE audit_events",
        "INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET actor = 'x'",
        "SET session_replication_role = replica; DELETE FROM audit_events; SET session_replication_role = origin",
        "BEGIN; SELECT set_config('avouch.audit_retention', 'ending', true); UPDATE audit_events SET actor = 'x'; COMMIT",
    ] {
        let mut conn = broker.database().connect().await.unwrap();
        let error = sqlx::raw_sql(statement).execute(&mut conn).await.expect_err(statement);
        let error = error.as_database_error().unwrap();
        assert_eq!(error.code().as_deref(), Some("42501"), "{statement}: {error}");
    }
    // not even by pretending to be the end of the retention, as long as it has not come
    let mut other = broker.database().connect().await.unwrap();
    write(&mut conn, 3, "2999-01-01T00:00:00Z", json!({})).await;
    let pretended =
        "BEGIN; SELECT set_config('avouch.audit_retention', 'ending', true); DELETE FROM audit_events; COMMIT";
    assert!(sqlx::raw_sql(pretended).execute(&mut other).await.is_err());
    let left: i64 = sqlx::query("SELECT count(*) FROM audit_events WHERE action = 'test.event' AND actor = 'system'")
        .fetch_one(&mut conn)
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 3);
}

#[tokio::test]
async fn events_end_with_their_retention_and_the_log_says_so() {
    let (broker, mut conn, api) = broker().await;
    write(&mut conn, 1, "2015-01-01T00:00:00Z", json!({})).await;
    for (n, days) in [(2, 40), (3, 20)] {
        let at: String = sqlx::query(&*format!("SELECT (now() - interval '{days} days')::text").leak())
            .fetch_one(&mut conn)
            .await
            .unwrap()
            .get(0);
        write(&mut conn, n, &at, json!({})).await;
    }
    let removed = async || {
        let ctx = broker.ctx();
        audit::end_retention(ctx, &mut ctx.db.acquire().await.unwrap()).await.unwrap()
    };
    let left = async || ids(&api.get("/audit-events?action=test.event").await.json);
    assert_eq!((removed().await, left().await.len()), (1, 2));
    assert_eq!(removed().await, 0);
    let owner = Api::of(&broker, "owner").await;
    let settings = json!({ "name": "Avouch", "audit_retention_days": 30, "trace_retention_days": 30 });
    assert_eq!(owner.put("/settings", &settings).await.status, 200);
    assert_eq!(removed().await, 1);
    assert_eq!(left().await, [format!("evt_{:026}", 3)]);
    let told = api.get("/audit-events?action=audit.retention_ended").await.json;
    let counts: Vec<_> =
        told["items"].as_array().unwrap().iter().map(|event| event["detail"]["removed"].clone()).collect();
    assert_eq!(counts, [json!(1), json!(1)]);
}

#[tokio::test]
async fn everything_is_exported_line_by_line_and_who_did_it_is_written_down() {
    let (broker, mut conn, api) = broker().await;
    sqlx::raw_sql(
        "INSERT INTO audit_events (id, at, action, outcome, actor, detail)
         SELECT 'evt_' || lpad(n::text, 26, '0'), '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 s', 'test.export', 'success', 'system',
                jsonb_build_object('n', n, 'text', E'two\\nlines') FROM generate_series(1, 2500) n",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    let lines = async |url: String, accept: &str| {
        let request = http().get(url).header("authorization", &api.authorization).header("accept", accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = answer.text().await.unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let all = lines(broker.url("/api/v1/audit-events/export?action=test.export"), "*/*").await;
    assert_eq!(all.len(), 2500);
    assert_eq!((&all[0]["detail"]["n"], &all[2499]["detail"]["n"]), (&json!(2500), &json!(1)));
    assert_eq!(all[0]["at"], "2020-01-01T00:41:40Z");
    let some =
        lines(broker.url("/api/v1/audit-events?action=test.export&to=2020-01-01T00:00:11Z"), "application/x-ndjson");
    assert_eq!(some.await.len(), 10);

    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    let page = auditor.open("/admin/audit/export?action=test.export&to=2020-01-01T00:00:03Z").await;
    assert_eq!((page.status, page.body.lines().count()), (200, 2));
    assert!(page.header("content-disposition").starts_with("attachment; filename=\"audit-"), "{page}");
    let events = broker.audit_events().await;
    let exported: Vec<_> = events.iter().filter(|event| event.action == "audit.exported").collect();
    assert_eq!(exported.len(), 3);
    assert_eq!(exported[0].detail["filter"], json!({ "action": "test.export" }));
    assert_eq!(exported[2].actor, format!("operator:{}", auditor.email));

    let stranger = http().get(broker.url("/api/v1/audit-events/export")).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn the_page_filters_and_pages_and_lets_no_markup_through() {
    let (broker, mut conn, _) = broker().await;
    let hostile = "\"><script>alert(1)</script>";
    let detail = json!({ "changes": { hostile: [hostile, null], "ttl": [7200, 3600] }, hostile: { hostile: hostile } });
    let row = json!({ "action": hostile, "outcome": "refused", "reason": hostile, "actor": format!("client:{hostile}"),
                      "client_id": hostile, "connection": hostile, "sub": hostile, "trace_id": hostile, "detail": detail });
    write(&mut conn, 1, "2020-01-01T00:00:00Z", row).await;
    for n in 2..=60 {
        write(&mut conn, n, "2020-01-02T00:00:00Z", json!({ "action": "test.page" })).await;
    }
    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    let page = auditor.open("/admin/audit?to=2020-01-01").await;
    assert_eq!(page.status, 200, "{page}");
    assert!(!page.body.contains("<script>alert"), "{page}");
    assert!(page.body.contains("<del>7200</del><ins>3600</ins>"), "{page}");
    assert!(page.has("evt_00000000000000000000000001") && !page.has("next-page"));

    let page = auditor.open("/admin/audit?action=test.page").await;
    let next =
        page.body.split("href=\"").find_map(|part| part.split('"').next().filter(|href| href.contains("after=")));
    let next = next.expect("a next page").replace("&amp;", "&").replace("&#38;", "&");
    assert!(next.contains("action=test.page&after="), "{next}");
    let second = auditor.open(&next).await;
    assert_eq!(page.body.matches("<tr id=").count() + second.body.matches("<tr id=").count(), 59);

    let wrong = auditor.open("/admin/audit?from=yesterday&q=kept").await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.has("from-error") && wrong.body.contains("value=\"kept\"") && wrong.body.contains("value=\"yesterday\"")
    );
    let nothing = auditor.open("/admin/audit?q=nobody-at-all").await;
    assert!(nothing.has("no-events"), "{nothing}");
    let mut stranger = crate::harness::Browser::new();
    assert!(stranger.open(&broker.url("/admin/audit")).await.has("operator-sign-in"));
}
