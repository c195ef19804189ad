//! What each rule of folding would make of real rows: the parents that have the most of them, and for each rule what they
//! would hold. So whoever chooses a rule sees it on values of this account.

use std::collections::BTreeMap;

use super::Rows;
use super::previews::words;
use crate::clean::{dates, money, shown};
use crate::mapping::Mapping;
use crate::mapping::column::Column;
use crate::mapping::defaults::Defaults;
use crate::mapping::field::{Extra, Field, Fold, FoldOf, Kind, Origin, Pick};
use crate::mapping::object::{Applies, Destination, ObjectRules};
use crate::mapping::placement::Rule;
use crate::mapping::template::Template;
use crate::propose::layout::says_amount;
use crate::record::{Entity, Object, SourceRecord, Target};
use crate::report::page::counted;
use crate::report::review::{RulePreview, RulePreviews};
use crate::stage::normalize::{Normalized, RoleResult, normalize};

/// Parents that are shown for each kind of children.
const PARENTS: usize = 3;

/// Rows that have values of their own where a rule splits them.
const SPLIT: usize = 3;

/// Characters of one value: lists of a dozen rows.
const LENGTH: usize = 2_000;

/// By kind of the children.
pub(super) fn of(rows: &Rows, mapping: &Mapping) -> BTreeMap<Object, RulePreviews> {
    let mut previews = BTreeMap::new();
    for rules in &mapping.objects {
        let Some(fold) = &rules.fold_into else { continue };
        let own = |parent: &SourceRecord| parent.children.iter().filter(|child| child.object == rules.object).count();
        let of_kind = rows.get(&fold.object).map(|sample| sample.records.as_slice()).unwrap_or_default();
        let mut parents: Vec<&SourceRecord> = of_kind.iter().filter(|parent| own(parent) > 0).collect();
        // The first of equals.
        parents.sort_by_key(|parent| std::cmp::Reverse(own(parent)));
        parents.truncate(PARENTS);
        let Some(trial) = Trial::new(rules, &parents, mapping) else { continue };
        let rule = |rule: &Rule| RulePreview {
            rule: rule.to_string(),
            gives: parents.iter().map(|parent| trial.gives(*rule, parent)).collect(),
        };
        let rows = |parent: &SourceRecord| counted(own(parent) as u64, "row", "rows");
        let named = |parent: &&SourceRecord| format!("{} {} ({})", fold.object, parent.id, rows(parent));
        let names = parents.iter().map(named).collect();
        previews.insert(rules.object, RulePreviews { parents: names, rules: Rule::ALL.iter().map(rule).collect() });
    }
    previews
}

/// A mapping in which the parent has one field for each thing that a rule may need, and no other.
struct Trial {
    mapping: Mapping,
    child: Object,
    /// Whether there is an amount to add up.
    adds_up: bool,
}

impl Trial {
    fn new(child: &ObjectRules, parents: &[&SourceRecord], mapping: &Mapping) -> Option<Self> {
        let fold = child.fold_into.as_ref()?;
        let rows: Vec<&SourceRecord> =
            parents.iter().flat_map(|parent| &parent.children).filter(|row| row.object == child.object).collect();
        let mut mapping = mapping.clone();
        let known = Known::of(child, &rows, &mapping)?;
        let object = child.object;
        let pick = |from_end, by: &Option<Column>, nth| FoldOf::Pick(Pick { from_end, by: by.clone(), nth });
        let line = || Origin::Template(known.line.clone());
        let none = || Origin::First(Vec::new());
        let mut fields = vec![
            field(object, "count", (Kind::Number, Extra::None), none(), FoldOf::Count),
            field(object, "list", (Kind::LongText, Extra::None), none(), FoldOf::List(known.line.clone())),
            field(object, "latest", (Kind::LongText, Extra::None), line(), pick(true, &known.by, 1)),
        ];
        for nth in 1..=SPLIT {
            let name = format!("row {nth}");
            fields.push(field(object, &name, (Kind::LongText, Extra::None), line(), pick(false, &None, nth)));
        }
        if let Some((amount, extra)) = &known.amount {
            fields.push(field(object, "sum", (Kind::Money, extra.clone()), none(), FoldOf::Sum(amount.clone())));
        }
        let parent = mapping.objects.iter_mut().find(|rules| rules.object == fold.object)?;
        let own = parent.to.first()?;
        parent.to = vec![Destination {
            // One of which Pipedrive demands nothing: the parent's other fields are not in question.
            entity: Entity::DealField,
            role: own.role.clone(),
            each: None,
            applies: Applies::default(),
            duplicate_key: Vec::new(),
            similar_key: Vec::new(),
            existing: own.existing.clone(),
            fields,
        }];
        Some(Self { mapping, child: object, adds_up: known.amount.is_some() })
    }

