//! How the lists are read: paged, counted, written. Learned on the longest list, then held against every other one.

use reqwest::Url;

use super::columns;
use super::guard::Guard;
use super::lists::{Got, Listed};
use super::words::WHOLE;
use super::{Ended, Known, Stage};
use super::{ends, paging, parallel, whole};
use crate::source::api::rows::Reader;
use crate::source::profile::{Paging, Proof, Total, ValueKind};

/// Rows that must have been looked at before columns count as always there.
const ROWS_FOR_CONTRACT: usize = 20;

/// Lists that are learned from scratch: further ones only while many requests are left.
const SCRATCH: usize = 2;
const SCRATCH_LEFT: u32 = 70;

/// Learns how every list is read.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known, zone: Option<&str>) -> Result<(), Ended> {
    let base = known.base.clone();
    let mut order: Vec<usize> = (0..known.lists.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(known.lists[*index].bare.ids.len()));
    let Some(longest) = order.first().copied() else { return Ok(()) };
    if !known.lists[longest].is_told && known.lists[longest].takes.is_none() {
        make_rows_whole(guard, &base, known, longest).await?;
    }
    learn_paging(guard, &base, known, order).await?;
    ends::behind_end(guard, &base, &mut known.lists).await?;
    whole::settle_caps(&mut known.lists);
    let order = columns::day_order(known.lists.iter().map(|list| list.bare.rows.as_slice()));
    let addresses = columns::Addresses::new(&base, known.lists.iter().map(|list| list.path.as_str()));
    // A column may be empty in all the rows that were looked at, so what one list shows holds for every column of all.
    let shown = known.lists.iter().find_map(|list| addresses.shown(&list.bare.rows)).map(str::to_owned);
    for list in &mut known.lists {
        list.rules.addresses.clone_from(&shown);
        columns::learn(list, order, zone, &addresses);
        contract(list, zone);
    }
    Ok(())
}

/// Learns how the lists are paged, the longest first: what one of them shows is held against the others, and only one that
/// is paged otherwise is learned from scratch.
async fn learn_paging(guard: &mut Guard<'_>, base: &Url, known: &mut Known, order: Vec<usize>) -> Result<(), Ended> {
    let mut models: Vec<Listed> = Vec::new();
    let mut failed: Option<Listed> = None;
    let mut scratch = 0;
    for index in order {
        let list = &mut known.lists[index];
        if list.is_told {
            paging::learn(guard, base, list).await?;
            continue;
        }
        let mut is_known = false;
        for model in &models {
            is_known = is_known || parallel::verify(guard, base, model, list).await?;
        }
        if is_known {
            continue;
        }
        match &failed {
            Some(failed) if scratch >= SCRATCH && guard.left() < SCRATCH_LEFT => {
                parallel::assume(guard, base, failed, list).await?;
            }
            _ => {
                paging::learn(guard, base, list).await?;
                scratch += 1;
                if list.is_learned {
                    models.push(list.clone());
                } else {
                    failed = Some(list.clone());
                }
            }
        }
    }
    Ok(())
}

/// Whether rows have more columns when they are asked for.
async fn make_rows_whole(guard: &mut Guard<'_>, base: &Url, known: &mut Known, index: usize) -> Result<(), Ended> {
    let list = &known.lists[index];
    let all: Vec<(String, String)> = WHOLE.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let columns = |got: &Got| got.rows.iter().map(serde_json::Map::len).sum::<usize>();
    let before = columns(&list.bare);
    let got = list.fetch(guard, base, &all, (Stage::Shape, "whether rows can have more columns")).await?;
    let candidates = if !got.is_good && got.status != 0 {
        // Where a parameter that is not known is refused, they are tried one by one.
        let mut found = Vec::new();
        for one in all {
            let alone = std::slice::from_ref(&one);
            let got = list.fetch(guard, base, alone, (Stage::Shape, "whether rows can have more columns")).await?;
            if got.is_good && got.ids == list.bare.ids && columns(&got) > before {
                found.push(one);
                break;
            }
        }
        found
    } else if got.is_good && got.ids == list.bare.ids && columns(&got) > before {
        let most = columns(&got);
        let mut candidates = all;
        while candidates.len() > 1 {
            let half = candidates[..candidates.len() / 2].to_vec();
            let got = list.fetch(guard, base, &half, (Stage::Shape, "which parameter gives more columns")).await?;
            candidates = if got.is_good && columns(&got) >= most { half } else { candidates[half.len()..].to_vec() };
        }
        candidates
    } else {
        Vec::new()
    };
    if candidates.is_empty() {
        return Ok(());
    }
    for list in &mut known.lists {
        list.set_always(candidates.clone());
        let fresh = list.fetch(guard, base, &[], (Stage::Shape, "the same with all columns")).await?;
        if fresh.is_good {
            list.bare = fresh;
            list.note(guard, "rows are whole only when a parameter asks for it");
        } else {
            list.set_always(Vec::new());
        }
    }
    Ok(())
}

/// What every row had, so that a change is noticed.
fn contract(list: &mut Listed, zone: Option<&str>) {
    let Some(object) = list.object else { return };
    let proof = match (&list.rules.total, &list.rules.page) {
        (Some(Total::Body(_) | Total::Header(_)), _) => Proof::Total,
        (_, Some(Paging::None { .. } | Paging::Keyset { .. })) => Proof::Once,
        _ => Proof::Twice,
    };
    list.rules.proof = Some(proof);
    let resolved = list.rules.clone().resolved(object);
    let Ok(reader) = Reader::new(resolved, zone) else { return };
    let Ok(rows) = reader.rows(&mut list.bare.body.clone(), &"probe".into()) else { return };
    let live: Vec<_> = rows.into_iter().flatten().filter(|record| !record.deleted).collect();
    if live.len() < ROWS_FOR_CONTRACT {
        return;
    }
    let mut columns = std::collections::BTreeMap::new();
    for name in live[0].payload.keys() {
        if !live.iter().all(|record| record.payload.contains_key(name)) {
            continue;
        }
        let mut kinds: Vec<ValueKind> = live.iter().filter_map(|record| ValueKind::of(&record.payload[name])).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kind = match kinds.as_slice() {
            [only] => *only,
            [ValueKind::Text, ValueKind::Uuid] => ValueKind::Text,
            _ => ValueKind::Any,
        };
        columns.insert(name.clone(), kind);
    }
    list.rules.columns = Some(columns);
}
