//! What a review is judged by: the manifests of a round and the issuers' ledgers, as one value.
//!
//! What a newcomer would get wrong: box, client and auditor must judge alike, so they share this type and
//! [`envelope::verify`](crate::credential::envelope::verify) and add no rule of their own. A ledger may be of an earlier
//! generation; it opens the gate of a subject only if the subject still has the key that the ledger counted.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::credential::encoding::{Digest, Ref};
use crate::credential::frozen::Frozen;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::Window;
use crate::error::{Code, Error, Result};

/// The rules of one round: all generations of its manifest, and at most one ledger of each issuer.
#[derive(Debug)]
pub struct BallotRules {
    current: Frozen,
    earlier: Vec<Frozen>,
    ledgers: Vec<Ledger>,
    issued: HashMap<Ref, u32>,
}

impl BallotRules {
    /// Joins the generations of a round, in any order, with the ledgers published so far.
    ///
    /// `manifest_mismatch` if the generations are not a chain from 0, or a ledger belongs to none of them; `already_exists`
    /// for a second ledger of an issuer; else as [`Ledger::verify`]. Without all ledgers the gates stay closed.
    pub fn new(generations: Vec<Frozen>, ledgers: Vec<Ledger>) -> Result<Self> {
        let mut earlier = generations;
        earlier.sort_by_key(|manifest| manifest.manifest().generation);
        for (old, new) in earlier.iter().zip(earlier.iter().skip(1)) {
            new.succeeds(old)?;
        }
        if earlier.first().is_none_or(|first| first.manifest().generation != 0) {
            return Err(Code::ManifestMismatch.into());
        }
        let current = earlier.pop().ok_or_else(|| Error::from(Code::ManifestMismatch))?;
        BallotRules { current, earlier, ledgers: Vec::new(), issued: HashMap::new() }.with_ledgers(ledgers)
    }

    /// What a reviewer judges by: the manifest that was pinned, of whatever generation, those pinned before it, and the
    /// ledgers closed under any of them.
    ///
    /// Refusals of the ledgers as in [`BallotRules::new`].
    pub fn pinned(current: Frozen, earlier: Vec<Frozen>, ledgers: Vec<Ledger>) -> Result<Self> {
        BallotRules { current, earlier, ledgers: Vec::new(), issued: HashMap::new() }.with_ledgers(ledgers)
    }

    /// The same round with further ledgers; refusals as in [`BallotRules::new`].
    pub fn with_ledgers(self, ledgers: Vec<Ledger>) -> Result<Self> {
        let mut rules = self;
        for ledger in ledgers {
            if rules.ledgers.iter().any(|known| known.issuer_id == ledger.issuer_id) {
                return Err(Code::AlreadyExists.into());
            }
            let manifest = rules
                .generations()
                .find(|manifest| manifest.digest() == ledger.manifest_digest)
                .ok_or_else(|| Error::from(Code::ManifestMismatch))?;
            ledger.verify(manifest)?;
            rules.ledgers.push(ledger);
        }
        for subject in &rules.current.manifest().subjects {
            if let Some(count) = rules.count_least(&subject.subject_ref) {
                rules.issued.insert(subject.subject_ref, count);
            }
        }
        Ok(rules)
    }

    /// The manifest in force.
    pub fn current(&self) -> &Frozen {
        &self.current
    }

    /// All generations, the first one first.
    pub fn generations(&self) -> impl Iterator<Item = &Frozen> {
        self.earlier.iter().chain([&self.current])
    }

    /// The ledgers published so far.
    pub fn ledgers(&self) -> &[Ledger] {
        &self.ledgers
    }

    /// The credentials issued for a subject by the issuer that issued fewest; `None` while a ledger is missing.
    pub fn issued(&self, subject_ref: &Ref) -> Option<u32> {
        self.issued.get(subject_ref).copied()
    }

    /// `manifest_mismatch` unless the digest is the current one, or of a generation that still holds for this subject.
    pub fn check_digest(&self, digest: &Digest, subject_ref: &Ref) -> Result<()> {
        let is_kept =
            |earlier: &Frozen| earlier.digest() == *digest && self.current.keeps_subject(earlier, subject_ref);
        if self.current.digest() == *digest || self.earlier.iter().any(is_kept) {
            Ok(())
        } else {
            Err(Code::ManifestMismatch.into())
        }
    }

    /// `too_early` or `window_closed` unless reviews are taken on this date.
    pub fn check_submit_window(&self, today: NaiveDate) -> Result<()> {
        match self.current.manifest().submit_window(today) {
            Window::TooEarly => Err(Code::TooEarly.into()),
            Window::Open => Ok(()),
            Window::Closed => Err(Code::WindowClosed.into()),
        }
    }

    /// `unknown_subject` if there is none; `gate_closed` unless every ledger counts from `issued_min` to `panel_size`.
    pub fn check_gate(&self, subject_ref: &Ref) -> Result<()> {
        if self.current.subject(subject_ref).is_none() {
            return Err(Code::UnknownSubject.into());
        }
        // That no count exceeds the panel was checked with each ledger, whose manifest had this very key; the panel of
        // the current manifest may have shrunk since, so it is checked here once more.
        let is_open = self.issued(subject_ref).is_some_and(|count| count >= self.current.manifest().issued_min)
            && self.is_within_panel(subject_ref);
        if is_open { Ok(()) } else { Err(Code::GateClosed.into()) }
    }

    fn is_within_panel(&self, subject_ref: &Ref) -> bool {
        let Some(subject) = self.current.subject(subject_ref) else {
            return false;
        };
        self.counts(subject_ref).all(|count| count.is_some_and(|count| count <= subject.panel_size))
    }

    fn count_least(&self, subject_ref: &Ref) -> Option<u32> {
        self.counts(subject_ref).collect::<Option<Vec<u32>>>()?.into_iter().min()
    }

    /// What each issuer's ledger counts for the subject's current key.
    fn counts(&self, subject_ref: &Ref) -> impl Iterator<Item = Option<u32>> {
        self.current.manifest().issuers.iter().map(|issuer| {
            let ledger = self.ledgers.iter().find(|ledger| ledger.issuer_id == issuer.issuer_id)?;
            ledger.count(subject_ref, &self.current.key_id(subject_ref, &issuer.issuer_id)?)
        })
    }
}
