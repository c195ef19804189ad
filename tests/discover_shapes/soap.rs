//! Services that are called by SOAP: learned from their description and read row for row, where their path was approved.

use super::world::{Told, run, run_as};

/// Ways to page, to sign in, to wrap and to write rows.
const SHAPES: &[&str] = &[
    "protocol=soap,auth=body",
    "protocol=soap,auth=basic,total=none,delta=updated_after",
    "protocol=soap,auth=basic,paging=offset,total=total_count,envelope=resource,size-param=pageSize,nulls=missing",
    "protocol=soap,wsdl=split,auth=body,paging=cursor,envelope=items,total=none,spelling=camel,words=contacts,delta=since",
    "protocol=soap,auth=x-api-key,paging=keyset,envelope=bare,total=none,site=spa,base=rest-v1",
    "protocol=soap,auth=bearer,paging=none,spelling=pascal,custom=map,money=cents,links=objects,base=root",
    "protocol=soap,auth=basic,page-base=0,page-param=pageNumber,past-end=400,total=none,envelope=nested,custom=array",
    "protocol=soap,auth=odd,odd-header=x-api-token,paging=offset,offset-param=start,past-end=repeat,total=has_more,ids=uuid",
    "protocol=soap,auth=body,gated=commissions,files=token,words=orders,deleted=flag,delta=modified_after,dates=naive",
];

#[test]
fn services_of_soap_are_learned_from_their_description_and_read_row_for_row() {
    for shape in SHAPES {
        let outcome = run(shape);
        println!("{outcome}");
        assert!(matches!(outcome.told, Told::Learned), "{outcome}");
        assert!(outcome.posts > 0 && outcome.requests <= 150, "{outcome}");
        assert!(outcome.writes == 0 && !outcome.locked, "{outcome}");
    }
}

#[test]
fn no_service_is_called_that_was_not_approved() {
    for shape in ["protocol=soap,auth=body", "protocol=soap,auth=basic,site=spa"] {
        let outcome = run_as(shape, false);
        let Told::FellBack(reasons) = &outcome.told else { panic!("{outcome}") };
        assert!(reasons.iter().any(|why| why.contains("/api/v1/soap") && why.contains("approved")), "{outcome}");
        assert!(outcome.posts == 0 && outcome.writes == 0 && outcome.requests <= 150, "{outcome}");
    }
}
