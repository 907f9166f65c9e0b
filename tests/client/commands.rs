//! `ejf peer` as a reviewer runs it: the program itself, files and standard input, against the same servers.
//!
//! The program reads the machine's clock, so these manifests have their windows around the present day.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use ejf::client::card::Held;
use ejf::client::peer::{Login, collect};
use ejf::client::sealed_file::Kdf;
use ejf::credential::manifest::{Dates, Manifest};
use serde_json::{Value, json};

use crate::round::{ALMA, manifest, words};
use crate::servers::Servers;

pub const PASSPHRASE: &str = "seven quiet rivers under snow";

pub fn now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}

/// A manifest whose issuance began this many days ago.
pub fn begun(days: u64) -> Manifest {
    let mut manifest = manifest();
    let start = manifest.date_at(now()) - Days::new(days);
    let day = |after: u64| -> NaiveDate { start + Days::new(after) };
    manifest.dates = Dates {
        issue_open: day(0),
        issue_close: day(4),
        submit_open: day(6),
        submit_close: day(20),
        seal_by: day(22),
        challenge_close: day(30),
    };
    manifest
}

/// Runs the program with these arguments, its standard input closed after `input`.
pub async fn ejf(arguments: &[&str], input: &'static str) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ejf"))
            .args(arguments)
            .env_remove("LC_ALL")
            .env("LC_MESSAGES", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that stops before it reads closes the pipe.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        child.wait_with_output().unwrap()
    };
    actix_web::rt::task::spawn_blocking(run).await.unwrap()
}

pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A card file of a reviewer who collected in time, with the gate open, and the passphrase's file beside it.
pub async fn collected(folder: &Path) -> (Servers, String, String) {
    let manifest = begun(8);
    let servers = Servers::with(&manifest).await;
    let (card, secret) = (folder.join("card.json"), folder.join("passphrase.txt"));
    fs::write(&secret, format!("{PASSPHRASE}\n")).unwrap();
    let mut held = Held::create(&card, PASSPHRASE, Kdf::Pbkdf2Sha512).unwrap();
    let then = now() - TimeDelta::days(6);
    collect(&servers.places, &Login::Token("token"), &words(&manifest), &mut held, then).await.unwrap();
    servers.publish_ledger(12);
    servers.state().today = manifest.date_at(now());
    servers.state().seen.clear();
    (servers, card.display().to_string(), secret.display().to_string())
}

#[actix_web::test]
async fn a_reviewer_collects_with_secrets_from_standard_input() {
    let manifest = begun(1);
    let servers = Servers::with(&manifest).await;
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.json").display().to_string();
    let places = ["--registry", &servers.places.registry, "--box", &servers.places.ballot_box];
    let words = words(&manifest);
    let rest = ["--login", "a.seitova", "--card", &card, "--digest", &words];
    let arguments = [["peer", "collect"].as_slice(), &places, &rest].concat();
    let output = ejf(&arguments, "a password of a judge\nseven quiet rivers under snow\n").await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("You put the lock of your ballot inside an envelope"), "{said}");
    assert!(said.contains("has 2 judges under review"), "{said}");
    assert!(said.contains("New credentials: 2") && said.contains(&format!("{ALMA}  Алма Сейітова")), "{said}");
    let log_in: Value = serde_json::from_slice(&servers.bodies("/v1/sessions")[0]).unwrap();
    assert_eq!(log_in, json!({"login": "a.seitova", "password": "a password of a judge"}));
    assert_eq!(Held::open(Path::new(&card), PASSPHRASE).unwrap().card().unwrap().credentials.len(), 2);
}

#[actix_web::test]
async fn an_alarm_is_told_in_the_language_asked_for_and_ends_with_1() {
    let manifest = begun(1);
    let servers = Servers::with(&manifest).await;
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.json").display().to_string();
    for (language, expected) in [("kk", "бұйрықта"), ("ru", "в приказе"), ("en", "printed in the order")]
    {
        let places = ["--registry", &servers.places.registry, "--box", &servers.places.ballot_box];
        let rest = ["--login", "a.seitova", "--card", &card, "--language", language];
        let arguments = [["peer", "collect"].as_slice(), &places, &rest].concat();
        // The digest is asked for as well, and the wrong one is typed.
        let output = ejf(&arguments, "password\nseven quiet rivers under snow\n0000 1111\n").await;
        assert_eq!(output.status.code(), Some(1));
        assert!(told(&output).contains(expected), "{}", told(&output));
    }
    assert!(servers.bodies("/v1/me/credentials").is_empty());
    assert!(!Path::new(&card).exists());
}

