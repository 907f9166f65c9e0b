//! Reviews, leaves and replaced versions: dropped, altered, doubled, swapped, forged.

use ed25519_dalek::SigningKey;
use ejf::credential::bundle::Files;
use ejf::credential::envelope::{Body, Envelope};
use ejf::credential::signing::public_key;
use serde_json::{Value, json};

use crate::edits::{Chance, Edit, add, canonical, edit_line, lines, put_lines};
use crate::world::World;

const ENVELOPES: &str = "envelopes.ndjson";
const SUPERSEDED: &str = "superseded.ndjson";

pub const EDITS: &[(&str, Edit)] = &[
    ("a review dropped", |files, _, chance| drop_line(files, ENVELOPES, chance)),
    ("a review doubled", |files, _, chance| double_line(files, ENVELOPES, chance)),
    ("two reviews swapped", |files, _, chance| swap_lines(files, ENVELOPES, chance)),
    ("the bodies of two reviews swapped", |files, _, chance| swap_members(files, "body", chance)),
    ("the keys of two reviews swapped", |files, _, chance| swap_members(files, "epk", chance)),
    ("the signatures of two reviews swapped", |files, _, chance| swap_members(files, "sig", chance)),
    ("the credentials of two reviews swapped", |files, _, chance| swap_members(files, "credentials", chance)),
    ("a mark altered", |files, _, chance| on_body(files, chance, alter_mark)),
    ("a mark off the scale", |files, _, chance| on_body(files, chance, |body, _| body["marks"]["k1"] = json!(6))),
    ("a mark taken away", |files, _, chance| {
        on_body(files, chance, |body, _| {
            let marked = body["marks"].as_object().unwrap().iter().find(|(_, mark)| mark.is_number());
            let code = marked.map_or("k1", |(code, _)| code).to_owned();
            body["marks"][code] = Value::Null;
        });
    }),
    ("an item dropped", |files, _, chance| {
        on_body(files, chance, |body, _| drop(body["marks"].as_object_mut().unwrap().remove("k2")));
    }),
    ("an item added", |files, _, chance| on_body(files, chance, |body, _| body["marks"]["z9"] = json!(3))),
    ("a statement added", |files, _, chance| {
        on_body(files, chance, |body, _| body["statements"].as_array_mut().unwrap().push(json!("s03")));
    }),
    ("a statement nobody knows", |files, _, chance| {
        on_body(files, chance, |body, _| body["statements"] = json!(["s99"]));
    }),
    ("a nonce altered", |files, _, chance| on_body(files, chance, |body, chance| body["nonce"] = chance.bytes::<32>())),
    ("a sequence altered", |files, _, chance| on_body(files, chance, |body, _| add(&mut body["seq"], 1))),
    ("a consent added", |files, _, chance| {
        on_body(files, chance, |body, chance| {
            let leaf = chance.bytes::<32>();
            body["prev"].as_array_mut().unwrap().push(leaf);
            add(&mut body["seq"], 1);
        });
    }),
    ("a consent dropped", |files, _, chance| {
        let all = lines(files, ENVELOPES);
        let revised: Vec<usize> = (0..all.len()).filter(|at| !all[*at].contains("\"prev\":[]")).collect();
        edit_line(files, ENVELOPES, revised[chance.below(revised.len())], |line| {
            line["body"]["prev"].as_array_mut().unwrap().pop();
            add(&mut line["body"]["seq"], -1);
        });
    }),
    ("another subject", |files, _, chance| {
        on_body(files, chance, |body, _| {
            let other = if body["subject_ref"] == "AgICAgICAgICAgICAgICAg" {
                "AwMDAwMDAwMDAwMDAwMDAw"
            } else {
                "AgICAgICAgICAgICAgICAg"
            };
            body["subject_ref"] = json!(other);
        });
    }),
    ("an unknown subject", |files, _, chance| {
        on_body(files, chance, |body, chance| body["subject_ref"] = chance.bytes::<16>());
    }),
    ("another manifest", |files, _, chance| {
        on_body(files, chance, |body, chance| body["manifest_digest"] = chance.bytes::<32>());
    }),
    ("another round", |files, _, chance| on_body(files, chance, |body, _| add(&mut body["round"], 1))),
    ("another cycle", |files, _, chance| {
        on_body(files, chance, |body, chance| body["cycle_ref"] = chance.bytes::<16>());
    }),
    ("another purpose", |files, _, chance| on_body(files, chance, |body, _| body["purpose"] = json!("comment"))),
    ("another version", |files, _, chance| on_body(files, chance, |body, _| add(&mut body["v"], 1))),
    ("a member added to a body", |files, _, chance| on_body(files, chance, |body, _| body["note"] = json!(""))),
    ("a member added to an envelope", |files, _, chance| on_envelope(files, chance, |one, _| one["pad"] = json!("0"))),
    ("a key altered", |files, _, chance| on_envelope(files, chance, |one, chance| one["epk"] = chance.bytes::<32>())),
    ("a signature altered", |files, _, chance| {
        on_envelope(files, chance, |one, chance| one["sig"] = chance.bytes::<64>());
    }),
    ("a credential dropped", |files, _, chance| {
        on_envelope(files, chance, |one, _| drop(one["credentials"].as_array_mut().unwrap().pop()));
    }),
    ("a credential doubled", |files, _, chance| {
        on_envelope(files, chance, |one, _| {
            let first = one["credentials"][0].clone();
            one["credentials"].as_array_mut().unwrap().push(first);
        });
    }),
    ("a credential's prefix altered", |files, _, chance| {
        on_envelope(files, chance, |one, chance| one["credentials"][0]["prefix"] = chance.bytes::<32>());
    }),
    ("a credential's signature altered", |files, _, chance| {
        on_envelope(files, chance, |one, chance| one["credentials"][0]["sig"] = chance.bytes::<384>());
    }),
    ("a credential's key altered", |files, _, chance| {
        on_envelope(files, chance, |one, chance| one["credentials"][0]["key_id"] = chance.bytes::<32>());
    }),
    ("a credential of a stranger", |files, _, chance| {
        on_envelope(files, chance, |one, _| one["credentials"][0]["issuer_id"] = json!("stranger"));
    }),
    ("a mark altered and signed by another key", |files, _, chance| {
        resign(files, chance, |_| SigningKey::from_bytes(&[67; 32]));
    }),
    ("a mark altered and signed by the same reviewer", |files, world, chance| {
        resign(files, chance, |epk| own_key(world, epk).clone());
    }),
    ("white space in a line", |files, _, chance| {
        let mut all = lines(files, ENVELOPES);
        let at = chance.below(all.len());
        all[at].push(' ');
        put_lines(files, ENVELOPES, &all);
    }),
    ("the last line without its end", |files, _, _| cut(files, ENVELOPES)),
    ("a leaf dropped", |files, _, chance| {
        on_leaves(files, |leaves| {
            let at = chance.below(leaves.len());
            leaves.remove(at);
        });
    }),
    ("a leaf doubled", |files, _, chance| {
        on_leaves(files, |leaves| {
            let at = chance.below(leaves.len());
            leaves.insert(at, leaves[at]);
        });
    }),
    ("two leaves swapped", |files, _, chance| {
        on_leaves(files, |leaves| {
            let (one, other) = chance.two(leaves.len());
            leaves.swap(one, other);
        });
    }),
    ("a leaf altered", |files, _, chance| {
        on_leaves(files, |leaves| {
            let at = chance.below(leaves.len());
            leaves[at][chance.below(32)] ^= 1 << chance.below(8);
            leaves.sort_unstable();
        });
    }),
    ("a leaf added", |files, _, chance| {
        on_leaves(files, |leaves| {
            leaves.push([u8::try_from(chance.below(256)).unwrap(); 32]);
            leaves.sort_unstable();
        });
    }),
    ("half a leaf", |files, _, _| cut(files, "leaves")),
    ("no leaf at all", |files, _, _| files.get_mut("leaves").unwrap().clear()),
    ("a replaced leaf dropped", |files, _, chance| drop_line(files, SUPERSEDED, chance)),
    ("a replaced leaf doubled", |files, _, chance| double_line(files, SUPERSEDED, chance)),
    ("two replaced leaves swapped", |files, _, chance| swap_lines(files, SUPERSEDED, chance)),
    ("a replaced leaf altered", |files, _, chance| {
        let at = chance.below(lines(files, SUPERSEDED).len());
        let leaf = chance.bytes::<32>();
        edit_line(files, SUPERSEDED, at, |line| line["leaf"] = leaf);
        sort_superseded(files);
    }),
    ("a replaced leaf of another key", |files, _, chance| {
        let at = chance.below(lines(files, SUPERSEDED).len());
        let epk = chance.bytes::<32>();
        edit_line(files, SUPERSEDED, at, |line| line["epk"] = epk);
    }),
    ("a member added to a replaced leaf", |files, _, chance| {
        let at = chance.below(lines(files, SUPERSEDED).len());
        edit_line(files, SUPERSEDED, at, |line| line["why"] = json!(null));
    }),
    ("a review retired without its author", |files, _, chance| {
        let mut all = lines(files, ENVELOPES);
        let at = chance.below(all.len());
        let envelope = Envelope::parse(all.remove(at).as_bytes()).unwrap();
        put_lines(files, ENVELOPES, &all);
        let retired = json!({"leaf": envelope.leaf().unwrap(), "epk": envelope.epk});
        add_superseded(files, &retired);
    }),
    ("a review both counted and retired", |files, _, chance| {
        let all = lines(files, ENVELOPES);
        let envelope = Envelope::parse(all[chance.below(all.len())].as_bytes()).unwrap();
        add_superseded(files, &json!({"leaf": envelope.leaf().unwrap(), "epk": envelope.epk}));
    }),
    ("a leaf retired that never was", |files, _, chance| {
        let retired = json!({"leaf": chance.bytes::<32>(), "epk": chance.bytes::<32>()});
        add_superseded(files, &retired);
    }),
];

