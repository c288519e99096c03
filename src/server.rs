//! The only wiring: builds the live state, mounts every module's routes below the issuer's path, and starts and stops
//! the two listeners.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::broker::{self, Broker};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::discovery::{self, Discovery};
use crate::session::Lifetimes;
use crate::telemetry::Metrics;
use crate::web::client_addr::TrustedProxies;
use crate::web::rate_limit::{self, RateLimit};
use crate::web::{security_headers, tls, trace};
use crate::{
    admin, authorization, calendar, device, drift, grant, janitor, login, logout, mail, metadata, operator,
    registration, renewal, signing_key, token, webhook,
};

/// How long readiness says no before the listener closes, so that a load balancer stops sending first (SIGTERM only).
const DRAIN: Duration = Duration::from_secs(3);
/// For requests under way.
const FINISH: u64 = 15;

/// A running broker.
pub struct Server {
    pub address: SocketAddr,
    pub ops_address: SocketAddr,
    pub broker: Arc<Broker>,
    public: ServerHandle,
    operations: ServerHandle,
    ready: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Binds, loads, starts. Answers requests when this returns.
///
/// # Errors
/// one line each: a port that is taken, a TLS file that does not load, a key that does not open.
pub async fn start(config: &Config, ctx: Ctx) -> anyhow::Result<Server> {
    start_behind(no_front, config, ctx).await
}

/// [`start`] with routes that come before ours, below the issuer's path: whoever embeds the broker may put a page of
/// their own in the place of one of ours.
///
/// # Errors
/// as [`start`].
pub async fn start_behind(front: impl Front, config: &Config, ctx: Ctx) -> anyhow::Result<Server> {
    let listener = bind(config.listen, "listen", "AVOUCH_LISTEN")?;
    let ops_listener = bind(config.ops_listen, "ops_listen", "AVOUCH_OPS_LISTEN")?;
    assemble(front, config, ctx, listener, ops_listener).await
}

/// [`start`] on listeners that are bound already.
///
/// # Errors
/// as [`start`].
pub async fn start_on(
    config: &Config,
    ctx: Ctx,
    listener: TcpListener,
    ops_listener: TcpListener,
) -> anyhow::Result<Server> {
    assemble(no_front, config, ctx, listener, ops_listener).await
}

/// Routes mounted before the broker's own, once per worker.
pub trait Front: Fn(&mut web::ServiceConfig) + Clone + Send + 'static {}
impl<F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static> Front for F {}

fn no_front(_: &mut web::ServiceConfig) {}

async fn assemble(
    front: impl Front,
    config: &Config,
    ctx: Ctx,
    listener: TcpListener,
    ops_listener: TcpListener,
) -> anyhow::Result<Server> {
    let (address, ops_address) = (listener.local_addr()?, ops_listener.local_addr()?);
    let certificate = config.tls.as_ref().map(|files| tls::load(&files.cert, &files.key, ctx.now())).transpose()?;
    signing_key::ensure(&ctx).await.context("cannot prepare the signing keys")?;
    let lifetimes = Lifetimes { absolute: config.session.ttl, idle: config.session.idle };
    let broker = Broker::load(ctx, Metrics::default(), lifetimes).await.context("cannot load the configuration")?;
    let discovery = Data::new(Discovery::new(broker.ctx.urls.clone(), &broker.keys.load()));
    let ready = Arc::new(AtomicBool::new(true));

    let mut tasks = vec![
        tokio::spawn(broker::listen::run(broker.clone())),
        tokio::spawn(janitor::run(broker.clone())),
        tokio::spawn(metadata::watch::run(broker.clone())),
        tokio::spawn(drift::run(broker.clone())),
        tokio::spawn(crate::overage::watch::run(broker.clone())),
        tokio::spawn(crate::moving::watch::run(broker.clone())),
        tokio::spawn(crate::rotation::watch::run(broker.clone())),
        tokio::spawn(logout::notification::send::run(broker.clone())),
        tokio::spawn(webhook::send::run(broker.clone())),
        tokio::spawn(mail::send::run(broker.clone())),
    ];
    let rate_limit = Arc::new(RateLimit::per_second(config.rate_limit));
    tasks.push(tokio::spawn(forget_quiet_addresses(rate_limit.clone())));
    let proxies = config.trusted_proxies.clone();
    let state = Data::from(broker.clone());
    let broker_of_workers = broker.clone();
    let app = move || {
        let (own, limit) = (broker_of_workers.clone(), rate_limit.clone());
        let urls = state.ctx.urls.clone();
        let scope = web::scope(urls.path())
            .configure(front.clone())
            .configure(crate::web::assets::routes)
            .configure(crate::web::brand::routes)
            .configure(discovery_routes)
            .configure(grant::endpoint::routes)
            .configure(token::endpoint::routes)
            .configure(registration::endpoint::routes)
            .configure(authorization::pushed::endpoint::routes)
            .configure(device::endpoint::routes)
            .configure(device::entry::pages::routes)
            .configure(device::approval::pages::routes)
            .configure(login::endpoint::routes)
            .configure(login::chooser::pages::routes)
            .configure(login::consent::pages::routes)
            .configure(login::trial::endpoint::routes)
            .configure(login::account::pages::routes)
            .configure(login::pages::routes)
            .configure(renewal::pages::routes)
            .configure(logout::pages::routes)
            .configure(logout::endpoint::routes)
            .configure(calendar::endpoint::routes)
            .configure(admin::pages::routes)
            .configure(admin::api::routes);
        App::new()
            .app_data(state.clone())
            .app_data(Data::from(state.branding.clone()))
            .app_data(discovery.clone())
            .configure(|app| {
                crate::web::install(app, urls.clone(), state.ctx.rng.clone(), TrustedProxies(proxies.clone()))
            })
            .service(scope)
            .wrap(from_fn(move |req, next| around(own.clone(), limit.clone(), req, next)))
    };
    let server = HttpServer::new(app).disable_signals().shutdown_timeout(FINISH);
    let server = match &certificate {
        Some(certificate) => server.listen_rustls_0_23(listener, certificate.server_config()?)?,
        None => server.listen(listener)?,
    };
    let server = server.run();
    let public = server.handle();
    tasks.extend([tokio::spawn(async { drop(server.await) })]);

    let state = Data::from(broker.clone());
    let is_ready = Data::from(ready.clone());
    let ops = HttpServer::new(move || {
        App::new().app_data(state.clone()).app_data(is_ready.clone()).configure(operations_routes)
    });
    let ops = ops.disable_signals().workers(1).shutdown_timeout(1).listen(ops_listener)?.run();
    let operations = ops.handle();
    tasks.push(tokio::spawn(async { drop(ops.await) }));
    if let Some(certificate) = certificate {
        let hangup = signal(SignalKind::hangup())?;
        tasks.push(tokio::spawn(broker::certificate::follow(certificate, hangup, broker.clone())));
    }
    Ok(Server { address, ops_address, broker, public, operations, ready, tasks })
}

/// Starts, says where, and serves until SIGINT or SIGTERM.
///
/// # Errors
/// as [`start`].
pub async fn run(config: Config, ctx: Ctx) -> anyhow::Result<()> {
    let server = start(&config, ctx).await?;
    tracing::info!(issuer = config.urls.issuer(), listen = %server.address, operations = %server.ops_address, "ready");
    if matches!(operator::store::count(&mut *server.broker.ctx.db.acquire().await?).await, Ok(0)) {
        let page = server.broker.ctx.urls.at("/admin/sign-in");
        tracing::warn!(page, "there is no operator yet: `avouch operator create EMAIL` makes the first one");
    }
    let signal = shutdown_signal().await?;
    tracing::info!(signal, "stopping");
    server.ready.store(false, Ordering::Release);
    if signal == "SIGTERM" {
        tokio::time::sleep(DRAIN).await;
    }
    server.stop().await;
    Ok(())
}

impl Server {
    /// Finishes what is under way, writes what is queued, closes the pool.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Release);
        self.public.stop(true).await;
        self.broker.audit.flush().await;
        self.broker.traces.flush().await;
        self.operations.stop(true).await;
        for task in &self.tasks {
            task.abort();
        }
        self.broker.ctx.db.close().await;
    }
}

