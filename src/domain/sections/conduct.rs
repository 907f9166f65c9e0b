//! Discipline, complaints and ethics findings. What a newcomer would get wrong: they are recorded whatever became of them,
//! so that their source can restate them, and read only while they hold. What was quashed, has expired or was not
//! founded is told to nobody, not even as a number.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Effect, SectionFields, Shown, at};
use crate::coded;
use crate::domain::calendar::days_before;
use crate::domain::judge_file::{CODE_40, Check, NAME_LENGTH_MAX, is_code};
use crate::error::Rule;

/// The longest ground of a penalty or subject of a complaint, in characters.
const GROUND_LENGTH_MAX: usize = 500;

coded! {
    /// A penalty of the Judicial Jury.
    Penalty {
        /// Remark.
        Remark = "remark",
        /// Reprimand.
        Reprimand = "reprimand",
        /// Severe reprimand.
        SevereReprimand = "severe_reprimand",
        /// Removal from a chair's post.
        ChairRemoval = "chair_removal",
        /// Dismissal from the judge's post.
        Dismissal = "dismissal",
    }
}

coded! {
    /// How an appeal against a penalty stands.
    DisciplineAppeal {
        /// None was filed.
        None = "none",
        /// It is pending.
        Pending = "pending",
        /// The penalty was upheld.
        Upheld = "upheld",
        /// The penalty was quashed: it is shown no longer.
        Quashed = "quashed",
    }
}

/// A penalty of the Judicial Jury.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"decision_ref": "Decision 7 of 2026", "ground": "Late reasoning of three acts", "penalty": "remark", "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": "none"}))]
pub struct DisciplineFields {
    /// The Jury's decision.
    #[schema(min_length = 1, max_length = 200)]
    pub decision_ref: String,
    /// For what.
    #[schema(min_length = 1, max_length = 500)]
    pub ground: String,
    /// Which penalty.
    pub penalty: Penalty,
    /// When it was decided; not in the future.
    pub decided_on: NaiveDate,
    /// From which day on it is in force, or null where it is not; it is shown from then on.
    pub in_force_on: Option<NaiveDate>,
    /// The day on which it expires, or null; it is shown until the day before.
    pub expires_on: Option<NaiveDate>,
    /// How an appeal against it stands.
    pub appeal: DisciplineAppeal,
}

coded! {
    /// What became of a complaint.
    ComplaintOutcome {
        /// It is being looked into: not shown.
        Pending = "pending",
        /// It was unfounded: not shown.
        Unfounded = "unfounded",
        /// It was passed on to the body that it concerned: not shown.
        Redirected = "redirected",
        /// It was founded.
        Founded = "founded",
    }
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"received_on": "2026-06-15", "channel": "e_otinish", "subject": "The act was handed over five weeks late", "outcome": "founded"}))]
pub struct ComplaintFields {
    /// When it was received; not in the future.
    pub received_on: NaiveDate,
    /// How it came, by the source's code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub channel: String,
    /// What it is about; never who complained.
    #[schema(min_length = 1, max_length = 500)]
    pub subject: String,
    /// What became of it.
    pub outcome: ComplaintOutcome,
}

coded! {
    /// What a commission on judicial ethics found.
    EthicsOutcome {
        /// A violation.
        Violation = "violation",
        /// None: not shown.
        NoViolation = "no_violation",
    }
}

/// A finding of a commission on judicial ethics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"commission": "Ethics commission of the Union of Judges, Almaty", "article": "Article 7", "decided_on": "2025-11-20", "outcome": "violation"}))]
pub struct EthicsFindingFields {
    /// Which commission.
    #[schema(min_length = 1, max_length = 200)]
    pub commission: String,
    /// Under which article of the code.
    #[schema(min_length = 1, max_length = 200)]
    pub article: String,
    /// When; not in the future.
    pub decided_on: NaiveDate,
    /// What it found.
    pub outcome: EthicsOutcome,
}

impl SectionFields for DisciplineFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.text(&at(place, "decision_ref"), &self.decision_ref, NAME_LENGTH_MAX);
        check.text(&at(place, "ground"), &self.ground, GROUND_LENGTH_MAX);
        check.past_date(&at(place, "decided_on"), self.decided_on, today);
        if let Some(in_force_on) = self.in_force_on {
            check.date(&at(place, "in_force_on"), in_force_on);
            check.rule(in_force_on >= self.decided_on, &at(place, "in_force_on"), Rule::Order { other: "decided_on" });
        }
        if let Some(expires_on) = self.expires_on {
            let pointer = at(place, "expires_on");
            check.date(&pointer, expires_on);
            match self.in_force_on {
                None => check.rule(false, &pointer, Rule::Mismatch { other: "in_force_on" }),
                Some(start) => check.rule(expires_on > start, &pointer, Rule::Order { other: "in_force_on" }),
            }
        }
    }

    fn effect(&self) -> Effect {
        let is_shown = self.in_force_on.is_some() && self.appeal != DisciplineAppeal::Quashed;
        Effect {
            from: self.in_force_on,
            to: self.expires_on.map(|day| days_before(day, 1)),
            shown: if is_shown { Shown::InEffect } else { Shown::Never },
        }
    }
}

impl SectionFields for ComplaintFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.past_date(&at(place, "received_on"), self.received_on, today);
        check.rule(is_code(&self.channel, 40), &at(place, "channel"), CODE_40);
        check.text(&at(place, "subject"), &self.subject, GROUND_LENGTH_MAX);
    }

    fn effect(&self) -> Effect {
        Effect::where_it_is(self.outcome == ComplaintOutcome::Founded)
    }
}

impl SectionFields for EthicsFindingFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.text(&at(place, "commission"), &self.commission, NAME_LENGTH_MAX);
        check.text(&at(place, "article"), &self.article, NAME_LENGTH_MAX);
        check.past_date(&at(place, "decided_on"), self.decided_on, today);
    }

    fn effect(&self) -> Effect {
        Effect::where_it_is(self.outcome == EthicsOutcome::Violation)
    }
}
