//! What the box's files may not tell: who sent, when, and in which order. Read past HTTP, as an insider would.

use std::os::unix::fs::MetadataExt;

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use ejf::app::Check;
use ejf::db::{Conn, Location};

use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// A second connection to the box's database, as an insider has it.
pub fn connect(app: &App) -> Conn {
    match &app.db.ballot {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            // The box keeps house by itself, and may hold the file for a moment.
            conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            Conn::Sqlite(conn)
        }
        Location::Postgres(url) => Conn::Postgres(PgConnection::establish(url).unwrap()),
    }
}

/// Runs a statement that the two engines spell differently.
pub fn execute(conn: &mut Conn, sqlite: &str, postgres: &str) {
    match conn {
        Conn::Sqlite(c) => c.batch_execute(sqlite).unwrap(),
        Conn::Postgres(c) => c.batch_execute(postgres).unwrap(),
    }
}

fn ask(conn: &mut Conn, sqlite: &str, postgres: &str) -> Vec<String> {
    let lines: Vec<Line> = match conn {
        Conn::Sqlite(c) => diesel::sql_query(sqlite).load(c).unwrap(),
        Conn::Postgres(c) => diesel::sql_query(postgres).load(c).unwrap(),
    };
    lines.into_iter().map(|line| line.value).collect()
}

/// The number that PostgreSQL has given the table of reviews; 0 where the box lies in a file.
pub fn table_oid(app: &App) -> u64 {
    let Conn::Postgres(c) = &mut connect(app) else { return 0 };
    let oid: Number = diesel::sql_query("SELECT 'review'::regclass::oid::bigint AS value").get_result(c).unwrap();
    u64::try_from(oid.value).unwrap()
}

/// The keys of a table in the order in which the engine finds the rows: text as it is, bytes as hex digits.
pub async fn rows(app: &mut App, table: &str) -> Vec<String> {
    let key = match table {
        "review" => "epk",
        "complaint" | "superseded" => "leaf",
        _ => "purpose",
    };
    let (sqlite, postgres) = if key == "purpose" {
        (format!("SELECT purpose AS value FROM {table}"), format!("SELECT purpose AS value FROM {table}"))
    } else {
        (
            format!("SELECT lower(hex({key})) AS value FROM {table}"),
            format!("SELECT encode({key}, 'hex') AS value FROM {table} ORDER BY ctid"),
        )
    };
    ask(&mut connect(app), &sqlite, &postgres)
}

