//! The manifest: everything that is settled about a round before the first credential is issued.
//!
//! What a newcomer would get wrong: this type is only the text. A manifest that a box, client or auditor may act on is
//! a [`Frozen`](crate::credential::frozen::Frozen) one, which has passed [`Manifest::validate`] and [`alarms`](crate::credential::alarms).
//! The two differ on purpose: a fault is a slip of whoever built it, an alarm is what a hostile issuer would try.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::jcs;
use crate::credential::note::VerifierKey;
use crate::credential::signing::PublicKey;
use crate::domain::calendar::date_at;
use crate::error::{Code, Error, Fault, Result, Rule};

/// The size of every submission, in bytes.
pub const BODY_SIZE: usize = 8192;

/// The fewest days from the seal to the end of the challenge window.
const CHALLENGE_DAYS_MIN: u64 = 7;

/// The limits on lists, so that nothing in a manifest can exhaust a client.
const SUBJECTS_MAX: usize = 20_000;

/// A manifest, member by member as in section 4 of the design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round within the cycle, from 1; 2 is a supplementary round.
    pub round: u32,
    /// 0 for the first manifest of the round, one more for each that replaces it.
    pub generation: u32,
    /// The digest of the generation before; null in generation 0.
    pub prev_manifest_digest: Option<Digest>,
    /// SHA-256 of the bytes of `methodology.json`.
    pub methodology_digest: Digest,
    /// The offset from UTC at which calendar dates are read, in minutes, east positive.
    pub utc_offset_minutes: i32,
    /// The calendar of the round.
    pub dates: Dates,
    /// The credentials that must be issued before a subject's reviews open.
    pub issued_min: u32,
    /// The reviews behind a figure before it is shown at all.
    pub display_min: u32,
    /// The reviews behind a figure before it is usable for a decision.
    pub decision_min: u32,
    /// The size of a submission in bytes: 8192.
    pub body_size: u32,
    /// The versions that one reviewer may send of one review.
    pub max_seq: u32,
    /// The issuers, all of whose signatures a credential needs; the first is the registry's own.
    pub issuers: Vec<Issuer>,
    /// The box's key for receipts, Ed25519.
    pub receipt_key: PublicKey,
    /// The box's log key under this round's name.
    pub log: Log,
    /// Empty in version 1.
    pub witnesses: Vec<String>,
    /// 0 in version 1.
    pub witness_quorum: u32,
    /// SHA-256 of the client pages that the Council vouches for.
    pub client_hashes: Vec<Digest>,
    /// What may be marked.
    pub instruments: Vec<Instrument>,
    /// Who is evaluated, without names, ascending by the bytes of `subject_ref`.
    pub subjects: Vec<Subject>,
}

/// The calendar of a round: windows are open from 00:00 of their first to 24:00 of their last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// The first day on which credentials are issued.
    pub issue_open: NaiveDate,
    /// The last day on which credentials are issued.
    pub issue_close: NaiveDate,
    /// The first day on which reviews are taken; at least 24 hours after `issue_close` has ended.
    pub submit_open: NaiveDate,
    /// The last day on which reviews are taken.
    pub submit_close: NaiveDate,
    /// The day by which the box is sealed.
    pub seal_by: NaiveDate,
    /// The last day on which a missing review can be complained of.
    pub challenge_close: NaiveDate,
}

/// A party that signs credentials without seeing them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its name in documents and file names: lower-case letters, digits, `-` and `_`.
    pub issuer_id: String,
    /// Its name for people.
    pub name: Name,
    /// The Ed25519 key of its ledgers and, for the first issuer, of the seal order.
    pub doc_key: PublicKey,
}

/// A name in the three languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Kazakh.
    pub kk: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

/// Where the seal is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `<log name>/<cycle_ref>/<round>`.
    pub origin: String,
    /// The verifier key whose name is the origin.
    pub vkey: String,
}

/// A form: its items, with the range of each, and its coded statements; where nothing is marked, statements alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its name within the manifest.
    pub instrument_id: String,
    /// The items, each of which a review must mark or leave "no basis"; none of a developmental methodology.
    pub items: Vec<Item>,
    /// The codes of the statements to choose from.
    pub statements: Vec<String>,
    /// The statements that one review may choose.
    pub max_statements: u32,
}

/// One item of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name in `marks`.
    pub code: String,
    /// The lowest mark.
    pub min: i64,
    /// The highest mark.
    pub max: i64,
}

/// One evaluated judge, under a name that only the registry can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The box's name of the subject.
    pub subject_ref: Ref,
    /// The form used.
    pub instrument_id: String,
    /// The reviewers drawn.
    pub panel_size: u32,
    /// One key per issuer and purpose.
    pub keys: Vec<SubjectKey>,
}

