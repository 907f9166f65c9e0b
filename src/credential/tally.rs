//! From the sealed bundles of a cycle to its results: the one function by which the registry computes them and an auditor
//! recounts.
//!
//! What a newcomer would get wrong: this checks nothing. It reads the envelopes fast and loosely, so the bundle must
//! have passed [`audit::check`](crate::credential::audit::check) before; the two together are the recount.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::credential::bundle::{ENVELOPES, Files, INDEX, MANIFESTS, get, split_lines};
use crate::credential::encoding::{Digest, Ref, sha256};
use crate::credential::jcs;
use crate::credential::manifest::Manifest;
use crate::domain::methodology;
use crate::domain::methodology::Methodology;
use crate::domain::scoring::developmental;
use crate::domain::scoring::document::{ALGORITHM, CriterionSpread, SubjectResult, document};
use crate::domain::scoring::publication::{Image, publish, publish_statements};
use crate::domain::scoring::rules::{Criterion, NO_BASIS, Panel, PublishStep, RuleValues, Rules, Scale};
use crate::domain::scoring::statements::{Choices, StatementRules};
use crate::domain::scoring::{cores, score_cycle};
use crate::error::{Code, Error, Result};

/// `result.json`: every result of a cycle in whole numbers, over all its rounds. A cycle may use several instruments, and
/// each has its own pooled variances, so a panel is moderated only by panels that answered the same form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundResult {
    /// The version of formulas and constants; of a developmental methodology that of its rules.
    pub algorithm: String,
    /// SHA-256 of the table of contents of the first round's bundle, where this is the result of both rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Digest>,
    /// The instruments whose items were marked, by id.
    pub instruments: Vec<InstrumentSpread>,
    /// The subjects, ascending by the text of `subject_ref`.
    pub subjects: Vec<SubjectResult>,
}

/// The pooled variances of one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentSpread {
    /// The instrument.
    pub instrument_id: String,
    /// The pooled variance of keys, in millionths.
    pub keys_variance_millionths: i64,
    /// The criteria in the order of the instrument.
    pub criteria: Vec<CriterionSpread>,
}

/// The results of a round with the rules they were made by.
#[derive(Debug)]
pub struct Scored {
    /// The exact results, for the sealed bundle alone.
    pub result: RoundResult,
    /// How many reviews the last round's bundle has for each subject, withdrawn ones among them; without those that have
    /// none.
    pub accepted: HashMap<Ref, i32>,
    /// The rules of each instrument; none of a developmental methodology.
    rules: Option<BTreeMap<String, Rules>>,
    instrument_of: HashMap<Ref, String>,
}

/// What one envelope says; all else in it was checked before.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    body: Said<'a>,
}

#[derive(Deserialize)]
struct Said<'a> {
    subject_ref: Ref,
    #[serde(borrow)]
    marks: BTreeMap<&'a str, Option<i64>>,
    #[serde(borrow)]
    statements: Vec<&'a str>,
}

/// What the reviews of one subject say: their rows, laid end to end, and the statements that they chose.
#[derive(Default)]
struct Sheets {
    rows: Vec<u8>,
    choices: Choices,
    accepted: i32,
    /// How many of them chose a statement, where no marks are given.
    choosing: usize,
}

/// What envelopes are read by.
struct Reader<'a> {
    /// None of a developmental methodology, whose forms have no items.
    forms: Option<BTreeMap<&'a str, Form<'a>>>,
    instrument_of: HashMap<Ref, &'a str>,
    statements: StatementRules<'a>,
}

/// A form as it is read: the rules, and the place of each item in a row.
struct Form<'a> {
    rules: Rules,
    scale: methodology::Scale,
    places: HashMap<&'a str, usize>,
}

