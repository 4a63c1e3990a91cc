//! The memory of this process holds tokens and passwords: it must not end in a file when the process dies.

/// Forbids core dumps of this process and, on Linux, that another process of the user reads its memory.
///
/// Where the system refuses, the run goes on: containment matters more.
pub(super) fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        if let Err(e) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
            tracing::debug!(error = %e, "core dumps could not be forbidden");
        }
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(e) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(error = %e, "the process could not be made private");
        }
    }
}
