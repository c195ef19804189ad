//! What a sheet must have in which people type the records of an object: the columns that the mapping reads, what each
//! holds, and what a row cannot do without.

use super::Mapping;
use super::accepted::accepted;
use super::column::{Column, Payload};
use super::field::{Extra, Field, FoldOf, Kind, Other};
use super::object::{Destination, ObjectRules};
use crate::record::{Entity, Object, Target};

/// A column that people fill in.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetColumn {
    /// Its name, as the mapping reads it; of a list in the record `list.part`.
    pub name: String,
    /// What its values are read as.
    pub kind: Kind,
    /// The objects that its values name records of; several where another column says which.
    pub names: Vec<Object>,
    /// The values that the mapping knows; empty: any.
    pub values: Vec<String>,
    /// Other values than these lose something.
    pub is_closed: bool,
    /// Every row needs it.
    pub is_required: bool,
}

/// The sheet of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRules {
    /// The object.
    pub object: Object,
    /// The sheet's and the workbook's name.
    pub table: String,
    /// The columns that make the id.
    pub ids: Vec<String>,
    /// The column with the time of the last change.
    pub modified: Option<String>,
    /// A list in the record with the part that is an element's id.
    pub list: Option<(String, String)>,
    /// Its columns, those of the id first.
    pub columns: Vec<SheetColumn>,
}

impl Mapping {
    /// The sheet in which people type an object's records; `None` for an object that the mapping leaves out.
    #[must_use]
    pub fn sheet(&self, object: Object) -> Option<SheetRules> {
        let rules = self.object(object)?;
        let mut sheet = SheetRules {
            object,
            table: rules.table.clone(),
            ids: rules.id.iter().map(|column| column.name.clone()).collect(),
            modified: rules.modified.as_ref().map(|column| column.name.clone()),
            list: None,
            columns: Vec::new(),
        };
        for id in &rules.id {
            sheet.add(&id.name, Kind::Text).is_required = true;
        }
        if let Some(fold) = &rules.fold_into {
            let column = sheet.add(&fold.from.name, Kind::Link);
            (column.names, column.is_required) = (vec![fold.named()], true);
            self.add_folded(rules, fold.object, &mut sheet);
        }
        for (column, named) in self.ways_through(object) {
            sheet.add(&column.name, Kind::Link).name_of(named);
        }
        for destination in &rules.to {
            sheet.add_destination(destination);
        }
        for condition in rules.skip.iter().flat_map(|skip| &skip.conditions) {
            sheet.add(&condition.column.name, Kind::Text).offer(condition.values());
        }
        if let Some(modified) = &rules.modified {
            sheet.add(&modified.name, Kind::Datetime);
        }
        // What says that a row was deleted has no place where people type what there is.
        let is_left = |name: &str| {
            rules.leave.contains_key(name) || rules.deleted.iter().any(|condition| condition.column.name == name)
        };
        sheet.columns.retain(|column| !is_left(&column.name));
        Some(sheet)
    }

    /// What the parent takes of a folded record.
    fn add_folded(&self, rules: &ObjectRules, parent: Object, sheet: &mut SheetRules) {
        let fields = self.object(parent).into_iter().flat_map(|parent| &parent.to).flat_map(|to| &to.fields);
        let folds = fields.filter_map(|field| field.fold.as_ref().map(|fold| (field, fold)));
        for (field, fold) in folds.filter(|(_, fold)| fold.object == rules.object) {
            match &fold.of {
                FoldOf::Count => {}
                FoldOf::Sum(column) => {
                    sheet.add(&column.name, Kind::Money);
                }
                FoldOf::List(template) => {
                    for column in template.columns() {
                        sheet.add(&column.name, Kind::Text);
                    }
                }
                FoldOf::Pick(pick) => {
                    for column in field.from.columns() {
                        sheet.add(&column.name, kind_of(field));
                    }
                    if let Some(by) = &pick.by {
                        sheet.add(&by.name, Kind::Text);
                    }
                }
            }
        }
    }
}

