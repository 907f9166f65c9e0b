//! A national cycle from its sealed bundle on disk to stored results, beside the reading alone. A newcomer would build the
//! bundle through the box and the registry; what aggregation reads does not depend on who signed it, so the bundle is
//! written with random bytes where signatures and keys would be, of their length, and the cycle is loaded as rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};

use super::ballots::{self, INSTRUMENT_ID, ISSUER_ID};
use super::report::Single;
use super::{aside, cores};
use crate::app::ThrowawayStores;
use crate::credential::bundle::{Counts, ENVELOPES, Files, INDEX, Index, LEAVES, MANIFESTS, METHODOLOGY, SUPERSEDED};
use crate::credential::encoding::{Bytes, Ref, fill_random, random, sha256};
use crate::credential::envelope::{Body, Credential, Envelope};
use crate::credential::jcs;
use crate::credential::manifest::{Purpose, Subject};
use crate::db::{Conn, Db, Purpose as StorePurpose, Registry, migrate};
use crate::domain::calendar::WorkCalendar;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::{EvaluationKind, Phase};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{self, AccountId, CycleId, EvaluationId, JobId, JudgeId, MethodologyId};
use crate::domain::methodology::Methodology;
use crate::domain::policy::StaffRole;
use crate::error::{Error, Result};
use crate::publication::{Folder, RoundFolder};
use crate::store;
use crate::store::accounts::Account;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;
use crate::store::jobs::{Job, JobKind, JobState};
use crate::store::judges::{Judge, KeptIin};
use crate::store::methodologies::MethodologyRow;
use crate::workflow::{issuance, results};

/// Reviews of each subject.
const PANEL_SIZE: usize = 14;
/// Bytes of a 3072-bit public key in DER.
const SPKI_SIZE: usize = 422;
/// Bytes of a leaf.
const LEAF_SIZE: usize = 32;
/// How often it is run; the best run is told.
const AGGREGATIONS: usize = 3;
/// Evaluations of one write of the loader.
const LOADED_AT_ONCE: usize = 5000;

/// The registry that the results are stored in, and the cycle there.
struct Loaded {
    registry: Registry,
    cycle: CycleId,
    job: JobId,
    last: EvaluationId,
    now: DateTime<Utc>,
    // Dropped last: the store goes with it.
    _stores: ThrowawayStores,
}

