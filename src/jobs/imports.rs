//! Takes files of records in. A newcomer's usual mistake is to take a refusal for a failure: a file whose rows are refused
//! was read to its end, and the job is done; the import tells what became of it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDateTime;
use tokio::sync::mpsc;

use super::{Workshop, aside};
use crate::cipher::Use;
use crate::db::Conn;
use crate::domain::caller::{Caller, Machine};
use crate::domain::ids::{ImportId, JobId, SessionId};
use crate::domain::imports::{DryRun, ImportMode, Tally};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::imports::cells::{Column, SourceRow};
use crate::imports::source::{Ended, Source, Unreadable};
use crate::imports::{BATCH_ROWS, Passed, Run, Terms, kind, reconcile};
use crate::store;
use crate::store::imports::Import;
use crate::store::jobs::Job;

/// Rows that are taken in for good at a time where a file is taken in by parts.
const PART_ROWS: usize = 4 * BATCH_ROWS;

/// A file with what is to be done with it.
struct Load {
    import: Import,
    source: Source,
    terms: Arc<Terms>,
}

/// Takes a file in, or goes on where a stop left off. The file is deleted with the end of the work, whatever it is.
pub async fn take_in(shop: &Workshop, job: &Job) -> Result<()> {
    let id: ImportId = job.object_id.parse().map_err(Error::internal)?;
    let taken = take_loaded(shop, job, id).await;
    if taken.is_err() {
        shop.registry.0.write(move |conn| store::imports::delete_file(conn, id)).await?;
    }
    taken
}

async fn take_loaded(shop: &Workshop, job: &Job, id: ImportId) -> Result<()> {
    let load = load(shop, job.id, id).await?;
    let (looked_at, columns) = (load.source.clone(), kind(load.import.record_type).columns());
    let found = aside(move || looked_at.look_through(columns)).await?;
    let (job_id, done, charset) = (job.id, job.done_count, load.source.charset());
    let (total, broken) = match found {
        Ok(total) => (total, None),
        Err(unreadable) => (0, Some(unreadable)),
    };
    let now = load.terms.now.naive_utc();
    shop.registry
        .0
        .write(move |conn| {
            if let Some(charset) = charset {
                store::imports::set_charset(conn, id, charset)?;
            }
            store::jobs::start(conn, job_id, done, total, now)
        })
        .await?;
    match (broken, load.import.mode, load.import.dry_run) {
        (Some(unreadable), _, _) => refuse_whole(shop, job, load, unreadable).await,
        (None, ImportMode::Partial, DryRun::No) => take_by_parts(shop, job, load).await,
        (None, ImportMode::Atomic | ImportMode::Partial, _) => take_whole(shop, job, load, total).await,
    }
}

/// Ends the work of a file that cannot be read to its end, in whatever mode: nobody can tell what its rows are.
async fn refuse_whole(shop: &Workshop, job: &Job, load: Load, unreadable: Unreadable) -> Result<()> {
    let (job_id, id, terms) = (job.id, load.import.id, load.terms);
    shop.registry
        .0
        .write(move |conn| {
            let mut run = Run::new(&terms, Tally::default());
            run.break_off(unreadable.clone());
            let passed = run.abandon();
            store::imports::progress(conn, id, passed.tally, &passed.findings, false)?;
            finish(conn, job_id, id, 0, terms.now.naive_utc())
        })
        .await
}

/// The file, opened, and who sent it as the registry knows them now: a right that was taken away since is gone.
async fn load(shop: &Workshop, job_id: JobId, id: ImportId) -> Result<Load> {
    let (import, sealed, caller) = shop
        .registry
        .0
        .read(move |conn| {
            let import = store::imports::find(conn, id)?.ok_or(Code::NotFound)?;
            let sealed = store::imports::find_file(conn, id)?;
            let sealed = sealed.ok_or_else(|| Error::internal("the file of an import is gone"))?;
            let caller = sender(conn, &import)?;
            Ok((import, sealed, caller))
        })
        .await?;
    policy::may_write_files(&caller)?;
    let opened = shop.cipher.open(Use::ImportFile, import.id.0.as_bytes(), &sealed)?;
    let bytes = opened.ok_or_else(|| Error::internal("the file of an import does not open"))?;
    drop(sealed);
    let (format, named) = (import.file_format, import.charset);
    let source = aside(move || Ok(Source::new(format, bytes, named))).await?;
    let terms = Terms {
        import_id: import.id,
        caller,
        cipher: shop.cipher.clone(),
        now: shop.clock.now(),
        charset: source.charset(),
        job_id,
        bell: shop.bell.clone(),
    };
    Ok(Load { import, source, terms: Arc::new(terms) })
}

fn sender(conn: &mut Conn, import: &Import) -> Result<Caller> {
    if let Some(account_id) = import.requested_by {
        let account = store::accounts::find(conn, account_id)?.filter(|account| !account.is_closed);
        let account = account.ok_or(Code::Forbidden)?;
        let (staff_role, judge_id) = (account.staff_role, account.judge_id);
        // No log-in is behind long work.
        let session_id = SessionId(uuid::Uuid::nil());
        return Ok(Caller::Person(Actor { account_id, session_id, staff_role, judge_id }));
    }
    let client_id = import.requested_by_client.ok_or_else(|| Error::internal("nobody has sent an import"))?;
    let client = store::clients::find(conn, client_id)?.filter(|client| !client.is_closed).ok_or(Code::Forbidden)?;
    let scopes = client.scopes();
    Ok(Caller::Machine(Machine { client_id, source_system: client.source_system, scopes }))
}

