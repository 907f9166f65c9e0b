//! The search for panels: filling with repair, mixing, reserves; the steps of the draw's documentation. What a newcomer
//! would get wrong: a choice that looks fair one subject at a time (first come, first served) leaves the last subjects
//! without a panel when pools are nearly used up, so earlier choices must be able to move.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::draw::random::Stream;
use crate::domain::draw::{Caps, DrawInput, Panel};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

/// How often filling starts anew before it is given up.
const ATTEMPTS: u32 = 64;

/// Mixing steps for each place in a panel; many more than the walk needs to forget how the panels were filled.
const MIXING_STEPS_PER_PLACE: usize = 64;

/// A subject by its number in the sorted input.
type SubjectNo = usize;
/// A reviewer by its number in the sorted input.
type ReviewerNo = usize;

/// Draws all panels from a sorted, faultless input.
pub(super) fn panels(input: &DrawInput, stream: &mut Stream) -> Result<Vec<Panel>> {
    let field = Field::new(input)?;
    field.refuse_if_hopeless(input)?;
    let mut table = fill(&field, input, stream)?;
    table.mix(stream)?;
    table.outcome(input, stream)
}

/// What does not change during a draw.
struct Field {
    caps: Caps,
    panel_size: usize,
    /// For each subject, its eligible reviewers, ascending.
    eligible: Vec<Vec<ReviewerNo>>,
    /// For each subject, the eligible reviewers of its own court.
    same_court: Vec<BTreeSet<ReviewerNo>>,
    /// For each subject, its own number as a reviewer, if it is one.
    as_reviewer: Vec<Option<ReviewerNo>>,
    /// For each reviewer, its own number as a subject, if it is one.
    as_subject: Vec<Option<SubjectNo>>,
    /// For each reviewer, the load before the draw.
    loads: Vec<u32>,
}

impl Field {
    fn new(input: &DrawInput) -> Result<Field> {
        let reviewer_nos: BTreeMap<&str, ReviewerNo> =
            input.reviewers.iter().enumerate().map(|(number, reviewer)| (reviewer.key.as_str(), number)).collect();
        let subject_nos: BTreeMap<&str, SubjectNo> =
            input.subjects.iter().enumerate().map(|(number, subject)| (subject.key.as_str(), number)).collect();
        let mut eligible = Vec::with_capacity(input.subjects.len());
        let mut same_court = Vec::with_capacity(input.subjects.len());
        for subject in &input.subjects {
            let known = subject.eligible.iter().filter(|key| **key != subject.key);
            let numbers: BTreeSet<ReviewerNo> =
                known.filter_map(|key| reviewer_nos.get(key.as_str()).copied()).collect();
            let own: Result<Vec<(ReviewerNo, bool)>> = numbers
                .iter()
                .map(|number| Ok((*number, at(&input.reviewers, *number)?.court == subject.court)))
                .collect();
            same_court.push(own?.into_iter().filter(|(_, is_own)| *is_own).map(|(number, _)| number).collect());
            eligible.push(numbers.into_iter().collect());
        }
        Ok(Field {
            caps: input.caps,
            panel_size: input.caps.panel_size as usize,
            eligible,
            same_court,
            as_reviewer: input.subjects.iter().map(|one| reviewer_nos.get(one.key.as_str()).copied()).collect(),
            as_subject: input.reviewers.iter().map(|one| subject_nos.get(one.key.as_str()).copied()).collect(),
            loads: input.reviewers.iter().map(|reviewer| reviewer.load).collect(),
        })
    }