/// A box with reviews of several authors, in the order in which they came.
pub async fn filled(app: &App) -> Vec<String> {
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let mut arrived = Vec::new();
    for _ in 0..24 {
        let envelope = round.reviewer().review(&round, &[]);
        app.anonymous_box().submit(&envelope).await.expect(202);
        arrived.push(envelope.epk.0.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    arrived
}

#[tokio::test]
async fn compaction_leaves_nothing_of_the_order_of_arrival() {
    let mut app = App::start().await;
    let arrived = filled(&app).await;

    app.ballot().compact_now().await.unwrap();

    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    assert_ne!(arrived, sorted, "random keys in order would prove nothing");
    match connect(&app) {
        Conn::Postgres(mut c) => {
            assert_eq!(rows(&mut app, "review").await, sorted);
            let transactions: Number = diesel::sql_query(
                "SELECT count(DISTINCT xmin::text) AS value FROM (SELECT xmin FROM review UNION ALL SELECT xmin FROM box_key \
                 UNION ALL SELECT xmin FROM signed_manifest UNION ALL SELECT xmin FROM __diesel_schema_migrations) AS rows",
            )
            .get_result(&mut c)
            .unwrap();
            assert_eq!(transactions.value, 1);
            let outside: Number = diesel::sql_query(
                "SELECT count(*) AS value FROM pg_attribute WHERE attrelid IN ('review'::regclass, 'superseded'::regclass, \
                 'box_key'::regclass, 'signed_ledger'::regclass, 'signed_manifest'::regclass, 'closed_round'::regclass, 'complaint'::regclass, \
                 'deleted_round'::regclass) AND attnum > 0 AND attstorage <> 'p'",
            )
            .get_result(&mut c)
            .unwrap();
            assert_eq!(outside.value, 0);
            let named: Number = diesel::sql_query(
                "SELECT count(*) AS value FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'fresh%'",
            )
            .get_result(&mut c)
            .unwrap();
            assert_eq!(named.value, 0);
        }
        Conn::Sqlite(_) => {
            app.stop_box().await;
            let path = app.db.folder().join("ballot.db");
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "it holds private keys");
            let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
            assert_eq!(changed, std::time::SystemTime::UNIX_EPOCH, "no time tells when the last minute was over");
            let bytes = app.ballot_bytes();
            let folder = app.db.folder().to_owned();
            let (copy, again) = (folder.join("copy.db"), folder.join("again.db"));
            std::fs::write(&copy, &bytes).unwrap();
            let mut shuffled = SqliteConnection::establish(copy.to_str().unwrap()).unwrap();
            shuffled
                .batch_execute(&format!(
                    "CREATE TEMP TABLE heap AS SELECT * FROM review ORDER BY random(); DELETE FROM review; \
                     INSERT INTO review SELECT * FROM heap ORDER BY random(); VACUUM INTO '{}'",
                    again.to_str().unwrap()
                ))
                .unwrap();
            // Behind the head, which counts changes of the schema, the file is a function of what it holds.
            let again = std::fs::read(again).unwrap();
            assert_eq!(bytes.len(), again.len());
            assert!(bytes[100..] == again[100..]);
            assert_eq!(bytes[24..28], [0, 0, 0, 1], "the counter of commits begins anew");
        }
    }
}

#[tokio::test]
async fn a_box_that_stops_leaves_no_review_in_the_order_of_its_arrival() {
    let mut app = App::start().await;
    filled(&app).await;

    app.stop_box().await;

    expect_one_commit(&app);
}

#[tokio::test]
async fn a_box_that_ends_because_the_registry_ended_leaves_no_order_either() {
    let mut app = App::start().await;
    filled(&app).await;

    app.end_box_with_the_registry().await;

    expect_one_commit(&app);
    // And lets go of the database.
    drop(ejf::db::Db::open_ballot_box(&app.db.ballot).unwrap());
}

/// What lies in the tables came there in one transaction.
pub fn expect_one_commit(app: &App) {
    match connect(app) {
        Conn::Postgres(mut c) => {
            let transactions: Number =
                diesel::sql_query("SELECT count(DISTINCT xmin::text) AS value FROM review").get_result(&mut c).unwrap();
            assert_eq!(transactions.value, 1);
        }
        Conn::Sqlite(_) => assert_eq!(app.ballot_bytes()[24..28], [0, 0, 0, 1], "the counter of commits begins anew"),
    }
}

#[tokio::test]
async fn a_second_process_cannot_open_the_box_and_changes_nothing() {
    let app = App::start().await;
    let Location::Sqlite(path) = &app.db.ballot else { return };
    let before = std::fs::metadata(path).unwrap().ino();

    let refused = ejf::db::Db::open_ballot_box(&app.db.ballot).err().unwrap().to_string();

    assert!(refused.contains("ballot.db.lock"), "{refused}");
    assert_eq!(std::fs::metadata(path).unwrap().ino(), before, "the file was not replaced");
}

#[tokio::test]
async fn reviews_survive_a_compaction_and_come_after_it() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let reviewer = round.reviewer();
    let first = reviewer.review(&round, &[]);
    let receipt = app.anonymous_box().submit(&first).await.receipt();
    app.ballot().compact_now().await.unwrap();

    assert_eq!(app.anonymous_box().submit(&first).await.receipt(), receipt);
    let second = reviewer.seal(reviewer.body(&round, &[first.leaf().unwrap()], Some(2)));
    app.anonymous_box().submit(&second).await.expect(202);
    app.ballot().compact_now().await.unwrap();
    app.restart_box().await;
    app.anonymous_box().submit(&second).await.expect(202);
    assert_eq!(rows(&mut app, "review").await.len(), 1);
}

#[tokio::test]
async fn what_a_request_carries_besides_the_review_is_nowhere_in_the_files() {
    let mut app = App::start().await;
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let canary = "canary-7f3a91";
    let mut anonymous = app.anonymous_box();
    for name in ["User-Agent", "X-Forwarded-For", "Accept-Language", "Referer", "X-Request-Id", "Idempotency-Key"] {
        anonymous = anonymous.with_header(name, canary);
    }
    anonymous.submit(&round.reviewer().review(&round, &[])).await.expect(202);
    app.stop_box().await;

    assert_eq!(places_with(&app, canary), [""; 0]);
    // What finds nothing must be able to find something: in a file, and in a row.
    std::fs::write(app.publication_path().join("witness"), format!("x{canary}x")).unwrap();
    let conn = &mut connect(&app);
    execute(
        conn,
        &format!("UPDATE review SET body = CAST('x{canary}x' AS BLOB)"),
        &format!("UPDATE review SET body = convert_to('x{canary}x', 'UTF8')"),
    );
    let in_row = if matches!(conn, Conn::Sqlite(_)) { "ballot.db" } else { "review" };
    assert_eq!(places_with(&app, canary), [in_row, "witness"]);
}

/// The bytes of a table's heap in PostgreSQL, pages of what was deleted among them; 0 where the box lies in a file.
pub fn heap_bytes(app: &App, table: &str) -> i64 {
    let Conn::Postgres(c) = &mut connect(app) else { return 0 };
    let query = format!("SELECT pg_relation_size('{table}') AS value");
    diesel::sql_query(query).get_result::<Number>(c).unwrap().value
}

