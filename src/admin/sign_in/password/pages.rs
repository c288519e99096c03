//! Page: `/admin/password`, which is all that a one-time password opens.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{LONGEST, SHORTEST};
use crate::admin::Trouble;
use crate::admin::extract::{Seated, SeatedForm};
use crate::admin::form::FieldErrors;
use crate::admin::sign_in::pages::{retry_after, seat, waiting};
use crate::operator::sign_in;
use crate::operator::throttle::{self, Counts};
use crate::secret::Secret;
use crate::web::brand::Brand;
use crate::web::{page, redirect, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/password").route(web::get().to(form)).route(web::post().to(change)));
}

#[derive(Template)]
#[template(path = "admin/sign_in/password.html")]
struct PasswordPage {
    brand: Brand,
    action: String,
    csrf: String,
    email: String,
    /// The present one was generated.
    first: bool,
    shortest: usize,
    errors: FieldErrors,
}

impl PasswordPage {
    fn of(seated: &Seated, errors: FieldErrors) -> Self {
        let urls = &seated.broker.ctx.urls;
        Self {
            brand: seated.broker.brand(),
            action: urls.local("/admin/password"),
            csrf: seated.csrf(),
            email: seated.session.operator.email.clone(),
            first: seated.session.operator.must_change,
            shortest: SHORTEST,
            errors,
        }
    }
}

async fn form(seated: Seated) -> HttpResponse {
    let shown = PasswordPage::of(&seated, FieldErrors::default());
    security_headers::isolate(page::render(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
struct PasswordForm {
    current: Secret<String>,
    new: Secret<String>,
}

async fn change(posted: SeatedForm<PasswordForm>) -> Result<HttpResponse, Trouble> {
    let SeatedForm { seated, form } = posted;
    let ctx = &seated.broker.ctx;
    let mut errors = FieldErrors::default();
    let length = form.new.expose().chars().count();
    if length < SHORTEST {
        errors.add("new", format!("At least {SHORTEST} characters; this has {length}. A few words in a row are good."));
    } else if length > LONGEST {
        errors.add("new", format!("At most {LONGEST} characters; this has {length}."));
    } else if form.new.expose() == form.current.expose() {
        errors.add("new", "This is the password that you have now. Choose another one.");
    }
    // whoever found a desk open guesses no more than one at the door
    let counts = Counts::of(&ctx.vault, &seated.session.operator.email, Some(seated.session.id.as_str()), None);
    if errors.is_empty()
        && let Err(wait) = throttle::begin(ctx, &counts).await?
    {
        let shown = PasswordPage::of(&seated, FieldErrors::one("current", waiting(wait)));
        let mut response = security_headers::isolate(page::render(StatusCode::TOO_MANY_REQUESTS, &shown));
        retry_after(&mut response, wait);
        return Ok(response);
    }
    if errors.is_empty() {
        match sign_in::change_password(ctx, &seated.author, &seated.browser, &seated.session, &form.current, &form.new)
            .await?
        {
            Some(opened) => {
                throttle::succeeded(&mut *ctx.db.acquire().await?, &counts).await?;
                // the session goes on under a new secret: whoever knew the old one is out
                let mut response = redirect::see_other(&ctx.urls.local("/admin?done=saved"));
                seat(&mut response, &seated.broker, &opened)?;
                return Ok(response);
            }
            None => errors.add("current", "This is not your password."),
        }
    }
    let shown = PasswordPage::of(&seated, errors);
    Ok(security_headers::isolate(page::render(StatusCode::UNPROCESSABLE_ENTITY, &shown)))
}
