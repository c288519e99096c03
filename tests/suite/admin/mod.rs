//! The operator's desk: its pages in a real Chromium, and its API.

mod browser;
