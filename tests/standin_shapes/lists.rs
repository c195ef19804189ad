//! Pages, envelopes, totals and orders, and what is wrong with them.

use crossdock::record::Object;
use crossdock::standin::promox::shapes::{Edit, Hook};
use serde_json::{Map, Value, json};

use super::client::{Client, Read, at, drive};

/// A walk over the clients gives every row once.
fn whole(shape: &str) {
    drive(shape, 300, |client| async move {
        let walked: Vec<String> = client.walk(Object::Client).await.into_iter().map(|(id, _)| id).collect();
        let mut sorted = walked.clone();
        sorted.sort();
        let mut truth: Vec<String> = client.serving.listed(Object::Client).into_iter().map(|row| row.id).collect();
        truth.sort();
        assert_eq!(sorted, truth, "{shape}");
        assert_eq!(client.repeated.get(), 0, "{shape}: no row came twice");
        assert!(client.serving.ledger().total > 1 || shape.contains("none"), "{shape}");
        client.serving.shutdown().await;
    });
}

#[test]
fn every_style_of_pages_leads_through_the_whole_list() {
    for param in ["page", "page[number]", "page[page]", "pageNumber"] {
        whole(&format!("page-param={param}"));
    }
    whole("page-base=0");
    for param in ["offset", "$skip", "pg[offset]", "from", "_skip", "start", "skip", "startPosition"] {
        whole(&format!("paging=offset,offset-param={param}"));
    }
    whole("paging=offset,paging-flaw=offset-is-page");
    for form in [
        "next_cursor",
        "bookmark",
        "nextPageToken",
        "starting_after",
        "paging.next.after",
        "next_offset",
        "next_page.offset",
        "next",
    ] {
        whole(&format!("paging=cursor,cursor-form={form}"));
    }
    for form in ["links.next", "next", "paging.next", "next_page_uri", "nextRecordsUrl"] {
        whole(&format!("paging=next-url,next-form={form}"));
    }
    whole("paging=link");
    whole("paging=link,envelope=bare,total=none");
    for param in ["since_id", "changed_object_id__gt", "max_id"] {
        whole(&format!("paging=keyset,keyset-param={param}"));
    }
    whole("paging=none");
    whole("paging=cursor,mixed=yes");
    for order in ["id", "id-desc", "updated-desc", "name"] {
        whole(&format!("order={order}"));
        whole(&format!("paging=cursor,order={order}"));
    }
}

#[test]
fn sizes_have_their_names_and_bounds() {
    for name in [
        "limit",
        "per_page",
        "page_size",
        "pageSize",
        "perPage",
        "$top",
        "count",
        "take",
        "maxResults",
        "page[size]",
        "pg[limit]",
    ] {
        drive(&format!("size-param={name}"), 300, |client| async move {
            assert_eq!(rows(&client.get(&format!("clients?{name}=2")).await), 2, "{name}");
            assert_eq!(rows(&client.get("clients?size=2").await), 25, "{name}: others are ignored");
        });
    }
    drive("page-max=50,oversize=clamped", 300, |client| async move {
        assert_eq!(rows(&client.get("clients?limit=1000").await), 50);
    });
    drive("page-max=50,oversize=refused", 300, |client| async move {
        assert_eq!(client.get("clients?limit=51").await.status, 400);
    });
    drive("unknown=refused", 300, |client| async move {
        assert_eq!(client.get("clients?size=2").await.status, 400);
        assert_eq!(client.get("clients?limit=2").await.status, 200);
    });
}

fn rows(read: &Read) -> usize {
    read.body["data"].as_array().map_or(0, Vec::len)
}

