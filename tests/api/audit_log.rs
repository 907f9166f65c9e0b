//! The audit log's checkpoints: what is signed and when, what is read for it, and what an auditor sees of it. That no
//! change of the log escapes is shown in `audit_tampering.rs`.

use diesel::connection::SimpleConnection;
use ejf::audit_log::{Candidate, Kept, Outcome, Report, sort_out, verify};
use ejf::credential::encoding::{Bytes, Digest};
use ejf::credential::note::{Checkpoint, VerifierKey};
use ejf::credential::signing;
use ejf::credential::tree::leaf_hash;
use ejf::db::Conn;
use ejf::domain::ids::{self, AccountId, ClientId, JudgeId};
use ejf::domain::judge_file::FilePurpose;
use ejf::domain::policy::StaffRole;
use ejf::error::{Error, Result};
use ejf::on;
use ejf::store::audit::{NewEntry, record, record_reading};
use serde_json::json;

use crate::harness::{App, beginning};

/// The entries that the first start writes, and signs: the catalogue of indicators and a key for tokens.
const START: u64 = 2;

/// Runs SQL that no request would.
pub fn db_run(conn: &mut Conn, statement: &str) -> Result<()> {
    on!(conn, |c| { c.batch_execute(statement).map_err(Error::Sql) })
}

/// Adds so many entries of every kind: acts, readings, acts of a machine client, digests.
pub async fn db_fill(app: &App, account: AccountId, client: Option<ClientId>, count: usize) {
    let fill = move |conn: &mut Conn| {
        for number in 0..count {
            let judge = JudgeId(ids::random());
            if number % 4 == 0 {
                let purpose = FilePurpose::ALL[number % FilePurpose::ALL.len()];
                record_reading(conn, account, "get_file", judge, purpose, beginning())?;
                continue;
            }
            let mut entry = match number % 4 {
                1 => NewEntry::new(None, "close_window", "cycle", ids::random()),
                _ => NewEntry::new(Some(account), "create_observation", "judge", judge).of_judge(judge),
            };
            if number % 4 == 2 {
                entry.account_id = client.map_or(entry.account_id, |_| None);
                entry.client_id = client;
            }
            if number % 4 == 3 {
                entry.digest = Some(format!("{number:064x}"));
            }
            record(conn, entry, beginning())?;
        }
        Ok(())
    };
    app.registry().0.write(fill).await.unwrap();
}

/// All checkpoints of the folder that its own key signed.
pub fn kept(app: &App) -> Vec<Kept> {
    let key = app.audit_log().key().verifier().clone();
    let (kept, refused) = sort_out(app.audit_folder().candidates(0).unwrap(), &[key]);
    assert!(refused.is_empty(), "{refused:?}");
    kept
}

/// What an auditor finds.
pub async fn found(app: &App) -> Report {
    let kept = kept(app);
    app.registry().0.read(move |conn| verify(conn, kept.clone())).await.unwrap()
}

async fn db_change(app: &App, statement: &str) {
    let statement = statement.to_owned();
    app.registry().0.write(move |conn| db_run(conn, &statement)).await.unwrap();
}

fn sizes(kept: &[Kept]) -> Vec<u64> {
    kept.iter().map(|kept| kept.checkpoint.size).collect()
}

#[tokio::test]
async fn a_checkpoint_is_signed_when_the_log_has_grown_and_holds() {
    let app = App::start().await;
    let log = app.audit_log();
    let begun = log.checkpoint(app.registry()).await.unwrap();
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    db_fill(&app, account, None, 5).await;
    let first = log.checkpoint(app.registry()).await.unwrap();
    let again = log.checkpoint(app.registry()).await.unwrap();
    db_fill(&app, account, None, 4096).await;
    let second = log.checkpoint(app.registry()).await.unwrap();
    db_fill(&app, account, None, 2).await;

    assert!(matches!(begun, Outcome::Unchanged(START)), "{begun:?}");
    assert!(matches!(first, Outcome::Written(7)), "{first:?}");
    assert!(matches!(again, Outcome::Unchanged(7)), "{again:?}");
    assert!(matches!(second, Outcome::Written(4103)), "{second:?}");
    let report = found(&app).await;
    assert!(report.is_intact() && report.failing.is_empty());
    assert_eq!((report.entries, report.unprotected()), (4105, 2));
    assert_eq!(sizes(&report.holding), [START, 7, 4103]);
}

