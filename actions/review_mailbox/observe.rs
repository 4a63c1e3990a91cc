//! Reads forwarding and permissions of the mailbox.

use futures_util::future::try_join3;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Get, Permission, Read, ReadError, ReadErrorKind, Target};

/// What was seen of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub(super) forwarding: Forwarding,
    /// Who may send on its behalf, as Exchange names them; hostile.
    pub(super) on_behalf: Vec<String>,
    pub(super) full_access: Vec<Access>,
    pub(super) send_as: Vec<Access>,
    /// Why there is nothing to see.
    pub(super) blind: Option<Blind>,
}

/// The three properties that forward a mailbox, verbatim; hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Forwarding {
    /// `smtp:drop@fabrikam.com`
    pub smtp_address: Option<String>,
    /// The name of a recipient of the tenant, which may be a contact that stands for somebody outside.
    pub address: Option<String>,
    /// The mailbox keeps a copy.
    pub keeps_copy: bool,
    /// The mail addresses behind `address`; none when they can't be read.
    pub reaches: Vec<String>,
}

/// A permission on the mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Access {
    /// Who holds it, as Exchange names them; hostile.
    pub who: String,
    /// `FullAccess`, `SendAs`, …
    pub rights: Vec<String>,
    /// Whether folders inherit it: `All`, `None`, …
    pub inheritance: Option<String>,
}

/// Why a mailbox can't be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Blind {
    /// The route isn't open, and why.
    Closed(String),
    /// Exchange refuses the cmdlets although the token lists the permission, and why.
    KeptOut(String),
    /// There is no mailbox in Exchange Online.
    NoMailbox,
}

pub(super) fn mailbox(user: &str) -> Get {
    Get::cmdlet("Get-Mailbox", &[("Identity", user)])
}

pub(super) fn full_access(user: &str) -> Get {
    Get::cmdlet("Get-MailboxPermission", &[("Identity", user)])
}

pub(super) fn send_as(user: &str) -> Get {
    Get::cmdlet("Get-RecipientPermission", &[("Identity", user)])
}

pub(super) fn recipient(name: &str) -> Get {
    Get::cmdlet("Get-Recipient", &[("Identity", name)])
}

/// Reads.
pub(super) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let user = &who.user.id;
    let get = mailbox(user);
    let row = match graph.one(&get).await {
        Ok(row) => row,
        Err(error) => return unseen(who, error),
    };
    // A name could belong to somebody else; nothing is decided on another's mailbox.
    let owner = row["ExternalDirectoryObjectId"].as_str();
    if owner.is_some_and(|id| !id.is_empty() && !id.eq_ignore_ascii_case(user)) {
        return Err(ReadError {
            kind: ReadErrorKind::Unreadable,
            path: get.url(),
            status: None,
            code: None,
            message: "Exchange answered with the mailbox of another account".into(),
            request_id: None,
        });
    }
    let address = text(&row["ForwardingAddress"]);
    let (full, send) = (full_access(user), send_as(user));
    let (full_access, send_as, reaches) =
        try_join3(graph.all(&full), graph.all(&send), addresses(address.as_deref(), graph)).await?;
    let mut on_behalf: Vec<String> = list(&row["GrantSendOnBehalfTo"]);
    on_behalf.sort_unstable();
    Ok(State {
        forwarding: Forwarding {
            smtp_address: text(&row["ForwardingSmtpAddress"]),
            address,
            keeps_copy: row["DeliverToMailboxAndForward"] == true,
            reaches,
        },
        on_behalf,
        full_access: accesses(&full_access, "User"),
        send_as: accesses(&send_as, "Trustee"),
        blind: None,
    })
}

fn unseen(who: &Target, error: ReadError) -> Result<State, ReadError> {
    let may = Permission::EXCHANGE.is_met_by(&who.operator.permissions);
    let blind = match error.kind {
        ReadErrorKind::Closed => Blind::Closed(error.message),
        ReadErrorKind::NotFound => Blind::NoMailbox,
        ReadErrorKind::Forbidden if may => Blind::KeptOut(error.message),
        _ => return Err(error),
    };
    Ok(State { blind: Some(blind), ..State::default() })
}

/// The mail addresses of a recipient of the tenant.
async fn addresses(name: Option<&str>, graph: &dyn Read) -> Result<Vec<String>, ReadError> {
    let Some(name) = name else { return Ok(vec![]) };
    let row = match graph.one(&recipient(name)).await {
        Ok(row) => row,
        Err(error) if matches!(error.kind, ReadErrorKind::NotFound | ReadErrorKind::Refused) => {
            return Ok(vec![]);
        }
        Err(error) => return Err(error),
    };
    // A contact's own address is in the tenant's domain at times; the external one is where mail goes.
    let external = text(&row["ExternalEmailAddress"]);
    Ok(external.or_else(|| text(&row["PrimarySmtpAddress"])).into_iter().collect())
}

/// Rows that allow something, but for what is inherited and what every mailbox has.
fn accesses(rows: &[Value], member: &str) -> Vec<Access> {
    let given = rows.iter().filter(|row| {
        row["IsInherited"] != true && row["Deny"] != true && row["AccessControlType"] != "Deny"
    });
    let mut all: Vec<Access> = given
        .filter_map(|row| {
            let who = text(&row[member]).filter(|who| !is_built_in(who))?;
            Some(Access {
                who,
                rights: list(&row["AccessRights"]),
                inheritance: text(&row["InheritanceType"]),
            })
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// `NT AUTHORITY\SELF` and its like, which every mailbox has.
fn is_built_in(who: &str) -> bool {
    let who = who.to_ascii_uppercase();
    who == "SELF" || who.starts_with("NT AUTHORITY\\")
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A list of texts; one text is a list of one.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(items) => items.iter().filter_map(text).collect(),
        _ => vec![],
    }
}
