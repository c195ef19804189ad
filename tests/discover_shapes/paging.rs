//! Ways of paging that were once not understood, each by itself.

use crate::world::{Told, run};

#[test]
fn each_way_of_paging_is_understood() {
    let shapes = [
        // No page moves, and one is as large as all rows.
        "paging=offset,paging-flaw=ignored,page-default=25,page-max=200",
        "paging=cursor,paging-flaw=ignored,page-default=25,page-max=200,total=none",
        "paging=next-url,paging-flaw=ignored,page-default=50,page-max=200,total=has_more,unknown=refused",
        // Rows by their ids have no order in an answer.
        "paging=offset,envelope=keyed,ids=uuid,page-default=25",
        "paging=page,envelope=keyed,ids=prefixed,page-base=0,total=none",
        "paging=page,envelope=keyed,order=id-desc,total=none",
        // Where names that are not known are refused, they are tried one by one.
        "paging=offset,offset-param=startPosition,size-param=maxResults,unknown=refused,total=none",
        "paging=page,page-param=page[page],size-param=pg[limit],unknown=refused",
        "paging=keyset,keyset-param=changed_object_id__gt,size-param=page_size,unknown=refused",
        // Lists that turn pages in two ways, without a size.
        "paging=offset,mixed=yes,size-param=none,page-default=20,total=none,envelope=bare",
        "paging=page,page-base=0,size-param=none,page-default=20,total=none",
        // What comes behind the last page is an error with a good status.
        "errors=ok-false,past-end=404,total=none,page-default=20",
        "errors=204,past-end=400,total=none,paging=offset",
        // It counts when asked to, and gives the last page again.
        "total=count_total,past-end=repeat,size-param=limit",
    ];
    for shape in shapes {
        let outcome = run(shape);
        assert!(matches!(outcome.told, Told::Learned), "{outcome}");
        assert!(outcome.writes == 0 && !outcome.locked && outcome.requests <= 150, "{outcome}");
    }
}

#[test]
fn what_no_parameter_reaches_is_said_to_be_missing() {
    let shapes = [
        "paging=offset,paging-flaw=ignored,page-default=25,page-max=50",
        "paging=cursor,paging-flaw=ignored,page-default=25,page-max=50,total=none",
        "paging=page,paging-flaw=ignored,page-default=50,page-max=50,total=none,size-param=none",
        "paging=link,paging-flaw=ignored,page-default=20,total=none,size-param=none,order=name",
    ];
    for shape in shapes {
        let outcome = run(shape);
        assert!(matches!(outcome.told, Told::FellBack(_)), "{outcome}");
    }
}
