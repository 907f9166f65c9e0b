//! The seeded draw of panels, replayable bit for bit from its record. What a newcomer would get wrong: the outcome may
//! depend on the seed and the sorted input alone, so nothing here may iterate a hash map, read a clock or use a random
//! function whose algorithm a library can change.
//!
//! # The algorithm `EJF-DRAW-v1`
//!
//! *Order.* Reviewers and subjects are sorted by key, bytewise, and numbered from 0; each eligible list is turned into
//! ascending numbers, each once, without the subject.
//!
//! *Randomness.* The keystream of ChaCha20 (RFC 8439 block function; key = seed, nonce and counter zero, the counter 64
//! bits wide) read as little-endian 32-bit words. `below(n)` takes words until one is less than 2³² − (2³² mod n) and
//! gives it mod n; it takes a word for n = 1 too. `shuffle` runs i from the last place down to 1 and swaps i with
//! `below(i + 1)`.
//!
//! *Rules.* A reviewer y *fits* subject a, in place of x or in addition, when y is eligible for a and not in its panel;
//! when, if both are of one court, at most `same_court_max` of that court are then in the panel; and when, if y is a
//! subject too, a is not in the panel of y. y *is free* when its load is below `load_cap`. Loads count what was given
//! before the draw.
//!
//! 1. *Filling.* Up to 64 attempts, each from empty panels, on the same stream. First every subject at which an earlier
//!    attempt failed, in ascending order, is filled completely. Then `panel_size` rounds follow; each shuffles all
//!    subjects (ascending before), sorts them stably by how many reviewers are free and fit (fewest first), and gives
//!    each whose panel is not full one reviewer: of those who are free and fit, ascending, only the ones of the lowest
//!    load are kept, and `below` chooses among them. Where there is none, a panel is rearranged as `repair` in
//!    `assign.rs` says; where that fails, the attempt does.
//! 2. *Mixing.* 64 × subjects × `panel_size` steps. Each takes a = `below`(subjects), i = `below(panel_size)` and
//!    `below(2)`. On 0, y = the `below`(length)-th eligible of a takes the place of x = the i-th of a's panel when y fits
//!    and its load is lower than x's. On 1, b = `below`(subjects) and j = `below(panel_size)` are taken, and x changes
//!    places with y = the j-th of b's panel when a ≠ b and each fits the other's place. Both kinds of step are as likely
//!    as their reverse, so the walk tends to equally likely panels among those of balanced loads that it can reach; where
//!    pairs leave no room for any exchange, the shuffles of the filling alone decide.
//! 3. *Order and reserve.* For each subject in turn the panel is shuffled; then those who are free, eligible, not in the
//!    panel and, if subjects, do not have this subject in theirs, ascending, are shuffled and the first `reserve_size`
//!    kept.

mod assign;
pub(in crate::domain) mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::error::{Code, Error, Fault, Result, Rule};

/// The name of the algorithm that a record was made by.
pub const ALGORITHM: &str = "EJF-DRAW-v1";

/// The tag before the seed in its commitment; ends in a zero byte like every tag of the protocol.
const COMMITMENT_TAG: &[u8] = b"EJF-DRAW-v1\0";

/// What is drawn from.
///
/// Keys and courts are opaque texts. A judge who is both subject and reviewer has the same key in both lists; that is
/// how self-review and pairs in both directions are recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawInput {
    /// The limits of the draw.
    pub caps: Caps,
    /// Everybody who stands in a pool.
    pub reviewers: Vec<Reviewer>,
    /// Everybody who gets a panel.
    pub subjects: Vec<Subject>,
}

/// The limits of a draw, from the methodology's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Reviewers for each subject, 1 to 60.
    #[schema(minimum = 1, maximum = 60)]
    pub panel_size: u32,
    /// Reviewers in order behind each panel, as far as the pool goes.
    #[schema(minimum = 0, maximum = 60)]
    pub reserve_size: u32,
    /// Reviewers of a panel from the subject's own court.
    #[schema(minimum = 0, maximum = 60)]
    pub same_court_max: u32,
    /// Assignments of one reviewer in the year, those from before the draw included.
    #[schema(minimum = 1, maximum = 1000)]
    pub load_cap: u32,
}