impl ObjectRules {
    /// Why nothing would become of a row: no destination applies, or what it cannot do without is empty. `None` when all
    /// is well.
    #[must_use]
    pub fn lacks(&self, payload: &Payload) -> Option<String> {
        if self.fold_into.is_some() || self.to.is_empty() {
            return None;
        }
        let own: Vec<&Destination> = self.to.iter().filter(|destination| destination.each.is_none()).collect();
        let refusals: Vec<String> = own.iter().filter_map(|to| to.applies.refusal(payload)).collect();
        if refusals.len() == own.len() {
            return Some(format!("nothing becomes of it, because {}", refusals.join("; ")));
        }
        let applying = own.into_iter().filter(|to| to.applies.holds(payload));
        let empty = applying
            .flat_map(needed)
            .find(|columns| !columns.is_empty() && !columns.iter().any(|column| column.is_filled(payload)))?;
        let names: Vec<&str> = empty.iter().map(|column| column.name.as_str()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        Some(format!("{} {verb} empty", names.join(" and ")))
    }
}

/// For each target without which Pipedrive refuses the record: the columns of which one must be filled.
fn needed(to: &Destination) -> impl Iterator<Item = Vec<&Column>> {
    let wanted = accepted(to.entity).iter().filter(|facts| facts.required);
    wanted.map(move |facts| {
        let is_own = |field: &&Field| matches!(&field.target, Target::System(name) if name == facts.name);
        let fields: Vec<&Field> = to.fields.iter().filter(is_own).collect();
        // A default, a constant or another role fills it in any case.
        if fields.iter().any(|field| field.default.is_some() || field.from.columns().is_empty()) {
            return Vec::new();
        }
        fields.iter().flat_map(|field| field.from.columns()).collect()
    })
}

impl SheetRules {
    /// The column with a name, which is added if it is not there. The first kind that is more than text stays.
    fn add(&mut self, name: &str, kind: Kind) -> &mut SheetColumn {
        let at = match self.columns.iter().position(|column| column.name == name) {
            Some(at) => at,
            None => {
                self.columns.push(SheetColumn {
                    name: name.to_owned(),
                    kind,
                    names: Vec::new(),
                    values: Vec::new(),
                    is_closed: false,
                    is_required: false,
                });
                self.columns.len() - 1
            }
        };
        let column = &mut self.columns[at];
        if column.kind == Kind::Text {
            column.kind = kind;
        }
        column
    }

    fn add_destination(&mut self, destination: &Destination) {
        let prefix = match &destination.each {
            Some(each) => {
                self.list = Some((each.column.name.clone(), each.id.name.clone()));
                self.add(&format!("{}.{}", each.column.name, each.id.name), Kind::Text).is_required = true;
                format!("{}.", each.column.name)
            }
            None => String::new(),
        };
        for field in &destination.fields {
            // A value that is taken from a folded row stands in that row's own sheet.
            let own = if field.fold.is_some() { Vec::new() } else { field.from.columns() };
            let is_only = own.len() == 1;
            for column in own {
                let name = format!("{prefix}{}", column.name);
                let own = self.add(&name, if is_only { kind_of(field) } else { Kind::Text });
                if is_only {
                    describe(own, field);
                }
            }
            let name = |column: &Column| format!("{prefix}{}", column.name);
            match &field.extra {
                Extra::Currency(column) => {
                    self.add(&name(column), Kind::Text);
                }
                Extra::Pipeline(column) => {
                    self.add(&name(column), Kind::Text).name_of(Object::Pipeline);
                }
                Extra::Time(column) => {
                    self.add(&name(column), Kind::Time);
                }
                Extra::Footer(templates) => {
                    for column in templates.iter().flat_map(super::template::Template::columns) {
                        self.add(&name(column), Kind::Text);
                    }
                }
                Extra::None
                | Extra::Options(_)
                | Extra::Label(_)
                | Extra::Link(_)
                | Extra::OwnRole(_)
                | Extra::PipelineNamed(_) => {}
            }
            for condition in field.applies.only_if.iter().chain(&destination.applies.only_if) {
                self.add(&name(&condition.column), Kind::Text).offer(condition.values());
            }
        }
        if let Some(each) = &destination.each {
            if let Some(order) = &each.order {
                self.add(&format!("{prefix}{}", order.name), Kind::Number);
            }
            if destination.entity == Entity::Stage {
                self.add(&format!("{prefix}kind"), Kind::Text).offer(&["open", "won", "lost"].map(str::to_owned));
            }
        }
    }
}

impl SheetColumn {
    /// Its values name records of this object, too.
    fn name_of(&mut self, object: Object) {
        if !self.names.contains(&object) {
            self.names.push(object);
        }
    }

