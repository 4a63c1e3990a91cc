//! Directory roles and who holds them.
//!
//! <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>

use serde_json::{Value, json};

use super::directory::{Directory, object_id, object_key};
use super::error::{GraphError, Outcome};
use super::moment::Moment;
use super::permission::Caller;
use super::request::Ask;
use super::select;

macro_rules! roles {
    ($($name:ident $title:literal $template:literal;)+) => {
        /// A directory role; [`Role::Custom`] is one that the tenant made itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role { $($name,)+ Custom }

        impl Role {
            const BUILT_IN: &[Self] = &[$(Self::$name,)+];

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ Self::Custom => "Custom role" }
            }

            /// The id that is the same in every tenant.
            pub fn template_id(self) -> &'static str {
                match self { $(Self::$name => $template,)+ Self::Custom => "" }
            }
        }
    };
}

roles! {
    GlobalAdmin "Global Administrator" "62e90394-69f5-4237-9190-012177145e10";
    PrivilegedAuthAdmin "Privileged Authentication Administrator" "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
    PrivilegedRoleAdmin "Privileged Role Administrator" "e8611ab8-c189-46e8-94e1-60213ab1f814";
    UserAdmin "User Administrator" "fe930be7-5e62-47db-91af-98c3a49a38b1";
    AuthAdmin "Authentication Administrator" "c4e39bd9-1100-46d3-8c65-fb160da0071f";
    HelpdeskAdmin "Helpdesk Administrator" "729827e3-9c14-49f7-bb1b-9608f156bbb8";
    PasswordAdmin "Password Administrator" "966707d0-3269-4727-9be2-8c3a10f19b9d";
    GroupsAdmin "Groups Administrator" "fdd7a751-b60b-444a-984c-02652fe8fa1c";
    DirectoryReaders "Directory Readers" "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
    GuestInviter "Guest Inviter" "95e79109-95c0-4d8e-aee3-d01accf2d47b";
    MessageCenterReader "Message Center Reader" "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b";
    ReportsReader "Reports Reader" "4a5d8f65-41da-4de4-8968-e035b65339cf";
    UsageSummaryReportsReader "Usage Summary Reports Reader" "75934031-6c7e-415a-99d7-48dbd49e875e";
    ApplicationAdmin "Application Administrator" "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3";
    CloudApplicationAdmin "Cloud Application Administrator" "158c047a-c907-4556-b7ef-446551a6b5f7";
    CloudDeviceAdmin "Cloud Device Administrator" "7698a772-787b-4ac8-901f-60d6b08affd2";
    ExchangeAdmin "Exchange Administrator" "29232cdf-9323-42fd-ade2-1d097af3e4de";
    SecurityAdmin "Security Administrator" "194ae4cb-b126-40b2-bd5b-6091b380977d";
    SecurityReader "Security Reader" "5d6b6bb7-de71-4623-b4af-96380a352509";
    GlobalReader "Global Reader" "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
}

/// The role of a template id; any other id is a custom role's.
pub fn by_template(id: &str) -> Role {
    Role::BUILT_IN.iter().copied().find(|r| r.template_id() == id).unwrap_or(Role::Custom)
}

/// The template id of a role by its name or id.
pub fn template_of(name: &str) -> Result<String, String> {
    if let Some(role) = Role::BUILT_IN.iter().find(|r| r.title().eq_ignore_ascii_case(name)) {
        return Ok(role.template_id().to_owned());
    }
    if uuid::Uuid::parse_str(name).is_ok() {
        return Ok(name.to_ascii_lowercase());
    }
    let known: Vec<&str> = Role::BUILT_IN.iter().map(|r| r.title()).collect();
    Err(format!("{name:?} is no directory role: write a role id, or one of {}", known.join(", ")))
}

/// Who holds which role, active.
#[derive(Debug, Clone)]
pub struct RoleAssignment {
    pub id: String,
    pub principal_id: String,
    pub role_definition_id: String,
    pub made: Moment,
    pub ends: Option<Moment>,
    /// From an eligibility.
    pub activated: bool,
}

