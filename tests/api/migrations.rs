//! Migrations, both ways, on both databases and both engines; and that what diesel believes of the tables is so. A
//! newcomer's usual mistake is to change one of the twin folders: they are compared word by word, whichever engine the
//! suite runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use ejf::db::{Conn, Location, Purpose, migrate, migrate_down, pending_migrations};

use crate::harness::TestDb;

const DATABASES: [(Purpose, &str); 2] = [(Purpose::Registry, "registry"), (Purpose::BallotBox, "ballot")];
/// Diesel's own list of what was applied.
const BOOKKEEPING: &str = "__diesel_schema_migrations";

/// One row of text, under whatever question.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    is_nullable: String,
    #[diesel(sql_type = Text)]
    standard: String,
}

fn connect(location: &Location) -> Conn {
    match location {
        Location::Sqlite(path) => Conn::Sqlite(SqliteConnection::establish(path.to_str().unwrap()).unwrap()),
        Location::Postgres(url) => Conn::Postgres(PgConnection::establish(url).unwrap()),
    }
}

/// The engines' different questions for the same thing.
fn lines(conn: &mut Conn, sqlite: &str, postgres: &str) -> Vec<String> {
    let rows: Vec<Line> = match conn {
        Conn::Sqlite(c) => diesel::sql_query(sqlite).load(c).unwrap(),
        Conn::Postgres(c) => diesel::sql_query(postgres).load(c).unwrap(),
    };
    rows.into_iter().map(|row| row.line).collect()
}

/// All columns, with their kinds as diesel calls them.
fn columns(conn: &mut Conn) -> Vec<Column> {
    let sqlite = "SELECT m.name AS table_name, c.cid + 1 AS place, c.name AS column_name, lower(c.type) AS kind, \
        CASE WHEN c.\"notnull\" = 1 THEN 'no' ELSE 'yes' END AS is_nullable, coalesce(c.dflt_value, '') AS standard \
        FROM sqlite_master m, pragma_table_info(m.name) c \
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2";
    // A column that was dropped leaves its number behind, so places are counted.
    let postgres = "SELECT table_name::text, \
        row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position)::bigint AS place, column_name::text, \
        lower(data_type)::text AS kind, lower(is_nullable)::text AS is_nullable, \
        coalesce(column_default, identity_generation, '')::text AS standard \
        FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2";
    let rows: Vec<Column> = match conn {
        Conn::Sqlite(c) => diesel::sql_query(sqlite).load(c).unwrap(),
        Conn::Postgres(c) => diesel::sql_query(postgres).load(c).unwrap(),
    };
    let ours = rows.into_iter().filter(|column| column.table_name != BOOKKEEPING);
    let in_our_words = |column: Column| Column {
        kind: kind_in_diesel(&column.kind),
        // PostgreSQL says of what kind a text is that stands where none is given.
        standard: column.standard.trim_end_matches("::text").to_owned(),
        ..column
    };
    ours.map(in_our_words).collect()
}

fn kind_in_diesel(kind: &str) -> String {
    let known = match kind {
        "text" => "Text",
        "integer" => "Integer",
        "bigint" => "BigInt",
        "boolean" => "Bool",
        "blob" | "bytea" => "Binary",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        "date" => "Date",
        other => panic!("a column of kind {other}: both engines must have it, and house.md 7 names those we use"),
    };
    known.to_owned()
}

/// Everything that makes up the schema, in words that must come again after a way down and up.
fn dump(conn: &mut Conn) -> Vec<String> {
    let mut dump: Vec<String> = columns(conn).iter().map(|column| format!("{column:?}")).collect();
    dump.extend(lines(
        conn,
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') AS line FROM sqlite_master",
        "SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line \
         FROM pg_constraint WHERE connamespace = current_schema()::regnamespace \
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() \
         UNION ALL SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal \
             AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace) \
         UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = current_schema()::regnamespace \
             AND typtype IN ('e', 'd', 'r')",
    ));
    dump.retain(|line| !line.contains(BOOKKEEPING));
    dump.sort();
    dump
}

fn folder(database: &str, engine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database).join(engine)
}

