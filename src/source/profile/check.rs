//! Whether a profile can be followed: what reading it alone does not show.

use reqwest::header::HeaderName;

use super::read::Places;
use super::{Auth, Changes, Deletions, List, Method, PLACEHOLDERS, Paging, Part, Profile, Proof, Total, VERSION};
use crate::config::{BESIDE, base_url};
use crate::source::api::time::zone;

/// The largest page that may be asked for: larger ones serve nobody and hurt small servers.
const SIZE_MAX: u32 = 1_000;

/// Everything that is wrong.
pub(super) fn problems(profile: &Profile, places: &Places<'_>) -> Vec<String> {
    let mut found = Found { places, problems: Vec::new() };
    if profile.version != VERSION {
        found.add("version", &format!("must be {VERSION}"));
    }
    if let Some(address) = &profile.address
        && let Err(error) = base_url(address)
    {
        found.add("address", &error.chain());
    }
    found.zone("zone", profile.zone.as_deref());
    found.auth(&profile.auth);
    for (key, value) in
        [("limits.period_ms", profile.limits.period_ms), ("limits.start_period_ms", profile.limits.start_period_ms)]
    {
        if value.is_some_and(|value| !(1..=60_000).contains(&value)) {
            found.add(key, "must be 1 to 60000");
        }
    }
    for object in profile.objects() {
        if let Some(list) = profile.list(object) {
            found.list(&format!("object.{object}"), &list);
        }
    }
    found.problems
}

struct Found<'a> {
    places: &'a Places<'a>,
    problems: Vec<String>,
}

impl Found<'_> {
    fn add(&mut self, key: &str, what: &str) {
        self.problems.push(self.places.problem(key, what));
    }

    fn zone(&mut self, key: &str, name: Option<&str>) {
        if zone(name).is_none() {
            self.add(
                key,
                &format!("'{}' is no time zone; must be an IANA name or an offset", name.unwrap_or_default()),
            );
        }
    }

    fn auth(&mut self, auth: &Auth) {
        let fields = auth.login.iter().flat_map(|login| login.fields.values());
        let texts = auth.send.iter().map(|carrier| &carrier.value).chain(fields);
        let unknown: Vec<String> = texts
            .flat_map(|text| text.split('{').skip(1))
            .map(|part| part.split('}').next().unwrap_or_default().to_owned())
            .filter(|name| !PLACEHOLDERS.contains(&name.as_str()) && !name.starts_with(BESIDE))
            .collect();
        for name in unknown {
            self.add("auth", &format!("{{{name}}} is no placeholder; must be one of {}", PLACEHOLDERS.join(", ")));
        }
        for carrier in &auth.send {
            let is_wrong = match carrier.at {
                Part::Basic => false,
                Part::Header => HeaderName::try_from(&carrier.name).is_err(),
                Part::Query | Part::Cookie | Part::Body => carrier.name.is_empty(),
            };
            if is_wrong {
                self.add("auth.send", &format!("'{}' is no name to send a secret under", carrier.name));
            }
        }
        if let Some(login) = &auth.login {
            if !login.path.starts_with('/') && base_url(&login.path).is_err() {
                self.add("auth.login.path", "must begin with '/', or be a whole address");
            }
            if login.token.is_empty() {
                self.add("auth.login.token", "must say where the answer holds the token");
            }
        }
    }

    fn list(&mut self, key: &str, list: &List) {
        if !list.path.starts_with('/') {
            self.add(&format!("{key}.path"), "must begin with '/'");
        }
        if let Some(body) = &list.body
            && serde_json::from_str::<serde_json::Value>(body).is_err()
        {
            self.add(&format!("{key}.body"), "is not JSON");
        }
        if let Some(soap) = &list.soap {
            if list.method == Method::Get {
                self.add(&format!("{key}.soap"), "is for method = \"post\" only");
            }
            if !soap.has_names() {
                self.add(&format!("{key}.soap"), "holds what cannot be the name of an element");
            }
        }
        if list.body.is_some() && list.method == Method::Get {
            self.add(&format!("{key}.body"), "is for method = \"post\" only");
        }
        if list.proof == Proof::Total && list.total == Total::Nowhere {
            self.add(&format!("{key}.proof"), "\"total\" needs a total");
        }
        if list.proof == Proof::Once && !matches!(list.page, Paging::None { .. } | Paging::Keyset { .. }) {
            self.add(&format!("{key}.proof"), "\"once\" is for lists that come at once or are paged by the last id");
        }
        if let Some(size) = list.page.size()
            && size.rows.is_some_and(|rows| rows == 0 || rows > SIZE_MAX)
        {
            self.add(&format!("{key}.page.size.rows"), &format!("must be 1 to {SIZE_MAX}"));
        }
        if let Some(stamp) = &list.stamp {
            self.zone(&format!("{key}.stamp.zone"), stamp.zone.as_deref());
        }
        for (column, form) in &list.times {
            self.zone(&format!("{key}.times.{column}"), form.zone.as_deref());
        }
        self.changes(key, list);
        if let Some(record) = &list.record
            && !(record.path.starts_with('/') && record.path.contains("{id}"))
        {
            self.add(&format!("{key}.record.path"), "must begin with '/' and hold {id}");
        }
        if let Some(Deletions::List { path, stamp, .. }) = &list.deletions {
            if !path.starts_with('/') {
                self.add(&format!("{key}.deletions.path"), "must begin with '/'");
            }
            self.zone(&format!("{key}.deletions.stamp.zone"), stamp.as_ref().and_then(|stamp| stamp.zone.as_deref()));
        }
    }

    fn changes(&mut self, key: &str, list: &List) {
        if list.changes != Changes::Reread && list.stamp.is_none() {
            self.add(&format!("{key}.stamp"), "must name the column with the time of the change");
        }
        if let Changes::Filter { value, zone, granularity_seconds, .. } = &list.changes {
            if !value.contains("{time}") {
                self.add(&format!("{key}.changes.value"), "must hold {time}");
            }
            if *granularity_seconds == 0 {
                self.add(&format!("{key}.changes.granularity_seconds"), "must be at least 1");
            }
            self.zone(&format!("{key}.changes.zone"), zone.as_deref());
        }
    }
}