fn own_key<'a>(world: &'a World, epk: &str) -> &'a SigningKey {
    world.reviewers.iter().find(|key| public_key(key).to_string() == epk).unwrap()
}

/// Takes the last byte away.
fn cut(files: &mut Files, name: &str) {
    let bytes = files.get_mut(name).unwrap();
    bytes.truncate(bytes.len() - 1);
}

fn drop_line(files: &mut Files, name: &str, chance: &mut Chance) {
    let mut all = lines(files, name);
    all.remove(chance.below(all.len()));
    put_lines(files, name, &all);
}

fn double_line(files: &mut Files, name: &str, chance: &mut Chance) {
    let mut all = lines(files, name);
    let at = chance.below(all.len());
    all.insert(at, all[at].clone());
    put_lines(files, name, &all);
}

fn swap_lines(files: &mut Files, name: &str, chance: &mut Chance) {
    let mut all = lines(files, name);
    let (one, other) = chance.two(all.len());
    all.swap(one, other);
    put_lines(files, name, &all);
}

fn swap_members(files: &mut Files, member: &str, chance: &mut Chance) {
    let all = lines(files, ENVELOPES);
    let (one, other) = chance.two(all.len());
    let of = |at: usize| serde_json::from_str::<Value>(&all[at]).unwrap()[member].clone();
    let (first, second) = (of(one), of(other));
    edit_line(files, ENVELOPES, one, |line| line[member] = second);
    edit_line(files, ENVELOPES, other, |line| line[member] = first);
}

