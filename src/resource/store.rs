//! SQL of resources.
