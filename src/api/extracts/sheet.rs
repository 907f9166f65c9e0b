//! An extract on paper. What a newcomer would get wrong: the paper is a reading aid. What was signed are the facts in canonical
//! JSON, whose digest the paper prints, so it is written from those facts and from nothing else.

use crate::domain::extracts::{ExtractCourse, ExtractEthicsFinding, ExtractFacts, ExtractPenalty, ExtractPost};
use crate::domain::sections::career::{EducationFields, IncentiveFields};
use crate::error::{Error, Result};
use crate::figures::words::Voice;
use crate::paper::{Block, Column, Depth, Paper, Row, Table};
use crate::store::extracts::Extract;

/// The document of an extract.
pub fn compose(extract: &Extract, voice: Voice) -> Result<Paper> {
    let facts: ExtractFacts = serde_json::from_str(&extract.facts).map_err(Error::internal)?;
    let judge = &facts.judge;
    let name = voice.name(&judge.full_name_kk, &judge.full_name_ru, judge.full_name_en.as_deref());
    let title = voice.say("file-extract-title");
    let issued_on = voice.date(facts.issued_on);
    let fact = |key: &str, what: String| (voice.say(key), what);
    let mut blocks = vec![
        Block::Facts(vec![
            fact("file-fact-name_kk", judge.full_name_kk.clone()),
            fact("file-fact-name_ru", judge.full_name_ru.clone()),
            fact("file-fact-first_appointed_on", voice.date(judge.first_appointed_on)),
            fact("file-extract-purpose", voice.word("purpose", facts.purpose.as_str())),
            fact("file-extract-recipient", facts.recipient.clone()),
            fact("file-extract-issued_on", issued_on.clone()),
            fact("file-extract-expires_on", voice.date(facts.expires_on)),
        ]),
        Block::Note(voice.say("file-extract-note")),
    ];
    if let Some(evaluation) = &facts.evaluation {
        let words = voice.name(&evaluation.outcome_kk, &evaluation.outcome_ru, evaluation.outcome_en.as_deref());
        blocks.push(Block::Heading(Depth::Section, voice.say("file-extract-evaluation")));
        blocks.push(Block::Facts(vec![
            fact("file-extract-outcome", words),
            fact("file-extract-in_force_on", voice.date(evaluation.in_force_on)),
            fact("file-extract-valid_until", voice.date(evaluation.valid_until)),
            fact("file-extract-decision", evaluation.decision_digest.clone()),
        ]));
    }
    blocks.extend(table(voice, "file-section-positions", POST, facts.posts.iter().map(|one| post(one, voice))));
    let degrees = facts.education.iter().map(degree);
    blocks.extend(table(voice, "file-section-education", DEGREE, degrees));
    blocks.extend(table(voice, "file-section-training", COURSE, facts.training.iter().map(|one| course(one, voice))));
    let incentives = facts.incentives.iter().map(|one| incentive(one, voice));
    blocks.extend(table(voice, "file-section-incentive", INCENTIVE, incentives));
    let penalties = facts.discipline.iter().map(|one| penalty(one, voice));
    blocks.extend(table(voice, "file-section-discipline", PENALTY, penalties));
    let findings = facts.ethics_findings.iter().map(|one| finding(one, voice));
    blocks.extend(table(voice, "file-section-ethics_finding", FINDING, findings));
    blocks.extend([
        Block::Heading(Depth::Section, voice.say("file-extract-proof")),
        Block::Facts(vec![
            fact("file-extract-id", facts.extract_id.to_string()),
            fact("file-extract-digest", extract.digest.clone()),
            fact("file-extract-signature", extract.signature.clone()),
            fact("file-extract-key", extract.key_id.clone()),
        ]),
        Block::Note(voice.say("file-extract-check")),
    ]);
    let foot = voice.tell("file-foot", &[("title", &title), ("name", &name), ("date", &issued_on)]);
    Ok(Paper { language: voice.0, title, subject: name, foot, made_at: extract.issued_at.and_utc(), blocks })
}

/// The columns of a table: the keys of their titles with their shares of the width.
type Columns = &'static [(&'static str, u32)];

const POST: Columns = &[
    ("file-column-court", 36),
    ("file-column-position", 18),
    ("file-column-from", 14),
    ("file-column-until", 14),
    ("file-column-act", 24),
];
const DEGREE: Columns = &[("file-column-degree", 30), ("file-column-institution", 50), ("file-column-year", 12)];
const COURSE: Columns =
    &[("file-column-course", 40), ("file-column-provider", 30), ("file-column-dates", 26), ("file-column-result", 14)];
const INCENTIVE: Columns = &[("file-column-kind", 34), ("file-column-act", 46), ("file-column-date", 14)];
const PENALTY: Columns = &[("file-column-penalty", 24), ("file-column-decision", 34), ("file-column-in_force", 30)];
const FINDING: Columns = &[("file-column-commission", 50), ("file-column-article", 24), ("file-column-date", 14)];

/// A section, where there is anything in it.
fn table(voice: Voice, title: &str, columns: Columns, rows: impl Iterator<Item = Vec<String>>) -> Vec<Block> {
    let rows: Vec<Row> = rows.map(|cells| Row { cells, is_marked: false }).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = columns.iter().map(|(key, share)| Column::text(voice.say(key), *share)).collect();
    vec![Block::Heading(Depth::Section, voice.say(title)), Block::Table(Table { columns, rows })]
}

fn post(post: &ExtractPost, voice: Voice) -> Vec<String> {
    vec![
        voice.name(&post.court_name_kk, &post.court_name_ru, post.court_name_en.as_deref()),
        voice.word("position_kind", post.kind.as_str()),
        voice.date(post.starts_on),
        voice.day(post.ends_on),
        voice.or_nothing(post.act_ref.as_deref()),
    ]
}

fn degree(degree: &EducationFields) -> Vec<String> {
    vec![degree.degree.clone(), degree.institution.clone(), degree.year.to_string()]
}

fn course(course: &ExtractCourse, voice: Voice) -> Vec<String> {
    let days = format!("{} – {}", voice.date(course.starts_on), voice.date(course.ends_on));
    let result = voice.word("training_result", course.result.as_str());
    vec![course.course.clone(), course.provider.clone(), days, result]
}

fn incentive(incentive: &IncentiveFields, voice: Voice) -> Vec<String> {
    let kind = voice.word("kind", &incentive.kind);
    vec![kind, voice.or_nothing(incentive.act_ref.as_deref()), voice.date(incentive.awarded_on)]
}

fn penalty(penalty: &ExtractPenalty, voice: Voice) -> Vec<String> {
    vec![
        voice.word("penalty", penalty.penalty.as_str()),
        format!("{}, {}", penalty.decision_ref, voice.date(penalty.decided_on)),
        format!("{} – {}", voice.day(penalty.in_force_on), voice.day(penalty.expires_on)),
    ]
}

fn finding(finding: &ExtractEthicsFinding, voice: Voice) -> Vec<String> {
    vec![finding.commission.clone(), finding.article.clone(), voice.date(finding.decided_on)]
}
