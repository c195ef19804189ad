//! Who may approve: people listed in the settings, each with the digest of a token that only they have.
//!
//! Without a list whoever can write the migration's folder approves by giving a name. With one, only those listed can.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::permit::Gate;
use crate::record::fold_name;

/// Digests of our tokens are of no use for anything else.
const CONTEXT: &str = "crossdock 2026-11-24 token of an approver";

/// One person who may approve, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApprover {
    name: String,
    token_hash: String,
    gates: Option<Vec<Gate>>,
}

/// One person who may approve.
#[derive(Debug, Clone)]
struct Approver {
    name: String,
    token: blake3::Hash,
    gates: Vec<Gate>,
}

/// The people who may approve.
#[derive(Debug, Clone, Default)]
pub struct Approvers(Vec<Approver>);

/// The part of the settings that approving needs. The rest wants secrets that an approver does not have.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    approver: Vec<RawApprover>,
}

impl Approvers {
    /// Reads the list from a migration's settings, without the rest of them.
    ///
    /// # Errors
    /// `Settings` when the file cannot be read or an entry is wrong. A list with a mistake in it admits nobody.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(super::FILE);
        let failed = |what: &str| Error::new(Kind::Settings, format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| failed("cannot be read").because(error))?;
        let part: Part = toml::from_str(&text).map_err(|error| failed("cannot be used").because(error))?;
        Self::checked(&part.approver).map_err(|problems| failed("cannot be used").because(problems.join("; ")))
    }

    /// Checks the list as written; every problem at once.
    pub(super) fn checked(raw: &[RawApprover]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut approvers: Vec<Approver> = Vec::new();
        for (position, entry) in raw.iter().enumerate() {
            let place = format!("approver {}", position + 1);
            if entry.name.trim().is_empty() {
                problems.push(format!("{place}, name = {:?}: must be the name of a person", entry.name));
            }
            if approvers.iter().any(|known| fold_name(&known.name) == fold_name(&entry.name)) {
                problems.push(format!("{place}, name = {:?}: is listed twice", entry.name));
            }
            match blake3::Hash::from_hex(&entry.token_hash) {
                Ok(token) => {
                    let gates = entry.gates.clone().unwrap_or_else(|| Gate::ALL.to_vec());
                    approvers.push(Approver { name: entry.name.trim().to_owned(), token, gates });
                }
                // Not shown: it may be a token that was put there by mistake.
                Err(_) => problems.push(format!("{place}, token_hash: must be what `crossdock approver` printed")),
            }
        }
        if problems.is_empty() { Ok(Self(approvers)) } else { Err(problems) }
    }

    /// Whether anybody is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a person speak at a gate. True when a token proved who they are, false when nobody is listed.
    ///
    /// # Errors
    /// `Unauthorized` when the list does not have them for this gate, or their token is missing or another one.
    pub fn admit(&self, gate: Gate, by: &str, token: Option<&SecretString>) -> Result<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        let refused = |why: String| Err(Error::new(Kind::Unauthorized, why));
        let Some(approver) = self.0.iter().find(|known| fold_name(&known.name) == fold_name(by)) else {
            return refused(format!("{by} is not among the approvers in {}", super::FILE));
        };
        if !approver.gates.contains(&gate) {
            return refused(format!("{by} is no approver of gate '{gate}'"));
        }
        let Some(token) = token else {
            return refused(format!("{by} is a listed approver and must show their token"));
        };
        // The comparison of two digests takes the same time wherever they differ.
        if token_hash(token) == approver.token { Ok(true) } else { refused(format!("that is not the token of {by}")) }
    }
}

/// The digest of a token, as the settings hold it.
#[must_use]
pub fn token_hash(token: &SecretString) -> blake3::Hash {
    blake3::Hash::from(blake3::derive_key(CONTEXT, token.expose_secret().trim().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, hash: &str, gates: Option<Vec<Gate>>) -> RawApprover {
        RawApprover { name: name.to_owned(), token_hash: hash.to_owned(), gates }
    }

    #[test]
    fn only_listed_people_with_their_own_token_are_admitted() {
        let (ada, bo) = (SecretString::from("ada's"), SecretString::from("bo's"));
        let list = [
            raw("Ada Li", &token_hash(&ada).to_hex(), None),
            raw("Bo", &token_hash(&bo).to_hex(), Some(vec![Gate::Map])),
        ];
        let approvers = Approvers::checked(&list).expect("a list");
        let admitted = |gate, by: &str, token| approvers.admit(gate, by, token).map_err(|error| error.kind());
        assert_eq!(admitted(Gate::Plan, "ada  LI", Some(&ada)), Ok(true));
        assert_eq!(admitted(Gate::Map, "Bo", Some(&bo)), Ok(true));
        for (gate, by, token) in [
            (Gate::Plan, "Bo", Some(&bo)),
            (Gate::Plan, "Ada Li", Some(&bo)),
            (Gate::Plan, "Ada Li", None),
            (Gate::Plan, "Cy", Some(&ada)),
        ] {
            assert_eq!(admitted(gate, by, token), Err(Kind::Unauthorized), "{by} at {gate}");
        }
        assert_eq!(Approvers::default().admit(Gate::Plan, "anybody", None).map_err(|error| error.kind()), Ok(false));
    }

    #[test]
    fn a_mistake_in_the_list_is_told_without_showing_what_may_be_a_token() {
        let hash = token_hash(&SecretString::from("x")).to_hex().to_string();
        let list = [raw("Ada", "s3cret", None), raw("Bo", &hash, None), raw("bo", &hash, None), raw(" ", &hash, None)];
        let problems = Approvers::checked(&list).expect_err("problems").join("; ");
        for part in ["approver 1, token_hash", "approver 3, name = \"bo\": is listed twice", "approver 4, name"] {
            assert!(problems.contains(part), "{problems}");
        }
        assert!(!problems.contains("s3cret"), "{problems}");
    }
}
