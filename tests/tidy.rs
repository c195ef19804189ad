//! Keeps the house in order: layers, one job for each card crate, head comments, file sizes, no lint switched off quietly.
//!
//! The rules are data at the top. The reader below knows just enough Rust for them: it blanks comments and literals,
//! expands `use` trees, and resolves `crate::`, `self::` and `super::`. Modules that do not exist yet are fine; modules
//! without a layer are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layer of every module at the root of `src`. A module imports from lower layers, and from its own where no cycle
/// arises and [`APART`] does not forbid it.
const LAYERS: &[(u8, &[&str])] = &[
    (0, &["record", "error", "stop", "clock", "permit", "telemetry"]),
    (1, &["config", "mapping"]),
    (2, &["http", "retry", "spreadsheet"]),
    (3, &["source", "pipedrive", "journal"]),
    (4, &["clean", "propose", "stage"]),
    (5, &["pipeline", "report"]),
    (6, &["migration"]),
    (7, &["control"]),
    (8, &["cli"]),
];

/// The stand-ins share nothing with what they stand in for: they see the layers up to this one, and only [`STANDIN_USER`]
/// sees them.
const STANDIN: (&str, u8) = ("standin", 1);
const STANDIN_USER: &str = "cli";

/// Modules of one layer that never import one another.
const APART: &[&str] = &["source", "pipedrive", "journal"];

/// Folders whose files never import one another.
const SIBLINGS_APART: &[&str] = &["stage"];

/// What such siblings share: the types that travel between stages and the threads they use. These import no sibling.
const SHARED: &[&str] = &["item", "cpu"];

/// Crates (or parts of them) with one job, and the modules that do it. The longest matching path decides.
const CARDS: &[(&str, &[&str])] = &[
    ("reqwest", &["http"]),
    ("reqwest::Url", &["http", "pipedrive", "source"]),
    ("reqwest::Method", &["http", "pipedrive", "source"]),
    ("reqwest::header", &["http", "pipedrive", "source"]),
    ("rusqlite", &["journal"]),
    ("governor", &["pipedrive", "source"]),
    ("oauth2", &["pipedrive"]),
    ("crossbeam", &["stage", "pipeline", "journal"]),
    ("dashmap", &["stage/resolve"]),
    ("pathfinding", &["propose"]),
    ("base64", &["source/api/auth", "source/probe/files", "standin"]),
    ("csv", &["mapping/shape", "source", "report", "standin"]),
    ("rust_xlsxwriter", &["report/workbook"]),
    ("calamine", &["report/workbook", "source/csv", "spreadsheet"]),
    ("zip", &["report/workbook", "source/csv", "spreadsheet"]),
    ("toml_edit", &["mapping", "source/profile"]),
    ("diffy", &["mapping"]),
    ("plotters", &["report"]),
    ("strsim", &["mapping", "propose"]),
    ("axum", &["control", "standin"]),
    ("tokio::time", &["clock"]),
];

/// Only these may turn a row into an approval, because a write permit is minted from it.
const APPROVERS: &[&str] = &["journal", "permit"];

/// No file is longer; most are far below.
const LINES_MAX: usize = 800;

#[test]
fn the_house_is_tidy() {
    let files = read_files();
    assert!(files.keys().any(|name| name == "src/lib.rs"), "the sources were not found");
    let problems = problems(&files);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Every Rust file of the project by its path from the project's root, with `/` between.
fn read_files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    let mut folders = vec!["src".to_owned(), "tests".to_owned(), "benches".to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.expect("the folder can be read");
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("the entry has a type").is_dir() {
                folders.push(name);
            } else if name.ends_with(".rs") {
                files.insert(name, fs::read_to_string(entry.path()).expect("the file is text"));
            }
        }
    }
    files
}

