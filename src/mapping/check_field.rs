//! From one field as written to one field ready for use.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::accepted::{self, Accepted};
use super::called::LinkBy;
use super::check::{self, Aliases};
use super::column::Column;
use super::field::{Extra, Field, Fold, FoldOf, Kind, LinkRule, Origin, Other, Pick, ValueMap, custom_owner};
use super::object::{Applies, KeyPart};
use super::problems::Problems;
use super::raw::{OneOrMany, RawField, RawKeyPart};
use super::shape::{Format, Lookup, Split};
use super::template::Template;
use crate::record::{Entity, Target, fold_name};

/// Makes columns, with the corrections that their object declares.
pub(super) struct Columns<'a> {
    /// Corrections by column.
    pub(super) aliases: &'a Aliases,
}

impl Columns<'_> {
    pub(super) fn column(&self, name: &str) -> Column {
        let column = Column::new(name);
        match self.aliases.get(name) {
            Some(aliases) => column.with_aliases(aliases),
            None => column,
        }
    }

    fn template(&self, written: &str, place: &str, problems: &mut Problems) -> Option<Template> {
        problems.take(place, written, Template::parse(written, |name| self.column(name)))
    }
}

/// Where a value comes from, as written.
struct Sources {
    from: Option<OneOrMany>,
    join: Option<String>,
    template: Option<String>,
    constant: Option<String>,
    own_role: bool,
    fold: bool,
}

/// Checks one field. Problems that leave a usable field are told and the field is kept, so that later checks see it.
pub(super) fn field(
    raw: RawField,
    entity: Entity,
    columns: &Columns<'_>,
    place: &str,
    problems: &mut Problems,
) -> Option<Field> {
    let (target, facts) = target(&raw, entity, place, problems);
    check_value_rules(&raw, facts, place, problems);
    let extra = extra(&raw, columns, place, problems);
    let fold = fold(&raw, columns, place, problems);
    let values = values(&raw, place, problems);
    let shape = shape(&raw, place, problems);
    let scale = raw.scale.as_deref().and_then(|scale| {
        let read = Decimal::from_str(scale).map_err(|_| "is no number");
        problems.take(place, scale, read)
    });
    if scale.is_some() && !matches!(raw.kind, Kind::Number | Kind::Money) {
        problems.add(place, raw.kind.as_str(), "takes no scale; only number and money do");
    }
    let pick = match &fold {
        // What becomes of the value is the same as with a column of the row's own.
        Some(Fold { of: FoldOf::Pick(_), .. }) => Some(picked(&raw, columns, place, problems)?),
        _ => None,
    };
    let sources = Sources {
        from: raw.from,
        join: raw.join,
        template: raw.template,
        constant: raw.constant,
        own_role: raw.own_role.is_some(),
        fold: raw.fold.is_some(),
    };
    let from = match (origin(sources, columns, place, problems)?, pick) {
        (_, Some(pick)) => pick,
        (origin, None) => origin,
    };
    let label = match (&fold, from.label()) {
        (Some(fold), _) => fold.object.to_string(),
        (None, label) if label.is_empty() => target.to_string(),
        (None, label) => label,
    };
    let longest = facts.map_or_else(|| accepted::custom_length(raw.kind), |facts| facts.max_length);
    Some(Field {
        kind: raw.kind,
        from,
        label,
        applies: Applies {
            when: columns.all(raw.when),
            when_any: Vec::new(),
            unless: columns.all(raw.unless),
            only_if: check::conditions(raw.only_if, columns),
        },
        fold,
        split: shape.split,
        lookup: shape.lookup,
        format: shape.format,
        values,
        default: raw.default,
        flag_missing: raw.flag_missing,
        required: raw.required || facts.is_some_and(|facts| facts.required),
        max_length: raw.max_length.map_or(longest, |own| own.min(longest)),
        cut: raw.cut,
        scale,
        extra,
        target,
    })
}

