//! Other keys of duplicates after the load: records that were one are parted, and what is in Pipedrive twice stays twice.

use serde_json::json;

use super::*;
use crate::processes::text;

const MAPPING: &str = include_str!("../fixtures/workspace.mapping.toml");

/// The person of the mapping, whose keys change.
const PERSON: &str = "entity = \"person\"\n";

const BY_EMAIL: &str = "duplicate_key = [{ from = \"email\", clean = \"emails\", required = true }]\n";

const BY_COMPANY_TOO: &str = "duplicate_key = [{ from = \"email\", clean = \"emails\", required = true }, { from = \"company\", clean = \"text\" }]\n";

/// Two companies with one contact between them, and what hangs on each.
pub(crate) fn export() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, rows) in [
        ("owners", "id,name,email\nu1,Ada Here,ada@here.example\n"),
        (
            "clients",
            "id,company,owner_id,name,email\nc1,First Co,u1,Ann One,ann@one.example\n\
             c2,Second Co,u1,Ann One,ann@one.example\nc3,First Co,u1,Cy Three,cy@three.example\n",
        ),
        (
            "projects",
            "id,name,client_id,stage,value,currency,po,due,method\np1,Mugs,c1,Quote,100,USD,PO-1,2026-02-01,Laser\n\
             p2,Pens,c2,Proof,50,USD,PO-2,2026-02-02,Laser\np3,Caps,c3,Proof,50,USD,PO-3,2026-02-02,Laser\n",
        ),
        ("leads", "id,name,client_id,stage\nl1,Maybe,c1,New\nl2,Perhaps,c2,New\n"),
        ("tasks", "id,subject,type,project_id\nt1,Send proof,proof,p1\n"),
    ] {
        fs::write(folder.path().join(format!("{name}.csv")), rows).expect("written");
    }
    folder
}

/// The live record of a kind whose title is this.
fn titled(world: &World, kind: &str, title: &str) -> Value {
    let named = |row: &Value| row["title"] == title;
    live(world, kind).into_iter().find(named).unwrap_or_else(|| panic!("no {kind} {title}"))
}

/// How many records of a kind the amendment says this of.
fn said(amendment: &Value, entity: &str, change: &str) -> u64 {
    let lines = amendment["records"].as_array().expect("records").iter();
    lines.filter(|line| line[0] == entity && line[1] == change).filter_map(|line| line[2].as_u64()).sum()
}

fn amended(world: &World) -> Value {
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    report(world, "amendment")
}

/// A migration of that export, which ends with it.
pub(crate) fn migration(folder: &tempfile::TempDir) -> World {
    let source = processes::Source {
        settings: format!("folder = {:?}\npoll_seconds = 1", folder.path()),
        token: String::new(),
        mapping: MAPPING.replacen(PERSON, &format!("{PERSON}{BY_EMAIL}"), 1),
        users: vec![("Ada Here".to_owned(), "ada@here.example".to_owned())],
    };
    World::start(source, &[])
}

#[test]
fn other_keys_part_what_was_one_and_leave_what_is_two() {
    let folder = export();
    let world = migration(&folder);
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);
    let ann = titled(&world, "deal", "Mugs")["person_id"].clone();
    assert_eq!(live(&world, "person").len(), 2, "one address is one person");
    assert_eq!(titled(&world, "deal", "Pens")["person_id"], ann);
    let before = writes(&world);

    edit(&world, BY_EMAIL, BY_COMPANY_TOO);
    let amendment = amended(&world);
    assert_eq!((said(&amendment, "person", "parted"), said(&amendment, "person", "changed")), (1, 0), "{amendment}");
    assert_eq!((said(&amendment, "deal", "changed"), said(&amendment, "lead", "changed")), (1, 1), "{amendment}");
    assert_eq!(amendment["named"], json!({"client/c2#person": null}));
    // A person; a look at one deal and its update; a look at one lead and its update (`pipedrive-api.md`, section 4).
    assert_eq!(amendment["tokens"].as_u64(), Some(5 + (10 + 5) + (2 + 10)), "{amendment}");
    assert_eq!(writes(&world), before, "nothing is written before the approval");
    for gate in ["map", "data", "plan"] {
        pass(&world, gate);
    }
    // Deals come after leads.
    wait_for("the parted person", LONGEST, || (titled(&world, "deal", "Pens")["person_id"] != ann).then_some(()));
    let own = titled(&world, "lead", "Perhaps")["person_id"].clone();
    assert_eq!(live(&world, "person").len(), 3);
    assert_eq!(
        (&titled(&world, "deal", "Pens")["person_id"], &titled(&world, "deal", "Mugs")["person_id"]),
        (&own, &ann)
    );
    let person = live(&world, "person").into_iter().find(|row| row["id"] == own).expect("the person");
    let of_second = live(&world, "organization").into_iter().find(|row| row["name"] == "Second Co").expect("a company");
    assert_eq!(person["org_id"], of_second["id"]);

    let before = writes(&world);
    edit(&world, BY_COMPANY_TOO, BY_EMAIL);
    let amendment = amended(&world);
    assert_eq!(said(&amendment, "person", "twin"), 1, "{amendment}");
    assert_eq!(amendment["tokens"].as_u64(), Some(0), "{amendment}");
    for gate in ["map", "data", "plan"] {
        pass(&world, gate);
    }
    wait_for("the finding", LONGEST, || {
        let said = text(&world.run(&["explain", "client", "c2"]));
        said.contains("is now the same person as client c1").then_some(())
    });
    assert_eq!(writes(&world), before, "both stay as they are");
    assert_eq!(titled(&world, "deal", "Pens")["person_id"], own);
    end(&world, daemon, 0);
}