fn bind(address: SocketAddr, key: &str, variable: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address} ({key}): is another program there? choose another with {variable}")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The name of the signal that ended the waiting.
pub async fn shutdown_signal() -> anyhow::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    })
}

/// What is done around every request, in one layer, because each costs: its trace, outermost; the headers of every
/// answer; the limit of its address; the count.
async fn around(
    broker: Arc<Broker>,
    limit: Arc<RateLimit>,
    req: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let (ctx, limit) = (&broker.ctx, &*limit);
    trace::traced(&ctx.rng, req, async |req| {
        let mut response = match rate_limit::refusal(limit, &ctx.urls, req.request()) {
            Some(refusal) => req.into_response(refusal),
            None => measured(&broker.metrics, req, &next).await?,
        };
        security_headers::put(&ctx.urls, &mut response);
        Ok(response)
    })
    .await
}

/// Counts and times by route pattern. A route that did not match is one label, whatever the path.
async fn measured(
    metrics: &Metrics,
    req: ServiceRequest,
    next: &Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let route = req.match_pattern().unwrap_or_else(|| "unmatched".into());
    let method = match *req.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        // anybody may invent a method, and each would be a series of its own
        _ => "other",
    };
    let began = Instant::now();
    let answered = next.call(req).await;
    let status = match &answered {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    metrics.request(route, method, status, began.elapsed());
    answered
}