/// Takes in all rows in one transaction, which is undone where the file is not to be taken in.
async fn take_whole(shop: &Workshop, job: &Job, load: Load, total: i32) -> Result<()> {
    let Load { import, source, terms } = load;
    let (job_id, id, dry_run) = (job.id, import.id, import.dry_run);
    // Filled where the rows are through and are not to stay: the error that undoes them cannot carry it.
    let undone: Arc<Mutex<Option<Passed>>> = Arc::default();
    let slot = undone.clone();
    let ending = terms.clone();
    let taken = shop
        .registry
        .0
        .write(move |conn| {
            let mut run = Run::new(&ending, Tally::default());
            run.take_file(conn, kind(import.record_type), &source)?;
            run.reconcile(conn, kind(import.record_type))?;
            let stays = match dry_run {
                DryRun::No => run.tally().refused == 0,
                DryRun::Yes => false,
                DryRun::IfWarning => run.tally().is_spotless(),
            };
            if !stays {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.abandon());
                return Err(Code::Invalid.into());
            }
            let passed = run.pass(conn)?;
            store::imports::progress(conn, id, passed.tally, &passed.findings, true)?;
            store::reconciliation::save(conn, id, &passed.totals)?;
            finish(conn, job_id, id, total, ending.now.naive_utc())
        })
        .await;
    let passed = undone.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(passed) = passed.filter(|_| taken.is_err()) else { return taken };
    let now = terms.now.naive_utc();
    shop.registry
        .0
        .write(move |conn| {
            store::imports::progress(conn, id, passed.tally, &passed.findings, false)?;
            store::reconciliation::save(conn, id, &passed.totals)?;
            finish(conn, job_id, id, total, now)
        })
        .await
}

/// Takes in some rows after the other, each part for good: a stop in between loses at most the part under way.
async fn take_by_parts(shop: &Workshop, job: &Job, load: Load) -> Result<()> {
    let Load { import, source, terms } = load;
    let (job_id, id, record_type) = (job.id, import.id, import.record_type);
    let taken_before = usize::try_from(job.done_count).map_err(Error::internal)?;
    let (parts, mut arriving) = mpsc::channel(1);
    let reading = tokio::spawn(aside(move || read_parts(&source, kind(record_type).columns(), taken_before, &parts)));
    let mut tally = import.tally();
    while let Some(rows) = arriving.recv().await {
        let (terms, rows, now) = (terms.clone(), Arc::new(rows), shop.clock.now().naive_utc());
        let count = i32::try_from(rows.len()).map_err(Error::internal)?;
        tally = shop
            .registry
            .0
            .write(move |conn| {
                let mut run = Run::new(&terms, tally);
                for some in rows.chunks(BATCH_ROWS) {
                    run.take_rows(conn, kind(record_type), some)?;
                }
                let passed = run.pass(conn)?;
                store::imports::progress(conn, id, passed.tally, &passed.findings, true)?;
                let mut totals = store::reconciliation::load(conn, id)?;
                totals.add_all(&passed.totals);
                store::reconciliation::save(conn, id, &totals)?;
                store::jobs::count_done(conn, job_id, count, now)?;
                Ok(passed.tally)
            })
            .await?;
    }
    reading
        .await
        .map_err(Error::internal)??
        .map_err(|_| Error::internal("a file that was read to its end breaks off"))?;
    let now = shop.clock.now().naive_utc();
    shop.registry
        .0
        .write(move |conn| {
            let mut totals = store::reconciliation::load(conn, id)?;
            reconcile(conn, kind(record_type), &mut totals)?;
            store::reconciliation::save(conn, id, &totals)?;
            finish(conn, job_id, id, 0, now)
        })
        .await
}

/// Hands the rows after the first `taken_before` over in parts, until the file ends or nobody takes them any more.
fn read_parts(
    source: &Source,
    columns: &'static [Column],
    taken_before: usize,
    parts: &mpsc::Sender<Vec<SourceRow>>,
) -> Result<Ended> {
    let mut passed_over = 0;
    let mut part = Vec::new();
    let ended = source.read(columns, &mut |row| {
        if passed_over < taken_before {
            passed_over += 1;
            return Ok(());
        }
        part.push(row);
        if part.len() == PART_ROWS {
            return parts.blocking_send(std::mem::take(&mut part)).map_err(Error::internal);
        }
        Ok(())
    })?;
    if !part.is_empty() {
        parts.blocking_send(part).map_err(Error::internal)?;
    }
    Ok(ended)
}

/// Ends the work and deletes its file; `parts` were done by the end.
fn finish(conn: &mut Conn, job_id: JobId, id: ImportId, parts: i32, now: NaiveDateTime) -> Result<()> {
    store::imports::delete_file(conn, id)?;
    store::jobs::count_done(conn, job_id, parts, now)?;
    store::jobs::finish(conn, job_id, None, now)
}