/// The names of the files of the service, and of the box's tables in PostgreSQL, that hold a text; sorted.
fn places_with(app: &App, text: &str) -> Vec<String> {
    places_of(app, text.as_bytes())
}

/// The same of any bytes.
pub fn places_of(app: &App, needle: &[u8]) -> Vec<String> {
    let mut places = Vec::new();
    let mut folders = vec![app.db.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).unwrap_or_default().windows(needle.len()).any(|window| window == needle) {
                places.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    if let Conn::Postgres(c) = &mut connect(app) {
        let hex: String = needle.iter().map(|byte| format!("{byte:02x}")).collect();
        let tables = ask(
            &mut connect(app),
            "",
            "SELECT table_name::text AS value FROM information_schema.tables WHERE table_schema = current_schema()",
        );
        for table in tables {
            // A row as text has its bytes in hex, and its texts as they are.
            let query = format!(
                "SELECT count(*) AS value FROM {table} t WHERE t::text LIKE '%{hex}%' \
                 OR position('\\x{hex}'::bytea in convert_to(t::text, 'UTF8')) > 0"
            );
            let found: Number = diesel::sql_query(query).get_result(c).unwrap();
            places.extend((found.value > 0).then_some(table));
        }
    }
    places.sort_unstable();
    places
}

#[tokio::test]
async fn no_table_of_the_box_can_hold_a_time_or_an_order() {
    let app = App::start().await;
    let conn = &mut connect(&app);
    let tables = ask(
        conn,
        "SELECT name AS value FROM sqlite_master WHERE type = 'table' ORDER BY name",
        "SELECT table_name::text AS value FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1",
    );
    assert_eq!(
        tables,
        [
            "__diesel_schema_migrations",
            "box_key",
            "closed_round",
            "complaint",
            "deleted_round",
            "review",
            "signed_ledger",
            "signed_manifest",
            "superseded"
        ]
    );
    let columns = ask(
        conn,
        "SELECT DISTINCT lower(c.type) AS value FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1",
        "SELECT DISTINCT data_type::text AS value FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1",
    );
    for kind in &columns {
        assert!(["blob", "bytea", "integer", "text", "character varying"].contains(&kind.as_str()), "{kind}");
    }
    let others = ask(
        conn,
        "SELECT name AS value FROM sqlite_master WHERE type <> 'table' UNION ALL SELECT c.name FROM sqlite_master m, \
         pragma_table_info(m.name) c WHERE m.type = 'table' AND c.dflt_value IS NOT NULL UNION ALL SELECT name FROM \
         sqlite_master WHERE type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%'",
        "SELECT indexname::text AS value FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey' \
         UNION ALL SELECT sequence_name::text FROM information_schema.sequences WHERE sequence_schema = current_schema() \
         UNION ALL SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND column_default IS NOT NULL \
         UNION ALL SELECT trigger_name::text FROM information_schema.triggers WHERE trigger_schema = current_schema()",
    );
    assert_eq!(others, [] as [String; 0]);
}

#[tokio::test]
async fn the_doctor_finds_what_the_engine_would_keep() {
    let app = App::start().await;
    let before = app.ballot().faults().await.unwrap();
    let conn = &mut connect(&app);
    let expected = match conn {
        Conn::Sqlite(_) => (Check::EngineSetting, "journal_mode", "wal"),
        Conn::Postgres(_) => (Check::ColumnStorage, "review", "body"),
    };

    execute(conn, "PRAGMA journal_mode = WAL", "ALTER TABLE review ALTER COLUMN body SET STORAGE EXTENDED");
    let after = app.ballot().faults().await.unwrap();

    // The server of these tests is no box's; the program's own settings are right on both engines.
    let is_own = |check: Check| [Check::EngineSetting, Check::RowOrder, Check::ColumnStorage].contains(&check);
    assert!(!before.iter().any(|fault| is_own(fault.check)), "{before:?}");
    // What it says of others on that server changes as they come and go.
    let made: Vec<_> = after.iter().filter(|fault| is_own(fault.check) && !before.contains(fault)).collect();
    assert_eq!(made.len(), 1, "{after:?}");
    assert_eq!((made[0].check, made[0].name.as_str(), made[0].found.as_str()), expected);
}

#[tokio::test]
async fn the_doctor_finds_a_library_in_every_list_that_a_server_loads_from() {
    let app = App::start().await;
    let conn = &mut connect(&app);
    if matches!(conn, Conn::Sqlite(_)) {
        return;
    }
    // The one list of the three that an ordinary role may write.
    execute(conn, "", "SET local_preload_libraries = 'auto_explain'");

    let (faults, _) = ejf::ballot::examine_engine(conn).unwrap();

    let found: Vec<_> = faults.iter().filter(|fault| fault.check == Check::Statistics).collect();
    assert!(found.iter().any(|fault| fault.name == "local_preload_libraries"), "{faults:?}");
}