/// The target and, for a system field, what Pipedrive says of it.
fn target(raw: &RawField, entity: Entity, place: &str, problems: &mut Problems) -> (Target, Option<&'static Accepted>) {
    if let Some(name) = raw.to.strip_prefix("custom:") {
        check::check_field_name(place, name, problems);
        if custom_owner(entity).is_none() {
            problems.add(place, &*raw.to, format!("cannot be: a {entity} has no custom fields that the API writes"));
        } else if accepted::custom_type(raw.kind).is_none() {
            problems.add(place, raw.kind.as_str(), "has no type of custom field; use text or date instead");
        }
        return (Target::Custom(name.to_owned()), None);
    }
    let known = accepted::accepted(entity);
    let facts = known.iter().find(|facts| facts.name == raw.to);
    match facts {
        None => {
            let names: Vec<&str> = known.iter().map(|facts| facts.name).collect();
            problems.add(
                place,
                &*raw.to,
                format!("is no field of a {entity} that can be set; known: {}, custom:NAME", names.join(", ")),
            );
        }
        Some(facts) if !facts.kinds.contains(&raw.kind) => {
            let kinds: Vec<&str> = facts.kinds.iter().map(|kind| kind.as_str()).collect();
            problems.add(
                place,
                raw.kind.as_str(),
                format!("does not fit {}; it takes {}", facts.name, kinds.join(" or ")),
            );
        }
        Some(_) => {}
    }
    (Target::System(raw.to.clone()), facts)
}

/// Values fixed in the mapping must be ones that Pipedrive takes.
fn check_value_rules(raw: &RawField, facts: Option<&Accepted>, place: &str, problems: &mut Problems) {
    let choices = facts.map(|facts| facts.choices).unwrap_or_default();
    let fixed =
        raw.values.iter().flat_map(|values| values.values()).chain(&raw.constant).chain(&raw.default).chain(&raw.other);
    for value in fixed {
        if !choices.is_empty() && !choices.contains(&value.as_str()) {
            problems.add(place, value, format!("is not one of {}", choices.join(", ")));
        }
        if raw.options.as_ref().is_some_and(|options| !options.contains(value)) {
            problems.add(place, value, "is not among the options");
        }
    }
    if raw.values.is_none() && (raw.other.is_some() || raw.keep_other) {
        problems.add(place, "", "has other or keep_other without values");
    }
    if !choices.is_empty() && raw.values.is_none() && raw.constant.is_none() {
        problems.add(place, "", format!("needs values or a constant, each one of {}", choices.join(", ")));
    }
    if raw.kind == Kind::ActivityType && ((raw.values.is_none() && raw.constant.is_none()) || raw.keep_other) {
        problems.add(
            place,
            "",
            "needs values (without keep_other) or a constant, so that the types are known before the load",
        );
    }
    if raw.cut && !matches!(raw.kind, Kind::Text | Kind::LongText | Kind::Name | Kind::Html | Kind::Address) {
        problems.add(place, raw.kind.as_str(), "cannot be cut; only texts can");
    }
    if raw.max_length == Some(0) {
        problems.add(place, "0", "leaves no room for a value");
    }
}

fn values(raw: &RawField, place: &str, problems: &mut Problems) -> Option<ValueMap> {
    let written = raw.values.as_ref()?;
    let other = match (&raw.other, raw.keep_other) {
        (Some(_), true) => {
            problems.add(place, "", "has both other and keep_other");
            Other::Keep
        }
        (Some(value), false) => Other::Use(value.clone()),
        (None, true) => Other::Keep,
        (None, false) => Other::Drop,
    };
    let mut listed = std::collections::HashMap::with_capacity(written.len());
    for (value, meant) in written {
        if listed.insert(fold_name(value), meant.clone()).is_some() {
            problems.add(place, value, "is listed twice, with other capitals or spaces");
        }
    }
    Some(ValueMap { listed, other })
}

/// What happens to the text before it is read.
struct Shape {
    split: Option<Split>,
    lookup: Option<Lookup>,
    format: Option<Format>,
}

fn shape(raw: &RawField, place: &str, problems: &mut Problems) -> Shape {
    let has_text = [&raw.template, &raw.first, &raw.latest].iter().any(|key| key.is_some()) || raw.from.is_some();
    let needs_text =
        [("split", raw.split.is_some()), ("lookup", raw.lookup.is_some()), ("format", raw.format.is_some())];
    for (name, _) in needs_text.iter().filter(|(_, is_given)| *is_given && !has_text) {
        problems.add(place, *name, "needs from, template, first or latest, whose text it is about");
    }
    let split = raw.split.as_ref().map(|split| {
        if split.at.is_empty() {
            problems.add(place, "", "has an empty separator in split");
        }
        match split.part {
            Some(0) => problems.add(place, "0", "is no part; the first is 1, the last -1"),
            None if raw.kind != Kind::Set => {
                problems.add(place, raw.kind.as_str(), "needs a part in split; only a set takes all of them");
            }
            _ => {}
        }
        Split { at: split.at.clone(), part: split.part }
    });
    let format =
        raw.format.as_ref().and_then(|written| problems.take(place, written, Format::parse(written, raw.kind)));
    if let Some(lookup) = &raw.lookup {
        let is_plain = !lookup.file.is_empty() && !lookup.file.contains(['/', '\\']) && lookup.file.ends_with(".csv");
        if !is_plain {
            problems.add(place, &*lookup.file, "is no CSV file beside the mapping, such as territories.csv");
        }
    }
    Shape { split, lookup: raw.lookup.clone(), format }
}

