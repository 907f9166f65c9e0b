//! What a methodology must hold to, each fault at its RFC 6901 pointer. What a newcomer would get wrong: the floors
//! here are the few numbers that stay in code on purpose. A methodology may be stricter than them and never laxer,
//! since whoever writes the rules could otherwise set the anonymity of reviewers to nothing.

mod calibration;
mod marking;

use std::collections::BTreeSet;

use unicode_normalization::is_nfc;

use crate::domain::indicators::names_content;
use crate::domain::methodology::deciding::Deciding;
use crate::domain::methodology::limits::{Counts, SupplementaryRound, TimeLimits};
use crate::domain::methodology::reading::ReadingPackRules;
use crate::domain::methodology::{Methodology, Text};
use crate::error::{Fault, Rule};

const NAME_LENGTH_MAX: u64 = 200;
const TEXT_LENGTH_MAX: u64 = 1_000;
const EXPLANATION_LENGTH_MAX: u64 = 4_000;
/// The outcome without which a commission would have to conclude from nothing.
pub const INSUFFICIENT_DATA: &str = "insufficient_data";

impl Methodology {
    /// All faults, in the order of the members; empty when the methodology may be published.
    ///
    /// Draft texts are no fault: see [`Methodology::has_draft_texts`].
    pub fn validate(&self) -> Vec<Fault> {
        let mut check = Check::default();
        self.check_head(&mut check);
        self.check_marking(&mut check);
        self.check_criteria(&mut check);
        self.check_items(&mut check);
        self.check_statements(&mut check);
        self.check_instruments(&mut check);
        self.check_calibration(&mut check);
        check.range("/max_seq", self.max_seq, 2, 20);
        check_counts(&self.counts, &mut check);
        if let Some(added) = &self.supplementary {
            check_supplementary(added, &mut check);
        }
        if let Some(rules) = &self.reading_pack {
            check_reading_pack(rules, &mut check);
        }
        check_time_limits(&self.time_limits, &mut check);
        if let Some(deciding) = &self.deciding {
            check_deciding(deciding, &mut check);
        }
        self.check_outcomes(&mut check);
        check.text("/promise", &self.promise, TEXT_LENGTH_MAX);
        check.text("/explanation", &self.explanation, EXPLANATION_LENGTH_MAX);
        check.faults
    }

    fn check_head(&self, check: &mut Check) {
        check.code("/code", &self.code, Dash::Allowed);
        check.range("/version", self.version, 1, 100_000);
        check.text("/title", &self.title, NAME_LENGTH_MAX);
        check.length("/legal_refs", self.legal_refs.len(), 1, 50);
        let codes = self.legal_refs.iter().map(|legal_ref| legal_ref.code.as_str());
        check.codes("/legal_refs", "code", codes, Dash::Refused);
        for (index, legal_ref) in self.legal_refs.iter().enumerate() {
            check.text(&format!("/legal_refs/{index}/text"), &legal_ref.text, TEXT_LENGTH_MAX);
        }
        if self.in_force_to.is_some_and(|last| last < self.in_force_from) {
            check.fault("/in_force_to", Rule::Order { other: "in_force_from" });
        }
        check.text("/lead", &self.lead, TEXT_LENGTH_MAX);
        check.text("/preparation", &self.preparation, TEXT_LENGTH_MAX);
    }

    fn check_criteria(&self, check: &mut Check) {
        check.length("/criteria", self.criteria.len(), 1, 20);
        let codes = self.criteria.iter().map(|criterion| criterion.code.as_str());
        check.codes("/criteria", "code", codes, Dash::Refused);
        for (index, criterion) in self.criteria.iter().enumerate() {
            let pointer = format!("/criteria/{index}");
            check.not_of_content(&format!("{pointer}/code"), &criterion.code);
            check.text(&format!("{pointer}/name"), &criterion.name, NAME_LENGTH_MAX);
            check.length(&format!("{pointer}/legal_refs"), criterion.legal_refs.len(), 1, 20);
            let known: BTreeSet<&str> = self.legal_refs.iter().map(|legal_ref| legal_ref.code.as_str()).collect();
            check.references(&format!("{pointer}/legal_refs"), &criterion.legal_refs, &known);
        }
    }

