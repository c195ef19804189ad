//! How changes are found: which parameter filters by the time of the change, and whether it can be trusted.
//!
//! Asked for what changed after a day that has not come, a filter that works gives nothing. Then it is asked for what changed
//! since a time that some of the rows at hand are on either side of: all of the later ones must come. In which zone it reads
//! that time, and whether it knows whole days only, is not worth many requests: every walk reaches back far enough for both.

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::words::FILTERS;
use super::{Ended, Known, Stage};
use crate::source::api::rows::Reader;
use crate::source::api::time;
use crate::source::profile::{At, Changes, Edge, TimeStyle};

/// How far a walk reaches back where the zone and the granularity of a filter are not known: a day, and fourteen hours on
/// either side of UTC (source API shapes, section 5).
const REACH: SignedDuration = SignedDuration::from_hours(24 + 14 + 1);

/// How an instant may be written in a filter.
const STYLES: &[TimeStyle] =
    &[TimeStyle::Rfc3339, TimeStyle::Space, TimeStyle::Epoch, TimeStyle::Date, TimeStyle::Naive, TimeStyle::EpochMs];

type Params = Vec<(String, String)>;

/// A filter that was found.
#[derive(Debug, Clone)]
struct Filter {
    param: String,
    value: String,
    at: At,
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
                value: filter.value.clone(),
                at: filter.at,
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
    for style in STYLES {
        let text = time::write(future, *style, &jiff::tz::TimeZone::UTC, 1);
        let with = |names: &[&str]| -> Params { names.iter().map(|name| ((*name).to_owned(), text.clone())).collect() };
        let mut names = FILTERS.to_vec();
        let got = list.fetch(guard, base, &with(&names), purpose).await?;
        if !gives_nothing(&got) {
            continue;
        }
        while names.len() > 1 {
            let half = names[..names.len() / 2].to_vec();
            let got = list.fetch(guard, base, &with(&half), (Stage::Changes, "which parameter filters")).await?;
            names = if gives_nothing(&got) { half } else { names[half.len()..].to_vec() };
        }
        let Some(param) = names.first() else { return Ok(None) };
        let filter = Filter { param: (*param).to_owned(), value: "{time}".to_owned(), at: At::Query, style: *style };
        return Ok(Some(filter));
    }
    odata(guard, base, list, future).await
}

/// OData filters by an expression.
async fn odata(guard: &mut Guard<'_>, base: &Url, list: &Listed, future: Timestamp) -> Result<Option<Filter>, Ended> {
    let Some(stamp) = &list.rules.stamp else { return Ok(None) };
    let is_odata = list.look.path == "value" || list.look.path == "d.results";
    if !is_odata {
        return Ok(None);
    }
    for value in [format!("{} gt {{time}}", stamp.column), format!("{} gt datetime'{{time}}'", stamp.column)] {
        let style = if value.contains('\'') { TimeStyle::Naive } else { TimeStyle::Rfc3339 };
        let text = value.replace("{time}", &time::write(future, style, &jiff::tz::TimeZone::UTC, 1));
        let params = vec![("$filter".to_owned(), text)];
        let got = list.fetch(guard, base, &params, (Stage::Changes, "whether an expression filters")).await?;
        if got.is_good && got.ids.is_empty() {
            return Ok(Some(Filter { param: "$filter".to_owned(), value, at: At::Query, style }));
        }
    }
    Ok(None)
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
    let text = time::write(asked, filter.style, &jiff::tz::TimeZone::UTC, 1);
    let params = vec![(filter.param.clone(), filter.value.replace("{time}", &text))];
    let got = list.fetch(guard, base, &params, (Stage::Changes, "whether the filter gives all that changed")).await?;
    let wanted: Vec<&String> = stamps.iter().filter(|(stamp, _)| *stamp >= since).map(|(_, id)| id).collect();
    let has_all = wanted.iter().all(|id| got.ids.contains(id));
    // More changed rows than one answer holds: then those that are there are at least no older.
    let is_page = got.ids.len() >= list.bare.ids.len() || got.ids.len() >= 50;
    Ok(got.is_good && !got.ids.is_empty() && (has_all || is_page))
}
