//! Reading the sample back: what the source says, what was promised and what Pipedrive now shows, field by field.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value};

use super::super::Migration;
use super::super::load::STEPS;
use crate::error::{Error, Kind, Result};
use crate::journal::Promised;
use crate::mapping::Mapping;
use crate::mapping::column::Payload;
use crate::mapping::field::Field;
use crate::pipedrive::{Api, Listing, Me, Row, differences, route};
use crate::record::{BindingKey, Entity, Fate, Target};
use crate::report::sample::{Sample, SampleField, SampleRecord, SampleWaiting};
use crate::stage::resolve::Workspace;

/// Rows that one call reads by their ids at the most (OpenAPI v2: `ids`).
const IDS: usize = 100;

/// Records that are read one by one at the same time.
const SINGLE_READS: usize = 8;

/// What ids and codes are called, for people.
struct Names {
    /// Custom fields by code.
    fields: HashMap<String, String>,
    /// Options by field code and id.
    options: HashMap<(String, i64), String>,
    stages: HashMap<i64, String>,
    users: HashMap<i64, String>,
    labels: HashMap<String, String>,
}

impl Migration {
    /// Reads everything that the sample became.
    pub(super) async fn read_back(&self, me: &Me) -> Result<Sample> {
        let workspace = self.workspace(me).await?;
        let mapping = self.named_mapping().await?;
        let names = self.names(&workspace).await?;
        let whys: HashMap<_, _> = self
            .journal
            .sample()
            .await?
            .into_iter()
            .map(|chosen| ((chosen.object, chosen.source_id), chosen.why))
            .collect();
        let mut sample = Sample { company: me.company_name.clone(), ..Sample::default() };
        for entity in STEPS {
            self.border().await?;
            let promised = self.journal.promised_sample(entity).await?;
            self.progress.begin("sample", &format!("reading {entity}s back"), promised.len() as u64);
            let ids: Vec<Arc<str>> = promised.iter().filter_map(|promised| promised.bound.dest_id.clone()).collect();
            let rows = self.rows_by_id(entity, &ids).await?;
            for promised in promised {
                self.progress.add_done(1);
                let key = &promised.bound.key;
                let why = whys.get(&(key.object, Arc::clone(&key.source_id))).cloned().unwrap_or_default();
                let landed = self.journal.record(key.object, Arc::clone(&key.source_id)).await?;
                let payload = landed.map(|landed| landed.record.payload).unwrap_or_default();
                let row = promised.bound.dest_id.as_ref().and_then(|id| rows.get(id));
                let fields = fields_of(&mapping, &names, (&promised, &payload), row)?;
                sample.records.push(SampleRecord {
                    entity,
                    record: key.to_string(),
                    why,
                    title: row.and_then(title).unwrap_or_default(),
                    dest_id: promised.bound.dest_id.as_deref().unwrap_or_default().to_owned(),
                    link: self.link(entity, promised.bound.dest_id.as_deref().unwrap_or_default()),
                    is_missing: row.is_none(),
                    was_there: promised.bound.existing,
                    fields,
                });
            }
        }
        sample.waiting = self.waiting_of_sample().await?;
        self.keep_ledger().await?;
        Ok(sample)
    }

    /// Records of the sample that did not get across, with the reason.
    async fn waiting_of_sample(&self) -> Result<Vec<SampleWaiting>> {
        let mut waiting = Vec::new();
        for chosen in self.journal.sample().await? {
            for bound in self.journal.roles(chosen.object, chosen.source_id).await? {
                if matches!(bound.fate, Fate::Parked | Fate::Rejected | Fate::Skipped | Fate::Merged) {
                    waiting.push(SampleWaiting {
                        record: bound.key.to_string(),
                        fate: bound.fate,
                        reason: bound.reason.unwrap_or_default(),
                    });
                }
            }
        }
        Ok(waiting)
    }

    /// Records as they are now: a hundred with one call where the API can.
    async fn rows_by_id(&self, entity: Entity, ids: &[Arc<str>]) -> Result<HashMap<Arc<str>, Row>> {
        let mut rows = HashMap::new();
        for ids in ids.chunks(IDS) {
            // One call for up to 100 rows costs as much as ten single reads (OpenAPI v2: list 10, get 1).
            if route(entity).api == Api::V2 && ids.len() > 10 {
                let listing = Listing { ids: ids.to_vec(), ..Listing::default() };
                let found = self.client.page(entity, &listing, None).await?.rows;
                rows.extend(found.into_iter().map(|row| (Arc::clone(&row.id), row)));
                continue;
            }
            let single = ids.iter().map(|id| self.client.get(entity, id));
            // In any order, and no more at a time than a sales team looking things up would.
            let found: Vec<Option<Row>> = stream::iter(single).buffer_unordered(SINGLE_READS).try_collect().await?;
            rows.extend(found.into_iter().flatten().map(|row| (Arc::clone(&row.id), row)));
        }
        Ok(rows)
    }

