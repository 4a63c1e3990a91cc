//! Exchange Online's cmdlets: what they show of a mailbox that Graph doesn't, and what they change.
//!
//! <https://learn.microsoft.com/powershell/module/exchange>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Tenant;
use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::permission::Caller;
use super::request::Ask;
use super::role;
use super::user::User;

/// A mailbox of the tenant file. Every user has one; this says what is special about it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Described {
    /// Whose, by UPN.
    pub user: String,
    /// The address that all mail is forwarded to.
    pub forwards_to: Option<String>,
    /// The recipient of the tenant that all mail is forwarded to, by name.
    pub forwards_to_recipient: Option<String>,
    /// A forwarded message also stays.
    pub keeps_copy: bool,
    /// Who may open it.
    pub full_access: Vec<String>,
    /// Who may send as it.
    pub send_as: Vec<String>,
    /// Who may send on its behalf.
    pub on_behalf: Vec<String>,
}

/// What Exchange alone knows of a mailbox.
#[derive(Debug, Clone, Default)]
pub struct Mailbox {
    /// With `smtp:` before it, as Exchange keeps it.
    forwarding_smtp: Option<String>,
    forwarding: Option<String>,
    keeps_copy: bool,
    on_behalf: Vec<String>,
    full_access: Vec<String>,
    send_as: Vec<String>,
}

impl Mailbox {
    /// Makes one of the tenant file.
    pub fn describe(described: &Described) -> Self {
        Self {
            forwarding_smtp: described.forwards_to.as_ref().map(|to| format!("smtp:{to}")),
            forwarding: described.forwards_to_recipient.clone(),
            keeps_copy: described.keeps_copy,
            on_behalf: described.on_behalf.clone(),
            full_access: described.full_access.clone(),
            send_as: described.send_as.clone(),
        }
    }

    /// Where its mail goes.
    pub fn forwards_to(&self) -> Option<&str> {
        let smtp = self.forwarding_smtp.as_deref().map(|to| to.trim_start_matches("smtp:"));
        self.forwarding.as_deref().or(smtp)
    }

    /// What a rollback has to put back: forwarding as one value, each permission as one.
    pub fn snapshot(&self, owner: &str) -> Vec<(String, Value)> {
        let forwards = [self.forwarding_smtp.clone(), self.forwarding.clone()];
        let mut parts = vec![];
        if forwards.iter().any(Option::is_some) {
            let how = format!("{} {} {}", json!(forwards[0]), json!(forwards[1]), self.keeps_copy);
            parts.push((format!("{owner} forwards"), json!(how)));
        }
        if !self.on_behalf.is_empty() {
            parts.push((format!("{owner} on behalf"), json!(self.on_behalf.join(" "))));
        }
        for (what, who) in [("full access", &self.full_access), ("send as", &self.send_as)] {
            parts.extend(who.iter().map(|who| (format!("{owner} {what} {who}"), json!(true))));
        }
        parts
    }

    fn json(&self, owner: &User) -> Value {
        json!({
            "ExternalDirectoryObjectId": owner.id,
            "UserPrincipalName": owner.principal_name,
            "PrimarySmtpAddress": owner.principal_name,
            "ForwardingSmtpAddress": self.forwarding_smtp,
            "ForwardingAddress": self.forwarding,
            "DeliverToMailboxAndForward": self.keeps_copy,
            "GrantSendOnBehalfTo": self.on_behalf,
        })
    }

    fn set(&mut self, parameters: &Map<String, Value>) -> Outcome<()> {
        for (name, value) in parameters.iter().filter(|(name, _)| *name != "Identity") {
            let text = value.as_str().map(str::to_owned);
            match name.as_str() {
                "ForwardingSmtpAddress" => self.forwarding_smtp = text,
                "ForwardingAddress" => self.forwarding = text,
                "DeliverToMailboxAndForward" => self.keeps_copy = value == true,
                "GrantSendOnBehalfTo" => self.on_behalf = texts(value),
                other => return Err(unknown_parameter(other)),
            }
        }
        Ok(())
    }

