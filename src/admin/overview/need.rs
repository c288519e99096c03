//! What needs somebody. The worst first: people cannot sign in; they will not be able to; they are refused; the rest.

use time::OffsetDateTime;

use super::{Picture, ending, grouped};
use crate::admin::when::When;
use crate::connection::Connection;
use crate::trace::remedy;

/// So many refusals in a day are worth a look, if they are one of [`SHARE`] sign-ins.
const FEW: i64 = 5;
const SHARE: i64 = 5;
/// A provider's metadata may fail once or twice by night.
const FAILURES: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    harm: Harm,
    /// As `data-state`.
    pub state: &'static str,
    /// The pill.
    pub verdict: String,
    /// What it is about, and its page.
    pub about: String,
    pub path: String,
    /// Goes on after the name: "answers invalid_client".
    pub says: String,
    pub advice: String,
    /// Something else to look at: the label and the path.
    pub evidence: Option<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Stopped,
    Ended,
    StandingIn,
    Drifting,
    Ends(OffsetDateTime),
    Stale,
    Refused,
}

pub fn all(picture: &Picture) -> Vec<Need> {
    let connections = picture.catalog.connections().iter().filter(|connection| connection.enabled);
    let mut needs: Vec<_> = connections.flat_map(|connection| of_connection(connection, picture)).collect();
    let pressing = picture.endings.iter().filter(|one| one.is_pressing()).cloned();
    needs.extend(pressing.map(|one| of_ending(one, picture)));
    needs.extend(rising(picture));
    needs.sort_by(|a, b| (a.harm, &a.about).cmp(&(b.harm, &b.about)));
    needs
}

fn of_connection(connection: &Connection, picture: &Picture) -> Vec<Need> {
    let mut needs = Vec::new();
    let need = |harm, state, verdict: String, says: String, advice: String, evidence| Need {
        harm,
        state,
        verdict,
        about: connection.display_name.clone(),
        path: format!("/admin/connections/{}", connection.slug),
        says,
        advice,
        evidence,
    };
    if let Some(lately) = picture.lately.get(connection.slug.as_str())
        && let Some(trouble) = &lately.last_trouble
    {
        let trace = trouble.trace_id.as_ref().map(|id| ("See the last one", format!("/admin/traces/{id}")));
        let when = When::new(trouble.at, picture.now).relative();
        let tried = lately.signed_in + lately.refused + lately.failed;
        if lately.is_failing() {
            let since = match lately.last_signed_in {
                Some(at) => format!("Nobody got in since {}", When::new(at, picture.now).minute()),
                None => "Nobody got in within a day".into(),
            };
            let tries = people(lately.failed + lately.refused);
            let advice = format!("{since}; {tries}, the last one {when}. {}", cause(&trouble.reason));
            let says = format!("fails: {}", trouble.reason);
            needs.push(need(Harm::Stopped, "failing", "Failing".into(), says, advice, trace));
        } else if lately.refused >= FEW && lately.refused * SHARE >= tried {
            let advice = format!(
                "{} of {} sign-ins within a day, the last one {when}. {}",
                grouped(lately.refused),
                grouped(tried),
                cause(&trouble.reason)
            );
            let verdict = format!("{} refused", grouped(lately.refused));
            needs.push(need(Harm::Refused, "refused", verdict, "refuses people".into(), advice, trace));
        }
    }
    if let Some(at) = picture.standing_in.get(connection.slug.as_str()) {
        let advice = format!(
            "Last refused {}. Sign-ins go on by another secret. Put the former one back, or promote the one that works.",
            When::new(*at, picture.now).relative()
        );
        let says = "refuses the secret in use".into();
        needs.push(Need {
            path: format!("/admin/connections/{}/credentials", connection.slug),
            ..need(Harm::StandingIn, "failing", "Refused".into(), says, advice, None)
        });
    }
    if let Some(drift) = picture.drifting.get(connection.slug.as_str()) {
        let since = When::new(drift.since, picture.now).minute();
        let (word, says, what) = if drift.blocked {
            ("Look", "says that it is another provider", "Nothing of it is believed; ask its administrator.")
        } else {
            (
                "Decide",
                "says something else than was approved",
                "What was approved counts until you decide; where it moved for good, sign-ins fail.",
            )
        };
        let advice = format!("Since {since}. {what}");
        needs.push(Need {
            path: format!("/admin/connections/{}/versions", connection.slug),
            ..need(Harm::Drifting, "waiting", word.into(), says.into(), advice, None)
        });
    }
    if let Some(refreshing) = connection.refreshing.as_ref().filter(|one| one.failures >= FAILURES) {
        let error = refreshing.last_error.as_deref().unwrap_or("no answer");
        let (harm, known) = match &refreshing.metadata {
            Some(metadata) => {
                (Harm::Stale, format!("it is as of {}", When::new(metadata.fetched_at, picture.now).day()))
            }
            None => (Harm::Stopped, "without it nobody can sign in".into()),
        };
        let advice = format!("Asked {} times without success; {known}. {error}", refreshing.failures);
        needs.push(need(harm, "waiting", "Stale".into(), "metadata cannot be fetched".into(), advice, None));
    }
    needs
}

fn of_ending(ending: ending::Ending, picture: &Picture) -> Need {
    let link = ending.connection.as_ref().and_then(|slug| picture.links.get(slug));
    let advice = match link {
        Some(made) => {
            format!("A renewal link was made {}, and was not used yet.", When::new(*made, picture.now).relative())
        }
        None => ending.advice.into(),
    };
    let over = ending.at.is_over();
    let (harm, state) = if over { (Harm::Ended, "failing") } else { (Harm::Ends(ending.at.at), "expiring") };
    Need {
        harm,
        state,
        verdict: if over { "Ended".into() } else { ending.at.distance() },
        says: format!("{} {} {}", ending.what, if over { "ended" } else { "ends" }, ending.at.day()),
        about: ending.whose,
        path: ending.path,
        advice,
        evidence: None,
    }
}

/// More refusals today than on a usual day, wherever they come from.
fn rising(picture: &Picture) -> Option<Need> {
    let (today, before) = picture.days.split_last()?;
    let usual = before.iter().map(|day| day.refused).sum::<i64>() / i64::try_from(before.len().max(1)).ok()?;
    let many = today.refused >= 2 * FEW && today.refused >= 2 * usual;
    many.then(|| Need {
        harm: Harm::Refused,
        state: "refused",
        verdict: format!("{} refused", grouped(today.refused)),
        about: "Refused sign-ins".into(),
        path: "/admin/audit?action=login&outcome=refused".into(),
        says: "rise".into(),
        advice: format!("Today so far; on a usual day there are {}.", grouped(usual)),
        evidence: None,
    })
}

fn cause(reason: &str) -> String {
    remedy::of(reason).map_or_else(|| format!("The reason is {reason}."), |remedy| remedy.cause.to_owned())
}

fn people(count: i64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "sign-in" } else { "sign-ins" })
}
