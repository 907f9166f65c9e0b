//! `ejf demo`: the whole main job on invented people, through the public HTTP API alone. A newcomer would reach into the
//! database where that is quicker; what staff, judges and peers cannot do over HTTP, the demonstration must not do
//! either. Only the first account is made on the server, and only here and in tests can the clock be moved.
//!
//! The same seed gives the same figures. Panels are another matter: the service makes the seed of its draw itself, as it
//! must, so who reviews whom differs each time, and what is written does not (see `reviewers`).

mod auditing;
mod collection;
mod comparison;
mod deciding;
mod dice;
mod people;
mod preparation;
mod progress;
mod ratings;
mod reviewers;
mod staff;
mod stage;
mod table;
pub mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::credential::encoding::{Ref, random, to_base64url};
use crate::credential::key_source::KeySource;
use crate::credential::tally::scoring_rules;
use crate::domain::methodology::Methodology;
use crate::domain::scoring::publication::Published;
use crate::error::{Error, Result};

use comparison::known_results;
use deciding::{Commission, Decided};
use people::People;
use preparation::{Cycle, Registered, Staff};
use progress::Steps;
use ratings::{Rated, rated_judges};
use reviewers::{Review, reviews_of};
use staff::Wire;
use stage::Stage;
use table::{Line, Timing};
use trace::Trace;

/// Judges evaluated where no number is given: those who were rated.
pub const JUDGES_DEFAULT: u16 = 43;
/// The fewest judges that a cycle of the default methodology takes.
pub const JUDGES_MIN: u16 = 10;
/// The most judges that the lists of names serve.
pub const JUDGES_MAX: u16 = 500;

/// The instrument of everybody who is evaluated.
const INSTRUMENT_ID: &str = "judge-1";

/// What a demonstration is asked to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Settles every figure.
    pub seed: u64,
    /// How many judges are evaluated, [`JUDGES_MIN`] to [`JUDGES_MAX`].
    pub judges: u16,
    /// A PostgreSQL server for the stores; none for two SQLite files.
    pub database_url: Option<String>,
    /// Whether every call to the registry is written down.
    pub trace: Trace,
}

/// A demonstration that has run, with both services still at work.
pub struct Demo {
    lines: Vec<Line>,
    decided: Decided,
    timings: Vec<Timing>,
    surprises: Vec<String>,
    password: Arc<str>,
    stage: Stage,
}

impl Demo {
    /// Runs the main job from start to end; `keys` is what the issuer's keys come from.
    ///
    /// # Errors
    /// Whatever a step was refused for, naming the call and the answer.
    pub async fn play(options: &Options, keys: KeySource) -> Result<Demo> {
        let people = People::invent(options.seed, usize::from(options.judges))?;
        let rated = rated_judges()?;
        let methodology = Methodology::standard()?;
        let panel_size = usize::try_from(methodology.counts.panel_size).map_err(Error::internal)?;
        let reviews = reviews(options.seed, &people, &rated, panel_size);
        let known = known_results(&scoring_rules(&methodology, INSTRUMENT_ID)?, &reviews)?;

        let mut steps = Steps::default();
        let starting = steps.begin("starting both services", 1);
        let stage = Stage::open(options.database_url.as_deref(), keys).await?;
        steps.end(starting);
        let password: Arc<str> = format!("demo-{}", to_base64url(&random::<15>()?)).into();
        let (results, decided) = perform(&stage, options, (&people, &rated), &reviews, &password, &mut steps).await?;

        let mut lines = Vec::with_capacity(results.len());
        let mut surprises = Vec::new();
        for (((judge, reviews), known), result) in people.subjects.iter().zip(&reviews).zip(&known).zip(results) {
            if result != known.published {
                surprises.push(judge.external_id.clone());
            }
            let names = (judge.external_id.as_str(), judge.full_name_kk.as_str(), judge.full_name_ru.as_str());
            lines.push(Line::new(names, reviews, known, result));
        }
        let timings = steps.into_timings(collection::KEY_STEP);
        Ok(Demo { lines, decided, timings, surprises, password, stage })
    }

    /// The judges for whom the service published something else than the reviews give; empty is good.
    pub fn surprises(&self) -> &[String] {
        &self.surprises
    }

    /// Results, the decision and timings for a program.
    pub fn json(&self) -> Value {
        table::json(&self.lines, &self.decided, &self.timings)
    }

    /// Results, the decision and timings for a reader.
    pub fn table(&self) -> String {
        table::table(&self.lines, &self.decided, &self.timings)
    }

