//! Custom fields and their options: those that are missing are made, those that are there are used as they are.

use std::collections::{BTreeMap, HashMap};

use super::Migration;
use super::ensure::Work;
use super::inventory::{FIELD_OWNERS, field_entity};
use super::standing::{called, missing_options, options};
use crate::error::{Error, Kind, Result};
use crate::mapping::workspace::CustomField;
use crate::pipedrive::{Field, FieldOption, NewField};
use crate::record::{Entity, fold_name};
use crate::stage::resolve::FieldKey;

/// The option of a list that nothing in the data uses: Pipedrive refuses such a field without one.
const NO_OPTION: &str = "(none)";

/// Kind under which the journal keeps that options are made.
const OPTIONS: &str = "options";

impl Migration {
    /// Every field that the mapping needs, with the ids of its options. `there` is what the account has, by kind of record.
    pub(super) async fn ensure_fields(
        &self,
        work: &Work<'_>,
        there: &[(Entity, Vec<Field>)],
    ) -> Result<HashMap<(Entity, String), FieldKey>> {
        let wanted = self.mapping.custom_fields();
        let mut keys = HashMap::new();
        for owner in FIELD_OWNERS {
            let known = there.iter().find(|(own, _)| *own == owner).map_or(&[][..], |(_, fields)| fields);
            for field in wanted.iter().filter(|field| field.entity == owner) {
                self.border().await?;
                let labels = options(field, work.needs);
                let (customs, _) = called(known, &field.name);
                let found = work.ours.pick(&customs).cloned();
                if found.is_none() && customs.len() > 1 {
                    let why = format!("{} custom fields of {owner}s are called '{}'", customs.len(), field.name);
                    return Err(Error::new(Kind::Settings, why).because("rename one of them"));
                }
                let made = self.ensure_field(work, field, found, &labels).await?;
                let (code, field_type) = (made.code, made.field_type);
                let key = FieldKey { code, field_type, options: ids(&labels, &made.options) };
                keys.insert((owner, field.name.clone()), key);
                self.progress.add_done(1);
            }
        }
        Ok(keys)
    }

    async fn ensure_field(
        &self,
        work: &Work<'_>,
        wanted: &CustomField,
        known: Option<Field>,
        labels: &[String],
    ) -> Result<Field> {
        let entity = field_entity(wanted.entity);
        let mut field = match known {
            Some(known) => {
                // An earlier run of ours ended between making it and saying so.
                if work.ours.was_making(entity, &wanted.name) && !work.ours.made(entity, &known.code) {
                    self.made(work.me, entity, (&known.code, &wanted.name)).await?;
                }
                known
            }
            None => self.make_field(work, wanted, labels).await?,
        };
        if field.field_type != wanted.field_type {
            let why = format!(
                "custom field '{}' of {} exists with type {} and is needed with type {}; rename one of them",
                wanted.name, wanted.entity, field.field_type, wanted.field_type
            );
            return Err(Error::new(Kind::Settings, why));
        }
        let missing = missing_options(labels, &field.options);
        if !missing.is_empty() {
            let find = async || {
                let fields = self.client.fields(entity).await?;
                let now = fields.into_iter().find(|now| now.code == field.code).map(|now| now.options);
                Ok(now.filter(|options| missing_options(&missing, options).is_empty()))
            };
            let create = async || self.client.add_options(entity, &field.code, &missing, work.permit).await;
            // Each set of them for itself: a field may be given more of them later.
            let set = format!("{} {}", field.code, missing.join(" "));
            self.making(work.me, OPTIONS, &set).await?;
            let added = self.ensure(&wanted.name, find, create).await?;
            self.made(work.me, OPTIONS, (&set, &set)).await?;
            field.options.retain(|known| added.iter().all(|option| option.id != known.id));
            field.options.extend(added);
        }
        Ok(field)
    }

    async fn make_field(&self, work: &Work<'_>, wanted: &CustomField, labels: &[String]) -> Result<Field> {
        let entity = field_entity(wanted.entity);
        let mut labels = missing_options(labels, &[]);
        if labels.is_empty() && matches!(wanted.field_type, "enum" | "set") {
            labels.push(NO_OPTION.to_owned());
        }
        let (name, field_type) = (wanted.name.clone(), wanted.field_type.to_owned());
        let new = NewField { name, field_type, options: labels };
        self.making(work.me, entity, &wanted.name).await?;
        let find = async || {
            let fields = self.client.fields(entity).await?;
            let named = |field: &Field| field.custom && fold_name(&field.name) == fold_name(&wanted.name);
            Ok(fields.into_iter().find(named))
        };
        let create = async || self.client.create_field(entity, &new, work.permit).await;
        let made = self.ensure(&wanted.name, find, create).await?;
        self.made(work.me, entity, (&made.code, &wanted.name)).await?;
        Ok(made)
    }
}

/// Ids by label: as the account spells them, and as the data does.
fn ids(labels: &[String], options: &[FieldOption]) -> BTreeMap<String, i64> {
    let mut folded: HashMap<String, i64> = HashMap::new();
    for option in options {
        folded.entry(fold_name(&option.label)).or_insert(option.id);
    }
    let spelled = labels.iter().filter_map(|label| Some((label.trim().to_owned(), *folded.get(&fold_name(label))?)));
    let mut ids: BTreeMap<String, i64> = spelled.collect();
    // The account's own spelling is meant exactly.
    ids.extend(options.iter().map(|option| (option.label.clone(), option.id)));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_means_its_option_however_it_is_spelled() {
        let option = |id, label: &str| FieldOption { id, label: label.to_owned() };
        let labels = ["Gold".to_owned(), "SILVER ".to_owned(), "bronze".to_owned()];
        let ids = ids(&labels, &[option(1, "gold"), option(2, "Silver"), option(3, "Gold"), option(4, "bronze")]);
        assert_eq!((ids["Gold"], ids["gold"], ids["SILVER"], ids["Silver"], ids["bronze"]), (3, 1, 2, 2, 4));
    }
}
