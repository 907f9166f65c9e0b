//! Who may import whom, and which foreign crates a module does without. It is a privacy test as well: the ballot box
//! cannot reach the registry, so nothing can join them. A module that is not in the table fails; give it its row rather
//! than an exception.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

#[path = "layering/arrows.rs"]
mod arrows;
#[path = "source/paths.rs"]
mod paths;
#[path = "layering/scores.rs"]
mod scores;
mod source;

use std::collections::BTreeSet;

use arrows::{ARROWS, Reach};
use paths::{is_name, module_of, paths, tokens};

/// Foreign paths that the shipped code of a module does without.
const FOREIGN: &[(&str, &[&str])] = &[
    ("domain", &["actix_web", "openssl", "reqwest", "std::fs", "std::net", "tokio", "tracing"]),
    // How a type lies in a column has to be said where the type is; asking the database has not.
    ("domain", &["diesel::Connection", "diesel::prelude", "diesel::sql_query", "diesel::RunQueryDsl", "diesel::dsl"]),
    ("credential", &["actix_web", "diesel", "reqwest", "std::fs", "std::net", "tokio", "tracing"]),
    ("store", &["actix_web", "reqwest"]),
    ("client", &["actix_web", "diesel"]),
    // The box writes no log: a line per review would be a clock.
    ("ballot", &["tracing"]),
];

/// The modules that may ask which engine a connection is.
const ENGINE_AWARE: &[&str] = &["db", "store", "ballot"];

/// The files of `api` that the others may import; the routes lie in `api` itself.
const API_SHARED: &[&str] = &[
    "act_views",
    "extract",
    "file_figures",
    "file_summary",
    "jobs",
    "known_file",
    "lists",
    "person_views",
    "plan_entries",
    "printed",
    "proceeding_views",
    "reading_views",
    "record_views",
    "two_persons",
];

/// Who may use what is computed for analysis: the commands over a file of marks, whose user holds every mark already.
///
/// Beside a published score any of it would disclose marks, so nothing that answers a request or makes a result may.
const ANALYSTS: &[&str] = &["cli"];

/// What `figures` may name of scoring: what the gate let out, and what it may be used for. Exact scores, marks and what was
/// set aside lie beside it, and a drawing that never meets them cannot show them.
const RELEASED: &[&str] = &["gate", "publication", "Status"];

/// What the check of one file has to know of the others.
struct Surroundings {
    /// The files of `api`, by name.
    api_files: BTreeSet<String>,
    /// The crate's macros and the modules they are written in: they lie at the crate's root or are in scope by their
    /// place in the text, so that a call does not name the module.
    macros: Vec<(String, String)>,
}

impl Surroundings {
    fn read() -> Self {
        let files = source::rust_files("src");
        assert!(!files.is_empty(), "the source was not found");
        let mut macros = Vec::new();
        for file in &files {
            let code = source::code(&file.text);
            for words in tokens(&code).windows(3) {
                if let ["macro_rules", "!", name] = words {
                    macros.push(((*name).to_owned(), module_of(&file.path).swap_remove(0)));
                }
            }
        }
        let modules = files.iter().map(|file| module_of(&file.path)).filter(|module| module[0] == "api");
        let api_files = modules.filter_map(|module| module.get(1).cloned()).collect();
        Self { api_files, macros }
    }

    /// The module that a name at the crate's root belongs to, seen from the module `from`.
    fn home_of<'a>(&'a self, name: &'a str, from: &'a str) -> &'a str {
        let mut homes = self.macros.iter().filter(|(macro_name, _)| macro_name == name).map(|(_, home)| home.as_str());
        if homes.clone().any(|home| home == from) { from } else { homes.next().unwrap_or(name) }
    }

    fn has_macro(&self, name: &str) -> bool {
        self.macros.iter().any(|(macro_name, _)| macro_name == name)
    }
}

fn may_import(from: &str) -> BTreeSet<&'static str> {
    let arrow = ARROWS
        .iter()
        .find(|arrow| arrow.from == from)
        .unwrap_or_else(|| panic!("the module `{from}` has no row in ARROWS"));
    let mut allowed: BTreeSet<_> = arrow.to.iter().copied().collect();
    if let Reach::FurtherBut(except) = arrow.reach {
        for to in arrow.to {
            allowed.extend(may_import(to));
        }
        allowed.retain(|to| !except.contains(to));
    }
    allowed
}

