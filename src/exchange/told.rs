//! What was told of cycles in the log, so that a state that lasts is told once and not with every look. A newcomer's usual
//! mistake is to forget the end: what is over is forgotten here, so that the same is told again when it comes again.

use std::collections::HashMap;

use crate::credential::audit::reason;
use crate::domain::ids::CycleId;
use crate::error::Result;

/// The last thing told of each cycle; in memory alone, so that a new start tells it again.
#[derive(Debug, Default)]
pub struct Told(HashMap<CycleId, String>);

impl Told {
    /// The failure in words where it is not what was told last of this cycle; nothing where all is well.
    pub fn news<T>(&mut self, id: CycleId, outcome: &Result<T>) -> Option<String> {
        let Err(error) = outcome else {
            self.0.remove(&id);
            return None;
        };
        let text = reason(error);
        let is_known = self.0.insert(id, text.clone()).is_some_and(|known| known == text);
        (!is_known).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn what_lasts_is_told_once_and_what_changes_or_comes_again_is_told_again() {
        let mut told = Told::default();
        let id = CycleId(crate::domain::ids::random());
        let busy: Result<()> = Err(Error::from(Code::Busy));
        let early: Result<()> = Err(Error::from(Code::TooEarly));
        assert!(told.news(id, &busy).is_some());
        assert!(told.news(id, &busy).is_none());
        assert!(told.news(id, &early).is_some(), "another reason");
        assert!(told.news(CycleId(crate::domain::ids::random()), &early).is_some(), "another cycle");
        assert!(told.news(id, &Ok(())).is_none());
        assert!(told.news(id, &early).is_some(), "the same once more");
    }
}
