//! Whether the client's own addresses are there: where people are sent back to, and where logout tokens go.

use futures_util::future::join_all;
use http::Method;
use url::Url;

use super::exchange::{FORM, is_guarded, send};
use super::finding::Finding;
use crate::broker::Broker;
use crate::client::Client;
use crate::outbound::FetchError;
use crate::urls::is_loopback;

/// More are not looked at.
const MOST: usize = 10;

pub(super) async fn look(broker: &Broker, client: &Client) -> Vec<Finding> {
    let redirects = client.redirect_uris.iter().take(MOST).map(|uri| redirect(broker, uri.as_str()));
    let mut findings: Vec<Finding> = join_all(redirects).await.into_iter().flatten().collect();
    if let Some(url) = &client.settings.backchannel_logout_uri {
        findings.push(back_channel(broker, url).await);
    }
    findings
}

/// People's browsers go there, so from here it need not be seen.
async fn redirect(broker: &Broker, uri: &str) -> Option<Finding> {
    let name = "redirect_uri";
    let url = Url::parse(uri).ok()?;
    if is_loopback(&url) || !url.scheme().starts_with("http") {
        return Some(Finding::ok(name, format!("{uri} is on people's own machines")));
    }
    Some(match send(&broker.ctx, Method::GET, uri, &[], String::new()).await {
        Ok(answer) if answer.status() == 404 => {
            let change = "compare the path with what the system documents";
            Finding::warning(
                name,
                format!("{uri} is answered with 404"),
                "people may end there after they signed in",
                change,
            )
        }
        Ok(_) | Err(FetchError::Redirect { .. }) => Finding::ok(name, format!("{uri} answers")),
        Err(error) if is_guarded(&error) => {
            Finding::ok(name, format!("{uri} is inside a network, and not looked at from here"))
        }
        Err(error) => {
            let change = "if people's browsers reach it all the same, nothing; else correct the redirect URI";
            Finding::warning(
                name,
                format!("{uri}: {error}"),
                "people end at an error of their browser after they signed in",
                change,
            )
        }
    })
}

/// A request without a token has to be refused with 400 (OIDC Back-Channel Logout 1.0 §2.8); whatever stands for "no such
/// thing" or "broken" tells that tokens do not arrive either.
async fn back_channel(broker: &Broker, url: &str) -> Finding {
    let name = "backchannel_logout";
    let breaks = "whoever signs out elsewhere stays signed in there";
    match send(&broker.ctx, Method::POST, url, &[FORM], String::new()).await {
        Ok(answer) if matches!(answer.status(), 401 | 403 | 404 | 405 | 415 | 500..) => {
            let says = format!("{url} answers a POST with {}", answer.status());
            Finding::failure(
                name,
                says,
                breaks,
                "correct backchannel_logout_uri of the client, and let it be called without a login",
            )
        }
        Ok(answer) => Finding::ok(name, format!("{url} answers ({})", answer.status())),
        Err(error) => {
            let change = format!("correct backchannel_logout_uri of the client, or the way there: {error}");
            Finding::failure(name, format!("{url} is not reached from the broker"), breaks, change)
        }
    }
}