impl Scored {
    /// The canonical bytes of `result.json`; equal on every run.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(&self.result)
    }

    /// What may be known of each subject outside the bundle, once the gate lets it out.
    pub fn images(&self) -> Result<Vec<(Ref, Image)>> {
        let unknown = || Error::internal("a result names a subject that the manifest does not have");
        let image = |subject: &SubjectResult| {
            let subject_ref: Ref = subject.subject_ref.parse()?;
            let Some(rules) = &self.rules else { return Ok((subject_ref, publish_statements(subject)?)) };
            let instrument_id = self.instrument_of.get(&subject_ref).ok_or_else(unknown)?;
            let rules = rules.get(instrument_id).ok_or_else(unknown)?;
            Ok((subject_ref, publish(rules, subject)?))
        };
        self.result.subjects.iter().map(image).collect()
    }
}

/// Scores the one bundle of a cycle; see [`score_rounds`].
pub fn score_bundle(files: &Files, methodology: &Methodology) -> Result<Scored> {
    score_rounds(None, files, methodology)
}

/// Scores bundles that passed their audit, by the methodology whose bytes they hold: the last one, and the one of the
/// round before where there is one. The reviews of both are counted together, as if there had been one round.
///
/// `malformed` where a file is missing or an envelope cannot be read; `internal` where the methodology does not fit the
/// manifest, which the audit rules out.
pub fn score_rounds(earlier: Option<&Files>, files: &Files, methodology: &Methodology) -> Result<Scored> {
    let manifest = all_subjects(earlier, files)?;
    let reader = Reader::new(&manifest, methodology)?;
    let mut sheets = reader.read(files)?;
    let accepted = sheets.iter().map(|(subject_ref, own)| (*subject_ref, own.accepted)).collect();
    reader.add_earlier(&mut sheets, earlier)?;
    let algorithm = if reader.forms.is_some() { ALGORITHM } else { developmental::ALGORITHM };
    let mut result = RoundResult {
        algorithm: algorithm.to_owned(),
        earlier: earlier.map(|bundle| get(bundle, INDEX)).transpose()?.map(|index| sha256(&[index])),
        instruments: Vec::new(),
        subjects: Vec::new(),
    };
    if reader.forms.is_none() {
        let decision_min = methodology.counts.decision_min as usize;
        result.subjects.extend(manifest.subjects.iter().map(|subject| {
            let own = sheets.remove(&subject.subject_ref).unwrap_or_default();
            let status = developmental::status_of(own.choosing, decision_min);
            let statements = reader.statements.told(status, &own.choices);
            developmental::subject_result(subject.subject_ref.to_string(), own.choosing, status, statements)
        }));
    }
    for (instrument_id, form) in reader.forms.iter().flatten() {
        let (mut names, mut panels, mut choices) = (Vec::new(), Vec::new(), HashMap::new());
        for subject in manifest.subjects.iter().filter(|subject| subject.instrument_id == *instrument_id) {
            let name = subject.subject_ref.to_string();
            let own = sheets.remove(&subject.subject_ref).unwrap_or_default();
            panels.push(Panel::new(&form.rules, own.rows)?);
            choices.insert(name.clone(), own.choices);
            names.push(name);
        }
        let mut sealed = document(&form.rules, &names, &score_cycle(&form.rules, &panels)?)?;
        for subject in &mut sealed.subjects {
            let own = choices.get(&subject.subject_ref).map(|own| reader.statements.told(subject.status, own));
            subject.statements = own.unwrap_or_default();
        }
        result.instruments.push(InstrumentSpread {
            instrument_id: (*instrument_id).to_owned(),
            keys_variance_millionths: sealed.keys_variance_millionths,
            criteria: sealed.criteria,
        });
        result.subjects.extend(sealed.subjects);
    }
    result.subjects.sort_unstable_by(|a, b| a.subject_ref.cmp(&b.subject_ref));
    let Reader { forms, instrument_of, .. } = reader;
    Ok(Scored {
        result,
        accepted,
        rules: forms.map(|forms| forms.into_iter().map(|(id, form)| (id.to_owned(), form.rules)).collect()),
        instrument_of: instrument_of.into_iter().map(|(name, instrument)| (name, instrument.to_owned())).collect(),
    })
}