/// How long the way from a sealed bundle on disk to stored results takes, as the registry's job goes it but for the check of
/// the bundle's signatures, which is measured on real ones by itself; and that beside the reading alone.
pub(super) async fn aggregation(
    folder: &Path,
    subject_count: usize,
    database_url: Option<&str>,
    now: DateTime<Utc>,
) -> Result<[Single; 2]> {
    let cycle_ref = Ref::random()?;
    let round = Folder::new(folder).round(&cycle_ref, 1);
    let making = round.clone();
    let (manifest, refs) = aside(move || {
        let methodology = Methodology::standard()?;
        let (mut files, refs) = bundle(cycle_ref, subject_count, &methodology)?;
        making.write_bundle(&files)?;
        Ok((files.remove(MANIFESTS).unwrap_or_default(), refs))
    })
    .await?;
    let loaded = Loaded::open(database_url, cycle_ref, manifest, refs, now).await?;
    let (mut best, mut reading) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..AGGREGATIONS {
        let from = round.clone();
        let started = Instant::now();
        let read = aside(move || read(&from)).await?;
        reading = reading.min(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let scored = loaded.compute(&round).await?;
        best = best.min(started.elapsed().as_secs_f64());
        if (read, scored) != (subject_count * PANEL_SIZE, subject_count) {
            return Err(Error::internal("the aggregation lost a review or a subject"));
        }
    }
    Ok([
        Single {
            key: "aggregation_seconds",
            name: "aggregation of a cycle",
            value: best,
            unit: "s",
            note: "all subjects × 14 reviews × 15 items: reading the bundle's files (from the page cache), scoring, result.json \
                   and the index on disk, and the row of each result and count stored",
        },
        Single {
            key: "aggregation_against_reading",
            name: "aggregation against reading",
            value: best / reading,
            unit: "×",
            note: "the same against reading the files and every envelope in them strictly, on as many cores",
        },
    ])
}

/// Reads a bundle and every envelope in it, and nothing else; how many there are.
fn read(round: &RoundFolder) -> Result<usize> {
    let files = bundle_of(round)?;
    let envelopes = files.get(ENVELOPES).map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<&[u8]> = envelopes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let share = lines.len().div_ceil(cores()).max(1);
    let read_share = |lines: &[&[u8]]| {
        let mut envelopes = lines.iter().map(|line| serde_json::from_slice::<Envelope>(line).map_err(Error::internal));
        envelopes
            .try_fold(0_usize, |count, envelope| envelope.map(|envelope| std::hint::black_box((count + 1, envelope)).0))
    };
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = lines.chunks(share).map(|lines| scope.spawn(move || read_share(lines))).collect();
        let died = |_| Err(Error::internal("a reader of envelopes died"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect::<Result<Vec<_>>>()
    })?;
    Ok(counts.into_iter().sum())
}

impl Loaded {
    /// A registry in which such a cycle is sealed and has no results yet.
    async fn open(
        database_url: Option<&str>,
        cycle_ref: Ref,
        manifest: Vec<u8>,
        refs: Vec<Ref>,
        now: DateTime<Utc>,
    ) -> Result<Loaded> {
        let stores = ThrowawayStores::create("aggregation", database_url)?;
        let config = stores.config(&[])?;
        let registry = Db::open_registry(&config.database, config.pool_size)?;
        registry.0.maintain(|conn, _| migrate(conn, StorePurpose::Registry)).await?;
        let (cycle, job) = (CycleId(ids::new_at(now)), JobId(ids::new_at(now)));
        registry.0.write(move |conn| load_cycle(conn, (cycle, job), cycle_ref, &manifest, now)).await?;
        let ids: Vec<(EvaluationId, Ref)> =
            refs.into_iter().map(|subject_ref| (EvaluationId(ids::new_at(now)), subject_ref)).collect();
        let last = ids.last().map(|(id, _)| *id).ok_or_else(|| Error::internal("a cycle without subjects"))?;
        for some in ids.chunks(LOADED_AT_ONCE) {
            let some = some.to_vec();
            registry.0.write(move |conn| load_subjects(conn, cycle, &some, now)).await?;
        }
        Ok(Loaded { registry, cycle, job, last, now, _stores: stores })
    }

    /// From the bundle to stored results; how many there are.
    async fn compute(&self, round: &RoundFolder) -> Result<usize> {
        let (cycle, job, last, now) = (self.cycle, self.job, self.last, self.now);
        let expected = self.registry.0.read(move |conn| results::load(conn, cycle)).await?;
        let folder = round.clone();
        let computed = aside(move || {
            let files = results::without_unfinished_result(bundle_of(&folder)?)?;
            let computed = results::compute(&expected, None, files)?;
            folder.write_result(&computed.files)?;
            Ok(Arc::new(computed))
        })
        .await?;
        let storing = computed.clone();
        self.registry.0.write(move |conn| results::put(conn, job, cycle, &storing, now)).await?;
        let stored = self.registry.0.read(move |conn| store::results::find(conn, last)).await?;
        stored.map(|_| computed.subject_count()).ok_or_else(|| Error::internal("the last subject has no result"))
    }
}

/// The sealed cycle, its documents, and the job that computes it.
fn load_cycle(
    conn: &mut Conn,
    (cycle_id, job_id): (CycleId, JobId),
    cycle_ref: Ref,
    manifest: &[u8],
    now: DateTime<Utc>,
) -> Result<()> {
    let account = Account {
        id: AccountId(ids::new_at(now)),
        login: "bench".to_owned(),
        full_name: None,
        password_hash: "none".to_owned(),
        staff_role: Some(StaffRole::Secretary),
        judge_id: None,
        is_closed: false,
        version: 1,
        created_at: now.naive_utc(),
    };
    store::accounts::insert(conn, &account)?;
    let methodology = Methodology::standard()?;
    let row = MethodologyRow {
        id: MethodologyId(ids::new_at(now)),
        code: methodology.code.clone(),
        edition: 1,
        state: "published".to_owned(),
        document: serde_json::to_string(&methodology).map_err(Error::internal)?,
        digest: String::new(),
        has_draft_texts: false,
        created_at: now.naive_utc(),
        published_at: Some(now.naive_utc()),
        version: 1,
    };
    store::methodologies::insert(conn, &row)?;
    let cycle = Cycle {
        id: cycle_id,
        methodology_id: row.id,
        evaluating_body: "supreme_judicial_council".to_owned(),
        title_kk: "x".to_owned(),
        title_ru: "x".to_owned(),
        title_en: None,
        phase: Phase::Sealed,
        cycle_ref: Some(cycle_ref.0.to_vec()),
        round: 1,
        generation: 0,
        manifest_digest: None,
        receipt_key: None,
        sealed_on: Some(now.date_naive()),
        bundle_digest: None,
        cancel_reason: None,
        created_at: now.naive_utc(),
        version: 1,
    };
    store::cycles::insert(conn, &cycle, &CycleDates::derive(&methodology, now.date_naive(), &WorkCalendar::default()))?;
    let documents = [
        (issuance::manifest_file(0), manifest),
        (issuance::METHODOLOGY_FILE.to_owned(), row.document.as_bytes()),
        (issuance::ledger_file(ISSUER_ID, 0), b"{}"),
    ];
    for (name, content) in documents {
        store::cycles::put_document(conn, cycle_id, 1, &name, content)?;
    }
    let job = Job {
        id: job_id,
        kind: JobKind::ComputeResults,
        object_id: cycle_id.to_string(),
        state: JobState::Running,
        done_count: 0,
        total_count: 0,
        error: None,
        requested_by: Some(account.id),
        requested_by_client: None,
        created_at: now.naive_utc(),
        finished_at: None,
        version: 1,
        started_at: None,
        started_count: 0,
        progressed_at: None,
    };
    store::jobs::insert(conn, &job)
}

/// The subjects of the cycle, each a judge of its own.
fn load_subjects(
    conn: &mut Conn,
    cycle_id: CycleId,
    subjects: &[(EvaluationId, Ref)],
    now: DateTime<Utc>,
) -> Result<()> {
    for (id, subject_ref) in subjects {
        let judge = Judge {
            id: JudgeId(ids::new_at(now)),
            full_name_kk: "x".to_owned(),
            full_name_ru: "x".to_owned(),
            full_name_en: None,
            first_appointed_on: NaiveDate::default(),
            batch_id: None,
            version: 1,
        };
        let iin = KeptIin { sealed: random::<40>()?.to_vec(), hash: random::<32>()?.to_vec() };
        store::judges::insert(conn, &judge, &iin)?;
        let evaluation = Evaluation {
            id: *id,
            cycle_id,
            judge_id: judge.id,
            kind: EvaluationKind::Periodic,
            instrument_id: INSTRUMENT_ID.to_owned(),
            state: EvaluationState::Collecting,
            subject_ref: Some(subject_ref.0.to_vec()),
            version: 1,
            last_round: 1,
            final_on: None,
        };
        store::evaluations::insert(conn, &evaluation)?;
    }
    Ok(())
}

fn bundle_of(round: &RoundFolder) -> Result<Files> {
    round.bundle()?.ok_or_else(|| Error::internal("the bundle is not whole"))
}

/// A bundle of so many subjects with a full panel each; every file has the size of a real one.
fn bundle(cycle_ref: Ref, subject_count: usize, methodology: &Methodology) -> Result<(Files, Vec<Ref>)> {
    let mut subjects = (0..subject_count)
        .map(|_| {
            let mut spki = vec![0; SPKI_SIZE];
            fill_random(&mut spki)?;
            let key = ballots::subject_key(sha256(&[&spki]), spki);
            Ok(Subject { keys: vec![key], ..ballots::subject(Ref::random()?) })
        })
        .collect::<Result<Vec<_>>>()?;
    subjects.sort_unstable_by_key(|subject| subject.subject_ref);
    let codes: Vec<String> =
        methodology.items_of(INSTRUMENT_ID).unwrap_or_default().into_iter().map(|item| item.code.clone()).collect();
    let (mut envelopes, mut leaves) = (Vec::new(), Vec::new());
    for subject in &subjects {
        for _ in 0..PANEL_SIZE {
            envelopes.extend(dummy(cycle_ref, subject, &codes)?.to_bytes()?);
            envelopes.push(b'\n');
            leaves.extend(Bytes::<32>::random()?.0);
        }
    }
    let refs = subjects.iter().map(|subject| subject.subject_ref).collect();
    let manifest = ballots::manifest(cycle_ref, Bytes::random()?, subjects, NaiveDate::default())?;
    let json = |manifests: &[_]| serde_json::to_vec(manifests).map_err(Error::internal);
    let counts = Counts { leaves: (leaves.len() / LEAF_SIZE) as u64, ..Counts::default() };
    let index = Index { v: 1, cycle_ref, round: 1, files: BTreeMap::new(), counts };
    let files = [
        (MANIFESTS, json(&[manifest])?),
        (METHODOLOGY, serde_json::to_vec(methodology).map_err(Error::internal)?),
        (LEAVES, leaves),
        (ENVELOPES, envelopes),
        (SUPERSEDED, Vec::new()),
        (INDEX, jcs::canonical(&index)?),
    ];
    Ok((files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(), refs))
}

/// An envelope with marks drawn at random and nothing that anybody signed.
fn dummy(cycle_ref: Ref, subject: &Subject, codes: &[String]) -> Result<Envelope> {
    let mut random = vec![0u8; codes.len()];
    fill_random(&mut random)?;
    let marks = codes.iter().zip(random).map(|(code, byte)| (code.clone(), Some(i64::from(byte % 5) + 1)));
    let body = Body {
        v: 1,
        cycle_ref,
        round: 1,
        subject_ref: subject.subject_ref,
        manifest_digest: Bytes::random()?,
        seq: 1,
        prev: Vec::new(),
        nonce: Bytes::random()?,
        purpose: Purpose::Marks.as_str().to_owned(),
        marks: marks.collect(),
        statements: vec!["s01".to_owned(), "s05".to_owned()],
    };
    let credential = Credential {
        issuer_id: ISSUER_ID.to_owned(),
        key_id: Bytes::random()?,
        prefix: Bytes::random()?,
        sig: Bytes::random()?,
    };
    Ok(Envelope { epk: Bytes::random()?, credentials: vec![credential], body, sig: Bytes::random()? })
}