/// The key under which one issuer certifies reviewers of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectKey {
    /// Whose key it is.
    pub issuer_id: String,
    /// What it certifies: in version 1 always marks.
    pub purpose: Purpose,
    /// SHA-256 of `spki`.
    pub key_id: Digest,
    /// The public key, DER.
    pub spki: Blob,
}

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Marks and coded statements.
    Marks,
}

impl Purpose {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Marks => "marks",
        }
    }
}

/// Where a date lies against a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Before its first day.
    TooEarly,
    /// On one of its days.
    Open,
    /// After its last day.
    Closed,
}

impl Manifest {
    /// Reads a manifest strictly: `malformed` if it is not one, `invalid` with the faults if it contradicts itself.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let manifest: Manifest = jcs::read(text)?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// The canonical bytes, which are published and digested.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// `H(JCS(manifest))`.
    pub fn digest(&self) -> Result<Digest> {
        Ok(sha256(&[&self.to_bytes()?]))
    }

    /// The calendar date at which `now` falls where the round takes place.
    pub fn date_at(&self, now: DateTime<Utc>) -> NaiveDate {
        date_at(now, self.utc_offset_minutes)
    }

    /// Whether credentials are issued on this date.
    pub fn issue_window(&self, date: NaiveDate) -> Window {
        window(self.dates.issue_open, self.dates.issue_close, date)
    }

    /// Whether reviews are taken on this date.
    pub fn submit_window(&self, date: NaiveDate) -> Window {
        window(self.dates.submit_open, self.dates.submit_close, date)
    }

    /// The box's name before cycle and round, from the log's origin; `None` if the origin has another shape.
    pub fn log_name(&self) -> Option<&str> {
        self.log.origin.strip_suffix(&round_suffix(&self.cycle_ref, self.round))
    }

    /// The origin and key name of the manifest's own note: `<log name>/manifest/<cycle_ref>/<round>`.
    pub fn note_origin(&self) -> Option<String> {
        Some(format!("{}/manifest{}", self.log_name()?, round_suffix(&self.cycle_ref, self.round)))
    }

    /// Everything in which the manifest contradicts itself or its format; `invalid` with all faults.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        let mut want = |holds: bool, pointer: &str, rule: Rule| {
            if !holds {
                faults.push(Fault::at(pointer, rule));
            }
        };
        want(self.v == 1, "/v", Rule::OneOf { allowed: "1".into() });
        want(self.round >= 1, "/round", Rule::Range { min: 1, max: i64::from(u32::MAX) });
        want(
            (self.generation == 0) == self.prev_manifest_digest.is_none(),
            "/prev_manifest_digest",
            Rule::Mismatch { other: "generation" },
        );
        want(
            (-840..=840).contains(&self.utc_offset_minutes),
            "/utc_offset_minutes",
            Rule::Range { min: -840, max: 840 },
        );
        want(self.display_min >= 1, "/display_min", Rule::Floor { min: 1 });
        want(self.decision_min >= self.display_min, "/decision_min", Rule::Order { other: "display_min" });
        want(self.body_size.try_into() == Ok(BODY_SIZE), "/body_size", Rule::OneOf { allowed: "8192".into() });
        want((1..=50).contains(&self.max_seq), "/max_seq", Rule::Range { min: 1, max: 50 });
        want(self.witnesses.is_empty(), "/witnesses", Rule::Length { min: 0, max: 0 });
        want(self.witness_quorum == 0, "/witness_quorum", Rule::OneOf { allowed: "0".into() });
        let log_key = VerifierKey::parse(&self.log.vkey).ok().filter(|key| key.name() == self.log.origin);
        want(log_key.is_some(), "/log/vkey", Rule::Mismatch { other: "origin" });
        want(
            self.log_name().is_some_and(|name| !name.is_empty()),
            "/log/origin",
            Rule::Mismatch { other: "cycle_ref" },
        );
        self.dates.validate(&mut want);
        self.validate_issuers(&mut want);
        self.validate_instruments(&mut want);
        self.validate_subjects(&mut want);
        if faults.is_empty() { Ok(()) } else { Err(Error::faults(Code::Invalid, faults)) }
    }

    fn validate_issuers(&self, want: &mut impl FnMut(bool, &str, Rule)) {
        let count = self.issuers.len();
        want((1..=8).contains(&count), "/issuers", Rule::Length { min: 1, max: 8 });
        let ids: HashSet<_> = self.issuers.iter().map(|issuer| &issuer.issuer_id).collect();
        want(ids.len() == count, "/issuers", Rule::Duplicate);
        for (at, issuer) in self.issuers.iter().enumerate() {
            // The id becomes part of a file name and of a path.
            let is_plain =
                is_code(&issuer.issuer_id) && !issuer.issuer_id.contains(|c: char| c == '.' || c.is_uppercase());
            want(is_plain, &format!("/issuers/{at}/issuer_id"), Rule::Format { expected: "a-z, 0-9, - and _" });
        }
    }

    fn validate_instruments(&self, want: &mut impl FnMut(bool, &str, Rule)) {
        want(!self.instruments.is_empty(), "/instruments", Rule::Required);
        let ids: HashSet<_> = self.instruments.iter().map(|instrument| &instrument.instrument_id).collect();
        want(ids.len() == self.instruments.len(), "/instruments", Rule::Duplicate);
        for (at, instrument) in self.instruments.iter().enumerate() {
            let pointer = format!("/instruments/{at}");
            let items = &instrument.items;
            let codes: HashSet<_> = items.iter().map(|item| &item.code).collect();
            let statements: HashSet<_> = instrument.statements.iter().collect();
            // Without items it is the form of a developmental methodology, which asks for statements alone.
            let asks_nothing = items.is_empty() && (statements.is_empty() || instrument.max_statements == 0);
            let is_form = items.len() <= 60 && !asks_nothing;
            want(is_form, &format!("{pointer}/items"), Rule::Length { min: 1, max: 60 });
            want(codes.len() == items.len(), &format!("{pointer}/items"), Rule::Duplicate);
            want(statements.len() <= 60, &format!("{pointer}/statements"), Rule::Length { min: 0, max: 60 });
            want(statements.len() == instrument.statements.len(), &format!("{pointer}/statements"), Rule::Duplicate);
            let are_codes = is_code(&instrument.instrument_id)
                && items.iter().all(|item| is_code(&item.code))
                && instrument.statements.iter().all(|statement| is_code(statement));
            want(are_codes, &pointer, Rule::Format { expected: "codes of 1 to 40 letters, digits, . - and _" });
            want(
                items.iter().all(|item| item.min <= item.max),
                &format!("{pointer}/items"),
                Rule::Order { other: "min" },
            );
        }
    }

    fn validate_subjects(&self, want: &mut impl FnMut(bool, &str, Rule)) {
        let count = self.subjects.len();
        want((1..=SUBJECTS_MAX).contains(&count), "/subjects", Rule::Length { min: 1, max: SUBJECTS_MAX as u64 });
        let instruments: HashSet<_> = self.instruments.iter().map(|instrument| &instrument.instrument_id).collect();
        for (at, subject) in self.subjects.iter().enumerate() {
            let is_known = instruments.contains(&subject.instrument_id);
            want(is_known, &format!("/subjects/{at}/instrument_id"), Rule::Missing);
        }
        let are_sorted = self.subjects.is_sorted_by(|left, right| left.subject_ref < right.subject_ref);
        want(are_sorted, "/subjects", Rule::Order { other: "subject_ref" });
    }
}

