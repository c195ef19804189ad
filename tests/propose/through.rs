//! Commissions that name only a deal, or only a project of a deal, and are to stand at the client: they reach it through what
//! they name, before and after that changes, and the sums are right to the cent.

use std::collections::BTreeMap;
use std::path::Path;

use crossdock::mapping::Mapping;
use crossdock::record::{Entity, Fate, Object};
use rust_decimal::Decimal;

use super::layouts::{Moved, moved_as, moved_while, write};
use super::placement::{CLIENTS, DEALS, account, amounts, cents, deals_with_projects, decimal, users};

/// Edits the lines of a file, the header among them.
fn edit(folder: &Path, file: &str, edit: impl Fn(&str) -> Option<String>) {
    let text = std::fs::read_to_string(folder.join(file)).expect("the file");
    write(folder, file, &text.lines().filter_map(edit).collect::<Vec<_>>());
}

/// The account with commissions that name their deal, and not its client.
fn only_deals(folder: &Path) {
    account(folder);
    edit(folder, "commissions.csv", |line| {
        let cells: Vec<&str> = line.split(',').collect();
        Some([&cells[..2], &cells[3..]].concat().join(","))
    });
}

/// The client of a deal in the account.
fn client(deal: usize) -> usize {
    deal % CLIENTS + 1
}

/// Every client's sum of commissions in cents.
fn sums(of: impl Iterator<Item = (usize, i64)>) -> BTreeMap<usize, i64> {
    let mut sums: BTreeMap<usize, i64> = (1..=CLIENTS).map(|client| (client, 0)).collect();
    of.for_each(|(client, amount)| *sums.entry(client).or_default() += amount);
    sums
}

fn assert_sums(moved: &Moved, expected: &BTreeMap<usize, i64>) {
    let persons = moved.live(Entity::Person);
    for (client, expected) in expected {
        let name = format!("First{client} Last{client}x");
        let person = persons.iter().find(|person| person["name"] == *name).expect("the person");
        let total = moved.custom(person, Entity::PersonField, "Commission total");
        assert_eq!(if total.is_null() { Decimal::ZERO } else { decimal(&total) }, cents(*expected), "{name}");
    }
}

#[test]
fn commissions_of_deals_stand_at_the_client() {
    let files = tempfile::tempdir().expect("a folder");
    only_deals(files.path());
    // One names a deal that is not there, and one a deal without a client.
    edit(files.path(), "commissions.csv", |line| {
        let last =
            "K-9999,D-9999,u_0,Client Rep,5.00,10%,2025-01-10\r\nK-9998,D-9998,u_0,Client Rep,7.00,10%,2025-01-10";
        Some(if line.starts_with("K-00010,") { format!("{line}\r\n{last}") } else { line.to_owned() })
    });
    edit(files.path(), "deals.csv", |line| {
        let last = "D-9998,Order of nobody,,Quote,1.50,USD,u_0";
        Some(if line.starts_with("D-0001,") { format!("{line}\r\n{last}") } else { line.to_owned() })
    });
    let moved = moved_as(files.path(), &users(), &[("commissions", "person: sum")]);
    let mapping = Mapping::parse(&moved.text, "proposed").expect("valid");
    let fold = mapping.object(Object::Commission).and_then(|rules| rules.fold_into.clone()).expect("folded");
    assert_eq!(fold.words(), format!("client by DealNo, then ClientID of {}", fold.through[0].object));
    let of_deals = (1..=DEALS).flat_map(|deal| amounts(deal).into_iter().map(move |amount| (client(deal), amount)));
    let expected = sums(of_deals);
    assert_sums(&moved, &expected);
    let all = (1..=DEALS).map(|deal| amounts(deal).len() as u64).sum::<u64>();
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), all);
    let deal = fold.through[0].object;
    let told =
        |id: &str| moved.reasons.iter().find(|(.., own, _, _)| own == id).map(|(.., fate, why)| (*fate, why.clone()));
    let gone = format!("goes through {deal} D-9999, which does not exist at the source");
    assert_eq!(told("K-9999"), Some((Fate::Rejected, gone)));
    let nobody = format!("goes through {deal} D-9998, which names no client");
    assert_eq!(told("K-9998"), Some((Fate::Rejected, nobody)));
}