    /// What a parent would hold, in words.
    fn gives(&self, rule: Rule, parent: &SourceRecord) -> String {
        let Normalized::Roles(roles) = normalize(parent, &self.mapping, None) else { return String::new() };
        let mut drafts = roles.into_iter().filter_map(|role| match role.result {
            RoleResult::Draft { draft, findings } => Some((draft, findings)),
            RoleResult::LeftOut(_) => None,
        });
        let Some((draft, findings)) = drafts.next() else { return String::new() };
        let value = |name: &str| {
            let own = draft.fields.iter().find(|(target, _)| *target == Target::Custom(name.to_owned()));
            own.map(|(_, value)| words(value)).unwrap_or_default()
        };
        let sum = || match (self.adds_up, value("sum")) {
            (false, _) => "no amount to add up".to_owned(),
            (true, sum) if !sum.is_empty() => sum,
            _ => {
                let why = findings.iter().find(|finding| finding.field == "sum").map(|finding| &*finding.detail);
                format!("no sum: {}", why.unwrap_or("no row has an amount"))
            }
        };
        let lines = || value("list").replace('\n', " / ");
        let (count, first) = (value("count"), value("row 1"));
        let many = |one: &str, many: &str| format!("{count} {}", if count == "1" { one } else { many });
        let gives = match rule {
            Rule::Sum => format!("{}; {}: {}", sum(), many("row", "rows"), lines()),
            Rule::First => first,
            Rule::Latest => format!("{} (of {count})", value("latest")),
            Rule::Count => count,
            Rule::List => format!("{}: {}", many("row", "rows"), lines()),
            Rule::Split => {
                let parts = (1..=SPLIT).map(|nth| value(&format!("row {nth}"))).filter(|text| !text.is_empty());
                let parts: Vec<String> = parts.zip(1..).map(|(text, nth)| format!("{nth}. {text}")).collect();
                format!("together {}; {}", sum(), parts.join(" / "))
            }
            Rule::Note => match &*count {
                "1" => format!("1 note: {first}"),
                _ => format!("{count} notes, the first of them: {first}"),
            },
            Rule::Activity => match &*count {
                "1" => format!("1 activity: {} {first}", self.child),
                _ => format!("{count} activities, the first of them: {} {first}", self.child),
            },
        };
        shown(&gives)
    }
}

fn field(object: Object, name: &str, (kind, extra): (Kind, Extra), from: Origin, of: FoldOf) -> Field {
    Field {
        target: Target::Custom(name.to_owned()),
        kind,
        from,
        label: name.to_owned(),
        applies: Applies::default(),
        fold: Some(Fold { object, only: Vec::new(), of }),
        split: None,
        lookup: None,
        format: None,
        values: None,
        default: None,
        flag_missing: None,
        required: false,
        max_length: LENGTH,
        cut: true,
        scale: None,
        extra,
    }
}

/// What the rules go by: as the mapping says, and where it says nothing by the columns.
struct Known {
    line: Template,
    by: Option<Column>,
    amount: Option<(Column, Extra)>,
}

