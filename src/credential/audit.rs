//! The recount's checks c1 to c8 over a sealed bundle (section 7 of the design).
//!
//! What a newcomer would get wrong: a broken bundle is not an error but a list of findings, and one finding must not
//! hide the others. So each check goes as far as it can; only where a check's ground is missing is it passed over,
//! and then that ground has its own finding. Statistics (c9) and published figures (c10) are the client's to compare
//! with; their findings have the same form.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::credential::bundle::{
    self, CHECKPOINT, Counts, ENVELOPES, Files, INDEX, Index, LEAVES, MANIFESTS, METHODOLOGY, NOTE, RESULT, SUPERSEDED,
    Superseded, get, get_text, ledger_file, split_lines,
};
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::envelope::{self, Envelope};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::Manifest;
use crate::credential::note::Checkpoint;
use crate::credential::rules::BallotRules;
use crate::credential::signing::PublicKey;
use crate::credential::tree::root;
use crate::error::{Code, Error, Result};

/// One of the checks that a recount makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The index names every file with its hash, and no other.
    C1,
    /// The manifests are a chain, the note and the methodology belong to it.
    C2,
    /// The ledgers are signed, sorted and within the panels.
    C3,
    /// The leaves are sorted and distinct, and the checkpoint seals them.
    C4,
    /// Every envelope is whole, certified, signed, and its leaf is in the file.
    C5,
    /// One review per key; no more reviews than credentials; the gate was met.
    C6,
    /// Every replaced leaf was retired by its author, and no leaf is unopened.
    C7,
    /// The counts add up to the leaves.
    C8,
    /// The results follow from the reviews, bit for bit.
    C9,
    /// What was published is the image of the results.
    C10,
}

impl Check {
    /// Its name in reports: `c1` to `c10`.
    pub fn as_str(self) -> &'static str {
        match self {
            Check::C1 => "c1",
            Check::C2 => "c2",
            Check::C3 => "c3",
            Check::C4 => "c4",
            Check::C5 => "c5",
            Check::C6 => "c6",
            Check::C7 => "c7",
            Check::C8 => "c8",
            Check::C9 => "c9",
            Check::C10 => "c10",
        }
    }
}

/// One thing that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check failed.
    pub check: Check,
    /// What is wrong, for auditors: file names, leaves and keys, never a mark.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check.as_str(), self.detail)
    }
}

/// Checks c1 to c8; empty is good. Uses as many threads as the machine has cores, for the signatures of c5.
pub fn check(files: &Files) -> Vec<Finding> {
    check_watched(files, &|| {})
}

/// The same, with a call after each envelope for whoever shows how far it is.
pub fn check_watched(files: &Files, advance: &(dyn Fn() + Sync)) -> Vec<Finding> {
    let mut audit = Audit { files, advance, findings: Vec::new() };
    let index = audit.check_index();
    let Some(rules) = audit.check_rules(index.as_ref()) else {
        return audit.findings;
    };
    let leaves = audit.check_leaves(&rules);
    let reviews = audit.check_envelopes(&rules);
    let superseded = audit.read_superseded();
    audit.check_opened(&leaves, &reviews);
    audit.check_keys(&rules, &reviews);
    audit.check_retired(&leaves, &reviews, &superseded);
    audit.check_counts(index.as_ref(), &leaves, &reviews, &superseded);
    audit.findings
}

/// A review that could at least be read, with its leaf.
struct Review {
    leaf: Digest,
    epk: PublicKey,
    subject_ref: Ref,
    prev: Vec<Digest>,
    is_withdrawn: bool,
}

struct Audit<'a> {
    files: &'a Files,
    advance: &'a (dyn Fn() + Sync),
    findings: Vec<Finding>,
}

