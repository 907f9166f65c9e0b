//! The rules of the house that a machine can check: shape of the files, lints, clock, and what is among the
//! dependencies. Where a rule is in the way, the rule is what to discuss; there is no list of exceptions to add to.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod source;

use serde_json::Value;
use source::{SourceFile, rust_files, shipped_and_test_code};
use std::fs;
use std::process::Command;

const LINES_MAX: usize = 500;

/// Names that say nothing about what lies inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "services", "dto", "prelude"];

/// Where code may name what moves the clock; tests may everywhere.
const CLOCK_MOVERS: &[&str] = &["src/clock.rs", "src/demo", "src/bench"];

fn read(path: &str) -> String {
    fs::read_to_string(source::top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn all_files() -> Vec<SourceFile> {
    ["src", "tests", "benches"].into_iter().flat_map(rust_files).collect()
}

/// Fails with one line for each breach.
fn expect_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

/// The lines of a section of a TOML file, without comments, blanks and the head.
fn section<'a>(toml: &'a str, head: &str) -> Vec<&'a str> {
    toml.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .skip_while(|line| *line != head)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty())
        .collect()
}

/// The quoted names of a list in `deny.toml`, from its key to the closing bracket.
fn list_in_deny(head: &str, key: &str) -> Vec<String> {
    let text = read("deny.toml");
    let lines = section(&text, head);
    let start = lines.iter().position(|line| line.starts_with(&format!("{key} = ["))).unwrap();
    let end = start + lines[start..].iter().position(|line| line.ends_with(']')).unwrap();
    lines[start..=end].join(" ").split('"').skip(1).step_by(2).map(String::from).collect()
}

/// Name and version of each package in `Cargo.lock`.
fn locked_packages() -> Vec<(String, String)> {
    let value = |block: &str, key: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(String::from))
    };
    let text = read("Cargo.lock");
    text.split("[[package]]")
        .skip(1)
        .map(|block| (value(block, "name").unwrap(), value(block, "version").unwrap()))
        .collect()
}

/// Every package of every target, as cargo sees them.
fn metadata_packages() -> Vec<Value> {
    let ask = |network: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["metadata", "--locked", "--format-version", "1"]).args(network).current_dir(source::top());
        cargo.output().unwrap()
    };
    // A build fetches the packages of its own target only; the others are then still to come.
    let mut output = ask(&["--offline"]);
    if !output.status.success() {
        output = ask(&[]);
    }
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether the allowed licences satisfy an SPDX expression. `/` is an old way to write `OR`; `WITH` and its exception
/// belong to the name before them.
fn is_licence_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = any_of(&words, &mut at, allowed);
    verdict && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut verdict = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        verdict |= all_of(words, at, allowed);
    }
    verdict
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut verdict = one_licence(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        verdict &= one_licence(words, at, allowed);
    }
    verdict
}

fn one_licence(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let word = words.get(*at).copied().unwrap_or("");
    *at += 1;
    if word == "(" {
        let verdict = any_of(words, at, allowed);
        let is_closed = words.get(*at) == Some(&")");
        *at += 1;
        return verdict && is_closed;
    }
    let name = word.replace("+WITH+", " WITH ");
    allowed.contains(&name)
}

