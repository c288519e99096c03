//! Every page with made-up people, at http://localhost:8099. For looking at the design:
//! `cargo run --example gallery`, then open `/`, `/chooser`, `/chooser-error`, ...

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use avouch::device::approval::Outcome;
use avouch::device::approval::pages::{ApprovalPage, OutcomePage};
use avouch::device::entry::pages::EntryPage;
use avouch::ids::TraceId;
use avouch::login::chooser::pages::{ChoiceView, ChooserPage, ContinueAs};
use avouch::login::consent::pages::{ConsentPage, GrantView, PersonView};
use avouch::login::pages::{LandingPage, SignedInAs};
use avouch::logout::pages::SignedOutPage;
use avouch::rng::Rng;
use avouch::urls::Urls;
use avouch::web::brand::Brand;
use avouch::web::client_addr::TrustedProxies;
use avouch::web::error_page::{Action, ErrorPage};
use avouch::web::{assets, csrf, page, redirect, security_headers, trace};
use time::OffsetDateTime;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let urls = Arc::new(Urls::new("http://localhost:8099").expect("an issuer"));
    println!("http://localhost:8099");
    HttpServer::new(move || {
        App::new()
            .configure(|app| avouch::web::install(app, urls.clone(), Rng::default(), TrustedProxies::default()))
            .configure(assets::routes)
            .route("/received", web::post().to(received))
            .route("/elsewhere", web::post().to(async || redirect::see_other("http://127.0.0.1:8099/arrived")))
            .route("/arrived", web::get().to(async || "arrived elsewhere"))
            .route("/{page:.*}", web::get().to(show))
            .wrap(from_fn(security_headers::apply))
            .wrap(from_fn(trace::apply))
    })
    .workers(1)
    .bind("127.0.0.1:8099")?
    .run()
    .await
}

/// Says what arrived, and whether the browser's headers speak for our own page.
async fn received(req: HttpRequest, urls: web::Data<Urls>, body: String) -> HttpResponse {
    HttpResponse::Ok().body(format!(
        "same_origin={} body={body} headers={:?}",
        csrf::same_origin(&req, &urls),
        req.headers()
    ))
}

