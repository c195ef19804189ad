//! Files and call logs.
//!
//! Source: OpenAPI v1, published 2026-08-18; tutorials "Adding a file", "Adding a remote file". How large a file may be is
//! in no document.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::endpoint::{Endpoint, Listed, id, maybe_id};
use super::page::time_of;
use crate::error::Result;
use crate::http::Form;
use crate::permit::WritePermit;
use crate::record::Entity;

const UPLOAD: Endpoint = Endpoint { name: "POST /v1/files", method: Method::POST, path: "api/v1/files", cost: 10 };
const LINK: Endpoint =
    Endpoint { name: "POST /v1/files/remoteLink", method: Method::POST, path: "api/v1/files/remoteLink", cost: 10 };
const LIST: Endpoint = Endpoint { name: "GET /v1/files", method: Method::GET, path: "api/v1/files", cost: 20 };
const LIST_OF_DEAL: Endpoint =
    Endpoint { name: "GET /v1/deals/ID/files", method: Method::GET, path: "api/v1/deals/{}/files", cost: 20 };
const DOWNLOAD: Endpoint =
    Endpoint { name: "GET /v1/files/ID/download", method: Method::GET, path: "api/v1/files/{}/download", cost: 20 };
const DELETE_FILE: Endpoint =
    Endpoint { name: "DELETE /v1/files/ID", method: Method::DELETE, path: "api/v1/files/{}", cost: 6 };
const LOG_CALL: Endpoint =
    Endpoint { name: "POST /v1/callLogs", method: Method::POST, path: "api/v1/callLogs", cost: 10 };
const LIST_CALLS: Endpoint =
    Endpoint { name: "GET /v1/callLogs", method: Method::GET, path: "api/v1/callLogs", cost: 20 };
const DELETE_CALL: Endpoint =
    Endpoint { name: "DELETE /v1/callLogs/ID", method: Method::DELETE, path: "api/v1/callLogs/{}", cost: 6 };

/// A file about to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its name, with its ending.
    pub name: String,
    /// What is in it.
    pub content: Bytes,
    /// What it hangs on: `deal_id`, `person_id`, `org_id`, `product_id`, `activity_id` or `lead_id`, and the id.
    pub parent: (&'static str, String),
}

/// A file as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct File {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// Its name as people see it.
    pub name: String,
    /// Bytes.
    #[serde(default)]
    pub file_size: u64,
    /// The deal it hangs on.
    #[serde(default, deserialize_with = "maybe_id")]
    pub deal_id: Option<Arc<str>>,
    /// The person it hangs on.
    #[serde(default, deserialize_with = "maybe_id")]
    pub person_id: Option<Arc<str>>,
    /// The organization it hangs on.
    #[serde(default, deserialize_with = "maybe_id")]
    pub org_id: Option<Arc<str>>,
    /// The lead it hangs on.
    #[serde(default, deserialize_with = "maybe_id")]
    pub lead_id: Option<Arc<str>>,
    /// The activity it hangs on.
    #[serde(default, deserialize_with = "maybe_id")]
    pub activity_id: Option<Arc<str>>,
    /// When it was added, as Pipedrive writes it.
    #[serde(default)]
    add_time: Option<String>,
}

impl File {
    /// When it was added.
    #[must_use]
    pub fn added_at(&self) -> Option<Timestamp> {
        time_of(self.add_time.as_deref()?)
    }

    /// What it hangs on.
    #[must_use]
    pub fn parents(self) -> Vec<(Entity, Arc<str>)> {
        let parents = [
            (Entity::Deal, self.deal_id),
            (Entity::Person, self.person_id),
            (Entity::Organization, self.org_id),
            (Entity::Lead, self.lead_id),
            (Entity::Activity, self.activity_id),
        ];
        parents.into_iter().filter_map(|(entity, id)| Some((entity, id?))).collect()
    }
}

/// A call about to be logged; it makes an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewCallLog {
    /// `connected`, `no_answer`, `left_message`, `left_voicemail`, `wrong_number` or `busy`.
    pub outcome: String,
    /// Whom it went to.
    pub to_phone_number: String,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    pub start_time: String,
    /// As the start.
    pub end_time: String,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Remarks, in HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<i64>,
    /// The deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<i64>,
}

/// A call log as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CallLog {
    /// Its id, a text of hexadecimal digits.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// The activity that it made.
    #[serde(default, deserialize_with = "maybe_id")]
    pub activity_id: Option<Arc<str>>,
    /// How it ended.
    pub outcome: String,
}

impl Client {
    /// Uploads a file.
    ///
    /// # Errors
    /// Those of [`Client::create`]; `Refused` where it is too large.
    pub async fn upload(&self, new: NewFile, permit: &WritePermit) -> Result<File> {
        let NewFile { name, content, parent: (key, parent) } = new;
        let form = Form { fields: vec![(key, parent)], file: Some(("file", name, content)) };
        self.tell_form(&UPLOAD, &[], form, permit).await
    }

    /// Links a file that lies in the user's Google Drive to a `deal`, `person` or `organization`.
    ///
    /// # Errors
    /// Those of [`Client::create`]; `Refused` where no Google account is connected.
    pub async fn link_file(
        &self,
        (kind, parent): (&'static str, &str),
        remote_id: &str,
        permit: &WritePermit,
    ) -> Result<File> {
        let fields = vec![
            ("item_type", kind.to_owned()),
            ("item_id", parent.to_owned()),
            ("remote_id", remote_id.to_owned()),
            ("remote_location", "googledrive".to_owned()),
        ];
        self.tell_form(&LINK, &[], Form { fields, file: None }, permit).await
    }

    /// One page of files, newest first.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn files(&self, from: Option<&str>) -> Result<Listed<File>> {
        let mut query = vec![("limit", "100".to_owned()), ("sort", "id DESC".to_owned())];
        query.extend(from.map(|start| ("start", start.to_owned())));
        self.ask_page(&LIST, &[], query).await
    }

    /// One page of the files of a deal.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn files_of(&self, deal: &str, from: Option<&str>) -> Result<Listed<File>> {
        let mut query = vec![("limit", "100".to_owned())];
        query.extend(from.map(|start| ("start", start.to_owned())));
        self.ask_page(&LIST_OF_DEAL, &[deal], query).await
    }

    /// What is in a file.
    ///
    /// # Errors
    /// Those of a read; `Gone` when it is not there.
    pub async fn download(&self, file: &str) -> Result<Bytes> {
        self.bytes(&DOWNLOAD, &[file]).await
    }

    /// Deletes a file; one that is gone is not an error.
    ///
    /// # Errors
    /// Those of [`Client::delete`].
    pub async fn delete_file(&self, file: &str, permit: &WritePermit) -> Result<()> {
        self.remove(&DELETE_FILE, &[file], permit).await
    }

    /// Logs a call.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn log_call(&self, new: &NewCallLog, permit: &WritePermit) -> Result<CallLog> {
        self.tell(&LOG_CALL, &[], new, permit).await
    }

    /// One page of the calls that our own user logged; those of others are not listed.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn call_logs(&self, from: Option<&str>) -> Result<Listed<CallLog>> {
        let mut query = vec![("limit", "50".to_owned())];
        query.extend(from.map(|start| ("start", start.to_owned())));
        self.ask_page(&LIST_CALLS, &[], query).await
    }

    /// Deletes a call log, not its activity; one that is gone is not an error.
    ///
    /// # Errors
    /// Those of [`Client::delete`].
    pub async fn delete_call_log(&self, call: &str, permit: &WritePermit) -> Result<()> {
        self.remove(&DELETE_CALL, &[call], permit).await
    }
}
