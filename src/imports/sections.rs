//! Files of the file's other sections, education to ethics findings. A newcomer's usual mistake is to check a section's
//! fields here: a row becomes the section's own fields, and the check of the record that is added alone reads them.

use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::cells::{Column, Fields, SourceRow};
use super::references::JUDGE_COLUMNS;
use super::{Kind, Run};
use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::ids::ImportId;
use crate::domain::imports::Warning;
use crate::domain::judge_file::RecordStatus;
use crate::domain::sections::career::{LanguageLevel, TrainingResult};
use crate::domain::sections::conduct::{ComplaintOutcome, DisciplineAppeal, EthicsOutcome, Penalty};
use crate::domain::sections::{ConfirmationState, Section};
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::file_records::FileRecord;
use crate::store::reconciliation::Recorded;
use crate::workflow::checks::check_record;
use crate::workflow::records::{Keeper, NewFileRecord, record};

/// Records of one section.
pub(super) struct Records {
    section: Section,
    /// What the template calls its record; a source has one name for one record, whatever its section.
    record_id: &'static str,
    fields: &'static [Field],
    columns: OnceLock<Vec<Column>>,
}

/// A field of a section.
struct Field {
    name: &'static str,
    form: Form,
    is_needed: bool,
    example: &'static str,
}

/// What a field holds.
enum Form {
    Text,
    Whole,
    Day,
    /// A word of a list.
    Word(fn() -> Vec<&'static str>),
}

/// A field that holds a word of a closed list.
macro_rules! word {
    ($list:ident) => {
        Form::Word(|| $list::ALL.iter().map(|word| word.as_str()).collect())
    };
}

const fn needed(name: &'static str, form: Form, example: &'static str) -> Field {
    Field { name, form, is_needed: true, example }
}

const fn optional(name: &'static str, form: Form, example: &'static str) -> Field {
    Field { name, form, is_needed: false, example }
}

pub(super) static EDUCATION: Records = Records::of(
    Section::Education,
    "E-114",
    &[
        needed("degree", Form::Text, "LL.M."),
        needed("institution", Form::Text, "Қазақ ұлттық университеті"),
        needed("year", Form::Whole, "2008"),
    ],
);
pub(super) static LANGUAGES: Records = Records::of(
    Section::Language,
    "K-12",
    &[
        needed("language", Form::Text, "kk"),
        needed("level", word!(LanguageLevel), "C1"),
        needed("certified_on", Form::Day, "2024-05-18"),
    ],
);
pub(super) static INCENTIVES: Records = Records::of(
    Section::Incentive,
    "I-31",
    &[
        needed("kind", Form::Text, "letter_of_thanks"),
        optional("act_ref", Form::Text, "Order 12 of 5 December 2025"),
        needed("awarded_on", Form::Day, "2025-12-05"),
    ],
);
pub(super) static TRAINING: Records = Records::of(
    Section::Training,
    "T-502",
    &[
        needed("course", Form::Text, "Reasoning of judicial acts"),
        needed("provider", Form::Text, "Academy of Justice"),
        needed("hours", Form::Whole, "40"),
        needed("starts_on", Form::Day, "2026-03-02"),
        needed("ends_on", Form::Day, "2026-03-06"),
        needed("result", word!(TrainingResult), "passed"),
        optional("score", Form::Whole, "88"),
    ],
);
pub(super) static TEACHING: Records = Records::of(
    Section::Teaching,
    "L-18",
    &[
        needed("kind", Form::Text, "lecture"),
        needed("title", Form::Text, "Evidence in administrative cases"),
        needed("held_on", Form::Day, "2026-04-17"),
        optional("hours", Form::Whole, "6"),
    ],
);
pub(super) static PUBLICATIONS: Records = Records::of(
    Section::Publication,
    "P-7",
    &[
        needed("kind", Form::Text, "article"),
        needed("title", Form::Text, "On the reasons of a judgment"),
        needed("published_on", Form::Day, "2025-09-01"),
        optional("reference", Form::Text, "Заң және заман 2025 № 9"),
    ],
);
pub(super) static RULE_MAKING: Records = Records::of(
    Section::RuleMaking,
    "W-4",
    &[
        needed("kind", Form::Text, "working_group"),
        needed("title", Form::Text, "Draft rules on the exchange of case files"),
        needed("done_on", Form::Day, "2026-02-10"),
        optional("reference", Form::Text, ""),
    ],
);
pub(super) static SUSPENSIONS: Records = Records::of(
    Section::Suspension,
    "S-2",
    &[
        needed("starts_on", Form::Day, "2024-05-06"),
        optional("ends_on", Form::Day, "2024-09-01"),
        needed("reason", Form::Text, "secondment"),
        optional("act_ref", Form::Text, ""),
    ],
);
pub(super) static DISCIPLINE: Records = Records::of(
    Section::Discipline,
    "D-7",
    &[
        needed("decision_ref", Form::Text, "Decision 7 of 2026"),
        needed("ground", Form::Text, "Late reasoning of three acts"),
        needed("penalty", word!(Penalty), "remark"),
        needed("decided_on", Form::Day, "2026-10-12"),
        optional("in_force_on", Form::Day, "2026-10-26"),
        optional("expires_on", Form::Day, "2027-04-26"),
        needed("appeal", word!(DisciplineAppeal), "none"),
    ],
);
pub(super) static COMPLAINTS: Records = Records::of(
    Section::Complaint,
    "C-88",
    &[
        needed("received_on", Form::Day, "2026-06-15"),
        needed("channel", Form::Text, "e_otinish"),
        needed("subject", Form::Text, "The act was handed over five weeks late"),
        needed("outcome", word!(ComplaintOutcome), "founded"),
    ],
);
pub(super) static ETHICS_FINDINGS: Records = Records::of(
    Section::EthicsFinding,
    "F-3",
    &[
        needed("commission", Form::Text, "Ethics commission of the Union of Judges"),
        needed("article", Form::Text, "Article 7"),
        needed("decided_on", Form::Day, "2025-11-20"),
        needed("outcome", word!(EthicsOutcome), "violation"),
    ],
);

/// The fields of every record beside those of its section.
const fn source_columns(record_id: &'static str) -> [Column; 4] {
    [
        Column::text("source_system", "hr"),
        Column::text("source_record_id", record_id),
        Column::value("as_of", "2027-01-10"),
        Column::text("legal_basis", ""),
    ]
}

impl Records {
    const fn of(section: Section, record_id: &'static str, fields: &'static [Field]) -> Records {
        Records { section, record_id, fields, columns: OnceLock::new() }
    }

