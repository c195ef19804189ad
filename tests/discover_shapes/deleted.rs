//! Deleted rows that a list leaves out, told by a parameter or by a list of their own; and hidden rows, which are no deleted
//! ones.

use std::collections::BTreeSet;

use crossdock::record::Object;
use crossdock::source::Cursor;
use crossdock::source::probe::Found;
use crossdock::source::profile::{Deleted, Deletions, Profile};
use crossdock::standin::promox::shapes::Edit;
use futures::TryStreamExt as _;

use super::world::{Learned, with};

/// Reads all clients, deletes one, and reads what changed: the ids that come as deleted.
async fn deleted(learned: &Learned, profile: &Profile) -> (String, Vec<String>) {
    let source = learned.source(profile);
    let pages: Vec<_> = source.pages(Object::Client, Cursor::start()).try_collect().await.expect("all clients");
    let truth = learned.serving.truth(Object::Client);
    let read: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
    // What is read as a whole are the living rows, whatever a parameter would show.
    let living = truth.iter().filter(|row| row.deleted.is_none()).count();
    let ids: BTreeSet<&str> = read.iter().filter(|record| !record.deleted).map(|record| &*record.id).collect();
    assert_eq!(ids.len(), living, "living rows");
    let row = truth.iter().rfind(|row| row.deleted.is_none()).expect("a client");
    learned.clock.sleep(std::time::Duration::from_secs(60)).await;
    learned.serving.edit(Edit::Delete { object: Object::Client, key: row.key }).expect("a living row");
    let after = pages.last().expect("a page").cursor.clone();
    let asked = learned.serving.ledger().total;
    let pages: Vec<_> = source.pages(Object::Client, after).try_collect().await.expect("what changed");
    assert!(pages.last().is_some_and(|page| page.last && page.cursor.is_at_changes()));
    // Not by reading everything again.
    assert!(learned.serving.ledger().total - asked <= 4, "{} requests", learned.serving.ledger().total - asked);
    let gone = pages.iter().flat_map(|page| &page.records).filter(|record| record.deleted);
    (row.id.clone(), gone.map(|record| record.id.to_string()).collect())
}

/// A deletion is found by what was learned, and without that it is not.
fn finds(shape: &str, expected: fn(&Deletions) -> bool) {
    with(shape, false, |learned| async move {
        let profile = Profile::parse(&learned.probed.profile.to_text()).expect("it reads back");
        let list = profile.list(Object::Client).expect("clients");
        assert!(list.deletions.as_ref().is_some_and(expected), "{shape}: {:?}", list.deletions);
        assert!(list.compare, "{shape}: everything is still compared now and then");
        let others = profile.objects().filter_map(|object| profile.list(object));
        assert!(others.filter(|list| list.deletions.is_some()).count() >= 5, "{shape}: the other lists too");
        assert!(learned.asked("deleted") <= 24, "{shape}: {} requests", learned.asked("deleted"));
        let (id, gone) = deleted(&learned, &profile).await;
        assert_eq!(gone.iter().filter(|gone| **gone == id).count(), 1, "{shape}: {id} among {gone:?}");
        let mut without = learned.probed.profile.clone();
        without.defaults.deletions = None;
        without.object.values_mut().for_each(|rules| rules.deletions = None);
        let (id, gone) = deleted(&learned, &without).await;
        assert!(!gone.contains(&id), "{shape}: found all the same");
        assert_eq!(learned.serving.ledger().writes, 0, "{shape}");
    });
}

#[test]
fn deletions_come_by_a_parameter() {
    let is_told = |told: &Deletions| matches!(told, Deletions::Parameter { param, .. } if param == "include_deleted");
    finds("deleted=include_deleted", is_told);
    finds("deleted=include_deleted,spelling=camel,total=none,paging=offset,ids=uuid", is_told);
    // One that refuses what it does not know is asked name by name.
    with("deleted=include_deleted,unknown=refused,envelope=bare,total=x-total-count", false, |learned| async move {
        let list = learned.probed.profile.list(Object::Client).expect("clients");
        assert!(list.deletions.as_ref().is_some_and(is_told), "{:?}", list.deletions);
    });
    finds("deleted=include_deleted,paging=next-url,envelope=results,spelling=pascal", is_told);
}