#[test]
fn what_changes_on_the_way_reaches_both_clients() {
    let files = tempfile::tempdir().expect("a folder");
    only_deals(files.path());
    edit(files.path(), "commissions.csv", |line| {
        let last = "K-9999,D-9999,u_0,Client Rep,5.00,10%,2025-01-10";
        Some(if line.starts_with("K-00010,") { format!("{line}\r\n{last}") } else { line.to_owned() })
    });
    let change = |folder: &Path| {
        edit(folder, "commissions.csv", |line| match line {
            // Another amount; one that is gone; a new one.
            line if line.starts_with("K-00010,") => Some(line.replace(",11.11,", ",5000.00,")),
            line if line.starts_with("K-00020,") => None,
            line if line.starts_with("K-00030,") => {
                Some(format!("{line}\r\nK-8888,D-0004,u_1,Order Rep,0.07,10%,2025-01-10"))
            }
            line => Some(line.to_owned()),
        });
        edit(folder, "deals.csv", |line| match line {
            // Another client; a deal that is gone; the one that was missed.
            line if line.starts_with("D-0006,") => Some(line.replace("CL-0007", "CL-0020")),
            line if line.starts_with("D-0010,") => None,
            line if line.starts_with("D-0011,") => {
                Some(format!("{line}\r\nD-9999,Order of late,CL-0001,Quote,1.50,USD,u_0"))
            }
            line => Some(line.to_owned()),
        });
    };
    let moved = moved_while(files.path(), &users(), &[("commissions", "person: sum")], &|text| text, change);
    let of_deals = (1..=DEALS).flat_map(|deal| {
        let own = amounts(deal).into_iter().enumerate();
        own.map(move |(part, amount)| match (deal, part) {
            (1, 0) => (client(1), 500_000),
            (2, 0) | (10, _) => (client(deal), 0),
            (6, _) => (20, amount),
            _ => (client(deal), amount),
        })
    });
    assert_sums(&moved, &sums(of_deals.chain([(client(4), 7), (1, 500)])));
    let all = (1..=DEALS).map(|deal| amounts(deal).len() as u64).sum::<u64>();
    // One is new and the missed one has its deal now; one is gone, and those of the deal that is gone went with it.
    let of_the_gone = amounts(10).len() as u64;
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), all + 2 - 1 - of_the_gone);
    assert_eq!(moved.fate(Object::Commission, Fate::Skipped), 1 + of_the_gone);
    let of_it = moved.reasons.iter().find(|(_, id, ..)| id == "K-00100").expect("left out");
    assert!(of_it.3.contains("D-0010, which was skipped: deleted at the source"), "{of_it:?}");
}

#[test]
fn commissions_of_orders_reach_the_deal_and_its_client() {
    let files = tempfile::tempdir().expect("a folder");
    deals_with_projects(files.path());
    let mut commissions = vec!["CommissionID,ProjectID,Rep,Rep Type,Amount,Rate,Paid Date".to_owned()];
    let amount = |deal: usize, part: usize| (deal * 1_013 + part * 41) as i64;
    for deal in 1..=DEALS {
        for part in 0..deal % 3 {
            let amount = cents(amount(deal, part));
            commissions
                .push(format!("K-{deal:04}{part},PJ-{deal:04}{part},u_{part},Client Rep,{amount},10%,2025-01-1{part}"));
        }
    }
    write(files.path(), "commissions.csv", &commissions);
    let placements = |commission: &'static str| [("projects", "deal: list"), ("commissions", commission)];
    let moved = moved_as(files.path(), &users(), &placements("deal: sum"));
    for deal in 1..=DEALS {
        let expected: i64 = (0..deal % 3).map(|part| amount(deal, part)).sum();
        let total = moved.custom(&moved.deal(deal), Entity::DealField, "Commission total");
        assert_eq!(if total.is_null() { Decimal::ZERO } else { decimal(&total) }, cents(expected), "deal {deal}");
    }
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), commissions.len() as u64 - 1);

    let moved = moved_as(files.path(), &users(), &placements("person: sum"));
    let of_projects = (1..=DEALS).flat_map(|deal| (0..deal % 3).map(move |part| (client(deal), amount(deal, part))));
    assert_sums(&moved, &sums(of_projects));
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), commissions.len() as u64 - 1);
}

