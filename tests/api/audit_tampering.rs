//! The audit log, changed past the service in every way that somebody with the database could think of, by seed: each
//! change of what a checkpoint covers is found, and it is found between the right two checkpoints. A newcomer's usual
//! mistake is to change a value to what it was; every change here is checked to be one.

use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use ejf::audit_log::{Kept, Report, verify};
use ejf::db::Conn;
use ejf::domain::caller::Scope;
use ejf::domain::ids;
use ejf::domain::policy::StaffRole;
use ejf::error::Code;
use ejf::on;

use crate::audit_log::{db_fill, db_run, kept};
use crate::harness::App;

/// The sizes of the checkpoints that are kept; the first is the one of the start.
const SIZES: [i64; 7] = [2, 8, 29, 64, 100, 127, 160];
/// Entries in all; those beyond the greatest checkpoint are protected by none.
const ENTRIES: i64 = 170;
/// How often each kind of change is made.
const ROUNDS: u64 = 20;

/// Numbers that are the same in every run (SplitMix64), so that a failure repeats.
struct Seeded(u64);

impl Seeded {
    /// A number from `min` to `max`, both included.
    fn within(&mut self, min: i64, max: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let span = u64::try_from(max - min + 1).unwrap();
        min + i64::try_from((mixed ^ (mixed >> 31)) % span).unwrap()
    }
}

/// A change: its statements, and the number of the first entry that is no longer what it was.
struct Change {
    statements: String,
    first: i64,
}

/// A kind of change; `n` is the entry chosen, `other` one after it.
type Kind = fn(n: i64, other: i64) -> Change;

fn update(column: &str, value: &str, n: i64) -> Change {
    Change { statements: format!("UPDATE audit_entries SET {column} = {value} WHERE sequence = {n}"), first: n }
}

/// Moves the numbers from `from` on by `by`; over the negative numbers, as no two may be equal on the way.
fn renumber(from: i64, by: i64) -> String {
    format!(
        "UPDATE audit_entries SET sequence = -sequence - {by} WHERE sequence >= {from}; \
         UPDATE audit_entries SET sequence = -sequence WHERE sequence < 0;"
    )
}

/// A copy of the entry `n` as the number `to`, under an id of its own.
fn copy(n: i64, to: i64) -> String {
    let id = ids::random();
    format!(
        "INSERT INTO audit_entries (sequence, id, occurred_at, account_id, client_id, act, object_type, object_id, \
         judge_id, purpose, digest, reading_number) SELECT {to}, '{id}', occurred_at, account_id, client_id, act, \
         object_type, object_id, judge_id, purpose, digest, reading_number + 7000 FROM audit_entries \
         WHERE sequence = {n};"
    )
}

fn delete(n: i64) -> String {
    format!("DELETE FROM audit_entries WHERE sequence = {n};")
}