impl Directory {
    /// Makes an active role assignment, unless there is one.
    pub fn assign_role(&mut self, principal: &str, template: &str) {
        if self.roles.iter().any(|r| r.principal_id == principal && r.role_definition_id == template) {
            return;
        }
        self.roles.push(RoleAssignment {
            id: object_key("role", &format!("{principal} {template}")),
            principal_id: principal.to_owned(),
            role_definition_id: template.to_owned(),
            made: Moment::days_ago(400),
            ends: None,
            activated: false,
        });
    }
}

/// `GET /roleManagement/directory/roleAssignments`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    let expand = match ask.option("$expand") {
        None => false,
        Some("roleDefinition") => true,
        Some(_) => return Err(GraphError::unsupported_query()),
    };
    let rows: Vec<Value> = directory.roles.iter().map(|row| row.json(expand)).collect();
    let filterable = &["principalId", "roleDefinitionId"];
    select::collection(ask, "roleManagement/directory/roleAssignments", &rows, None, filterable, page_size)
}

impl RoleAssignment {
    pub fn json(&self, expand: bool) -> Value {
        let mut row = json!({
            "id": self.id,
            "principalId": self.principal_id,
            "directoryScopeId": "/",
            "appScopeId": null,
            "roleDefinitionId": self.role_definition_id,
        });
        if expand {
            let role = by_template(&self.role_definition_id);
            row["roleDefinition"] = json!({
                "id": self.role_definition_id,
                "displayName": role.title(),
                "templateId": self.role_definition_id,
                "isBuiltIn": role != Role::Custom,
                "isEnabled": true,
            });
        }
        row
    }
}

/// `GET /users/{id}/memberOf` and `transitiveMemberOf`, optionally cast to one type. An object that the caller
/// may not read is reduced to its type and id.
pub fn member_of(
    directory: &Directory,
    ask: &Ask,
    caller: &Caller,
    (user, transitive, cast): (&str, bool, Option<&str>),
    page_size: usize,
) -> Outcome {
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?;
    let mut groups = directory.groups_of(&user.id);
    if !transitive {
        groups.retain(|g| g.has(&user.id));
    }
    let sees = |wanted: &[&str], full: Value, kind: &str| {
        let mut object = json!({ "@odata.type": kind });
        let readable = caller.has_any(wanted);
        for (name, value) in full.as_object().into_iter().flatten() {
            object[name] = if readable || name == "id" { value.clone() } else { Value::Null };
        }
        object
    };
    let mut holders: Vec<&str> = vec![&user.id];
    if transitive {
        holders.extend(groups.iter().map(|g| g.id.as_str()));
    }
    let held = directory.roles.iter().filter(|r| holders.contains(&r.principal_id.as_str()));
    let mut items: Vec<Value> = groups
        .iter()
        .map(|g| sees(super::permission::READ_GROUP, g.json(), "#microsoft.graph.group"))
        .collect();
    for row in held {
        let full = json!({
            "id": object_id("directory role", &row.role_definition_id),
            "displayName": by_template(&row.role_definition_id).title(),
            "description": null,
            "roleTemplateId": row.role_definition_id,
        });
        items.push(sees(super::permission::READ_ROLE, full, "#microsoft.graph.directoryRole"));
    }
    let wanted = match cast {
        None => None,
        Some(
            cast @ ("microsoft.graph.group"
            | "microsoft.graph.directoryRole"
            | "microsoft.graph.administrativeUnit"),
        ) => Some(format!("#{cast}")),
        Some(other) => return Err(GraphError::unknown_segment(other)),
    };
    items.retain(|item| wanted.as_ref().is_none_or(|kind| item["@odata.type"] == *kind));
    select::collection(ask, "directoryObjects", &items, None, &["id", "displayName"], page_size)
}