/// The lines of the shipped code of a file in which any of the names stands.
fn lines_with(file: &SourceFile, names: &[&str]) -> Vec<String> {
    let shipped = shipped_and_test_code(file).0;
    let numbered = shipped.lines().zip(1..).filter(|(line, _)| names.iter().any(|name| line.contains(name)));
    numbered.map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

/// The lines of the shipped code that name what moves the clock.
fn clock_moves(file: &SourceFile) -> Vec<String> {
    lines_with(file, &["Clock::Fixed", "Clock::fixed(", ".advance(", "fn advance", "let_tick"])
}

/// The lines of the shipped code that deal issuer keys made before.
fn dealings(file: &SourceFile) -> Vec<String> {
    lines_with(file, &["KeySource::Dealt"])
}

/// Where a refusal must say what helps. The box, the reviewer's client and what both share answer with codes alone, so that
/// nothing in an answer depends on the review.
const HINTING: &[&str] = &["src/api/", "src/domain/", "src/store/", "src/workflow/"];

/// Refusals of a step that comes at a wrong time or in a wrong state, and by their code alone do not say what would help.
const STEP_REFUSALS: &[&str] = &["Code::GuardNotMet", "Code::TooEarly", "Code::WindowClosed", "Code::WrongPhase"];

/// The places where a refused step names no remedy: its code does not stand first in the call that takes the hint.
fn refusals_without_remedy(file: &SourceFile) -> Vec<String> {
    if !HINTING.iter().any(|start| file.path.starts_with(start)) {
        return Vec::new();
    }
    let shipped = shipped_and_test_code(file).0;
    let found = STEP_REFUSALS.iter().flat_map(|code| shipped.match_indices(code));
    let is_bare = |at: usize| {
        let before = shipped[..at].trim_end();
        !before.ends_with("Error::hinted(") && !before.ends_with("Error::hints(")
    };
    let bare = found.filter(|(at, _)| is_bare(*at));
    bare.map(|(at, code)| format!("{}:{}: bare {code}", file.path, shipped[..at].lines().count())).collect()
}

#[test]
fn every_refused_step_names_its_remedy() {
    let files = rust_files("src");
    for start in HINTING {
        assert!(files.iter().any(|file| file.path.starts_with(start)), "{start} is gone");
    }
    expect_none(&files.iter().flat_map(refusals_without_remedy).collect::<Vec<_>>());
}

#[test]
fn a_refused_step_without_a_remedy_is_caught() {
    let caught = |path: &str, text: &str| {
        !refusals_without_remedy(&SourceFile { path: path.to_owned(), text: text.to_owned() }).is_empty()
    };
    for bare in [
        "return Err(Code::WrongPhase.into());",
        "Err(Error::from(Code::WindowClosed))",
        "found.ok_or(Code::GuardNotMet)?",
        "Err(Refusal::new(Code::TooEarly))",
    ] {
        assert!(caught("src/workflow/appeals.rs", bare) && caught("src/api/retention_holds.rs", bare), "{bare}");
        assert!(!caught("src/ballot/intake.rs", bare) && !caught("src/credential/rules.rs", bare), "{bare}");
    }
    assert!(!caught("src/workflow/appeals.rs", "Err(Error::hinted(\n    Code::WrongPhase,\n    hint,\n))"));
    assert!(!caught("src/store/batches.rs", "#[cfg(test)]\nmod tests { fn f() { Code::WrongPhase.into() } }"));
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    let silent = |file: &SourceFile| !file.text.starts_with("//!");
    let files = rust_files("src");
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the source was not found");
    let breaches: Vec<_> = files.into_iter().filter(silent).map(|file| file.path).collect();
    expect_none(&breaches);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let breaches: Vec<_> = all_files()
        .iter()
        .filter(|file| file.text.lines().count() > LINES_MAX)
        .map(|file| format!("{}: {} lines, at most {LINES_MAX}", file.path, file.text.lines().count()))
        .collect();
    expect_none(&breaches);
}

#[test]
fn no_module_has_an_empty_name() {
    let is_empty_name = |file: &SourceFile| {
        file.path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part))
            || EMPTY_NAMES.iter().any(|name| source::code(&file.text).contains(&format!("mod {name} ")))
    };
    let breaches: Vec<_> = all_files().into_iter().filter(is_empty_name).map(|file| file.path).collect();
    expect_none(&breaches);
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    let mut breaches = Vec::new();
    for file in all_files() {
        let tests = shipped_and_test_code(&file).1;
        for banned in ["#[ignore", "sleep("] {
            if tests.contains(banned) {
                breaches.push(format!("{}: {banned}", file.path));
            }
        }
    }
    expect_none(&breaches);
}

#[test]
fn unsafe_code_is_forbidden_in_the_manifest() {
    let manifest = read("Cargo.toml");
    assert!(section(&manifest, "[lints.rust]").contains(&"unsafe_code = \"forbid\""));
}

/// Compiles the guard alone, as rustc sees it in a build with these flags.
fn guard_compiles(guard: &str, flags: &[&str]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("guard.rs"), folder.path().join("guard.rmeta"));
    fs::write(&source, guard).unwrap();
    let rustc = std::path::Path::new(env!("CARGO")).with_file_name("rustc");
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"]).args(flags);
    command.arg("-o").arg(target).arg(source).output().unwrap().status.success()
}

/// The box leaks on purpose under a feature. A release with it must not come about by any mistake.
#[test]
fn no_release_is_built_with_the_leaks() {
    let lib = read("src/lib.rs");
    let start = lib.find("#[cfg(all(feature = \"leaks\", not(debug_assertions)))]").unwrap();
    let guard = &lib[start..start + lib[start..].find(';').unwrap() + 1];
    assert!(guard.contains("compile_error!("), "{guard}");
    let leaks = ["--cfg", "feature=\"leaks\""];
    assert!(!guard_compiles(guard, &[&leaks[..], &["-C", "debug-assertions=off"]].concat()));
    assert!(guard_compiles(guard, &[&leaks[..], &["-C", "debug-assertions=on"]].concat()));
    assert!(guard_compiles(guard, &["-C", "debug-assertions=off"]));
    let manifest = read("Cargo.toml");
    let features = section(&manifest, "[features]");
    assert!(features.contains(&"default = [\"bundled\"]") && features.contains(&"leaks = []"), "{features:?}");
    assert!(!section(&manifest, "[profile.release]").iter().any(|line| line.starts_with("debug-assertions")));
}

