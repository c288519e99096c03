//! A browser without script and pictures: cookies, redirects by hand, forms. It never follows into an address that it
//! was told to stop at, which is how an application's redirect URI is looked at without there being an application.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use url::Url;

use super::html::{self, Form};

/// A clone is the same browser's second tab, with the cookies of this moment.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    jar: Vec<Cookie>,
    stops: Vec<String>,
    /// Every URL that was visited or stopped at.
    pub history: Vec<Url>,
}

#[derive(Clone, Debug)]
pub struct Cookie {
    /// Host and port.
    site: String,
    pub name: String,
    pub value: String,
    path: String,
    /// Over https only, or to localhost, as browsers do.
    secure: bool,
}

/// What the browser ended at.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    /// It did not go to `url`, because it was told to stop there.
    pub stopped: bool,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    pub fn new() -> Self {
        Self::with(super::app::http())
    }

    /// One that follows no redirect by itself.
    pub fn with(http: reqwest::Client) -> Self {
        Self { http, jar: Vec::new(), stops: Vec::new(), history: Vec::new() }
    }

    /// URLs that begin like this are not fetched.
    pub fn stop_at(&mut self, prefix: &str) -> &mut Self {
        self.stops.push(prefix.to_owned());
        self
    }

    /// Goes on to where it stopped before.
    pub fn stop_no_more(&mut self) -> &mut Self {
        self.stops.clear();
        self
    }

    pub async fn open(&mut self, url: &str) -> Page {
        self.go(Method::GET, Url::parse(url).unwrap(), None, None).await
    }

    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(None, url, fields).await
    }

    /// A form on a page of another origin posts to us.
    pub async fn post_from(&mut self, origin: Option<&str>, url: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.go(Method::POST, Url::parse(url).unwrap(), Some(body), origin.map(Into::into)).await
    }

    /// Submits the form with this id, with `changes` to its fields; a button's name and value are such a change.
    pub async fn submit(&mut self, page: &Page, form: &str, changes: &[(&str, &str)]) -> Page {
        self.send(page, &page.form(form), changes).await
    }

    async fn send(&mut self, page: &Page, form: &Form, changes: &[(&str, &str)]) -> Page {
        let mut fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend_from_slice(changes);
        let target = page.url.join(&form.action).unwrap();
        let body = match form.enctype.as_str() {
            "multipart/form-data" => multipart(&fields),
            _ => url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish(),
        };
        self.go(Method::POST, target, Some(body), Some(page.url.origin().ascii_serialization())).await
    }

    /// Presses the button with this id.
    pub async fn press(&mut self, page: &Page, button: &str) -> Page {
        let forms = page.forms();
        let found = forms.iter().find_map(|form| Some((form, form.buttons.iter().find(|(id, ..)| id == button)?)));
        let (form, (_, name, value)) = found.unwrap_or_else(|| panic!("no button {button} on {page}"));
        let pressed: &[(&str, &str)] = if name.is_empty() { &[] } else { &[(name, value)] };
        self.send(page, form, pressed).await
    }

    pub fn cookie(&self, url: &str, name: &str) -> Option<&Cookie> {
        let site = site(&Url::parse(url).unwrap());
        self.jar.iter().find(|cookie| cookie.site == site && cookie.name == name)
    }

    /// The value of the broker's session cookie.
    pub fn session(&self, issuer: &str) -> Option<String> {
        self.cookie(issuer, "avouch-session").map(|cookie| cookie.value.clone())
    }

    /// Every cookie value it has.
    pub fn cookie_values(&self) -> Vec<String> {
        self.jar.iter().map(|cookie| cookie.value.clone()).collect()
    }

    pub fn forget_cookies(&mut self) {
        self.jar.clear();
    }

    async fn go(&mut self, method: Method, url: Url, body: Option<String>, origin: Option<String>) -> Page {
        let (mut method, mut url, mut body) = (method, url, body);
        let mut from = origin;
        for _ in 0..20 {
            self.history.push(url.clone());
            if self.stops.iter().any(|stop| url.as_str().starts_with(stop)) {
                return Page {
                    url,
                    status: 0,
                    headers: HeaderMap::new(),
                    body: body.unwrap_or_default(),
                    stopped: true,
                };
            }
            let page = self.fetch(&method, &url, body.as_deref(), from.as_deref()).await;
            let onward = page.headers.get(LOCATION).filter(|_| (301..=308).contains(&page.status));
            let Some(onward) = onward else { return page };
            from = from.or_else(|| Some(url.origin().ascii_serialization()));
            url = url.join(onward.to_str().unwrap()).unwrap();
            if page.status != 307 && page.status != 308 {
                (method, body) = (Method::GET, None);
            }
        }
        panic!("redirected in circles: {:?}", self.history);
    }

    async fn fetch(&mut self, method: &Method, url: &Url, body: Option<&str>, origin: Option<&str>) -> Page {
        let cookies: Vec<String> = self
            .jar
            .iter()
            .filter(|c| {
                c.site == site(url)
                    && url.path().starts_with(&c.path)
                    && (!c.secure || url.scheme() == "https" || url.host_str() == Some("localhost"))
            })
            .map(|c| format!("{}={}", c.name, c.value))
            .collect();
        let mut request = self.http.request(method.clone(), url.clone());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let same = origin.is_none_or(|origin| origin == url.origin().ascii_serialization());
        request = request.header(
            "sec-fetch-site",
            match origin {
                None => "none",
                Some(_) if same => "same-origin",
                Some(_) => "cross-site",
            },
        );
        if *method == Method::POST {
            let origin = origin.map_or_else(|| url.origin().ascii_serialization(), Into::into);
            let body = body.unwrap_or_default().to_owned();
            let kind = match body.strip_prefix("--").and_then(|rest| rest.split_once("\r\n")) {
                Some((EDGE, _)) => format!("multipart/form-data; boundary={EDGE}"),
                _ => "application/x-www-form-urlencoded".into(),
            };
            request = request.header(ORIGIN, origin).header(CONTENT_TYPE, kind).body(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {url}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        self.take_cookies(url, &headers);
        let body = answer.text().await.unwrap();
        Page { url: url.clone(), status, headers, body, stopped: false }
    }

    fn take_cookies(&mut self, url: &Url, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let mut parts = header.to_str().unwrap().split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let mut cookie =
                Cookie { site: site(url), name: name.into(), value: value.into(), path: "/".into(), secure: false };
            let mut over = false;
            for attribute in parts {
                let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                match key.to_ascii_lowercase().as_str() {
                    "path" => cookie.path = value.into(),
                    "secure" => cookie.secure = true,
                    "max-age" => over = value.parse::<i64>().unwrap() <= 0,
                    _ => {}
                }
            }
            self.jar.retain(|c| c.site != cookie.site || c.name != cookie.name || c.path != cookie.path);
            if !over {
                self.jar.push(cookie);
            }
        }
    }
}