    fn access(&mut self, of_recipient: bool) -> &mut Vec<String> {
        if of_recipient { &mut self.send_as } else { &mut self.full_access }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Runs a cmdlet.
pub fn run(tenant: &mut Tenant, ask: &Ask, caller: &Caller, cmdlet: &str) -> Outcome {
    if ask.option("tenant") != Some(&tenant.tenant_id) {
        return Err(GraphError::new(
            400,
            "BadRequest",
            "The tenant of the address is not that of the token.",
        ));
    }
    if !caller.has("Exchange.ManageAsApp") {
        return Err(GraphError::new(401, "Unauthorized", ""));
    }
    if !holds_role(&tenant.directory, caller) {
        let what = format!("The cmdlet '{cmdlet}' can't be run by this principal.");
        return Err(GraphError::cmdlet(403, "CmdletAccessDeniedException", what));
    }
    let parameters = ask.object()?;
    let identity = parameters.get("Identity").or_else(|| parameters.get("Mailbox"));
    let identity = identity.and_then(Value::as_str).unwrap_or_default();
    if cmdlet == "Get-Recipient" {
        return recipient(&tenant.directory, identity);
    }
    let owner = tenant.directory.user(identity).filter(|user| user.mailbox);
    let owner = owner.ok_or_else(|| not_found(identity))?.clone();
    let mut mailbox = tenant.directory.mailboxes.get(&owner.id).cloned().unwrap_or_default();
    let rows = match cmdlet {
        "Get-Mailbox" => vec![mailbox.json(&owner)],
        "Get-MailboxPermission" => permissions(&mailbox),
        "Get-RecipientPermission" => recipient_permissions(&mailbox),
        "Get-InboxRule" => {
            let hidden = parameters.get("IncludeHidden") == Some(&Value::Bool(true));
            let rules = tenant.directory.rules.iter().filter(|rule| rule.user_id == owner.id);
            rules.filter(|rule| hidden || !rule.hidden).map(super::mailbox::Rule::cmdlet_json).collect()
        }
        _ => {
            change(&mut mailbox, cmdlet, parameters)?;
            tenant.directory.mailboxes.insert(owner.id.clone(), mailbox);
            vec![]
        }
    };
    Ok(Answer::ok(json!({ "value": rows, "@adminapi.warnings": [] })))
}

fn change(mailbox: &mut Mailbox, cmdlet: &str, parameters: &Map<String, Value>) -> Outcome<()> {
    let of_recipient = cmdlet.ends_with("-RecipientPermission");
    let member = if of_recipient { "Trustee" } else { "User" };
    let who = parameters.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    match cmdlet {
        "Set-Mailbox" => mailbox.set(parameters),
        "Remove-MailboxPermission" | "Remove-RecipientPermission" => {
            mailbox.access(of_recipient).retain(|held| *held != who);
            Ok(())
        }
        // A second time is a warning and no error.
        "Add-MailboxPermission" | "Add-RecipientPermission" => {
            let held = mailbox.access(of_recipient);
            if !held.contains(&who) {
                held.push(who);
            }
            held.sort();
            Ok(())
        }
        other => Err(GraphError::cmdlet(400, "CommandNotFoundException", format!("no cmdlet {other}"))),
    }
}

fn permissions(mailbox: &Mailbox) -> Vec<Value> {
    let row = |who: &str, inherited: bool| {
        json!({
            "User": who, "AccessRights": ["FullAccess"], "IsInherited": inherited, "Deny": false,
            "InheritanceType": "All",
        })
    };
    let everyones = [row("NT AUTHORITY\\SELF", false), row("NAMPRD00\\Administrators", true)];
    everyones.into_iter().chain(mailbox.full_access.iter().map(|who| row(who, false))).collect()
}

fn recipient_permissions(mailbox: &Mailbox) -> Vec<Value> {
    let own = ["NT AUTHORITY\\SELF".to_owned()];
    let all = own.iter().chain(&mailbox.send_as);
    all.map(|who| {
        json!({
            "Trustee": who, "AccessRights": ["SendAs"], "AccessControlType": "Allow", "IsInherited": false,
            "InheritanceType": "None",
        })
    })
    .collect()
}

fn recipient(directory: &Directory, name: &str) -> Outcome {
    let named = |user: &&User| user.display_name == name || user.principal_name.eq_ignore_ascii_case(name);
    let found = directory.users.iter().find(named).ok_or_else(|| not_found(name))?;
    let row =
        json!({ "Name": found.display_name, "PrimarySmtpAddress": found.mail, "ExternalEmailAddress": null });
    Ok(Answer::ok(json!({ "value": [row] })))
}

/// Exchange Administrator and Global Administrator may run the cmdlets, and whoever was given a role in Exchange.
fn holds_role(directory: &Directory, caller: &Caller) -> bool {
    let suffices: Vec<String> = ["Exchange Administrator", "Global Administrator"]
        .iter()
        .filter_map(|name| role::template_of(name).ok())
        .collect();
    let held = directory.roles_of(&caller.object_id);
    let own = directory.service_principals.iter().any(|sp| sp.id == caller.object_id && sp.exchange_role);
    own || suffices.iter().any(|role| held.contains(&role.as_str()))
}

fn not_found(name: &str) -> GraphError {
    let what = format!("The operation couldn't be performed because object '{name}' couldn't be found.");
    GraphError::cmdlet(404, "ManagementObjectNotFoundException", what)
}

fn unknown_parameter(name: &str) -> GraphError {
    let what = format!("A parameter cannot be found that matches parameter name '{name}'.");
    GraphError::cmdlet(400, "ParameterBindingException", what)
}