/// Everything that is wrong, one line each.
fn problems(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files {
        let mut say = |line: usize, what: String| problems.push(format!("{name}:{line}: {what}"));
        if !text.starts_with("//!") {
            say(1, "begins without a `//!` head comment".to_owned());
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            say(lines, format!("{lines} lines; split it by concept"));
        }
        let tokens = tokens(&blanked(text));
        for line in quiet_lints(&tokens) {
            say(line, "`allow` switches a lint off; use `expect` with a reason".to_owned());
        }
        let Some(file) = SourceFile::new(name, &tokens) else { continue };
        for path in paths(&tokens) {
            for what in file.path_problems(&path, files) {
                say(path.line, what);
            }
            if let Some(resolved) = file.resolve(&path)
                && let (Some(own), Some(other)) = (file.module.first(), resolved.first())
                && own != other
                && layer(other).is_some()
            {
                imports.entry(own.clone()).or_default().insert(other.clone());
            }
        }
    }
    problems.extend(cycle(&imports).map(|names| format!("modules import one another in a circle: {names}")));
    problems
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(_, modules)| modules.contains(&module)).map(|(layer, _)| *layer)
}

/// A file of `src` other than its two roots.
struct SourceFile {
    /// Its module path below the crate.
    module: Vec<String>,
    /// The same with `/` between, for comparing with homes.
    home: String,
    /// Line from which on the file is its own test module.
    tests_from: usize,
}

/// A path as written, expanded out of its `use` tree.
struct Named {
    line: usize,
    segments: Vec<String>,
}

impl SourceFile {
    fn new(name: &str, tokens: &[Token]) -> Option<Self> {
        let inside = name.strip_prefix("src/")?.strip_suffix(".rs")?;
        if matches!(inside, "lib" | "main") {
            return None;
        }
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        let is_test_start = |window: &[Token]| {
            let words: Vec<&str> = window.iter().map(|token| token.text.as_str()).collect();
            words == ["#", "[", "cfg", "(", "test", ")", "]", "mod"]
        };
        let tests_from = tokens.windows(8).find(|window| is_test_start(window)).map_or(usize::MAX, |at| at[0].line);
        Some(Self { module: inside.split('/').map(str::to_owned).collect(), home: inside.to_owned(), tests_from })
    }

    fn lives_in(&self, homes: &[&str]) -> bool {
        homes.iter().any(|home| self.home == *home || self.home.starts_with(&format!("{home}/")))
    }

    /// The path below the crate's root; `None` for a path into another crate.
    fn resolve(&self, path: &Named) -> Option<Vec<String>> {
        let mut at = self.module.clone();
        if path.line >= self.tests_from {
            at.push("tests".to_owned());
        }
        let mut rest = path.segments.as_slice();
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            _ => return None,
        }
        at.extend_from_slice(rest);
        Some(at)
    }

    fn path_problems(&self, path: &Named, files: &BTreeMap<String, String>) -> Vec<String> {
        let mut found = Vec::new();
        if path.segments.ends_with(&["Approval".to_owned(), "recorded".to_owned()]) && !self.lives_in(APPROVERS) {
            found.push(format!("`Approval::recorded` is for {APPROVERS:?} only"));
        }
        match self.resolve(path) {
            Some(resolved) => {
                found.extend(self.layer_problem(&resolved));
                found.extend(self.sibling_problem(&resolved, files));
            }
            None => found.extend(self.card_problem(&path.segments)),
        }
        found
    }

    fn layer_problem(&self, target: &[String]) -> Option<String> {
        let (own, other) = (self.module.first()?, target.first()?);
        if own == other {
            return None;
        }
        let (standin, standin_sees) = STANDIN;
        if other == standin {
            return (own != STANDIN_USER).then(|| format!("`{own}` imports `{standin}`; only `{STANDIN_USER}` may"));
        }
        let above = layer(other)?;
        if own == standin {
            return (above > standin_sees).then(|| format!("`{standin}` imports `{other}` of layer {above}"));
        }
        let Some(below) = layer(own) else { return Some(format!("`{own}` has no layer; give it one in LAYERS")) };
        if above > below {
            return Some(format!("`{own}` of layer {below} imports `{other}` of layer {above}"));
        }
        let apart = APART.contains(&own.as_str()) && APART.contains(&other.as_str());
        apart.then(|| format!("`{own}` imports `{other}`; they never import one another"))
    }

    fn sibling_problem(&self, target: &[String], files: &BTreeMap<String, String>) -> Option<String> {
        let [folder, own, ..] = self.module.as_slice() else { return None };
        let [target_folder, other, ..] = target else { return None };
        if !SIBLINGS_APART.contains(&folder.as_str())
            || folder != target_folder
            || own == other
            || SHARED.contains(&other.as_str())
        {
            return None;
        }
        let stem = format!("src/{folder}/{other}");
        let is_module = files.contains_key(&format!("{stem}.rs")) || files.contains_key(&format!("{stem}/mod.rs"));
        is_module.then(|| format!("`{folder}::{own}` imports `{folder}::{other}`; siblings stay apart"))
    }

    fn card_problem(&self, segments: &[String]) -> Option<String> {
        let name = segments.join("::");
        let matches = |card: &str| name == card || name.starts_with(&format!("{card}::"));
        let (card, homes) = CARDS.iter().filter(|(card, _)| matches(card)).max_by_key(|(card, _)| card.len())?;
        (!self.lives_in(homes)).then(|| format!("`{name}`: {card} is for {homes:?} only"))
    }
}