    async fn names(&self, workspace: &Workspace) -> Result<Names> {
        let users = self.users().await?;
        let fields = || workspace.fields.iter();
        let options = fields().flat_map(|(_, key)| {
            let of = |(label, id): (&String, &i64)| ((key.code.clone(), *id), label.clone());
            key.options.iter().map(of).collect::<Vec<_>>()
        });
        Ok(Names {
            fields: fields().map(|((_, name), key)| (key.code.clone(), name.clone())).collect(),
            options: options.collect(),
            stages: workspace.stages.values().map(|key| (key.stage_id, key.name.clone())).collect(),
            users: users.iter().filter_map(|user| Some((user.id.parse().ok()?, user.name.clone()))).collect(),
            labels: workspace.lead_labels.iter().map(|(name, id)| (id.clone(), name.clone())).collect(),
        })
    }

    /// Where people look at a record; empty for kinds without a page of their own.
    fn link(&self, entity: Entity, id: &str) -> String {
        let page = match entity {
            Entity::Organization => "organization",
            Entity::Person => "person",
            Entity::Deal => "deal",
            Entity::Lead => "leads/inbox",
            _ => return String::new(),
        };
        let base = self.config.pipedrive.address.as_str().trim_end_matches('/');
        format!("{base}/{page}/{id}")
    }
}

fn fields_of(
    mapping: &Mapping,
    names: &Names,
    (promised, payload): (&Promised, &Payload),
    row: Option<&Row>,
) -> Result<Vec<SampleField>> {
    let key = &promised.bound.key;
    let promise: Map<String, Value> = match &promised.promise {
        None => Map::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| Error::new(Kind::Journal, "journal: a body is not JSON").because(error))?,
    };
    let empty = Map::new();
    let body = row.map_or(&empty, |row| &row.body);
    let different: BTreeMap<String, String> = differences(promised.bound.entity, &promise, body)
        .into_iter()
        .map(|difference| (difference.field, difference.promised))
        .collect();
    let rules = rules(mapping, key);
    let field = |code: &str, target: Target, found: Option<&Value>| SampleField {
        source: rules
            .iter()
            .find(|rule| rule.target == target && rule.applies.holds(payload))
            .map_or_else(String::new, |rule| at_source(rule, payload, mapping)),
        pipedrive: found.map_or_else(String::new, |value| names.shown(code, value)),
        promised: different.get(code).cloned(),
        name: match &target {
            Target::Custom(name) | Target::System(name) => name.clone(),
        },
    };
    let mut fields = Vec::new();
    for (name, value) in &promise {
        match (name.as_str(), value) {
            ("custom_fields", Value::Object(custom)) => {
                for code in custom.keys() {
                    let name = names.fields.get(code).cloned().unwrap_or_else(|| code.clone());
                    fields.push(field(code, Target::Custom(name), row.and_then(|row| row.custom(code))));
                }
            }
            // Leads carry custom fields of deals by their codes, side by side with their own.
            _ => match names.fields.get(name) {
                Some(custom) => fields.push(field(name, Target::Custom(custom.clone()), body.get(name))),
                None => fields.push(field(name, Target::System(name.clone()), body.get(name))),
            },
        }
    }
    Ok(fields)
}

/// The rules that can have made a role.
fn rules<'a>(mapping: &'a Mapping, key: &BindingKey) -> Vec<&'a Field> {
    mapping.destination(key.object, &key.role).map(|to| to.fields.iter().collect()).unwrap_or_default()
}

/// What the source has for a rule, as it stands there.
fn at_source(rule: &Field, payload: &Payload, mapping: &Mapping) -> String {
    match &rule.fold {
        Some(fold) => format!("from its {}s", fold.object),
        None => rule.from.text(payload, &mapping.owners).map(|text| text.into_owned()).unwrap_or_default(),
    }
}

fn title(row: &Row) -> Option<String> {
    ["title", "name", "subject"].iter().find_map(|name| row.text(name)).map(str::to_owned)
}

impl Names {
    /// A value as people read it.
    fn shown(&self, field: &str, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
            Value::String(text) => self.labels.get(text).unwrap_or(text).clone(),
            Value::Number(number) => {
                let named = number.as_i64().and_then(|id| match field {
                    "owner_id" | "user_id" => self.users.get(&id).cloned(),
                    "stage_id" => self.stages.get(&id).cloned(),
                    _ => self.options.get(&(field.to_owned(), id)).cloned(),
                });
                named.unwrap_or_else(|| number.to_string())
            }
            Value::Array(list) => {
                let all: Vec<String> = list.iter().map(|value| self.shown(field, value)).collect();
                all.join(", ")
            }
            Value::Object(parts) => match (parts.get("value"), parts.get("currency").and_then(Value::as_str)) {
                (Some(value), Some(currency)) => format!("{} {currency}", self.shown("", value)),
                (Some(value), None) => self.shown("", value),
                (None, _) => {
                    let id = parts.get("person_id").or_else(|| parts.get("id"));
                    id.map_or_else(|| value.to_string(), |id| self.shown("", id))
                }
            },
        }
    }
}