impl Audit<'_> {
    fn find(&mut self, check: Check, detail: impl Into<String>) {
        self.findings.push(Finding { check, detail: detail.into() });
    }

    fn want(&mut self, holds: bool, check: Check, detail: impl Into<String>) {
        if !holds {
            self.find(check, detail);
        }
    }

    /// The value, or a finding in its place.
    fn attempt<T>(&mut self, check: Check, what: &str, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                self.find(check, format!("{what}: {}", reason(&error)));
                None
            }
        }
    }

    fn check_index(&mut self) -> Option<Index> {
        let files = self.files;
        let outcome = get(files, INDEX).and_then(|text| {
            let index: Index = jcs::read_canonical(text)?;
            if index.v == 1 { Ok(index) } else { Err(Code::Malformed.into()) }
        });
        let index = self.attempt(Check::C1, INDEX, outcome)?;
        for (name, digest) in &index.files {
            let is_equal = files.get(name).is_some_and(|bytes| sha256(&[bytes]) == *digest);
            self.want(is_equal && name != INDEX, Check::C1, format!("{name} is missing or not as the index says"));
        }
        for name in files.keys() {
            let is_listed = name == INDEX || index.files.contains_key(name);
            self.want(is_listed, Check::C1, format!("{name} is not in the index"));
        }
        Some(index)
    }

    /// c2 and c3; `None` if there is no chain of manifests to judge by.
    fn check_rules(&mut self, index: Option<&Index>) -> Option<BallotRules> {
        let files = self.files;
        let manifests = get(files, MANIFESTS).and_then(jcs::read_canonical::<Vec<Manifest>>);
        let manifests = self.attempt(Check::C2, MANIFESTS, manifests)?;
        let generations = manifests.into_iter().map(Frozen::new).collect::<Result<Vec<_>>>();
        let generations = self.attempt(Check::C2, MANIFESTS, generations)?;
        let are_ordered = (0..).zip(&generations).all(|(at, manifest)| manifest.manifest().generation == at);
        self.want(are_ordered, Check::C2, "the generations are not in order");
        let chain = BallotRules::new(generations, Vec::new());
        let chain = self.attempt(Check::C2, "the generations are not a chain", chain)?;
        let current = chain.current();
        let text = current.manifest();
        let note = get_text(files, NOTE).and_then(|note| current.verify_note(note));
        self.attempt(Check::C2, NOTE, note);
        let is_methodology = get(files, METHODOLOGY).is_ok_and(|bytes| sha256(&[bytes]) == text.methodology_digest);
        self.want(is_methodology, Check::C2, "methodology.json is not the one that the manifest names");
        let is_same_round = index.is_none_or(|index| (index.cycle_ref, index.round) == (text.cycle_ref, text.round));
        self.want(is_same_round, Check::C1, "the index names another cycle or round");
        let issuers: Vec<String> = text.issuers.iter().map(|issuer| issuer.issuer_id.clone()).collect();
        self.check_names(&issuers);

        let mut ledgers = Vec::new();
        for issuer_id in &issuers {
            let name = ledger_file(issuer_id);
            let outcome = get(files, &name).and_then(jcs::read_canonical::<Ledger>).and_then(|ledger| {
                let is_his = |manifest: &&Frozen| manifest.digest() == ledger.manifest_digest;
                let manifest = chain.generations().find(is_his).ok_or_else(|| Error::from(Code::ManifestMismatch))?;
                ledger.verify(manifest)?;
                if ledger.issuer_id == *issuer_id { Ok(ledger) } else { Err(Code::ManifestMismatch.into()) }
            });
            ledgers.extend(self.attempt(Check::C3, &name, outcome));
        }
        let outcome = chain.with_ledgers(ledgers);
        self.attempt(Check::C3, "the ledgers", outcome)
    }

    /// No file of a name that the design does not know.
    fn check_names(&mut self, issuers: &[String]) {
        let fixed = [INDEX, MANIFESTS, NOTE, METHODOLOGY, CHECKPOINT, LEAVES, ENVELOPES, SUPERSEDED, RESULT];
        for name in self.files.keys() {
            let is_known =
                fixed.contains(&name.as_str()) || issuers.iter().any(|issuer_id| ledger_file(issuer_id) == *name);
            self.want(is_known, Check::C1, format!("{name} does not belong into a bundle"));
        }
    }

    fn check_leaves(&mut self, rules: &BallotRules) -> Vec<Digest> {
        let files = self.files;
        let outcome = get(files, LEAVES).and_then(bundle::leaves_from_bytes);
        let leaves = self.attempt(Check::C4, LEAVES, outcome).unwrap_or_default();
        let are_sorted = leaves.is_sorted_by(|left, right| left < right);
        self.want(are_sorted, Check::C4, "the leaves are not sorted and distinct");
        let outcome = get_text(files, CHECKPOINT).and_then(|note| Checkpoint::verify(note, rules.current().log_key()));
        if let Some(checkpoint) = self.attempt(Check::C4, CHECKPOINT, outcome) {
            let is_sealed = checkpoint.size == leaves.len() as u64 && checkpoint.root == root(&leaves);
            self.want(is_sealed, Check::C4, "the checkpoint seals other leaves");
        }
        leaves
    }

    fn check_envelopes(&mut self, rules: &BallotRules) -> Vec<Review> {
        let files = self.files;
        let outcome = get(files, ENVELOPES).and_then(split_lines);
        let lines = self.attempt(Check::C5, ENVELOPES, outcome).unwrap_or_default();
        let mut reviews = Vec::with_capacity(lines.len());
        for (at, (review, fault)) in judge_all(rules, &lines, self.advance).into_iter().enumerate() {
            if let Some(fault) = fault {
                let leaf = review.as_ref().map(|review: &Review| review.leaf.to_string()).unwrap_or_default();
                self.find(Check::C5, format!("envelope {} {leaf}: {}", at + 1, reason(&fault)));
            }
            reviews.extend(review);
        }
        let are_sorted = reviews.is_sorted_by(|left, right| left.leaf < right.leaf);
        self.want(are_sorted, Check::C5, "the envelopes are not sorted by leaf, or one stands twice");
        reviews
    }

    fn read_superseded(&mut self) -> Vec<Superseded> {
        let outcome = get(self.files, SUPERSEDED)
            .and_then(split_lines)
            .and_then(|lines| lines.into_iter().map(jcs::read_canonical).collect::<Result<Vec<Superseded>>>());
        self.attempt(Check::C7, SUPERSEDED, outcome).unwrap_or_default()
    }

    fn check_opened(&mut self, leaves: &[Digest], reviews: &[Review]) {
        for review in reviews {
            let is_sealed = leaves.binary_search(&review.leaf).is_ok();
            self.want(is_sealed, Check::C5, format!("leaf {} of an envelope is not in the file", review.leaf));
        }
    }

    fn check_keys(&mut self, rules: &BallotRules, reviews: &[Review]) {
        let mut seen = HashSet::new();
        let mut accepted: BTreeMap<Ref, u32> = BTreeMap::new();
        for review in reviews {
            self.want(seen.insert(review.epk), Check::C6, format!("key {} has two reviews", review.epk));
            *accepted.entry(review.subject_ref).or_default() += 1;
        }
        for (subject_ref, count) in accepted {
            let is_covered = rules.issued(&subject_ref).is_some_and(|issued| count <= issued);
            self.want(is_covered, Check::C6, format!("subject {subject_ref} has more reviews than credentials"));
            let is_open = rules.check_gate(&subject_ref).is_ok();
            self.want(is_open, Check::C6, format!("subject {subject_ref} has reviews though its gate was not met"));
        }
    }

    fn check_retired(&mut self, leaves: &[Digest], reviews: &[Review], superseded: &[Superseded]) {
        let are_sorted = superseded.is_sorted_by(|left, right| left.leaf < right.leaf);
        self.want(are_sorted, Check::C7, "the superseded leaves are not sorted and distinct");
        let retired: HashMap<Digest, PublicKey> =
            superseded.iter().map(|version| (version.leaf, version.epk)).collect();
        let mut signed = HashSet::new();
        for review in reviews {
            for leaf in &review.prev {
                let is_own = retired.get(leaf) == Some(&review.epk);
                self.want(is_own, Check::C7, format!("leaf {leaf} was retired but is not superseded by that key"));
                self.want(signed.insert(*leaf), Check::C7, format!("leaf {leaf} was retired twice"));
            }
        }
        for leaf in retired.keys() {
            self.want(signed.contains(leaf), Check::C7, format!("leaf {leaf} was superseded without its author"));
            let is_sealed = leaves.binary_search(leaf).is_ok();
            self.want(is_sealed, Check::C7, format!("superseded leaf {leaf} is not in the file"));
        }
        let opened: HashSet<Digest> = reviews.iter().map(|review| review.leaf).collect();
        for leaf in leaves {
            let ways = u8::from(opened.contains(leaf)) + u8::from(retired.contains_key(leaf));
            self.want(ways == 1, Check::C7, format!("leaf {leaf} is neither opened nor retired, or both"));
        }
    }

    fn check_counts(
        &mut self,
        index: Option<&Index>,
        leaves: &[Digest],
        reviews: &[Review],
        superseded: &[Superseded],
    ) {
        let withdrawn = reviews.iter().filter(|review| review.is_withdrawn).count();
        let counts = Counts::of(leaves.len(), reviews.len(), withdrawn, superseded.len());
        let adds_up = counts.tallied + counts.superseded + counts.withdrawn == counts.leaves;
        self.want(adds_up, Check::C8, "tallied, superseded and withdrawn reviews do not add up to the leaves");
        let is_equal = index.is_none_or(|index| index.counts == counts);
        self.want(is_equal, Check::C8, "the index gives other counts");
    }
}

