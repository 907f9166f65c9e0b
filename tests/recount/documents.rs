//! Manifests, ledgers, notes, methodology, index and the folder itself.

use ed25519_dalek::SigningKey;
use ejf::credential::bundle::Files;
use ejf::credential::encoding::sha256;
use ejf::credential::jcs;
use ejf::credential::ledger::Ledger;
use ejf::credential::note::Checkpoint;
use ejf::credential::signing;
use serde_json::{Value, json};

use crate::edits::{Chance, Edit, add, edit_json};
use crate::world;

const LEDGER: &str = "ledger-council.json";
const MANIFEST: &str = "manifest.json";
const NOTE: &str = "manifest.note";
const INDEX: &str = "index.json";

pub const EDITS: &[(&str, Edit)] = &[
    ("a ledger entry dropped", |files, _, chance| on_entries(files, chance, |entries, at, _| drop(entries.remove(at)))),
    ("a ledger entry doubled", |files, _, chance| {
        on_entries(files, chance, |entries, at, _| entries.insert(at, entries[at].clone()));
    }),
    ("a ledger entry altered", |files, _, chance| {
        on_entries(files, chance, |entries, at, chance| entries[at] = chance.bytes::<32>());
    }),
    ("two ledger entries swapped", |files, _, chance| {
        on_entries(files, chance, |entries, at, _| entries.swap(at, (at + 1) % 12));
    }),
    ("a ledger entry added", |files, _, chance| {
        on_entries(files, chance, |entries, _, chance| entries.push(chance.bytes::<32>()));
    }),
    ("a ledger signed by another key", |files, _, chance| {
        on_entries(files, chance, |entries, at, _| drop(entries.remove(at)));
        edit_json(files, LEDGER, |ledger| {
            let mut signed: Ledger = serde_json::from_value(ledger.clone()).unwrap();
            let unsigned = jcs::canonical_unsigned(&signed).unwrap();
            signed.sig = signing::sign(&wrong_key(), &[b"EJF-LEDGER-v1\0", &unsigned]);
            *ledger = serde_json::to_value(signed).unwrap();
        });
    }),
    ("a ledger's signature altered", |files, _, chance| {
        let sig = chance.bytes::<64>();
        edit_json(files, LEDGER, |ledger| ledger["sig"] = sig);
    }),
    ("two subjects of a ledger swapped", |files, _, _| {
        edit_json(files, LEDGER, |ledger| ledger["subjects"].as_array_mut().unwrap().swap(0, 1));
    }),
    ("a subject of a ledger dropped", |files, _, _| {
        edit_json(files, LEDGER, |ledger| drop(ledger["subjects"].as_array_mut().unwrap().pop()));
    }),
    ("a ledger's key altered", |files, _, chance| {
        let key_id = chance.bytes::<32>();
        edit_json(files, LEDGER, |ledger| ledger["subjects"][0]["key_id"] = key_id);
    }),
    ("a ledger of another generation", |files, world, _| {
        let digest = sha256(&[&world.manifests[0]]);
        edit_json(files, LEDGER, |ledger| {
            ledger["generation"] = json!(0);
            ledger["manifest_digest"] = json!(digest);
        });
    }),
    ("a ledger of another issuer", |files, _, _| {
        edit_json(files, LEDGER, |ledger| ledger["issuer_id"] = json!("union"));
    }),
    ("a checkpoint of another size", |files, _, _| {
        on_text(files, "checkpoint", |note| {
            let size = note.lines().nth(1).unwrap().parse::<u64>().unwrap();
            note.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1)
        });
    }),
    ("a checkpoint of another root", |files, _, chance| {
        let mut checkpoint = parse(files);
        checkpoint.root.0[chance.below(32)] ^= 1;
        let note = checkpoint.sign(&world::log_key()).unwrap();
        files.insert("checkpoint".to_owned(), note.into_bytes());
    }),
    ("a checkpoint signed by another key", |files, _, _| {
        let note = parse(files).sign(&wrong_key()).unwrap();
        files.insert("checkpoint".to_owned(), note.into_bytes());
    }),
    ("a checkpoint of another round", |files, _, _| {
        let mut checkpoint = parse(files);
        checkpoint.origin.push('1');
        let note = checkpoint.sign(&world::log_key()).unwrap();
        files.insert("checkpoint".to_owned(), note.into_bytes());
    }),
    ("a checkpoint's signature altered", |files, _, chance| alter_signature(files, "checkpoint", chance)),
    ("a checkpoint without signature", |files, _, _| {
        on_text(files, "checkpoint", |note| note.split_inclusive('\n').take(4).collect());
    }),
    ("a date of the manifest altered", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| manifest["dates"]["submit_close"] = json!("2027-03-05"));
    }),
    ("issued_min lowered", |files, _, chance| on_manifest(files, chance, |one, _| one["issued_min"] = json!(6))),
    ("max_seq raised", |files, _, chance| on_manifest(files, chance, |one, _| add(&mut one["max_seq"], 1))),
    ("a panel enlarged", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| add(&mut manifest["subjects"][0]["panel_size"], 1));
    }),
    ("a scale widened", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| add(&mut manifest["instruments"][0]["items"][0]["max"], 1));
    }),
    ("an issuer's document key altered", |files, _, chance| {
        on_manifest(files, chance, |one, _| one["issuers"][0]["doc_key"] = json!(signing::public_key(&wrong_key())));
    }),
    ("the receipt key altered", |files, _, chance| {
        on_manifest(files, chance, |one, _| one["receipt_key"] = json!(signing::public_key(&wrong_key())));
    }),
    ("the keys of two subjects swapped", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| {
            let (one, other) = (manifest["subjects"][0]["keys"].clone(), manifest["subjects"][1]["keys"].clone());
            manifest["subjects"][0]["keys"] = other;
            manifest["subjects"][1]["keys"] = one;
        });
    }),
    ("a subject dropped", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| drop(manifest["subjects"].as_array_mut().unwrap().pop()));
    }),
    ("another methodology digest", |files, _, chance| {
        on_manifest(files, chance, |one, chance| one["methodology_digest"] = chance.bytes::<32>());
    }),
    ("the chain of manifests altered", |files, _, chance| {
        let digest = chance.bytes::<32>();
        edit_json(files, MANIFEST, |list| list[1]["prev_manifest_digest"] = digest);
    }),
    ("the first manifest dropped", |files, _, _| {
        edit_json(files, MANIFEST, |list| drop(list.as_array_mut().unwrap().remove(0)));
    }),
    ("the last manifest dropped", |files, _, _| {
        edit_json(files, MANIFEST, |list| drop(list.as_array_mut().unwrap().pop()));
    }),
    ("the manifests swapped", |files, _, _| edit_json(files, MANIFEST, |list| list.as_array_mut().unwrap().swap(0, 1))),
    ("a manifest doubled", |files, _, _| {
        edit_json(files, MANIFEST, |list| {
            let last = list[1].clone();
            list.as_array_mut().unwrap().push(last);
        });
    }),
    ("a manifest and a note by another key", |files, _, chance| {
        on_manifest(files, chance, |manifest, _| manifest["dates"]["submit_close"] = json!("2027-03-05"));
        let list: Value = serde_json::from_slice(&files[MANIFEST]).unwrap();
        let digest = sha256(&[&jcs::canonical(&list[1]).unwrap()]);
        let mut note = Checkpoint::parse(text_of(files, NOTE)).unwrap();
        note.root = digest;
        files.insert(NOTE.to_owned(), note.sign(&wrong_key()).unwrap().into_bytes());
    }),
    ("white space in the manifests", |files, _, _| files.get_mut(MANIFEST).unwrap().push(b'\n')),
    ("a note on the generation before", |files, world, _| {
        let mut note = Checkpoint::parse(text_of(files, NOTE)).unwrap();
        (note.size, note.root) = (0, sha256(&[&world.manifests[0]]));
        files.insert(NOTE.to_owned(), note.sign(&world::log_key()).unwrap().into_bytes());
    }),
    ("a note's signature altered", |files, _, chance| alter_signature(files, NOTE, chance)),
    ("the checkpoint in place of the note", |files, _, _| {
        let checkpoint = files["checkpoint"].clone();
        files.insert(NOTE.to_owned(), checkpoint);
    }),
    ("a weight altered", |files, _, _| {
        edit_json(files, "methodology.json", |rules| add(&mut rules["criteria"][0]["weight"], 1));
    }),
    ("display_min altered", |files, _, _| {
        edit_json(files, "methodology.json", |rules| add(&mut rules["counts"]["display_min"], 1));
    }),
    ("the publishing step altered", |files, _, _| {
        edit_json(files, "methodology.json", |rules| rules["publish_step"] = json!(50));
    }),
    ("a criterion dropped from the methodology", |files, _, _| {
        edit_json(files, "methodology.json", |rules| {
            drop(rules["instruments"][0]["criteria"].as_array_mut().unwrap().pop());
        });
    }),
    ("white space in the methodology", |files, _, _| files.get_mut("methodology.json").unwrap().push(b' ')),
    ("a count of leaves altered", |files, _, _| edit_json(files, INDEX, |one| add(&mut one["counts"]["leaves"], 1))),
    ("a count of tallied altered", |files, _, _| edit_json(files, INDEX, |one| add(&mut one["counts"]["tallied"], -1))),
    ("two counts altered, their sum kept", |files, _, _| {
        edit_json(files, INDEX, |index| {
            add(&mut index["counts"]["tallied"], -1);
            add(&mut index["counts"]["withdrawn"], 1);
        });
    }),
    ("a count of superseded altered", |files, _, _| {
        edit_json(files, INDEX, |index| add(&mut index["counts"]["superseded"], 1));
    }),
    ("a hash of the index altered", |files, _, chance| {
        let digest = chance.bytes::<32>();
        edit_json(files, INDEX, |index| index["files"]["leaves"] = digest);
    }),
    ("a file dropped from the index", |files, _, _| {
        edit_json(files, INDEX, |index| drop(index["files"].as_object_mut().unwrap().remove("leaves")));
    }),
    ("the index of another cycle", |files, _, chance| {
        let cycle_ref = chance.bytes::<16>();
        edit_json(files, INDEX, |index| index["cycle_ref"] = cycle_ref);
    }),
    ("the index of another round", |files, _, _| edit_json(files, INDEX, |index| add(&mut index["round"], 1))),
    ("the index of another version", |files, _, _| edit_json(files, INDEX, |index| add(&mut index["v"], 1))),
    ("a file dropped", |files, _, chance| {
        let names: Vec<String> = files.keys().filter(|name| *name != INDEX).cloned().collect();
        files.remove(&names[chance.below(names.len())]);
    }),
    ("a file emptied", |files, _, chance| {
        let names: Vec<String> = files.keys().filter(|name| *name != INDEX).cloned().collect();
        files.get_mut(&names[chance.below(names.len())]).unwrap().clear();
    }),
    ("a file added", |files, _, _| drop(files.insert("ledger-union.json".to_owned(), b"{}".to_vec()))),
    ("a bit flipped", |files, _, chance| {
        on_some_file(files, chance, |bytes, at, chance| bytes[at] ^= 1 << chance.below(8));
    }),
    ("a file cut", |files, _, chance| on_some_file(files, chance, |bytes, at, _| bytes.truncate(at))),
    ("a byte added", |files, _, chance| {
        on_some_file(files, chance, |bytes, at, chance| {
            bytes.insert(at, b' ' + u8::try_from(chance.below(90)).unwrap());
        });
    }),
];