/// Between the fields of a form with files (RFC 7578).
const EDGE: &str = "an-edge-that-no-field-has";

fn multipart(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!("--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    fields.iter().map(field).collect::<String>() + &format!("--{EDGE}--\r\n")
}

fn site(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

impl Page {
    /// The parameters that came with it: those of the URL, or of the form that would post them.
    pub fn params(&self) -> BTreeMap<String, String> {
        self.url.query_pairs().into_owned().collect()
    }

    pub fn param(&self, name: &str) -> String {
        self.params().remove(name).unwrap_or_else(|| panic!("no {name} in {self}"))
    }

    pub fn forms(&self) -> Vec<Form> {
        html::forms(&self.body)
    }

    pub fn form(&self, id: &str) -> Form {
        self.forms().into_iter().find(|form| form.id == id).unwrap_or_else(|| panic!("no form {id} on {self}"))
    }

    pub fn has(&self, id: &str) -> bool {
        self.body.contains(&format!("id=\"{id}\""))
    }

    pub fn text_of(&self, id: &str) -> Option<String> {
        html::text_of(&self.body, id)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is the error page of this cause, with a trace id to quote.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.text_of("error-code").as_deref()), (status, Some(code)), "{self}");
        let trace_id = self.text_of("trace-id").unwrap_or_default();
        assert!(trace_id.starts_with("trc_") && trace_id == self.header("x-trace-id"), "{self}");
    }

    /// The browser is on its way back to the application, with an error.
    #[track_caller]
    pub fn assert_error(&self, error: &str) {
        assert!(self.stopped, "still here: {self}");
        assert_eq!(self.params().get("error").map(String::as_str), Some(error), "{self}");
        assert!(!self.params().contains_key("code"), "{self}");
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = match self.text_of("error-code") {
            Some(code) => format!("error page: {code}"),
            None => self.body.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n"),
        };
        write!(f, "{} {}\n{body}", self.status, self.url)
    }
}
