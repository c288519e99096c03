//! What an application of people does: the code flow from `/authorize` of a signed-in browser to its tokens, and
//! refreshing. Each connection is one person at one browser.

use super::broker::{Broker, basic};
use super::load::{CONNECTIONS, Side, Turn, Wire, get, post};

// RFC 7636 appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// `/authorize`, then `/oauth/token`, again and again.
pub async fn code_flow(broker: &Broker) -> Side {
    let mut turns = Vec::new();
    for _ in 0..CONNECTIONS {
        let flow = Flow::new(&broker.signed_in().await);
        turns.push(Box::new(move |wire: &mut Wire| drop(flow.tokens(wire))) as Turn);
    }
    Side { address: broker.address, turns }
}

/// Each refresh with the token of the one before.
pub async fn refresh(broker: &Broker) -> Side {
    let mut turns = Vec::new();
    for _ in 0..CONNECTIONS {
        let flow = Flow::new(&broker.signed_in().await);
        let mut newest = None;
        let basic = basic("app");
        turns.push(Box::new(move |wire: &mut Wire| {
            let token = newest.take().unwrap_or_else(|| flow.tokens(wire));
            let form = format!("grant_type=refresh_token&refresh_token={token}");
            newest = Some(refresh_token(wire.exchange(&post("/oauth/token", &basic, &form), 200)));
        }) as Turn);
    }
    Side { address: broker.address, turns }
}

struct Flow {
    authorize: String,
    basic: String,
}

impl Flow {
    fn new(cookie: &str) -> Self {
        let path = format!(
            "/authorize?response_type=code&client_id=app&redirect_uri=https://app.example/&scope=openid+offline_access+read\
             &state=0123456789&nonce=0123456789&code_challenge_method=S256&code_challenge={CHALLENGE}"
        );
        Self { authorize: get(&path, cookie), basic: basic("app") }
    }

    /// The refresh token.
    fn tokens(&self, wire: &mut Wire) -> String {
        let code = between(wire.exchange(&self.authorize, 303), "?code=", "&");
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https://app.example/&code_verifier={VERIFIER}"
        );
        refresh_token(wire.exchange(&post("/oauth/token", &self.basic, &form), 200))
    }
}

fn refresh_token(answer: &str) -> String {
    between(answer, "\"refresh_token\":\"", "\"")
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {text}")).0.to_owned()
}
