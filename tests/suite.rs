//! One integration binary: the engine held to its word, on a simulated tenant and on a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod cli;
mod crash;
mod documents;
mod doubt;
mod footholds;
mod laws;
mod literal;
mod multi;
mod properties;
mod recover;
mod secrets;
mod served;
mod support;