/// The breaches of the table in one file.
fn forbidden_arrows(file: &str, code: &str, around: &Surroundings) -> Vec<String> {
    let module = module_of(file);
    let from = module[0].as_str();
    let allowed = may_import(from);
    let mut breaches = Vec::new();
    let tokens = tokens(code);
    let calls = tokens.windows(2).filter(|pair| pair[1] == "!" && around.has_macro(pair[0]));
    let calls = calls.map(|pair| vec!["crate".to_owned(), pair[0].to_owned()]);
    for path in paths(file, code).into_iter().chain(calls).filter(|path| path[0] == "crate") {
        let written = path.join("::");
        let Some(name) = path.get(1) else {
            breaches.push(format!("{file}: imports the whole crate, which hides what it uses"));
            continue;
        };
        let to = around.home_of(name, from);
        if to == from {
            let sibling = path.get(2).filter(|sibling| around.api_files.contains(*sibling));
            if let (Some(own), Some(sibling)) = (module.get(1), sibling)
                && from == "api"
                && own != sibling
                && !API_SHARED.contains(&sibling.as_str())
            {
                breaches.push(format!("{file}: {written}: files of `api` never import one another"));
            }
        } else if !ARROWS.iter().any(|arrow| arrow.from == to) {
            breaches.push(format!("{file}: {written}: the module `{to}` has no row in ARROWS"));
        } else if !allowed.contains(to) {
            breaches.push(format!("{file}: {written}: `{from}` may not import `{to}`"));
        }
    }
    breaches.sort();
    breaches.dedup();
    breaches
}