/// One circle among the imports, as `a -> b -> a`.
fn cycle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|start| walk(start, imports, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    at: &'a str,
    imports: &'a BTreeMap<String, BTreeSet<String>>,
    trail: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if let Some(from) = trail.iter().position(|name| *name == at) {
        return Some([&trail[from..], &[at]].concat().join(" -> "));
    }
    if !done.insert(at) {
        return None;
    }
    trail.push(at);
    let found = imports.get(at).into_iter().flatten().find_map(|next| walk(next, imports, trail, done));
    trail.pop();
    found
}

/// One word, `::`, or single sign of the code.
struct Token {
    line: usize,
    text: String,
}

/// The source with comments and the insides of literals made blank; lines stay where they are.
fn blanked(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = literal(rest, &out) {
            length
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.extend(rest[..taken].chars().map(|sign| if sign == '\n' { '\n' } else { ' ' }));
        rest = &rest[taken..];
    }
    out
}

/// Length of the block comment at the start of `text`; block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the string or character literal at the start of `text`, if one stands there. `before` is the code so far.
fn literal(text: &str, before: &str) -> Option<usize> {
    let in_word = before.chars().next_back().is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    let prefix = if in_word { 0 } else { text.find(|sign| !matches!(sign, 'r' | 'b' | 'c')).unwrap_or(0).min(2) };
    let (prefix, body) = text.split_at(prefix);
    if prefix.contains('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        if body[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = &body[hashes + 1..];
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            return Some(prefix.len() + hashes + 1 + length);
        }
        return None;
    }
    let quote = body.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let mut inside = body.char_indices().skip(1);
    // 'a is a lifetime, 'a' and '\n' are characters.
    if quote == '\'' && !body[1..].starts_with('\\') {
        let (_, _character) = inside.next()?;
        let (at, end) = inside.next()?;
        return (end == '\'').then_some(prefix.len() + at + 1);
    }
    while let Some((at, sign)) = inside.next() {
        if sign == '\\' {
            inside.next();
        } else if sign == quote {
            return Some(prefix.len() + at + 1);
        }
    }
    Some(text.len())
}

fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, mut rest) in code.lines().enumerate() {
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            if !first.is_whitespace() {
                found.push(Token { line: index + 1, text: rest[..length].to_owned() });
            }
            rest = &rest[length..];
        }
    }
    found
}

/// Lines where a lint is switched off by `allow`.
fn quiet_lints(tokens: &[Token]) -> Vec<usize> {
    let is_quiet = |window: &&[Token]| {
        matches!([&window[0].text, &window[1].text, &window[2].text].map(String::as_str), ["[" | ",", "allow", "("])
    };
    tokens.windows(3).filter(is_quiet).map(|window| window[1].line).collect()
}

