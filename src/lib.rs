//! `oust` evicts an intruder from a Microsoft Entra ID / Microsoft 365 account.
//!
//! Data flows one way: target → observe → plan → intent → call → outcome → verify → report.
//! `cli` → `engine` → `graph` and `journal`; `sim` implements the same seam as the network and is reached only
//! by rehearsals and tests. The actions are a crate of their own that can't write.

pub mod bulk;
pub mod bundle;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod failure;
pub mod graph;
pub mod guard;
pub mod journal;
pub mod open_files;
pub mod playbook;
pub mod rehearsal;
pub mod report;
pub mod secret_file;
pub mod sim;
pub mod since;
pub mod target_name;
pub mod user_list;