    fn check_items(&self, check: &mut Check) {
        check.codes("/items", "code", self.items.iter().map(|item| item.code.as_str()), Dash::Refused);
        for (index, item) in self.items.iter().enumerate() {
            if !self.criteria.iter().any(|criterion| criterion.code == item.criterion) {
                check.fault(format!("/items/{index}/criterion"), Rule::Missing);
            }
            check.not_of_content(&format!("/items/{index}/code"), &item.code);
            check.text(&format!("/items/{index}/text"), &item.text, TEXT_LENGTH_MAX);
        }
    }

    fn check_statements(&self, check: &mut Check) {
        check.length("/statements", self.statements.len(), 0, 60);
        let codes = self.statements.iter().map(|statement| statement.code.as_str());
        check.codes("/statements", "code", codes, Dash::Refused);
        for (index, statement) in self.statements.iter().enumerate() {
            check.text(&format!("/statements/{index}/text"), &statement.text, TEXT_LENGTH_MAX);
            let Some(code) = &statement.opposite else { continue };
            let pointer = format!("/statements/{index}/opposite");
            match self.statement(code) {
                None => check.fault(pointer, Rule::Missing),
                Some(opposite) if opposite.code == statement.code => {
                    check.fault(pointer, Rule::Mismatch { other: "code" });
                }
                Some(opposite) if opposite.opposite.as_ref() != Some(&statement.code) => {
                    check.fault(pointer, Rule::Mismatch { other: "opposite" });
                }
                Some(_) => {}
            }
        }
    }

    fn check_instruments(&self, check: &mut Check) {
        check.length("/instruments", self.instruments.len(), 1, 10);
        let ids = self.instruments.iter().map(|instrument| instrument.instrument_id.as_str());
        check.codes("/instruments", "instrument_id", ids, Dash::Allowed);
        let known: BTreeSet<&str> = self.criteria.iter().map(|criterion| criterion.code.as_str()).collect();
        for (index, instrument) in self.instruments.iter().enumerate() {
            let pointer = format!("/instruments/{index}/criteria");
            check.length(&pointer, instrument.criteria.len(), 1, 20);
            check.references(&pointer, &instrument.criteria, &known);
        }
    }

    fn check_outcomes(&self, check: &mut Check) {
        check.length("/outcomes", self.outcomes.len(), 1, 30);
        check.codes("/outcomes", "code", self.outcomes.iter().map(|outcome| outcome.code.as_str()), Dash::Refused);
        for (index, outcome) in self.outcomes.iter().enumerate() {
            check.text(&format!("/outcomes/{index}/text"), &outcome.text, TEXT_LENGTH_MAX);
        }
        match self.outcomes.iter().position(|outcome| outcome.code == INSUFFICIENT_DATA) {
            None => check.fault("/outcomes", Rule::OneOf { allowed: "a list that holds insufficient_data".into() }),
            Some(index) if self.outcomes.get(index).is_some_and(|outcome| outcome.is_unfavourable) => {
                // Missing data are a failure of the evaluation, never of the judge.
                check.fault(format!("/outcomes/{index}/is_unfavourable"), Rule::Fixed);
            }
            Some(_) => {}
        }
    }
}

fn check_counts(counts: &Counts, check: &mut Check) {
    check.floor("/counts/subjects_min", counts.subjects_min, 10, 1_000);
    check.range("/counts/panel_size", counts.panel_size, 12, 20);
    check.range("/counts/reserve_size", counts.reserve_size, 0, 60);
    check.floor("/counts/issued_min", counts.issued_min, 6, 20);
    check.floor("/counts/display_min", counts.display_min, 5, 20);
    check.floor("/counts/decision_min", counts.decision_min, 10, 20);
    check.floor("/counts/kept_min", counts.kept_min, 6, 20);
    check.floor("/counts/statement_min", counts.statement_min, 3, 20);
    check.range("/counts/statements_per_review_max", counts.statements_per_review_max, 0, 8);
    check.range("/counts/same_court_max", counts.same_court_max, 0, 2);
    check.floor("/counts/same_court_size", counts.same_court_size, 8, 400);
    check.range("/counts/load_cap", counts.load_cap, 1, 9);
    check.range("/counts/challenged_names_max", counts.challenged_names_max, 1, 20);
    // The counts must also be reachable: a minimum above what is drawn or issued could never be met.
    let reachable = [
        ("/counts/issued_min", counts.issued_min, counts.panel_size, "panel_size"),
        ("/counts/decision_min", counts.decision_min, counts.issued_min, "issued_min"),
        ("/counts/display_min", counts.display_min, counts.decision_min, "decision_min"),
        ("/counts/kept_min", counts.kept_min, counts.panel_size - 2 * (counts.panel_size / 4), "panel_size"),
    ];
    for (pointer, lower, upper, other) in reachable {
        if lower > upper {
            check.fault(pointer, Rule::Mismatch { other });
        }
    }
}