/// Somebody who may be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// Names the judge, stable over time.
    #[schema(min_length = 1, max_length = 100)]
    pub key: String,
    /// Names the judge's court.
    #[schema(min_length = 1, max_length = 100)]
    pub court: String,
    /// Assignments of the year before this draw.
    #[schema(minimum = 0)]
    pub load: u32,
}

/// Somebody who gets a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Names the judge, stable over time.
    #[schema(min_length = 1, max_length = 100)]
    pub key: String,
    /// Names the judge's court.
    #[schema(min_length = 1, max_length = 100)]
    pub court: String,
    /// The keys of the pool after all exclusions.
    pub eligible: Vec<String>,
}

/// All that is needed to repeat a draw and to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawRecord {
    /// The algorithm, [`ALGORITHM`].
    #[schema(max_length = 32, example = "EJF-DRAW-v1")]
    pub algorithm: String,
    /// SHA-256 of the tagged seed, published before the pools were frozen.
    pub commitment: Bytes32,
    /// The seed, opened by the draw.
    pub seed: Bytes32,
    /// What was drawn from, sorted by key.
    pub input: DrawInput,
    /// The outcome, one for each subject in the order of the input.
    pub panels: Vec<Panel>,
}

/// The outcome for one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// The subject's key.
    pub subject: String,
    /// The reviewers in drawn order.
    pub panel: Vec<String>,
    /// Who follows when one of them leaves, in order; see [`next_in_reserve`].
    pub reserve: Vec<String>,
}

/// 32 bytes, in JSON as base64url without padding; hidden in debug output, since a seed is secret until it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 43, max_length = 43)]
pub struct Bytes32(pub [u8; 32]);

impl fmt::Debug for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes32(hidden)")
    }
}

impl From<Bytes32> for String {
    fn from(bytes: Bytes32) -> String {
        URL_SAFE_NO_PAD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes32 {
    type Error = NotBytes32;

    fn try_from(text: String) -> std::result::Result<Bytes32, NotBytes32> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBytes32)?;
        bytes.try_into().map(Bytes32).map_err(|_| NotBytes32)
    }
}

/// A text that is not the canonical base64url form of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64url without padding")]
pub struct NotBytes32;

/// What is published before the pools are frozen, so that the seed cannot be chosen to suit them.
pub fn commitment(seed: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(COMMITMENT_TAG).chain_update(seed).finalize().into()
}

/// Draws the panels of all subjects at once, as the module's documentation says.
///
/// # Errors
/// [`Code::Invalid`] when keys are missing, doubled or unknown or a cap is out of range; [`Code::PoolTooSmall`] when
/// no panels within the caps exist or none were found, the hint naming the subject by its key and what would help.
pub fn draw(input: DrawInput, seed: &[u8; 32]) -> Result<DrawRecord> {
    let faults = faults_of(&input);
    if !faults.is_empty() {
        return Err(Error::faults(Code::Invalid, faults));
    }
    let input = sorted(input);
    let panels = assign::panels(&input, &mut random::Stream::new(seed))?;
    Ok(DrawRecord {
        algorithm: ALGORITHM.to_owned(),
        commitment: Bytes32(commitment(seed)),
        seed: Bytes32(*seed),
        input,
        panels,
    })
}

/// Repeats a draw from its record and compares bit for bit.
///
/// # Errors
/// [`Code::Invalid`] with the first place that differs: `/algorithm`, `/seed` (not the one committed to), `/input` (not
/// sorted), `/panels/<index>`; or whatever [`draw`] refuses.
pub fn replay(record: &DrawRecord) -> Result<()> {
    if record.algorithm != ALGORITHM {
        return Err(Error::invalid("/algorithm", Rule::OneOf { allowed: ALGORITHM.into() }));
    }
    if commitment(&record.seed.0) != record.commitment.0 {
        return Err(Error::invalid("/seed", Rule::Mismatch { other: "commitment" }));
    }
    let again = draw(record.input.clone(), &record.seed.0)?;
    if again.input != record.input {
        return Err(Error::invalid("/input", Rule::Order { other: "key" }));
    }
    let count = again.panels.len();
    if record.panels.len() != count {
        return Err(Error::invalid("/panels", Rule::Length { min: count as u64, max: count as u64 }));
    }
    match again.panels.iter().zip(&record.panels).position(|(drawn, recorded)| drawn != recorded) {
        None => Ok(()),
        Some(index) => Err(Error::invalid(format!("/panels/{index}"), Rule::Mismatch { other: "seed" })),
    }
}