/// The kinds that both engines can do.
const KINDS: &[(&str, Kind)] = &[
    ("delete one", |n, _| Change { statements: delete(n), first: n }),
    ("delete one and close the gap", |n, _| Change { statements: delete(n) + &renumber(n + 1, -1), first: n }),
    ("delete a stretch", |n, other| Change {
        statements: format!("DELETE FROM audit_entries WHERE sequence BETWEEN {n} AND {other}"),
        first: n,
    }),
    ("cut the end", |n, _| Change { statements: format!("DELETE FROM audit_entries WHERE sequence >= {n}"), first: n }),
    ("cut the beginning", |n, _| Change {
        statements: format!("DELETE FROM audit_entries WHERE sequence <= {n}; {}", renumber(n + 1, -n)),
        first: 1,
    }),
    ("insert one", |n, other| Change { statements: renumber(n, 1) + &copy(other + 1, n), first: n }),
    ("insert one before the first", |n, _| Change { statements: copy(n, 0), first: 1 }),
    ("exchange two", |n, other| Change {
        statements: format!(
            "UPDATE audit_entries SET sequence = 0 WHERE sequence = {n}; \
             UPDATE audit_entries SET sequence = {n} WHERE sequence = {other}; \
             UPDATE audit_entries SET sequence = {other} WHERE sequence = 0;"
        ),
        first: n,
    }),
    ("move one to the end", |n, _| Change {
        statements: copy(n, ENTRIES + 1) + &delete(n) + &renumber(n + 1, -1),
        first: n,
    }),
    ("put another in its place", |n, other| Change { statements: delete(n) + &copy(other, n), first: n }),
    ("alter the number", |n, _| update("sequence", "5000", n)),
    ("alter the id", |n, _| update("id", &format!("'{}'", ids::random()), n)),
    ("write the id in capitals", |n, _| update("id", "UPPER(id)", n)),
    ("alter the instant", |n, _| update("occurred_at", "'2027-01-11 04:00:00.001'", n)),
    ("alter the day", |n, _| update("occurred_at", "'2027-01-12 04:00:00'", n)),
    ("alter the person", |n, _| {
        update(
            "client_id = NULL, account_id",
            "CASE WHEN account_id IS NULL THEN (SELECT MIN(id) FROM accounts) END",
            n,
        )
    }),
    ("alter the client", |n, _| {
        update("account_id = NULL, client_id", "CASE WHEN client_id IS NULL THEN (SELECT MIN(id) FROM clients) END", n)
    }),
    ("alter the act", |n, _| update("act", "act || 's'", n)),
    ("alter the kind of thing", |n, _| update("object_type", "'court' || object_type", n)),
    ("alter the thing", |n, _| update("object_id", "object_id || ' '", n)),
    ("hide the judge", |n, _| update("judge_id", "CASE WHEN judge_id IS NULL THEN id END", n)),
    ("write the judge in capitals", |n, _| update("judge_id", "UPPER(COALESCE(judge_id, id))", n)),
    ("hide the purpose", |n, _| update("purpose", "CASE WHEN purpose IS NULL THEN 'own_file' END", n)),
    ("empty the purpose", |n, _| update("purpose", "''", n)),
    ("renumber a reading", |n, _| update("reading_number", "COALESCE(reading_number, 0) + 7000", n)),
    ("hide the digest", |n, _| update("digest", "CASE WHEN digest IS NULL THEN 'ab' END", n)),
    ("move the act to another column", |n, _| update("act = object_type, object_type", "act", n)),
];

/// What only a file of SQLite takes: values that are none of their column, or are in another form.
const KINDS_OF_SQLITE: &[(&str, Kind)] = &[
    ("bytes for the judge", |n, _| update("judge_id", "CAST(COALESCE(judge_id, 'x') AS BLOB)", n)),
    ("bytes for the act", |n, _| update("act", "CAST(act AS BLOB)", n)),
    ("no text at all", |n, _| update("act", "CAST(x'ff61' AS TEXT)", n)),
    ("no instant", |n, _| update("occurred_at", "'never'", n)),
    ("a number for the instant", |n, _| update("occurred_at", "2461776.5", n)),
    ("a fraction for the number", |n, _| update("sequence", "sequence + 0.5", n)),
    ("a text for the number", |n, _| update("sequence", "'x' || sequence", n)),
];

/// All rows as one text; two texts differ if anything in the table does.
fn dump(conn: &mut Conn) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut columns = String::new();
    for name in ["sequence", "id", "occurred_at", "account_id", "client_id", "act"] {
        columns.push_str(&format!("COALESCE(CAST({name} AS TEXT), '-') || '|' || "));
    }
    let rest = ["object_type", "object_id", "judge_id", "purpose", "digest", "reading_number"];
    let rest: Vec<String> = rest.iter().map(|name| format!("COALESCE(CAST({name} AS TEXT), '-')")).collect();
    let query = format!("SELECT {columns}{} AS line FROM audit_entries ORDER BY sequence", rest.join(" || '|' || "));
    let rows: Vec<Row> = on!(conn, |c| { diesel::sql_query(query).load(c) }).unwrap();
    rows.into_iter().map(|row| row.line + "\n").collect()
}

/// What a verification finds after a change, which is undone.
async fn found_after(app: &App, name: &'static str, change: &Change, kept: Vec<Kept>) -> Report {
    let report = Arc::new(Mutex::new(None));
    let (found, statements) = (report.clone(), change.statements.clone());
    let undone = app.registry().0.write(move |conn| -> ejf::error::Result<()> {
        let is_form = name.starts_with("bytes") || name == "no text at all";
        let before = if is_form { String::new() } else { dump(conn) };
        db_run(conn, &statements)?;
        assert!(is_form || dump(conn) != before, "{name}: nothing was changed");
        *found.lock().unwrap() = Some(verify(conn, kept.clone())?);
        Err(Code::Invalid.into())
    });
    let undone = undone.await.unwrap_err();
    assert_eq!(undone.code(), Code::Invalid, "{name}: {undone} in {}", change.statements);
    report.lock().unwrap().take().unwrap()
}

