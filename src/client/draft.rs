//! What a review may say: read from a file or from answers, and held against the form before anything is signed.
//!
//! What a newcomer would get wrong: a mark left out is not "no basis". An oversight would count like a judgement, so each
//! item of the form has to be named, and null has to be said.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::card::{Card, CardSubject};
use super::failure::{Failure, Idle, Result};
use crate::credential::encoding::Ref;
use crate::credential::envelope::Body;
use crate::credential::jcs;
use crate::credential::manifest::Instrument;
use crate::domain::methodology::Methodology;
use crate::error::{Fault, Rule};

/// What a reviewer wants to say of a subject; it fits the subject's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    subject_ref: Ref,
    marks: BTreeMap<String, Option<i64>>,
    statements: Vec<String>,
}

impl Draft {
    /// A review of a subject of the card; [`Failure::Review`] with every fault if it does not fit the form.
    pub fn new(
        card: &Card,
        subject_ref: Ref,
        marks: BTreeMap<String, Option<i64>>,
        statements: Vec<String>,
    ) -> Result<Self> {
        let subject = card.subject(&subject_ref).ok_or(Idle::NoCredential)?;
        let marks_given = marks.iter().map(|(code, mark)| (code.clone(), Value::from(*mark))).collect();
        let mut faults = Vec::new();
        let marks = read_marks(&subject.instrument, &marks_given, &mut faults);
        let given: Vec<Value> = statements.into_iter().map(Value::from).collect();
        let statements = read_statements(&subject.instrument, card.methodology.as_deref(), &given, &mut faults);
        if faults.is_empty() { Ok(Draft { subject_ref, marks, statements }) } else { Err(Failure::Review(faults)) }
    }

    /// Reads a reviewer's file: `subject_ref` or `assignment_id`, `marks`, `statements`.
    ///
    /// [`Failure::Review`] with every fault and its pointer; `no_credential` if the card has no such subject.
    pub fn read(card: &Card, text: &[u8]) -> Result<Self> {
        let whole = |rule| Failure::Review(vec![Fault::at("", rule)]);
        // The strict reader refuses a member that stands twice, of which others would take the last.
        jcs::parse(text).map_err(|_| whole(Rule::Format { expected: "JSON" }))?;
        let Ok(Value::Object(members)) = serde_json::from_slice(text) else {
            return Err(whole(Rule::Type));
        };
        let mut faults = Vec::new();
        for name in members.keys() {
            if !["subject_ref", "assignment_id", "marks", "statements"].contains(&name.as_str()) {
                faults.push(Fault::at(format!("/{}", escaped(name)), Rule::Unknown));
            }
        }
        let subject = match find_subject(card, members.get("subject_ref"), members.get("assignment_id")) {
            Ok(subject) => subject,
            Err(fault) => {
                faults.push(fault);
                return Err(Failure::Review(faults));
            }
        };
        let mut marks = BTreeMap::new();
        match members.get("marks") {
            Some(Value::Object(given)) => {
                marks = read_marks(&subject.instrument, given, &mut faults);
            }
            Some(_) => faults.push(Fault::at("/marks", Rule::Type)),
            None => faults.push(Fault::at("/marks", Rule::Required)),
        }
        let mut statements = Vec::new();
        match members.get("statements") {
            Some(Value::Array(given)) => {
                statements = read_statements(&subject.instrument, card.methodology.as_deref(), given, &mut faults);
            }
            Some(_) => faults.push(Fault::at("/statements", Rule::Type)),
            None => faults.push(Fault::at("/statements", Rule::Required)),
        }
        if !faults.is_empty() {
            return Err(Failure::Review(faults));
        }
        Ok(Draft { subject_ref: subject.subject_ref, marks, statements })
    }

    /// The subject that it is about.
    pub fn subject_ref(&self) -> Ref {
        self.subject_ref
    }

    /// The withdrawal of what was said of a subject: every mark null, and no statement.
    pub fn withdrawal(subject: &CardSubject) -> Self {
        let marks = subject.instrument.items.iter().map(|item| (item.code.clone(), None)).collect();
        Draft { subject_ref: subject.subject_ref, marks, statements: Vec::new() }
    }

    /// The marks, one for each item of the form; null is "no basis".
    pub fn marks(&self) -> &BTreeMap<String, Option<i64>> {
        &self.marks
    }