#[test]
fn deletions_come_in_a_list_of_their_own() {
    finds(
        "deleted=endpoint",
        |told| matches!(told, Deletions::List { path, filtered: true, .. } if path == "/clients/deleted"),
    );
    finds(
        "deleted=endpoint-ids,paging=cursor,envelope=items",
        |told| matches!(told, Deletions::List { stamp: Some(stamp), .. } if stamp.column == "deleted_at"),
    );
    finds(
        "deleted=endpoint,paths=list,envelope=nested,spelling=camel",
        |told| matches!(told, Deletions::List { path, .. } if path == "/clients/deleted"),
    );
    finds(
        "deleted=deleted-only",
        |told| matches!(told, Deletions::List { path, query, .. } if path == "/clients" && query.contains_key("deleted")),
    );
}

/// What is left of a deleted row comes among what changed only. It is none of a living row's columns, and no drift.
#[test]
fn deletions_come_among_what_changed() {
    with("deleted=grave", false, |learned| async move {
        let list = learned.probed.profile.list(Object::Client).expect("clients");
        assert!(matches!(&list.deleted, Deleted::Flag { column } if column == "is_deleted"), "{:?}", list.deleted);
        assert!(list.compare, "everything is still compared now and then");
        let (id, gone) = deleted(&learned, &learned.probed.profile).await;
        assert!(gone.contains(&id), "{id} among {gone:?}");
    });
}

/// What a list is said to hide, by one of the objects that hide something.
fn hidden(shape: &str, object: Object, asked: (&str, &str)) {
    with(shape, false, |learned| async move {
        let of = |object: Object| -> &Found {
            learned.probed.objects.iter().find(|found| found.object == Some(object)).expect("a list")
        };
        let [hidden] = of(object).hidden.as_slice() else { panic!("{shape}: {:?}", of(object).hidden) };
        assert_eq!((hidden.param.as_str(), hidden.value.as_str()), asked, "{shape}");
        let list = learned.probed.profile.list(object).expect("a list");
        // They are records as any others: nothing marks them as deleted, and nothing asks for them by itself.
        assert!(list.deletions.is_none() && list.query.is_empty(), "{shape}: {:?} {:?}", list.deletions, list.query);
        assert!(matches!(list.deleted, Deleted::Vanishes), "{shape}: {:?}", list.deleted);
        let rows = learned.serving.truth(object).iter().filter(|row| row.deleted.is_none()).count() as u64;
        let shown = learned.serving.listed(object).len() as u64;
        assert_eq!(hidden.rows, Some(rows - shown), "{shape}");
        assert!(rows > shown, "{shape}: something is hidden");
        let quirks = &learned.probed.profile.object[&object].quirks;
        assert!(quirks.iter().any(|quirk| quirk.contains(asked.0)), "{shape}: {quirks:?}");
        assert!(of(Object::Owner).hidden.is_empty(), "{shape}: nothing is hidden there");
    });
}

#[test]
fn hidden_rows_are_told_and_never_taken_for_deleted_ones() {
    hidden("hidden=archived", Object::Client, ("archived", "true"));
    hidden("hidden=archived", Object::Project, ("archived", "true"));
    hidden("hidden=inactive,spelling=camel", Object::Client, ("status", "all"));
    hidden("hidden=test-orders", Object::Project, ("include_test", "1"));
}

/// Where nothing shows more, that takes a few requests; and a mark that no row has proves nothing.
#[test]
fn a_mark_that_nobody_saw_is_not_relied_on() {
    with("deleted=vanish", false, |learned| async move {
        assert!(learned.asked("deleted") <= 8, "{}", learned.asked("deleted"));
        let list = learned.probed.profile.list(Object::Client).expect("clients");
        assert!(list.compare && list.deletions.is_none() && list.deleted == Deleted::Vanishes);
    });
    with("deleted=timestamp", false, |learned| async move {
        let of = |object: Object| learned.probed.profile.list(object).expect("a list");
        let is_seen = |object: Object| {
            let rows = learned.serving.listed(object);
            rows.iter().any(|row| row.deleted.is_some()) && rows.len() <= 25
        };
        let lists = [Object::Client, Object::Lead, Object::Project, Object::Task, Object::Note, Object::Owner];
        for object in lists {
            assert!(matches!(of(object).deleted, Deleted::Stamp { .. }), "{object}");
            if is_seen(object) {
                assert!(!of(object).compare, "{object}: a deleted row was seen in the list");
            }
        }
        assert!(lists.iter().any(|object| of(*object).compare), "some list showed no deleted row");
    });
}