fn on_envelope(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value, &mut Chance)) {
    let at = chance.below(lines(files, ENVELOPES).len());
    edit_line(files, ENVELOPES, at, |line| edit(line, chance));
}

fn on_body(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value, &mut Chance)) {
    on_envelope(files, chance, |line, chance| edit(&mut line["body"], chance));
}

/// Another mark on the scale for an item.
fn alter_mark(body: &mut Value, chance: &mut Chance) {
    let codes: Vec<String> = body["marks"].as_object().unwrap().keys().cloned().collect();
    let code = &codes[chance.below(codes.len())];
    let mark = body["marks"][code].as_i64().unwrap_or(0);
    body["marks"][code] = json!(mark % 5 + 1);
}

fn resign(files: &mut Files, chance: &mut Chance, key: impl FnOnce(&str) -> SigningKey) {
    on_envelope(files, chance, |line, chance| {
        alter_mark(&mut line["body"], chance);
        let body = Body::parse(canonical(&line["body"]).as_bytes()).unwrap();
        let credentials = serde_json::from_value(line["credentials"].clone()).unwrap();
        let key = key(line["epk"].as_str().unwrap());
        let signed = Envelope::sign(body, credentials, &key).unwrap();
        *line = serde_json::to_value(signed).unwrap();
    });
    sort_envelopes(files);
}

fn sort_envelopes(files: &mut Files) {
    let mut all = lines(files, ENVELOPES);
    all.sort_by_key(|line| Envelope::parse(line.as_bytes()).unwrap().leaf().unwrap());
    put_lines(files, ENVELOPES, &all);
}

fn add_superseded(files: &mut Files, retired: &Value) {
    let mut all = lines(files, SUPERSEDED);
    all.push(canonical(retired));
    put_lines(files, SUPERSEDED, &all);
    sort_superseded(files);
}

fn sort_superseded(files: &mut Files) {
    let mut all = lines(files, SUPERSEDED);
    all.sort_by_key(|line| serde_json::from_str::<ejf::credential::bundle::Superseded>(line).unwrap().leaf);
    put_lines(files, SUPERSEDED, &all);
}

fn on_leaves(files: &mut Files, edit: impl FnOnce(&mut Vec<[u8; 32]>)) {
    let mut leaves = files["leaves"].as_chunks::<32>().0.to_vec();
    edit(&mut leaves);
    files.insert("leaves".to_owned(), leaves.concat());
}