impl Known {
    fn of(child: &ObjectRules, rows: &[&SourceRecord], mapping: &Mapping) -> Option<Self> {
        let parent = child.fold_into.as_ref().and_then(|fold| mapping.object(fold.object))?;
        let fields = parent.to.iter().flat_map(|to| &to.fields);
        let folds: Vec<(&Field, &Fold)> = fields
            .filter_map(|field| Some((field, field.fold.as_ref()?)))
            .filter(|(_, fold)| fold.object == child.object)
            .collect();
        let mut names: Vec<String> = Vec::new();
        for name in rows.iter().flat_map(|row| row.payload.keys()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let listed = folds.iter().find_map(|(_, fold)| match &fold.of {
            FoldOf::List(template) => Some(template.clone()),
            _ => None,
        });
        let line = listed.or_else(|| line(child, &names))?;
        let ordered = folds.iter().find_map(|(_, fold)| match &fold.of {
            FoldOf::Pick(pick) => pick.by.clone(),
            _ => None,
        });
        let by = ordered.or_else(|| time(&names, rows, &mapping.defaults));
        let summed = folds.iter().find_map(|(field, fold)| match &fold.of {
            FoldOf::Sum(column) => Some((column.clone(), field.extra.clone())),
            _ => None,
        });
        let picked = || {
            let is_money =
                |(field, fold): &&(&Field, &Fold)| field.kind == Kind::Money && matches!(fold.of, FoldOf::Pick(_));
            let (field, _) = folds.iter().find(is_money)?;
            let column = field.from.columns().first().map(|column| (*column).clone())?;
            Some((column, field.extra.clone()))
        };
        // As the mapping reads amounts of the parent itself, so that the sum is in its currency.
        let mut extras = parent.to.iter().flat_map(|to| &to.fields).map(|field| &field.extra);
        let currency = extras.find(|extra| matches!(extra, Extra::Currency(_)));
        let by_name = || Some((amount(&names, rows, &mapping.defaults)?, currency.cloned().unwrap_or(Extra::None)));
        let amount = summed.or_else(picked).or_else(by_name);
        Some(Self { line, by, amount })
    }
}

/// All columns of a row but its key and what names its parent.
fn line(child: &ObjectRules, names: &[String]) -> Option<Template> {
    let keys: Vec<&str> = child
        .id
        .iter()
        .chain(&child.modified)
        .chain(child.deleted.iter().map(|condition| &condition.column))
        .chain(child.fold_into.as_ref().map(|fold| &fold.from))
        .map(|column| column.name.as_str())
        .collect();
    let own = names.iter().filter(|name| !keys.contains(&name.as_str()) && !name.contains(['{', '}', '|', ':']));
    let pieces: Vec<String> = own.map(|name| format!("{name} {{{name}|none}}")).collect();
    Template::parse(&pieces.join(", "), Column::new).ok().filter(|_| !pieces.is_empty())
}

/// The texts of a column in the rows that have one.
fn texts(column: &Column, rows: &[&SourceRecord]) -> Vec<String> {
    rows.iter().filter_map(|row| column.text(&row.payload)).map(std::borrow::Cow::into_owned).collect()
}

fn amount(names: &[String], rows: &[&SourceRecord], defaults: &Defaults) -> Option<Column> {
    let mut named: Vec<&String> = names.iter().filter(|name| says_amount(name)).collect();
    // `amount` before `base_amount`.
    named.sort_by_key(|name| name.len());
    named.into_iter().map(|name| Column::new(name)).find(|column| {
        let mut values = rows.iter().filter_map(|row| column.value(&row.payload)).peekable();
        values.peek().is_some() && values.all(|value| money::money(value, None, defaults).is_ok())
    })
}

fn time(names: &[String], rows: &[&SourceRecord], defaults: &Defaults) -> Option<Column> {
    let is_time = |text: &String| {
        text.len() >= 8 && !text.bytes().all(|byte| byte.is_ascii_digit()) && dates::timestamp(text, defaults).is_ok()
    };
    names.iter().map(|name| Column::new(name)).find(|column| {
        let texts = texts(column, rows);
        !texts.is_empty() && texts.iter().all(is_time)
    })
}
