//! Whether reviewers agree so much on a criterion that no criterion of their subject may be shown. A newcomer would ask the
//! rounded figures; several of them together tell what no single one does, and only the marks know how near they come.
//!
//! A reader who wrote one of n reviews knows another's mark with more than [`KNOWN_TENTHS`] tenths only where more than so
//! many of the other n − 1 gave it. So what is shown of a panel in which no mark was given by as many makes no mark known,
//! however many figures stand side by side and whatever was likely before. Of a criterion of several questions one knows
//! the answers only from its lowest and highest mean, which all of them have in common; of any other mean at most all
//! questions but one had the same extreme answer, so each of them counts for that much.

use super::rules::{Criterion, NO_BASIS, Panel, Rules, Scale, answered_min};

/// Above so many tenths a mark counts as known (rule P-t).
const KNOWN_TENTHS: usize = 9;

/// Whether more than the bound answered all questions of some criterion with one and the same mark, of those criteria that
/// enough reviews answer to be shown.
pub(super) fn is_alike(rules: &Rules, panel: &Panel) -> bool {
    let scale = rules.values().scale;
    let mut given = vec![0; usize::from(scale.max) + 1];
    let mut first = 0;
    rules.values().criteria.iter().any(|criterion| {
        given.fill(0);
        let items = first..first + criterion.items;
        first = items.end;
        let mut answered = 0;
        for row in panel.rows(rules) {
            let marks = row.get(items.clone()).unwrap_or_default().iter().copied().filter(|mark| *mark != NO_BASIS);
            if marks.clone().count() < answered_min(criterion.items) {
                continue;
            }
            answered += 1;
            let count = one_mark(criterion, scale, marks).and_then(|mark| given.get_mut(usize::from(mark)));
            count.into_iter().for_each(|count| *count += 1);
        }
        let most = given.iter().copied().max().unwrap_or(0);
        rules.is_decisive(answered) && most > alike_max(criterion.items, answered)
    })
}

/// The mark that a review gave on all questions it answered, where it tells them.
fn one_mark(criterion: &Criterion, scale: Scale, mut marks: impl Iterator<Item = u8>) -> Option<u8> {
    let mark = marks.next()?;
    let is_told = criterion.items == 1 || mark == scale.min || mark == scale.max;
    (is_told && marks.all(|other| other == mark)).then_some(mark)
}

/// The most of so many reviews that may answer all questions of a criterion with one mark.
///
/// With `c` of the other n − 1 the share of one mark on one question is at most (c + (n − 1 − c)(i − 1)/i) / (n − 1), which
/// is nine tenths where c = (n − 1)(10 − i)/10.
fn alike_max(items: usize, answered: usize) -> usize {
    answered.saturating_sub(1) * (10_usize).saturating_sub(items * (10 - KNOWN_TENTHS)) / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_review_short_of_nine_tenths_of_the_others_is_the_most() {
        for (items, answered, most) in
            [(1, 10, 8), (1, 11, 9), (1, 14, 11), (2, 10, 7), (3, 10, 6), (3, 14, 9), (12, 10, 0)]
        {
            assert_eq!(alike_max(items, answered), most, "{items} questions, {answered} reviews");
        }
    }
}
