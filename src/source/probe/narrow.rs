//! Which of many names an API listens to: asked with all of them at once, then with halves.

use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::words::folded;
use super::{Ended, Stage};

pub(super) type Params = Vec<(String, String)>;

/// A search for a name.
pub(super) struct Search<'s> {
    pub(super) base: &'s Url,
    pub(super) list: &'s Listed,
    pub(super) purpose: (Stage, &'s str),
    /// Names that are asked for each by itself where all at once are refused, the likeliest first.
    pub(super) alone: &'s [String],
}

/// Requests that trying names one by one must leave.
const KEPT: u32 = 25;

/// Every name with one value.
pub(super) fn all(names: &[String], value: &str) -> Params {
    names.iter().map(|name| (name.clone(), value.to_owned())).collect()
}

/// Names as texts.
pub(super) fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Search<'_> {
    /// The name by which an answer comes out as wanted, and that answer, to a request with this one name.
    pub(super) async fn name(
        &self,
        guard: &mut Guard<'_>,
        mut names: Vec<String>,
        with: impl Fn(&[String]) -> Params,
        works: impl Fn(&Got) -> bool,
    ) -> Result<Option<(String, Got)>, Ended> {
        if let Some(takes) = &self.list.takes {
            // What a schema declares is all that there is, in its own spelling.
            let last = |path: &str| folded(path.rsplit('.').next().unwrap_or(path));
            let is_wanted = |own: &&String| names.iter().any(|name| folded(name) == last(own));
            names = takes.iter().filter(is_wanted).cloned().collect();
            if names.is_empty() {
                return Ok(None);
            }
        }
        let mut last = self.list.fetch(guard, self.base, &with(&names), self.purpose).await?;
        if !works(&last) {
            // One that is strict about parameters.
            for name in self.alone.iter().filter(|_| !last.is_good && last.status != 0) {
                if guard.left() < KEPT {
                    break;
                }
                let name = [name.clone()];
                let got = self.list.fetch(guard, self.base, &with(&name), self.purpose).await?;
                if works(&got) {
                    return Ok(name.into_iter().next().map(|name| (name, got)));
                }
            }
            return Ok(None);
        }
        let mut last_names = names.len();
        while names.len() > 1 {
            let half = names[..names.len() / 2].to_vec();
            let got = self.list.fetch(guard, self.base, &with(&half), self.purpose).await?;
            if works(&got) {
                (names, last) = (half, got);
                last_names = names.len();
            } else {
                names = names[half.len()..].to_vec();
            }
        }
        // The last answer may have had more names in it than the one that is left.
        if last_names > 1 {
            last = self.list.fetch(guard, self.base, &with(&names), self.purpose).await?;
        }
        Ok(names.into_iter().next().filter(|_| works(&last)).map(|name| (name, last)))
    }
}
