//! How changes are found: which parameter filters by the time of the change, and whether it can be trusted.
//!
//! Asked for what changed after a day that has not come, a filter that works gives nothing. Then it is asked for what changed
//! since a time that some of the rows at hand are on either side of: all of the later ones must come. In which zone it reads
//! that time, and whether it knows whole days only, two rows of one day may tell; where they do not, every walk reaches back
//! far enough for both.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::narrow::{Params, Search, all, texts};
use super::words::FILTERS;
use super::{Ended, Known, Stage};
use crate::record::Object;
use crate::source::api::rows::Reader;
use crate::source::api::time;
use crate::source::profile::{Changes, Edge, TimeStyle};

/// How far a walk reaches back where the zone and the granularity of a filter are not known: a day, and fourteen hours on
/// either side of UTC (source API shapes, section 5).
const REACH: SignedDuration = SignedDuration::from_hours(24 + 14 + 1);

/// The same where it is known but for the hour that comes twice when summer ends.
const FOLD: SignedDuration = SignedDuration::from_hours(2);

/// Pairs of rows that are looked at, from the newest on.
const PAIR_MAX: usize = 15;

/// How an instant may be written in a filter.
const STYLES: &[TimeStyle] =
    &[TimeStyle::Rfc3339, TimeStyle::Space, TimeStyle::Epoch, TimeStyle::Date, TimeStyle::Naive, TimeStyle::EpochMs];

/// A filter that was found.
#[derive(Debug, Clone)]
struct Filter {
    param: String,
    value: String,
    style: TimeStyle,
    /// The zone in which it reads an instant that names none; UTC if missing.
    zone: Option<String>,
    /// How far a walk must reach back for what is not known of it.
    overlap: Option<SignedDuration>,
}

/// Learns how changes are found.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known, zone: Option<&str>) -> Result<(), Ended> {
    let base = known.base.clone();
    for list in &mut known.lists {
        list.rules.changes = Some(Changes::Reread);
    }
    let with_stamp = (0..known.lists.len()).filter(|index| {
        let list = &known.lists[*index];
        (list.is_learned || list.is_doubted) && list.rules.stamp.is_some()
    });
    let Some(model) = with_stamp.max_by_key(|index| known.lists[*index].bare.ids.len()) else { return Ok(()) };
    let Some(filter) = find(guard, &base, &known.lists[model]).await? else {
        known
            .quirks
            .push("No filter for changes was found; every reading of changes reads everything again.".to_owned());
        return Ok(());
    };
    let filter = sharpened(guard, &base, &mut known.lists[model], filter, zone).await?;
    for index in 0..known.lists.len() {
        let list = &mut known.lists[index];
        if !(list.is_learned || list.is_doubted) || list.rules.stamp.is_none() || guard.left() == 0 {
            continue;
        }
        if is_right(guard, &base, list, &filter, zone).await? {
            list.rules.changes = Some(Changes::Filter {
                param: filter.param.clone(),
                value: filter.value(list),
                at: list.at,
                style: filter.style,
                zone: filter.zone.clone(),
                edge: Edge::Inclusive,
                granularity_seconds: 1,
                overlap_seconds: filter.overlap.and_then(|overlap| u64::try_from(overlap.as_secs()).ok()),
                path: None,
            });
            list.note(guard, format!("'{}' gives the rows changed since a time", filter.param));
        }
    }
    Ok(())
}

/// Finds the filter on one list.
async fn find(guard: &mut Guard<'_>, base: &Url, list: &Listed) -> Result<Option<Filter>, Ended> {
    let future = guard.http.clock().utc().checked_add(SignedDuration::from_hours(24 * 400)).unwrap_or(Timestamp::MAX);
    let gives_nothing = |got: &Got| got.is_good && got.ids.is_empty();
    let purpose = (Stage::Changes, "whether a parameter filters by the time of the change");
    if list.filter.is_some() {
        return expression(guard, base, list, future).await;
    }
    for style in STYLES {
        let text = time::write(future, *style, &TimeZone::UTC, 1);
        let search = Search { base, list, purpose, alone: &[] };
        let found = search.name(guard, texts(FILTERS), |names| all(names, &text), gives_nothing).await?;
        if let Some((param, _)) = found {
            return Ok(Some(Filter {
                param,
                value: "{time}".to_owned(),
                style: *style,
                zone: None,
                overlap: Some(REACH),
            }));
        }
    }
    if list.takes.is_some() {
        return Ok(None);
    }
    expression(guard, base, list, future).await
}

/// Some filter by an expression: `$filter=updated_at gt 2026-03-05T14:02:10Z`.
async fn expression(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    future: Timestamp,
) -> Result<Option<Filter>, Ended> {
    let is_odata = list.look.path == "value" || list.look.path == "d.results";
    let forms: Vec<(&str, &str)> = match &list.filter {
        Some(own) => vec![(own.param.as_str(), own.form)],
        None if is_odata => vec![("$filter", "{column} gt {time}"), ("$filter", "{column} gt datetime'{time}'")],
        None => vec![("filter", "{column} gt {time}")],
    };
    for (param, value) in forms {
        let style = if value.contains('\'') { TimeStyle::Naive } else { TimeStyle::Rfc3339 };
        let filter =
            Filter { param: param.to_owned(), value: value.to_owned(), style, zone: None, overlap: Some(REACH) };
        let params = vec![(param.to_owned(), filter.written(list, future))];
        let got = list.fetch(guard, base, &params, (Stage::Changes, "whether an expression filters")).await?;
        if got.is_good && got.ids.is_empty() {
            return Ok(Some(filter));
        }
    }
    Ok(None)
}

