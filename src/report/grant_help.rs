//! The commands that give the runner what it lacks, for `oust doctor`: to be read, and pasted into a POSIX
//! shell, by someone who holds Privileged Role Administrator.
//!
//! <https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments>,
//! <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>

use oust_actions::Resource;

use crate::graph::known::{app_role, role_name};

/// Who runs `oust`, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// Application (client) id; empty when unknown.
    pub app_id: &'a str,
    /// Object id of its service principal; empty when unknown.
    pub object_id: &'a str,
    /// The Graph host of its cloud: `https://graph.microsoft.com`.
    pub graph: &'a str,
}

/// Commands that grant an application permission, one a line. `None`: the permission isn't known here, and
/// neither is its id.
pub fn permission(name: &str, runner: &Runner<'_>) -> Option<Vec<String>> {
    let (resource, app_id, role) = app_role(name)?;
    let variable = match resource {
        Resource::Graph => "GRAPH",
        Resource::Exchange => "EXCHANGE",
    };
    let mut lines = runner.service_principal();
    lines.push(format!("{variable}=$(az ad sp show --id {app_id} --query id --output tsv)"));
    lines.push(format!(
        "az rest --method POST --uri \"{}/v1.0/servicePrincipals/$SP/appRoleAssignments\" --body \
         '{{\"principalId\":\"'\"$SP\"'\",\"resourceId\":\"'\"${variable}\"'\",\"appRoleId\":\"{role}\"}}'",
        runner.host(),
    ));
    Some(lines)
}

/// Commands that give the runner's service principal a directory role, one a line. `None`: no role that is
/// known here has that template id.
pub fn role(template_id: &str, runner: &Runner<'_>) -> Option<Vec<String>> {
    role_name(template_id)?;
    let mut lines = runner.service_principal();
    lines.push(format!(
        "az rest --method POST --uri \"{}/v1.0/roleManagement/directory/roleAssignments\" --body \
         '{{\"principalId\":\"'\"$SP\"'\",\"roleDefinitionId\":\"{}\",\"directoryScopeId\":\"/\"}}'",
        runner.host(),
        template_id.to_ascii_lowercase(),
    ));
    Some(lines)
}

/// What to know once it is granted.
pub const AFTERWARDS: &str =
    "a new permission is in tokens that are issued from now on; a managed identity's token may be a day old";

impl Runner<'_> {
    /// Sets `$SP`. Ids come from a token that is not validated, and only ids reach a command.
    fn service_principal(&self) -> Vec<String> {
        if is_guid(self.object_id) {
            vec![format!("SP={}", self.object_id)]
        } else if is_guid(self.app_id) {
            vec![format!("SP=$(az ad sp show --id {} --query id --output tsv)", self.app_id)]
        } else {
            vec!["SP='<object id of the service principal>'".to_owned()]
        }
    }

    fn host(&self) -> &str {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-');
        let host = self.graph.trim_end_matches('/');
        if host.starts_with("https://") && host.chars().all(plain) {
            host
        } else {
            "https://graph.microsoft.com"
        }
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.parse::<uuid::Uuid>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNER: Runner<'_> = Runner {
        app_id: "9f2c1b0e-5a57-4f0c-8f0e-3c6a0a4b2d11",
        object_id: "0a1b2c3d-1111-2222-3333-444455556666",
        graph: "https://graph.microsoft.com",
    };

    #[test]
    fn a_permission_is_granted_by_its_app_role() {
        assert_eq!(
            permission("User.RevokeSessions.All", &RUNNER).unwrap(),
            [
                "SP=0a1b2c3d-1111-2222-3333-444455556666",
                "GRAPH=$(az ad sp show --id 00000003-0000-0000-c000-000000000000 --query id --output tsv)",
                r#"az rest --method POST --uri "https://graph.microsoft.com/v1.0/servicePrincipals/$SP/appRoleAssignments" --body '{"principalId":"'"$SP"'","resourceId":"'"$GRAPH"'","appRoleId":"77f3a031-c388-4f99-b373-dc68676a979e"}'"#,
            ]
        );
        assert_eq!(permission("User.Fly", &RUNNER), None);
    }

    #[test]
    fn a_role_is_given_for_the_whole_directory() {
        let lines = role("fe930be7-5e62-47db-91af-98c3a49a38b1", &RUNNER).unwrap();
        assert_eq!(
            lines[1],
            r#"az rest --method POST --uri "https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments" --body '{"principalId":"'"$SP"'","roleDefinitionId":"fe930be7-5e62-47db-91af-98c3a49a38b1","directoryScopeId":"/"}'"#
        );
        assert_eq!(role("nonsense", &RUNNER), None);
    }

    #[test]
    fn nothing_but_an_id_of_a_token_reaches_a_command() {
        let hostile = Runner { object_id: "$(reboot)", graph: "https://x/$(reboot)", ..RUNNER };
        let text = permission("User.Read.All", &hostile).unwrap().join("\n");
        assert!(!text.contains("reboot"), "{text}");
        assert!(text.starts_with("SP=$(az ad sp show --id 9f2c1b0e-5a57-4f0c-8f0e-3c6a0a4b2d11 "));
        let nobody = Runner { app_id: "", object_id: "", ..RUNNER };
        assert!(permission("User.Read.All", &nobody).unwrap()[0].contains("<object id"));
    }
}