#[test]
fn beyond_the_end_is_what_the_shape_says() {
    let check = |shape: &str, status: u16, count: usize| {
        drive(shape, 300, |client| async move {
            let all = client.serving.listed(Object::Client).len();
            let read = client.get("clients?limit=20&page=99").await;
            let expected = if count == 1 { all % 20 } else { count };
            assert_eq!((read.status, rows(&read)), (status, expected), "{shape}");
        });
    };
    check("past-end=empty", 200, 0);
    check("past-end=404", 404, 0);
    check("past-end=400", 400, 0);
    check("past-end=repeat", 200, 1);
    drive("empty=null", 300, |client| async move {
        assert_eq!(client.get("clients?page=99").await.body["data"], Value::Null);
    });
}

#[test]
fn rows_are_wrapped_in_every_envelope() {
    let check = |shape: &str, path: &str| {
        drive(shape, 60, |client| async move {
            let read = client.get("clients?limit=3").await;
            let found = at(&read.body, path);
            let count = found.as_array().map(Vec::len).or_else(|| found.as_object().map(Map::len));
            assert_eq!(count, Some(3), "{shape}: {}", read.body);
        });
    };
    check("envelope=bare,total=none", "");
    check("envelope=resource", "clients");
    check("envelope=data", "data");
    check("envelope=data,spelling=pascal", "Data");
    check("envelope=items", "items");
    check("envelope=results", "results");
    check("envelope=nested,nesting=data.list", "data.list");
    check("envelope=nested,nesting=_embedded.items", "_embedded.items");
    check("envelope=nested,nesting=result.resource", "result.clients");
    check("envelope=nested,nesting=response.docs", "response.docs");
    check("envelope=keyed", "data");
    drive("envelope=bare,total=none,meta-row=yes", 60, |client| async move {
        let read = client.get("clients?limit=3").await;
        assert_eq!((read.body[0]["rows"].clone(), read.body[1]["id"].is_u64()), (json!(3), true));
    });
}

#[test]
fn single_records_are_wrapped_or_not() {
    let check = |shape: &str, path: &str| {
        drive(shape, 60, |client| async move {
            let id = client.serving.listed(Object::Client)[0].id.clone();
            let read = client.get(&format!("clients/{id}")).await;
            assert_eq!(at(&read.body, path)["id"].to_string(), id, "{shape}: {}", read.body);
            assert_eq!(client.get("clients/999999").await.status, 404);
        });
    };
    check("single=wrapped", "data");
    check("single=wrapped,envelope=resource", "client");
    check("single=bare", "");
    drive("single=list", 60, |client| async move {
        let id = client.serving.listed(Object::Client)[0].id.clone();
        assert_eq!(client.get(&format!("clients/{id}")).await.body["data"][0]["id"].to_string(), id);
    });
}

#[test]
fn totals_stand_where_the_shape_has_them() {
    for path in ["total", "total_count", "count", "totalCount", "meta.total", "pagination.total", "totalSize"] {
        drive(&format!("total={path}"), 60, |client| async move {
            let all = client.serving.listed(Object::Client).len();
            let read = client.get("clients?limit=3").await;
            assert_eq!(at(&read.body, path), &json!(all), "{path}: {}", read.body);
        });
    }
    drive("total=totalPages", 60, |client| async move {
        let all = client.serving.listed(Object::Client).len();
        assert_eq!(client.get("clients?limit=3").await.body["totalPages"], json!(all.div_ceil(3)));
    });
    drive("total=has_more", 60, |client| async move {
        assert_eq!(client.get("clients?limit=3").await.body["has_more"], json!(true));
        assert_eq!(client.get("clients?limit=100").await.body["has_more"], json!(false));
    });
    drive("total=x-total-count,envelope=bare", 60, |client| async move {
        let all = client.serving.listed(Object::Client).len().to_string();
        assert_eq!(client.get("clients?limit=3").await.headers["x-total-count"], all.as_str());
    });
    drive("total=count_total", 60, |client| async move {
        assert!(!client.get("clients").await.headers.contains_key("x-total-count"));
        assert!(client.get("clients?count_total=True").await.headers.contains_key("x-total-count"));
    });
    drive("paging-flaw=count-is-last", 60, |client| async move {
        assert_eq!(client.get("clients?limit=3&page=2").await.body["total"], json!(6));
    });
}