    /// Adds values that the mapping knows.
    fn offer(&mut self, values: &[String]) {
        for value in values.iter().filter(|value| !value.is_empty()) {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
        }
    }
}

/// Values that are looked up or shaped are typed in the form that the mapping reads, which is text.
fn kind_of(field: &Field) -> Kind {
    let is_shaped = field.values.is_some() || field.lookup.is_some() || field.split.is_some() || field.format.is_some();
    if is_shaped { Kind::Text } else { field.kind }
}

fn describe(column: &mut SheetColumn, field: &Field) {
    if let Extra::Link(link) = &field.extra {
        column.name_of(link.object);
    }
    if field.kind == Kind::Owner {
        column.name_of(Object::Owner);
    }
    if let Extra::Options(options) = &field.extra {
        column.offer(options);
        column.is_closed = true;
    }
    if let Some(values) = &field.values {
        let mut listed: Vec<String> = values.listed.keys().cloned().collect();
        listed.sort();
        column.offer(&listed);
        column.is_closed = matches!(values.other, Other::Drop);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sheet_has_the_columns_that_the_mapping_reads() {
        let mapping = Mapping::promox();
        let sheet = |object| mapping.sheet(object).expect("it is mapped");
        let names = |object| sheet(object).columns.into_iter().map(|column| column.name).collect::<Vec<_>>();
        assert_eq!(names(Object::Owner), ["id", "email", "first_name", "last_name", "active", "updated_at"]);
        let pipelines = sheet(Object::Pipeline);
        assert_eq!(pipelines.list, Some(("stages".to_owned(), "id".to_owned())));
        assert_eq!(
            names(Object::Pipeline),
            [
                "id",
                "name",
                "stages.id",
                "stages.name",
                "stages.probability",
                "stages.position",
                "stages.kind",
                "record_type",
                "updated_at"
            ]
        );
        let tasks = sheet(Object::Task);
        let column = |name: &str| tasks.columns.iter().find(|column| column.name == name).expect("it is there");
        assert_eq!(column("assignee_id").names, [Object::Owner]);
        assert_eq!(column("related_id").names, [Object::Project, Object::Lead, Object::Client]);
        assert_eq!(column("status").values, ["done", "open"]);
        assert_eq!((column("due_date").kind, column("due_time").kind), (Kind::Due, Kind::Time));
        assert_eq!(column("related_type").values, ["project", "lead", "client"]);
        assert!(names(Object::Commission).contains(&"amount".to_owned()));
        assert!(Mapping::with_history().sheet(Object::Call).is_some());
    }

    #[test]
    fn what_a_row_lacks_is_told() {
        let mapping = Mapping::promox();
        let lacks = |object, row: serde_json::Value| {
            mapping.object(object).and_then(|rules| rules.lacks(row.as_object().expect("an object")))
        };
        assert_eq!(lacks(Object::Client, json!({"id": 1, "company": "Harbor"})), None);
        let told = lacks(Object::Client, json!({"id": 1, "email": "a@b.test"})).expect("neither company nor person");
        assert_eq!(told, "nothing becomes of it, because company is empty; first_name and last_name are empty");
        assert_eq!(lacks(Object::Project, json!({"id": 1})).as_deref(), Some("name and number are empty"));
        assert_eq!(lacks(Object::Task, json!({"id": 1})), None, "the subject has a default");
        assert_eq!(lacks(Object::Note, json!({"id": 1})).as_deref(), Some("body is empty"));
    }
}