/// A log of every kind of entry with its checkpoints.
async fn log_with_checkpoints() -> (App, Vec<Kept>) {
    let app = App::start().await;
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    let (client, _) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let made = i64::try_from(app.db_acts().await.len()).unwrap();
    let mut length = made;
    for size in SIZES.into_iter().skip(1).chain([ENTRIES]) {
        let missing = usize::try_from(size - length).unwrap();
        db_fill(&app, account, Some(client.parse().unwrap()), missing).await;
        if size != ENTRIES {
            app.audit_log().checkpoint(app.registry()).await.unwrap();
        }
        length = size;
    }
    let kept = kept(&app);
    assert_eq!(kept.iter().map(|kept| kept.checkpoint.size.cast_signed()).collect::<Vec<_>>(), SIZES);
    (app, kept)
}

#[tokio::test]
async fn every_change_of_what_a_checkpoint_covers_is_found_between_the_right_checkpoints() {
    let (app, kept) = log_with_checkpoints().await;
    let checked = kept.clone();
    let untouched = app.registry().0.read(move |conn| verify(conn, checked.clone())).await.unwrap();
    assert!(untouched.is_intact());
    assert_eq!((untouched.holding.len(), untouched.unprotected()), (SIZES.len(), 10));
    let is_sqlite = matches!(app.db.registry, ejf::db::Location::Sqlite(_));
    let kinds = KINDS.iter().chain(KINDS_OF_SQLITE.iter().filter(|_| is_sqlite));
    let covered = *SIZES.last().unwrap();
    let (mut count, mut seed) = (0, Seeded(2027));

    for round in 0..ROUNDS {
        for &(name, kind) in kinds.clone() {
            // The first and the last covered entry are where an error by one would show.
            let n = match round {
                0 => 1,
                1 => covered - 1,
                _ => seed.within(1, covered - 1),
            };
            let change = kind(n, seed.within(n + 1, covered));
            let report = found_after(&app, name, &change, kept.clone()).await;

            count += 1;
            assert!(!report.is_intact(), "{name} at {n} was not found: {}", change.statements);
            // The value reads the same and the leaf is the same: what is found is the form.
            if name.starts_with("bytes") || name.starts_with("a fraction") {
                assert!(report.breach.is_some(), "{name} at {n}");
                continue;
            }
            let below = SIZES.into_iter().rev().find(|size| *size < change.first).unwrap_or(0);
            let above = SIZES.into_iter().find(|size| *size >= change.first).unwrap();
            let suspects = report.suspects().map(|(from, to)| (from.cast_signed(), to.cast_signed()));
            assert_eq!(suspects, Some((below + 1, above)), "{name} at {n}: {}", change.statements);
        }
    }

    assert!(count >= 500, "{count} changes");
}

/// What no checkpoint covers is not protected, and the report says how much that is; a gap is seen nevertheless.
#[tokio::test]
async fn entries_after_the_last_checkpoint_are_told_to_be_unprotected() {
    let (app, kept) = log_with_checkpoints().await;
    let altered = update("act", "'nothing'", 165);
    let cut = Change { statements: "DELETE FROM audit_entries WHERE sequence > 161".to_owned(), first: 162 };
    let gap = Change { statements: delete(165), first: 165 };

    let altered = found_after(&app, "alter", &altered, kept.clone()).await;
    let cut = found_after(&app, "cut", &cut, kept.clone()).await;
    let gap = found_after(&app, "gap", &gap, kept).await;

    assert_eq!((altered.is_intact(), altered.unprotected()), (true, 10));
    assert_eq!((cut.is_intact(), cut.unprotected()), (true, 1));
    assert_eq!((gap.is_intact(), gap.suspects()), (false, None));
}

/// Checkpoints that are missing in between are no fault; the fewer there are, the wider the range.
#[tokio::test]
async fn one_checkpoint_that_was_kept_elsewhere_finds_what_the_folder_no_longer_can() {
    let (app, kept) = log_with_checkpoints().await;
    let copy: Vec<Kept> = kept.iter().filter(|kept| kept.checkpoint.size == 127).cloned().collect();
    let cut = Change { statements: "DELETE FROM audit_entries WHERE sequence >= 120".to_owned(), first: 120 };
    let early: Vec<Kept> = kept.iter().filter(|kept| kept.checkpoint.size <= 100).cloned().collect();

    let without = found_after(&app, "cut", &cut, early).await;
    let with = found_after(&app, "cut", &cut, copy).await;

    assert!(without.is_intact());
    assert_eq!((with.entries, with.suspects()), (119, Some((1, 127))));
}
