//! What a mapping can no longer change once the load has begun, because records carry it or nobody priced it.

use crate::mapping::Mapping;
use crate::mapping::object::{FoldInto, ObjectRules};
use crate::record::Object;

/// Everything that `new` changes of `old` and may not: one line each, with its place and the reason.
pub(super) fn unchangeable(old: &Mapping, new: &Mapping) -> Vec<String> {
    let mut found = Vec::new();
    for object in Object::ALL.iter().copied() {
        match (old.object(object), new.object(object)) {
            (Some(before), Some(now)) => {
                changed(before, now, &mut found);
                if before.skip != now.skip && old.ways_through(object).next().is_some() {
                    found.push(format!(
                        "object {object}: which of its rows are skipped decides what is folded through them, and those rows \
                         have ended as part of other records"
                    ));
                }
            }
            (None, Some(new)) => found.push(format!(
                "object {object}: table {} is new; its rows were not surveyed, so nobody knows what they cost",
                new.table
            )),
            _ => {}
        }
    }
    found
}

fn changed(old: &ObjectRules, new: &ObjectRules, found: &mut Vec<String>) {
    let place = format!("object {}", new.object);
    let names = |rules: &ObjectRules| rules.id.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    if old.table != new.table || names(old) != names(new) {
        found.push(format!("{place}: table and id are what its records are known by"));
    }
    let into = |fold: &Option<FoldInto>| fold.as_ref().map_or("nothing".to_owned(), FoldInto::words);
    let (before, now) = (into(&old.fold_into), into(&new.fold_into));
    if before != now {
        found.push(format!(
            "{place}: is now folded into {now}; it was {before}. Its rows have ended as part of those records, and another \
             placement would make or undo records without a price"
        ));
    }
    for destination in &new.to {
        let before = old.destination(&destination.role).filter(|before| before.entity != destination.entity);
        if let Some(before) = before {
            found.push(format!(
                "{place}, {}: is now a {}; its records are there as a {}",
                destination.role, destination.entity, before.entity
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PROMOX;

    #[track_caller]
    fn check(from: &str, to: &str, expected: &[&str]) {
        assert!(PROMOX.contains(from), "{from}");
        let new = Mapping::parse(&PROMOX.replacen(from, to, 1), "new").expect("a mapping");
        assert_eq!(unchangeable(&Mapping::promox(), &new), expected);
    }

    #[test]
    fn what_records_carry_stays() {
        check("sum = \"amount\"", "sum = \"base_amount\"", &[]);
        check(
            "table = \"notes\"",
            "table = \"history\"",
            &["object note: table and id are what its records are known by"],
        );
        check(
            "fold_into = { object = \"project\", from = \"project_id\" }",
            "fold_into = { object = \"project\", from = \"order_id\" }",
            &[
                "object commission: is now folded into project by order_id; it was project by project_id. Its rows have ended as \
               part of those records, and another placement would make or undo records without a price",
            ],
        );
        let sample = "[[object]]\nkind = \"call\"\ntable = \"calls\"\nid = \"id\"\nskip = [{ if = { a = \"b\" }, reason = \"c\" }]\n";
        check(
            "[[object]]\nkind = \"task\"",
            &format!("{sample}\n[[object]]\nkind = \"task\""),
            &["object call: table calls is new; its rows were not surveyed, so nobody knows what they cost"],
        );
    }
}
