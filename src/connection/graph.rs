//! Where Entra's directory is asked for what no token has room for: settings of Microsoft Graph.

use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    #[serde(default)]
    pub groups: GraphGroups,
    /// Absent: that of the issuer's cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Which groups the application's token configuration puts into tokens; more than fit are looked up alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphGroups {
    /// `groupMembershipClaims: SecurityGroup`.
    #[default]
    Security,
    /// `All`: distribution lists too.
    All,
}

impl Graph {
    /// Without a slash at its end.
    pub fn url_of(graph: Option<&Self>, issuer: &str) -> String {
        if let Some(url) = graph.and_then(|graph| graph.url.as_deref()) {
            return url.trim_end_matches('/').to_owned();
        }
        let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        match host.as_str() {
            "login.microsoftonline.us" => "https://graph.microsoft.us/v1.0",
            "login.partner.microsoftonline.cn" => "https://microsoftgraph.chinacloudapi.cn/v1.0",
            _ => "https://graph.microsoft.com/v1.0",
        }
        .to_owned()
    }
}
