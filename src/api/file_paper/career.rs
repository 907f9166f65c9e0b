//! The head of the document, the posts, and the sections that are kept as records of their own. What a newcomer would get
//! wrong: each record says where it comes from and how it stands; a table without that is hearsay.

use chrono::NaiveDate;

use super::{File, column, section, source, status};
use crate::domain::judge_file::{FilePurpose, RecordStatus};
use crate::domain::particulars::{Sight, sight};
use crate::domain::sections::conduct::DisciplineFields;
use crate::domain::sections::{ConfirmationState, Content, Section};
use crate::error::{Error, Result};
use crate::figures::words::{NOTHING, Voice};
use crate::paper::{Block, Row};
use crate::store::file_records::FileRecord;
use crate::store::positions::Position;

/// Who it is with how many hundredths of a year of service, why it was printed, and what the signs mean.
pub fn head(
    file: &File,
    service: i64,
    purpose: FilePurpose,
    known_on: Option<NaiveDate>,
    made_on: &str,
    voice: Voice,
) -> Vec<Block> {
    let judge = &file.rows.judge;
    let fact = |key: &str, what: String| (voice.say(key), what);
    let mut facts = vec![
        fact("file-fact-name_kk", judge.full_name_kk.clone()),
        fact("file-fact-name_ru", judge.full_name_ru.clone()),
    ];
    facts.extend(judge.full_name_en.clone().map(|name| fact("file-fact-name_en", name)));
    facts.push(fact("file-fact-first_appointed_on", voice.date(judge.first_appointed_on)));
    facts.push(fact("file-fact-service_years", voice.number(service, 2)));
    facts.extend(person(file, purpose, voice));
    facts.push(fact("file-fact-id", file.judge_id.to_string()));
    let named = file.rows.external_ids.iter().map(|id| format!("{}: {}", id.source_system, id.value));
    let named: Vec<String> = named.collect();
    if !named.is_empty() {
        facts.push(fact("file-fact-external_ids", named.join("; ")));
    }
    facts.push(fact("file-fact-purpose", voice.word("purpose", purpose.as_str())));
    facts.push(fact("file-fact-made_on", made_on.to_owned()));
    facts.extend(known_on.map(|day| fact("file-fact-known_on", voice.date(day))));
    vec![Block::Facts(facts), Block::Note(voice.say("file-note-signs"))]
}

/// What is known of the person, as far as the purpose of the reading lets it be seen.
fn person(file: &File, purpose: FilePurpose, voice: Voice) -> Vec<(String, String)> {
    let Some(known) = file.rows.particulars.iter().rfind(|row| row.status.is_in_force()) else { return Vec::new() };
    let sight = sight(purpose);
    let mut facts = Vec::new();
    if sight != Sight::Nothing {
        let source = source(voice, &known.source_system, known.as_of);
        let mark = if known.status == RecordStatus::Disputed { voice.say("file-disputed-mark") } else { String::new() };
        let told = |what: String| format!("{what} ({source}) {mark}").trim_end().to_owned();
        facts.extend(known.birth_date.map(|day| (voice.say("file-fact-birth_date"), told(voice.date(day)))));
        let legal = known.legal_service_hundredths.map(|years| told(voice.number(years, 2)));
        facts.extend(legal.map(|years| (voice.say("file-fact-legal_service"), years)));
    }
    if sight == Sight::Whole {
        facts.extend(known.sex.map(|sex| (voice.say("file-fact-sex"), voice.word("sex", sex.as_str()))));
    }
    facts
}