async fn show(urls: web::Data<Urls>, name: web::Path<String>, trace_id: TraceId) -> HttpResponse {
    let brand = Brand::new(&urls, "Tidewater");
    let ok = StatusCode::OK;
    match name.as_str() {
        "" => page::render(ok, &landing(&urls, None)),
        "landing-in" => page::render(
            ok,
            &landing(
                &urls,
                Some(SignedInAs { name: "Mateo Álvarez".into(), detail: Some("mateo@contoso.com".into()) }),
            ),
        ),
        "signed-out" => page::render(ok, &SignedOutPage { brand, also_at: None }),
        "chooser" => page::render(ok, &chooser(brand)),
        "chooser-error" => page::render(
            StatusCode::UNPROCESSABLE_ENTITY,
            &ChooserPage {
                email_value: "mateo@contoso".into(),
                email_error: Some("We cannot find a sign-in page for this address. Check it, or choose below.".into()),
                ..chooser(brand)
            },
        ),
        "chooser-account" => page::render(
            ok,
            &ChooserPage {
                signed_in: Some(ContinueAs {
                    name: "Mateo Álvarez".into(),
                    detail: Some("mateo.alvarez@a-rather-long-company-name.example".into()),
                    action: "/received".into(),
                }),
                ..chooser(brand)
            },
        ),
        "chooser-long" => page::render(
            ok,
            &ChooserPage {
                app_name: "Kraftfahrzeughaftpflichtversicherungsverwaltung".into(),
                return_host: Some("kraftfahrzeughaftpflichtversicherung.verwaltung.tidewater.example".into()),
                ask_email: false,
                connections: vec![
                    ChoiceView {
                        slug: "donau".into(),
                        display_name: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk Gesellschaft".into(),
                        last_used: true,
                    },
                    ChoiceView {
                        slug: "arabic".into(), display_name: "شركة المياه الوطنية".into(), last_used: false
                    },
                ],
                ..chooser(brand)
            },
        ),
        "chooser-none" => page::render(ok, &ChooserPage { ask_email: false, connections: vec![], ..chooser(brand) }),
        "chooser-leaves" => security_headers::FormAction::onward(&urls, [])
            .on(page::render(ok, &ChooserPage { action_email: "/elsewhere".into(), ..chooser(brand) })),
        "chooser-stays" => page::render(ok, &ChooserPage { action_email: "/elsewhere".into(), ..chooser(brand) }),
        "consent" => page::render(ok, &consent(brand)),
        "device" => page::render(ok, &device_entry(brand, None)),
        "device-limited" => page::render(
            StatusCode::TOO_MANY_REQUESTS,
            &device_entry(brand, Some("Too many wrong codes came from here. Try again in 9 minutes, with a new code.")),
        ),
        "device-approval" => page::render(ok, &device_approval(brand)),
        "device-expired" => page::render(
            ok,
            &OutcomePage { brand, app_name: "influxctl".into(), outcome: Outcome::Expired, again: "/device".into() },
        ),
        "error" => error(brand, trace_id).render(StatusCode::FORBIDDEN),
        "form-post" => {
            let target = url::Url::parse("http://localhost:8099/received").expect("a URL");
            let fields = [("code".to_owned(), "avo_ac_example".to_owned()), ("submit".to_owned(), "a&b".to_owned())];
            redirect::form_post(&urls, brand, &target, &fields)
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

fn landing(urls: &Urls, signed_in: Option<SignedInAs>) -> LandingPage {
    LandingPage {
        brand: Brand::avouch(urls),
        account: "/account".into(),
        issuer: urls.issuer().to_owned(),
        discovery_url: urls.at("/.well-known/openid-configuration"),
        signed_in,
    }
}

fn chooser(brand: Brand) -> ChooserPage {
    ChooserPage {
        brand,
        csrf: "example".into(),
        action_email: "/received".into(),
        action_connection: "/received".into(),
        app_name: "Grafana".into(),
        return_host: Some("grafana.tidewater.example".into()),
        ask_email: true,
        email_value: String::new(),
        email_error: None,
        connections: vec![
            ChoiceView { slug: "tidewater".into(), display_name: "Tidewater staff".into(), last_used: true },
            ChoiceView { slug: "contoso".into(), display_name: "Contoso".into(), last_used: false },
        ],
        signed_in: None,
    }
}

fn consent(brand: Brand) -> ConsentPage {
    let grant = |title: &str, detail: &str| GrantView { title: title.into(), detail: Some(detail.into()) };
    ConsentPage {
        brand,
        csrf: "example".into(),
        action: "/received".into(),
        app_name: "Grafana".into(),
        asked_by: Some("Grafana, run by Tidewater's platform team".into()),
        person: PersonView { name: "Mateo Álvarez".into(), detail: Some("mateo@contoso.com".into()) },
        grants: vec![
            grant("See your name and e-mail address", "Mateo Álvarez, mateo@contoso.com"),
            grant("See the groups you belong to", "platform, on-call, staff"),
            grant("Stay signed in when you are away", "For up to 30 days, or until you sign it out"),
        ],
        return_to: "https://grafana.tidewater.example".into(),
        switch_account: Some("/chooser".into()),
        remembered: true,
    }
}

fn device_entry(brand: Brand, error: Option<&str>) -> EntryPage {
    EntryPage {
        brand,
        csrf: "example".into(),
        action: "/received".into(),
        user_code: error.map(|_| "WDJB-MJHX".to_owned()).unwrap_or_default(),
        compare: false,
        error: error.map(Into::into),
    }
}

fn device_approval(brand: Brand) -> ApprovalPage {
    let ConsentPage { person, grants, .. } = consent(brand.clone());
    ApprovalPage {
        brand,
        csrf: "example".into(),
        action: "/received".into(),
        app_name: "influxctl".into(),
        person,
        switch_account: "/chooser".into(),
        user_code: "WDJB-MJHT".into(),
        requested_from: Some("203.0.113.42".into()),
        here: Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".into()),
        elsewhere: true,
        asked: "2 minutes ago".into(),
        asked_at: "2026-11-23T09:40:22Z".into(),
        left: "8 minutes".into(),
        grants,
    }
}

fn error(brand: Brand, trace_id: TraceId) -> ErrorPage {
    ErrorPage {
        brand,
        verdict: "Not signed in".into(),
        heading: "Your account may not use Grafana yet".into(),
        explanation: "Fabrikam confirmed who you are. Tidewater lets people from Fabrikam in only when they belong to \
                      the group tidewater-partners, and your account does not."
            .into(),
        remedies: vec!["Ask your Fabrikam administrator to add you to tidewater-partners, then sign in again.".into()],
        actions: vec![
            Action { label: "Sign in again".into(), href: "/chooser".into() },
            Action { label: "Use another account".into(), href: "/chooser".into() },
        ],
        trace_id,
        at: OffsetDateTime::from_unix_timestamp(1_795_426_268).expect("a time"),
        code: "access_denied".into(),
    }
}
