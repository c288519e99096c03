//! SQL of connections and their credentials.
