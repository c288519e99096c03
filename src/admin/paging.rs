//! Lists by key set: a page begins after the key that the page before ended with, so the thousandth page costs what the
//! first one does, and a row that comes or goes meanwhile neither repeats nor hides another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::Trouble;

/// What every list takes: `?after=&limit=&q=`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<String>,
    /// What to look for.
    #[serde(default)]
    pub q: Option<String>,
}

const USUAL: i64 = 50;
const MOST: i64 = 200;

impl ListQuery {
    /// The key that the page before ended with, in its parts. Empty on the first page.
    ///
    /// # Errors
    /// [`Trouble::Malformed`]: it is no cursor of ours.
    pub fn after(&self) -> Result<Vec<String>, Trouble> {
        let Some(cursor) = self.after.as_deref().filter(|cursor| !cursor.is_empty()) else {
            return Ok(Vec::new());
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Trouble::Malformed("after is not a cursor of this list; leave it out to begin anew".into()))
    }

    /// Rows of a page.
    ///
    /// # Errors
    /// [`Trouble::Malformed`]: it is no number from 1 to 200.
    pub fn limit(&self) -> Result<i64, Trouble> {
        let Some(limit) = self.limit.as_deref().filter(|limit| !limit.is_empty()) else {
            return Ok(USUAL);
        };
        let known = limit.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        known.ok_or_else(|| Trouble::Malformed(format!("limit is a number from 1 to {MOST}")))
    }

    pub fn search(&self) -> Option<&str> {
        self.q.as_deref().map(str::trim).filter(|q| !q.is_empty())
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// For `after=` of the next page; none on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Of `limit + 1` rows read: the one too many says that there is a next page.
    pub fn of(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> Vec<String>) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| cursor(&key(last)));
        Self { items, next }
    }

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

fn cursor(key: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}
