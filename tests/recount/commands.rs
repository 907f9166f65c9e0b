//! `ejf recount` as an auditor runs it.

use std::fs;
use std::process::{Command, Output};

use ejf::credential::bundle::{Files, leaves_from_bytes};
use ejf::credential::encoding::sha256;
use ejf::credential::manifest::digest_words;
use ejf::credential::note::Checkpoint;
use ejf::credential::tree::root;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::edits::{Cover, edit_json};
use crate::python;
use crate::world::{log_key, world, world_agreeing};

/// How the line of the root begins.
const ROOT: &str = "Root of the sealed tree, to be compared with what reviewers read: ";

fn recount(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.arg("recount").args(arguments).env_clear().output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_equal_bundle_exits_0_and_ends_with_the_digest_to_sign() {
    let folder = TempDir::new().unwrap();
    python::write(&world().files, folder.path());
    let path = folder.path().to_str().unwrap();

    let output = recount(&[path]);

    assert_eq!(output.status.code(), Some(0));
    let words = told(&output);
    let last = words.lines().last().unwrap();
    assert!(words.contains(&format!("{ROOT}{}", root_words(&world().files))), "{words}");
    assert!(words.contains("32 leaves") && last.starts_with("Digest of the results"), "{words}");
    assert!(output.stderr.is_empty(), "a pipe gets no progress");
    let report: Value = serde_json::from_str(&told(&recount(&[path, "--json"]))).unwrap();
    assert_eq!((&report["outcome"], &report["findings"]), (&json!("equal"), &json!([])));
    assert!(last.ends_with(report["result_digest"].as_str().unwrap()));
    for (language, word) in [("kk", "Қайта санау"), ("ru", "Пересчёт")] {
        assert!(told(&recount(&[path, "--language", language])).starts_with(word));
    }
}

/// The marks of each review that gives any, read from the bundle with nothing of ours but a JSON reader.
fn marks(files: &Files) -> Vec<Vec<i64>> {
    let text = std::str::from_utf8(&files["envelopes.ndjson"]).unwrap();
    let reviews = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let given =
        |review: Value| review["body"]["marks"].as_object().unwrap().values().filter_map(Value::as_i64).collect();
    reviews.map(given).filter(|marks: &Vec<i64>| !marks.is_empty()).collect()
}

#[test]
fn whoever_recounts_sees_how_the_form_was_used_and_nothing_of_it_where_the_bundle_was_touched() {
    let folder = TempDir::new().unwrap();
    let agreeing = world_agreeing();
    python::write(&agreeing.files, folder.path());
    let path = folder.path().to_str().unwrap();
    let marks = marks(&agreeing.files);
    let several: Vec<&Vec<i64>> = marks.iter().filter(|marks| marks.len() > 1).collect();
    let straight = several.iter().filter(|marks| marks.iter().all(|mark| *mark == marks[0])).count();
    let all: Vec<i64> = marks.iter().flatten().copied().collect();
    let top = all.iter().filter(|mark| **mark == 5).count();
    assert!(straight > 0 && top > 0, "the world has what is looked for");

    let report: Value = serde_json::from_str(&told(&recount(&[path, "--json"]))).unwrap();

    let (quality, near) =
        (&report["quality"], |value: &Value, share: f64| (value.as_f64().unwrap() - share).abs() < 1e-12);
    assert_eq!(quality["straight_lines"]["reviews"], several.len());
    assert!(near(&quality["straight_lines"]["share"], straight as f64 / several.len() as f64), "{quality}");
    assert!(near(&quality["ceiling"], top as f64 / all.len() as f64), "{quality}");
    let line = format!("{:.0} % of {} reviews", 100.0 * straight as f64 / several.len() as f64, several.len());
    let words = told(&recount(&[path]));
    assert!(words.contains(&format!("  one mark for every question: {line}")), "{words}");
    assert!(words.contains("So many tell nobody apart"), "nearly all of these marks are the highest: {words}");
    let manifest: Value = serde_json::from_slice(&agreeing.manifests[1]).unwrap();
    for subject in manifest["subjects"].as_array().unwrap() {
        assert!(!words.contains(subject["subject_ref"].as_str().unwrap()), "a figure of the whole cycle names nobody");
    }

    let mut files = agreeing.files;
    files.remove("checkpoint");
    python::write(&files, &folder.path().join("touched"));
    let touched = folder.path().join("touched").display().to_string();
    let report: Value = serde_json::from_str(&told(&recount(&[&touched, "--json"]))).unwrap();
    assert_eq!((&report["outcome"], &report["quality"]), (&json!("mismatch"), &Value::Null));
}

#[test]
fn a_touched_bundle_exits_1_with_a_line_for_each_finding() {
    let folder = TempDir::new().unwrap();
    let mut files = world().files.clone();
    edit_json(&mut files, "result.json", |result| result["subjects"][0]["overall"]["text"] = json!("4.99"));
    files.remove("checkpoint");
    Cover::Hashes.traces(&mut files);
    python::write(&files, folder.path());

    let output = recount(&[folder.path().to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(1));
    let words = told(&output);
    let checks: Vec<&str> = words.lines().take(2).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(checks, ["c4", "c9"], "{words}");
    assert!(words.contains("Findings: 2."), "{words}");
}

/// The ten groups of the root that a bundle's checkpoint seals.
fn root_words(files: &Files) -> String {
    let leaves = leaves_from_bytes(&files["leaves"]).unwrap();
    digest_words(&root(&leaves))
}

#[test]
fn what_reviewers_were_shown_is_compared_with_what_auditors_got() {
    let folder = TempDir::new().unwrap();
    let (bundle, kept) = (folder.path().join("bundle"), folder.path().join("kept"));
    python::write(&world().files, &bundle);
    python::write(&world().files, &kept);
    let path = |name: &str| kept.join(name).display().to_string();
    let (bundle, checkpoint, ledger) = (bundle.to_str().unwrap(), path("checkpoint"), path("ledger-council.json"));
    let printed = digest_words(&sha256(&[&world().manifests[1]]));

    let all = [bundle, "--manifest", &printed, "--checkpoint", &checkpoint, "--ledger", &ledger];
    assert_eq!(recount(&all).status.code(), Some(0));

    // The same log signs another tree, one that is by itself without fault.
    let other = Checkpoint { size: 31, ..sealed(&world().files) }.sign(&log_key()).unwrap();
    fs::write(&checkpoint, other).unwrap();
    fs::write(kept.join("ledger-other.json"), other_ledger()).unwrap();
    for (given, check, said) in [
        (["--checkpoint", &checkpoint], "c4", "the log has signed two"),
        (["--checkpoint", &path("manifest.note")], "c4", "not signed by the manifest's log"),
        (["--manifest", &digest_words(&sha256(&[&world().manifests[0]]))], "c2", "whose digest was given"),
        (["--ledger", &path("checkpoint")], "c3", "a ledger given"),
        (["--ledger", &path("ledger-other.json")], "c3", "not the one of generation 1 given"),
    ] {
        let output = recount(&[bundle, given[0], given[1]]);
        let words = told(&output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.starts_with(check) && words.contains(said), "{words}");
    }
    let mut python = python::command("recount.py");
    python.args([bundle, &checkpoint]);
    let output = python::run(python);
    assert!(output.status.code() == Some(1) && told(&output).contains("c4: the checkpoint given"), "{}", told(&output));
    assert_eq!(recount(&[bundle, "--checkpoint", "/nowhere"]).status.code(), Some(2));
}

/// A ledger of the same issuer and generation with other entries.
fn other_ledger() -> Vec<u8> {
    let mut files = world().files.clone();
    edit_json(&mut files, "ledger-council.json", |ledger| {
        drop(ledger["subjects"][0]["entries"].as_array_mut().unwrap().remove(0));
    });
    files["ledger-council.json"].clone()
}

fn sealed(files: &Files) -> Checkpoint {
    let note = std::str::from_utf8(&files["checkpoint"]).unwrap();
    Checkpoint::parse(&note[..=note.find("\n\n").unwrap()]).unwrap()
}

#[test]
fn what_cannot_be_read_exits_2() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    for place in [path, "/nowhere"] {
        let output = recount(&[place]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let mut nothing = python::command("recount.py");
    nothing.arg(path);
    assert_eq!(python::run(nothing).status.code(), Some(2));
    python::write(&world().files, folder.path());
    fs::write(folder.path().join("answer.txt"), "no JSON").unwrap();
    let published = format!("AgICAgICAgICAgICAgICAg={path}/answer.txt");
    assert_eq!(recount(&[path, "--published", &published]).status.code(), Some(2));
}
