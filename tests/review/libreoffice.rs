//! Workbooks that LibreOffice opened and saved: nothing is taken for an edit that nobody made, and an edit is read.

use super::*;

/// Opens a workbook with LibreOffice and saves it in place.
fn saved(soffice: &Path, scratch: &Path, path: &Path) {
    let out = scratch.join("saved");
    // A profile of its own, since two of it with one profile wait for one another.
    let profile = format!("-env:UserInstallation=file://{}", scratch.join("profile").display());
    let mut command = Command::new(soffice);
    command.args(["--headless", &profile, "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]);
    let output = command.arg(&out).arg(path).output().expect("LibreOffice runs");
    assert!(output.status.success(), "{}", text(&output));
    let name = path.file_name().expect("a name");
    std::fs::copy(out.join(name), path).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
}

#[test]
fn libreoffice_saves_what_people_edited_and_nothing_else() {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let soffice = std::env::split_paths(&folders).map(|folder| folder.join("soffice")).find(|path| path.exists());
    let (Some(python), Some(soffice)) = (python(), soffice) else {
        println!("skipped: no LibreOffice, or no python3 with openpyxl");
        return;
    };
    let scratch = tempfile::tempdir().expect("a folder");
    let (_promox, world) = small_world();
    well(&world.run(&["map"]));
    let books = ["mapping.xlsx", "owners.xlsx"].map(|name| world.folder.join("reports").join(name));
    books.iter().for_each(|book| saved(&soffice, scratch.path(), book));
    let said = well(&world.run(&["map", "--read"]));
    assert!(said.contains("The mapping stays as it is."), "{said}");

    let birthday = line(&world, "person: custom:Birthday")["key"].as_str().expect("a key").to_owned();
    // What the script asks of a sheet, LibreOffice does not all write, such as headers that stay in sight.
    well(&world.run(&["map"]));
    edit(python, &books[0], [&birthday, "custom:Born", "-", "ask Dana"]);
    saved(&soffice, scratch.path(), &books[0]);
    let said = well(&world.run(&["map", "--read"]));
    assert!(said.contains("birthday goes to custom:Born; it went to custom:Birthday"), "{said}");
    assert!(said.contains("1 change made in mapping.toml"), "{said}");
    assert_eq!(line(&world, "person: custom:Born")["remark"], "ask Dana");

    // The workbooks that discover writes, blank and with a row.
    well(&world.run(&["discover"]));
    let calls = world.folder.join("workbooks/calls.xlsx");
    let written = std::fs::read(&calls).expect("written");
    saved(&soffice, scratch.path(), &calls);
    let blank = well(&world.run(&["discover"]));
    assert!(blank.contains("Nothing is different from the discovery"), "{blank}");
    std::fs::write(&calls, written).expect("as it was");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/discover/fill.py");
    let row = serde_json::json!([{"id": "c1", "subject": "Called", "date": "day:2026-03-31", "notes": "by phone"}]);
    let output = Command::new(python).arg(script).arg(&calls).args(["calls", &row.to_string()]).output();
    well(&output.expect("python runs"));
    saved(&soffice, scratch.path(), &calls);
    world.run(&["discover"]);
    let found = std::fs::read(world.folder.join("reports/discovery.json")).expect("the report");
    let found: Value = serde_json::from_slice(&found).expect("JSON");
    let tables = found["tables"].as_array().expect("tables");
    let calls = tables.iter().find(|table| table["name"] == "calls").expect("calls");
    assert_eq!((&calls["rows"], &calls["rejected"]), (&Value::from(1), &Value::from(0)), "{calls}");
    let dates = calls["columns"].as_array().expect("columns").iter().find(|column| column["name"] == "date");
    assert_eq!(dates.expect("dates")["samples"], serde_json::json!(["9999-99-99"]), "the day is a day");
}
