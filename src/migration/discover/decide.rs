//! How each kind of record will be read, with what speaks for it and what may go wrong.

use std::collections::BTreeMap;

use super::look::Seen;
use crate::config::extraction::{Extraction, Method};
use crate::mapping::Mapping;
use crate::record::Object;
use crate::report::discovery::ObjectFound;
use crate::report::page::number;

/// Rows at which exports are known to be cut (source shapes, section 18: caps that were seen).
const CAPS: [u64; 8] = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// Why the API does not deliver an object, by object; objects that are not named were not asked for.
pub(super) type Refusals = BTreeMap<Object, String>;

/// What a kind of record is decided by.
pub(super) struct Case<'a> {
    pub(super) extraction: &'a Extraction,
    pub(super) seen: &'a [Seen],
    /// The object of each table.
    pub(super) objects: &'a [Option<Object>],
    pub(super) mapping: &'a Mapping,
    /// What the mapping can learn to read.
    pub(super) standard: &'a Mapping,
    pub(super) refusals: &'a Refusals,
    pub(super) has_api: bool,
    /// The objects that the migration could use.
    pub(super) usable: &'a [Object],
}

impl Case<'_> {
    /// The decision of each object, in the order of objects.
    pub(super) fn decide(&self) -> Vec<ObjectFound> {
        Object::ALL.iter().filter_map(|object| self.of(*object)).collect()
    }

    fn tables(&self, object: Object) -> impl Iterator<Item = &Seen> {
        self.seen.iter().zip(self.objects).filter(move |(_, own)| **own == Some(object)).map(|(seen, _)| seen)
    }

    /// An object with a table, or one that the migration could use.
    fn of(&self, object: Object) -> Option<ObjectFound> {
        let said = self.extraction.said.get(&object).copied();
        let by = |method: Method| self.tables(object).find(move |seen| seen.method == method);
        let (api, csv, book) = (by(Method::Api), by(Method::Csv), by(Method::Workbook));
        if api.or(csv).or(book).is_none() && !self.usable.contains(&object) && said.is_none() {
            return None;
        }
        // An answer of the API is newer than any export; an export than what people type.
        let (method, why) = match (said, api, csv) {
            (Some(method), _, _) => (method, "migration.toml says so".to_owned()),
            (None, Some(api), None) => (Method::Api, format!("the API delivers it as {}", api.name)),
            (None, Some(api), Some(csv)) => {
                (Method::Api, format!("the API delivers it as {}; the table {} is not needed", api.name, csv.name))
            }
            (None, None, Some(csv)) => (Method::Csv, format!("the table {} holds it", csv.name)),
            (None, None, None) => (Method::Workbook, self.lacking(object)),
        };
        let table = by(method);
        let mut reasons = vec![why];
        let refusal = self.refusals.get(&object).filter(|_| method == Method::Csv);
        reasons.extend(refusal.map(|refusal| format!("the API does not deliver it: {refusal}")));
        let records = table.map_or(0, |seen| seen.parsed);
        Some(ObjectFound {
            object,
            method,
            table: table.map_or_else(|| self.mapped_table(object), |seen| seen.name.clone()),
            records,
            is_whole: table.is_none_or(|seen| seen.table.is_whole),
            reasons,
            risks: self.risks(object, method, table),
        })
    }

    /// Why neither the API nor the files deliver an object.
    fn lacking(&self, object: Object) -> String {
        match (self.has_api, self.extraction.folder.is_some(), self.refusals.get(&object)) {
            (true, _, Some(refusal)) => format!("the API does not deliver it: {refusal}"),
            (true, true, None) => "neither the API nor a file of the folder delivers it".to_owned(),
            (true, false, None) => "the API has no list of it".to_owned(),
            (false, _, _) => "no file of the folder holds it".to_owned(),
        }
    }

    fn mapped_table(&self, object: Object) -> String {
        let rules = self.mapping.object(object).or_else(|| self.standard.object(object));
        rules.map(|rules| rules.table.clone()).unwrap_or_default()
    }

    fn risks(&self, object: Object, method: Method, table: Option<&Seen>) -> Vec<String> {
        let mut risks = Vec::new();
        let rows = table.map_or(0, |seen| seen.parsed + seen.rejected);
        match method {
            Method::Api => risks.push("rows that are changed while it is read come again with the changes".to_owned()),
            Method::Csv => {
                if CAPS.contains(&rows) {
                    risks.push(format!("exactly {} rows: exports are often cut there", number(rows)));
                }
                risks.push("an export may lack archived rows, or rows that its maker may not see".to_owned());
                risks.push("changes come only with a new export in the folder".to_owned());
            }
            Method::Workbook if rows == 0 => risks.push("what is not typed in is not migrated".to_owned()),
            Method::Workbook => risks.push("typed by hand: compare a few records with the source".to_owned()),
            Method::None => risks.push("it is not migrated".to_owned()),
        }
        if table.is_some_and(|seen| seen.rejected > 0) {
            risks.push("some rows are rejected, see below".to_owned());
        }
        if self.mapping.object(object).is_none() && rows > 0 {
            risks.push("the mapping does not say what becomes of it".to_owned());
        }
        risks
    }
}
