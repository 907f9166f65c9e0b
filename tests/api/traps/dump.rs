//! Everything that lies in the registry, row by row, as an insider would read it; on either engine.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use ejf::db::Conn;
use ejf::error::{Error, Result};
use ejf::on;

use crate::harness::App;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

fn ask(conn: &mut Conn, query: &str) -> Result<Vec<String>> {
    let lines: Vec<Line> = on!(conn, |c| { diesel::sql_query(query).load(c).map_err(Error::Sql) })?;
    Ok(lines.into_iter().map(|line| line.value).collect())
}

/// The rows of every table, sorted: text as it is, bytes as hex digits.
pub async fn registry(app: &App) -> BTreeMap<String, Vec<String>> {
    let dump = app.registry().0.read(|conn| {
        let tables = match conn {
            Conn::Sqlite(_) => "SELECT name AS value FROM sqlite_master WHERE type = 'table'",
            Conn::Postgres(_) => {
                "SELECT table_name::text AS value FROM information_schema.tables WHERE table_schema = current_schema()"
            }
        };
        let mut dump = BTreeMap::new();
        for table in ask(conn, tables)? {
            let rows = match conn {
                Conn::Sqlite(_) => {
                    let columns = format!("SELECT 'quote(' || name || ')' AS value FROM pragma_table_info('{table}')");
                    let columns = ask(conn, &columns)?.join(" || '|' || ");
                    format!("SELECT {columns} AS value FROM {table}")
                }
                Conn::Postgres(_) => format!("SELECT t::text AS value FROM {table} t"),
            };
            let mut rows = ask(conn, &rows)?;
            rows.sort_unstable();
            dump.insert(table, rows);
        }
        Ok(dump)
    });
    let dump: BTreeMap<String, Vec<String>> = dump.await.unwrap();
    assert!(dump.len() > 25 && !dump["audit_entries"].is_empty(), "the dump found too little");
    dump
}