/// The settings that belong to some kinds only; each with another kind is a problem.
fn extra(raw: &RawField, columns: &Columns<'_>, place: &str, problems: &mut Problems) -> Extra {
    let mut found: Vec<(&str, bool, Extra)> = Vec::new();
    if let Some(name) = &raw.currency_from {
        found.push(("currency_from", raw.kind == Kind::Money, Extra::Currency(columns.column(name))));
    }
    if let Some(name) = &raw.time_from {
        found.push(("time_from", raw.kind == Kind::Due, Extra::Time(columns.column(name))));
    }
    if let Some(name) = &raw.pipeline_from {
        found.push(("pipeline_from", raw.kind == Kind::Stage, Extra::Pipeline(columns.column(name))));
    }
    if let Some(name) = &raw.pipeline {
        found.push(("pipeline", raw.kind == Kind::Stage, Extra::PipelineNamed(name.clone())));
    }
    if let Some(options) = &raw.options {
        found.push(("options", matches!(raw.kind, Kind::Enum | Kind::Set), Extra::Options(options.clone())));
    }
    if let Some(label) = &raw.label {
        found.push(("label", matches!(raw.kind, Kind::Emails | Kind::Phones), Extra::Label(label.clone())));
    }
    if let Some(footer) = &raw.footer {
        let templates = footer.iter().filter_map(|written| columns.template(written, place, problems)).collect();
        found.push(("footer", raw.kind == Kind::Html, Extra::Footer(templates)));
    }
    if let Some(role) = &raw.own_role {
        found.push(("own_role", raw.kind == Kind::Link, Extra::OwnRole(role.clone())));
    }
    if let Some(link) = link(raw, place, problems) {
        found.push(("object, role and by", raw.kind == Kind::Link, Extra::Link(link)));
    } else if raw.kind == Kind::Link && raw.own_role.is_none() {
        problems.add(place, "", "needs object and role, or own_role: what it points at");
    }
    for (name, fits, _) in &found {
        if !fits {
            problems.add(place, *name, format!("does not belong to kind {}", raw.kind));
        }
    }
    found.pop().map_or(Extra::None, |(_, _, extra)| extra)
}

fn link(raw: &RawField, place: &str, problems: &mut Problems) -> Option<LinkRule> {
    match (raw.object, &raw.role, &raw.own_role) {
        (Some(object), Some(role), None) => {
            let by = raw.by.as_deref().map_or(Some(LinkBy::Id), LinkBy::parse);
            let Some(by) = by else {
                problems.add(place, "by", "must be id, name or email");
                return None;
            };
            Some(LinkRule { object, role: role.clone(), by })
        }
        (None, None, _) if raw.by.is_none() || raw.fold.is_some() => None,
        _ => {
            problems.add(place, "", "needs both object and role, without own_role; by belongs to these two");
            None
        }
    }
}