/// The currency of a deal's amount; of every tenth nobody says it.
fn currency(deal: usize) -> Option<&'static str> {
    (!deal.is_multiple_of(10)).then(|| ["USD", "EUR", "GBP"][deal % 3])
}

/// Sums in cents by client and currency.
fn sums_by_currency(of: impl Iterator<Item = (usize, &'static str, i64)>) -> BTreeMap<(usize, &'static str), i64> {
    let mut sums = BTreeMap::new();
    of.for_each(|(client, currency, amount)| *sums.entry((client, currency)).or_default() += amount);
    sums
}

fn assert_sums_by_currency(moved: &Moved, expected: &BTreeMap<(usize, &'static str), i64>) {
    let persons = moved.live(Entity::Person);
    for client in 1..=CLIENTS {
        let name = format!("First{client} Last{client}x");
        let person = persons.iter().find(|person| person["name"] == *name).expect("the person");
        for code in ["USD", "EUR", "GBP"] {
            let total = moved.custom(person, Entity::PersonField, &format!("Commission total {code}"));
            let own = expected.get(&(client, code));
            assert_eq!((!total.is_null()).then(|| decimal(&total)), own.map(|own| cents(*own)), "{name}, {code}");
        }
        let written = person["custom_fields"].to_string();
        for (_, code) in expected.keys().filter(|(own, _)| *own == client) {
            assert!(written.contains(&format!("\"currency\":\"{code}\"")), "{name}: {written}");
        }
    }
}

#[test]
fn amounts_in_the_currencies_of_their_deals_are_never_mixed() {
    let files = tempfile::tempdir().expect("a folder");
    only_deals(files.path());
    edit(files.path(), "deals.csv", |line| {
        let deal = line.strip_prefix("D-").and_then(|rest| rest[..4].parse::<usize>().ok());
        Some(deal.map_or(line.to_owned(), |deal| line.replace(",USD,", &format!(",{},", currency(deal).unwrap_or("")))))
    });
    // After the load one deal turns out to be in another currency, and one of those of which nobody said it in this one.
    let change = |folder: &Path| {
        edit(folder, "deals.csv", |line| {
            let line = if line.starts_with("D-0001,") { line.replace(",EUR,", ",GBP,") } else { line.to_owned() };
            Some(if line.starts_with("D-0010,") { line.replace(".50,,", ".50,USD,") } else { line })
        });
    };
    let now = |deal: usize| match deal {
        1 => Some("GBP"),
        10 => Some("USD"),
        deal => currency(deal),
    };
    let moved = moved_while(files.path(), &users(), &[("commissions", "person: sum")], &|text| text, change);
    let of_deals = (1..=DEALS).filter_map(|deal| Some((deal, now(deal)?)));
    let of_deals =
        of_deals.flat_map(|(deal, code)| amounts(deal).into_iter().map(move |own| (client(deal), code, own)));
    assert_sums_by_currency(&moved, &sums_by_currency(of_deals));
    // What nothing tells the currency of is in no sum, and said where it belongs, once.
    let untold: Vec<usize> = (1..=DEALS).filter(|deal| now(*deal).is_none() && !amounts(*deal).is_empty()).collect();
    assert!(!untold.is_empty());
    for deal in untold {
        let id = format!("CL-{:04}", client(deal));
        let about = |(own, detail): &&(String, String)| *own == id && detail.contains("nothing tells the currency of");
        let told: Vec<&(String, String)> = moved.findings.iter().filter(about).collect();
        assert!(matches!(told.as_slice(), [(_, told)] if told.contains(&format!("K-{deal:04}0"))), "{told:?}");
    }
    // Every row has ended, those without a currency as part of the lines of their client.
    let all = (1..=DEALS).map(|deal| amounts(deal).len() as u64).sum::<u64>();
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), all);
}