#[test]
fn tokens_are_signed_without_the_rsa_crate() {
    let manifest = read("Cargo.toml");
    let dependencies = section(&manifest, "[dependencies]");
    let line = dependencies.iter().find(|line| line.starts_with("jsonwebtoken = ")).unwrap();
    assert!(line.contains("default-features = false"), "{line}");
    assert!(line.contains("\"aws_lc_rs\""), "{line}");
    assert!(!line.contains("rust_crypto"), "{line}");
}

#[test]
fn banned_crates_are_not_in_the_lock_file() {
    let banned = list_in_deny("[bans]", "deny");
    assert_eq!(banned, ["rsa", "actix-governor", "h2@<0.4"]);
    let mut locked = locked_packages();
    assert!(locked.iter().any(|(name, _)| name == "ejf"), "the lock file was not understood");
    let is_below_0_4 = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        parts.next() == Some(0) && parts.next() < Some(4)
    };
    let is_banned = |name: &str, version: &str| match name {
        "rsa" | "actix-governor" => true,
        "h2" => is_below_0_4(version),
        _ => false,
    };
    locked.retain(|(name, version)| is_banned(name, version));
    assert!(locked.is_empty(), "{locked:?}");
}

#[test]
fn every_dependency_has_an_allowed_licence_and_a_known_source() {
    let allowed = list_in_deny("[licenses]", "allow");
    let registries = list_in_deny("[sources]", "allow-registry");
    let mut breaches = Vec::new();
    for package in metadata_packages() {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("no licence named");
        if !is_licence_allowed(licence, &allowed) {
            breaches.push(format!("{name}: licence {licence}"));
        }
        // Packages of this repository itself have no source.
        let source = package["source"].as_str().unwrap_or("this repository");
        let is_known = registries.iter().any(|registry| source == format!("registry+{registry}"));
        if !is_known && source != "this repository" {
            breaches.push(format!("{name}: source {source}"));
        }
    }
    expect_none(&breaches);
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "ISC", "Apache-2.0"].map(String::from);
    for good in [
        "MIT",
        "GPL-3.0-only OR MIT",
        "GPL-3.0-only/MIT",
        "ISC AND (GPL-3.0-only OR Apache-2.0)",
        "(MIT)",
        "MIT AND ISC",
    ] {
        assert!(is_licence_allowed(good, &allowed), "{good}");
    }
    for bad in [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT AND (GPL-3.0-only OR LGPL-2.1-only)",
        "GPL-3.0-only OR MIT AND LGPL-2.1-only",
        "Apache-2.0 WITH LLVM-exception",
        "(MIT",
        "MIT ISC",
        "",
        "no licence named",
    ] {
        assert!(!is_licence_allowed(bad, &allowed), "{bad}");
    }
}

/// A clock that can be shifted reopens a closed round. The shipped code therefore never names what moves it, but for
/// the clock itself and the two commands that run on stores of their own.
#[test]
fn a_production_build_has_no_variable_flag_or_route_that_shifts_the_clock() {
    let may_move = |file: &SourceFile| CLOCK_MOVERS.iter().any(|place| file.path.starts_with(place));
    let breaches: Vec<_> = rust_files("src").iter().filter(|file| !may_move(file)).flat_map(clock_moves).collect();
    expect_none(&breaches);
}

#[test]
fn a_move_of_the_clock_is_caught_in_shipped_code_alone() {
    let moves = |text: &str| clock_moves(&SourceFile { path: "src/api/health.rs".to_owned(), text: text.to_owned() });
    assert_eq!(moves("fn f() {\n    clock.advance(day);\n}"), ["src/api/health.rs:2: clock.advance(day);"]);
    for mover in ["Clock::Fixed(now)", "Clock::fixed(now)", "clock.let_tick()"] {
        assert_eq!(moves(&format!("let clock = {mover};")).len(), 1, "{mover}");
    }
    assert!(moves("// clock.advance(day)\nlet text = \"Clock::Fixed\";").is_empty());
    assert!(moves("fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { clock.advance(day); }\n}").is_empty());
    assert_eq!(moves("#[cfg(test)]\nmod tests { fn g() {} }\nfn f() { clock.advance(day); }").len(), 1);
}