/// The floors of a first round, but for `decision_min`: both rounds are counted together.
fn check_supplementary(added: &SupplementaryRound, check: &mut Check) {
    check.floor("/supplementary/panel_size", added.panel_size, 6, 20);
    check.range("/supplementary/reserve_size", added.reserve_size, 0, 60);
    check.floor("/supplementary/issued_min", added.issued_min, 6, 20);
    if added.issued_min > added.panel_size {
        check.fault("/supplementary/issued_min", Rule::Mismatch { other: "panel_size" });
    }
}

/// Fewer than three decide nothing together, and less than half of a panel is not the panel.
fn check_deciding(deciding: &Deciding, check: &mut Check) {
    check.floor("/deciding/quorum_min", deciding.quorum_min, 3, 30);
    check.range("/deciding/quorum_numerator", deciding.quorum_numerator, 1, 30);
    check.range("/deciding/quorum_denominator", deciding.quorum_denominator, 1, 30);
    check.floor("/deciding/appeal_quorum_min", deciding.appeal_quorum_min, 3, 30);
    check.floor("/deciding/appeal_quorum_grave_min", deciding.appeal_quorum_grave_min, deciding.appeal_quorum_min, 30);
    let (numerator, denominator) = (u64::from(deciding.quorum_numerator), u64::from(deciding.quorum_denominator));
    if numerator > denominator || numerator * 2 < denominator {
        check.fault("/deciding/quorum_numerator", Rule::Mismatch { other: "quorum_denominator" });
    }
}

fn check_reading_pack(rules: &ReadingPackRules, check: &mut Check) {
    check.range("/reading_pack/acts_per_category", rules.acts_per_category, 1, 8);
    check.range("/reading_pack/acts_max", rules.acts_max, rules.acts_per_category.clamp(1, 8), 8);
    check.range("/reading_pack/acts_min", rules.acts_min, 1, rules.acts_max.clamp(1, 8));
    check.range("/reading_pack/window_months", rules.window_months, 3, 60);
}

fn check_time_limits(limits: &TimeLimits, check: &mut Check) {
    if !(-720..=840).contains(&limits.utc_offset_minutes) {
        check.fault("/time_limits/utc_offset_minutes", Rule::Range { min: -720, max: 840 });
    }
    check.floor("/time_limits/issuance_to_submission_hours", limits.issuance_to_submission_hours, 24, 720);
    check.floor("/time_limits/complaint_days", limits.complaint_days, 7, 90);
    check.floor("/time_limits/review_deletion_days", limits.review_deletion_days, 30, 365);
    let ranges = [
        ("announced_working_days", limits.announced_working_days, 1, 90),
        ("notice_days_min", limits.notice_days_min, 1, 365),
        ("file_review_days", limits.file_review_days, 5, 90),
        ("source_answer_working_days", limits.source_answer_working_days, 1, 90),
        ("pool_review_challenge_working_days", limits.pool_review_challenge_working_days, 1, 90),
        ("pool_review_decide_working_days", limits.pool_review_decide_working_days, 1, 90),
        ("draw_days", limits.draw_days, 1, 30),
        ("issuance_days", limits.issuance_days, 1, 90),
        ("submission_days", limits.submission_days, 7, 90),
        ("submission_extension_days", limits.submission_extension_days, 0, 60),
        ("seal_by_days", limits.seal_by_days, 1, 30),
        ("recount_working_days", limits.recount_working_days, 1, 90),
        ("drafting_working_days", limits.drafting_working_days, 1, 90),
        ("response_days", limits.response_days, 5, 90),
        ("hearing_days", limits.hearing_days, 1, 90),
        ("decision_working_days", limits.decision_working_days, 1, 90),
        ("service_working_days", limits.service_working_days, 1, 30),
        ("appeal_filing_working_days", limits.appeal_filing_working_days, 5, 90),
        ("appeal_decision_days", limits.appeal_decision_days, 1, 180),
        ("contact_months", limits.contact_months, 1, 60),
        ("reciprocal_exclusion_months", limits.reciprocal_exclusion_months, 1, 60),
        ("first_year_months", limits.first_year_months, 1, 60),
        ("periodic_months", limits.periodic_months, 12, 240),
        ("validity_months", limits.validity_months, 1, 120),
        ("repeat_after_months", limits.repeat_after_months(), 3, 24),
        ("exempt_after_service_years", limits.exempt_after_service_years.unwrap_or(1), 1, 60),
        ("exempt_before_leaving_months", limits.exempt_before_leaving_months.unwrap_or(1), 1, 60),
        ("leave_pause_over_days", limits.leave_pause_over_days.unwrap_or(1), 1, 365),
        ("age_limit_years", limits.age_limit_years.unwrap_or(65), 25, 75),
    ];
    for (name, value, min, max) in ranges {
        check.range(&format!("/time_limits/{name}"), value, min, max);
    }
}