fn fold(raw: &RawField, columns: &Columns<'_>, place: &str, problems: &mut Problems) -> Option<Fold> {
    let pick = |from_end| {
        FoldOf::Pick(Pick {
            from_end,
            by: raw.by.as_ref().map(|name| columns.column(name)),
            nth: raw.nth.unwrap_or(1).max(1),
        })
    };
    let given: Vec<FoldOf> = [
        raw.count.then_some(FoldOf::Count),
        raw.sum.as_ref().map(|name| FoldOf::Sum(columns.column(name))),
        raw.list.as_ref().and_then(|written| columns.template(written, place, problems).map(FoldOf::List)),
        raw.first.as_ref().map(|_| pick(false)),
        raw.latest.as_ref().map(|_| pick(true)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if given.len() > 1 {
        problems.add(place, "", format!("has more than one of {FOLDS}"));
    }
    let of = given.into_iter().next();
    let fits = match of {
        Some(FoldOf::Count) => raw.kind == Kind::Number,
        Some(FoldOf::Sum(_)) => matches!(raw.kind, Kind::Money | Kind::Number),
        Some(FoldOf::List(_)) => raw.kind == Kind::LongText,
        Some(FoldOf::Pick(_)) => !matches!(raw.kind, Kind::Link | Kind::Stage | Kind::Due),
        None => true,
    };
    if !fits {
        problems.add(
            place,
            raw.kind.as_str(),
            "does not fit: count makes a number, sum a number or money, list a long_text, first and latest any value \
             but a link, a stage or a due",
        );
    }
    if !matches!(of, Some(FoldOf::Pick(_))) && (raw.by.is_some() && raw.object.is_none() || raw.nth.is_some()) {
        problems.add(place, "", "has by or nth without first or latest, which they are about");
    }
    sum_in(raw, place, problems);
    if raw.nth == Some(0) {
        problems.add(place, "0", "is no place: nth counts from 1");
    }
    if raw.fold.is_none() && !raw.fold_if.is_empty() {
        problems.add(place, "", "has fold_if without fold, the children's object");
    }
    match (raw.fold, of) {
        (Some(object), Some(of)) => {
            let only = check::conditions(raw.fold_if.clone(), columns);
            Some(Fold { object, only, currency: raw.sum_in.clone(), of })
        }
        (Some(object), None) => {
            problems.add(place, object.as_str(), format!("is folded without {FOLDS}"));
            None
        }
        (None, Some(_)) => {
            problems.add(place, "", format!("has one of {FOLDS} without fold, the children's object"));
            None
        }
        (None, None) => None,
    }
}

/// A sum of one currency needs to know each amount's.
fn sum_in(raw: &RawField, place: &str, problems: &mut Problems) {
    let Some(code) = &raw.sum_in else { return };
    if code.len() != 3 || !code.chars().all(|letter| letter.is_ascii_uppercase()) {
        problems.add(place, code.as_str(), "is no currency: sum_in is a code of three capital letters");
    }
    if raw.sum.is_none() || raw.kind != Kind::Money || raw.currency_from.is_none() {
        problems.add(
            place,
            code.as_str(),
            "needs sum, the kind money, and currency_from, which tells each amount's currency",
        );
    }
}

/// What is read of the child that is meant: a column, or a text made of several.
fn picked(raw: &RawField, columns: &Columns<'_>, place: &str, problems: &mut Problems) -> Option<Origin> {
    let written = raw.first.as_ref().or(raw.latest.as_ref())?;
    if written.contains('{') {
        return columns.template(written, place, problems).map(Origin::Template);
    }
    if written.trim().is_empty() {
        problems.add(place, "", "has an empty column name in first or latest");
    }
    Some(Origin::First(vec![columns.column(written)]))
}

/// The rules by which several children become one value.
const FOLDS: &str = "count, sum, list, first and latest";

fn origin(sources: Sources, columns: &Columns<'_>, place: &str, problems: &mut Problems) -> Option<Origin> {
    let given = [
        sources.from.is_some(),
        sources.template.is_some(),
        sources.constant.is_some(),
        sources.own_role,
        sources.fold,
    ];
    if given.iter().filter(|is_given| **is_given).count() != 1 {
        problems.add(place, "", "needs exactly one of from, template, constant, own_role and fold");
        return None;
    }
    if sources.join.is_some() && sources.from.is_none() {
        problems.add(place, "", "has join without from");
    }
    if let Some(constant) = sources.constant {
        return Some(Origin::Constant(constant));
    }
    if let Some(written) = sources.template {
        return columns.template(&written, place, problems).map(Origin::Template);
    }
    let Some(from) = sources.from else { return Some(Origin::OwnId) };
    let names = from.into_vec();
    if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
        problems.add(place, "", "has an empty column name in from");
    }
    let list: Vec<Column> = names.iter().map(|name| columns.column(name)).collect();
    Some(match sources.join {
        Some(separator) => Origin::Joined(list, separator),
        None => Origin::First(list),
    })
}

/// Checks one part of a duplicate key.
pub(super) fn key_part(
    raw: RawKeyPart,
    columns: &Columns<'_>,
    place: &str,
    problems: &mut Problems,
) -> Option<KeyPart> {
    let sources = Sources {
        from: raw.from,
        join: raw.join,
        template: raw.template,
        constant: None,
        own_role: false,
        fold: false,
    };
    let from = origin(sources, columns, place, problems)?;
    Some(KeyPart { from, clean: raw.clean, required: raw.required })
}
