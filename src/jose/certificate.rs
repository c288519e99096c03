//! A self-signed certificate around a key of ours, for IdPs that want one.
