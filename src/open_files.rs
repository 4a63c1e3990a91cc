//! How many files and connections this process may have open.

/// What is assumed where the system doesn't say.
const FEW: usize = 256;
/// More than this is never needed.
const ENOUGH: u64 = 8_192;

/// Raises the limit of open files as far as the system lets everybody, and says where it is then.
pub fn raise() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
        let now = limit.current.unwrap_or(ENOUGH);
        let raised = now >= wanted
            || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok();
        usize::try_from(if raised { now.max(wanted) } else { now }).unwrap_or(FEW)
    }
    #[cfg(not(unix))]
    FEW
}
