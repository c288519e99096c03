//! One of the small web servers beside the broker: same manners (headers, trace, stylesheet), its own port.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};
use anyhow::Context as _;

use super::front;
use crate::rng::Rng;
use crate::server::{self, Front};
use crate::urls::Urls;
use crate::web::brand::Brand;
use crate::web::client_addr::TrustedProxies;
use crate::web::{self, assets, security_headers, trace};

pub(super) struct Part(ServerHandle);

impl Part {
    /// Answers requests when this returns. `what` and `flag` are for the message when the port is taken.
    pub fn start(what: &str, flag: &str, at: SocketAddr, urls: Arc<Urls>, routes: impl Front) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).with_context(|| {
            format!("{what} cannot listen on {at}: is another program there? choose another port with {flag}")
        })?;
        let server = HttpServer::new(move || {
            App::new()
                .configure(|app| web::install(app, urls.clone(), Rng::default(), TrustedProxies::default()))
                .configure(assets::routes)
                .configure(front::stylesheet)
                .configure(routes.clone())
                .wrap(from_fn(security_headers::apply))
                .wrap(from_fn(trace::apply))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        let part = Self(server.handle());
        tokio::spawn(async { drop(server.await) });
        Ok(part)
    }

    pub async fn stop(self) {
        self.0.stop(false).await;
    }
}

/// Whose page this is. With the port, which is all that tells the parties of one machine apart.
pub(super) fn brand(urls: &Urls, name: &str) -> Brand {
    let origin = urls.origin();
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
    Brand { host, ..Brand::new(urls, name) }
}

pub(super) async fn until_signal(part: Part, urls: &Urls) -> anyhow::Result<()> {
    println!("ready at {}", urls.issuer());
    server::shutdown_signal().await?;
    part.stop().await;
    Ok(())
}
