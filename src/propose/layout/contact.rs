//! Clients, contacts and leads: persons, organizations, or both.

use super::lines::is_empty;
use super::{Laid, Scene, condition, line, remark, section};
use crate::propose::answer::Place;
use crate::propose::plan::{Found, Planned};
use crate::propose::write::{Line, Section, pair, quoted, quoted_list};
use crate::record::{Entity, Object};

/// A table of clients, or of the contacts of clients.
pub(super) fn client(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    let is_both = plan.becomes.len() > 1;
    let names = person_names(plan, Entity::Person);
    let company = company_column(plan);
    if plan.becomes.contains(&Entity::Organization) {
        let mut own = section(Entity::Organization);
        let mut lines = Vec::new();
        if let Some(company) = &company {
            if is_both {
                own.head.push(format!("when = {}", quoted(&company.name)));
            }
            own.head.push(organization_key(&company.name));
            let mut columns = vec![company.name.clone()];
            if !is_both {
                // Rows that name no company are called by the person they name.
                columns.extend(names.iter().filter(|name| **name != company.name).cloned());
            }
            let named = Line::from("name", "text", &columns).key("cut = true");
            lines.push(named.remark(remark(company, plan)));
        }
        lines.extend(scene.lines_of(Entity::Organization, plan, &["name"]));
        if is_both {
            // Rows without a person's name have only their company to keep what else is the person's.
            let person = copies(plan, scene, Entity::Person, Entity::Organization, &names);
            lines.extend(shared(&lines, plan, Entity::Organization));
            lines.extend(person);
        }
        own.head.push("existing = { by = [\"name\"], then = \"fill\" }".to_owned());
        own.lines = unique(lines);
        laid.part.to.push(own);
    }
    if plan.becomes.contains(&Entity::Person) {
        let company = company.filter(|_| is_both);
        let mut own = person(plan, scene, &names, company);
        if is_both {
            let organization = copies(plan, scene, Entity::Organization, Entity::Person, &[]);
            own.lines.extend(shared(&own.lines, plan, Entity::Person));
            own.lines.extend(organization);
            own.lines = unique(own.lines);
        }
        laid.part.to.push(own);
    }
    laid
}

/// A table of leads: each a lead, and where it names no client a person and an organization of its own.
pub(super) fn lead(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    let mut names = person_names(plan, Entity::Person);
    let plain_name = plan.columns.iter().find(|column| column.concept() == "name" && !is_empty(column));
    if names.is_empty() {
        names.extend(plain_name.map(|column| column.name.clone()));
    }
    let company = company_column(plan);
    let client = reference(plan, scene, &[Entity::Person, Entity::Organization]);
    let unless = client.map(|column| format!("unless = {}", quoted(&column.name)));
    if let Some(company) = &company {
        let mut own = section(Entity::Organization);
        own.head.push(format!("when = {}", quoted(&company.name)));
        own.head.extend(unless.clone());
        own.head.push(organization_key(&company.name));
        own.head.push("existing = { by = [\"name\"], then = \"fill\" }".to_owned());
        own.lines.push(line("name", "text", company, plan).key("cut = true"));
        own.lines.extend(common(plan, scene));
        own.lines.extend(scene.lines_of(Entity::Organization, plan, &["name", "owner_id", "add_time"]));
        own.lines = unique(own.lines);
        laid.part.to.push(own);
    }
    let has_person = !names.is_empty() || plan.at_place(Entity::Person, "emails").next().is_some();
    if has_person {
        let mut own = person(plan, scene, &names, company);
        own.head.extend(unless);
        let common = common(plan, scene);
        own.lines.splice(1..1, common);
        own.lines = unique(own.lines);
        laid.part.to.push(own);
    }
    let mut own = section(Entity::Lead);
    own.lines = lead_lines(plan, scene, &names, company);
    let own_roles: Vec<String> = laid.part.to.iter().map(|section| section.entity.clone()).collect();
    own.lines.extend(links(plan, scene, client, &own_roles));
    let done = ["title", "person_id", "organization_id", "value", "owner_id"];
    own.lines.extend(scene.owner_line("owner_id", &found(plan, Entity::Lead, "owner_id"), plan));
    own.lines.extend(value_line(plan, Entity::Lead));
    own.lines.extend(scene.lines_of(Entity::Lead, plan, &done));
    own.lines.extend(stage_field(plan, scene, &own.lines));
    own.lines = unique(own.lines);
    laid.part.to.push(own);
    if let Some(converted) = plan.of_concept("converted").filter(|column| !is_empty(column)) {
        let flags = pair(&converted.name, "[\"true\", \"1\", \"yes\"]");
        laid.part.head.push("skip = [".to_owned());
        laid.part.head.push(format!(
            "  {{ if = {{ {flags} }}, reason = \"converted at the source: it lives on as its client and project\" }},"
        ));
        laid.part.head.push("]".to_owned());
    }
    laid
}