impl Filter {
    /// What is written for a list, with `{time}` in it.
    fn value(&self, list: &Listed) -> String {
        let column = list.rules.stamp.as_ref().map_or("", |stamp| stamp.column.as_str());
        self.value.replace("{column}", column)
    }

    /// What is written for a list and an instant.
    fn written(&self, list: &Listed, at: Timestamp) -> String {
        let zone = time::zone(self.zone.as_deref()).unwrap_or(TimeZone::UTC);
        self.value(list).replace("{time}", &time::write(at, self.style, &zone, 1))
    }

    /// The same filter as it may be asked to the second: in UTC, and in the zone of the account.
    fn sharp(&self, account: &str) -> Vec<Filter> {
        let as_it_is = Filter { overlap: None, ..self.clone() };
        let style = if self.style == TimeStyle::Rfc3339 { TimeStyle::Naive } else { self.style };
        let local = Filter { style, zone: Some(account.to_owned()), overlap: Some(FOLD), ..self.clone() };
        match self.style {
            TimeStyle::Date => Vec::new(),
            TimeStyle::Epoch | TimeStyle::EpochMs => vec![as_it_is],
            _ => vec![as_it_is, local],
        }
    }
}

/// What asks a list for the rows changed since an instant, if it has a filter.
pub(super) fn params(list: &Listed, at: Timestamp) -> Option<Params> {
    let Some(Changes::Filter { param, value, style, zone, .. }) = &list.rules.changes else { return None };
    let zone = time::zone(zone.as_deref()).unwrap_or(TimeZone::UTC);
    Some(vec![(param.clone(), value.replace("{time}", &time::write(at, *style, &zone, 1)))])
}

/// How far off the filter of a list may be.
pub(super) fn overlap(list: &Listed) -> Option<SignedDuration> {
    let Some(Changes::Filter { overlap_seconds, .. }) = &list.rules.changes else { return None };
    Some(SignedDuration::from_secs(i64::try_from(overlap_seconds.unwrap_or_default()).unwrap_or(i64::MAX / 2)))
}

/// When the rows at hand were changed, the oldest first.
pub(super) fn stamps(list: &Listed, zone: Option<&str>) -> Vec<(Timestamp, String)> {
    let resolved = list.rules.clone().resolved(list.object.unwrap_or(Object::Custom));
    let Ok(reader) = Reader::new(resolved, zone) else { return Vec::new() };
    let Ok(rows) = reader.rows(&mut list.bare.body.clone(), &"probe".into()) else { return Vec::new() };
    let mut stamps: Vec<(Timestamp, String)> = rows
        .into_iter()
        .flatten()
        .filter_map(|record| Some((record.modified?, record.id.as_ref().to_owned())))
        .collect();
    stamps.sort();
    stamps
}

/// Whether the filter gives every row of a list that was changed since a time, and leaves out some that were not.
async fn is_right(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    filter: &Filter,
    zone: Option<&str>,
) -> Result<bool, Ended> {
    let stamps = stamps(list, zone);
    // So late that only a few rows were changed since, and the answer surely holds them all.
    let few = stamps.len().min(8);
    let Some((since, _)) = stamps.len().checked_sub(few).and_then(|index| stamps.get(index)).cloned() else {
        return Ok(false);
    };
    let asked = since.checked_sub(REACH).unwrap_or(since);
    let params = vec![(filter.param.clone(), filter.written(list, asked))];
    let got = list.fetch(guard, base, &params, (Stage::Changes, "whether the filter gives all that changed")).await?;
    let wanted: Vec<&String> = stamps.iter().filter(|(stamp, _)| *stamp >= since).map(|(_, id)| id).collect();
    let has_all = wanted.iter().all(|id| got.ids.contains(id));
    // More changed rows than one answer holds: then those that are there are at least no older.
    let is_page = got.ids.len() >= list.bare.ids.len() || got.ids.len() >= 50;
    Ok(got.is_good && !got.ids.is_empty() && (has_all || is_page))
}

/// The filter as it may be asked to the second, where an answer shows that; otherwise as it is.
///
/// Two rows of one day tell: asked for what changed a second before the later one, a filter that reads the instant too late
/// leaves that one out, and a filter of whole days gives the earlier one too. One that reads it too early only gives more.
async fn sharpened(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    filter: Filter,
    account: Option<&str>,
) -> Result<Filter, Ended> {
    let (Some(account), stamps) = (account, stamps(list, account)) else { return Ok(filter) };
    let Some(zone) = time::zone(Some(account)) else { return Ok(filter) };
    let second = SignedDuration::from_secs(1);
    let is_one_day = |a: Timestamp, b: Timestamp| {
        [&TimeZone::UTC, &zone].iter().all(|zone| zone.to_datetime(a).date() == zone.to_datetime(b).date())
    };
    let pair = (1..stamps.len()).rev().take(PAIR_MAX).find(|later| {
        let (before, at) = (stamps[later - 1].0, stamps[*later].0);
        at.duration_since(before) > second * 2 && at.checked_sub(second).is_ok_and(|asked| is_one_day(before, asked))
    });
    let Some(later) = pair else { return Ok(filter) };
    let asked = stamps[later].0.checked_sub(second).unwrap_or(stamps[later].0);
    for sharp in filter.sharp(account) {
        let params = vec![(sharp.param.clone(), sharp.written(list, asked))];
        let got = list.fetch(guard, base, &params, (Stage::Changes, "in which zone the filter reads a time")).await?;
        let has_later = stamps[later..].iter().all(|(_, id)| got.ids.contains(id));
        if got.is_good && has_later && !got.ids.contains(&stamps[later - 1].1) {
            let zone = sharp.zone.as_deref().unwrap_or("UTC");
            list.note(guard, format!("'{}' reads a time of {zone} to the second", sharp.param));
            return Ok(sharp);
        }
    }
    Ok(filter)
}
