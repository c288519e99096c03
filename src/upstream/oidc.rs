//! OpenID Connect, relying-party side. The only file that names `openidconnect`.