/// Functions and types that hold the connection of the registry and that of the ballot box at once. An enum holds one
/// of its variants at a time.
fn holders_of_both(file: &str, code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut breaches = Vec::new();
    for at in 0..tokens.len() {
        let name = tokens.get(at + 1).copied().unwrap_or("");
        if !matches!(tokens[at], "fn" | "struct" | "type") || !is_name(name) {
            continue;
        }
        let mut item = BTreeSet::new();
        let mut depth = 0;
        for token in &tokens[at..] {
            let is_body = *token == "{" && depth == 0 && tokens[at] == "fn";
            match *token {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if is_body || (depth == 0 && matches!(*token, ";" | "}")) {
                break;
            }
            item.insert(*token);
        }
        if item.contains("Registry") && item.contains("BallotBox") {
            breaches.push(format!("{file}: `{name}` holds both connections"));
        }
    }
    breaches
}

/// Paths of foreign crates, and of the engines' variants, that a module does without.
fn forbidden_foreign(file: &str, code: &str) -> Vec<String> {
    let from = module_of(file).swap_remove(0);
    let banned: Vec<_> = FOREIGN.iter().filter(|(module, _)| *module == from).flat_map(|(_, banned)| *banned).collect();
    let mut breaches = Vec::new();
    for path in paths(file, code) {
        let written = path.join("::");
        if banned.iter().any(|ban| written == **ban || written.starts_with(&format!("{ban}::"))) {
            breaches.push(format!("{file}: {written}: `{from}` does without it"));
        }
        let names_engine = ["Conn::Sqlite", "Conn::Postgres"].iter().any(|variant| written.ends_with(variant));
        if names_engine && !ENGINE_AWARE.contains(&from.as_str()) {
            breaches.push(format!("{file}: {written}: only `db`, `store` and `ballot` ask for the engine"));
        }
    }
    breaches.sort();
    breaches.dedup();
    breaches
}

/// Uses of `domain::analysis` by a module that is not among the [`ANALYSTS`], or names that hide one.
fn analysis_out_of_place(file: &str, code: &str) -> Vec<String> {
    let module = module_of(file);
    if ANALYSTS.contains(&module[0].as_str()) || module.starts_with(&["domain".to_owned(), "analysis".to_owned()]) {
        return Vec::new();
    }
    let paths = paths(file, code).into_iter();
    let hides = |path: &[String]| path.len() == 2 && path[0] == "crate" && path[1] == "domain";
    let names = |path: &[String]| path.windows(2).any(|pair| pair[0] == "domain" && pair[1] == "analysis");
    let breaches = paths.filter(|path| hides(path) || names(path));
    breaches.map(|path| format!("{file}: {}: analysis is never published", path.join("::"))).collect()
}

#[test]
fn nothing_that_publishes_uses_what_is_for_analysis() {
    let breaches: Vec<_> = source::rust_files("src")
        .iter()
        .flat_map(|file| analysis_out_of_place(&file.path, &source::code(&file.text)))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn using_analysis_out_of_place_is_caught() {
    let caught = |file: &str, text: &str| !analysis_out_of_place(file, &source::code(text)).is_empty();
    for module in
        ["api/results", "workflow/results", "jobs/mod", "credential/tree", "store/results", "domain/scoring/mod"]
    {
        assert!(caught(&format!("src/{module}.rs"), "use crate::domain::analysis::estimators::Estimator;"), "{module}");
    }
    assert!(caught("src/api/results.rs", "use crate::domain::{ids, analysis::report::Report};"));
    assert!(caught("src/api/results.rs", "use crate::domain; fn f() { domain::analysis::key() }"));
    assert!(caught("src/api/results.rs", "use crate::domain::*;"));
    assert!(caught("src/domain/scoring/mod.rs", "use super::analysis;"));
    assert!(!caught("src/cli/score.rs", "use crate::domain::analysis::report::Report;"));
    assert!(!caught("src/domain/analysis/report.rs", "use super::quality; use crate::domain::analysis::scale;"));
    assert!(!caught("src/api/results.rs", "use crate::domain::scoring::rules::Rules;"));
}

/// Uses of scoring in `figures` that are not among the [`RELEASED`], or names that hide one.
fn beneath_the_release(file: &str, code: &str) -> Vec<String> {
    if module_of(file)[0] != "figures" {
        return Vec::new();
    }
    let hides = |path: &[String]| path.len() == 2 && path[0] == "crate" && path[1] == "domain";
    let names = |path: &[String]| {
        let below = path.windows(2).position(|pair| pair[0] == "domain" && pair[1] == "scoring").map(|at| at + 2);
        below.is_some_and(|below| path.get(below).is_none_or(|name| !RELEASED.contains(&name.as_str())))
    };
    let breaches = paths(file, code).into_iter().filter(|path| hides(path) || names(path));
    breaches.map(|path| format!("{file}: {}: only what was released is drawn", path.join("::"))).collect()
}

#[test]
fn figures_are_made_of_what_was_released_and_nothing_beneath_it() {
    let breaches: Vec<_> = source::rust_files("src")
        .iter()
        .flat_map(|file| beneath_the_release(&file.path, &source::code(&file.text)))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
    let caught = |text: &str| !beneath_the_release("src/figures/more.rs", &source::code(text)).is_empty();
    assert!(caught("use crate::domain::scoring::document::SubjectResult;"));
    assert!(caught("use crate::domain::{ids, scoring::{gate, level::Level}};"));
    assert!(caught("use crate::domain::scoring; fn f() { scoring::score_cycle() }"));
    assert!(caught("use crate::domain::scoring::*;"));
    assert!(caught("use crate::domain; fn f() { domain::scoring::score_cycle() }"));
    assert!(!caught("use crate::domain::scoring::{Status, gate::Release, publication::{Band, Published}};"));
}

#[test]
fn no_module_imports_against_the_table() {
    let around = Surroundings::read();
    let breaches: Vec<_> = source::rust_files("src")
        .iter()
        .flat_map(|file| forbidden_arrows(&file.path, &source::code(&file.text), &around))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn only_the_wiring_holds_the_registry_and_the_ballot_box() {
    let breaches: Vec<_> = source::rust_files("src")
        .iter()
        .filter(|file| module_of(&file.path)[0] != "app")
        .flat_map(|file| holders_of_both(&file.path, &source::code(&file.text)))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn no_module_reaches_for_a_crate_it_does_without() {
    let breaches: Vec<_> = source::rust_files("src")
        .iter()
        .flat_map(|file| forbidden_foreign(&file.path, &source::shipped_and_test_code(file).0))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn an_arrow_against_the_table_is_caught_however_it_is_written() {
    let around = Surroundings {
        api_files: ["courts", "judges", "extract"].map(String::from).into(),
        macros: [("on", "db"), ("id", "domain"), ("id", "store")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
    };
    let caught = |file: &str, text: &str| !forbidden_arrows(file, &source::code(text), &around).is_empty();
    for (file, text) in [
        ("src/ballot/intake.rs", "use crate::store::judges;"),
        ("src/ballot/intake.rs", "use crate::{domain::ids, store};"),
        ("src/ballot/intake.rs", "use crate::{domain::{ids, cycle as phase}, auth::Actor};"),
        ("src/ballot/intake.rs", "fn f() { crate::api::courts::list(); }"),
        ("src/ballot/intake.rs", "use super::super::store;"),
        ("src/ballot/mod.rs", "mod tests { use super::super::store; }"),
        ("src/ballot/mod.rs", "use crate::*;"),
        ("src/ballot/mod.rs", "use crate as all;"),
        ("src/cli.rs", "use crate::ballot::seal;"),
        ("src/web/mod.rs", "use crate::store;"),
        ("src/domain/cycle.rs", "use crate::credential::tree;"),
        ("src/domain/cycle.rs", "fn f() { let now = r\"text\"; crate::clock::now() }"),
        ("src/credential/tree.rs", "use crate::db;"),
        ("src/client/peer.rs", "use crate::api::courts;"),
        ("src/demo/mod.rs", "use crate::db::Db;"),
        ("src/demo/mod.rs", "use crate::store::judges;"),
        ("src/main.rs", "fn main() { ejf::app::serve() }"),
        ("src/domain/cycle.rs", "fn f() { on!(conn, |c| { 1 }) }"),
        ("src/domain/cycle.rs", "use crate::on;"),
        ("src/domain/cycle.rs", "use crate::brand_new::Thing;"),
        ("src/api/courts.rs", "use super::judges;"),
        ("src/api/courts.rs", "use crate::api::{extract::Valid, judges::View};"),
        ("src/api/extract.rs", "use crate::api::courts;"),
    ] {
        assert!(caught(file, text), "{file}: {text}");
    }
    for (file, text) in [
        ("src/ballot/intake.rs", "use crate::{db::BallotBox, error::{Error, Result}}; use super::tables;"),
        (
            "src/ballot/intake.rs",
            "/// See [`crate::store`].\nfn f() { f(\"crate::store\", 'c', r#\"crate::\"store\"#) }",
        ),
        ("src/ballot/intake.rs", "mod tests { use super::*; use super::super::seal; }"),
        ("src/ballot/intake.rs", "pub(in crate::ballot) fn f<'a>(x: &'a str) {}"),
        ("src/api/courts.rs", "use crate::store::courts; use super::{extract::Valid, Tag};"),
        ("src/api/mod.rs", "pub mod courts; use courts::list; fn f() { self::judges::list() }"),
        ("src/domain/ids.rs", "id!(JudgeId); use crate::id;"),
        ("src/bench/mod.rs", "use crate::db::Db;"),
        ("src/main.rs", "use ejf::{cli, config::Config};"),
        ("src/app.rs", "use crate::{ballot, web, store::keys};"),
    ] {
        assert!(!caught(file, text), "{file}: {text}");
    }
}

#[test]
fn holding_both_connections_is_caught() {
    let caught = |text: &str| !holders_of_both("src/jobs/mod.rs", &source::code(text)).is_empty();
    assert!(caught("async fn join(registry: &Registry, ballot: Data<BallotBox>) -> Result<()> {}"));
    assert!(caught("fn f<T>(a: [u8; 4], b: Registry) -> BallotBox where T: Copy { }"));
    assert!(caught("struct Stores { registry: Registry, ballot: BallotBox }"));
    assert!(caught("type Both = (Registry, BallotBox);"));
    assert!(!caught("fn a(r: &Registry) { } fn b(b: &BallotBox) { }"));
    assert!(!caught("struct Registry(Db);\nstruct BallotBox(Db);"));
    assert!(!caught("enum Purpose { Registry, BallotBox }"));
}

#[test]
fn reaching_for_a_banned_crate_is_caught() {
    let caught = |file: &str, text: &str| !forbidden_foreign(file, &source::code(text)).is_empty();
    assert!(caught("src/store/judges.rs", "use actix_web::web;"));
    assert!(caught("src/credential/bundle.rs", "use std::{fs, io};"));
    assert!(caught("src/ballot/mod.rs", "fn f() { tracing::info!(\"a review came\") }"));
    assert!(caught("src/domain/cycle.rs", "use diesel::{prelude::*, sql_types::Text};"));
    assert!(caught("src/api/judges.rs", "match conn { Conn::Sqlite(c) => c }"));
    assert!(!caught("src/db.rs", "match conn { Conn::Sqlite(c) => c }"));
    assert!(!caught("src/credential/bundle.rs", "use std::io::{self, Read};"));
}