/// A lead's stage is a label, which people change; a field keeps it, and the deal inherits that.
fn stage_field(plan: &Planned, scene: &mut Scene<'_>, lines: &[Line]) -> Option<Line> {
    let label = lines.iter().find(|line| line.to == "label_ids")?;
    let column = plan.column(label.columns.first()?)?.clone();
    Some(scene.custom_line(&column, Entity::Lead, plan))
}

fn lead_lines(plan: &Planned, scene: &Scene<'_>, names: &[String], company: Option<&Found>) -> Vec<Line> {
    let title = found(plan, Entity::Lead, "title").into_iter().find(|column| !names.contains(&column.name));
    let mut lines = Vec::new();
    let mut columns: Vec<String> = company.map(|column| column.name.clone()).into_iter().collect();
    match title {
        Some(title) => columns.insert(0, title.name.clone()),
        None if !names.is_empty() => {
            let when = if company.is_some() || names.len() > 1 { names.first() } else { None };
            let own = Line::from("title", "name", names);
            let own = if names.len() > 1 { own.key("join = \" \"") } else { own };
            match when {
                Some(first) => lines.push(own.key(format!("when = {}", quoted(first)))),
                None => columns.extend(names.iter().cloned()),
            }
        }
        None => {}
    }
    for name in names.iter().chain(&emails(plan)) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    if columns.is_empty() {
        columns.extend(scene.known.tables.get(plan.at).and(plan.key.clone()));
    }
    lines.push(Line::from("title", "text", &columns).key("cut = true").remark("the first of these that has a value"));
    lines
}

/// The lines that a lead's own person and organization share with it.
fn common(plan: &Planned, scene: &Scene<'_>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(scene.owner_line("owner_id", &found(plan, Entity::Lead, "owner_id"), plan));
    let created = plan.of_concept("created").filter(|column| !is_empty(column));
    lines.extend(created.map(|column| Line::from("add_time", "datetime", std::slice::from_ref(&column.name))));
    lines
}

fn emails(plan: &Planned) -> Vec<String> {
    found(plan, Entity::Person, "emails").into_iter().map(|column| column.name.clone()).collect()
}

/// The amount, with its currency where a column has it.
pub(super) fn value_line(plan: &Planned, entity: Entity) -> Option<Line> {
    let columns = found(plan, entity, "value");
    let amount = columns.iter().find(|column| column.concept() != "currency")?;
    let currency = columns.iter().find(|column| column.concept() == "currency");
    let own = line("value", "money", amount, plan);
    let Some(currency) = currency else { return Some(own) };
    let mut own = own.key(format!("currency_from = {}", quoted(&currency.name)));
    own.columns.push(currency.name.clone());
    Some(own)
}