#[actix_web::test]
async fn a_reviewer_fills_in_the_example_and_submits_it() {
    let folder = tempfile::tempdir().unwrap();
    let (servers, card, secret) = collected(folder.path()).await;
    let alma = ALMA.to_string();
    let example = ["peer", "example", "--card", &card, "--passphrase-file", &secret, "--subject", &alma];
    let output = ejf(&example, "").await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("k1: 1..5") && told(&output).contains("s03: "), "{}", told(&output));
    let mut review: Value = serde_json::from_slice(&output.stdout).unwrap();
    review["marks"]["k1"] = json!(4);
    let file = folder.path().join("review.json").display().to_string();
    fs::write(&file, review.to_string()).unwrap();

    let submit =
        ["peer", "submit", &file, "--card", &card, "--passphrase-file", &secret, "--box", &servers.places.ballot_box];
    let output = ejf(&submit, "").await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let kept = Held::open(Path::new(&card), PASSPHRASE).unwrap().card().unwrap().subject(&ALMA).unwrap().clone();
    let receipt = kept.versions[0].receipt.as_ref().unwrap();
    // A receipt on the screen would join this review with the next one.
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("kept in the card") && !shown.contains(&receipt.leaf.to_string()), "{shown}");
    assert!(servers.bodies("/v1/sessions").is_empty());
}

#[actix_web::test]
async fn the_promise_is_explained_in_three_languages() {
    for (language, first) in [("kk", "Сіз бюллетеніңіздің"), ("ru", "Вы кладёте замок"), ("en", "You put the lock")]
    {
        let output = ejf(&["peer", "explain", "--lang", language], "").await;
        assert!(output.status.code() == Some(0) && String::from_utf8_lossy(&output.stdout).starts_with(first));
    }
}

#[actix_web::test]
async fn without_a_subject_the_subjects_of_the_card_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (_servers, card, secret) = collected(folder.path()).await;
    let output = ejf(&["peer", "example", "--card", &card, "--passphrase-file", &secret], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("--subject") && told(&output).contains("Болат Ахметов"));
}

#[actix_web::test]
async fn a_review_at_fault_names_its_fields_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (servers, card, secret) = collected(folder.path()).await;
    let file = folder.path().join("review.json").display().to_string();
    let review = json!({"subject_ref": ALMA, "marks": {"k1": 9}, "statements": []});
    fs::write(&file, review.to_string()).unwrap();
    let submit =
        ["peer", "submit", &file, "--card", &card, "--passphrase-file", &secret, "--box", &servers.places.ballot_box];
    let output = ejf(&submit, "").await;
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    assert!(told.contains("/marks/k1: Must be from 1 to 5") && told.contains("/marks/k2: Is required"), "{told}");
    assert!(servers.state().seen.is_empty());
}

#[actix_web::test]
async fn a_wrong_passphrase_ends_with_2_and_a_box_out_of_reach_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let (_servers, card, secret) = collected(folder.path()).await;
    let file = folder.path().join("review.json").display().to_string();
    let review = json!({"subject_ref": ALMA, "marks": {"k1": 4, "k2": null}, "statements": []});
    fs::write(&file, review.to_string()).unwrap();
    // Nothing listens on port 1.
    let submit = ["peer", "submit", &file, "--card", &card, "--box", "http://127.0.0.1:1", "--attempts", "1"];
    let output = ejf(&submit, "seven quiet rivers under ice\n").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("The passphrase is wrong"), "{}", told(&output));
    let output = ejf(&[submit.as_slice(), &["--passphrase-file", &secret]].concat(), "").await;
    assert_eq!(output.status.code(), Some(3));
    assert!(told(&output).contains("cannot be reached"), "{}", told(&output));
}
