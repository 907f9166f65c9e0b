//! `result.json`: its counts and exact fractions, which both verifiers compute, and its interval ends and variances,
//! which one of them does.

use ejf::credential::bundle::Files;
use serde_json::{Value, json};

use crate::edits::{Chance, Edit, add, edit_json};

const RESULT: &str = "result.json";

pub const EDITS: &[(&str, Edit)] = &[
    ("a numerator altered", |files, _, chance| on_score(files, chance, |score| add(&mut score[0], 1))),
    ("a denominator altered", |files, _, chance| on_score(files, chance, |score| add(&mut score[1], 1))),
    ("a fraction not in lowest terms", |files, _, chance| {
        on_score(files, chance, |score| {
            *score = json!([score[0].as_i64().unwrap() * 2, score[1].as_i64().unwrap() * 2]);
        });
    }),
    ("a text altered", |files, _, chance| on_overall(files, chance, |overall| overall["text"] = json!("4.99"))),
    ("a number set aside altered", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["set_aside"], 1));
    }),
    ("the resilience band raised", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["resilience_lo"][0], 1));
    }),
    ("the resilience band lowered", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["resilience_hi"][0], -1));
    }),
    ("a number of reviews altered", |files, _, chance| on_subject(files, chance, |one| add(&mut one["n"], 1))),
    ("a number of reviews told", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"][2]["n"] = json!(3));
    }),
    ("a status raised", |files, _, _| edit_json(files, RESULT, |one| one["subjects"][1]["status"] = json!("ok"))),
    ("a status lowered", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"][0]["status"] = json!("indicative"));
    }),
    ("the results of two subjects swapped", |files, _, _| {
        edit_json(files, RESULT, |result| {
            let (one, other) =
                (result["subjects"][0]["subject_ref"].clone(), result["subjects"][1]["subject_ref"].clone());
            result["subjects"].as_array_mut().unwrap().swap(0, 1);
            result["subjects"][0]["subject_ref"] = one;
            result["subjects"][1]["subject_ref"] = other;
        });
    }),
    ("the order of subjects altered", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"].as_array_mut().unwrap().swap(0, 1));
    }),
    ("a subject's result dropped", |files, _, chance| {
        let at = chance.below(3);
        edit_json(files, RESULT, |result| drop(result["subjects"].as_array_mut().unwrap().remove(at)));
    }),
    ("a subject's result doubled", |files, _, chance| {
        let at = chance.below(3);
        edit_json(files, RESULT, |result| {
            let one = result["subjects"][at].clone();
            result["subjects"].as_array_mut().unwrap().insert(at, one);
        });
    }),
    ("an overall score dropped", |files, _, chance| {
        on_subject(files, chance, |one| drop(one.as_object_mut().unwrap().remove("overall")));
    }),
    ("a criterion's number altered", |files, _, chance| on_criterion(files, chance, |one| add(&mut one["n"], -1))),
    ("a criterion's difference altered", |files, _, chance| {
        on_criterion(files, chance, |one| add(&mut one["difference"][0], 1));
    }),
    ("a criterion's score altered", |files, _, chance| on_criterion(files, chance, |one| add(&mut one["score"][0], 1))),
    ("a criterion's text altered", |files, _, chance| on_criterion(files, chance, |one| one["text"] = json!("4.99"))),
    ("a criterion's name altered", |files, _, chance| on_criterion(files, chance, |one| one["code"] = json!("merits"))),
    ("a criterion dropped", |files, _, chance| {
        on_subject(files, chance, |one| drop(one["criteria"].as_array_mut().unwrap().pop()));
    }),
    ("two criteria swapped", |files, _, chance| {
        on_subject(files, chance, |one| one["criteria"].as_array_mut().unwrap().swap(0, 1));
    }),
    ("a statement told that two chose", |files, _, _| {
        on_statements(files, |told| told.insert(1, json!("s03")));
    }),
    ("a statement told of reviews that contradict themselves", |files, _, _| {
        on_statements(files, |told| told.push(json!("s07")));
    }),
    ("a statement told of versions that were replaced", |files, _, _| {
        on_statements(files, |told| told.push(json!("s09")));
    }),
    ("a told statement dropped", |files, _, chance| on_statements(files, |told| drop(told.remove(chance.below(2))))),
    ("told statements in another order", |files, _, _| on_statements(files, |told| told.swap(0, 1))),
    ("all statements dropped", |files, _, _| {
        edit_json(files, RESULT, |result| {
            drop(result["subjects"][0].as_object_mut().unwrap().remove("statements"));
        });
    }),
    ("a statement told of few reviews", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"][1]["statements"] = json!(["s01"]));
    }),
    ("an empty list of statements", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"][1]["statements"] = json!([]));
    }),
    ("criteria held back that nobody agreed on", |files, _, _| {
        edit_json(files, RESULT, |result| result["subjects"][0]["held_back"] = json!("criteria"));
    }),
    ("another algorithm", |files, _, _| edit_json(files, RESULT, |one| one["algorithm"] = json!("level-profile-2"))),
    ("an instrument dropped", |files, _, _| {
        edit_json(files, RESULT, |result| drop(result["instruments"].as_array_mut().unwrap().pop()));
    }),
    ("a member added to the results", |files, _, _| edit_json(files, RESULT, |result| result["rank"] = json!(1))),
    ("a member added to a subject", |files, _, chance| on_subject(files, chance, |one| one["rank"] = json!(1))),
    ("a member added to an overall score", |files, _, chance| {
        on_overall(files, chance, |overall| overall["mean"] = json!([4, 1]));
    }),
    ("white space in the results", |files, _, _| files.get_mut(RESULT).unwrap().push(b'\n')),
];

/// What only the verifier with the constants of the intervals can find.
pub const INTERVALS: &[(&str, Edit)] = &[
    ("an ordinary interval altered", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["ordinary"][0], 1));
    }),
    ("an aware interval altered", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["aware"][1], -1));
    }),
    ("a resilience interval altered", |files, _, chance| {
        on_overall(files, chance, |overall| add(&mut overall["resilience"][0], 1));
    }),
    ("a criterion's interval altered", |files, _, chance| {
        on_criterion(files, chance, |one| add(&mut one["aware"][0], 1));
    }),
    ("a pooled variance altered", |files, _, _| {
        edit_json(files, RESULT, |result| add(&mut result["instruments"][0]["keys_variance_millionths"], 1));
    }),
];

/// One of the two subjects that have figures.
fn on_subject(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value)) {
    let at = chance.below(2);
    edit_json(files, RESULT, |result| edit(&mut result["subjects"][at]));
}

/// The statements of the subject that has some.
fn on_statements(files: &mut Files, edit: impl FnOnce(&mut Vec<Value>)) {
    edit_json(files, RESULT, |result| edit(result["subjects"][0]["statements"].as_array_mut().unwrap()));
}

fn on_overall(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value)) {
    on_subject(files, chance, |one| edit(&mut one["overall"]));
}

fn on_score(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value)) {
    on_overall(files, chance, |overall| edit(&mut overall["score"]));
}

fn on_criterion(files: &mut Files, chance: &mut Chance, edit: impl FnOnce(&mut Value)) {
    let criterion = chance.below(5);
    on_subject(files, chance, |one| edit(&mut one["criteria"][criterion]));
}
