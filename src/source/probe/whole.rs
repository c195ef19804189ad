//! Lists that come all at once: whether that was all of them.

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use super::changes;
use super::counts::says_more;
use super::guard::Guard;
use super::lists::Listed;
use super::{Ended, Known, Stage};
use crate::source::api::full::is_known_cut;
use crate::source::profile::{Paging, Total};

/// A size that sources give which refuse larger ones.
const SMALLER: u32 = 50;

/// Lists of fewer rows may well be of one length.
const SHARED_MIN: u64 = 10;

/// Where a list ends with so many rows or more, its own word that there are no more is not enough: sources that stop for
/// good at a number say so too.
const HARD_CUT_MIN: u64 = 100;

/// All rows come in one answer, unless something says otherwise.
pub(super) fn at_once(list: &mut Listed) {
    let own = list.bare.ids.len() as u64;
    match list.rows {
        Some(total) if total > own => {
            list.refused =
                Some(format!("it gives {own} rows of the {total} that it counts, and no parameter gives the others"));
        }
        _ if says_more(&list.bare, &list.look) == Some(true) => {
            list.refused =
                Some("it says that there are more rows, and it was not found out how to ask for them".to_owned());
        }
        _ => {
            list.rules.page = Some(Paging::None { cap: None });
            list.is_learned = true;
            list.reasons.push("all rows come in one answer; no parameter divides it".to_owned());
        }
    }
}

/// Where nothing leads to a second page, the first one is made as large as may be asked for: that may be all.
pub(super) async fn with_size(guard: &mut Guard<'_>, base: &Url, list: &mut Listed, name: &str) -> Result<(), Ended> {
    let most = guard.allowance.page_rows;
    for rows in [most, SMALLER.min(most)] {
        let params = vec![(name.to_owned(), rows.to_string())];
        let purpose = (Stage::Shape, "whether one large page has all rows");
        let got = list.fetch(guard, base, &params, purpose).await?;
        if !got.is_good || got.ids.len() < list.bare.ids.len() {
            continue;
        }
        list.set_always([list.always.clone(), params].concat());
        list.bare = got;
        let given = list.bare.ids.len();
        at_once(list);
        if list.rows.is_none() && list.is_learned && given as u64 >= u64::from(rows) {
            list.is_learned = false;
            list.refused = Some(format!(
                "it gives as many rows as are asked for, here {given}, and no parameter gives those behind them"
            ));
        }
        list.note(guard, format!("'{name}' makes the only page larger: {given} rows"));
        return Ok(());
    }
    at_once(list);
    Ok(())
}

/// Whether sources cut at such a number.
fn is_usual_cut(rows: u64) -> bool {
    rows >= 20 && (rows.is_multiple_of(25) || rows.is_multiple_of(10) || rows.is_power_of_two())
}

/// Where lists come all at once, the longest of them shows where they are not cut.
pub(super) fn settle_caps(lists: &mut [Listed]) {
    let at_once = |list: &Listed| matches!(list.rules.page, Some(Paging::None { .. })) && list.is_learned;
    let is_paged = lists.iter().any(|list| list.is_learned && !at_once(list));
    for list in lists.iter_mut().filter(|list| is_paged && at_once(list) && list.rows.is_none()) {
        list.is_learned = false;
        list.is_doubted = true;
        list.refused = Some(
            "other lists come in portions and this one seems not to, and nothing shows that its rows are all"
                .to_owned(),
        );
    }
    let most =
        lists.iter().filter(|list| at_once(list)).map(|list| list.bare.ids.len() as u64).max().unwrap_or_default();
    // Two lists of just as many rows, and none longer, are cut alike.
    let is_shared = most >= SHARED_MIN
        && lists.iter().filter(|list| at_once(list) && list.bare.ids.len() as u64 == most).count() > 1;
    for list in lists.iter_mut().filter(|list| at_once(list)) {
        let own = list.bare.ids.len() as u64;
        let counts = list.rules.total.as_ref().is_some_and(|total| *total != Total::Nowhere);
        let says_all = own < HARD_CUT_MIN && !is_known_cut(own) && says_more(&list.bare, &list.look) == Some(false);
        if own < most {
            list.rules.page = Some(Paging::None { cap: Some(most) });
        } else if !counts && !says_all && (is_shared || is_usual_cut(own)) {
            list.is_learned = false;
            list.is_doubted = true;
            list.refused = Some(format!(
                "it gives exactly {own} rows at once, whatever is asked: a number at which sources cut, and nothing shows that \
                 these are all"
            ));
        }
    }
}

/// Whether rows behind the last ones of a list would be changed late enough to be seen, as far as its last quarter tells:
/// a list that begins with the newest would hide the oldest.
fn ends_late(times: &[Timestamp]) -> bool {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let Some(middle) = sorted.get(sorted.len() / 2) else { return false };
    let tail = &times[times.len() - times.len() / 4..];
    tail.iter().filter(|time| *time > middle).count() * 5 >= tail.len()
}

/// Clears up what is doubted by what changed: asked for all rows but those that were changed first, a list that is cut shows
/// rows that it had not shown.
pub(super) async fn prove(guard: &mut Guard<'_>, known: &mut Known, zone: Option<&str>) -> Result<(), Ended> {
    let base = known.base.clone();
    let may_be_proved = |list: &&mut Listed| list.is_doubted && !is_known_cut(list.bare.ids.len() as u64);
    for list in known.lists.iter_mut().filter(may_be_proved) {
        if guard.left() == 0 {
            return Ok(());
        }
        let stamps = changes::stamps(list, zone);
        let times: Vec<Timestamp> =
            list.bare.ids.iter().filter_map(|id| stamps.iter().find(|(_, own)| own == id)).map(|(at, _)| *at).collect();
        let is_clear = times.len() == list.bare.ids.len() && ends_late(&times);
        let Some((oldest, _)) = stamps.first().filter(|_| is_clear) else { continue };
        let Some(overlap) = changes::overlap(list) else { continue };
        // So much later that the oldest is left out in whatever zone and granule the filter reads it.
        let Ok(asked) = oldest.checked_add(overlap + SignedDuration::from_secs(1)) else { continue };
        let Some(params) = changes::params(list, asked) else { continue };
        let got = list.fetch(guard, &base, &params, (Stage::Changes, "whether what changed shows hidden rows")).await?;
        let surely = asked.checked_add(overlap).unwrap_or(asked);
        let has_all = stamps.iter().filter(|(at, _)| *at > surely).all(|(_, id)| got.ids.contains(id));
        let shows_none = got.ids.iter().all(|id| list.bare.ids.contains(id));
        let is_proof = got.is_good
            && got.ids.len() < list.bare.ids.len()
            && got.ids.len() * 2 >= list.bare.ids.len()
            && has_all
            && shows_none;
        if is_proof {
            (list.is_doubted, list.is_learned, list.refused) = (false, true, None);
            let shown = got.ids.len();
            list.note(guard, format!("asked for by their changes, {shown} of its rows come, and none that was hidden"));
        }
    }
    Ok(())
}
