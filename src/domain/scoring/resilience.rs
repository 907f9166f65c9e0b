//! The one-bit statement "the outcome does not depend on any g reviews", for those who decide. A newcomer would show the
//! band that it comes from; with the score it gives single reviews away.

use super::Overall;
use super::document::millionths;
use super::interval::Interval;
use super::publication::{Band, band_of};
use super::rules::Rules;

/// The word that the aware interval gives against the standard.
pub fn verdict(rules: &Rules, aware: Interval) -> Band {
    band_of(rules, millionths(rules.values().scale, aware))
}

/// Whether the word stays the same wherever in the resilience band the honest mean lies.
///
/// Either the resilience interval lies wholly on one side of the standard, or the interval about each end of the band
/// contains it. Then no `set_aside` reviews, whatever they said, made the outcome.
pub fn is_resilient(rules: &Rules, overall: &Overall) -> bool {
    let Overall { level, certainty, resilience } = overall;
    let (lo, hi) = (level.resilience_lo.value(), level.resilience_hi.value());
    let about_lo = Interval { lo: resilience.lo, hi: lo + (lo - resilience.lo) };
    let about_hi = Interval { lo: hi - (resilience.hi - hi), hi: resilience.hi };
    let word = verdict(rules, certainty.aware);
    verdict(rules, about_lo) == word && verdict(rules, about_hi) == word
}
