//! Reads the log, page by page.

use jiff::Timestamp;

use super::summary::Fold;
use super::{READ, Settings, State};
use crate::{Api, Get, Read, ReadError, ReadErrorKind, Target};

/// Rows that a page is asked to have: the most there are. An answer that is too large is asked for again in smaller
/// pages, for a row also lists every policy of Conditional Access where the token may read them.
const PAGES: [u16; 2] = [1000, 100];

/// The service says by this that the tenant has no P1 licence.
const NO_LICENCE: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// The sign-ins of a user since then. Without a filter on the kind, beta too gives interactive ones alone. `$select` is
/// no option of this read.
///
/// <https://learn.microsoft.com/graph/api/signin-list>
pub(super) fn sign_ins(user: &str, since: Timestamp, api: Api, page: u16) -> Get {
    let mut filter = format!("userId eq {} and createdDateTime ge {since:.0}", Get::quote(user));
    if api == Api::Beta {
        filter += " and signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')";
    }
    let get = Get { api, ..Get::new(["auditLogs", "signIns"]) };
    get.filter(filter).query("$top", page.to_string())
}

/// Reads both kinds, or the interactive ones where the edition that has both refuses.
pub(super) async fn read(who: &Target, graph: &dyn Read, settings: &Settings) -> Result<State, ReadError> {
    if settings.non_interactive {
        match by(Api::Beta, who, graph).await {
            Err(error) if matches!(error.kind, ReadErrorKind::Refused | ReadErrorKind::NotFound) => {}
            other => return told(who, other),
        }
    }
    told(who, by(Api::V1, who, graph).await)
}

async fn by(api: Api, who: &Target, graph: &dyn Read) -> Result<Fold, ReadError> {
    let [large, small] = PAGES;
    match pages(api, large, who, graph).await {
        Err(error) if error.kind == ReadErrorKind::Unreadable => pages(api, small, who, graph).await,
        other => other,
    }
}

async fn pages(api: Api, page: u16, who: &Target, graph: &dyn Read) -> Result<Fold, ReadError> {
    let mut fold = Fold::new(who, api == Api::V1);
    let get = sign_ins(&who.user.id, who.since, api, page);
    graph.pages(&get, &mut |rows| rows.iter().for_each(|row| fold.add(row))).await?;
    Ok(fold)
}

/// A missing licence and a missing permission are both 403; the code or the token tells them apart.
fn told(who: &Target, read: Result<Fold, ReadError>) -> Result<State, ReadError> {
    match read {
        Ok(fold) => Ok(State::Seen(Box::new(fold.finish()))),
        Err(error) if error.kind != ReadErrorKind::Forbidden => Err(error),
        Err(error) if error.code.as_deref() == Some(NO_LICENCE) => Ok(State::NoLicence),
        Err(_) if READ.is_met_by(&who.operator.permissions) => Ok(State::Refused),
        Err(error) => Err(error),
    }
}
