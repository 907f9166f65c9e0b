//! Cards in files: what is on the disk, who can read it, and what a wrong key or a changed byte does.

use std::fs;
use std::path::PathBuf;

use ejf::client::card::Held;
use ejf::client::failure::{CardFailure, Failure};
use ejf::client::sealed_file::Kdf;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::round::ALMA;
use crate::servers::Servers;

const PASSPHRASE: &str = "seven quiet rivers under snow";

fn failure(outcome: Result<Held, Failure>) -> CardFailure {
    match outcome {
        Err(Failure::Card(failure)) => failure,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the card opened"),
    }
}

/// A card with credentials, in a file of a folder of its own.
async fn collected(kdf: Kdf) -> (TempDir, PathBuf, Held) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    let mut held = Held::create(&path, PASSPHRASE, kdf).unwrap();
    Servers::honest().await.collect(&mut held).await.unwrap();
    (folder, path, held)
}

#[actix_web::test]
async fn a_card_comes_back_whole_under_either_derivation() {
    for (kdf, name) in [(Kdf::Pbkdf2Sha512, "pbkdf2-sha512"), (Kdf::Argon2id, "argon2id")] {
        let (_folder, path, held) = collected(kdf).await;
        let text: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            (&text["v"], &text["cipher"], &text["kdf"]["name"]),
            (&json!(1), &json!("aes-256-gcm"), &json!(name))
        );
        let plain = |held: &Held| serde_json::to_string(held.card().unwrap()).unwrap();
        let written = plain(&held);
        assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::InUse);
        assert_eq!(failure(Held::create(&path, PASSPHRASE, kdf)), CardFailure::InUse);
        drop(held);
        assert_eq!(failure(Held::create(&path, PASSPHRASE, kdf)), CardFailure::InUse, "there is one already");
        assert_eq!(plain(&Held::open(&path, PASSPHRASE).unwrap()), written);
    }
}

#[actix_web::test]
async fn the_file_shows_nothing_and_only_its_owner_reads_it() {
    let (folder, path, held) = collected(Kdf::Pbkdf2Sha512).await;
    let text = fs::read_to_string(&path).unwrap();
    let epk = held.card().unwrap().subject(&ALMA).unwrap().epk.to_string();
    assert!(!text.contains(&epk) && !text.contains("Алма"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The file beside it took its name; nothing else is left in the folder but the lock of whoever has the card.
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, [".card.json.lock", "card.json"]);
}

#[actix_web::test]
async fn a_wrong_passphrase_and_a_changed_byte_open_nothing() {
    let (_folder, path, held) = collected(Kdf::Pbkdf2Sha512).await;
    drop(held);
    assert_eq!(failure(Held::open(&path, "seven quiet rivers under ice")), CardFailure::WrongPassphrase);
    let mut text: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let ciphertext = text["ciphertext"].as_str().unwrap();
    let first = if ciphertext.starts_with('A') { "B" } else { "A" };
    text["ciphertext"] = json!(format!("{first}{}", &ciphertext[1..]));
    fs::write(&path, text.to_string()).unwrap();
    assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::WrongPassphrase);
    // A derivation made cheap, so that the next save would be cheap to guess.
    text["kdf"]["iterations"] = json!(1);
    fs::write(&path, text.to_string()).unwrap();
    assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::Unreadable);
}

#[test]
fn a_file_that_is_absent_or_no_card_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::Missing);
    fs::write(&path, "{}").unwrap();
    assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::Unreadable);
    assert_eq!(failure(Held::open(folder.path(), PASSPHRASE)), CardFailure::Inaccessible);
    fs::remove_file(&path).unwrap();
    assert_eq!(failure(Held::open(&path, PASSPHRASE)), CardFailure::Missing);
}

#[test]
fn a_passphrase_that_is_easily_guessed_makes_no_card() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.json");
    for weak in ["", "short", "aaaaaaaaaaaaaaaa", "password1234"] {
        assert_eq!(failure(Held::create(&path, weak, Kdf::Pbkdf2Sha512)), CardFailure::WeakPassphrase, "{weak}");
    }
}
