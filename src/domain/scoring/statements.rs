//! Coded statements: which of them are told of a subject. A newcomer would say how many reviewers chose each; whoever
//! knows the own choice and a friend's subtracts them, and a number as large as that of the reviews names everybody.
//!
//! So what is told is the code alone (rule P-6), in the methodology's order, which says nothing either. A code that is
//! there says that `statement_min` reviews chose it: two reviewers in league with the reader learn that at least one more
//! did, and never who. What is left is said plainly: two who both chose a code that is not told know that nobody else
//! chose it. No threshold hides that from one fewer than itself; a methodology may ask for more than three.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Status;
use crate::domain::methodology::Statement;
use crate::error::{Code, Error, Result};

/// The floor of `statement_min` (rule P-6): what fewer reviews chose is never told.
pub const STATEMENT_MIN_FLOOR: usize = 3;

/// What a methodology says about statements.
#[derive(Debug)]
pub struct StatementRules<'a> {
    codes: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
    /// The place of the statement that may not be chosen together with the one at this place.
    opposites: Vec<Option<usize>>,
    chosen_min: usize,
}

/// How many reviews of one subject chose each statement, by its place in the methodology. It is sealed nowhere: what few
/// chose has no trace once the reviews are deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<usize, usize>);

impl<'a> StatementRules<'a> {
    /// The rules of these statements; `internal` below the floor, which no methodology that was published undercuts.
    pub fn new(statements: &'a [Statement], statement_min: usize) -> Result<Self> {
        if statement_min < STATEMENT_MIN_FLOOR {
            return Err(Error::internal("statements would be told that fewer reviews chose than the floor"));
        }
        let codes: Vec<&str> = statements.iter().map(|statement| statement.code.as_str()).collect();
        let places: HashMap<&str, usize> = codes.iter().copied().zip(0..).collect();
        let opposite = |statement: &Statement| places.get(statement.opposite.as_deref()?).copied();
        let opposites = statements.iter().map(opposite).collect();
        Ok(StatementRules { codes, places, opposites, chosen_min: statement_min })
    }

    /// Counts what one review chose: each code once, and neither of a pair where both are chosen.
    ///
    /// The ballot box does not know the pairs, so a review that contradicts itself is accepted; its marks count, and the
    /// two statements say nothing. `malformed` for a code that the methodology does not have.
    pub fn count(&self, choices: &mut Choices, chosen: &[&str]) -> Result<()> {
        let place = |code: &&str| self.places.get(code).copied().ok_or_else(|| Error::from(Code::Malformed));
        let places = chosen.iter().map(place).collect::<Result<BTreeSet<usize>>>()?;
        for place in &places {
            let opposite = self.opposites.get(*place).copied().flatten();
            if opposite.is_none_or(|opposite| !places.contains(&opposite)) {
                *choices.0.entry(*place).or_default() += 1;
            }
        }
        Ok(())
    }

    /// The codes that may be told: those that enough reviews chose, of a subject with as many reviews as a decision needs;
    /// else none.
    pub fn told(&self, status: Status, choices: &Choices) -> Vec<String> {
        match status {
            Status::Ok | Status::Developmental => {}
            Status::Indicative | Status::Insufficient => return Vec::new(),
        }
        let enough = choices.0.iter().filter(|(_, count)| **count >= self.chosen_min);
        enough.filter_map(|(place, _)| self.codes.get(*place)).map(|code| (*code).to_owned()).collect()
    }
}

impl Choices {
    /// Adds what other reviews of the same subject chose.
    pub fn merge(&mut self, others: &Choices) {
        for (place, count) in &others.0 {
            *self.0.entry(*place).or_default() += count;
        }
    }
}
