//! How the bytes of files come: every way in which the source gives them is told apart by one file, of which no more than the
//! first kilobyte is read, and nothing is marked, begun or shown to another host on the way.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use crossdock::clock::Clock;
use crossdock::http::{Http, Request};
use crossdock::record::Object;
use crossdock::source::probe::FileWay;
use crossdock::source::profile::{FileKey, Files, Profile};
use futures::{StreamExt as _, stream};

use super::world::with;

/// What is found about the files of a shape, whose storage the operator named or did not.
fn found(shape: &str, names_storage: bool, check: fn(&Files, &FileWay) -> bool) {
    with(shape, names_storage, |learned| async move {
        let profile = Profile::parse(&learned.probed.profile.to_text()).expect("it reads back");
        let rules = &profile.object[&Object::File];
        let [way] = learned.probed.files.as_slice() else { panic!("{shape}: {:?}", learned.probed.files) };
        assert!(rules.files.as_ref().is_some_and(|files| check(files, way)), "{shape}: {:?} {way:?}", rules.files);
        assert!(rules.evidence.iter().any(|evidence| evidence.finding.starts_with("files: ")), "{shape}: evidence");
        assert!(learned.asked("files") <= 4, "{shape}: {} requests", learned.asked("files"));
        let ledger = learned.serving.ledger();
        assert_eq!((ledger.writes, ledger.downloaded.len()), (0, 0), "{shape}");
        assert!(ledger.by_endpoint.keys().all(|name| !name.starts_with("POST ")), "{shape}: no job was begun");
        // What is a key is shown nowhere.
        let shown = learned.probed.requests.iter().all(|sent| !sent.request.contains("signature="));
        assert!(
            shown && !learned.probed.profile.to_text().contains("signature="),
            "{shape}: a signed address is a secret"
        );
    });
}

fn is_told(way: &FileWay) -> bool {
    way.reason.contains("application/pdf")
        && way.reason.contains("those of PDF")
        && way.reason.contains("its name is told")
}

#[test]
fn addresses_are_asked_with_the_credentials_or_with_a_cookie() {
    found("files=token", false, |files, way| {
        let is_it = matches!(files, Files::Address { column, key: FileKey::Credentials, record: false, leads_to }
            if column == "download_url" && leads_to.is_empty());
        is_it && is_told(way) && way.rows > 0
    });
    found("files=token,spelling=camel,auth=x-api-key,custom=typed,errors=html", false, |files, way| {
        matches!(files, Files::Address { column, key: FileKey::Credentials, .. } if column == "downloadUrl")
            && is_told(way)
    });
    found("files=cookie", false, |files, way| {
        matches!(files, Files::Address { key: FileKey::Cookie(name), .. } if name == "portal_session") && is_told(way)
    });
    // A page to sign in with status 200 is no file.
    found("files=browser", false, |files, way| {
        matches!(files, Files::Address { .. }) && way.method.starts_with("not yet") && way.reason.contains("to sign in")
    });
}

#[test]
fn other_hosts_are_asked_only_where_they_were_named_and_nothing_is_shown_there() {
    found("files=signed,single=wrapped", true, |files, way| {
        let is_it = matches!(files, Files::Address { key: FileKey::Nothing, record: true, leads_to, .. }
            if leads_to.starts_with("127.0.0.1:"));
        is_it && is_told(way) && way.risk.contains("lives some 10 minutes")
    });
    found("files=signed,single=list", false, |files, way| {
        let is_it =
            matches!(files, Files::Address { record: true, leads_to, .. } if leads_to.starts_with("127.0.0.1:"));
        is_it
            && way.reason.contains("another host")
            && way.reason.contains("not asked")
            && way.risk.contains("name 127.0.0.1")
    });
    found("files=redirect", true, |files, way| {
        let is_it = matches!(files, Files::Address { key: FileKey::Credentials, record: false, leads_to, .. }
            if leads_to.starts_with("127.0.0.1:"));
        is_it && is_told(way) && way.method.contains("no credentials go")
    });
    found("files=redirect", false, |_, way| way.reason.contains("another host") && way.method.starts_with("not yet"));
}

#[test]
fn files_stand_in_records_and_at_paths_of_their_own() {
    found("files=base64", false, |files, way| {
        let is_it = matches!(files, Files::Base64 { column, record: true } if column == "content_base64");
        is_it && way.reason.contains("begin as PDF")
    });
    found("files=content", false, |files, way| {
        matches!(files, Files::Path { path, key: FileKey::Credentials, .. } if path == "/files/{id}/content")
            && is_told(way)
    });
    found("files=content,paths=singular,ids=uuid", false, |files, way| {
        matches!(files, Files::Path { path, .. } if path == "/file/{id}/content") && is_told(way)
    });
    found("files=name-only", false, |files, way| {
        matches!(files, Files::Name { column } if column == "file_name") && way.method.contains("names only")
    });
}

#[test]
fn what_marks_files_or_begins_a_job_is_not_asked() {
    found("files=landing", false, |files, way| {
        matches!(files, Files::Page { column } if column == "files_pickup_url") && way.reason.contains("was not opened")
    });
    found("files=page", false, |files, way| {
        matches!(files, Files::Page { column } if column == "files_url") && way.reason.contains("a page with 1 links")
    });
    found("files=job", false, |files, way| {
        matches!(files, Files::Job { column } if column == "render_url") && way.reason.contains("was not tried")
    });
}

/// A server that knows no ranges and never ends.
#[test]
fn of_a_file_no_more_is_read_than_its_beginning() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::system();
    runtime.block_on(async {
        let endless = || async { Body::from_stream(stream::repeat("0123456789").map(Ok::<_, std::io::Error>)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(endless)).await });
        let http = Http::new(clock, Duration::from_secs(60), 1).expect("a client");
        let answer = http.begin(Request::get(&address).expect("a request"), 1_024).await.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (200, 1_024));
    });
}