fn names(database: &str, engine: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(database, engine)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn location(db: &TestDb, purpose: Purpose) -> &Location {
    match purpose {
        Purpose::Registry => &db.registry,
        Purpose::BallotBox => &db.ballot,
    }
}

#[test]
fn every_way_down_and_up_again_leads_to_the_same_schema() {
    for (purpose, database) in DATABASES {
        let db = TestDb::create();
        let mut conn = connect(location(&db, purpose));
        let count = names(database, "sqlite").len();
        assert_eq!(migrate(&mut conn, purpose).unwrap().len(), count, "{database}");
        let whole = dump(&mut conn);
        assert!(!whole.is_empty());

        for undone in 1..=count {
            migrate_down(&mut conn, purpose, undone).unwrap();
            assert_eq!(pending_migrations(&mut conn, purpose).unwrap().pending.len(), undone);
            if undone == count {
                assert_eq!(dump(&mut conn), [""; 0], "{database}: something of ours is left");
            }
            migrate(&mut conn, purpose).unwrap();
            assert_eq!(dump(&mut conn), whole, "{database}: {undone} down and up");
        }
    }
}

/// What stood in the tables before there were rounds belongs to the first one, and comes back on the way down.
#[test]
fn what_a_cycle_had_before_there_were_rounds_is_of_the_first() {
    let db = TestDb::create();
    let mut conn = connect(&db.registry);
    migrate(&mut conn, Purpose::Registry).unwrap();
    let all = names("registry", "sqlite");
    let since = all.len() - all.iter().position(|name| name == "0011_rounds").unwrap();
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    let blob = if matches!(conn, Conn::Sqlite(_)) { "x'07'" } else { "'\\x07'" };
    let rows = format!(
        "INSERT INTO methodologies (id, code, edition, state, document, digest, has_draft_texts, created_at, version) \
             VALUES ('m', 'code', 1, 'draft', '{{}}', 'd', false, '2027-01-11 00:00:00', 1); \
         INSERT INTO cycles (id, methodology_id, evaluating_body, title_kk, title_ru, phase, round, generation, \
             seed_commitment, sealed_seed, draw_record, draw_record_digest, created_at, version) \
             VALUES ('c', 'm', 'body', 'kk', 'ru', 'drawn', 1, 0, 'commitment', {blob}, 'record', 'digest', \
             '2027-01-11 00:00:00', 1); \
         INSERT INTO cycle_documents (cycle_id, name, content) VALUES ('c', 'manifest-0.json', {blob}); \
         INSERT INTO sealed_rounds (cycle_id, result_digest, complaint_count) VALUES ('c', 'result', 2)"
    );
    match &mut conn {
        Conn::Sqlite(c) => c.batch_execute(&rows).unwrap(),
        Conn::Postgres(c) => c.batch_execute(&rows).unwrap(),
    }
    let before = "SELECT seed_commitment || draw_record || draw_record_digest AS line FROM cycles \
        UNION ALL SELECT name FROM cycle_documents UNION ALL SELECT result_digest FROM sealed_rounds";
    let old = lines(&mut conn, before, before);

    migrate(&mut conn, Purpose::Registry).unwrap();

    let after = "SELECT seed_commitment || record || record_digest AS line FROM draws WHERE round = 1 \
        UNION ALL SELECT name FROM cycle_documents WHERE round = 1 \
        UNION ALL SELECT result_digest FROM sealed_rounds WHERE round = 1";
    assert_eq!(lines(&mut conn, after, after), ["commitmentrecorddigest", "manifest-0.json", "result"]);
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    assert_eq!(lines(&mut conn, before, before), old);
}

/// What was disputed when only observed values could be is a dispute of one, and comes back on the way down.
#[test]
fn a_request_for_correction_from_before_the_sections_is_about_an_observed_value() {
    let db = TestDb::create();
    let mut conn = connect(&db.registry);
    migrate(&mut conn, Purpose::Registry).unwrap();
    let all = names("registry", "sqlite");
    let since = all.len() - all.iter().position(|name| name == "0013_sections").unwrap();
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    let blob = if matches!(conn, Conn::Sqlite(_)) { "x'07'" } else { "'\\x07'" };
    let rows = format!(
        "INSERT INTO accounts (id, login, password_hash, staff_role, is_closed, version, created_at) \
             VALUES ('a', 'login', 'hash', 'secretary', false, 1, '2027-01-11 00:00:00'); \
         INSERT INTO judges (id, iin_sealed, iin_hash, full_name_kk, full_name_ru, first_appointed_on, version) \
             VALUES ('j', {blob}, {blob}, 'kk', 'ru', '2015-03-02', 1); \
         INSERT INTO indicators (code, name_kk, name_ru, unit, scale, min_value, max_value, direction, is_scorable, source, \
             kind, in_force_from) \
             VALUES ('resolved', 'kk', 'ru', 'cases', 0, 0, 9, 'none', false, 's', 'count', '2000-01-01'); \
         INSERT INTO observations (id, judge_id, indicator_code, category, period_start, period_end, numerator, \
             source_system, as_of, received_at, recorded_by, status) \
             VALUES ('o', 'j', 'resolved', 'civil', '2026-07-01', '2026-09-30', 7, 's', '2026-10-05', \
             '2027-01-11 00:00:00', 'a', 'disputed'); \
         INSERT INTO correction_requests (id, judge_id, observation_id, claim, status, due_on, filed_at, version) \
             VALUES ('c', 'j', 'o', 'claim', 'open', '2027-01-25', '2027-01-11 00:00:00', 1)"
    );
    match &mut conn {
        Conn::Sqlite(c) => c.batch_execute(&rows).unwrap(),
        Conn::Postgres(c) => c.batch_execute(&rows).unwrap(),
    }

    migrate(&mut conn, Purpose::Registry).unwrap();

    let after =
        "SELECT id || ' ' || record_type || ' ' || record_id || ' ' || document_ids AS line FROM correction_requests";
    assert_eq!(lines(&mut conn, after, after), ["c observation o []"]);
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    let before = "SELECT id || ' ' || observation_id || ' ' || claim AS line FROM correction_requests";
    assert_eq!(lines(&mut conn, before, before), ["c o claim"]);
}

/// The records of the sections outlive the new making of their table both ways, with what they say of one another.
#[test]
fn records_from_before_there_were_languages_stay_and_languages_go_on_the_way_down() {
    let db = TestDb::create();
    let mut conn = connect(&db.registry);
    migrate(&mut conn, Purpose::Registry).unwrap();
    let all = names("registry", "sqlite");
    let since = all.len() - all.iter().position(|name| name == "0024_languages").unwrap();
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    let blob = if matches!(conn, Conn::Sqlite(_)) { "x'07'" } else { "'\\x07'" };
    let record = |id: &str, section: &str, status: &str, rest: &str| {
        format!(
            "INSERT INTO file_records (id, judge_id, section, content, shown, source_system, as_of, received_at, recorded_by, \
                 status, first_id, supersedes_id, confirmation, ended_at) \
             VALUES ('{id}', 'j', '{section}', '{{}}', 'always', 'hr', '2026-10-05', '2027-01-11 00:00:00', 'a', \
                 '{status}', {rest}); "
        )
    };
    let mut rows = format!(
        "INSERT INTO accounts (id, login, password_hash, staff_role, is_closed, version, created_at) \
             VALUES ('a', 'login', 'hash', 'secretary', false, 1, '2027-01-11 00:00:00'); \
         INSERT INTO judges (id, iin_sealed, iin_hash, full_name_kk, full_name_ru, first_appointed_on, version) \
             VALUES ('j', {blob}, {blob}, 'kk', 'ru', '2015-03-02', 1); "
    );
    rows += &record("r1", "training", "corrected", "'r1', NULL, 'not_needed', '2027-01-12 00:00:00'");
    rows += &record("r2", "training", "active", "'r1', 'r1', 'not_needed', NULL");
    let insert = |conn: &mut Conn, rows: &str| match conn {
        Conn::Sqlite(c) => c.batch_execute(rows).unwrap(),
        Conn::Postgres(c) => c.batch_execute(rows).unwrap(),
    };
    insert(&mut conn, &rows);
    let told = "SELECT id || ' ' || section || ' ' || status || ' ' || first_id || ' ' || coalesce(supersedes_id, '-') AS line \
        FROM file_records ORDER BY id";
    let old = ["r1 training corrected r1 -", "r2 training active r1 r1"];
    assert_eq!(lines(&mut conn, told, told), old);

    migrate(&mut conn, Purpose::Registry).unwrap();

    assert_eq!(lines(&mut conn, told, told), old);
    insert(&mut conn, &record("r3", "language", "active", "'r3', NULL, 'not_needed', NULL"));
    migrate_down(&mut conn, Purpose::Registry, since).unwrap();
    assert_eq!(lines(&mut conn, told, told), old);
}

#[test]
fn both_engines_have_the_same_migrations_word_by_word() {
    for (_, database) in DATABASES {
        assert_eq!(names(database, "sqlite"), names(database, "postgres"), "{database}");
        for name in names(database, "sqlite") {
            for file in ["up.sql", "down.sql"] {
                let read = |engine| fs::read_to_string(folder(database, engine).join(&name).join(file)).unwrap();
                let (sqlite, postgres) = (statements(&read("sqlite")), statements(&read("postgres")));
                for (one, other) in sqlite.iter().zip(&postgres) {
                    assert_eq!(one, other, "{database}/{name}/{file}");
                }
                assert_eq!(sqlite.len(), postgres.len(), "{database}/{name}/{file}");
            }
        }
    }
}

/// The statements without comments and without what only one engine has words for.
fn statements(sql: &str) -> Vec<String> {
    let bare: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
    let statements = bare.join(" ");
    let statements = statements.split(';').map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    let same = statements.map(|one| one.replace("BYTEA", "BLOB").replace(") WITHOUT ROWID", ")"));
    same.filter(|one| !one.is_empty() && !one.contains("SET STORAGE")).collect()
}

#[test]
fn both_engines_have_the_same_columns() {
    for (purpose, database) in DATABASES {
        let db = TestDb::create();
        let mut here = connect(location(&db, purpose));
        migrate(&mut here, purpose).unwrap();
        let file = Location::Sqlite(db.folder().join("twin.db"));
        let mut twin = connect(&file);
        migrate(&mut twin, purpose).unwrap();
        assert_eq!(columns(&mut here), columns(&mut twin), "{database}");
    }
}

/// The columns of every `table!` in a text: table, column, kind, whether it may be null.
fn believed(text: &str) -> BTreeMap<String, Vec<(String, String, bool)>> {
    let mut tables = BTreeMap::new();
    for block in text.split("table! {").skip(1) {
        let (head, rest) = block.split_once('{').unwrap();
        let name = head.split('(').next().unwrap().trim().to_owned();
        let body = rest.split('}').next().unwrap();
        let columns = body.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(" -> "));
        let columns = columns.map(|(column, kind)| {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            (column.to_owned(), inner.unwrap_or(kind).to_owned(), inner.is_some())
        });
        tables.insert(name, columns.collect());
    }
    tables
}

