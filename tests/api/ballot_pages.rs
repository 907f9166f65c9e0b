//! What an insider reads from the box's files page by page, below SQL: after a compaction they are laid out by key.
//!
//! What a newcomer would get wrong: an index is in the order of its keys however rows came; where their bytes lie within a
//! page, and which pages took what did not fit, is the order of writing.

use std::os::unix::fs::MetadataExt;

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use ejf::credential::manifest::Item;
use ejf::db::{Conn, Location};

use crate::ballot_storage::{connect, filled};
use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    value: String,
}

/// An SQLite file, as the description of its format has it (sqlite.org/fileformat2.html).
struct Pages {
    bytes: Vec<u8>,
    page_size: usize,
}

/// What the walk through a table in the order of its keys comes by.
#[derive(Default)]
struct Layout {
    /// Where the cells begin within their page, page by page.
    cells: Vec<Vec<usize>>,
    /// The pages that hold what did not fit, row by row.
    overflow: Vec<u32>,
}

impl Pages {
    fn new(bytes: Vec<u8>) -> Pages {
        let page_size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        Pages { bytes, page_size }
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    fn short(&self, at: usize) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    /// A number of one to nine bytes, seven bits in each but the last, and the place behind it.
    fn varint(&self, mut at: usize) -> (usize, usize) {
        let mut value = 0;
        loop {
            let byte = self.bytes[at];
            value = value << 7 | usize::from(byte & 0x7f);
            at += 1;
            if byte < 0x80 {
                return (value, at);
            }
        }
    }

    /// Walks an index tree, which is what a table without row ids is, in the order of its keys.
    fn walk(&self, page: u32, layout: &mut Layout) {
        let start = (page as usize - 1) * self.page_size;
        let is_inner = match self.bytes[start] {
            2 => true,
            10 => false,
            other => panic!("page {page} is of the kind {other}"),
        };
        let count = self.short(start + 3);
        let pointers = start + if is_inner { 12 } else { 8 };
        let mut cells = Vec::new();
        for cell in 0..count {
            let offset = self.short(pointers + 2 * cell);
            cells.push(offset);
            let mut at = start + offset;
            if is_inner {
                self.walk(self.number(at), layout);
                at += 4;
            }
            let (size, payload) = self.varint(at);
            let (most, least) = ((self.page_size - 12) * 64 / 255 - 23, (self.page_size - 12) * 32 / 255 - 23);
            if size > most {
                let wished = least + (size - least) % (self.page_size - 4);
                let local = if wished <= most { wished } else { least };
                let mut next = self.number(payload + local);
                while next != 0 {
                    layout.overflow.push(next);
                    next = self.number((next as usize - 1) * self.page_size);
                }
            }
        }
        layout.cells.push(cells);
        if is_inner {
            self.walk(self.number(start + 8), layout);
        }
    }
}

fn layout(app: &App) -> (Pages, Layout) {
    let pages = Pages::new(app.ballot_bytes());
    let mut conn = SqliteConnection::establish(app.db.folder().join("ballot.db").to_str().unwrap()).unwrap();
    let root: Number =
        diesel::sql_query("SELECT CAST(rootpage AS BIGINT) AS value FROM sqlite_master WHERE name = 'review'")
            .get_result(&mut conn)
            .unwrap();
    let mut layout = Layout::default();
    pages.walk(u32::try_from(root.value).unwrap(), &mut layout);
    (pages, layout)
}

/// Cells are laid out from the end of their page to its beginning, in the order in which they were written.
fn is_by_key(layout: &Layout) -> bool {
    layout.cells.iter().all(|cells| cells.is_sorted_by(|one, next| one > next))
        && layout.overflow.is_sorted_by(|one, next| one < next)
}

/// Fills the box with reviews of a long form, which do not fit into a page's cell.
async fn fill_with_long_reviews(app: &App) {
    let more = || (3..=60).map(|number| format!("k{number}"));
    let round = BallotRound::publish_with(&app.publication(), |manifest| {
        manifest.instruments[0].items.extend(more().map(|code| Item { code, min: 1, max: 5 }));
    });
    app.go_to("2027-02-20");
    for _ in 0..24 {
        let reviewer = round.reviewer();
        let mut body = reviewer.body(&round, &[], Some(4));
        body.marks.extend(more().map(|code| (code, Some(3))));
        app.anonymous_box().submit(&reviewer.seal(body)).await.expect(202);
    }
}

#[tokio::test]
async fn pages_cells_and_overflow_of_an_sqlite_box_lie_in_the_order_of_the_keys() {
    let mut app = App::start().await;
    if matches!(app.db.ballot, Location::Postgres(_)) {
        return;
    }
    fill_with_long_reviews(&app).await;
    let (_, before) = layout(&app);
    app.ballot().compact_now().await.unwrap();
    app.stop_box().await;
    let (pages, after) = layout(&app);

    assert!(!is_by_key(&before), "what was not compacted lies as it came, or the reading is blind");
    assert!(after.overflow.len() >= 24 && after.cells.len() > 2, "reviews of another size than a reading needs");
    assert!(is_by_key(&after), "{:?} {:?}", after.cells, after.overflow);
    assert_eq!((pages.number(32), pages.number(36)), (0, 0), "pages that were let go");
    assert_eq!(pages.number(24), 1, "commits are counted anew");
}

#[tokio::test]
async fn a_postgresql_box_keeps_nothing_beside_its_rows() {
    let app = App::start().await;
    let Location::Postgres(url) = &app.db.ballot else { return };
    filled(&app).await;
    app.ballot().compact_now().await.unwrap();

    let mut conn = PgConnection::establish(url).unwrap();
    let mut count = |query: &str| -> i64 { diesel::sql_query(query).get_result::<Number>(&mut conn).unwrap().value };
    let own = "relnamespace = current_schema()::regnamespace";
    let apart = format!(
        "SELECT count(*) AS value FROM pg_class WHERE {own} AND reltoastrelid <> 0 AND relname <> '__diesel_schema_migrations'"
    );
    assert_eq!(count(&apart), 0, "a table of values that lie apart");
    let dead = "SELECT count(*) AS value FROM review WHERE xmax <> 0";
    assert_eq!(count(dead), 0, "rows that something was done to");
    if count("SELECT (current_setting('track_counts') = 'on')::int::bigint AS value") == 0 {
        let counted = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS value FROM pg_stat_all_tables WHERE schemaname = current_schema()";
        assert_eq!(count(counted), 0, "the server counts rows as they come");
    }
}

/// The file that holds the reviews, by the number that the engine's storage gives it.
fn file_of_reviews(app: &App) -> String {
    match (&app.db.ballot, connect(app)) {
        (Location::Sqlite(path), _) => std::fs::metadata(path).unwrap().ino().to_string(),
        (Location::Postgres(_), Conn::Postgres(mut c)) => {
            let query = "SELECT pg_relation_filenode('review')::text AS value";
            diesel::sql_query(query).get_result::<Word>(&mut c).unwrap().value
        }
        (Location::Postgres(_), Conn::Sqlite(_)) => panic!("the box is on PostgreSQL"),
    }
}

#[tokio::test]
async fn many_submissions_between_two_compactions_make_one() {
    let mut app = App::start().await;
    let before = file_of_reviews(&app);
    let arrived = filled(&app).await;
    let meanwhile = file_of_reviews(&app);
    app.ballot().compact_now().await.unwrap();
    let after = file_of_reviews(&app);

    assert_eq!(meanwhile, before, "a compaction for a submission would be a clock of it");
    assert_ne!(after, before);
    assert_eq!(crate::ballot_storage::rows(&mut app, "review").await.len(), arrived.len());
}
