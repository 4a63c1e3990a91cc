//! Which apps are Microsoft's own, and which of them share refresh tokens.

use super::objects::App;

/// The tenant in which Microsoft registers its services.
const MICROSOFT_SERVICES: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// Public clients whose refresh tokens any other of them may redeem ("family of client ids"): ending the
/// consent of one ends nothing.
const FAMILY: &[&str] = &[
    "00b41c95-dab0-4487-9791-b9d2c32c80f2", // Office 365 Management
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46", // Azure CLI
    "0ec893e0-5785-4de6-99da-4ed124e5296c", // Office UWP PWA
    "1950a258-227b-4e31-a9cf-717495945fc2", // Azure PowerShell
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264", // Teams
    "22098786-6e16-43cc-a27d-191a01a1e3b5", // To Do
    "26a7ee05-5602-4d76-a7ba-eae8b7b67941", // Windows Search
    "27922004-5251-4030-b22d-91ecd9a37ea4", // Outlook Mobile
    "2d7f3606-b07d-41d1-b9d2-0d0c9296a6e8", // Bing Search for Edge
    "4813382a-8fa7-425e-ab75-3b753aab3abb", // Authenticator
    "4e291c71-d680-4d0e-9640-0a3358e31177", // Power Apps
    "57336123-6e14-4acc-8dcf-287b6088aa28", // Whiteboard
    "57fcbcfa-7cee-4eb1-8b25-12d2030b4ee0", // Power Automate
    "66375f6b-983f-4c2c-9701-d680650f588f", // Planner
    "844cca35-0656-46ce-b636-13f48b0eecbd", // Stream Mobile
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1", // Visual Studio
    "87749df4-7ccf-48f8-aa87-704bad0e0e16", // Teams device administration
    "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223", // Intune Company Portal
    "a569458c-7f2b-45cb-bab9-b7dee514d112", // Yammer iPhone
    "ab9b8c07-8f02-4f72-87fa-80105867a763", // OneDrive sync
    "af124e86-4e96-495a-b70a-90f90ab96707", // OneDrive iOS
    "b26aadf8-566f-4478-926f-589f601d9c74", // OneDrive
    "c0d2a505-13b8-4ae0-aa9e-cddd5eab0b12", // Power BI
    "cf36b471-5b44-428c-9ce7-313bf84528de", // Bing Search
    "d326c1ce-6cc6-4de2-bebc-4591e5e13ef0", // SharePoint
    "d3590ed6-52b3-4102-aeff-aad2292ab01c", // Office
    "e9b154d0-7658-433b-bb25-6b8e0a8a7c59", // Outlook Lite
    "f05ff7c9-f75a-4acd-a3b5-f4b6a870245d", // SharePoint Android
    "f44b1140-bc5e-48c6-8dc0-5cf5a53c0e34", // Edge
];

/// Whether Microsoft made it. Only its home tenant proves that: anyone can choose a name.
pub(super) fn is_first_party(app: &App) -> bool {
    app.home_tenant.as_deref().is_some_and(|tenant| tenant.eq_ignore_ascii_case(MICROSOFT_SERVICES))
}

/// Whether its refresh tokens serve the whole family. Ask only of a first-party app.
pub(super) fn is_family(app: &App) -> bool {
    FAMILY.iter().any(|id| app.application_id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_publisher_prove_nothing() {
        let mut app = App {
            name: "Microsoft Teams".into(),
            verified_publisher: Some("Microsoft Corporation".into()),
            home_tenant: Some("72f988bf-0000-4000-8000-000000000000".into()),
            ..App::default()
        };
        assert!(!is_first_party(&app));
        app.home_tenant = None;
        assert!(!is_first_party(&app));
        app.home_tenant = Some(MICROSOFT_SERVICES.to_uppercase());
        assert!(is_first_party(&app));
    }

    #[test]
    fn the_family_is_a_sorted_set_of_guids() {
        assert!(FAMILY.is_sorted_by(|a, b| a < b));
        for id in FAMILY {
            assert_eq!((id.len(), id.matches('-').count()), (36, 4), "{id}");
        }
        let teams = App { application_id: "1FEC8E78-BCE4-4AAF-AB1B-5451CC387264".into(), ..App::default() };
        assert!(is_family(&teams));
        assert!(!is_family(&App::default()));
    }
}
