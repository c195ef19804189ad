//! One record by its id, and one that is not there.

use crossdock::record::Object;
use crossdock::source::profile::RecordAt;

use super::world::with;

/// How a client is read by its id.
fn read(shape: &str, path: &'static str, (missing, deleted): (u16, Option<u16>)) {
    with(shape, false, |learned| async move {
        let list = learned.probed.profile.list(Object::Client).expect("clients");
        assert_eq!(list.record, Some(RecordAt { path: path.to_owned(), missing, deleted }), "{shape}");
        let others = learned.probed.profile.objects().filter_map(|object| learned.probed.profile.list(object));
        assert!(others.filter(|list| list.record.is_some()).count() >= 6, "{shape}: the other lists too");
        assert!(learned.asked("record") <= 14, "{shape}: {} requests", learned.asked("record"));
    });
}

#[test]
fn records_are_read_by_their_ids_and_missing_ones_are_told() {
    read("single=bare", "/clients/{id}", (404, None));
    read("single=list,envelope=nested,ids=uuid,errors=text", "/clients/{id}", (404, None));
    read("single=wrapped,envelope=resource,paths=json,ids=prefixed", "/clients/{id}", (404, None));
    read("protocol=odata4", "/clients({id})", (404, None));
    // A failure with a good status is no record.
    read("errors=success-false", "/clients/{id}", (200, None));
    read("errors=204", "/clients/{id}", (204, None));
}

#[test]
fn a_deleted_record_is_told_from_one_that_never_was() {
    read("deleted=endpoint,gone=410", "/clients/{id}", (404, Some(410)));
    read("deleted=include_deleted,gone=404", "/clients/{id}", (404, Some(404)));
}

#[test]
fn columns_that_only_single_records_have_are_told() {
    with("files=base64", false, |learned| async move {
        let rules = &learned.probed.profile.object[&Object::File];
        assert!(rules.quirks.iter().any(|quirk| quirk.contains("'content_base64'")), "{:?}", rules.quirks);
        let found = learned.probed.objects.iter().find(|found| found.object == Some(Object::File)).expect("files");
        assert!(found.risks.iter().any(|risk| risk.contains("content_base64")), "{:?}", found.risks);
        assert!(learned.probed.profile.object[&Object::Client].quirks.is_empty());
    });
}
