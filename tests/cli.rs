//! The command line as a user meets it.

mod doctor;
mod documents;
mod exits;
mod export;
mod hostile;
mod input;
mod journal;
mod keys;
mod many;
mod plans;
mod readme;
mod rollback;
mod signals;
mod story;
mod transcripts;
