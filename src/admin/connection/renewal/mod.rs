//! Renewal links of a connection at the desk: made, listed, withdrawn. Owns the message that goes with one.

pub mod api;
pub mod pages;

use time::macros::format_description;

use super::{slug, stored};
use crate::admin::Trouble;
use crate::admin::frame::segment;
use crate::audit::Author;
use crate::connection::renewal_link::{self, RenewalLink, RenewalLinkError};
use crate::connection::{Connection, Protocol};
use crate::ctx::Ctx;
use crate::provisioning::Problem;

/// A link as it is shown the one time, with a message ready to send.
pub struct Made {
    pub link: RenewalLink,
    pub url: String,
    pub text: String,
    pub mailto: String,
}

/// # Errors
/// [`Trouble::Invalid`] names `days`; [`Trouble::Conflict`].
pub async fn make(ctx: &Ctx, author: &Author, name: &str, days: u16, takes_over: bool) -> Result<Made, Trouble> {
    let slug = slug(name)?;
    let connection = stored(&mut *ctx.db.acquire().await?, &slug).await?;
    let (link, token) = renewal_link::create(ctx, author, &slug, days, takes_over).await?;
    let url = ctx.urls.at(&format!("/renew/{}", token.expose()));
    let (subject, text) = message(ctx, &connection, &link, &url);
    let mailto = format!("mailto:?subject={}&body={}", segment(&subject), segment(&text.replace('\n', "\r\n")));
    Ok(Made { link, url, text, mailto })
}

fn message(ctx: &Ctx, connection: &Connection, link: &RenewalLink, url: &str) -> (String, String) {
    let name = &connection.display_name;
    let what = match connection.protocol {
        Protocol::Oidc(_) => "client secret",
        Protocol::Saml(_) => "signing certificate",
    };
    let day =
        link.expires_at.format(format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"));
    let (day, host) = (day.unwrap_or_default(), ctx.urls.host());
    let text = format!(
        "Hello,\n\nthe {what} by which {name} is connected to {host} has to be renewed. Please give us the new one on this \
         page; you need no account there:\n\n{url}\n\nThe page works once, until {day}. Only send this message to whoever \
         administers your sign-in service. Your people go on signing in meanwhile.\n"
    );
    (format!("New {what} for {name}"), text)
}

impl From<RenewalLinkError> for Trouble {
    fn from(error: RenewalLinkError) -> Self {
        match error {
            RenewalLinkError::Database(error) => error.into(),
            RenewalLinkError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            RenewalLinkError::NoSuchLink(_) => Self::Unknown("such renewal link, or it has ended".into()),
            RenewalLinkError::Days => Self::Invalid(vec![Problem { path: "days".into(), reason: error.to_string() }]),
            RenewalLinkError::Disabled(_) => Self::Conflict("connection_disabled", error.to_string()),
            RenewalLinkError::NoSecret(_) => Self::Conflict("no_secret", error.to_string()),
            RenewalLinkError::TooMany(_) => Self::Conflict("too_many_links", error.to_string()),
        }
    }
}
