//! The workspace as it now is: what the migration uses in the account, with the keys that Pipedrive gave it.

use serde::Serialize;

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};
use super::plan::type_words;
use super::preflight::{Check, Preflight};
use crate::record::Entity;
use crate::stage::resolve::Workspace;

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FieldLine {
    /// Whose: organization, person or deal (leads use the deal's).
    pub entity: Entity,
    /// Its name in the mapping.
    pub name: String,
    /// Pipedrive's type.
    pub field_type: String,
    /// Its code.
    pub code: String,
    /// Its options.
    pub options: u64,
    /// Whether it was there before us.
    pub adopted: bool,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StageLine {
    /// Id of its pipeline.
    pub pipeline_id: i64,
    /// Its place, from 0.
    pub position: u32,
    /// Its name.
    pub name: String,
    /// Its id.
    pub stage_id: i64,
    /// Whether it was there before us.
    pub adopted: bool,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkspaceReport {
    /// Digest of what the gate approves.
    pub digest: String,
    /// What the gate approves: what is used of the account, as it is, a line for each thing.
    pub holds: Vec<String>,
    /// By kind of record and name.
    pub fields: Vec<FieldLine>,
    /// By pipeline and place.
    pub stages: Vec<StageLine>,
    /// Names of the lead labels, sorted.
    pub lead_labels: Vec<String>,
    /// Names of the activity types, sorted.
    pub activity_types: Vec<String>,
    /// What was proved by a throw-away record before anything was made.
    pub proved: Vec<Check>,
}

impl WorkspaceReport {
    /// From a workspace; `is_ours` tells by kind and key what this migration made.
    #[must_use]
    pub fn new(workspace: &Workspace, proved: Vec<Check>, is_ours: &dyn Fn(Entity, &str) -> bool) -> Self {
        let field_kind = |entity| match entity {
            Entity::Organization => Entity::OrganizationField,
            Entity::Person => Entity::PersonField,
            _ => Entity::DealField,
        };
        let field = |((entity, name), key): (&(Entity, String), &crate::stage::resolve::FieldKey)| FieldLine {
            entity: *entity,
            name: name.clone(),
            field_type: key.field_type.clone(),
            code: key.code.clone(),
            // Several spellings may mean one option.
            options: key.options.values().collect::<std::collections::BTreeSet<_>>().len() as u64,
            adopted: !is_ours(field_kind(*entity), &key.code),
        };
        let stage = |key: &crate::stage::resolve::StageKey| StageLine {
            pipeline_id: key.pipeline_id,
            position: key.position,
            name: key.name.clone(),
            stage_id: key.stage_id,
            adopted: !is_ours(Entity::Stage, &key.stage_id.to_string()),
        };
        let mut fields: Vec<FieldLine> = workspace.fields.iter().map(field).collect();
        fields.sort();
        // The same stage is known by its name and by its id.
        let mut stages: Vec<StageLine> = workspace.stages.values().map(stage).collect();
        stages.sort();
        stages.dedup();
        let sorted = |keys: &std::collections::HashMap<String, String>| {
            let mut names: Vec<String> = keys.keys().cloned().collect();
            names.sort();
            names
        };
        Self {
            digest: String::new(),
            holds: Vec::new(),
            fields,
            stages,
            lead_labels: sorted(&workspace.lead_labels),
            activity_types: sorted(&workspace.activity_types),
            proved,
        }
    }

    fn fields_table(&self) -> Table {
        let row = |field: &FieldLine| {
            Row::new(vec![
                Cell::text(title_case(field.entity.as_str())),
                Cell::words(&field.name),
                Cell::text(type_words(&field.field_type)),
                Cell::maybe((field.options > 0).then_some(field.options), ""),
                Cell::text(whose(field.adopted)),
                Cell::text(&*field.code),
            ])
        };
        let columns = ["Of", "Name", "Type", "Options", "", "Key"];
        Table::new(&columns, self.fields.iter().map(row).collect(), "None.")
            .whole(Whole::File("workspace-fields".to_owned()))
    }

    fn holds_section(&self) -> Section {
        let row = |line: &String| {
            let (thing, is) = line.rsplit_once(": ").unwrap_or((line, ""));
            Row::new(vec![Cell::words(thing), Cell::words(is)])
        };
        let rows = self.holds.iter().map(row).collect();
        let table = Table::new(&["Used", "As it is"], rows, "Nothing.").whole(Whole::File("workspace".to_owned()));
        Section::new("What is approved", "A change of any of these before the approval is named and asks again.", table)
    }

    fn stages_table(&self) -> Table {
        let row = |stage: &StageLine| {
            Row::new(vec![
                Cell::text(stage.pipeline_id.to_string()),
                Cell::count(u64::from(stage.position) + 1),
                Cell::words(&stage.name),
                Cell::text(whose(stage.adopted)),
                Cell::text(stage.stage_id.to_string()),
            ])
        };
        let columns = ["Pipeline", "Place at the source", "Stage", "", "Id"];
        Table::new(&columns, self.stages.iter().map(row).collect(), "None.")
    }
}

const fn whose(adopted: bool) -> &'static str {
    if adopted { "was there" } else { "made by us" }
}

impl Report for WorkspaceReport {
    fn page(&self) -> Page {
        let adopted = self.fields.iter().filter(|field| field.adopted).count()
            + self.stages.iter().filter(|stage| stage.adopted).count();
        let (fields, stages) = (self.fields.len() as u64, self.stages.len() as u64);
        let says = format!(
            "{} and {} are ready in Pipedrive.",
            counted(fields, "custom field", "custom fields"),
            counted(stages, "stage", "stages")
        );
        let names = |title: &str, column: &'static str, names: &[String]| {
            let rows = names.iter().map(|name| Row::new(vec![Cell::words(name)])).collect();
            Section::new(title, "As the account has them, in lower case.", Table::new(&[column], rows, "None."))
        };
        let proof = Preflight { proved: self.proved.clone(), ..Preflight::default() }.proof();
        Page {
            title: "Workspace".to_owned(),
            says,
            tone: Tone::Plain,
            figures: vec![
                Figure::new("Custom fields", number(fields)),
                Figure::new("Stages", number(stages)),
                Figure::new("Were there before us", number(adopted as u64)).note("used as they are"),
            ],
            sections: vec![
                Section::new("Custom fields", "Leads use the fields of deals.", self.fields_table()),
                Section::new("Stages", "", self.stages_table()),
                names("Lead labels", "Label", &self.lead_labels),
                names("Activity types", "Type", &self.activity_types),
                self.holds_section(),
                proof,
            ],
        }
    }
}