#[tokio::test]
async fn the_newest_checkpoint_is_the_auditors_to_keep() {
    let app = App::start().await;
    let auditor = app.staff(StaffRole::Auditor).await;
    let admin = app.staff(StaffRole::Administrator).await;
    for login in ["serik-1", "serik-2"] {
        let new = json!({"login": login, "password": crate::harness::PASSWORD, "staff_role": "member"});
        admin.post("/v1/accounts", new).await.expect(201);
        assert!(matches!(app.audit_log().checkpoint(app.registry()).await.unwrap(), Outcome::Written(_)));
    }

    let answer = auditor.get("/v1/audit/checkpoint").await.expect(200);

    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let key = VerifierKey::parse(&app.audit_log().key().verifier().to_string()).unwrap();
    assert_eq!(key.name(), "registry.test/audit");
    let checkpoint = Checkpoint::verify(&answer.text, &key).unwrap();
    assert_eq!(checkpoint, kept(&app).last().unwrap().checkpoint);
    std::fs::remove_dir_all(app.audit_folder().path()).unwrap();
    auditor.get("/v1/audit/checkpoint").await.expect_problem(404, "not_found");
}

/// The entries that a checkpoint covers are not read again: one that was altered since does not change the next root.
#[tokio::test]
async fn a_checkpoint_reads_the_entries_since_the_last_one_alone() {
    let app = App::start().await;
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    db_fill(&app, account, None, 20).await;
    app.audit_log().checkpoint(app.registry()).await.unwrap();
    db_fill(&app, account, None, 20).await;
    let untouched = found(&app).await;
    db_change(&app, "UPDATE audit_entries SET act = 'nothing' WHERE sequence = 5").await;

    let outcome = app.audit_log().checkpoint(app.registry()).await.unwrap();

    assert!(untouched.is_intact());
    assert!(matches!(outcome, Outcome::Written(42)), "{outcome:?}");
    let report = found(&app).await;
    assert_eq!((sizes(&report.failing), report.suspects()), (vec![22, 42], Some((3, 22))));
}

