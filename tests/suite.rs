//! One integration binary: the engine held to its word, on a simulated tenant and on a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod all_footholds;
mod bounds;
mod bulk;
mod cli;
mod clocks;
mod clouds;
mod crash;
mod crowd;
mod dependencies;
mod documents;
mod doubt;
mod evidence;
mod exchange;
mod faults;
mod footholds;
mod fuzzing;
mod golden;
mod kill;
mod laws;
#[cfg(unix)]
mod links;
mod literal;
mod multi;
mod properties;
mod recover;

mod secrets;
mod served;
mod sign_ins;
mod signature;
mod support;
mod trips;
mod two_machines;
mod waits;
