//! Which hosts are asked: the address and what the operator named, and no other, whatever the answers say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use crossdock::clock::Clock;
use crossdock::config::{SourceCredentials, base_url};
use crossdock::http::Http;
use crossdock::source::probe::{Allowance, Failed, Probed, Target, Verdict, probe};
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::shapes::{self, Shape};
use crossdock::stop;

/// A site that has no API of its own; its description of one names other hosts.
async fn site(document: String) -> (String, Arc<Mutex<u32>>) {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let answer = move |request: Request| {
        *count.lock().expect("no panic") += 1;
        let found = (request.uri().path() == "/openapi.json").then(|| document.clone());
        async move { found.ok_or(StatusCode::NOT_FOUND) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, asked)
}

/// Probes a site whose API is at another host, with these hosts named: what became of it, and whether the API was asked.
fn look(names_host: bool) -> (Result<Probed, Failed>, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T15:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let account = generate(60, 1, clock.utc());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let shape: Shape = "default".parse().expect("a shape");
        let settings = shapes::Settings::default();
        let serving = shapes::serve(account, shape, settings, clock.clone(), listener).await.expect("a source");
        let api = serving.site();
        let (address, asked) =
            site(format!("{{\"openapi\":\"3.0.0\",\"servers\":[{{\"url\":\"{api}/api/v1\"}}]}}")).await;
        let http = Http::new(clock.clone(), Duration::from_secs(30), 2).expect("a client");
        let host = api.trim_start_matches("http://").to_owned();
        let target = Target {
            address: base_url(&address).expect("loopback"),
            hosts: names_host.then_some(host).into_iter().collect(),
            logins: Vec::new(),
            headers: Vec::new(),
            posts: Vec::new(),
        };
        let token = SourceCredentials::token(&serving.credentials().token.expect("a token"));
        let (_stopper, stop) = stop::switch();
        let probed = Box::pin(probe(&http, target, &token, Allowance::default(), stop)).await;
        assert!(*asked.lock().expect("no panic") > 0, "the site was looked at");
        let reads = serving.ledger().total;
        serving.shutdown().await;
        (probed, reads)
    }))
}

#[test]
fn a_host_is_asked_only_when_the_operator_named_it() {
    let (probed, reads) = look(true);
    let probed = probed.map_err(|failed| failed.error).expect("the API at the named host is found");
    assert!(reads > 0 && probed.objects.iter().any(|found| found.verdict == Verdict::Api));
    let (probed, reads) = look(false);
    assert!(probed.is_err(), "there is nothing at the address itself");
    assert_eq!(reads, 0, "a host that only an answer names is not asked");
}
