//! The broker itself: its settings, its database and clock, its providers, and what ends soon.

use futures_util::future::join_all;

use super::finding::Finding;
use crate::broker::Broker;
use crate::broker::expiry::People;

/// Seconds: tokens are judged with a leeway of a minute nearly everywhere.
const CLOCK: i64 = 5;

pub(super) async fn look(broker: &Broker) -> Vec<Finding> {
    let mut findings = vec![settings(broker), database(broker).await];
    findings.extend(upstreams(broker).await);
    findings.extend(expiries(broker).await);
    findings
}

fn settings(broker: &Broker) -> Finding {
    let urls = &broker.ctx.urls;
    if !urls.is_https() {
        let says = format!("the issuer {} is plain http", urls.issuer());
        let breaks = "nobody but this machine can use it; Kubernetes and others refuse it";
        return Finding::warning(
            "configuration",
            says,
            breaks,
            "set AVOUCH_ISSUER to the https address before the first client is set up",
        );
    }
    Finding::ok(
        "configuration",
        format!(
            "{} clients, {} connections",
            broker.catalog.load().client_count(),
            broker.catalog.load().connections().len()
        ),
    )
}

async fn database(broker: &Broker) -> Finding {
    match broker.ctx.agree_on_the_time().await {
        Ok(ahead) if ahead.whole_seconds().abs() < CLOCK => {
            Finding::ok("database", "it answers, its schema is up to date, and its clock is this machine's")
        }
        Ok(ahead) => {
            let says = format!(
                "this machine's clock is {} s away from the database's, which is gone by",
                ahead.whole_seconds()
            );
            let breaks = "where the database's is the wrong one: tokens are refused as expired or from the future";
            Finding::warning("clock", says, breaks, "let NTP keep both clocks")
        }
        Err(error) => {
            let change = "see that Postgres runs and takes connections";
            Finding::failure("database", error.to_string(), "nobody signs in and no token is made", change)
        }
    }
}

async fn upstreams(broker: &Broker) -> Vec<Finding> {
    let catalog = broker.catalog.load_full();
    let looks = catalog.connections().iter().filter(|one| one.enabled).map(async |one| {
        let slug = &one.slug;
        match broker.upstreams.check(&broker.ctx, one).await {
            Ok(()) => Finding::ok("upstream", format!("{slug} answers, its keys too")),
            Err(error) => {
                let change = format!("correct the connection {slug}, or the way to its provider");
                Finding::failure(
                    "upstream",
                    format!("{slug}: {error}"),
                    format!("nobody can sign in through {slug}"),
                    change,
                )
            }
        }
    });
    join_all(looks).await
}

/// Within 30 days, without a successor at work.
async fn expiries(broker: &Broker) -> Vec<Finding> {
    let now = broker.ctx.now();
    let counted = async { People::count(&mut *broker.ctx.db.acquire().await?, now).await }.await;
    let Ok(people) = counted else { return Vec::new() };
    let pressing: Vec<Finding> = broker
        .expiries()
        .iter()
        .filter(|one| one.is_pressing(now))
        .map(|one| {
            let judged = if one.is_over(now) && !one.lenient { Finding::failure } else { Finding::warning };
            let verb = if one.is_over(now) { "ended" } else { "ends" };
            let says = format!("{} of {} {verb} on {}", one.kind.words(), one.name, one.at.date());
            judged(
                "expiry",
                says,
                one.consequence(&people),
                format!("{} {}", one.advice(), broker.ctx.urls.at(&one.path)),
            )
        })
        .collect();
    if pressing.is_empty() { vec![Finding::ok("expiry", "nothing ends within 30 days")] } else { pressing }
}