    /// Refuses at once what arithmetic rules out, so that the hint can be exact.
    fn refuse_if_hopeless(&self, input: &DrawInput) -> Result<()> {
        let mut tightest: Option<(usize, &str)> = None;
        let mut places = vec![0_u64; self.loads.len()];
        for (subject, (eligible, own_court)) in input.subjects.iter().zip(self.eligible.iter().zip(&self.same_court)) {
            let mut others = 0;
            let mut own = 0;
            for reviewer in eligible {
                let free = self.caps.load_cap.saturating_sub(*at(&self.loads, *reviewer)?);
                *at_mut(&mut places, *reviewer)? = u64::from(free);
                match (free, own_court.contains(reviewer)) {
                    (0, _) => {}
                    (_, true) => own += 1,
                    (_, false) => others += 1,
                }
            }
            let usable = others + own.min(self.caps.same_court_max as usize);
            if tightest.is_none_or(|(least, _)| usable < least) {
                tightest = Some((usable, &subject.key));
            }
        }
        let Some((usable, key)) = tightest else { return Ok(()) };
        let needed = self.panel_size;
        if usable < needed {
            let hint =
                Hint::new("pool_of_subject_too_small").text("subject", key).text("count", usable).text("least", needed);
            return Err(Error::hinted(Code::PoolTooSmall, hint));
        }
        let (supply, demand) = (places.iter().sum::<u64>(), (needed * input.subjects.len()) as u64);
        if supply < demand {
            let hint = Hint::new("places_too_few")
                .text("places", supply)
                .text("assignments", demand)
                .text("subject", key)
                .text("count", usable);
            return Err(Error::hinted(Code::PoolTooSmall, hint));
        }
        Ok(())
    }
}

/// Panels within the caps, or the refusal that names the subject for whom none was found.
fn fill<'a>(field: &'a Field, input: &DrawInput, stream: &mut Stream) -> Result<Table<'a>> {
    let mut failed: BTreeSet<SubjectNo> = BTreeSet::new();
    let mut last_failed = 0;
    for _ in 0..ATTEMPTS {
        let mut table = Table::new(field);
        match table.fill_once(&failed, stream)? {
            None => return Ok(table),
            Some(subject) => {
                failed.insert(subject);
                last_failed = subject;
            }
        }
    }
    let key = &at(&input.subjects, last_failed)?.key;
    let hint = Hint::new("no_panel_found").text("subject", key).text("size", field.panel_size);
    Err(Error::hinted(Code::PoolTooSmall, hint))
}

/// The panels as far as they are filled. Every state of it keeps all the rules.
struct Table<'a> {
    field: &'a Field,
    panels: Vec<Vec<ReviewerNo>>,
    loads: Vec<u32>,
}

/// A subject that is to gain a reviewer, giving one up or not; a node of the search for a repair.
struct Node {
    subject: SubjectNo,
    leaving: Option<ReviewerNo>,
    /// The node whose subject takes over `leaving`.
    parent: Option<usize>,
}

/// One subject gains a reviewer, in place of another or in addition.
#[derive(Clone, Copy)]
struct Change {
    subject: SubjectNo,
    leaving: Option<ReviewerNo>,
    gained: ReviewerNo,
}

