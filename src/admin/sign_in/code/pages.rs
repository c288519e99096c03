//! Page: `/admin/sign-in/code`.

use actix_web::http::StatusCode;
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::admin::Trouble;
use crate::admin::extract::{HalfSeated, HalfSeatedForm, Seated};
use crate::admin::form::FieldErrors;
use crate::admin::sign_in::pages::{counts, retry_after, seated, waiting};
use crate::operator::sign_in::{self, SignIn};
use crate::web::brand::Brand;
use crate::web::{page, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/sign-in/code").route(web::get().to(form)).route(web::post().to(by_code)));
}

#[derive(Template)]
#[template(path = "admin/sign_in/code.html")]
struct CodePage {
    brand: Brand,
    action: String,
    /// Back to the beginning.
    again: String,
    csrf: String,
    then: String,
    errors: FieldErrors,
}

impl CodePage {
    fn of(seated: &Seated, then: String, errors: FieldErrors) -> Self {
        let urls = &seated.broker.ctx.urls;
        Self {
            brand: seated.broker.brand(),
            action: urls.local("/admin/sign-in/code"),
            again: urls.local("/admin/sign-in"),
            csrf: seated.csrf(),
            then,
            errors,
        }
    }
}

#[derive(Deserialize)]
struct Onward {
    #[serde(default)]
    then: String,
}

async fn form(half: HalfSeated, onward: Query<Onward>) -> HttpResponse {
    let shown = CodePage::of(&half.0, onward.into_inner().then, FieldErrors::default());
    security_headers::isolate(page::render(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    then: String,
    code: String,
}

async fn by_code(req: HttpRequest, posted: HalfSeatedForm<CodeForm>) -> Result<HttpResponse, Trouble> {
    let HalfSeatedForm { seated: half, form } = posted;
    let broker = &half.broker;
    let counts = counts(broker, &req, &half.session.operator.email);
    let came = sign_in::by_code(&broker.ctx, &half.author, &half.browser, &counts, &half.session, &form.code).await?;
    let (status, sentence, wait) = match came {
        SignIn::Seated(secret, operator) => return seated(broker, &req, &form.then, &secret, &operator),
        SignIn::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, waiting(wait), Some(wait)),
        SignIn::Wrong | SignIn::Code(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This code is wrong, or it was used before. Wait for the next one, and look whether the clock of your phone is right.".into(),
            None,
        ),
    };
    let shown = CodePage::of(&half, form.then, FieldErrors::one("code", sentence));
    let mut response = security_headers::isolate(page::render(status, &shown));
    if let Some(wait) = wait {
        retry_after(&mut response, wait);
    }
    Ok(response)
}