/// The posts, superseded records included.
pub fn positions(file: &File, voice: Voice) -> Vec<Block> {
    let rows = file.rows.positions.iter().map(|position| {
        let court = file.courts.get(&position.court_id);
        let court = court.map(|court| voice.name(&court.name_kk, &court.name_ru, court.name_en.as_deref()));
        let ended = position.ended_reason.map(|reason| voice.word("ended_reason", reason.as_str()));
        let until = match ended {
            Some(reason) => format!("{} ({reason})", voice.day(position.ends_on)),
            None => voice.day(position.ends_on),
        };
        let (state, is_marked) = status(voice, position.status);
        let cells = vec![
            court.unwrap_or_else(|| position.court_id.to_string()),
            post(voice, position),
            voice.date(position.starts_on),
            until,
            voice.or_nothing(position.act_ref.as_deref()),
            source(voice, &position.source_system, position.as_of),
            state,
        ];
        Row { cells, is_marked }
    });
    let columns = vec![
        column(voice, "file-column-court", 26),
        column(voice, "file-column-position", 14),
        column(voice, "file-column-from", 12),
        column(voice, "file-column-until", 16),
        column(voice, "file-column-act", 20),
        column(voice, "file-column-source", 16),
        column(voice, "file-column-status", 13),
    ];
    section(voice.say("file-section-positions"), None, columns, rows.collect(), voice)
}

/// What kind of post, with its specialisations where they are told.
fn post(voice: Voice, position: &Position) -> String {
    let kind = voice.word("position_kind", position.kind.as_str());
    let told: Vec<String> = position.specialisations.codes().map(|code| voice.word("category", code)).collect();
    if told.is_empty() { kind } else { format!("{kind}: {}", told.join(", ")) }
}

/// The sections that have records, in their order.
pub fn sections(file: &File, voice: Voice) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for kind in Section::ALL {
        let records: Vec<&FileRecord> = file.rows.records.iter().filter(|record| record.section == *kind).collect();
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        for record in records {
            let content: Content = serde_json::from_str(&record.content).map_err(Error::internal)?;
            let fields = fields(&content, voice);
            if columns.is_empty() {
                columns.extend(fields.iter().map(|(key, share, _)| column(voice, key, *share)));
            }
            let mut cells: Vec<String> = fields.into_iter().map(|(_, _, cell)| cell).collect();
            let (mut state, is_marked) = status(voice, record.status);
            if record.confirmation != ConfirmationState::NotNeeded {
                state = format!("{state}; {}", voice.word("confirmation", record.confirmation.as_str()));
            }
            cells.push(source(voice, &record.source_system, record.as_of));
            cells.push(state);
            rows.push(Row { cells, is_marked });
        }
        if rows.is_empty() {
            continue;
        }
        columns.push(column(voice, "file-column-source", 15));
        columns.push(column(voice, "file-column-status", 15));
        blocks.extend(section(voice.word("section", kind.as_str()), None, columns, rows, voice));
    }
    Ok(blocks)
}

