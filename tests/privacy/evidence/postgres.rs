//! A PostgreSQL schema read as an insider reads it: every table with place and transaction of each row, and what the
//! server counts of it.
//!
//! What a newcomer would get wrong: a dump in the order of a key would hide what is looked for. Rows come by their place
//! in the heap.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, RunQueryDsl};
use serde_json::Value as Json;

use super::{Column, Row, Table, Value};
use crate::stage::connect;

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Placed {
    #[diesel(sql_type = BigInt)]
    block: i64,
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = BigInt)]
    xmin: i64,
    #[diesel(sql_type = Text)]
    row: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The tables of a schema; what the server counts of its tables is one of them.
pub fn read(server: &str, schema: &str) -> Vec<Table> {
    let mut conn = connect(server);
    let names: Vec<Line> = diesel::sql_query(format!(
        "SELECT table_name::text AS value FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1"
    ))
    .load(&mut conn)
    .unwrap();
    let mut tables: Vec<Table> = names.iter().map(|name| table(&mut conn, schema, &name.value)).collect();
    tables.push(statistics(&mut conn, schema));
    tables
}

fn table(conn: &mut PgConnection, schema: &str, name: &str) -> Table {
    let columns: Vec<ColumnRow> = diesel::sql_query(format!(
        "SELECT column_name::text AS name, data_type::text AS kind FROM information_schema.columns \
         WHERE table_schema = '{schema}' AND table_name = '{name}' ORDER BY ordinal_position"
    ))
    .load(conn)
    .unwrap();
    let columns: Vec<Column> = columns.into_iter().map(|row| Column { name: row.name, kind: row.kind }).collect();
    let rows: Vec<Placed> = diesel::sql_query(format!(
        "SELECT split_part(trim('()' FROM ctid::text), ',', 1)::bigint AS block, \
         split_part(trim('()' FROM ctid::text), ',', 2)::bigint AS line, xmin::text::bigint AS xmin, \
         to_jsonb(t)::text AS row FROM {schema}.\"{name}\" t ORDER BY ctid"
    ))
    .load(conn)
    .unwrap();
    let rows = rows.iter().zip(0..).map(|(row, at)| placed(row, at, &columns)).collect();
    let constraints: Vec<Line> = diesel::sql_query(format!(
        "SELECT pg_get_constraintdef(oid)::text AS value FROM pg_constraint WHERE conrelid = '{schema}.\"{name}\"'::regclass"
    ))
    .load(conn)
    .unwrap();
    let sql = constraints.into_iter().map(|line| line.value).collect::<Vec<_>>().join("; ");
    Table { name: name.to_owned(), columns, rows, sql }
}

fn placed(row: &Placed, at: u64, columns: &[Column]) -> Row {
    let fields: Json = serde_json::from_str(&row.row).unwrap();
    let values = columns.iter().map(|column| value(&fields[&column.name], &column.kind)).collect();
    let unsigned = |number: i64| u64::try_from(number).unwrap();
    let ctid = unsigned(row.block) * 65_536 + unsigned(row.line);
    Row { values, places: vec![("row", at), ("ctid", ctid), ("xmin", unsigned(row.xmin))] }
}

fn value(field: &Json, kind: &str) -> Value {
    match field {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Int(i64::from(*flag)),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Real(number.as_f64().unwrap()),
        },
        Json::String(text) if kind == "bytea" => Value::Blob(hex(text.trim_start_matches("\\x"))),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Text(field.to_string()),
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// What the server's statistics say of the tables and of itself.
fn statistics(conn: &mut PgConnection, schema: &str) -> Table {
    let lines: Vec<Line> = diesel::sql_query(format!(
        "SELECT to_jsonb(s)::text AS value FROM pg_stat_user_tables s WHERE schemaname = '{schema}' UNION ALL \
         SELECT to_jsonb(s)::text FROM pg_stat_user_indexes s WHERE schemaname = '{schema}' UNION ALL \
         SELECT to_jsonb(s)::text FROM pg_statio_user_tables s WHERE schemaname = '{schema}' UNION ALL \
         SELECT to_jsonb(s)::text FROM pg_stat_database s WHERE datname = current_database() UNION ALL \
         SELECT to_jsonb(s)::text FROM pg_stat_activity s UNION ALL SELECT to_jsonb(s)::text FROM pg_stat_wal s"
    ))
    .load(conn)
    .unwrap();
    let rows = lines.into_iter().map(|line| Row { values: vec![Value::Text(line.value)], places: Vec::new() });
    let columns = vec![Column { name: "row".to_owned(), kind: "text".to_owned() }];
    Table { name: "pg_stat".to_owned(), columns, rows: rows.collect(), sql: String::new() }
}
