//! Which of many users is next: first every cut, then everything else.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

/// What is to be done for a user: its place in the list, and whether it is the cut or the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// Keeps the intruder out: before everything else.
    Urgent(usize),
    /// All the rest.
    Later(usize),
}

pub(super) type Working<'a> = Pin<Box<dyn Future<Output = (Job, Option<Job>)> + Send + 'a>>;

/// How many users may be under way at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtOnce {
    /// With a job that is urgent.
    pub urgent: usize,
    /// With a later one.
    pub later: usize,
}

/// Does the jobs, and those that they lead to, and returns when none is left. No later job begins while an urgent one
/// waits for its turn. `may_go_on` is asked before each one: with `false` none is begun any more, and what is under way
/// ends.
pub(super) async fn work<'a>(
    jobs: impl IntoIterator<Item = Job>,
    at_once: AtOnce,
    may_go_on: impl Fn() -> bool,
    start: impl Fn(Job) -> Working<'a>,
) {
    let (mut urgent, mut later): (VecDeque<Job>, VecDeque<Job>) =
        jobs.into_iter().partition(|job| matches!(job, Job::Urgent(_)));
    let mut under_way = FuturesUnordered::new();
    let (mut urgent_now, mut later_now) = (0, 0);
    loop {
        while may_go_on() {
            if urgent_now < at_once.urgent
                && let Some(job) = urgent.pop_front()
            {
                urgent_now += 1;
                under_way.push(start(job));
            } else if urgent.is_empty()
                && later_now < at_once.later
                && let Some(job) = later.pop_front()
            {
                later_now += 1;
                under_way.push(start(job));
            } else {
                break;
            }
        }
        let Some((done, next)) = under_way.next().await else { return };
        match done {
            Job::Urgent(_) => urgent_now -= 1,
            Job::Later(_) => later_now -= 1,
        }
        match next {
            Some(job @ Job::Urgent(_)) => urgent.push_back(job),
            Some(job @ Job::Later(_)) => later.push_back(job),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    const AT_ONCE: AtOnce = AtOnce { urgent: 2, later: 2 };

    /// Does cuts that each lead to a later job; a job takes as many seconds as its number. Gives what began, in order.
    async fn begun(users: usize, stop_after: usize) -> Vec<Job> {
        let begun = Mutex::new(Vec::new());
        let start = |job| -> Working<'_> {
            begun.lock().unwrap().push(job);
            Box::pin(async move {
                let (Job::Urgent(n) | Job::Later(n)) = job;
                tokio::time::sleep(Duration::from_secs(n as u64)).await;
                (job, matches!(job, Job::Urgent(_)).then_some(Job::Later(n)))
            })
        };
        let may_go_on = || begun.lock().unwrap().len() < stop_after;
        work((0..users).map(Job::Urgent), AT_ONCE, may_go_on, start).await;
        begun.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn no_later_job_begins_while_a_cut_waits() {
        let begun = begun(6, usize::MAX).await;
        let (cuts, rest) = begun.split_at(6);
        assert_eq!(cuts, (0..6).map(Job::Urgent).collect::<Vec<_>>());
        assert_eq!(rest.len(), 6);
        assert!(rest.iter().all(|job| matches!(job, Job::Later(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_cut_does_not_hold_up_what_comes_after_the_others() {
        let jobs = [Job::Urgent(1), Job::Urgent(1_000), Job::Later(2)];
        let ended = Mutex::new(Vec::new());
        let start = |job| -> Working<'_> {
            let ended = &ended;
            Box::pin(async move {
                let (Job::Urgent(n) | Job::Later(n)) = job;
                tokio::time::sleep(Duration::from_secs(n as u64)).await;
                ended.lock().unwrap().push(job);
                (job, None)
            })
        };
        work(jobs, AT_ONCE, || true, start).await;
        assert_eq!(ended.into_inner().unwrap(), [Job::Urgent(1), Job::Later(2), Job::Urgent(1_000)]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_stop_nothing_begins_and_what_is_under_way_ends() {
        assert_eq!(begun(6, 3).await, [Job::Urgent(0), Job::Urgent(1), Job::Urgent(2)]);
    }
}
