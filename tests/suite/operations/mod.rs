//! What an operator relies on: numbers that stay few, and an audit log that stays whole.

mod audit;
mod clocks;
mod metrics;
mod rate_limit;
mod replicas;