fn wrong_key() -> SigningKey {
    SigningKey::from_bytes(&[68; 32])
}

fn on_entries(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Vec<Value>, usize, &mut Chance)) {
    edit_json(files, LEDGER, |ledger| {
        let subject = chance.below(3);
        let entries = ledger["subjects"][subject]["entries"].as_array_mut().unwrap();
        let at = chance.below(entries.len());
        edit(entries, at, chance);
    });
}

/// Changes one of the generations.
fn on_manifest(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value, &mut Chance)) {
    edit_json(files, MANIFEST, |list| {
        let at = chance.below(2);
        edit(&mut list[at], chance);
    });
}

fn on_text(files: &mut Files, name: &str, edit: impl FnOnce(&str) -> String) {
    let edited = edit(std::str::from_utf8(&files[name]).unwrap());
    files.insert(name.to_owned(), edited.into_bytes());
}

/// The three lines of a note, without its signature.
fn text_of<'a>(files: &'a Files, name: &str) -> &'a str {
    let note = std::str::from_utf8(&files[name]).unwrap();
    &note[..=note.find("\n\n").unwrap()]
}

fn parse(files: &Files) -> Checkpoint {
    Checkpoint::parse(text_of(files, "checkpoint")).unwrap()
}

fn alter_signature(files: &mut Files, name: &str, chance: &mut Chance) {
    on_text(files, name, |note| {
        let at = note.rfind(' ').unwrap() + 8 + chance.below(60);
        let other = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &note[..at], &note[at + 1..])
    });
}

/// Any file but the results, whose interval ends one of the two verifiers does not compute.
fn on_some_file(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Vec<u8>, usize, &mut Chance)) {
    let names: Vec<String> = files.keys().filter(|name| *name != "result.json").cloned().collect();
    let bytes = files.get_mut(&names[chance.below(names.len())]).unwrap();
    let at = chance.below(bytes.len());
    edit(bytes, at, chance);
}