/// Whatever lies in the file of the frontier, the next checkpoint is the log's: the file is believed if it is the one
/// of a signed checkpoint, and else the tree is grown from the first entry.
#[tokio::test]
async fn a_frontier_that_was_lost_or_exchanged_changes_no_checkpoint() {
    let app = App::start().await;
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    let frontier = app.audit_folder().path().join("frontier.json");
    let mut early = Vec::new();
    for exchanged in [None, Some("{"), Some(r#"{"edge":[],"size":9}"#), Some("early"), Some("other")] {
        db_fill(&app, account, None, 9).await;
        app.audit_log().checkpoint(app.registry()).await.unwrap();
        if early.is_empty() {
            early = std::fs::read(&frontier).unwrap();
        }
        match exchanged {
            None => std::fs::remove_file(&frontier).unwrap(),
            Some("early") => std::fs::write(&frontier, &early).unwrap(),
            Some("other") => {
                let text = std::fs::read_to_string(&frontier).unwrap();
                let root = text.split('"').nth(3).unwrap();
                std::fs::write(&frontier, text.replace(root, &Digest::random().unwrap().to_string())).unwrap();
            }
            Some(other) => std::fs::write(&frontier, other).unwrap(),
        }
        let unchanged = app.audit_log().checkpoint(app.registry()).await.unwrap();
        assert!(matches!(unchanged, Outcome::Unchanged(_)), "{exchanged:?}: {unchanged:?}");
        db_fill(&app, account, None, 3).await;

        let outcome = app.audit_log().checkpoint(app.registry()).await.unwrap();

        assert!(matches!(outcome, Outcome::Written(_)), "{exchanged:?}: {outcome:?}");
        assert!(found(&app).await.is_intact(), "{exchanged:?}");
    }
}

#[tokio::test]
async fn a_log_with_a_gap_or_without_its_end_is_not_signed() {
    let app = App::start().await;
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    db_fill(&app, account, None, 10).await;
    app.audit_log().checkpoint(app.registry()).await.unwrap();
    db_fill(&app, account, None, 10).await;

    db_change(&app, "DELETE FROM audit_entries WHERE sequence = 17").await;
    let gap = app.audit_log().checkpoint(app.registry()).await.unwrap();
    db_change(&app, "DELETE FROM audit_entries WHERE sequence > 8").await;
    let cut = app.audit_log().checkpoint(app.registry()).await.unwrap();

    let Outcome::Refused(gap) = gap else { panic!("{gap:?}") };
    assert_eq!(gap.breach, Some(ejf::audit_log::Breach::Gap { after: 16, next: 18 }));
    let Outcome::Refused(cut) = cut else { panic!("{cut:?}") };
    assert_eq!((cut.entries, cut.suspects()), (8, Some((3, 12))));
    assert_eq!(sizes(&kept(&app)), [START, 12]);
}

/// The server's insider can write what he likes into the folder, but for the signature; and with the key itself he can
/// sign another log, which whoever kept a checkpoint finds.
#[tokio::test]
async fn a_forged_checkpoint_is_refused_and_one_over_another_log_fails() {
    let app = App::start().await;
    let account = app.db_add_account("auditor-of-logs", Some(StaffRole::Auditor), None).await;
    db_fill(&app, account, None, 8).await;
    let log = app.audit_log();
    log.checkpoint(app.registry()).await.unwrap();
    let verifier = log.key().verifier().clone();
    let of = |origin: &str| Checkpoint { origin: origin.to_owned(), size: 10, root: Bytes([9; 32]) };
    let strange = signing::generate().unwrap();
    let signed_by_another = of(verifier.name()).sign(&strange).unwrap();
    let of_another_name = of("registry.test/other").sign(&strange).unwrap();
    let genuine = String::from_utf8(app.audit_folder().newest().unwrap().unwrap()).unwrap();
    let altered = genuine.replace("\n10\n", "\n9\n");
    let files = [signed_by_another, of_another_name, altered, String::new(), "checkpoint\n".to_owned()];
    let candidates = files.map(|text| Candidate { source: "forged".to_owned(), bytes: text.into_bytes() });

    let (none, refused) = sort_out(candidates.to_vec(), std::slice::from_ref(&verifier));
    let two_logs = Candidate { source: "signed".to_owned(), bytes: log.key().sign(9, Bytes([9; 32])).unwrap().into() };
    let (mut all, _) = sort_out(vec![two_logs], &[verifier]);
    all.extend(kept(&app));
    let report = app.registry().0.read(move |conn| verify(conn, all.clone())).await.unwrap();

    assert_eq!((none.len(), refused.len()), (0, 5));
    assert_eq!((sizes(&report.failing), sizes(&report.holding)), (vec![9], vec![START, 10]));
    assert_eq!(report.suspects(), Some((3, 9)));
}

/// Whoever recomputes the tree in another language needs no more than this: the tag, and the columns that are not NULL.
#[tokio::test]
async fn a_leaf_is_the_tag_and_the_canonical_json_of_the_columns() {
    let app = App::start().await;
    db_change(
        &app,
        "DELETE FROM audit_entries; INSERT INTO audit_entries (sequence, id, occurred_at, act, object_type, object_id, \
         purpose) VALUES (1, 'a', '2027-01-11 04:30:00.25', 'get_file', 'judge', 'Ә \" \\ /', 'evaluation')",
    )
    .await;
    let json = concat!(
        r#"{"act":"get_file","id":"a","object_id":"Ә \" \\ /","object_type":"judge","#,
        r#""occurred_at":"2027-01-11T04:30:00.250000000Z","purpose":"evaluation","sequence":1}"#
    );
    let root = leaf_hash(format!("EJF-AUDIT-v1\0{json}").as_bytes());
    let note = app.audit_log().key().sign(1, root).unwrap();
    let candidate = Candidate { source: "by hand".to_owned(), bytes: note.into_bytes() };
    let (kept, _) = sort_out(vec![candidate], &[app.audit_log().key().verifier().clone()]);

    let report = app.registry().0.read(move |conn| verify(conn, kept.clone())).await.unwrap();

    assert!(report.is_intact(), "{report:?}");
    assert_eq!(sizes(&report.holding), [1]);
}

#[tokio::test]
async fn an_hour_in_which_something_was_written_ends_with_a_checkpoint() {
    let app = App::start().await;
    let account = app.db_add_account("aigul", Some(StaffRole::Auditor), None).await;
    db_fill(&app, account, None, 4).await;
    assert_eq!(kept(&app).len(), 1, "that of the start");

    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(3601)).await;
    tokio::time::resume();

    let signed = async {
        while kept(&app).len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), signed).await.expect("a second checkpoint");
    assert_eq!(kept(&app).iter().map(|kept| kept.checkpoint.size).max(), Some(START + 4));
}