/// Every path of two or more segments, and everything a `use` names.
fn paths(tokens: &[Token]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        // `use<'a>` names what a returned type captures; it imports nothing.
        if token.text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<") {
            at = use_tree(tokens, at + 1, &[], &mut found);
            continue;
        }
        let starts = is_word(token) && tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if !starts {
            at += 1;
            continue;
        }
        let mut segments = vec![token.text.clone()];
        while tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && let Some(next) = tokens.get(at + 2).filter(|next| is_word(next))
        {
            segments.push(next.text.clone());
            at += 2;
        }
        found.push(Named { line: token.line, segments });
        // Past the last word, and past the `::` of a turbofish, so that nothing inside is taken for a head.
        at += 1;
    }
    found
}

fn is_word(token: &Token) -> bool {
    token.text.starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
}

/// Reads one `use` tree from `at`, below `prefix`; gives the place after it.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| !matches!(token.text.as_str(), "}" | ";")) {
                    at = use_tree(tokens, at, &segments, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            // `a::{self}` names `a`.
            "self" if !prefix.is_empty() => at += 1,
            word => {
                segments.push(word.to_owned());
                at += 1;
            }
        }
    }
    found.push(Named { line, segments });
    at
}

/// The problems of a small tree, which must be exactly one with `expected` in it, or none where that is empty.
fn check(files: &[(&str, &str)], expected: &str) {
    let tree = files.iter().map(|(name, text)| ((*name).to_owned(), format!("//! Head.\n{text}"))).collect();
    let found = problems(&tree);
    if expected.is_empty() {
        assert!(found.is_empty(), "{files:?}: {found:?}");
    } else {
        assert!(found.len() == 1 && found[0].contains(expected), "{files:?}: {found:?}");
    }
}

#[test]
fn imports_go_down() {
    check(&[("src/stage/load.rs", "use crate::journal::Journal;\nuse crate::clean::phone;")], "");
    check(&[("src/journal/mod.rs", "use crate::stage::load;")], "`journal` of layer 3 imports `stage` of layer 4");
    check(&[("src/record.rs", "fn at() { crate::cli::run() }")], "imports `cli`");
    check(&[("src/error.rs", "use super::config::Config;")], "imports `config`");
    check(&[("src/clean/mod.rs", "use crate::{error::{Error, Kind}, pipeline};")], "imports `pipeline`");
    check(&[("src/source/csv.rs", "use super::super::stage;")], "imports `stage`");
    check(&[("src/error.rs", "fn a() -> impl Fn() + use<> { crate::cli::run(); b }")], "imports `cli`");
    check(&[("src/gadget.rs", "use crate::error::Error;")], "has no layer");
    check(&[("src/lib.rs", "pub mod cli;\nuse crate::cli::run;")], "");
    check(&[("src/error.rs", "// crate::cli is above\nconst A: &str = \"crate::cli::run\";")], "");
    check(&[("src/error.rs", "#[cfg(test)]\nmod tests {\n use super::*;\n use super::super::record::Object;\n}")], "");
}

#[test]
fn some_neighbours_stay_apart() {
    check(&[("src/source/mod.rs", "use crate::journal::Journal;")], "they never import one another");
    check(&[("src/pipedrive/a.rs", "use crate::source::Source;")], "they never import one another");
    let load = ("src/stage/load.rs", "use crate::stage::Batch;");
    check(&[("src/stage/resolve.rs", "use crate::stage::load::run;"), load], "siblings stay apart");
    check(&[("src/stage/resolve.rs", "use super::load;"), load], "siblings stay apart");
    check(&[("src/stage/load/send.rs", "use super::super::resolve;"), ("src/stage/resolve.rs", "")], "siblings stay");
    let item = ("src/stage/item.rs", "use super::load;");
    check(
        &[("src/stage/load.rs", "use super::item;"), item],
        "`stage::item` imports `stage::load`; siblings stay apart",
    );
    check(&[("src/permit.rs", "use crate::record::A;"), ("src/record.rs", "use crate::permit::B;")], "in a circle");
    check(&[("src/permit.rs", "use crate::record::A;"), ("src/record.rs", "use crate::error::B;")], "");
}

