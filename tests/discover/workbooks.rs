//! What a discovery finds in files, which workbooks it writes, and how those are read back.

use serde_json::json;

use super::*;

#[test]
fn files_are_proved_row_by_row_and_what_they_lack_gets_a_workbook() {
    let world = world();
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("clients") && said.contains("a workbook") && said.contains("discovery.html"), "{said}");
    let found = discovery(&world);
    for (object, method, records) in [
        ("client", "csv", 30),
        ("owner", "csv", 2),
        ("project", "csv", 20),
        ("task", "workbook", 0),
        ("call", "workbook", 0),
    ] {
        let own = item(&found["objects"], "object", object);
        assert_eq!((&own["method"], &own["records"]), (&json!(method), &json!(records)), "{own}");
        assert!(!own["reasons"].as_array().expect("reasons").is_empty(), "{own}");
    }
    // Rows in are rows read and rejected, with place and reason.
    let clients = item(&found["tables"], "name", "clients");
    let file = &clients["files"][0];
    assert_eq!((&file["rows"], &file["parsed"], &file["rejected"]), (&json!(31), &json!(30), &json!(1)));
    assert_eq!(
        (&file["encoding"], &file["delimiter"], &file["rows_above"]),
        (&json!("windows-1252"), &json!("semicolons"), &json!(1))
    );
    let rejected = &clients["rejected_rows"][0];
    assert_eq!(
        (&rejected["file"], &rejected["row"], &rejected["line"]),
        (&json!("clients.csv"), &json!(33), &json!(33))
    );
    let bytes = std::fs::read(world.folder.join("export/clients.csv")).expect("there");
    let byte = usize::try_from(rejected["byte"].as_u64().expect("a byte")).expect("small");
    assert!(bytes[byte..].starts_with(b"31;Shifted"), "byte {byte}");
    assert!(
        rejected["reason"].as_str().is_some_and(|reason| reason.contains("3 cells where the header has 8")),
        "{rejected}"
    );
    let projects = item(&found["tables"], "name", "projects");
    assert_eq!(projects["files"][0]["encoding"], "UTF-16LE");
    // Columns, masked.
    let email = item(&clients["columns"], "name", "email");
    assert_eq!((&email["shape"], &email["filled"], &email["distinct"]), (&json!("email"), &json!(30), &json!(30)));
    assert!(
        email["samples"].as_array().is_some_and(|samples| samples.len() <= 3 && samples[0] == "x9@xxxx.xxxxxxx"),
        "{email}"
    );
    // Days that may be read two ways are asked about.
    let days = &item(&clients["columns"], "name", "created_at")["days"];
    assert!(
        days["ambiguous"].as_u64() > Some(10)
            && days["settled"].as_str().is_some_and(|text| text.starts_with("not settled"))
    );
    assert!(found["questions"].to_string().contains("clients.created_at"), "{}", found["questions"]);
    // How well columns join.
    let link = item(&found["links"], "column", "client_id");
    assert_eq!((&link["by_id"], &link["missing"], &link["filled"]), (&json!(19), &json!(1), &json!(20)), "{link}");
    // Workbooks, the questionnaire and what was decided.
    for book in ["pipelines", "leads", "commissions", "tasks", "notes", "calls", "emails", "meetings", "inventory"] {
        assert!(world.folder.join(format!("workbooks/{book}.xlsx")).exists(), "{book}");
    }
    assert!(!world.folder.join("workbooks/clients.xlsx").exists());
    let decided = std::fs::read_to_string(world.folder.join("extraction.toml")).expect("decided");
    assert!(decided.contains("client = \"csv\"") && decided.contains("task = \"workbook\""), "{decided}");
    let fields = found["fields"].as_array().expect("fields");
    assert!(fields.iter().any(|field| field["name"] == "In-hands date" && field["field_type"] == "date"), "{fields:?}");
    // Nothing was sent anywhere.
    assert!(!world.folder.join("journal.db").exists());
    assert_eq!(world.pipedrive.get("ledger")["requests"], 0);
}

