//! The desk's pages together: where they are mounted, what is said when something does not go.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;

use super::extract::Desk;
use super::frame::Frame;
use super::{
    Read, Trouble, client, connection, find, overview, replay, resource, sign_in, signing_key, trace, trial, user,
};
use crate::broker::Broker;
use crate::ids::TraceId;
use crate::web::error_page::{Action, ErrorPage};
use crate::web::{page, redirect, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    let desk = web::scope("/admin")
        .wrap(from_fn(dress))
        .configure(sign_in::pages::routes)
        .configure(super::account::pages::routes)
        .configure(super::operator::pages::routes)
        .configure(super::integration::pages::routes)
        .configure(client::pages::routes)
        .configure(trace::pages::routes)
        .configure(trial::pages::routes)
        .configure(replay::pages::routes)
        .configure(connection::pages::routes)
        .configure(connection::keys::pages::routes)
        .configure(connection::rotation::pages::routes)
        .configure(connection::drift::pages::routes)
        .configure(super::audit::pages::routes)
        .configure(super::settings::pages::routes)
        .configure(super::webhook::pages::routes)
        .configure(resource::pages::routes)
        .configure(user::pages::routes)
        .configure(super::moving::pages::routes)
        .configure(super::role::pages::routes)
        .configure(overview::pages::routes)
        .configure(find::pages::routes)
        .configure(signing_key::pages::routes)
        .configure(super::calendar::pages::routes)
        .configure(signing_key::schedule::pages::routes)
        .default_service(web::to(nothing_here));
    app.service(desk);
}

/// A page of the desk: nobody keeps it, and nobody who opened it in a window of theirs can reach it.
pub fn show(page: &impl Template) -> HttpResponse {
    security_headers::isolate(page::render(StatusCode::OK, page))
}

/// A form that was filled in wrongly, with what is wrong.
pub fn show_again(page: &impl Template) -> HttpResponse {
    security_headers::isolate(page::render(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// A step that can hurt, on a page of its own.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
pub struct ConfirmPage {
    pub frame: Frame,
    /// "Delete Contoso?"
    pub question: String,
    /// What becomes of it, in a sentence or two.
    pub explanation: String,
    /// What it touches: "People who sign in by it", "412: Aiko Mori, ...".
    pub touches: Vec<(String, String)>,
    /// Hidden fields of the form.
    pub fields: Vec<(&'static str, String)>,
    pub action: String,
    pub button: String,
    /// Where the safe way out leads, and what it is called there.
    pub back: String,
    pub back_label: String,
    pub keep: &'static str,
    /// It asks before something that hurts nobody.
    pub harmless: bool,
}

async fn nothing_here(_desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    Err(Trouble::Unknown("such page".into()))
}

/// Middleware: a [`Trouble`] as a page, or as the way to the page that helps.
async fn dress<B: MessageBody + 'static>(
    broker: Data<Broker>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let response = next.call(req).await?;
    let (request, answer) = response.into_parts();
    let dressed = answer.error().and_then(|error| error.as_error::<Trouble>()).map(|t| said(&broker, &request, t));
    let answer = match dressed {
        Some(page) => page.map_into_right_body(),
        None => answer.map_into_left_body(),
    };
    Ok(ServiceResponse::new(request, answer))
}

fn said(broker: &Broker, req: &HttpRequest, trouble: &Trouble) -> HttpResponse {
    let urls = &broker.ctx.urls;
    match trouble {
        Trouble::SignedOut => {
            // a form that was sent is lost; the page that it stood on is where to begin anew
            let from = if *req.method() == Method::GET { req.uri().path_and_query().map(|p| p.as_str()) } else { None };
            return redirect::see_other(&urls.local(&sign_in::path("/sign-in", from.unwrap_or_default(), urls)));
        }
        Trouble::ChoosePassword => return redirect::see_other(&urls.local("/admin/password")),
        _ => {}
    }
    let (status, code) = trouble.kind();
    let (verdict, heading) = match trouble {
        Trouble::Role { needs, .. } => ("Not allowed", format!("This needs the role {needs}")),
        Trouble::Unknown(what) => ("Not found", format!("There is no {what}")),
        Trouble::ForeignForm => ("Not done", "This form has grown old".into()),
        Trouble::Conflict(..) | Trouble::Changed => ("Not done", "Something else is in the way".into()),
        Trouble::Unavailable => ("Not now", "The database cannot be reached".into()),
        Trouble::Broken => ("Not done", "Something broke on our side".into()),
        _ => ("Not done", "That could not be read".into()),
    };
    let remedy = match trouble {
        Trouble::Role { .. } => "Ask an owner to give you that role, or to do this for you.",
        Trouble::ForeignForm | Trouble::Changed => "Nothing was changed. Open the page again and repeat it there.",
        Trouble::Unavailable => "Nothing was changed. Try it again in a few seconds.",
        Trouble::Broken => "Look for the trace id in the log; it stands beside the cause.",
        Trouble::Unknown(_) => "It may have been deleted, or renamed. The list shows what there is.",
        _ => "Nothing was changed.",
    };
    let page = ErrorPage {
        brand: broker.brand(),
        verdict: verdict.into(),
        heading,
        explanation: capitalised(&trouble.to_string()),
        remedies: vec![remedy.into()],
        actions: vec![Action { label: "Overview".into(), href: urls.local("/admin") }],
        trace_id: req.extensions().get::<TraceId>().cloned().unwrap_or_else(|| TraceId::new(&broker.ctx.rng)),
        at: broker.ctx.now(),
        code: code.into(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    security_headers::isolate(page.render(status))
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// What a page needs to ask before an item is deleted or released; both go by `provisioning::one`.
pub fn confirm_release(frame: Frame, item: &str, file: &str, back: String) -> ConfirmPage {
    ConfirmPage {
        question: format!("Release {item} from {file}?"),
        explanation: format!(
            "From then on it is changed here. The next avouch apply of {file} takes it back, unless the file does not name it any more."
        ),
        touches: Vec::new(),
        fields: Vec::new(),
        action: format!("{back}/release"),
        button: "Release".into(),
        back_label: item.into(),
        back,
        keep: "Leave it to the file",
        harmless: true,
        frame,
    }
}
