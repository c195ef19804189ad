//! The small tables: the migration's own facts, cursors, phases, questions, the token ledger, workspace keys.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{Journal, unknown_name};
use crate::error::{Error, Kind, Result};
use crate::record::named_enum;
use serde::{Deserialize, Serialize};
use std::fmt;

named_enum! {
    /// How far a phase is.
    PhaseState {
        /// It was begun and not ended.
        Running = "running",
        /// It was ended.
        Done = "done",
    }
}

/// Requests and tokens of one endpoint on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The day of the budget, as the budget names it (`2026-11-23`).
    pub day: String,
    /// Method and path pattern: `POST /v2/deals`.
    pub endpoint: String,
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
}

/// Something the customer must decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about: `owner`, `double`, …
    pub topic: String,
    /// The record or value it is about.
    pub subject: String,
    /// The question in words.
    pub text: String,
}

impl Journal {
    /// A fact about the migration itself.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn fact(&self, name: &'static str) -> Result<Option<String>> {
        self.read("reading a fact", move |connection| {
            let sql = "SELECT value FROM meta WHERE name = ?1";
            connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()
        })
        .await
    }

    /// Writes a fact.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn put_fact(&self, name: &'static str, value: String) -> Result<()> {
        self.write("writing a fact", move |connection| {
            let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
            connection.prepare_cached(sql)?.execute(params![name, value]).map(drop)
        })
        .await
    }

    /// The Pipedrive company that the journal belongs to; `None` before first contact.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn company(&self) -> Result<Option<String>> {
        self.fact("company_id").await
    }

    /// Pins the Pipedrive company at first contact and refuses any other one from then on.
    ///
    /// # Errors
    /// `Settings` naming both companies when another one is pinned; `Journal`.
    pub async fn pin_company(&self, company_id: String) -> Result<()> {
        match self.company().await? {
            None => self.put_fact("company_id", company_id).await,
            Some(pinned) if pinned == company_id => Ok(()),
            Some(pinned) => Err(Error::new(
                Kind::Settings,
                format!("this journal belongs to Pipedrive company {pinned}, but the token is of company {company_id}"),
            )),
        }
    }

    /// Where reading something goes on.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn cursor(&self, name: String) -> Result<Option<String>> {
        self.read("reading a cursor", move |connection| {
            let sql = "SELECT value FROM cursor WHERE name = ?1";
            connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()
        })
        .await
    }

    /// Moves a cursor.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn put_cursor(&self, name: String, value: String) -> Result<()> {
        self.write("moving a cursor", move |connection| {
            let sql =
                "INSERT INTO cursor (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
            connection.prepare_cached(sql)?.execute(params![name, value]).map(drop)
        })
        .await
    }

    /// How far a phase is; `None` when it was never begun.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn phase(&self, name: &'static str) -> Result<Option<PhaseState>> {
        self.read("reading a phase", move |connection| {
            let sql = "SELECT state FROM phase WHERE name = ?1";
            let found: Option<String> =
                connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
            found.map(|text| PhaseState::parse(&text).ok_or_else(|| unknown_name(0, &text))).transpose()
        })
        .await
    }

    /// Begins or ends a phase.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn put_phase(&self, name: &'static str, state: PhaseState, at: Timestamp) -> Result<()> {
        self.write("writing a phase", move |connection| {
            let at = at.to_string();
            let ended = (state == PhaseState::Done).then_some(&at);
            connection
                .prepare_cached(
                    "INSERT INTO phase (name, state, started_at, ended_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at",
                )?
                .execute(params![name, state.as_str(), at, ended])
                .map(drop)
        })
        .await
    }

    /// Makes phases as if they had never been begun.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_phases(&self, names: Vec<&'static str>) -> Result<()> {
        self.write("taking phases back", move |connection| {
            let mut statement = connection.prepare_cached("DELETE FROM phase WHERE name = ?1")?;
            names.iter().try_for_each(|name| statement.execute([name]).map(drop))
        })
        .await
    }

    /// Asks the customer something, once.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn ask(&self, questions: Vec<Question>, at: Timestamp) -> Result<()> {
        self.write("asking questions", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO question (topic, subject, text, asked_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            questions.iter().try_for_each(|question| {
                statement.execute(params![question.topic, question.subject, question.text, at.to_string()]).map(drop)
            })
        })
        .await
    }

    /// Takes a question back that nobody has to answer any more.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn withdraw_question(&self, topic: &'static str, subject: String) -> Result<()> {
        self.write("withdrawing a question", move |connection| {
            connection
                .prepare_cached("DELETE FROM question WHERE topic = ?1 AND subject = ?2 AND answer IS NULL")?
                .execute(params![topic, subject])
                .map(drop)
        })
        .await
    }

    /// Every open question, in the order they were asked.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn questions(&self) -> Result<Vec<Question>> {
        self.read("reading questions", |connection| {
            connection
                .prepare_cached("SELECT topic, subject, text FROM question WHERE answer IS NULL ORDER BY id")?
                .query_map([], |row| Ok(Question { topic: row.get(0)?, subject: row.get(1)?, text: row.get(2)? }))?
                .collect()
        })
        .await
    }

    /// Adds requests and tokens to the ledger.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn charge(&self, entries: Vec<LedgerEntry>) -> Result<()> {
        self.write("charging the ledger", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO ledger (day, endpoint, requests, tokens) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
                 SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens",
            )?;
            entries.iter().try_for_each(|entry| {
                let (requests, tokens) = (i64::try_from(entry.requests), i64::try_from(entry.tokens));
                let counts = (requests.unwrap_or(i64::MAX), tokens.unwrap_or(i64::MAX));
                statement.execute(params![entry.day, entry.endpoint, counts.0, counts.1]).map(drop)
            })
        })
        .await
    }

    /// The whole ledger, by day and endpoint.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn ledger(&self) -> Result<Vec<LedgerEntry>> {
        self.read("reading the ledger", |connection| {
            connection
                .prepare_cached("SELECT day, endpoint, requests, tokens FROM ledger ORDER BY day, endpoint")?
                .query_map([], |row| {
                    let (requests, tokens): (i64, i64) = (row.get(2)?, row.get(3)?);
                    Ok(LedgerEntry {
                        day: row.get(0)?,
                        endpoint: row.get(1)?,
                        requests: requests.unsigned_abs(),
                        tokens: tokens.unsigned_abs(),
                    })
                })?
                .collect()
        })
        .await
    }

    /// Keeps workspace keys of a company: (scope, name, key).
    ///
    /// # Errors
    /// `Journal`.
    pub async fn put_keys(&self, company: String, keys: Vec<(String, String, String)>) -> Result<()> {
        self.write("keeping workspace keys", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO key (company, scope, name, key) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET key = excluded.key",
            )?;
            keys.iter()
                .try_for_each(|(scope, name, key)| statement.execute(params![company, scope, name, key]).map(drop))
        })
        .await
    }

    /// Every workspace key of a company: (scope, name, key).
    ///
    /// # Errors
    /// `Journal`.
    pub async fn keys(&self, company: String) -> Result<Vec<(String, String, String)>> {
        self.read("reading workspace keys", move |connection| {
            connection
                .prepare_cached("SELECT scope, name, key FROM key WHERE company = ?1 ORDER BY scope, name")?
                .query_map([company], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .await
    }
}