#[test]
fn every_mistake_in_a_workbook_is_told_with_its_cell() {
    let Some(python) = python() else { return };
    let world = world();
    assert_eq!(code(&world.run(&["discover"])), 0);
    let task = |id: &str, subject: &str| {
        json!({"id": id, "subject": subject, "type": "call", "status": "open",
        "assignee_id": "ada@acme.example", "due_date": "day:2026-03-31", "due_time": "14:30", "related_type": "project",
        "related_id": "p1", "updated_at": "2026-01-05 10:00:00"})
    };
    let with = |mut row: Value, key: &str, value: &str| {
        row[key] = json!(value);
        row
    };
    let rows = json!([
        task("t1", "Ask about the proof"),
        with(task("t2", "wrong day"), "due_date", "31.02.2026"),
        with(task("t3", "wrong time"), "due_time", "25 o'clock"),
        task("t4", "first"),
        task("t4", "second"),
        with(task("t5", "wrong instant"), "updated_at", "soon"),
        with(task("", "no id"), "id", ""),
        task("t7", "=HYPERLINK(\"http://x\")").as_object().map(|row| {
            let mut row = row.clone();
            row.insert("subject".to_owned(), json!("'=1+1"));
            Value::Object(row)
        }),
    ]);
    fill(python, &world, "tasks", &rows);
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 3, "{}", text(&output));
    let found = discovery(&world);
    let tasks = item(&found["tables"], "name", "tasks");
    assert_eq!((&tasks["rows"], &tasks["parsed"], &tasks["rejected"]), (&json!(8), &json!(2), &json!(6)), "{tasks}");
    let reasons: Vec<&str> =
        tasks["rejected_rows"].as_array().expect("a list").iter().filter_map(|row| row["reason"].as_str()).collect();
    for expected in [
        "tasks.xlsx, sheet tasks, cell E4: due_date \"31.02.2026\"",
        "tasks.xlsx, sheet tasks, cell F5: due_time \"25 o'clock\"",
        "tasks.xlsx, sheet tasks, cell A6: id 't4' stands in row 7 too",
        "tasks.xlsx, sheet tasks, cell A7: id 't4' stands in row 6 too",
        "tasks.xlsx, sheet tasks, cell M8: updated_at \"soon\" is not a date",
        "tasks.xlsx, sheet tasks, cell A9: it has no id: column 'id' is empty",
    ] {
        assert!(reasons.iter().any(|reason| reason.contains(expected)), "{expected} is not in {reasons:#?}");
    }
    let task = item(&found["objects"], "object", "task");
    assert_eq!((&task["method"], &task["records"]), (&json!("workbook"), &json!(2)));
    // What people typed is never written over.
    let before = std::fs::read(world.folder.join("workbooks/tasks.xlsx")).expect("there");
    assert_eq!(code(&world.run(&["discover"])), 3, "the mistakes are still there");
    assert_eq!(std::fs::read(world.folder.join("workbooks/tasks.xlsx")).expect("there"), before);
}

#[test]
fn a_second_discovery_names_what_is_different() {
    let world = world();
    assert_eq!(code(&world.run(&["discover"])), 0);
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    assert!(text(&output).contains("Nothing is different"), "{}", text(&output));
    assert_eq!(discovery(&world)["changes"]["list"], json!([]));
    let folder = world.folder.join("export");
    std::fs::write(folder.join("tasks.csv"), "id,subject,updated_at\n1,a,2026-01-05T10:00:00Z\n").expect("written");
    std::fs::write(
        folder.join("owners.csv"),
        "id,email,phone,updated_at\nu_1,ada@acme.example,1,2026-01-05T10:00:00Z\n",
    )
    .expect("written");
    std::fs::remove_file(folder.join("projects.tsv")).expect("removed");
    let output = world.run(&["discover", "--json"]);
    assert_eq!(code(&output), 3, "{}", text(&output));
    let line = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    assert_eq!(line.lines().count(), 1, "{line}");
    let found: Value = serde_json::from_str(&line).expect("JSON");
    let told: Vec<String> = found["changes"]["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| format!("{}: {} → {}", change["subject"], change["before"], change["now"]).replace('"', ""))
        .collect();
    for expected in [
        "task is read from: workbook → csv",
        "project is read from: csv → workbook",
        "table tasks: not there → new",
        "table projects: there → gone",
        "rows of owners: 2 → 1",
        "owners.first_name: there → gone",
        "owners.phone: not there → new",
    ] {
        assert!(told.contains(&expected.to_owned()), "{expected} is not in {told:#?}");
    }
    let page = std::fs::read_to_string(world.folder.join("reports/discovery.html")).expect("the page");
    assert!(page.contains("What is different") && page.contains("owners.phone"));
}

#[test]
fn the_operator_decides_otherwise() {
    let world = world();
    let path = world.folder.join("migration.toml");
    let settings = std::fs::read_to_string(&path).expect("settings");
    let said = settings.replace("[pipedrive]", "[source.from]\ntask = \"none\"\nclient = \"workbook\"\n[pipedrive]");
    std::fs::write(&path, said).expect("written");
    assert_eq!(code(&world.run(&["discover"])), 0);
    let found = discovery(&world);
    let own = |object: &str| item(&found["objects"], "object", object)["method"].clone();
    assert_eq!((own("task"), own("client"), own("project")), (json!("none"), json!("workbook"), json!("csv")));
    assert!(
        world.folder.join("workbooks/clients.xlsx").exists() && !world.folder.join("workbooks/tasks.xlsx").exists()
    );
    std::fs::write(&path, settings.replace("[pipedrive]", "[source.from]\ntask = \"api\"\n[pipedrive]"))
        .expect("written");
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 2, "{}", text(&output));
    assert!(
        text(&output).contains("source.from.task") && text(&output).contains("names no address"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_bomb_is_no_workbook() {
    let world = world();
    std::fs::create_dir_all(world.folder.join("workbooks")).expect("a folder");
    std::fs::write(world.folder.join("workbooks/tasks.xlsx"), b"PK\x03\x04 nothing").expect("written");
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let questions = discovery(&world)["questions"].clone();
    let own = item(&questions, "about", "workbook tasks.xlsx");
    assert!(
        own["asks"].as_str().is_some_and(|asks| asks.contains("is no XLSX workbook")) && own["blocks"] == true,
        "{own}"
    );
}
