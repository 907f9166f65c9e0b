//! The other sections of a judge's file: what a record of each holds, who writes it, and when it may be shown
//! (`domain.md` 6.1, 6.5). What a newcomer would get wrong: whether a penalty or a complaint may be shown is said here,
//! by its content, once, and kept beside it; no reader's role opens what is [`Shown::Never`].

pub mod career;
pub mod conduct;
pub mod documents;
pub mod own;

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::coded;
use crate::domain::ids::RecordId;
use crate::domain::judge_file::Check;
use crate::domain::sections::career::{
    EducationFields, IncentiveFields, LanguageFields, SuspensionFields, TrainingFields,
};
use crate::domain::sections::conduct::{ComplaintFields, DisciplineFields, EthicsFindingFields};
use crate::domain::sections::documents::DocumentFields;
use crate::domain::sections::own::{
    JudgeStatementFields, PublicationFields, RuleMakingFields, SelfAssessmentFields, TeachingFields,
};
use crate::error::{Error, Result};

/// The system of record of what judges declare themselves.
pub const OWN_SOURCE: &str = "judge";
/// The system of record of documents that the staff put in here.
pub const STAFF_SOURCE: &str = "registry";

coded! {
    /// A section of the file, of those that are kept as records of their own.
    Section {
        /// A degree.
        Education = "education",
        /// A language.
        Language = "language",
        /// An award or another incentive.
        Incentive = "incentive",
        /// A course.
        Training = "training",
        /// Teaching, declared by the judge.
        Teaching = "teaching",
        /// A publication, declared by the judge.
        Publication = "publication",
        /// Work on laws and rules, declared by the judge.
        RuleMaking = "rule_making",
        /// A time in which the judge's powers were suspended.
        Suspension = "suspension",
        /// A penalty of the Judicial Jury; shown while it is in force.
        Discipline = "discipline",
        /// A complaint; shown where it is founded.
        Complaint = "complaint",
        /// A finding of a commission on judicial ethics; shown where it found a violation.
        EthicsFinding = "ethics_finding",
        /// What the judge says, on the file or on one of its records.
        JudgeStatement = "judge_statement",
        /// How the judge marks the own work.
        SelfAssessment = "self_assessment",
        /// A document; its bytes are at `/documents`.
        Document = "document",
    }
}

coded! {
    /// When a record may be shown.
    Shown {
        /// Always, superseded and withdrawn ones included.
        Always = "always",
        /// While it is in force, on the days of its effect.
        InEffect = "in_effect",
        /// Never: kept for the source that told it, and for nobody to read.
        Never = "never",
    }
}

coded! {
    /// Whether what a judge declared is confirmed.
    ConfirmationState {
        /// The record comes from a system of record, or is what the judge says.
        NotNeeded = "not_needed",
        /// The judge declared it, and nobody of the staff has confirmed it.
        Awaited = "awaited",
        /// The judge declared it, and a secretary has confirmed it.
        Confirmed = "confirmed",
    }
}

coded! {
    /// The kind of a record of the file.
    RecordType {
        /// The review of an act by a higher court.
        Act = "act",
        /// An observed value.
        Observation = "observation",
        /// What a source told of the judge's person.
        Particulars = "particulars",
        /// A post.
        Position = "position",
        /// A record of another section.
        Record = "record",
    }
}

/// A record of a file, of whatever kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"record_type": "record", "record_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b13"}))]
pub struct RecordRef {
    /// Its kind.
    pub record_type: RecordType,
    /// Its id.
    pub record_id: RecordId,
}

/// On which days a record has its effect, both included, and when it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The first day; none where it has no beginning that is known.
    pub from: Option<NaiveDate>,
    /// The last day; none where no end is known.
    pub to: Option<NaiveDate>,
    /// When it may be shown.
    pub shown: Shown,
}

impl Effect {
    fn always(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Effect {
        Effect { from, to, shown: Shown::Always }
    }

    /// Shown while in force where `is_so`, else never.
    fn where_it_is(is_so: bool) -> Effect {
        Effect { from: None, to: None, shown: if is_so { Shown::InEffect } else { Shown::Never } }
    }
}

/// What the fields of every section can tell of themselves.
trait SectionFields {
    /// Notes every fault of form; `place` is the pointer of the fields.
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate);

    /// See [`Effect`].
    fn effect(&self) -> Effect {
        Effect::always(None, None)
    }
}

/// The pointer of a member.
fn at(place: &str, member: &str) -> String {
    format!("{place}/{member}")
}

/// Makes an enum of sections with their fields, `{"education": {…}}` in JSON, and its schema: an object of exactly one of
/// these members. The derived schema would be one object a section that takes unknown members.
macro_rules! contents {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:tt: $fields:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $word)] $variant($fields),)* }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .description(Some("The fields of one section: exactly one member, whose name is the section's."))
                    $(.property($word, Ref::from_schema_name(<$fields as ToSchema>::name())))*
                    .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
                    .min_properties(Some(1))
                    .max_properties(Some(1));
                RefOr::T(object.into())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $(
                    schemas.push((<$fields as ToSchema>::name().into_owned(), <$fields as PartialSchema>::schema()));
                    <$fields as ToSchema>::schemas(schemas);
                )*
            }
        }
    };
}

/// Makes the whole of a part.
macro_rules! part_of_content {
    ($part:ident { $($variant:ident),* $(,)? }) => {
        impl From<$part> for Content {
            fn from(part: $part) -> Content {
                match part { $($part::$variant(fields) => Content::$variant(fields),)* }
            }
        }
    };
}

