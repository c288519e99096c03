//! Where the parts are: for browsers, and where each listens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::config::Config;
use crate::urls::{IssuerError, Urls};

/// Of the parts that have no setting of their own.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub idp: u16,
    pub saml_idp: u16,
    pub app: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { idp: 8081, saml_idp: 8083, app: 8082 }
    }
}

#[derive(Clone)]
pub(super) struct Places {
    pub broker: Arc<Urls>,
    pub idp: Arc<Urls>,
    pub saml_idp: Arc<Urls>,
    pub app: Arc<Urls>,
    /// The broker's: loopback on a machine, all addresses in a container.
    host: IpAddr,
    ports: Ports,
}

impl Places {
    pub fn new(config: &Config, ports: Ports) -> Result<Self, IssuerError> {
        let local = |port: u16| Urls::new(&format!("http://localhost:{port}")).map(Arc::new);
        Ok(Self {
            broker: Arc::new(config.urls.clone()),
            idp: local(ports.idp)?,
            saml_idp: local(ports.saml_idp)?,
            app: local(ports.app)?,
            host: config.listen.ip(),
            ports,
        })
    }

    pub fn idp_address(&self) -> SocketAddr {
        (self.host, self.ports.idp).into()
    }

    pub fn saml_idp_address(&self) -> SocketAddr {
        (self.host, self.ports.saml_idp).into()
    }

    pub fn app_address(&self) -> SocketAddr {
        (self.host, self.ports.app).into()
    }
}