/// Whether a code may hold a dash; codes that become members of a review may not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dash {
    Allowed,
    Refused,
}

/// The faults found so far, and the checks that recur.
#[derive(Default)]
struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, pointer: impl Into<String>, rule: Rule) {
        self.faults.push(Fault::at(pointer, rule));
    }

    fn range(&mut self, pointer: &str, value: u32, min: u32, max: u32) {
        if !(min..=max).contains(&value) {
            self.fault(pointer, Rule::Range { min: i64::from(min), max: i64::from(max) });
        }
    }

    /// A range whose lower end protects people; undercutting it is told apart from a mistyped number.
    fn floor(&mut self, pointer: &str, value: u32, min: u32, max: u32) {
        if value < min {
            self.fault(pointer, Rule::Floor { min: i64::from(min) });
        } else {
            self.range(pointer, value, min, max);
        }
    }

    /// What is marked enters a score: nothing by the name of a rate of reversal or of what a decision says may.
    fn not_of_content(&mut self, pointer: &str, code: &str) {
        if names_content(code) {
            self.fault(pointer, Rule::Fixed);
        }
    }

    fn length(&mut self, pointer: &str, length: usize, min: u64, max: u64) {
        if !(min..=max).contains(&(length as u64)) {
            self.fault(pointer, Rule::Length { min, max });
        }
    }

    fn text(&mut self, pointer: &str, text: &Text, length_max: u64) {
        self.language(&format!("{pointer}/kk"), &text.kk, length_max);
        self.language(&format!("{pointer}/ru"), &text.ru, length_max);
        if let Some(en) = &text.en {
            self.language(&format!("{pointer}/en"), en, length_max);
        }
    }

    fn language(&mut self, pointer: &str, text: &str, length_max: u64) {
        let length = text.chars().count() as u64;
        if text.trim().is_empty() {
            self.fault(pointer, Rule::Required);
        } else if length > length_max {
            self.fault(pointer, Rule::Length { min: 1, max: length_max });
        } else if !is_nfc(text) || text.chars().any(char::is_control) {
            // One digest must stand for one text: two forms of a letter would give two.
            self.fault(pointer, Rule::Format { expected: "text in Unicode form NFC without control characters" });
        }
    }

    fn code(&mut self, pointer: &str, code: &str, dash: Dash) {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let has_form = code.bytes().all(|byte| is_plain(byte) || (dash == Dash::Allowed && byte == b'-'))
            && code.starts_with(|first: char| first.is_ascii_lowercase())
            && code.len() <= 32;
        if !has_form {
            let expected = match dash {
                Dash::Allowed => "1 to 32 of a-z, 0-9, _ and -, a letter first",
                Dash::Refused => "1 to 32 of a-z, 0-9 and _, a letter first",
            };
            self.fault(pointer, Rule::Format { expected });
        }
    }

    /// Codes of a list of objects: each of the right form, and each once.
    fn codes<'a>(&mut self, list: &str, member: &str, codes: impl Iterator<Item = &'a str>, dash: Dash) {
        let mut seen = BTreeSet::new();
        for (index, code) in codes.enumerate() {
            let pointer = format!("{list}/{index}/{member}");
            self.code(&pointer, code, dash);
            if !seen.insert(code) {
                self.fault(pointer, Rule::Duplicate);
            }
        }
    }

    /// A list of references: each to something known, and each once.
    fn references(&mut self, list: &str, codes: &[String], known: &BTreeSet<&str>) {
        let mut seen = BTreeSet::new();
        for (index, code) in codes.iter().enumerate() {
            if !known.contains(code.as_str()) {
                self.fault(format!("{list}/{index}"), Rule::Missing);
            } else if !seen.insert(code) {
                self.fault(format!("{list}/{index}"), Rule::Duplicate);
            }
        }
    }
}

#[cfg(test)]
mod tests;
