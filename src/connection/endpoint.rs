//! The public JWKS of a connection: `GET /connections/{slug}/jwks.json`.