contents! {
    /// The fields of any section.
    Content {
        /// A degree.
        Education = "education": EducationFields,
        /// A language.
        Language = "language": LanguageFields,
        /// An award or another incentive.
        Incentive = "incentive": IncentiveFields,
        /// A course.
        Training = "training": TrainingFields,
        /// Teaching.
        Teaching = "teaching": TeachingFields,
        /// A publication.
        Publication = "publication": PublicationFields,
        /// Work on laws and rules.
        RuleMaking = "rule_making": RuleMakingFields,
        /// A time in which the judge's powers were suspended.
        Suspension = "suspension": SuspensionFields,
        /// A penalty of the Judicial Jury.
        Discipline = "discipline": DisciplineFields,
        /// A complaint.
        Complaint = "complaint": ComplaintFields,
        /// A finding of a commission on judicial ethics.
        EthicsFinding = "ethics_finding": EthicsFindingFields,
        /// What the judge says.
        JudgeStatement = "judge_statement": JudgeStatementFields,
        /// How the judge marks the own work.
        SelfAssessment = "self_assessment": SelfAssessmentFields,
        /// What a document is.
        Document = "document": DocumentFields,
    }
}

contents! {
    /// The fields of one of the sections that staff and other systems fill.
    RecordedContent {
        /// A degree.
        Education = "education": EducationFields,
        /// A language.
        Language = "language": LanguageFields,
        /// An award or another incentive.
        Incentive = "incentive": IncentiveFields,
        /// A course.
        Training = "training": TrainingFields,
        /// Teaching.
        Teaching = "teaching": TeachingFields,
        /// A publication.
        Publication = "publication": PublicationFields,
        /// Work on laws and rules.
        RuleMaking = "rule_making": RuleMakingFields,
        /// A time in which the judge's powers were suspended.
        Suspension = "suspension": SuspensionFields,
        /// A penalty of the Judicial Jury.
        Discipline = "discipline": DisciplineFields,
        /// A complaint.
        Complaint = "complaint": ComplaintFields,
        /// A finding of a commission on judicial ethics.
        EthicsFinding = "ethics_finding": EthicsFindingFields,
    }
}

contents! {
    /// The fields of one of the sections that the judge fills.
    OwnContent {
        /// Teaching.
        Teaching = "teaching": TeachingFields,
        /// A publication.
        Publication = "publication": PublicationFields,
        /// Work on laws and rules.
        RuleMaking = "rule_making": RuleMakingFields,
        /// What the judge says.
        JudgeStatement = "judge_statement": JudgeStatementFields,
        /// How the judge marks the own work.
        SelfAssessment = "self_assessment": SelfAssessmentFields,
    }
}

part_of_content!(RecordedContent {
    Education,
    Language,
    Incentive,
    Training,
    Teaching,
    Publication,
    RuleMaking,
    Suspension,
    Discipline,
    Complaint,
    EthicsFinding,
});
part_of_content!(OwnContent { Teaching, Publication, RuleMaking, JudgeStatement, SelfAssessment });

impl Content {
    /// The section that the fields belong to.
    pub fn section(&self) -> Section {
        self.parts().0
    }

    /// Notes every fault of form, under `/content/<section>`.
    pub fn check(&self, check: &mut Check, today: NaiveDate) {
        let (section, fields) = self.parts();
        fields.check(check, &format!("/content/{section}"), today);
    }

    /// On which days the record has its effect, and when it may be shown.
    pub fn effect(&self) -> Effect {
        self.parts().1.effect()
    }

    /// How it is kept.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// Whether a judge's own record of the section is to be confirmed by the staff, or is the judge's to say.
    pub fn confirmation(&self) -> ConfirmationState {
        match self {
            Content::Teaching(_) | Content::Publication(_) | Content::RuleMaking(_) => ConfirmationState::Awaited,
            Content::Education(_)
            | Content::Language(_)
            | Content::Incentive(_)
            | Content::Training(_)
            | Content::Suspension(_)
            | Content::Discipline(_)
            | Content::Complaint(_)
            | Content::EthicsFinding(_)
            | Content::JudgeStatement(_)
            | Content::SelfAssessment(_)
            | Content::Document(_) => ConfirmationState::NotNeeded,
        }
    }

    fn parts(&self) -> (Section, &dyn SectionFields) {
        match self {
            Content::Education(fields) => (Section::Education, fields),
            Content::Language(fields) => (Section::Language, fields),
            Content::Incentive(fields) => (Section::Incentive, fields),
            Content::Training(fields) => (Section::Training, fields),
            Content::Teaching(fields) => (Section::Teaching, fields),
            Content::Publication(fields) => (Section::Publication, fields),
            Content::RuleMaking(fields) => (Section::RuleMaking, fields),
            Content::Suspension(fields) => (Section::Suspension, fields),
            Content::Discipline(fields) => (Section::Discipline, fields),
            Content::Complaint(fields) => (Section::Complaint, fields),
            Content::EthicsFinding(fields) => (Section::EthicsFinding, fields),
            Content::JudgeStatement(fields) => (Section::JudgeStatement, fields),
            Content::SelfAssessment(fields) => (Section::SelfAssessment, fields),
            Content::Document(fields) => (Section::Document, fields),
        }
    }
}

#[cfg(test)]
mod tests;
