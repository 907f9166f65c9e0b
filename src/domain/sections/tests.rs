//! The rules of sections: every fault is named, and what may be shown follows from the content alone.

use serde_json::{Value, json};

use super::*;
use crate::domain::ids;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn content(value: Value) -> Content {
    serde_json::from_value(value).unwrap()
}

/// The faults as pointer and code.
fn faults(value: Value) -> Vec<(String, &'static str)> {
    let mut check = Check::default();
    content(value).check(&mut check, day("2027-01-11"));
    let Err(Error::Refused(refusal)) = check.done() else { return Vec::new() };
    let place = |fault: &crate::error::Fault| match &fault.place {
        crate::error::Place::Pointer(pointer) => pointer.clone(),
        crate::error::Place::Parameter(name) => name.clone(),
    };
    refusal.faults.iter().map(|fault| (place(fault), fault.rule.code())).collect()
}

fn discipline(change: Value) -> Value {
    let mut fields = json!({"decision_ref": "Decision 7", "ground": "Late reasoning", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"});
    fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"discipline": fields})
}

#[test]
fn a_penalty_may_be_shown_from_its_first_day_in_force_until_the_day_before_it_expires_unless_it_was_quashed() {
    let effect = |change| content(discipline(change)).effect();
    let shown = effect(json!({}));
    let expected = Effect { from: Some(day("2026-10-26")), to: Some(day("2027-04-25")), shown: Shown::InEffect };
    assert_eq!(shown, expected);
    for change in [json!({"appeal": "pending"}), json!({"appeal": "upheld"})] {
        assert_eq!(effect(change), shown);
    }
    assert_eq!(effect(json!({"appeal": "quashed"})).shown, Shown::Never);
    assert_eq!(effect(json!({"in_force_on": null, "expires_on": null})).shown, Shown::Never);
}

#[test]
fn complaints_are_shown_where_they_are_founded_and_ethics_findings_where_they_found_a_violation() {
    for outcome in ["pending", "unfounded", "redirected", "founded"] {
        let complaint = json!({"complaint": {"received_on": "2026-06-15", "channel": "e_otinish", "subject": "Delay",
            "outcome": outcome}});
        let expected = if outcome == "founded" { Shown::InEffect } else { Shown::Never };
        assert_eq!(content(complaint).effect().shown, expected, "{outcome}");
    }
    for (outcome, expected) in [("violation", Shown::InEffect), ("no_violation", Shown::Never)] {
        let finding = json!({"ethics_finding": {"commission": "Almaty", "article": "7", "decided_on": "2025-11-20",
            "outcome": outcome}});
        assert_eq!(content(finding).effect().shown, expected, "{outcome}");
    }
}

#[test]
fn every_fault_of_a_section_is_named_at_its_field() {
    let training = |change: Value| {
        let mut fields = json!({"course": "Reasoning", "provider": "Academy", "hours": 40, "starts_on": "2026-03-02",
            "ends_on": "2026-03-06", "result": "passed", "score": 88});
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"training": fields})
    };
    let statement = |change: Value| {
        let mut fields = json!({"text": "I sat in two courts.", "about": null, "attachments": []});
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"judge_statement": fields})
    };
    let ids: Vec<String> = (0..11).map(|_| ids::random().to_string()).collect();
    let cases = [
        (training(json!({"course": " "})), "/content/training/course", "length"),
        (training(json!({"hours": 0})), "/content/training/hours", "range"),
        (training(json!({"hours": 1001})), "/content/training/hours", "range"),
        (training(json!({"score": 101})), "/content/training/score", "range"),
        (training(json!({"ends_on": "2026-03-01"})), "/content/training/ends_on", "order"),
        (training(json!({"ends_on": "2027-01-12"})), "/content/training/ends_on", "format"),
        (discipline(json!({"in_force_on": "2026-10-11"})), "/content/discipline/in_force_on", "order"),
        (discipline(json!({"expires_on": "2026-10-26"})), "/content/discipline/expires_on", "order"),
        (discipline(json!({"in_force_on": null})), "/content/discipline/expires_on", "mismatch"),
        (
            json!({"education": {"degree": "LL.M.", "institution": "University", "year": 2028}}),
            "/content/education/year",
            "range",
        ),
        (
            json!({"suspension": {"starts_on": "2024-05-06", "ends_on": "2024-05-05", "reason": "other"}}),
            "/content/suspension/ends_on",
            "order",
        ),
        (
            json!({"teaching": {"kind": "Lecture!", "title": "Evidence", "held_on": "2026-04-17"}}),
            "/content/teaching/kind",
            "format",
        ),
        (statement(json!({"text": "ә".repeat(10_001)})), "/content/judge_statement/text", "length"),
        (statement(json!({"attachments": ids})), "/content/judge_statement/attachments", "length"),
        (
            json!({"self_assessment": {"evaluation_id": ids::random(), "items": [{"item": "k1"}, {"item": "k1"}]}}),
            "/content/self_assessment/items/1/item",
            "duplicate",
        ),
        (
            json!({"self_assessment": {"evaluation_id": ids::random(), "items": []}}),
            "/content/self_assessment/items",
            "required",
        ),
    ];
    for (value, pointer, code) in cases {
        assert_eq!(faults(value.clone()), [(pointer.to_owned(), code)], "{value}");
    }
    assert!(faults(training(json!({}))).is_empty());
    assert!(faults(statement(json!({}))).is_empty());
}

#[test]
fn staff_cannot_speak_for_the_judge_and_the_judge_cannot_record_a_penalty() {
    let statement = json!({"judge_statement": {"text": "I sat in two courts."}});
    assert!(serde_json::from_value::<RecordedContent>(statement.clone()).is_err());
    assert!(serde_json::from_value::<OwnContent>(statement).is_ok());
    assert!(serde_json::from_value::<OwnContent>(discipline(json!({}))).is_err());
    let lecture = json!({"kind": "lecture", "title": "Evidence", "held_on": "2026-04-17"});
    let two = json!({"teaching": lecture, "judge_statement": {"text": "a"}});
    assert!(serde_json::from_value::<OwnContent>(two).is_err(), "a record has one section");
}

#[test]
fn what_is_kept_is_read_again_as_it_was() {
    for value in [discipline(json!({})), json!({"judge_statement": {"text": "Әділ", "about": null, "attachments": []}})]
    {
        let kept = content(value.clone()).to_json().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), value);
    }
}