/// What the reviews that count say, item by item, by subject and in no order that names one: for an auditor, who holds the
/// reviews, to look at how the form was used. Empty where nothing is marked; else as [`score_rounds`].
pub fn marks(earlier: Option<&Files>, files: &Files, methodology: &Methodology) -> Result<Vec<Vec<Vec<Option<u8>>>>> {
    let manifest = all_subjects(earlier, files)?;
    let reader = Reader::new(&manifest, methodology)?;
    let mut sheets = reader.read(files)?;
    reader.add_earlier(&mut sheets, earlier)?;
    let mut panels = Vec::new();
    for subject in &manifest.subjects {
        let form = reader.forms.as_ref().and_then(|forms| forms.get(subject.instrument_id.as_str()));
        let (Some(form), Some(own)) = (form, sheets.remove(&subject.subject_ref)) else { continue };
        let given = |mark: &u8| Some(*mark).filter(|mark| *mark != NO_BASIS);
        panels.push(own.rows.chunks(form.places.len()).map(|row| row.iter().map(given).collect()).collect());
    }
    Ok(panels)
}

/// The manifest that names all subjects of a cycle: whoever has a second round had a first one under the same name.
fn all_subjects(earlier: Option<&Files>, files: &Files) -> Result<Manifest> {
    last_manifest(earlier.unwrap_or(files))
}

fn last_manifest(files: &Files) -> Result<Manifest> {
    let manifests: Vec<Manifest> =
        serde_json::from_slice(get(files, MANIFESTS)?).map_err(|_| Error::from(Code::Malformed))?;
    manifests.into_iter().next_back().ok_or_else(|| Code::Malformed.into())
}

/// SHA-256 of the reviews that results are computed from: the file of the last round, or those of both, the first one
/// first.
pub fn input_digest(earlier: Option<&Files>, files: &Files) -> Digest {
    let reviews = |bundle| Files::get(bundle, ENVELOPES).map(Vec::as_slice).unwrap_or_default();
    sha256(&[earlier.map(reviews).unwrap_or_default(), reviews(files)])
}

/// The rules of scoring that a methodology gives for one of its instruments; `internal` where it has no such one, or no
/// numbers.
pub fn scoring_rules(methodology: &Methodology, instrument_id: &str) -> Result<Rules> {
    let criteria = methodology.criteria_of(instrument_id);
    let criteria = criteria.ok_or_else(|| Error::internal("the methodology has no such instrument"))?;
    let publish_step = methodology.publish_step.and_then(|step| PublishStep::from_hundredths(i64::from(step)));
    let scale = methodology.scale.ok_or_else(|| Error::internal("nothing is scored without a scale"))?;
    Rules::new(RuleValues {
        scale: Scale { min: scale.min, max: scale.max, step: scale.step },
        criteria: criteria
            .into_iter()
            .map(|criterion| Criterion {
                code: criterion.code.to_owned(),
                weight: criterion.weight,
                items: criterion.items.len(),
            })
            .collect(),
        display_min: methodology.counts.display_min as usize,
        decision_min: methodology.counts.decision_min as usize,
        kept_min: methodology.counts.kept_min as usize,
        publish_step: publish_step.ok_or_else(|| Error::internal("the methodology publishes to a forbidden step"))?,
        expected_hundredths: i64::from(scale.expected) * 100,
    })
}

fn forms<'a>(
    methodology: &'a Methodology,
    scale: methodology::Scale,
    used: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<&'a str, Form<'a>>> {
    let mut forms = BTreeMap::new();
    for instrument_id in used {
        if !forms.contains_key(instrument_id) {
            let rules = scoring_rules(methodology, instrument_id)?;
            let criteria = methodology.criteria_of(instrument_id).unwrap_or_default();
            let codes = criteria.into_iter().flat_map(|criterion| criterion.items);
            forms.insert(instrument_id, Form { rules, scale, places: codes.zip(0..).collect() });
        }
    }
    Ok(forms)
}