    /// Where both services are and who may log in.
    pub fn addresses(&self) -> String {
        let (registry, ballot_box) = (self.stage.registry_url(), self.stage.ballot_url());
        format!(
            "A demonstration with invented people: not for real cycles.\n\
             registry    {registry}   (its document: {registry}/docs)\n\
             ballot box  {ballot_box}\n\
             accounts    administrator, secretary, second-secretary, member, auditor, second-auditor;\n\
             \x20           judges s001, s002, … (evaluated), p001, p002, … (peers) and c001 to c004 (of the commission)\n\
             password    {} (of all; hashed with the OWASP minimum for Argon2id, less than a real service takes)\n\
             stores      {} (removed at the end)\n",
            self.password,
            self.stage.places()
        )
    }

    /// Lets the clock go on at the rate of the machine's, serves until an interrupt comes, and removes the stores.
    pub async fn serve(self) -> Result<()> {
        self.stage.clock.let_tick();
        let mut terminated = signal(SignalKind::terminate()).map_err(Error::internal)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Error::internal)?,
            _ = terminated.recv() => {}
        }
        self.close().await;
        Ok(())
    }

    /// Stops both services and removes the stores.
    pub async fn close(self) {
        self.stage.close().await;
    }
}

/// The reviews of each subject.
fn reviews(seed: u64, people: &People, rated: &[Rated], panel_size: usize) -> Vec<Vec<Review>> {
    let judges = people.subjects.iter().zip(rated.iter().cycle()).enumerate();
    judges
        .map(|(number, (judge, rated))| reviews_of(seed, &judge.external_id, number, &rated.expected(), panel_size))
        .collect()
}

/// The acts of the demonstration, in the order in which a Council performs them; the published results of the subjects, and
/// what became of the first.
async fn perform(
    stage: &Stage,
    options: &Options,
    (people, rated): (&People, &[Rated]),
    reviews: &[Vec<Review>],
    password: &Arc<str>,
    steps: &mut Steps,
) -> Result<(Vec<Published>, Decided)> {
    let wire = Wire::to(stage.registry_url(), options.trace)?;
    let staff = preparation::engage_staff(stage, &wire, password).await?;
    let registered = preparation::import(&staff, &wire, people, rated, password, steps).await?;
    let commission = Commission::engage(&staff, &wire, people, password).await?;

    let step = steps.begin("opening and drawing", 1);
    let methodology_id = preparation::publish_methodology(&staff).await?;
    preparation::declare_conflicts(&staff, people, &registered).await?;
    let today = stage.clock.now().date_naive();
    let mut cycle = Cycle::open(&staff, people, &registered, &methodology_id, today).await?;
    preparation::draw_panels(stage, &staff, &cycle).await?;
    step.advance();
    steps.end(step);

    collection::make_keys(&staff, &cycle, steps, people.subjects.len()).await?;
    let round = collection::freeze_manifest(stage, &staff, &mut cycle).await?;
    let judges = (people, &registered);
    let cards = collection::issue(stage, &staff, &cycle, &round, judges, options.trace, steps).await?;
    let named = named_reviews(&staff, &cycle, judges, reviews).await?;
    collection::submit(stage, &staff, &cycle, &round, cards, &named, steps).await?;
    collection::seal(stage, &staff, &cycle, &round, steps).await?;
    let results = collection::aggregate(stage, &staff, &cycle, &round, judges, steps).await?;
    let first = people.subjects.first().zip(results.first());
    let (judge, result) = first.ok_or_else(|| Error::internal("nobody is evaluated in the demo"))?;
    let decided = commission.decide(stage, &staff, &cycle, (judge, &registered, result), steps).await?;
    Ok((results, decided))
}

/// The reviews under the box's names of their subjects.
async fn named_reviews<'a>(
    staff: &Staff,
    cycle: &Cycle,
    (people, registered): (&People, &Registered),
    reviews: &'a [Vec<Review>],
) -> Result<BTreeMap<Ref, &'a [Review]>> {
    let refs = collection::subject_refs(staff, cycle).await?;
    let mut named = BTreeMap::new();
    for (judge, reviews) in people.subjects.iter().zip(reviews) {
        let subject_ref = refs.get(registered.judge_id(judge)?);
        let subject_ref = subject_ref.ok_or_else(|| Error::internal("a subject of the demo has no name at the box"))?;
        named.insert(*subject_ref, reviews.as_slice());
    }
    Ok(named)
}