/// Links to the client that a row names, then to the row's own person and organization.
fn links(plan: &Planned, scene: &Scene<'_>, client: Option<&Found>, own_roles: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (field, entity) in [("person_id", Entity::Person), ("organization_id", Entity::Organization)] {
        let by_place = found(plan, Entity::Lead, field);
        for column in client.into_iter().chain(by_place) {
            lines.extend(link(field, column, entity, scene, plan));
        }
        if own_roles.contains(&entity.to_string()) {
            lines.push(Line::plain(field, "link").key(format!("own_role = \"{entity}\"")));
        }
    }
    lines
}

/// A link by a column, where the table it points at becomes such a record.
pub(super) fn link(field: &str, column: &Found, entity: Entity, scene: &Scene<'_>, plan: &Planned) -> Option<Line> {
    let object = scene.target(column, entity)?;
    let own = line(field, "link", column, plan);
    Some(own.key(format!("object = \"{object}\"")).key(format!("role = \"{entity}\"")))
}

/// The column that points at a table of such records; those that only say what became of a row do not count.
fn reference<'p>(plan: &'p Planned, scene: &Scene<'_>, entities: &[Entity]) -> Option<&'p Found> {
    plan.columns.iter().find(|column| {
        entities.iter().any(|entity| scene.target(column, *entity).is_some_and(|object| Some(object) != plan.object))
            && !matches!(column.concept(), "company_name" | "email" | "full_name" | "name")
    })
}

fn person(plan: &Planned, scene: &mut Scene<'_>, names: &[String], company: Option<&Found>) -> Section {
    let mut own = section(Entity::Person);
    let emails = emails(plan);
    let any: Vec<String> =
        names.iter().chain(emails.iter().filter(|_| plan.becomes.contains(&Entity::Lead))).cloned().collect();
    if plan.becomes.len() > 1 && !any.is_empty() {
        let any = any.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        own.head.push(format!("when_any = [{any}]"));
    }
    if !emails.is_empty() && !names.is_empty() {
        own.head.extend(person_key(&emails, names, company));
    }
    let by = if emails.is_empty() { "[\"phones\", \"name\"]" } else { "\"emails\"" };
    let has_phones = plan.at_place(Entity::Person, "phones").next().is_some();
    if !emails.is_empty() || has_phones {
        own.head.push(format!("existing = {{ by = [{by}], then = \"fill\" }}"));
    }
    let mut columns = names.to_vec();
    if names.len() < 2 || names.is_empty() {
        columns.extend(emails.first().cloned());
    }
    let name = Line::from("name", "name", &columns);
    let first = plan.columns.iter().find(|column| Some(&column.name) == columns.first());
    let name = if names.len() > 1 { name.key("join = \" \"") } else { name };
    own.lines.push(name.remark(first.map_or(String::new(), |first| remark(first, plan))));
    let references = found(plan, Entity::Person, "org_id");
    for column in references {
        own.lines.extend(link("org_id", column, Entity::Organization, scene, plan));
    }
    if company.is_some() {
        own.lines.push(Line::plain("org_id", "link").key("own_role = \"organization\""));
    }
    own.lines.extend(scene.lines_of(Entity::Person, plan, &["name", "org_id"]));
    if !own.lines.iter().any(|line| line.to == "org_id") {
        // A company that no table holds is kept as text.
        let texts: Vec<Found> = found(plan, Entity::Person, "org_id").into_iter().cloned().collect();
        own.lines.extend(texts.iter().map(|column| scene.custom_line(column, Entity::Person, plan)));
    }
    own.lines = unique(std::mem::take(&mut own.lines));
    own
}

fn organization_key(company: &str) -> String {
    format!("duplicate_key = [{{ from = {}, clean = \"text\", required = true }}]", quoted(company))
}