/// Whoever can deal an issuer its keys knows them: he may sign credentials at will. Only a test deals.
#[test]
fn the_keys_of_issuers_are_never_dealt_in_a_production_build() {
    let defines = |file: &SourceFile| file.path == "src/credential/key_source.rs";
    let files = rust_files("src");
    assert!(files.iter().any(|file| defines(file) && !dealings(file).is_empty()), "the source of keys was not found");
    let breaches: Vec<_> = files.iter().filter(|file| !defines(file)).flat_map(dealings).collect();
    expect_none(&breaches);
}

/// What stands between backticks in a cell of a table.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The lines of a document's tables as their cells.
fn table_lines(text: &str) -> Vec<Vec<&str>> {
    let is_line = |line: &&str| line.starts_with("| ") && !line.starts_with("|---");
    text.lines().filter(is_line).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Where a test named as `binary::module::function` would stand; `lib` is the source itself.
fn places_of_test(name: &str) -> Vec<String> {
    let mut parts: Vec<&str> = name.split("::").collect();
    parts.pop();
    let binary = parts.remove(0);
    if binary == "lib" {
        let whole = parts.join("/");
        parts.retain(|part| *part != "tests");
        return vec![
            format!("src/{}.rs", parts.join("/")),
            format!("src/{}/mod.rs", parts.join("/")),
            format!("src/{whole}.rs"),
        ];
    }
    match parts.is_empty() {
        true => vec![format!("tests/{binary}.rs"), format!("tests/{binary}/main.rs")],
        false => vec![format!("tests/{binary}/{}.rs", parts.join("/"))],
    }
}

fn has_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| line.contains(&format!("fn {function}("));
    let is_marked =
        |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test") || line == "#[actix_web::test]";
    lines.windows(2).any(|pair| is_it(pair[1]) && is_marked(pair[0]))
}

/// Whether there is a test of this name, as documents name it.
fn is_test(name: &str) -> bool {
    let function = name.rsplit("::").next().unwrap();
    // Most of the places that a name could have are no files.
    let texts = places_of_test(name).into_iter().filter_map(|place| fs::read_to_string(source::top().join(place)).ok());
    texts.into_iter().any(|text| has_test(&text, function))
}

#[test]
fn every_test_that_is_said_to_find_a_broken_promise_exists() {
    let text = read("docs/promises-broken.md");
    let lines: Vec<Vec<&str>> = table_lines(&text).into_iter().skip(1).collect();
    assert!(lines.len() > 25, "only {} promises", lines.len());
    let mut breaches = Vec::new();
    for line in &lines {
        let named: Vec<&str> = line.last().map(|cell| quoted(cell)).unwrap_or_default();
        if named.is_empty() {
            breaches.push(format!("{}: no test finds it", line[0]));
        }
        let lost = named.into_iter().filter(|name| !is_test(name));
        breaches.extend(lost.map(|name| format!("{}: there is no test {name}", line[0])));
    }
    expect_none(&breaches);
}

#[test]
fn every_test_and_path_named_in_the_security_document_exists() {
    let text = read("docs/security.md");
    let mut breaches = Vec::new();
    let mut tests = 0;
    for line in table_lines(&text) {
        let (state, cells) = line.split_last().unwrap();
        let words = ["holds", "partly", "not yet", "absent", "state"];
        if !words.iter().any(|word| state.starts_with(word)) {
            breaches.push(format!("{}: no state: {state}", line[0]));
        }
        let named: Vec<&str> = cells[1..].iter().flat_map(|cell| quoted(cell)).collect();
        let (named, paths): (Vec<&str>, Vec<&str>) = named.into_iter().partition(|name| name.contains("::"));
        if state.starts_with("holds") && named.is_empty() {
            breaches.push(format!("{}: holds, and no test shows it", line[0]));
        }
        for name in named {
            tests += 1;
            if !is_test(name) {
                breaches.push(format!("{}: there is no test {name}", line[0]));
            }
        }
        let lost = paths.into_iter().filter(|path| !source::top().join(path).exists());
        breaches.extend(lost.map(|path| format!("{}: there is no {path}", line[0])));
    }
    assert!(tests > 100, "only {tests} tests were found in the document");
    expect_none(&breaches);
}

#[test]
fn a_test_is_found_where_its_name_says_and_not_in_a_comment() {
    assert_eq!(places_of_test("cli::a"), ["tests/cli.rs", "tests/cli/main.rs"]);
    assert_eq!(places_of_test("api::traps::hidden::a"), ["tests/api/traps/hidden.rs"]);
    assert_eq!(places_of_test("lib::problem::tests::a")[2], "src/problem/tests.rs");
    assert!(has_test("    #[test]\n    fn a() {}", "a") && has_test("#[tokio::test]\nasync fn a() {}", "a"));
    assert!(!has_test("fn a() {}", "a") && !has_test("#[test]\nfn ab() {}", "a"));
}
