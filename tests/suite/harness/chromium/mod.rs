//! A real Chromium, driven by chromedriver: W3C WebDriver, spoken as plain HTTP (https://www.w3.org/TR/webdriver2/),
//! and Chromium's own protocol where WebDriver has no word. Elements are named by CSS selectors and waited for, because
//! a click may leave the page before it is answered.

mod axe;
mod driver;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::PATIENCE;
use driver::Driver;

/// The key under which WebDriver hands out element references (§12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys as WebDriver writes them (§17.4.2).
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";

pub struct Chromium {
    driver: Driver,
}

impl Chromium {
    /// A browser with a profile of its own: no cookies, a desktop's window.
    pub async fn start() -> Self {
        let chromium = Self { driver: Driver::start().await };
        chromium.window(1280, 900).await;
        chromium
    }

    // ---- the page

    pub async fn goto(&self, url: &str) {
        self.done("url", json!({ "url": url })).await;
    }

    pub async fn url(&self) -> String {
        let url = self.driver.get("url").await.expect("a page has an address");
        url.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the address begins with `prefix`, and returns it.
    pub async fn wait_for_url(&self, prefix: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = self.url().await;
            if url.starts_with(prefix) {
                return url;
            }
            if Instant::now() > deadline {
                panic!("waited for {prefix}…, but {}", self.scene().await);
            }
            pause().await;
        }
    }

    /// Waits for the first element that `css` selects; the others take it from there.
    pub async fn wait_for(&self, css: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.try_find(css).await;
            if let Ok(id) = found {
                return id;
            }
            if Instant::now() > deadline {
                panic!("waited for {css}, but {}", self.scene().await);
            }
            pause().await;
        }
    }

    pub async fn has(&self, css: &str) -> bool {
        self.try_find(css).await.is_ok()
    }

    pub async fn text(&self, css: &str) -> String {
        let element = self.wait_for(css).await;
        let text = self.driver.get(&format!("element/{element}/text")).await;
        text.ok().and_then(|text| Some(text.as_str()?.to_owned())).unwrap_or_default()
    }

    pub async fn click(&self, css: &str) {
        let element = self.wait_for(css).await;
        self.done(&format!("element/{element}/click"), json!({})).await;
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.wait_for(css).await;
        self.done(&format!("element/{element}/clear"), json!({})).await;
        self.done(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    // ---- the keyboard

    /// Presses the keys one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let strokes =
            keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        let strokes: Vec<_> = strokes.collect();
        self.done("actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] })).await;
    }

    /// The id of the element that has the focus; empty when that has none.
    pub async fn focused(&self) -> String {
        let Ok(active) = self.driver.get("element/active").await else {
            return String::new();
        };
        let id =
            self.driver.get(&format!("element/{}/attribute/id", active[ELEMENT].as_str().unwrap_or_default())).await;
        id.ok().and_then(|id| Some(id.as_str()?.to_owned())).unwrap_or_default()
    }

    /// Tabs until the element with this id has the focus, as a person without a mouse does.
    pub async fn tab_to(&self, id: &str) {
        let mut passed = Vec::new();
        for _ in 0..20 {
            self.press(TAB).await;
            let focused = self.focused().await;
            if focused == id {
                return;
            }
            passed.push(focused);
        }
        panic!("#{id} is not reached by Tab; passed {passed:?}");
    }

    /// What the console was told about pages of `origin` since the last time: broken policies, scripts, resources. Not
    /// that a page answered with an error status, which is how our pages say that somebody erred.
    pub async fn complaints(&self, origin: &str) -> Vec<String> {
        let log = self.done("se/log", json!({ "type": "browser" })).await;
        let messages =
            log.as_array().into_iter().flatten().filter_map(|entry| Some(entry["message"].as_str()?.to_owned()));
        messages.filter(|message| message.contains(origin) && !message.contains("responded with a status of")).collect()
    }

    /// What a JavaScript expression is worth on this page, also where script is switched off or forbidden by policy.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.devtools("Runtime.evaluate", asked).await;
        if !answer["exceptionDetails"].is_null() {
            let from = expression.get(..200).unwrap_or(expression);
            panic!("{}: {from}; {}", answer["exceptionDetails"], self.scene().await);
        }
        answer["result"]["value"].take()
    }

    /// Somebody else's browser, from here on.
    pub async fn forget_cookies(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    // ---- the person's settings

    /// The viewport in CSS pixels; below 600 it is a phone's.
    pub async fn window(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    pub async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Whether pages may run script, from the next page on.
    pub async fn script(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !on })).await;
    }

    /// How far the page is wider than its window, in CSS pixels. More than 0 is a page to scroll sideways.
    pub async fn overflow(&self) -> i64 {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let width = |of: &str, field: &str| metrics[of][field].as_f64().unwrap_or_default();
        (width("cssContentSize", "width") - width("cssLayoutViewport", "clientWidth")).round() as i64
    }

    /// `target/screenshots/NAME.png`, the whole page however long.
    pub async fn screenshot(&self, name: &str) {
        let shot = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = STANDARD.decode(shot["data"].as_str().unwrap_or_default()).expect("a picture in base64");
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/screenshots/{name}.png"));
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("target/ can be written");
        fs::write(file, png).expect("target/ can be written");
    }

    // ---- how it is said

    /// What a person would see, for a test that fails: the address and the text.
    async fn scene(&self) -> String {
        let url = self.url().await;
        let text = match self.try_find("body").await {
            Ok(body) => self.driver.get(&format!("element/{body}/text")).await.unwrap_or_default(),
            Err(error) => json!(error),
        };
        format!("the browser is at {url}:\n{}", text.as_str().unwrap_or_default())
    }

    async fn try_find(&self, css: &str) -> Result<String, String> {
        let selector = json!({ "using": "css selector", "value": css });
        let found = self.driver.post("element", selector).await?;
        found[ELEMENT].as_str().map(str::to_owned).ok_or_else(|| format!("{found} is no element"))
    }

    async fn devtools(&self, cmd: &str, params: Value) -> Value {
        self.done("goog/cdp/execute", json!({ "cmd": cmd, "params": params })).await
    }

    async fn done(&self, what: &str, body: Value) -> Value {
        match self.driver.post(what, body).await {
            Ok(value) => value,
            Err(error) => panic!("{what}: {error}; {}", Box::pin(self.scene()).await),
        }
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(25)).await;
}
