//! An earlier run, or a bulk run, by what a person types for it.

use super::{BulkPath, RunPath, Store};
use crate::failure::{Code, Failure, Result};

/// A run of its own, or one above the runs of many users.
#[derive(Debug, Clone)]
pub enum Earlier {
    /// A run.
    Run(RunPath),
    /// A bulk run.
    Bulk(BulkPath),
}

impl Earlier {
    /// UUID v7.
    pub fn id(&self) -> String {
        match self {
            Self::Run(run) => run.id().to_owned(),
            Self::Bulk(bulk) => bulk.id().to_string(),
        }
    }
}

impl Store {
    /// Finds a run or a bulk run by its id, by the start of it, or by `last`. The runs of a bulk run begin like the
    /// bulk run itself, which is meant when a start fits both.
    ///
    /// # Errors
    /// [`Code::NoSuchRun`].
    pub fn earlier(&self, name: &str) -> Result<Earlier> {
        let bulks = self.bulks();
        if name == "last" {
            let newest = self.find(name);
            let is_later = |bulk: &&BulkPath| match &newest {
                Ok(run) => bulk.id().to_string().as_str() > run.id() || bulk.has(run.id()),
                Err(_) => true,
            };
            return match bulks.first().filter(is_later) {
                Some(bulk) => Ok(Earlier::Bulk(bulk.clone())),
                None => newest.map(Earlier::Run),
            };
        }
        let wanted = name.to_ascii_lowercase();
        let mut fitting =
            bulks.into_iter().filter(|bulk| wanted.len() >= 4 && bulk.id().to_string().starts_with(&wanted));
        match (fitting.next(), fitting.next()) {
            (Some(bulk), None) => Ok(Earlier::Bulk(bulk)),
            (Some(_), Some(_)) => {
                Err(Failure::new(Code::NoSuchRun, format!("more than one bulk run begins with {wanted}"))
                    .next("`oust runs` lists the runs there are"))
            }
            (None, _) => self.find(name).map(Earlier::Run),
        }
    }
}