/// Who takes a place that became free before issuance closed: the first of the reserve who still keeps all the rules.
///
/// `panels` holds the members of every panel as they are now, the leaver no longer among them, by subject; `left` the
/// keys of all who have left this panel, and of those of its reserve who could not be drawn any more. `None` when the reserve is used up, or the record has no such subject.
pub fn next_in_reserve<'a>(
    record: &'a DrawRecord,
    subject: &str,
    panels: &BTreeMap<String, Vec<String>>,
    left: &BTreeSet<String>,
) -> Option<&'a str> {
    let caps = record.input.caps;
    let court = &record.input.subjects.iter().find(|candidate| candidate.key == subject)?.court;
    let reviewers: BTreeMap<&str, &Reviewer> =
        record.input.reviewers.iter().map(|reviewer| (reviewer.key.as_str(), reviewer)).collect();
    let is_same_court = |key: &str| reviewers.get(key).is_some_and(|reviewer| reviewer.court == *court);
    let members = panels.get(subject).map(Vec::as_slice).unwrap_or_default();
    let same_court = members.iter().filter(|key| is_same_court(key)).count();
    let has = |panel_of: &str, key: &str| panels.get(panel_of).is_some_and(|panel| panel.iter().any(|one| one == key));
    let drawn = |key: &str| panels.values().flatten().filter(|member| *member == key).count();
    let reserve = &record.panels.iter().find(|panel| panel.subject == subject)?.reserve;
    reserve.iter().map(String::as_str).find(|key| {
        let load = reviewers.get(key).map_or(usize::MAX, |reviewer| drawn(key).saturating_add(reviewer.load as usize));
        let fits_court = !is_same_court(key) || same_court < caps.same_court_max as usize;
        !left.contains(*key) && !has(subject, key) && !has(key, subject) && fits_court && load < caps.load_cap as usize
    })
}

fn faults_of(input: &DrawInput) -> Vec<Fault> {
    let mut faults = Vec::new();
    let ranges = [
        ("/caps/panel_size", input.caps.panel_size, 1, 60),
        ("/caps/reserve_size", input.caps.reserve_size, 0, 60),
        ("/caps/same_court_max", input.caps.same_court_max, 0, 60),
        ("/caps/load_cap", input.caps.load_cap, 1, 1_000),
    ];
    for (pointer, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            faults.push(Fault::at(pointer, Rule::Range { min: i64::from(min), max: i64::from(max) }));
        }
    }
    let mut reviewers = BTreeSet::new();
    for (index, reviewer) in input.reviewers.iter().enumerate() {
        if !reviewers.insert(&reviewer.key) {
            faults.push(Fault::at(format!("/reviewers/{index}/key"), Rule::Duplicate));
        }
    }
    if input.subjects.is_empty() {
        faults.push(Fault::at("/subjects", Rule::Required));
    }
    let mut subjects = BTreeSet::new();
    for (index, subject) in input.subjects.iter().enumerate() {
        if !subjects.insert(&subject.key) {
            faults.push(Fault::at(format!("/subjects/{index}/key"), Rule::Duplicate));
        }
        for (place, key) in subject.eligible.iter().enumerate() {
            if !reviewers.contains(key) {
                faults.push(Fault::at(format!("/subjects/{index}/eligible/{place}"), Rule::Missing));
            }
        }
    }
    faults
}

fn sorted(mut input: DrawInput) -> DrawInput {
    input.reviewers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    input.subjects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    for subject in &mut input.subjects {
        subject.eligible.sort_unstable();
        subject.eligible.dedup();
    }
    input
}

#[cfg(test)]
mod tests;
