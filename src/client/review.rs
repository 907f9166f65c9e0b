//! Phase 2, never logged in: signing a review, sending it to the box, and believing nothing but its receipt.
//!
//! What a newcomer would get wrong: making a new review when no answer came. The box may have stored the first one; so
//! what was signed is kept in the card and sent again, byte for byte, until a receipt verifies. Only then can another
//! version follow. Design, sections 5 (gate) and 6.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::card::{Card, CardSubject, Held, Version};
use super::failure::{Alarm, CardFailure, Failure, Idle, Result};
use super::line::Line;
use super::pinned::{fetch_rules, told};
use crate::credential::encoding::Ref;
use crate::credential::envelope::{self, Body, Envelope};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::manifest::Instrument;
use crate::credential::receipt::Receipt;
use crate::credential::rules::BallotRules;
use crate::error::{Fault, Rule};

/// What a reviewer wants to say of a subject; it fits the subject's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    subject_ref: Ref,
    marks: BTreeMap<String, Option<i64>>,
    statements: Vec<String>,
}

/// The member that matters; the padding is only there to hide it.
#[derive(Deserialize)]
struct Answer {
    receipt: Receipt,
}

/// Sends a review to the box and returns its verified receipt; the card keeps both.
///
/// What was signed earlier and has no receipt goes first, in the same bytes. A draft that says what the last version
/// says sends nothing more; any other becomes the next version, which replaces those before.
pub async fn submit(ballot_box: &str, held: &mut Held, draft: &Draft, now: DateTime<Utc>) -> Result<Receipt> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    let rules = fetch_rules(ballot_box, &card.cycle_ref, card.round, &card.manifest_digest, now).await?;
    submit_under(ballot_box, &rules, held, draft, now).await
}

/// The same for a caller that has the rules already, such as one who plays many reviewers.
pub async fn submit_under(
    ballot_box: &str,
    rules: &BallotRules,
    held: &mut Held,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<Receipt> {
    check_open(rules, subject(held, &draft.subject_ref)?, now)?;
    if last(held, &draft.subject_ref)?.is_some_and(|version| version.receipt.is_none()) {
        send_last(ballot_box, rules, held, &draft.subject_ref, now).await?;
    }
    if let Some(Version { review, receipt: Some(receipt) }) = last(held, &draft.subject_ref)?
        && draft.is_said_by(&review.body)
    {
        return Ok(receipt.clone());
    }
    build_review(held, rules.current(), draft)?;
    send_last(ballot_box, rules, held, &draft.subject_ref, now).await
}

/// Signs the next version of a review, saves it in the card and returns the 8192 bytes that will be sent.
pub fn build_review(held: &mut Held, manifest: &Frozen, draft: &Draft) -> Result<Vec<u8>> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    let subject =
        card.subject_mut(&draft.subject_ref).filter(|subject| subject.is_ready()).ok_or(Idle::NoCredential)?;
    if u32::try_from(subject.versions.len()).is_ok_and(|count| count >= manifest.manifest().max_seq) {
        return Err(Idle::VersionsUsedUp.into());
    }
    let mut earlier = Vec::new();
    for version in &subject.versions {
        earlier.push(version.review.leaf()?);
    }
    let body = Body::new(manifest, draft.subject_ref, &earlier, draft.marks.clone(), &draft.statements)?;
    let review = Envelope::sign(body, subject.public_credentials(), &subject.signing_key()?)?;
    let bytes = review.to_submission()?;
    subject.versions.push(Version { review, receipt: None });
    held.save()?;
    Ok(bytes)
}

/// Sends the last version of a review, as often as needed: the bytes are the same, and so is the receipt.
pub async fn send_last(
    ballot_box: &str,
    rules: &BallotRules,
    held: &mut Held,
    subject_ref: &Ref,
    now: DateTime<Utc>,
) -> Result<Receipt> {
    check_open(rules, subject(held, subject_ref)?, now)?;
    let review = &last(held, subject_ref)?.ok_or(Idle::NoCredential)?.review;
    let today = rules.current().manifest().date_at(now);
    // The box would say the same; asking the shared rules first keeps a review at home that cannot be taken.
    let leaf = envelope::verify(rules, review, today).map_err(told)?.leaf();
    let bytes = review.to_submission()?;
    let Answer { receipt } = Line::to(ballot_box)?.post("/v1/anon/reviews", None, bytes, StatusCode::ACCEPTED).await?;
    let manifest = rules.current().manifest();
    let is_promised = (receipt.cycle_ref, receipt.round, receipt.leaf) == (manifest.cycle_ref, manifest.round, leaf)
        && receipt.verify(&manifest.receipt_key);
    if !is_promised {
        return Err(Alarm::ReceiptInvalid.into());
    }
    if let Some(version) =
        held.card_mut().and_then(|card| card.subject_mut(subject_ref)).and_then(|subject| subject.versions.last_mut())
    {
        version.receipt = Some(receipt.clone());
    }
    held.save()?;
    Ok(receipt)
}

/// The window, the reviewer's own ledger entries, and the gate, in this order.
fn check_open(rules: &BallotRules, subject: &CardSubject, now: DateTime<Utc>) -> Result<()> {
    rules.check_submit_window(rules.current().manifest().date_at(now)).map_err(told)?;
    for credential in &subject.credentials {
        let ledger = rules.ledgers().iter().find(|ledger| ledger.issuer_id == credential.issuer_id);
        if !ledger.ok_or(Alarm::GateClosed)?.holds(&subject.subject_ref, &credential.entry) {
            return Err(Alarm::EntryMissing.into());
        }
    }
    rules.check_gate(&subject.subject_ref).map_err(told)
}

fn subject<'a>(held: &'a Held, subject_ref: &Ref) -> Result<&'a CardSubject> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    card.subject(subject_ref).filter(|subject| subject.is_ready()).ok_or(Idle::NoCredential.into())
}

fn last<'a>(held: &'a Held, subject_ref: &Ref) -> Result<Option<&'a Version>> {
    Ok(subject(held, subject_ref)?.versions.last())
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
        let statements = read_statements(&subject.instrument, &given, &mut faults);
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
            Some(Value::Array(given)) => statements = read_statements(&subject.instrument, given, &mut faults),
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

    fn is_said_by(&self, body: &Body) -> bool {
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

fn read_statements(instrument: &Instrument, given: &[Value], faults: &mut Vec<Fault>) -> Vec<String> {
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