impl<'a> Reader<'a> {
    fn new(manifest: &'a Manifest, methodology: &'a Methodology) -> Result<Self> {
        let used = manifest.subjects.iter().map(|subject| (subject.subject_ref, subject.instrument_id.as_str()));
        let instrument_of: HashMap<Ref, &str> = used.collect();
        let forms = match methodology.scale {
            Some(scale) => Some(forms(methodology, scale, instrument_of.values().copied())?),
            None => None,
        };
        let statement_min = methodology.counts.statement_min as usize;
        let statements = StatementRules::new(&methodology.statements, statement_min)?;
        Ok(Reader { forms, instrument_of, statements })
    }

    /// What a bundle says of every subject, read by as many threads as there are cores.
    fn read(&self, bundle: &Files) -> Result<HashMap<Ref, Sheets>> {
        let lines = split_lines(get(bundle, ENVELOPES)?)?;
        let share = lines.len().div_ceil(cores()).max(1);
        let read_share = |lines: &[&[u8]]| {
            let mut sheets = HashMap::new();
            lines.iter().try_for_each(|line| self.read_line(line, &mut sheets)).map(|()| sheets)
        };
        let shares = std::thread::scope(|scope| {
            let workers: Vec<_> = lines.chunks(share).map(|lines| scope.spawn(move || read_share(lines))).collect();
            let died = |_| Err(Error::internal("a reader of envelopes died"));
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect::<Result<Vec<_>>>()
        })?;
        let mut sheets = HashMap::new();
        for part in shares {
            merge(&mut sheets, part);
        }
        Ok(sheets)
    }

    /// Adds what the round before said, where there was one.
    fn add_earlier(&self, sheets: &mut HashMap<Ref, Sheets>, earlier: Option<&Files>) -> Result<()> {
        if let Some(earlier) = earlier {
            merge(sheets, self.read(earlier)?);
        }
        Ok(())
    }

    fn read_line(&self, line: &[u8], sheets: &mut HashMap<Ref, Sheets>) -> Result<()> {
        let malformed = || Error::from(Code::Malformed);
        let said = serde_json::from_slice::<Line<'_>>(line).map_err(|_| malformed())?.body;
        let Said { subject_ref, marks, statements } = said;
        let own = sheets.entry(subject_ref).or_default();
        own.accepted += 1;
        let Some(forms) = &self.forms else {
            if !marks.is_empty() {
                return Err(malformed());
            }
            // Whoever chose nothing has withdrawn what was said, so there is no review to count.
            own.choosing += usize::from(!statements.is_empty());
            return self.statements.count(&mut own.choices, &statements);
        };
        if marks.values().all(Option::is_none) {
            // Withdrawn, or nothing but statements: no answer, so no review to count.
            return Ok(());
        }
        let form = self.instrument_of.get(&subject_ref).and_then(|instrument_id| forms.get(instrument_id));
        let form = form.ok_or_else(malformed)?;
        let mut row = vec![NO_BASIS; form.places.len()];
        for (code, mark) in marks {
            let Some(mark) = mark else { continue };
            let place = form.places.get(code).and_then(|place| row.get_mut(*place)).ok_or_else(malformed)?;
            let mark = u8::try_from(mark).map_err(|_| malformed())?;
            // The box checks the range alone; between the steps of a coarser scale there is no mark, so no answer.
            *place = if form.scale.contains(mark) { mark } else { NO_BASIS };
        }
        if form.rules.is_answered(&row) {
            // A review that answers no criterion is not among the n that the statements are told of.
            self.statements.count(&mut own.choices, &statements)?;
        }
        own.rows.extend(row);
        Ok(())
    }
}

/// Adds what another part of the reviews says; marks are scored alike in any order.
fn merge(sheets: &mut HashMap<Ref, Sheets>, part: HashMap<Ref, Sheets>) {
    for (subject_ref, part) in part {
        let whole = sheets.entry(subject_ref).or_default();
        whole.rows.extend(part.rows);
        whole.choices.merge(&part.choices);
        whole.accepted += part.accepted;
        whole.choosing += part.choosing;
    }
}