/// Judges every line on its own, in as many threads as there are cores; the answers keep the order of the lines.
fn judge_all(
    rules: &BallotRules,
    lines: &[&[u8]],
    advance: &(dyn Fn() + Sync),
) -> Vec<(Option<Review>, Option<Error>)> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = lines.len().div_ceil(threads).max(1);
    let judge_one = |line: &&[u8]| {
        let judged = judge(rules, line);
        advance();
        judged
    };
    let judge_share = |lines: &[&[u8]]| lines.iter().map(judge_one).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            lines.chunks(share).map(|lines| (lines, scope.spawn(move || judge_share(lines)))).collect();
        // A worker that died is an envelope that could not be judged: it is judged again here, where a panic shows.
        workers.into_iter().flat_map(|(lines, worker)| worker.join().unwrap_or_else(|_| judge_share(lines))).collect()
    })
}

fn judge(rules: &BallotRules, line: &[u8]) -> (Option<Review>, Option<Error>) {
    let read = jcs::read_canonical::<Envelope>(line).and_then(|envelope| Ok((envelope.leaf()?, envelope)));
    let (leaf, envelope) = match read {
        Ok(read) => read,
        Err(fault) => return (None, Some(fault)),
    };
    let fault = envelope::verify_sealed(rules, &envelope).err();
    let is_withdrawn = envelope.body.is_withdrawn();
    let Envelope { epk, body, .. } = envelope;
    (Some(Review { leaf, epk, subject_ref: body.subject_ref, prev: body.prev.clone(), is_withdrawn }), fault)
}

/// The code of an error, with its hints where it has any.
pub fn reason(error: &Error) -> String {
    match error {
        Error::Refused(refusal) if refusal.hints.is_empty() => refusal.code.as_str().to_owned(),
        Error::Refused(refusal) => {
            let hints: Vec<String> = refusal.hints.iter().map(ToString::to_string).collect();
            format!("{} ({})", refusal.code.as_str(), hints.join("; "))
        }
        Error::Sql(_) | Error::Internal(_) => error.to_string(),
    }
}
