//! The walk along the log, entry by entry: it grows the tree and holds every checkpoint against it when its size is
//! reached. A newcomer's usual mistake is to demand that instants rise: the number follows the order of commits, the
//! instant is that of the request, and the collection of credentials is kept with its day alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::folder::Kept;
use super::leaf::leaf_hash;
use crate::credential::tree::Frontier;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::audit_records::{self, Record};

/// Entries that are read at once; with it the memory of a walk is bounded.
pub const PAGE: i64 = 2000;

/// What is wrong with the entries themselves, whatever the checkpoints say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// The numbers do not go on by one.
    Gap {
        /// The number before the gap; 0 where the log does not begin with 1.
        after: i64,
        /// The number that follows it.
        next: i64,
    },
    /// The entry that follows this number cannot be read; the walk ended here.
    Unreadable {
        /// The number of the last entry that could be read.
        after: i64,
    },
    /// The entry holds a value in a form that the service never writes.
    Disguised {
        /// The number of the entry.
        sequence: i64,
    },
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many entries were walked.
    pub entries: u64,
    /// The checkpoints whose root the tree has at their size, smallest first.
    pub holding: Vec<Kept>,
    /// The others, smallest first.
    pub failing: Vec<Kept>,
    /// The first thing wrong with the entries themselves.
    pub breach: Option<Breach>,
}

/// A walk under way.
pub struct Walk {
    frontier: Frontier,
    last: Option<i64>,
    ahead: BTreeMap<u64, Vec<Kept>>,
    report: Report,
}

/// Walks the whole log of this snapshot and holds the checkpoints against it.
pub fn verify(conn: &mut Conn, kept: Vec<Kept>) -> Result<Report> {
    let mut walk = Walk::new(Frontier::default(), kept);
    let mut limit = PAGE;
    loop {
        match audit_records::list(conn, walk.last(), limit) {
            Ok(page) => {
                if walk.take(page).is_break() {
                    break;
                }
            }
            // Something in the page is no value of its column: entry by entry it is found which.
            Err(Error::Sql(diesel::result::Error::DeserializationError(_))) if limit > 1 => limit = 1,
            Err(Error::Sql(diesel::result::Error::DeserializationError(_))) => {
                walk.note(Breach::Unreadable { after: walk.last().unwrap_or(0) });
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(sequence) = audit_records::find_disguised(conn)? {
        walk.note(Breach::Disguised { sequence });
    }
    Ok(walk.end().1)
}

impl Walk {
    /// A walk that goes on where `frontier` ends, with the checkpoints that lie ahead or just there.
    pub fn new(frontier: Frontier, kept: Vec<Kept>) -> Walk {
        let mut ahead: BTreeMap<u64, Vec<Kept>> = BTreeMap::new();
        for checkpoint in kept {
            ahead.entry(checkpoint.checkpoint.size).or_default().push(checkpoint);
        }
        // A checkpoint is only ever signed over a log without gaps, so its size is the number of its last entry.
        let last = i64::try_from(frontier.size()).ok().filter(|last| *last > 0);
        let mut walk = Walk { frontier, last, ahead, report: Report::default() };
        walk.compare();
        walk
    }

    /// How many entries the tree holds.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The number of the last entry taken; the next page begins after it.
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// Takes the next page; breaks at the end of the log, and where it cannot be read on.
    pub fn take(&mut self, page: Vec<Record>) -> ControlFlow<()> {
        if page.is_empty() {
            return ControlFlow::Break(());
        }
        for record in page {
            // Numbers rise in the order that was asked for, unless one is no whole number; the walk would turn round.
            if let Some(after) = self.last.filter(|last| record.sequence() <= *last) {
                self.note(Breach::Unreadable { after });
                return ControlFlow::Break(());
            }
            self.take_one(record);
        }
        ControlFlow::Continue(())
    }

    fn take_one(&mut self, record: Record) {
        let (after, next) = (self.last.unwrap_or(0), record.sequence());
        if after.checked_add(1) != Some(next) {
            self.note(Breach::Gap { after, next });
        }
        self.last = Some(next);
        self.frontier.push(leaf_hash(record));
        self.compare();
    }

    /// The frontier reached, and what was found; checkpoints of more entries than there are fail.
    pub fn end(mut self) -> (Frontier, Report) {
        self.report.entries = self.frontier.size();
        self.report.failing.extend(std::mem::take(&mut self.ahead).into_values().flatten());
        (self.frontier, self.report)
    }

    fn note(&mut self, breach: Breach) {
        self.report.breach.get_or_insert(breach);
    }

    fn compare(&mut self) {
        let Some(reached) = self.ahead.remove(&self.frontier.size()) else { return };
        let root = self.frontier.root();
        for kept in reached {
            match kept.checkpoint.root == root {
                true => self.report.holding.push(kept),
                false => self.report.failing.push(kept),
            }
        }
    }
}

impl Report {
    /// Nothing was found that should not be.
    pub fn is_intact(&self) -> bool {
        self.failing.is_empty() && self.breach.is_none()
    }

    /// The greatest checkpoint below the first that fails; of a log that is whole, the greatest.
    pub fn last_holding(&self) -> Option<&Kept> {
        let first = self.failing.first().map_or(u64::MAX, |kept| kept.checkpoint.size);
        self.holding.iter().rev().find(|kept| kept.checkpoint.size < first)
    }

    /// How many entries of a log that is whole lie after the greatest checkpoint.
    pub fn unprotected(&self) -> u64 {
        self.entries - self.last_holding().map_or(0, |kept| kept.checkpoint.size)
    }

    /// The first and the last number between which something was deleted, altered, reordered or cut.
    pub fn suspects(&self) -> Option<(u64, u64)> {
        let first = self.failing.first()?;
        Some((self.last_holding().map_or(0, |kept| kept.checkpoint.size) + 1, first.checkpoint.size))
    }
}
