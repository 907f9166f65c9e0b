//! A box that cannot forget takes nothing, and says so; and its upkeep goes on whether anybody comes or nobody.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use ejf::app::Occasion;
use ejf::db::{Conn, Location};

use crate::ballot_storage::{connect, execute, expect_one_commit, table_oid};
use crate::complaints::cheated;
use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

/// What stands in the way of a rewriting for as long as it lives.
enum Obstacle {
    /// A folder of the name under which the copy is made.
    Folder(std::path::PathBuf),
    /// A transaction that has read a table, and so holds it.
    Transaction(#[allow(dead_code, reason = "held for its end, which ends the transaction")] Conn),
}

impl Obstacle {
    fn put(app: &App) -> Obstacle {
        match &app.db.ballot {
            Location::Sqlite(path) => {
                let folder = path.with_extension("db.compact");
                std::fs::create_dir(&folder).unwrap();
                Obstacle::Folder(folder)
            }
            Location::Postgres(_) => {
                let mut conn = connect(app);
                execute(&mut conn, "", "BEGIN; SELECT count(*) FROM review");
                Obstacle::Transaction(conn)
            }
        }
    }

    fn remove(self) {
        if let Obstacle::Folder(folder) = self {
            std::fs::remove_dir(folder).unwrap();
        }
    }
}

/// What changes with each rewriting, and with nothing else.
fn edition(app: &App) -> u64 {
    match &app.db.ballot {
        Location::Sqlite(path) => std::fs::metadata(path).unwrap().ino(),
        Location::Postgres(_) => table_oid(app),
    }
}

#[tokio::test]
async fn a_box_that_cannot_put_its_reviews_in_order_takes_none_until_it_can() {
    let app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let anonymous = app.anonymous_box();
    let obstacle = Obstacle::put(&app);
    assert!(app.ballot().compact_now().await.is_err());

    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    anonymous.get("/livez").await.expect(200);
    app.clock.advance(TimeDelta::minutes(6));
    let refused = anonymous.submit(&round.reviewer().review(&round, &[])).await.expect_problem(503, "box_unfit");
    let unhealthy = anonymous.get("/livez").await.expect_problem(503, "box_unfit");

    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.bytes, unhealthy.bytes, "one text for everybody");
    obstacle.remove();
    app.ballot().compact_now().await.unwrap();
    anonymous.get("/livez").await.expect(200);
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    app.ballot().compact_now().await.unwrap();
    expect_one_commit(&app);
}

#[tokio::test]
async fn a_box_for_real_reviews_takes_none_once_its_engine_keeps_an_order() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    app.restart_box_for(Occasion::Real).await;
    let anonymous = app.anonymous_box();
    if matches!(app.db.ballot, Location::Postgres(_)) {
        // The server of these tests is no box's.
        anonymous.submit(&round.reviewer().review(&round, &[])).await.expect_problem(503, "box_unfit");
        anonymous.get("/livez").await.expect_problem(503, "box_unfit");
        return;
    }
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    let conn = &mut connect(&app);

    execute(conn, "CREATE INDEX by_subject ON review (subject_ref)", "");
    app.clock.advance(TimeDelta::minutes(61));

    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect_problem(503, "box_unfit");
    anonymous.get("/livez").await.expect_problem(503, "box_unfit");
    execute(&mut connect(&app), "DROP INDEX by_subject", "");
    app.clock.advance(TimeDelta::minutes(61));
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    anonymous.get("/livez").await.expect(200);
}

/// Lets the upkeep's time go by, and waits until what it began is done.
async fn let_a_turn_pass(app: &App) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(46)).await;
    tokio::time::resume();
    // A timer of our own that is due as well: when it has rung, so has the upkeep's, which then gets its turn.
    let _ = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await;
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
    // Queued behind the rewriting, where there is one.
    app.ballot().faults().await.unwrap();
}

/// Waits until tables and list are other ones than before, asked for as often as it takes; gives the new ones.
async fn expect_turn(app: &App, list: &Path, before: (u64, u64), why: &str) -> (u64, u64) {
    let asking = async {
        loop {
            let (tables, list) = (edition(app), std::fs::metadata(list).unwrap().ino());
            if tables != before.0 && list != before.1 {
                return (tables, list);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect(why)
}

#[tokio::test]
async fn tables_are_rewritten_until_the_end_of_complaints_whether_anybody_comes_or_nobody() {
    let app = App::start().await;
    let (round, lost, kept) = cheated(&app).await;
    let anonymous = app.anonymous_box();
    let list = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1/complaints");
    app.ballot().compact_now().await.unwrap();
    let sealed = (edition(&app), std::fs::metadata(&list).unwrap().ino());

    let_a_turn_pass(&app).await;

    let quiet = expect_turn(&app, &list, sealed, "a turn without any complaint").await;
    app.go_to("2027-03-17");
    let_a_turn_pass(&app).await;
    let last = expect_turn(&app, &list, quiet, "once more after the last day").await;
    for receipt in [&lost, &kept] {
        anonymous.complain(receipt).await.expect_problem(410, "window_closed");
    }
    let_a_turn_pass(&app).await;
    assert_eq!(edition(&app), last.0, "whoever only asks brings about nothing");
}

#[tokio::test]
async fn the_list_of_complaints_is_as_old_as_the_last_turn_and_not_as_the_last_complaint() {
    let app = App::start().await;
    let (round, lost, _) = cheated(&app).await;
    app.anonymous_box().complain(&lost).await.expect(202);
    let list = app.publication_path().join(round.manifest.manifest().cycle_ref.to_string()).join("1/complaints");
    let told = std::fs::metadata(&list).unwrap();

    app.ballot().compact_now().await.unwrap();

    let after = std::fs::metadata(&list).unwrap();
    assert_ne!(after.ino(), told.ino());
    assert!((after.ctime(), after.ctime_nsec()) > (told.ctime(), told.ctime_nsec()));
    let folder = std::fs::metadata(list.parent().unwrap()).unwrap();
    assert!((folder.mtime(), folder.mtime_nsec()) > (told.ctime(), told.ctime_nsec()));
}