#[test]
fn what_diesel_believes_of_the_tables_is_so() {
    for (purpose, database) in DATABASES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let candidates = match purpose {
            Purpose::Registry => {
                let mut files = rust_files(&source.join("src/store/schema"));
                files.push(source.join("src/store/schema.rs"));
                files
            }
            Purpose::BallotBox => rust_files(&source.join("src/ballot")),
        };
        let texts: Vec<String> = candidates.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let believed = believed(&texts.concat());
        let db = TestDb::create();
        let mut conn = connect(location(&db, purpose));
        migrate(&mut conn, purpose).unwrap();
        let mut real: BTreeMap<String, Vec<(String, String, bool)>> = BTreeMap::new();
        for column in columns(&mut conn) {
            let told = (column.column_name, column.kind, column.is_nullable == "yes");
            real.entry(column.table_name).or_default().push(told);
        }
        for (table, columns) in &real {
            assert_eq!(believed.get(table), Some(columns), "{database}: table {table}");
        }
        assert_eq!(believed.len(), real.len(), "{database}: {:?}", believed.keys());
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn every_foreign_key_has_an_index() {
    let db = TestDb::create();
    let mut conn = connect(&db.registry);
    migrate(&mut conn, Purpose::Registry).unwrap();
    // Each as `table column,column`, in order; a partial index finds only some of the rows and does not count.
    let keys = lines(
        &mut conn,
        "SELECT m.name || ' ' || (SELECT group_concat(f.\"from\", ',') FROM pragma_foreign_key_list(m.name) f \
             WHERE f.id = k.id ORDER BY f.seq) AS line \
         FROM sqlite_master m, pragma_foreign_key_list(m.name) k WHERE m.type = 'table' AND k.seq = 0",
        "SELECT conrelid::regclass || ' ' || (SELECT string_agg(a.attname, ',' ORDER BY k.n) \
             FROM unnest(conkey) WITH ORDINALITY k(num, n) JOIN pg_attribute a \
             ON a.attrelid = conrelid AND a.attnum = k.num) AS line \
         FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace",
    );
    let indexes = lines(
        &mut conn,
        "SELECT m.name || ' ' || (SELECT group_concat(c.name, ',') FROM \
             (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c) AS line \
         FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND i.partial = 0",
        "SELECT indrelid::regclass || ' ' || (SELECT string_agg(a.attname, ',' ORDER BY k.n) \
             FROM unnest(indkey) WITH ORDINALITY k(num, n) JOIN pg_attribute a \
             ON a.attrelid = indrelid AND a.attnum = k.num) AS line \
         FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
         WHERE indpred IS NULL AND relnamespace = current_schema()::regnamespace",
    );
    assert!(keys.len() > 20 && indexes.len() > 20, "{keys:?} {indexes:?}");
    let is_found = |key: &&String| indexes.iter().any(|index| index == *key || index.starts_with(&format!("{key},")));
    let without: BTreeSet<&String> = keys.iter().filter(|key| !is_found(key)).collect();
    assert!(without.is_empty(), "foreign keys without an index that begins with them: {without:#?}");
}

/// Order and time of arrival would tell who wrote what (privacy.md): nothing in the box's tables keeps either.
#[test]
fn the_boxs_tables_hold_nothing_that_tells_when_or_in_which_order() {
    let db = TestDb::create();
    let mut conn = connect(&db.ballot);
    migrate(&mut conn, Purpose::BallotBox).unwrap();
    let columns = columns(&mut conn);
    let tables: BTreeSet<&str> = columns.iter().map(|column| column.table_name.as_str()).collect();

    for column in &columns {
        assert!(!["Timestamp", "Date"].contains(&column.kind.as_str()), "{column:?}");
        assert_eq!(column.standard, "", "{column:?}");
    }
    let others = lines(
        &mut conn,
        "SELECT type || ' ' || name AS line FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%' \
             AND (type <> 'table' OR name = 'sqlite_sequence') \
         UNION ALL SELECT 'foreign key of ' || m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) \
         UNION ALL SELECT 'row ids of ' || m.name FROM sqlite_master m \
             WHERE m.type = 'table' AND m.name <> '__diesel_schema_migrations' AND m.sql NOT LIKE '%WITHOUT ROWID'",
        "SELECT 'relation ' || relname AS line FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
             AND relkind NOT IN ('r', 'i') \
         UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid IN \
             (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace) \
         UNION ALL SELECT 'foreign key ' || conname FROM pg_constraint WHERE contype = 'f' \
             AND connamespace = current_schema()::regnamespace \
         UNION ALL SELECT 'stored apart: ' || attname FROM pg_attribute WHERE attnum > 0 AND attstorage IN ('x', 'e', 'm') \
             AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
             AND relkind = 'r' AND relname <> '__diesel_schema_migrations')",
    );
    assert_eq!(others, [""; 0]);
    let indexes = lines(
        &mut conn,
        "SELECT m.name || '' AS line FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table'",
        "SELECT tablename::text AS line FROM pg_indexes WHERE schemaname = current_schema()",
    );
    for table in tables {
        assert_eq!(indexes.iter().filter(|of| *of == table).count(), 1, "{table} has its key and no second index");
    }
}
