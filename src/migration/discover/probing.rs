//! The API: probed within a ceiling of requests, what was learned kept as the source profile, and what somebody edited in
//! that left alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Looked;
use crate::config::{Config, SourceConfig, SourceHints, is_loopback};
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::migration::map::Reading;
use crate::migration::origin::beside;
use crate::progress::PROBE;
use crate::record::Object;
use crate::report::discovery::{Asked, ProfileKept, Question};
use crate::report::page::number;
use crate::report::reports;
use crate::source::probe::{Allowance, Failed, Hidden, Probed, Sent, Target, Verdict, ZONE_UNKNOWN, probe};
use crate::source::profile::{FILE, Profile};

/// What is found while the file was edited goes here.
const FOUND: &str = "source.found.toml";

/// What a probe asked that found nothing, among the reports.
const LOG: &str = "probe.txt";

/// Differences that are told one by one.
const TOLD: usize = 12;

/// Probes the API that the settings name, and keeps what was learned. `before` is the digest of what the discovery before
/// kept.
///
/// # Errors
/// Those of the probe before it is signed in; those of writing the profile.
pub(super) async fn probe_api(
    config: &Config,
    before: Option<&str>,
    looked: &mut Looked,
    reading: &Reading,
) -> Result<()> {
    let SourceConfig::Api { address, credentials, hints, requests_per_second, .. } = &config.source else {
        return Ok(());
    };
    reading.progress.begin("discover", PROBE, 0);
    let http = Http::new(reading.clock.clone(), config.pipedrive.request_timeout, 1)?;
    let SourceHints { hosts, logins, headers, posts } = *hints.clone();
    let target = Target { address: address.clone(), hosts, logins, headers, posts };
    let progress = reading.progress.clone();
    let mut allowance =
        Allowance { watch: Some(Arc::new(move |_: &Sent| progress.add_done(1))), ..Allowance::default() };
    if is_loopback(address) {
        // A stand-in of this machine bears the pace that the settings name.
        allowance.period = Duration::from_secs(1) / *requests_per_second;
    }
    let host = address.host_str().unwrap_or_default();
    let probed = match Box::pin(probe(&http, target, credentials, allowance, reading.stop.clone())).await {
        Ok(probed) => probed,
        Err(failed) => {
            looked.asked = failed.requests.iter().map(asked).collect();
            looked.requests += failed.requests.len() as u64;
            return Err(told(beside(config), failed));
        }
    };
    let sent = probed.requests.len();
    looked.requests += sent as u64;
    looked.asked = probed.requests.iter().map(asked).collect();
    looked
        .did
        .push(format!("Probed the API at {host}: {sent} requests of at most {}, all of them reads.", probed.ceiling));
    if let Some(stopped) = &probed.stopped {
        looked.did.push(format!("The probe ended before its time: {stopped}."));
        looked.unread.push((format!("the API at {host}"), format!("the probe ended before its time: {stopped}")));
    }
    judge(&probed, looked);
    let kept = keep(beside(config), &probed.profile, before)?;
    if kept.zone.is_some() {
        // Somebody has said it in the profile.
        looked.notes.values_mut().for_each(|(_, risks)| risks.retain(|risk| risk != ZONE_UNKNOWN));
    }
    looked.profile = Some(kept);
    Ok(())
}

/// The error of a probe that found nothing, with the place where everything stands that was asked. A probe that was stopped
/// has no more to tell.
fn told(folder: &Path, failed: Failed) -> Error {
    if failed.error.kind() == Kind::Stopped || failed.requests.is_empty() {
        return failed.error;
    }
    let path = reports(folder).join(LOG);
    let lines = failed.requests.iter().map(|sent| {
        let status = sent.status.map_or("no answer".to_owned(), |status| status.to_string());
        format!("{:3}  {:9}  {status:9}  {}  ({})\n", sent.number, sent.stage.as_str(), sent.request, sent.purpose)
    });
    let text = format!("{}\n\n{}", failed.error.chain(), lines.collect::<String>());
    let count = failed.requests.len();
    let kept = std::fs::create_dir_all(reports(folder)).and_then(|()| std::fs::write(&path, text));
    let what = match kept {
        Ok(()) => {
            format!("the API was asked {count} times, in vain; each request and its answer is in {}", path.display())
        }
        Err(error) => {
            format!("the API was asked {count} times, in vain ({} cannot be written: {error})", path.display())
        }
    };
    Error::new(failed.error.kind(), what).because(failed.error)
}