#[test]
fn lists_are_sorted_where_the_shape_knows_how() {
    for (sort, up, down) in [
        ("sort", "sort=updated_at", "sort=-updated_at"),
        ("sort_by", "sort_by=updated_at", "sort_by=updated_at&sort_order=desc"),
        ("orderBy", "orderBy=updated_at", "orderBy=updated_at%20desc"),
    ] {
        drive(&format!("sort={sort}"), 300, |client| async move {
            let stamps = async |query: &str| -> Vec<String> {
                let read = client.get(&format!("clients?limit=50&{query}")).await;
                let rows = read.body["data"].as_array().cloned().unwrap_or_default();
                rows.iter().map(|row| row["updated_at"].as_str().unwrap_or_default().to_owned()).collect()
            };
            assert!(stamps(up).await.is_sorted(), "{sort}");
            assert!(stamps(down).await.is_sorted_by(|a, b| a >= b), "{sort}");
        });
    }
}

#[test]
fn pages_that_are_ignored_or_loop_or_end_at_a_cap_do_so() {
    drive("paging-flaw=ignored", 300, |client| async move {
        assert_eq!(client.get("clients?page=1").await.body["data"], client.get("clients?page=2").await.body["data"]);
    });
    drive("paging=cursor,paging-flaw=loop", 60, |client| async move {
        let mut cursor = String::new();
        let mut answers = Vec::new();
        for _ in 0..3 {
            let read = client.get(&format!("clients?limit=10&cursor={cursor}")).await;
            cursor = read.body["next_cursor"].as_str().expect("a loop has no end").to_owned();
            answers.push(read.body["data"].clone());
        }
        assert_ne!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
    });
    for paging in ["page", "offset", "cursor", "next-url", "link", "keyset", "none"] {
        drive(&format!("cap=100,paging={paging}"), 600, |client| async move {
            let all = client.serving.listed(Object::Client).len();
            let read = client.get("clients").await;
            assert!(all > 100);
            assert_eq!(
                (client.walk(Object::Client).await.len(), read.body["total"].clone()),
                (100, json!(all)),
                "{paging}"
            );
        });
    }
}

#[test]
fn notes_turn_pages_in_their_own_way_where_styles_are_mixed() {
    drive("paging=cursor,mixed=yes", 300, |client| async move {
        assert!(client.get("clients?limit=2").await.body["next_cursor"].is_string());
        let (first, second) = (client.get("notes?limit=2").await, client.get("notes?limit=2&page=2").await);
        assert!(first.body.get("next_cursor").is_none());
        assert_ne!(first.body["data"], second.body["data"]);
    });
}

/// Rows that come and go between two pages: numbers of pages lose or repeat rows, cursors do not.
#[test]
fn rows_move_while_pages_are_turned() {
    let walk = |shape: &str, edit: Edit| {
        let mut missed = usize::MAX;
        drive(shape, 300, |client: Client| {
            let missed = &mut missed;
            async move {
                let before: Vec<String> = client.serving.listed(Object::Client).into_iter().map(|row| row.id).collect();
                client.serving.hook(Hook { object: Object::Client, after: 2, edits: vec![edit] });
                let seen: Vec<String> = client.walk(Object::Client).await.into_iter().map(|(id, _)| id).collect();
                *missed = before.iter().filter(|id| !seen.contains(id)).count();
            }
        });
        missed
    };
    let delete = || Edit::Delete { object: Object::Client, key: 4_002 };
    let insert = || Edit::Insert { object: Object::Client, fields: Map::new() };
    assert_eq!(walk("deleted=vanish", delete()), 1, "the first row of the third page moved to the second");
    assert_eq!(walk("deleted=vanish,paging=cursor", delete()), 0);
    assert_eq!(walk("order=id-desc", insert()), 0, "rows come twice, none is lost");
    assert_eq!(walk("paging=cursor,order=id-desc", insert()), 0);
}