#[test]
fn the_standin_stands_alone() {
    check(&[("src/standin/mod.rs", "use crate::clock::Clock;\nuse crate::config::Plan;")], "");
    check(&[("src/standin/mod.rs", "use crate::http::Http;")], "`standin` imports `http` of layer 2");
    check(&[("src/cli/rehearse.rs", "use crate::standin::Promox;")], "");
    check(&[("src/migration/mod.rs", "use crate::standin::Promox;")], "only `cli` may");
}

#[test]
fn card_crates_keep_to_their_job() {
    check(&[("src/source/api.rs", "use reqwest::{Method, Url, header::HeaderMap};")], "");
    check(&[("src/source/api.rs", "use reqwest::Client;")], "reqwest is for [\"http\"] only");
    check(&[("src/stage/load.rs", "use reqwest::Url;")], "reqwest::Url is for");
    check(&[("src/report/mod.rs", "fn a(b: rusqlite::Connection) {}")], "rusqlite is for");
    check(&[("src/stage/load.rs", "use governor::Quota as Q;")], "governor is for");
    check(&[("src/source/csv.rs", "use crossbeam::channel;")], "crossbeam is for");
    check(&[("src/pipeline.rs", "use crossbeam::channel;")], "");
    check(&[("src/stage/load.rs", "use dashmap;")], "dashmap is for");
    check(&[("src/stage/resolve.rs", "use dashmap::DashMap;")], "");
    check(&[("src/mapping/mod.rs", "fn a() { csv::Reader::<A>::from(b) }")], "csv is for");
    check(&[("src/migration/mod.rs", "use crate::source::{csv::Table, Page};")], "");
    check(&[("src/cli/mod.rs", "use {axum::Router};")], "axum is for");
    check(&[("src/retry.rs", "fn a() { tokio::time::sleep(b) }")], "tokio::time is for");
    check(&[("src/retry.rs", "use tokio::{sync, time::Instant};")], "tokio::time is for");
    check(&[("src/clock.rs", "use tokio::time;")], "");
    check(&[("src/migration/gates.rs", "fn a() { Approval::recorded(b) }")], "`Approval::recorded` is for");
    check(&[("src/journal/approval.rs", "fn a() { permit::Approval::recorded(b) }")], "");
}

#[test]
fn no_lint_is_switched_off_quietly() {
    check(&[("src/error.rs", "#[allow(dead_code)]\nfn a() {}")], "src/error.rs:2: `allow` switches");
    check(&[("tests/flow.rs", "#![allow(clippy::all)]")], "use `expect`");
    check(&[("benches/a.rs", "#[cfg_attr(test, allow(unused))]\nfn a() {}")], "use `expect`");
    check(&[("src/error.rs", "#[expect(dead_code, reason = \"see allow(x)\")]\nfn a() { self.allow(b) }")], "");
}

#[test]
fn files_have_a_head_and_an_end() {
    let headless = BTreeMap::from([("tests/a.rs".to_owned(), "fn a() {}".to_owned())]);
    assert_eq!(problems(&headless), ["tests/a.rs:1: begins without a `//!` head comment"]);
    check(&[("src/error.rs", &"\n".repeat(LINES_MAX))], "split it by concept");
    check(&[("src/error.rs", &"\n".repeat(LINES_MAX - 1))], "");
}

#[test]
fn literals_and_comments_are_blank() {
    let cases = [
        ("a /* b /* c */ d */ e", "a                   e"),
        ("let a = 'x'; let b: &'x str;", "let a =    ; let b: &'x str;"),
        (r##"r#"crate::a"# b"##, "              b"),
        (r#"b"a\"b" c"#, "        c"),
        (r"'\'' a", "     a"),
        ("arb\"x\"", "arb   "),
        ("// a\nb", "    \nb"),
        ("\"ä\" b", "    b"),
    ];
    for (source, expected) in cases {
        assert_eq!(blanked(source), expected, "{source}");
    }
}
