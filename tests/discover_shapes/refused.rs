//! Sources that refuse whatever they do not have, so that a refusal says little.

use crossdock::record::Object;
use crossdock::source::probe::Verdict;

use crate::world::{Told, found, run};

#[test]
fn a_source_that_refuses_what_it_does_not_have_is_signed_into() {
    let shapes = [
        "absent=403,base=root",
        "absent=403,base=root,errors=html",
        "absent=403,base=root,errors=empty,auth=x-api-key",
        "absent=403,base=root,errors=html,auth=basic,paths=singular",
        "absent=403,errors=html,paths=singular",
        "absent=403,base=root,errors=empty,auth=two-step,session-use=raw",
    ];
    for shape in shapes {
        let outcome = run(shape);
        assert!(matches!(outcome.told, Told::Learned), "{outcome}");
        assert!(outcome.writes == 0 && !outcome.locked && outcome.requests <= 150, "{outcome}");
    }
}

#[test]
fn a_list_is_told_as_refused_only_where_a_refusal_says_something() {
    let verdict = |shape: &str, object: Object| {
        let found = found(shape).into_iter().find(|found| found.object == Some(object));
        found.expect("every object has a verdict").verdict
    };
    // The plan keeps commissions from us, and there are no files.
    let told = "gated=commissions,files=none";
    assert!(matches!(verdict(told, Object::Commission), Verdict::Refused(_)));
    assert!(matches!(verdict(told, Object::File), Verdict::Fallback(_)));
    // Here a path that nobody has is refused in the same way.
    let vague = "absent=403,files=none";
    let verdict = verdict(vague, Object::File);
    assert!(matches!(&verdict, Verdict::Fallback(why) if why.contains("no list was found")), "{verdict:?}");
}
