//! Who is let in, and where the API lies.

use std::time::Duration;

use reqwest::Method;

use super::client::{Client, at, drive};

/// One read with the right credentials, none, and wrong ones.
fn check(shape: &str) {
    drive(shape, 30, |client| async move {
        assert_eq!(client.get("clients").await.status, 200, "{shape}");
        let bare = client.bare(&format!("{}/clients", client.serving.root())).await;
        assert_eq!(bare.status, 401, "{shape}");
        let failed = client.serving.ledger().failed_logins;
        assert_eq!(failed, 0, "{shape}: right ones and none are no failures");
        client.serving.shutdown().await;
    });
}

#[test]
fn keys_are_taken_where_the_shape_has_them() {
    for auth in ["bearer", "x-api-key"] {
        check(&format!("auth={auth}"));
    }
    for place in [
        "raw",
        "token",
        "token-token",
        "key",
        "access-key",
        "api-key",
        "apikey",
        "api-token",
        "x-api-token",
        "private-token",
        "x-pw-accesstoken",
        "cookie",
    ] {
        check(&format!("auth=odd,odd-header={place}"));
    }
    for name in ["api_key", "key", "apikey", "apiKey", "api-key", "token", "login-password"] {
        check(&format!("auth=query,query-key={name}"));
    }
    for form in ["user-password", "key-as-user", "user-key", "packed"] {
        check(&format!("auth=basic,basic-form={form}"));
    }
    for second in ["email", "app-key", "two-headers", "client-pair"] {
        check(&format!("second={second}"));
    }
}

#[test]
fn sessions_are_given_by_every_kind_of_log_in() {
    for login in ["json", "form", "basic"] {
        for usage in ["bearer", "raw", "cookie", "query"] {
            check(&format!("auth=two-step,login={login},session-use={usage}"));
        }
    }
    for place in [
        "access_token",
        "token",
        "sessionId",
        "jwt",
        "data.accessToken",
        "tokens.access.token",
        "SessionId",
        "response.api.sessionid",
    ] {
        check(&format!("auth=two-step,session-at={place}"));
    }
    check("auth=oauth-client");
    check("auth=oauth-refresh");
}

#[test]
fn sessions_end_and_are_given_again() {
    drive("auth=two-step,lifetime=5m", 30, |client| async move {
        assert_eq!(client.get("clients").await.status, 200);
        client.clock.sleep(Duration::from_secs(301)).await;
        assert_eq!(client.get("clients").await.status, 401);
        client.forget_session();
        assert_eq!(client.get("clients").await.status, 200);
        let ledger = client.serving.ledger();
        assert_eq!((ledger.logins, ledger.failed_logins, ledger.writes), (2, 0, 0));
    });
}

#[test]
fn ten_wrong_keys_lock_the_account_for_a_while() {
    drive("www-authenticate=told", 30, |client| async move {
        let url = format!("{}/clients", client.serving.root());
        let wrong = async || client.send(Method::GET, &url, &[("authorization", "Bearer wrong")], None).await;
        for _ in 0..9 {
            let read = wrong().await;
            assert_eq!(read.status, 401);
            assert!(read.headers.contains_key("www-authenticate"));
        }
        assert_eq!(wrong().await.status, 423);
        assert!(client.serving.ledger().locked);
        assert_eq!(client.get("clients").await.status, 423, "the right key is locked out, too");
        client.clock.sleep(Duration::from_secs(15 * 60)).await;
        assert_eq!(client.get("clients").await.status, 200);
        assert_eq!(client.serving.ledger().failed_logins, 10);
    });
}

#[test]
fn hosts_bases_and_versions_are_minded() {
    for (base, path) in [
        ("api-v1", "/api/v1"),
        ("api-v2", "/api/v2"),
        ("api", "/api"),
        ("v1", "/v1"),
        ("root", ""),
        ("rest", "/rest"),
        ("rest-v1", "/rest/v1"),
    ] {
        drive(&format!("base={base}"), 30, |client| async move {
            assert_eq!(client.serving.root(), format!("{}{path}", client.serving.site()));
            assert_eq!(client.get("clients").await.status, 200);
        });
    }
    for host in ["api", "tenant"] {
        drive(&format!("host={host}"), 30, |client| async move {
            assert_eq!(client.get("clients").await.status, 200);
            assert_eq!(client.bare(&format!("{}/clients", client.serving.root())).await.status, 404);
        });
    }
    drive("version=header", 30, |client| async move {
        assert_eq!(client.get("clients").await.status, 200);
        let refused = client.bare(&format!("{}/clients", client.serving.root())).await;
        assert_eq!(refused.status, 400);
        assert!(at(&refused.body, "error.message").as_str().is_some_and(|text| text.contains("2020-01-31")));
    });
}

#[test]
fn what_lies_around_is_what_the_site_is() {
    let check = |site: &str, root: u16, lost: u16, is_page: bool| {
        drive(&format!("site={site}"), 30, |client: Client| async move {
            let at_root = client.bare(&format!("{}/", client.serving.site())).await;
            let somewhere = client.bare(&format!("{}/d41d8cd9", client.serving.site())).await;
            assert_eq!((at_root.status, somewhere.status), (root, lost), "{site}");
            assert_eq!(somewhere.bytes.starts_with(b"<!doctype html>"), is_page, "{site}");
        });
    };
    check("missing", 404, 404, false);
    check("page", 200, 404, true);
    check("spa", 200, 200, true);
}

#[test]
fn documents_lie_where_they_are_looked_for() {
    for (docs, path) in [
        ("openapi", "/openapi.json"),
        ("swagger", "/swagger.json"),
        ("swagger-v1", "/swagger/v1/swagger.json"),
        ("api-docs", "/api-docs"),
    ] {
        drive(&format!("docs={docs},words=orders"), 30, |client| async move {
            let read = client.bare(&format!("{}{path}", client.serving.site())).await;
            assert_eq!(read.status, 200, "{docs}");
            assert!(read.body["paths"]["/customers"]["get"].is_object(), "{}", read.body);
            assert_eq!(read.body["servers"][0]["url"], client.serving.root());
        });
    }
    drive("docs=well-known", 30, |client| async move {
        let read = client.bare(&format!("{}/.well-known/api-catalog", client.serving.site())).await;
        let link = &read.body["linkset"][0]["service-desc"][0]["href"];
        let described = client.bare(link.as_str().expect("an address")).await;
        assert_eq!((read.status, described.status), (200, 200));
    });
}

#[test]
fn identities_lie_at_their_paths() {
    for (identity, path) in
        [("me", "me"), ("users-me", "users/me"), ("account", "account"), ("whoami", "whoami"), ("user", "user")]
    {
        drive(&format!("identity={identity}"), 30, |client| async move {
            assert_eq!(client.get(path).await.body["timezone"], "America/Chicago", "{identity}");
        });
    }
    drive("identity=ping", 30, |client| async move {
        assert_eq!(client.get("ping").await.status, 200);
        assert_eq!(client.get("me").await.status, 404);
    });
}