/// Two rows are one person when address, name and company are the same; the same address alone is only flagged.
fn person_key(emails: &[String], names: &[String], company: Option<&Found>) -> Vec<String> {
    let email = quoted_list(emails);
    let joined = if names.len() > 1 { ", join = \" \"" } else { "" };
    let mut lines = vec!["duplicate_key = [".to_owned()];
    lines.push(format!("  {{ from = {email}, clean = \"emails\", required = true }},"));
    lines.push(format!("  {{ from = {}{joined}, clean = \"name\", required = true }},", quoted_list(names)));
    lines.extend(company.map(|company| format!("  {{ from = {}, clean = \"text\" }},", quoted(&company.name))));
    lines.push("]".to_owned());
    lines.push(format!("similar_key = [{{ from = {email}, clean = \"emails\", required = true }}]"));
    lines
}

/// The columns of a person's name: first and last, or the whole.
pub(super) fn person_names(plan: &Planned, entity: Entity) -> Vec<String> {
    let columns = found(plan, entity, "name");
    let of =
        |concept: &str| columns.iter().find(|column| column.concept() == concept).map(|column| column.name.clone());
    let parts: Vec<String> =
        ["first_name", "middle_name", "last_name", "name_suffix"].into_iter().filter_map(of).collect();
    let whole = columns.first().map(|column| column.name.clone());
    if parts.is_empty() { whole.into_iter().collect() } else { parts }
}

/// The column of the company's name.
fn company_column(plan: &Planned) -> Option<&Found> {
    let named = found(plan, Entity::Organization, "name");
    let best = named.iter().find(|column| column.concept() == "company_name").or_else(|| named.first()).copied();
    best.or_else(|| plan.of_concept("company_name").filter(|column| !is_empty(column)))
        // The key itself may be the name: files without other keys.
        .or_else(|| plan.column(plan.key.as_deref()?).filter(|_| plan.becomes == [Entity::Organization]))
}

/// Columns with a place that have values.
pub(super) fn found<'p>(plan: &'p Planned, entity: Entity, field: &'p str) -> Vec<&'p Found> {
    plan.at_place(entity, field).filter(|column| !is_empty(column)).collect()
}

/// Owner and creation, which both records of a row have.
fn shared(lines: &[Line], plan: &Planned, entity: Entity) -> Vec<Line> {
    let other = if entity == Entity::Person { Entity::Organization } else { Entity::Person };
    let mut more = Vec::new();
    for (field, kind) in [("owner_id", "owner"), ("add_time", "datetime")] {
        let column = found(plan, other, field).into_iter().next();
        if let Some(column) = column.filter(|_| !lines.iter().any(|line| line.to == field)) {
            more.push(Line::from(field, kind, std::slice::from_ref(&column.name)));
        }
    }
    more
}

/// What is one record's, on the other one too, for rows that become only that.
fn copies(plan: &Planned, scene: &mut Scene<'_>, from: Entity, to: Entity, unless: &[String]) -> Vec<Line> {
    let skipped = ["name", "org_id", "owner_id", "add_time"];
    let own: Vec<Found> = plan
        .columns
        .iter()
        .filter(|column| column.place().entity() == Some(from) && !is_empty(column))
        .filter(|column| !matches!(column.place(), Place::System(_, field) if skipped.contains(&field.as_str())))
        .cloned()
        .collect();
    let mut lines = Vec::new();
    for column in own {
        let line = scene.custom_line(&column, to, plan);
        let line = if unless.is_empty() { line } else { line.key(condition("unless", unless)) };
        lines.push(line.remark("for rows that become only this record"));
    }
    lines
}

/// Each target once, but for links, of which the next has its turn where one is empty.
pub(super) fn unique(lines: Vec<Line>) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let repeats = kept.iter().any(|known| {
            known.to == line.to
                && !(known.kind == "link" && line.kind == "link" && known.keys != line.keys)
                && !known.keys.iter().any(|key| key.starts_with("when") || key.starts_with("only_if"))
        });
        if !repeats {
            kept.push(line);
        }
    }
    kept
}

/// Whether an object is proposed for a table of persons or organizations.
pub(super) fn is_party(object: Object) -> bool {
    matches!(object, Object::Client | Object::Contact)
}
