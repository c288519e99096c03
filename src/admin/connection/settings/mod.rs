//! What an operator decides of a connection that stands: its settings, and what becomes of claims. Both are one form each
//! over the entry of the resource file.

pub mod pages;
