//! What the list of methods showed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kinds::{self, Kind};

/// The methods of a user but for the password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) methods: Vec<Seen>,
    /// The default second factor as the beta edition names it, where it matters and could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<String>,
}

/// One method. What it has no use for is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Seen {
    /// Its id; the id of a phone is the same for everyone.
    pub id: String,
    /// `#microsoft.graph.phoneAuthenticationMethod`
    #[serde(rename = "@odata.type")]
    pub odata_type: String,
    /// When it was added.
    pub created_date_time: Option<Timestamp>,
    /// Hostile.
    pub display_name: Option<String>,
    pub phone_type: Option<String>,
    pub phone_number: Option<String>,
    pub email_address: Option<String>,
    pub configuration_id: Option<String>,
}

impl State {
    /// Reads a list. What is odd in an entry is missing from it, and decided as if unknown.
    pub(super) fn parse(rows: &[Value]) -> Self {
        let mut methods: Vec<Seen> = rows.iter().map(Seen::parse).collect();
        methods.retain(|method| !kinds::is_password(&method.odata_type));
        methods.sort_by(|a, b| (&a.odata_type, &a.id).cmp(&(&b.odata_type, &b.id)));
        methods.dedup_by(|a, b| (&a.odata_type, &a.id) == (&b.odata_type, &b.id));
        Self { methods, default: None }
    }
}

impl Seen {
    fn parse(row: &Value) -> Self {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Self {
            id: text("id").unwrap_or_default(),
            odata_type: text("@odata.type").unwrap_or_default(),
            created_date_time: row["createdDateTime"].as_str().and_then(|at| at.parse().ok()),
            display_name: text("displayName"),
            phone_type: text("phoneType"),
            phone_number: text("phoneNumber"),
            email_address: text("emailAddress"),
            configuration_id: text("configurationId"),
        }
    }

    /// Its kind, when it is one that can be deleted.
    pub(super) fn kind(&self) -> Option<&'static Kind> {
        kinds::kind(&self.odata_type).filter(|_| !self.id.is_empty())
    }

    /// A property that a recreated one needs.
    pub(super) fn property(&self, name: &str) -> Value {
        match name {
            "phoneType" => json!(self.phone_type),
            "phoneNumber" => json!(self.phone_number),
            "emailAddress" => json!(self.email_address),
            "configurationId" => json!(self.configuration_id),
            "displayName" => json!(self.display_name),
            _ => Value::Null,
        }
    }

    pub(super) fn is_phone(&self, phone_type: &str) -> bool {
        self.phone_type.as_deref() == Some(phone_type)
    }

    /// For people: what it is and which.
    pub(super) fn label(&self) -> String {
        let Some(kind) = self.kind() else {
            return format!("method of the kind {}", kinds::short(&self.odata_type));
        };
        let phone =
            self.phone_type.as_deref().map(|of| if of == "alternateMobile" { "second mobile" } else { of });
        let name = phone.map_or_else(|| kind.name.to_owned(), |of| format!("{of} {}", kind.name));
        let which = self.phone_number.as_ref().or(self.email_address.as_ref()).or(self.display_name.as_ref());
        match which.filter(|which| !which.is_empty()) {
            Some(which) => format!("{name} {which}"),
            None => name,
        }
    }
}