/// Why each list is read from the API, or is not.
fn judge(probed: &Probed, looked: &mut Looked) {
    looked.files.clone_from(&probed.files);
    for found in &probed.objects {
        let Some(object) = found.object else {
            if found.rows.unwrap_or(found.seen) > 0 {
                looked.other_lists.push(format!("{} ({})", found.name, found.path));
            }
            continue;
        };
        match &found.verdict {
            Verdict::Api => {
                let notes = looked.notes.entry(object).or_default();
                notes.0.extend(found.reasons.iter().cloned());
                notes.1.extend(found.risks.iter().cloned());
                notes.1.extend(found.hidden.iter().map(|hidden| hidden.told(&found.name)));
                looked.hidden.extend(found.hidden.iter().map(|hidden| asks((object, &found.name), hidden)));
            }
            Verdict::Fallback(why) | Verdict::Refused(why) => {
                looked.refusals.insert(object, why.clone());
            }
        }
    }
}

/// Whether hidden rows come along: what is asked, and how the answer is given.
fn asks((object, list): (Object, &str), hidden: &Hidden) -> Question {
    let Hidden { param, value, rows } = hidden;
    let rows = rows.map_or("More of them".to_owned(), |rows| format!("{} more of them", number(rows)));
    let asks = format!(
        "{rows} can be seen with '{param}={value}' only: archived or inactive ones, or made to try something, and nothing says \
         that they are deleted. As it stands they are left out, and one that is archived later counts as deleted. Are they to \
         come along?"
    );
    let answer = format!(
        "If so, add \"{param}\" = \"{value}\" to the query of [object.{object}] in source.toml, beside what stands there or in \
         [defaults.query]."
    );
    Question { about: list.to_owned(), asks, answer, blocks: true }
}

fn asked(sent: &Sent) -> Asked {
    Asked {
        number: u64::from(sent.number),
        stage: sent.stage.as_str().to_owned(),
        request: sent.request.clone(),
        status: sent.status,
        purpose: sent.purpose.clone(),
        answer: sent.hash.clone(),
    }
}

/// Writes the profile, unless somebody edited the one that is there: then that one stays, and what differs is named.
///
/// # Errors
/// `Settings` when it cannot be read or written.
fn keep(folder: &Path, found: &Profile, before: Option<&str>) -> Result<ProfileKept> {
    let (path, text) = (folder.join(FILE), found.to_text());
    let digest = digest(&text);
    let there = match std::fs::read_to_string(&path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(&path, error)),
    };
    let is_edited = there.as_ref().is_some_and(|there| *there != text && before != Some(&*self::digest(there)));
    if !is_edited {
        let differences = there.map(|there| differences(&there, &text)).unwrap_or_default();
        write(&path, &text)?;
        return Ok(ProfileKept { digest, is_edited, differences, zone: found.zone.clone() });
    }
    write(&folder.join(FOUND), &text)?;
    let there = there.unwrap_or_default();
    // One that cannot be read is told when it is used.
    let zone = Profile::parse(&there).ok().and_then(|profile| profile.zone);
    let differences = differences(&there, &text);
    // What we last wrote is still what an edit is told from.
    Ok(ProfileKept { digest: before.unwrap_or_default().to_owned(), is_edited, differences, zone })
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Settings, format!("the source profile {}", path.display())).because(error)
}

/// The lines that only one of two profiles has. Evidence is left out: it differs with every answer.
fn differences(before: &str, now: &str) -> Vec<String> {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim);
        let is_rule = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.contains("hash =");
        lines.filter(is_rule).map(str::to_owned).collect()
    };
    let (before, now) = (lines(before), lines(now));
    let gone = before.iter().filter(|line| !now.contains(line)).map(|line| format!("only in the file: {line}"));
    let new = now.iter().filter(|line| !before.contains(line)).map(|line| format!("only as found now: {line}"));
    gone.chain(new).take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_profile_stays_and_what_differs_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let there = || std::fs::read_to_string(&path).expect("there");
        let mut found = Profile::promox();
        let first = keep(folder.path(), &found, None).expect("written");
        assert!(!first.is_edited && first.differences.is_empty());
        // Found otherwise, and nobody edited anything: it is written anew, and named.
        found.zone = Some("Europe/Berlin".to_owned());
        let second = keep(folder.path(), &found, Some(&first.digest)).expect("written");
        assert!(
            !second.is_edited && second.differences.iter().any(|line| line.contains("Europe/Berlin")),
            "{second:?}"
        );
        assert_eq!(there(), found.to_text());
        // Edited: it stays.
        let edited = there().replace("Europe/Berlin", "Europe/Paris");
        std::fs::write(&path, &edited).expect("edited");
        let third = keep(folder.path(), &found, Some(&second.digest)).expect("kept");
        assert!(third.is_edited && third.differences.iter().any(|line| line.contains("Europe/Paris")), "{third:?}");
        assert_eq!(there(), edited);
        assert_eq!(std::fs::read_to_string(folder.path().join(FOUND)).expect("there"), found.to_text());
        // And stays the time after, too.
        assert!(keep(folder.path(), &found, Some(&third.digest)).expect("kept").is_edited);
    }
}
