//! How changes are found: which parameter filters by the time of the change, and whether it can be trusted.
//!
//! Asked for what changed after a day that has not come, a filter that works gives nothing. Then it is asked for what changed
//! since a time that some of the rows at hand are on either side of: all of the later ones must come. In which zone it reads
//! that time, and whether it knows whole days only, is not worth many requests: every walk reaches back far enough for both.

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::narrow::{Search, all, texts};
use super::words::FILTERS;
use super::{Ended, Known, Stage};
use crate::source::api::rows::Reader;
use crate::source::api::time;
use crate::source::profile::{Changes, Edge, TimeStyle};

/// How far a walk reaches back where the zone and the granularity of a filter are not known: a day, and fourteen hours on
/// either side of UTC (source API shapes, section 5).
const REACH: SignedDuration = SignedDuration::from_hours(24 + 14 + 1);

/// How an instant may be written in a filter.
const STYLES: &[TimeStyle] =
    &[TimeStyle::Rfc3339, TimeStyle::Space, TimeStyle::Epoch, TimeStyle::Date, TimeStyle::Naive, TimeStyle::EpochMs];

/// A filter that was found.
#[derive(Debug, Clone)]
struct Filter {
    param: String,
    value: String,
    style: TimeStyle,
}

/// Learns how changes are found.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known, zone: Option<&str>) -> Result<(), Ended> {
    let base = known.base.clone();
    for list in &mut known.lists {
        list.rules.changes = Some(Changes::Reread);
    }
    let with_stamp = (0..known.lists.len()).filter(|index| {
        let list = &known.lists[*index];
        list.is_learned && list.rules.stamp.is_some()
    });
    let Some(model) = with_stamp.max_by_key(|index| known.lists[*index].bare.ids.len()) else { return Ok(()) };
    let Some(filter) = find(guard, &base, &known.lists[model]).await? else {
        known
            .quirks
            .push("No filter for changes was found; every reading of changes reads everything again.".to_owned());
        return Ok(());
    };
    for index in 0..known.lists.len() {
        let list = &mut known.lists[index];
        if !list.is_learned || list.rules.stamp.is_none() || guard.left() == 0 {
            continue;
        }
        if is_right(guard, &base, list, &filter, zone).await? {
            list.rules.changes = Some(Changes::Filter {
                param: filter.param.clone(),
                value: filter.value(list),
                at: list.at,
                style: filter.style,
                zone: None,
                edge: Edge::Inclusive,
                granularity_seconds: 1,
                overlap_seconds: u64::try_from(REACH.as_secs()).ok(),
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
        let text = time::write(future, *style, &jiff::tz::TimeZone::UTC, 1);
        let search = Search { base, list, purpose, alone: &[] };
        let found = search.name(guard, texts(FILTERS), |names| all(names, &text), gives_nothing).await?;
        if let Some((param, _)) = found {
            return Ok(Some(Filter { param, value: "{time}".to_owned(), style: *style }));
        }
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
        let filter = Filter { param: param.to_owned(), value: value.to_owned(), style };
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
        self.value(list).replace("{time}", &time::write(at, self.style, &jiff::tz::TimeZone::UTC, 1))
    }
}

/// Whether the filter gives every row of a list that was changed since a time, and leaves out some that were not.
async fn is_right(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    filter: &Filter,
    zone: Option<&str>,
) -> Result<bool, Ended> {
    let Some(object) = list.object else { return Ok(false) };
    let resolved = list.rules.clone().resolved(object);
    let Ok(reader) = Reader::new(resolved, zone) else { return Ok(false) };
    let Ok(rows) = reader.rows(&mut list.bare.body.clone(), &"probe".into()) else { return Ok(false) };
    let mut stamps: Vec<(Timestamp, String)> = rows
        .into_iter()
        .flatten()
        .filter_map(|record| Some((record.modified?, record.id.as_ref().to_owned())))
        .collect();
    stamps.sort();
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
