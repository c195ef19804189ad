//! Random rows: whatever a source holds, nothing panics and no target is filled twice.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{commission, promox, record};
use crate::record::Target;
use crate::stage::normalize::{Normalized, RoleResult, normalize};

/// Any JSON value of moderate size.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}|[0-9/:. -]{0,20}|<[a-z]{1,6}>[^<]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("line1|id|value|amount|name", inner), 0..3)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(crate::clean::fixed_cases(64))]

    #[test]
    fn no_row_makes_it_panic_and_no_target_is_filled_twice(values in prop::collection::vec(any_value(), 24), seed in 0_usize..24) {
        let mapping = promox();
        for rules in &mapping.objects {
            let fields = rules.to.iter().flat_map(|destination| &destination.fields);
            let columns = fields.flat_map(|field| field.from.columns()).map(|column| column.name.clone());
            let payload: Map<String, Value> = columns.enumerate().map(|(at, name)| (name, values[(at * 7 + seed) % values.len()].clone())).collect();
            let mut row = record(rules.object, Value::Object(payload));
            row.children = vec![commission(1, "u_1", values[0].clone())];
            let Normalized::Roles(roles) = normalize(&row, mapping, None) else { continue };
            for role in roles {
                let RoleResult::Draft { draft, .. } = role.result else { continue };
                let mut targets: Vec<&Target> = draft.fields.iter().map(|(target, _)| target).collect();
                targets.sort();
                targets.dedup();
                prop_assert_eq!(targets.len(), draft.fields.len());
            }
        }
    }
}