    /// The codes of the statements, as they were chosen.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// True if it says nothing: sent, it counts as withdrawn.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.marks.values().all(Option::is_none)
    }

    /// True if a signed review says the same.
    pub(super) fn is_said_by(&self, body: &Body) -> bool {
        let mut statements = self.statements.clone();
        statements.sort_unstable();
        self.marks == body.marks && statements == body.statements
    }
}

/// A review file to fill in, for one subject of a card: every mark "no basis", no statement.
pub fn example(subject: &CardSubject) -> Value {
    let marks: BTreeMap<&str, Option<i64>> =
        subject.instrument.items.iter().map(|item| (item.code.as_str(), None)).collect();
    serde_json::json!({"subject_ref": subject.subject_ref, "marks": marks, "statements": []})
}

fn find_subject<'a>(
    card: &'a Card,
    subject_ref: Option<&Value>,
    assignment_id: Option<&Value>,
) -> std::result::Result<&'a CardSubject, Fault> {
    let (pointer, found) = match (subject_ref, assignment_id) {
        (Some(_), Some(_)) => return Err(Fault::at("/assignment_id", Rule::Mismatch { other: "subject_ref" })),
        (None, None) => return Err(Fault::at("/subject_ref", Rule::Required)),
        (Some(value), None) => {
            let wanted: Option<Ref> = value.as_str().and_then(|text| text.parse().ok()); // Else it is no card's subject.
            ("/subject_ref", wanted.and_then(|wanted| card.subject(&wanted)))
        }
        (None, Some(value)) => {
            let wanted: Option<Uuid> = value.as_str().and_then(|text| text.parse().ok()); // The same.
            let is_wanted = |held: &&CardSubject| Some(held.assignment_id) == wanted;
            ("/assignment_id", card.credentials.iter().find(is_wanted))
        }
    };
    found.ok_or_else(|| Fault::at(pointer, Rule::Missing))
}

fn read_marks(
    instrument: &Instrument,
    given: &serde_json::Map<String, Value>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, Option<i64>> {
    let mut marks = BTreeMap::new();
    for item in &instrument.items {
        let pointer = format!("/marks/{}", item.code);
        match given.get(&item.code) {
            // A mark left out may be an oversight; "no basis" has to be said.
            None => faults.push(Fault::at(pointer, Rule::Required)),
            Some(Value::Null) => drop(marks.insert(item.code.clone(), None)),
            Some(value) => match value.as_i64() {
                None => faults.push(Fault::at(pointer, Rule::Type)),
                Some(mark) if (item.min..=item.max).contains(&mark) => {
                    marks.insert(item.code.clone(), Some(mark));
                }
                Some(_) => faults.push(Fault::at(pointer, Rule::Range { min: item.min, max: item.max })),
            },
        }
    }
    for code in given.keys().filter(|code| instrument.items.iter().all(|item| item.code != **code)) {
        faults.push(Fault::at(format!("/marks/{}", escaped(code)), Rule::Unknown));
    }
    marks
}

fn read_statements(
    instrument: &Instrument,
    methodology: Option<&Methodology>,
    given: &[Value],
    faults: &mut Vec<Fault>,
) -> Vec<String> {
    let opposite = |code: &str| {
        let known = methodology?.statements.iter().find(|statement| statement.code == code)?;
        known.opposite.as_deref()
    };
    let max = instrument.max_statements;
    if u32::try_from(given.len()).map_or(true, |count| count > max) {
        faults.push(Fault::at("/statements", Rule::Length { min: 0, max: u64::from(max) }));
    }
    let (mut statements, mut seen) = (Vec::new(), HashSet::new());
    for (at, value) in given.iter().enumerate() {
        let pointer = format!("/statements/{at}");
        let Some(code) = value.as_str() else {
            faults.push(Fault::at(pointer, Rule::Type));
            continue;
        };
        if !instrument.statements.iter().any(|statement| statement == code) {
            faults.push(Fault::at(pointer, Rule::Missing));
        } else if !seen.insert(code) {
            faults.push(Fault::at(pointer, Rule::Duplicate));
        } else if opposite(code).is_some_and(|other| seen.contains(other)) {
            faults.push(Fault::at(pointer, Rule::Mismatch { other: "statements" }));
        } else {
            statements.push(code.to_owned());
        }
    }
    statements
}

/// A member's name as a step of an RFC 6901 pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
