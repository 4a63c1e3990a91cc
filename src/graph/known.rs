//! Ids that are the same in every tenant: application permissions of Microsoft Graph and Exchange Online, and
//! Entra's built-in roles.

use oust_actions::Resource;

/// Application id of Microsoft Graph, whose service principal holds the permissions in a tenant.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// Application permissions and the ids of their app roles.
///
/// <https://learn.microsoft.com/graph/permissions-reference>
pub const PERMISSIONS: &[(&str, &str)] = &[
    ("AppRoleAssignment.ReadWrite.All", "06b708a9-e830-4db3-a914-8e69da51d44f"),
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
    ("Application.ReadWrite.All", "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("DelegatedPermissionGrant.ReadWrite.All", "8e8e4742-1d95-4f68-9d56-6ee75648c72a"),
    ("Device.Read.All", "7438b122-aefc-4978-80ed-43db9fcc7715"),
    ("Device.ReadWrite.All", "1138cb37-bd11-4084-a2b7-9f71582aeddb"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
    ("GroupMember.ReadWrite.All", "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"),
    ("IdentityRiskyUser.Read.All", "dc5007c0-2d7d-4c42-879c-2dab87571379"),
    ("IdentityRiskyUser.ReadWrite.All", "656f6061-f9fe-4807-9708-6a2e0934df76"),
    ("MailboxSettings.Read", "40f97065-369a-49f4-947c-6a255697ae91"),
    ("MailboxSettings.ReadWrite", "6931bccd-447a-43d1-b442-00a195474933"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6"),
    ("Policy.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68"),
    ("Policy.ReadWrite.ConditionalAccess", "01c0a623-fc9b-48e9-b794-0756f8e8f067"),
    ("RoleAssignmentSchedule.ReadWrite.Directory", "dd199f4a-f148-40a4-a2ec-f0069cc799ec"),
    ("RoleEligibilitySchedule.ReadWrite.Directory", "fee28b28-e1f3-4841-818e-2704dc62245f"),
    ("RoleManagement.Read.Directory", "483bed4a-2ad3-4361-a73b-c83ccdbdc53c"),
    ("RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("SecurityIdentitiesAccount.Read.All", "c5bc96f5-b4a1-4cfc-8189-d5f0d772278f"),
    ("SecurityIdentitiesActions.ReadWrite.All", "af2bf46f-7bf1-4be3-8bad-e17e279e8462"),
    ("User-PasswordProfile.ReadWrite.All", "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7"),
    ("User.EnableDisableAccount.All", "3011c876-62b7-4ada-afa2-506cbbecc68c"),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
    ("User.RevokeSessions.All", "77f3a031-c388-4f99-b373-dc68676a979e"),
    ("UserAuthMethod-Email.ReadWrite.All", "e8ecb853-1435-4a49-95ba-ec5b31b11672"),
    ("UserAuthMethod-External.ReadWrite.All", "c7a22c2e-5b01-4129-8159-6c8be2c78f16"),
    ("UserAuthMethod-HardwareOATH.ReadWrite.All", "7e9ebcc1-90aa-4471-8051-e68d6b4e9c89"),
    ("UserAuthMethod-MicrosoftAuthApp.ReadWrite.All", "c833c349-a1ab-4b6d-94a2-fa9a8674420c"),
    ("UserAuthMethod-Passkey.ReadWrite.All", "0400e371-7db1-4338-a269-96069eb65227"),
    ("UserAuthMethod-Phone.ReadWrite.All", "6e85d483-7092-4375-babe-0a94a8213a58"),
    ("UserAuthMethod-PlatformCred.ReadWrite.All", "1a87acf4-a9ca-4576-a974-452ea265d5f6"),
    ("UserAuthMethod-SoftwareOATH.ReadWrite.All", "787442d4-3c6e-4e99-aa95-8ccca20a48ff"),
    ("UserAuthMethod-TAP.ReadWrite.All", "627169a8-8c15-451c-861a-5b80e383de5c"),
    ("UserAuthMethod-WindowsHello.ReadWrite.All", "f14eee8a-713e-45aa-8223-2ab74632db1a"),
    ("UserAuthenticationMethod.Read.All", "38d9df27-64da-44fd-b7c5-a6fbac20248f"),
    ("UserAuthenticationMethod.ReadWrite.All", "50483e42-d915-4231-9639-7fdb7fd190e5"),
];

/// Application id of Office 365 Exchange Online.
pub const EXCHANGE_APP_ID: &str = "00000002-0000-0ff1-ce00-000000000000";

/// Application permissions of Exchange Online and the ids of their app roles.
///
/// <https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2>
pub const EXCHANGE_PERMISSIONS: &[(&str, &str)] =
    &[("Exchange.ManageAsApp", "dc50a0fb-09a3-484d-be87-e023b12c6440")];

/// Built-in directory roles and their template ids, which are also the ids of their definitions.
///
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
pub const ROLES: &[(&str, &str)] = &[
    ("Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
    ("Authentication Administrator", "c4e39bd9-1100-46d3-8c65-fb160da0071f"),
    ("Billing Administrator", "b0f54661-2d74-4c50-afa3-1ec803f12efe"),
    ("Cloud Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7"),
    ("Cloud Device Administrator", "7698a772-787b-4ac8-901f-60d6b08affd2"),
    ("Compliance Administrator", "17315797-102d-40b4-93e0-432062caca18"),
    ("Conditional Access Administrator", "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"),
    ("Directory Readers", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"),
    ("Directory Writers", "9360feb5-f418-4baa-8175-e2a00bac4301"),
    ("Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"),
    ("Global Administrator", "62e90394-69f5-4237-9190-012177145e10"),
    ("Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
    ("Groups Administrator", "fdd7a751-b60b-444a-984c-02652fe8fa1c"),
    ("Guest Inviter", "95e79109-95c0-4d8e-aee3-d01accf2d47b"),
    ("Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8"),
    ("Hybrid Identity Administrator", "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"),
    ("Intune Administrator", "3a2c62db-5318-420d-8d74-23affee5d9d5"),
    ("Message Center Reader", "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"),
    ("Password Administrator", "966707d0-3269-4727-9be2-8c3a10f19b9d"),
    ("Privileged Authentication Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"),
    ("Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"),
    ("Reports Reader", "4a5d8f65-41da-4de4-8968-e035b65339cf"),
    ("Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d"),
    ("Security Operator", "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"),
    ("Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"),
    ("SharePoint Administrator", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"),
    ("Teams Administrator", "69091246-20e8-4a56-aa4d-066075b2a7a8"),
    ("Usage Summary Reports Reader", "75934031-6c7e-415a-99d7-48dbd49e875e"),
    ("User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"),
];

fn id(table: &'static [(&str, &str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, id)| *id)
}

/// Id of the app role behind an application permission, by its name in any case.
pub fn permission_id(name: &str) -> Option<&'static str> {
    id(PERMISSIONS, name)
}

/// The service that a permission is an app role of, its application id, and the id of the app role; by the
/// permission's name in any case.
pub fn app_role(name: &str) -> Option<(Resource, &'static str, &'static str)> {
    let of_exchange =
        || id(EXCHANGE_PERMISSIONS, name).map(|role| (Resource::Exchange, EXCHANGE_APP_ID, role));
    permission_id(name).map(|role| (Resource::Graph, GRAPH_APP_ID, role)).or_else(of_exchange)
}

/// Template id of a built-in role, by its name in any case.
pub fn role_id(name: &str) -> Option<&'static str> {
    id(ROLES, name)
}

/// Name of a built-in role, by its template id in any case.
pub fn role_name(template_id: &str) -> Option<&'static str> {
    ROLES.iter().find(|(_, id)| id.eq_ignore_ascii_case(template_id)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_id_is_a_guid_and_stands_for_one_thing() {
        for table in [PERMISSIONS, EXCHANGE_PERMISSIONS, ROLES] {
            assert!(table.iter().all(|(_, id)| id.parse::<uuid::Uuid>().is_ok()));
            assert_eq!(table.iter().map(|(_, id)| id).collect::<HashSet<_>>().len(), table.len());
            assert!(table.is_sorted_by_key(|(name, _)| *name));
        }
    }

    #[test]
    fn every_permission_that_an_action_declares_is_known() {
        for action in oust_actions::ACTIONS {
            for permission in action.about().permissions {
                let known = app_role(permission.name).map(|(resource, ..)| resource);
                assert_eq!(known, Some(permission.resource), "{}", permission.name);
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_unknown_ones_are_not() {
        assert_eq!(role_name("FE930BE7-5E62-47DB-91AF-98C3A49A38B1"), Some("User Administrator"));
        assert_eq!(role_id("user administrator"), Some("fe930be7-5e62-47db-91af-98c3a49a38b1"));
        assert_eq!(permission_id("user.read.all"), Some("df021288-bdef-4463-88db-98f22de89214"));
        assert_eq!((permission_id("User.Fly"), role_name("x")), (None, None));
    }
}