/// A field: the key of its column, the column's share, and its text.
type Field = (&'static str, u32, String);

/// The fields of a record; those of one section are always the same.
fn fields(content: &Content, voice: Voice) -> Vec<Field> {
    let number = |value: Option<i32>| value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string());
    match content {
        Content::Education(fields) => vec![
            ("file-column-degree", 30, fields.degree.clone()),
            ("file-column-institution", 45, fields.institution.clone()),
            ("file-column-year", 10, fields.year.to_string()),
        ],
        Content::Language(fields) => vec![
            ("file-column-language", 30, voice.word("language", &fields.language)),
            ("file-column-level", 20, fields.level.as_str().to_owned()),
            ("file-column-date", 13, voice.date(fields.certified_on)),
        ],
        Content::Incentive(fields) => vec![
            ("file-column-kind", 30, voice.word("kind", &fields.kind)),
            ("file-column-act", 40, voice.or_nothing(fields.act_ref.as_deref())),
            ("file-column-date", 13, voice.date(fields.awarded_on)),
        ],
        Content::Training(fields) => {
            let result = voice.word("training_result", fields.result.as_str());
            let score = fields.score.map(|score| format!("{result}, {score}"));
            vec![
                ("file-column-course", 32, fields.course.clone()),
                ("file-column-provider", 24, fields.provider.clone()),
                ("file-column-dates", 22, format!("{} – {}", voice.date(fields.starts_on), voice.date(fields.ends_on))),
                ("file-column-hours", 9, fields.hours.to_string()),
                ("file-column-result", 14, score.unwrap_or(result)),
            ]
        }
        Content::Teaching(fields) => vec![
            ("file-column-title", 45, fields.title.clone()),
            ("file-column-kind", 20, voice.word("kind", &fields.kind)),
            ("file-column-date", 13, voice.date(fields.held_on)),
            ("file-column-hours", 9, number(fields.hours)),
        ],
        Content::Publication(fields) => vec![
            ("file-column-title", 40, fields.title.clone()),
            ("file-column-kind", 16, voice.word("kind", &fields.kind)),
            ("file-column-date", 13, voice.date(fields.published_on)),
            ("file-column-reference", 28, voice.or_nothing(fields.reference.as_deref())),
        ],
        Content::RuleMaking(fields) => vec![
            ("file-column-title", 40, fields.title.clone()),
            ("file-column-kind", 16, voice.word("kind", &fields.kind)),
            ("file-column-date", 13, voice.date(fields.done_on)),
            ("file-column-reference", 28, voice.or_nothing(fields.reference.as_deref())),
        ],
        Content::Suspension(fields) => vec![
            ("file-column-reason", 30, voice.word("kind", &fields.reason)),
            ("file-column-act", 30, voice.or_nothing(fields.act_ref.as_deref())),
            ("file-column-from", 13, voice.date(fields.starts_on)),
            ("file-column-until", 13, voice.day(fields.ends_on)),
        ],
        Content::Discipline(fields) => discipline(fields, voice),
        Content::Complaint(fields) => vec![
            ("file-column-subject", 50, fields.subject.clone()),
            ("file-column-channel", 16, fields.channel.clone()),
            ("file-column-date", 13, voice.date(fields.received_on)),
            ("file-column-outcome", 16, voice.word("complaint_outcome", fields.outcome.as_str())),
        ],
        Content::EthicsFinding(fields) => vec![
            ("file-column-commission", 40, fields.commission.clone()),
            ("file-column-article", 20, fields.article.clone()),
            ("file-column-date", 13, voice.date(fields.decided_on)),
            ("file-column-outcome", 18, voice.word("ethics_outcome", fields.outcome.as_str())),
        ],
        Content::JudgeStatement(fields) => {
            let about = fields
                .about
                .map(|about| format!("{} {}", voice.word("record_type", about.record_type.as_str()), about.record_id));
            vec![
                ("file-column-text", 60, fields.text.clone()),
                ("file-column-about", 25, about.unwrap_or_else(|| voice.say("file-about-file"))),
            ]
        }
        Content::SelfAssessment(fields) => {
            let marks = fields.items.iter().map(|mark| {
                let value = mark.value.map_or_else(|| voice.say("file-no_basis"), |value| value.to_string());
                format!("{}: {value}", mark.item)
            });
            vec![
                ("file-column-marks", 30, marks.collect::<Vec<_>>().join("; ")),
                ("file-column-text", 45, voice.or_nothing(fields.text.as_deref())),
            ]
        }
        Content::Document(fields) => vec![
            ("file-column-title", 30, fields.title.clone()),
            ("file-column-kind", 16, fields.media_type.as_str().to_owned()),
            ("file-column-bytes", 12, fields.bytes.to_string()),
            ("file-column-sha256", 40, fields.sha256.clone()),
        ],
    }
}

fn discipline(fields: &DisciplineFields, voice: Voice) -> Vec<Field> {
    vec![
        ("file-column-penalty", 20, voice.word("penalty", fields.penalty.as_str())),
        ("file-column-decision", 24, format!("{}, {}", fields.decision_ref, voice.date(fields.decided_on))),
        ("file-column-ground", 26, fields.ground.clone()),
        ("file-column-in_force", 22, format!("{} – {}", voice.day(fields.in_force_on), voice.day(fields.expires_on))),
        ("file-column-appeal", 20, voice.word("discipline_appeal", fields.appeal.as_str())),
    ]
}