fn discovery_routes(app: &mut web::ServiceConfig) {
    async fn document(broker: Data<Broker>, discovery: Data<Discovery>, req: HttpRequest) -> HttpResponse {
        discovery::endpoint::configuration(&discovery, &broker.keys.load(), &req)
    }
    async fn jwks(broker: Data<Broker>, req: HttpRequest) -> HttpResponse {
        discovery::endpoint::jwks(&broker, &req)
    }
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        app.service(web::resource(path).route(web::get().to(document)).route(web::head().to(document)));
    }
    app.service(web::resource("/.well-known/jwks.json").route(web::get().to(jwks)).route(web::head().to(jwks)));
}

fn operations_routes(app: &mut web::ServiceConfig) {
    /// The process answers.
    async fn healthz() -> HttpResponse {
        HttpResponse::Ok().body("ok\n")
    }
    /// It can do its work: the database is there, and it is not stopping.
    async fn readyz(broker: Data<Broker>, ready: Data<AtomicBool>) -> HttpResponse {
        if !ready.load(Ordering::Acquire) {
            HttpResponse::ServiceUnavailable().body("stopping\n")
        } else if !broker.is_live() {
            HttpResponse::ServiceUnavailable().body("the database cannot be reached\n")
        } else {
            HttpResponse::Ok().body("ready\n")
        }
    }
    async fn metrics(broker: Data<Broker>) -> HttpResponse {
        let ends = broker.expiries().into_iter();
        broker
            .metrics
            .credential_expiries(ends.map(|one| (one.kind.as_str(), one.owner, one.id, one.at.unix_timestamp())));
        match broker.metrics.encode() {
            Ok(text) => HttpResponse::Ok().content_type(Metrics::CONTENT_TYPE).body(text),
            Err(_) => HttpResponse::InternalServerError().finish(),
        }
    }
    app.route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics));
}

async fn forget_quiet_addresses(limit: Arc<RateLimit>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        limit.forget_quiet();
    }
}