impl Dates {
    fn validate(&self, want: &mut impl FnMut(bool, &str, Rule)) {
        let after = |date: NaiveDate, days: u64| date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
        want(self.issue_open <= self.issue_close, "/dates/issue_close", Rule::Order { other: "issue_open" });
        // The whole day between them is the 24 hours from the last midnight to the next.
        let is_apart = self.submit_open >= after(self.issue_close, 2);
        want(is_apart, "/dates/submit_open", Rule::Order { other: "issue_close" });
        want(self.submit_open <= self.submit_close, "/dates/submit_close", Rule::Order { other: "submit_open" });
        want(self.submit_close < self.seal_by, "/dates/seal_by", Rule::Order { other: "submit_close" });
        let is_open_long = self.challenge_close >= after(self.seal_by, CHALLENGE_DAYS_MIN);
        want(is_open_long, "/dates/challenge_close", Rule::Order { other: "seal_by" });
    }
}

impl Log {
    /// The log of a round: the box's name, cycle and round as origin, and its key under that name.
    pub fn new(log_name: &str, cycle_ref: &Ref, round: u32, log_key: &PublicKey) -> Result<Self> {
        let origin = format!("{log_name}{}", round_suffix(cycle_ref, round));
        let vkey = VerifierKey::new(origin.as_str(), *log_key)?.to_string();
        Ok(Log { origin, vkey })
    }
}

/// A digest for the eye: its first 20 bytes as ten groups of four hex digits.
pub fn digest_words(digest: &Digest) -> String {
    let groups: Vec<String> =
        digest.0.chunks(2).take(10).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
    groups.join(" ")
}

/// True if what a person typed is the digest in words; case, spaces and hyphens do not matter. The whole digest, as the
/// printed QR code holds it in base64url, serves as well.
pub fn matches_words(digest: &Digest, typed: &str) -> bool {
    if typed.trim() == digest.to_string() {
        return true;
    }
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(&digest_words(digest)) == plain(typed)
}

fn round_suffix(cycle_ref: &Bytes<16>, round: u32) -> String {
    format!("/{cycle_ref}/{round}")
}

fn window(first: NaiveDate, last: NaiveDate, date: NaiveDate) -> Window {
    if date < first {
        Window::TooEarly
    } else if date <= last {
        Window::Open
    } else {
        Window::Closed
    }
}

/// A short ASCII name of an item, statement, instrument or issuer.
fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
