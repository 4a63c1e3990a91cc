//! A run from start to end.

pub mod event;