impl<'a> Table<'a> {
    fn new(field: &'a Field) -> Table<'a> {
        Table { field, panels: vec![Vec::new(); field.eligible.len()], loads: field.loads.clone() }
    }

    /// Fills all panels; gives the subject at which it failed.
    fn fill_once(&mut self, first: &BTreeSet<SubjectNo>, stream: &mut Stream) -> Result<Option<SubjectNo>> {
        for subject in first {
            for _ in 0..self.field.panel_size {
                if !self.place(*subject, stream)? {
                    return Ok(Some(*subject));
                }
            }
        }
        for _ in 0..self.field.panel_size {
            let mut order: Vec<SubjectNo> = (0..self.panels.len()).collect();
            stream.shuffle(&mut order)?;
            let mut by_choice = Vec::with_capacity(order.len());
            for subject in order {
                by_choice.push((self.candidates(subject, None)?.len(), subject));
            }
            by_choice.sort_by_key(|(choice, _)| *choice);
            for (_, subject) in by_choice {
                let is_full = at(&self.panels, subject)?.len() >= self.field.panel_size;
                if !is_full && !self.place(subject, stream)? {
                    return Ok(Some(subject));
                }
            }
        }
        Ok(None)
    }

    /// Gives a subject one reviewer more; false when that is impossible from here.
    fn place(&mut self, subject: SubjectNo, stream: &mut Stream) -> Result<bool> {
        let candidates = self.candidates(subject, None)?;
        let mut lowest: Vec<ReviewerNo> = Vec::new();
        let mut lowest_load = u32::MAX;
        for reviewer in candidates {
            let load = *at(&self.loads, reviewer)?;
            if load < lowest_load {
                lowest_load = load;
                lowest.clear();
            }
            if load == lowest_load {
                lowest.push(reviewer);
            }
        }
        if lowest.is_empty() {
            return self.repair(subject);
        }
        let gained = *at(&lowest, stream.below(lowest.len())?)?;
        self.apply(Change { subject, leaving: None, gained })?;
        Ok(true)
    }

    /// Makes room where nobody is free and fits: along a chain of exchanges, or by undoing the pair that is in the way.
    ///
    /// For each y, ascending, who is free and would fit a but for a's being in the panel of y: a gives up that place to
    /// whom a chain can find, and y, if still free, goes to a.
    fn repair(&mut self, subject: SubjectNo) -> Result<bool> {
        if self.exchange(subject, None)? {
            return Ok(true);
        }
        let Some(own) = *at(&self.field.as_reviewer, subject)? else { return Ok(false) };
        for reviewer in at(&self.field.eligible, subject)? {
            let Some(other) = *at(&self.field.as_subject, *reviewer)? else { continue };
            let is_blocked_by_pair = at(&self.panels, other)?.contains(&own);
            if !is_blocked_by_pair || !self.is_free(*reviewer)? || !self.has_room(subject, *reviewer, None)? {
                continue;
            }
            if self.exchange(other, Some(own))? && self.is_free(*reviewer)? && self.fits(subject, *reviewer, None)? {
                self.apply(Change { subject, leaving: None, gained: *reviewer })?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds, breadth first, the shortest chain of exchanges that ends with a free reviewer, and makes it.
    ///
    /// The root gains a reviewer in place of `leaving` (or in addition); when only reviewers at their cap fit, one of
    /// their subjects gives them up and gains another in turn, and so on. Subjects are reached at most once for each
    /// court class of the reviewer they give up, reviewers at most once, the root's subject never again.
    fn exchange(&mut self, root: SubjectNo, leaving: Option<ReviewerNo>) -> Result<bool> {
        let mut holders: Vec<Vec<SubjectNo>> = vec![Vec::new(); self.loads.len()];
        for (subject, panel) in self.panels.iter().enumerate() {
            for reviewer in panel {
                at_mut(&mut holders, *reviewer)?.push(subject);
            }
        }
        let mut nodes = vec![Node { subject: root, leaving, parent: None }];
        let mut seen_reviewers: BTreeSet<ReviewerNo> = BTreeSet::new();
        let mut seen_subjects: BTreeSet<(SubjectNo, bool)> = BTreeSet::new();
        let mut position = 0;
        while let Some(node) = nodes.get(position) {
            let (subject, leaving) = (node.subject, node.leaving);
            for reviewer in at(&self.field.eligible, subject)? {
                if seen_reviewers.contains(reviewer) || !self.fits(subject, *reviewer, leaving)? {
                    continue;
                }
                if self.is_free(*reviewer)? {
                    if self.try_chain(&nodes, position, *reviewer)? {
                        return Ok(true);
                    }
                    continue;
                }
                seen_reviewers.insert(*reviewer);
                for holder in at(&holders, *reviewer)? {
                    let is_own_court = at(&self.field.same_court, *holder)?.contains(reviewer);
                    if *holder != root && seen_subjects.insert((*holder, is_own_court)) {
                        nodes.push(Node { subject: *holder, leaving: Some(*reviewer), parent: Some(position) });
                    }
                }
            }
            position += 1;
        }
        Ok(false)
    }

    /// Makes the exchanges from a node back to the root, unless two of them together break a rule.
    fn try_chain(&mut self, nodes: &[Node], end: usize, free: ReviewerNo) -> Result<bool> {
        let mut changes = Vec::new();
        let mut gained = free;
        let mut next = Some(end);
        while let Some(index) = next {
            let node = at(nodes, index)?;
            changes.push(Change { subject: node.subject, leaving: node.leaving, gained });
            if let Some(leaving) = node.leaving {
                gained = leaving;
            }
            next = node.parent;
        }
        // From the free end, so that a reviewer has left one panel before joining the next.
        for change in &changes {
            self.apply(*change)?;
        }
        let mut keeps_rules = true;
        for change in &changes {
            keeps_rules &= !self.is_pair(change.subject, change.gained)?;
            keeps_rules &= self.own_court_count(change.subject)? <= self.field.caps.same_court_max as usize;
        }
        if !keeps_rules {
            for change in changes.iter().rev() {
                self.revert(*change)?;
            }
        }
        Ok(keeps_rules)
    }

    /// Walks at random among the panels that keep all the rules, towards balanced loads.
    fn mix(&mut self, stream: &mut Stream) -> Result<()> {
        let (subjects, places) = (self.panels.len(), self.field.panel_size);
        for _ in 0..subjects * places * MIXING_STEPS_PER_PLACE {
            let subject = stream.below(subjects)?;
            let place = stream.below(places)?;
            let here = *at(at(&self.panels, subject)?, place)?;
            if stream.below(2)? == 0 {
                let eligible = at(&self.field.eligible, subject)?;
                let gained = *at(eligible, stream.below(eligible.len())?)?;
                let is_lighter = at(&self.loads, gained)? < at(&self.loads, here)?;
                if is_lighter && self.fits(subject, gained, Some(here))? {
                    self.apply(Change { subject, leaving: Some(here), gained })?;
                }
            } else {
                let other = stream.below(subjects)?;
                let there = *at(at(&self.panels, other)?, stream.below(places)?)?;
                let fits_here = subject != other && self.fits_eligible(subject, there, here)?;
                if fits_here && self.fits_eligible(other, here, there)? {
                    self.apply(Change { subject, leaving: Some(here), gained: there })?;
                    self.apply(Change { subject: other, leaving: Some(there), gained: here })?;
                }
            }
        }
        Ok(())
    }

    /// The panels in drawn order with their reserves, by key.
    fn outcome(&self, input: &DrawInput, stream: &mut Stream) -> Result<Vec<Panel>> {
        let keys = |numbers: &[ReviewerNo]| -> Result<Vec<String>> {
            numbers.iter().map(|number| Ok(at(&input.reviewers, *number)?.key.clone())).collect()
        };
        let mut outcome = Vec::with_capacity(self.panels.len());
        for (number, subject) in input.subjects.iter().enumerate() {
            let mut panel = at(&self.panels, number)?.clone();
            stream.shuffle(&mut panel)?;
            let mut reserve = Vec::new();
            for reviewer in at(&self.field.eligible, number)? {
                // The court's cap is left to the moment of replacement: it depends on who leaves.
                if !panel.contains(reviewer) && self.is_free(*reviewer)? && !self.is_pair(number, *reviewer)? {
                    reserve.push(*reviewer);
                }
            }
            stream.shuffle(&mut reserve)?;
            reserve.truncate(self.field.caps.reserve_size as usize);
            outcome.push(Panel { subject: subject.key.clone(), panel: keys(&panel)?, reserve: keys(&reserve)? });
        }
        Ok(outcome)
    }

    /// The eligible reviewers of a subject who are free and fit, ascending.
    fn candidates(&self, subject: SubjectNo, leaving: Option<ReviewerNo>) -> Result<Vec<ReviewerNo>> {
        let mut candidates = Vec::new();
        for reviewer in at(&self.field.eligible, subject)? {
            if self.is_free(*reviewer)? && self.fits(subject, *reviewer, leaving)? {
                candidates.push(*reviewer);
            }
        }
        Ok(candidates)
    }

    fn is_free(&self, reviewer: ReviewerNo) -> Result<bool> {
        Ok(*at(&self.loads, reviewer)? < self.field.caps.load_cap)
    }

    /// Whether an eligible reviewer keeps the rules in a panel, in place of `leaving` or in addition; loads aside.
    fn fits(&self, subject: SubjectNo, reviewer: ReviewerNo, leaving: Option<ReviewerNo>) -> Result<bool> {
        Ok(self.has_room(subject, reviewer, leaving)? && !self.is_pair(subject, reviewer)?)
    }

    fn fits_eligible(&self, subject: SubjectNo, reviewer: ReviewerNo, leaving: ReviewerNo) -> Result<bool> {
        let is_eligible = at(&self.field.eligible, subject)?.binary_search(&reviewer).is_ok();
        Ok(is_eligible && self.fits(subject, reviewer, Some(leaving))?)
    }

    /// Whether the panel does not hold the reviewer yet and the court's cap leaves room.
    fn has_room(&self, subject: SubjectNo, reviewer: ReviewerNo, leaving: Option<ReviewerNo>) -> Result<bool> {
        if at(&self.panels, subject)?.contains(&reviewer) {
            return Ok(false);
        }
        let own_court = at(&self.field.same_court, subject)?;
        if !own_court.contains(&reviewer) {
            return Ok(true);
        }
        let leaves_room = usize::from(leaving.is_some_and(|gone| own_court.contains(&gone)));
        Ok(self.own_court_count(subject)? - leaves_room < self.field.caps.same_court_max as usize)
    }

    /// Whether the reviewer is a subject in whose panel this subject is.
    fn is_pair(&self, subject: SubjectNo, reviewer: ReviewerNo) -> Result<bool> {
        match (*at(&self.field.as_reviewer, subject)?, *at(&self.field.as_subject, reviewer)?) {
            (Some(own), Some(other)) => Ok(at(&self.panels, other)?.contains(&own)),
            (None, _) | (_, None) => Ok(false),
        }
    }

    fn own_court_count(&self, subject: SubjectNo) -> Result<usize> {
        let own_court = at(&self.field.same_court, subject)?;
        Ok(at(&self.panels, subject)?.iter().filter(|reviewer| own_court.contains(reviewer)).count())
    }

    fn apply(&mut self, change: Change) -> Result<()> {
        let panel = at_mut(&mut self.panels, change.subject)?;
        match change.leaving {
            None => panel.push(change.gained),
            Some(leaving) => {
                let place = panel.iter().position(|one| *one == leaving);
                let place = place.ok_or_else(|| Error::internal("draw: the leaving reviewer is not in the panel"))?;
                *at_mut(panel, place)? = change.gained;
                *at_mut(&mut self.loads, leaving)? -= 1;
            }
        }
        *at_mut(&mut self.loads, change.gained)? += 1;
        Ok(())
    }

    fn revert(&mut self, change: Change) -> Result<()> {
        match change.leaving {
            Some(leaving) => self.apply(Change { gained: leaving, leaving: Some(change.gained), ..change }),
            None => {
                at_mut(&mut self.panels, change.subject)?.retain(|one| *one != change.gained);
                *at_mut(&mut self.loads, change.gained)? -= 1;
                Ok(())
            }
        }
    }
}

/// The element at an index that the algorithm itself made; one out of range is our bug, not the caller's fault.
fn at<T>(list: &[T], index: usize) -> Result<&T> {
    list.get(index).ok_or_else(|| Error::internal("draw: index out of range"))
}

fn at_mut<T>(list: &mut [T], index: usize) -> Result<&mut T> {
    list.get_mut(index).ok_or_else(|| Error::internal("draw: index out of range"))
}
