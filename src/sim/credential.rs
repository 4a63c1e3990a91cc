//! Credentials of applications and service principals: secrets, certificates.
//!
//! <https://learn.microsoft.com/graph/api/resources/passwordcredential>

use serde_json::{Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::request::Ask;

/// What an app proves itself with.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub secrets: Vec<Credential>,
    pub certificates: Vec<Certificate>,
}

/// A client secret, without its value.
#[derive(Debug, Clone)]
pub struct Credential {
    pub key_id: String,
    pub name: String,
    /// `None`: Graph does return secrets without a date.
    pub start: Option<Moment>,
}

/// A certificate: as it was written, or of the tenant file.
#[derive(Debug, Clone)]
pub enum Certificate {
    Described(Credential),
    Written(Value),
}

impl Credential {
    fn json(&self, directory: &Directory) -> Value {
        json!({
            "customKeyIdentifier": null,
            "displayName": self.name,
            "endDateTime": "2099-12-31T00:00:00Z",
            "keyId": self.key_id,
            "startDateTime": self.start.map(|start| format!("{:.0}", directory.time(start))),
        })
    }
}

impl Certificate {
    pub fn key_id(&self) -> &str {
        match self {
            Self::Described(credential) => &credential.key_id,
            Self::Written(value) => value["keyId"].as_str().unwrap_or_default(),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Described(credential) => &credential.name,
            Self::Written(value) => value["displayName"].as_str().unwrap_or_default(),
        }
    }

    fn json(&self, directory: &Directory) -> Value {
        match self {
            Self::Written(value) => value.clone(),
            Self::Described(credential) => {
                let mut value = credential.json(directory);
                value["type"] = "AsymmetricX509Cert".into();
                value["usage"] = "Verify".into();
                value["key"] = "MIIB".into();
                value
            }
        }
    }
}

impl Credentials {
    /// Whether there is one of that name or key id.
    pub fn has(&self, name: &str) -> bool {
        self.secrets.iter().any(|secret| secret.name == name || secret.key_id == name)
            || self.certificates.iter().any(|key| key.name() == name || key.key_id() == name)
    }

    /// Writes them into an object. The public half of a certificate only shows when it is selected.
    pub fn show(&self, directory: &Directory, ask: &Ask, object: &mut Value) {
        let selected = ask.option("$select").is_some_and(|list| list.contains("keyCredentials"));
        object["passwordCredentials"] =
            self.secrets.iter().map(|secret| secret.json(directory)).collect::<Vec<_>>().into();
        let keys = self.certificates.iter().map(|key| {
            let mut key = key.json(directory);
            if !selected {
                key["key"] = Value::Null;
            }
            key
        });
        object["keyCredentials"] = keys.collect::<Vec<_>>().into();
    }

    /// `POST …/removePassword`
    pub fn remove_password(&mut self, ask: &Ask) -> Outcome {
        let key = ask.object()?.get("keyId").and_then(Value::as_str).unwrap_or_default();
        let at = self
            .secrets
            .iter()
            .position(|secret| secret.key_id == key)
            .ok_or_else(|| GraphError::bad_request("No password credential found with keyId."))?;
        self.secrets.remove(at);
        Ok(Answer::no_content())
    }

    /// `PATCH {"keyCredentials": […]}`: replaces the whole list.
    pub fn replace_keys(&mut self, list: &Value) -> Outcome {
        let whole =
            |key: &Value| key["keyId"].is_string() && key["key"].as_str().is_some_and(|k| !k.is_empty());
        match list.as_array().filter(|keys| keys.iter().all(whole)) {
            Some(keys) => self.certificates = keys.iter().cloned().map(Certificate::Written).collect(),
            None => return Err(GraphError::bad_request("Key credential value is invalid.")),
        }
        Ok(Answer::no_content())
    }
}
