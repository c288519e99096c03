//! SQL of roles.
