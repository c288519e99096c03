//! Public keys as JWK (RFC 7517), with the RFC 7638 thumbprint as `kid`.