    /// The record of a row, or `None` with faults noted.
    fn read(&self, conn: &mut Conn, run: &mut Run<'_>, fields: &mut Fields<'_>) -> Result<Option<NewFileRecord>> {
        let judge_id = run.judge(conn, fields)?;
        let mut members = Map::new();
        for field in self.fields {
            if field.is_needed {
                fields.needed(field.name, |_, _| Some(()));
            }
            members.insert(field.name.to_owned(), field.value(fields));
        }
        let source_system = fields.needed("source_system", |fields, name| fields.text(name));
        let source_record_id = fields.needed("source_record_id", |fields, name| fields.text(name));
        let as_of = fields.needed("as_of", |fields, name| fields.day(name));
        let legal_basis = fields.text("legal_basis");
        if !fields.is_sound() {
            return Ok(None);
        }
        let (Some(judge_id), Some(source_system), Some(as_of)) = (judge_id, source_system, as_of) else {
            return Err(Error::internal("a field that is not there has no fault"));
        };
        let content = Map::from_iter([(self.section.to_string(), Value::Object(members))]);
        Ok(Some(NewFileRecord {
            judge_id,
            content: serde_json::from_value(Value::Object(content)).map_err(Error::internal)?,
            by: run.terms.caller.id(),
            source_system,
            source_record_id,
            as_of,
            legal_basis,
            confirmation: ConfirmationState::NotNeeded,
            supersedes_id: None,
            batch_id: Some(run.terms.import_id),
        }))
    }
}

impl Field {
    /// What a row has for the field; null where it has nothing, or what cannot be read.
    fn value(&self, fields: &mut Fields<'_>) -> Value {
        match &self.form {
            Form::Text => fields.text(self.name).into(),
            // What is beyond is refused as out of range all the same.
            Form::Whole => fields.whole(self.name).map(|number| i32::try_from(number).unwrap_or(i32::MAX)).into(),
            Form::Day => fields.day(self.name).map(|day| day.to_string()).into(),
            Form::Word(words) => {
                let (Some(text), words) = (fields.text(self.name), words()) else { return Value::Null };
                if !words.contains(&text.as_str()) {
                    fields.fault(self.name, Rule::OneOf { allowed: words.join(", ").into() });
                    return Value::Null;
                }
                text.into()
            }
        }
    }
}

impl Kind for Records {
    fn columns(&'static self) -> &'static [Column] {
        self.columns.get_or_init(|| {
            let of_text = |field: &Field| matches!(field.form, Form::Text | Form::Word(_));
            let own = self.fields.iter().map(|field| Column {
                name: field.name,
                is_text: of_text(field),
                example: field.example,
            });
            JUDGE_COLUMNS.into_iter().chain(own).chain(source_columns(self.record_id)).collect()
        })
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(self.columns(), row);
            let Some(new) = self.read(conn, run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            if let Err(error) = settle(conn, run, row.number, new) {
                run.refuse(row.number, error)?;
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, _period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::records(conn, self.section, source_system)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::dependants_of_records(conn, batch, since)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        <FileRecord as store::batches::undoing::Batched>::extent(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone> {
        store::batches::undoing::undo::<FileRecord>(conn, batch, by.id(), now)
    }
}

/// Records it, unless it is on record as it is.
fn settle(conn: &mut Conn, run: &mut Run<'_>, row: i64, mut new: NewFileRecord) -> Result<()> {
    check_record(&run.terms.caller, &new, run.terms.today())?;
    let name = new.source_record_id.as_deref().unwrap_or_default();
    let old = store::file_records::find_by_source(conn, &new.source_system, name)?;
    let mut change = None;
    if let Some(old) = &old {
        if (old.judge_id, old.section) != (new.judge_id, new.content.section()) {
            return Err(Error::faults(Code::Invalid, vec![Fault::at("/source_record_id", Rule::Duplicate)]));
        }
        let changed = changed(old, &new)?;
        if changed.is_empty() {
            run.tally.unchanged += 1;
            run.count(&new.source_system);
            return Ok(());
        }
        if new.as_of < old.as_of {
            return Err(Code::AlreadySuperseded.into());
        }
        new.supersedes_id = Some(old.id);
        change = (old.status == RecordStatus::Disputed).then(|| changed.join(", "));
    }
    record(conn, &Keeper::Source(run.terms.caller.clone()), &new, run.terms.now)?;
    run.touched.insert(new.judge_id);
    if old.is_some() {
        run.tally.restated += 1;
    } else {
        run.tally.new += 1;
    }
    run.count(&new.source_system);
    if let Some(change) = change {
        run.warn(row, "", Warning::RestatesDisputed, change);
    }
    Ok(())
}

/// The names of the fields that a row changes; never what they held: it may be a penalty that nobody is shown any more.
fn changed(old: &FileRecord, new: &NewFileRecord) -> Result<Vec<String>> {
    let members = |content: &str| -> Result<Map<String, Value>> {
        let whole: Map<String, Value> = serde_json::from_str(content).map_err(Error::internal)?;
        Ok(whole.into_iter().find_map(|(_, fields)| fields.as_object().cloned()).unwrap_or_default())
    };
    let (before, after) = (members(&old.content)?, members(&new.content.to_json()?)?);
    let mut names: Vec<String> =
        after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect();
    if old.legal_basis != new.legal_basis {
        names.push("legal_basis".to_owned());
    }
    Ok(names)
}
