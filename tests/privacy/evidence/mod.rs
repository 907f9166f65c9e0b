//! What an insider holds: dumps of both databases in the order in which rows lie, raw files with journals, logs and
//! times, the output of the process, public and staff answers as polled, what the registry's listener saw, and all that
//! a proxy left.
//!
//! What a newcomer would get wrong: the truth is not in here. Analyses get both, so that they can be judged; the evidence
//! alone is what they may reason from.

pub mod postgres;
pub mod sqlite_file;

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::caller::Passed;
use crate::stage::{Engine, Stores};

/// One stored value.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => None,
        }
    }

    /// The bytes of a text or a blob.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Value::Text(text) => text.as_bytes(),
            Value::Blob(bytes) => bytes,
            Value::Null | Value::Int(_) | Value::Real(_) => &[],
        }
    }
}

/// A column as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: String,
}

/// A row with all that tells where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub values: Vec<Value>,
    pub places: Vec<(&'static str, u64)>,
}

impl Row {
    pub fn place(&self, name: &str) -> Option<u64> {
        self.places.iter().find(|(place, _)| *place == name).map(|(_, at)| *at)
    }
}

/// A table with its rows in the order in which they lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// How it was declared, as far as the engine keeps that.
    pub sql: String,
}

/// A file as it lies.
#[derive(Debug, Clone)]
pub struct RawFile {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Microseconds of the machine's time since 1970.
    pub modified: i64,
    pub changed: i64,
}

/// What the names of the proxy's files begin with.
const OF_PROXY: &str = "nginx/";

impl RawFile {
    /// Whether the proxy in front of the box left it, its output among it.
    pub fn is_of_proxy(&self) -> bool {
        self.name.starts_with(OF_PROXY)
    }

    /// The folder that it lies in, such as that of a log's segments, whose names tell their order.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// An answer as polled.
#[derive(Debug, Clone)]
pub struct Polled {
    /// Which listener was asked, as whom, for what.
    pub what: String,
    /// How many reviews had been accepted by then, of which subject; known to who judges, not to who guesses.
    pub accepted: Vec<u64>,
    pub is_of_box: bool,
    pub status: u16,
    pub body: Vec<u8>,
}

/// The box as it stood at an instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub at: DateTime<Utc>,
    pub tables: Vec<Table>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub of_box: Vec<Table>,
    pub of_registry: Vec<Table>,
    pub files: Vec<RawFile>,
    pub output: Vec<u8>,
    pub polled: Vec<Polled>,
    pub snapshots: Vec<Snapshot>,
    pub transcript: Vec<Passed>,
    /// What passed between the proxy and the box, where there was one.
    pub at_proxy: Vec<Passed>,
}

/// The tables of the box as they lie now.
pub fn tables_of_box(engine: &Engine, stores: &Stores) -> Vec<Table> {
    match engine {
        Engine::Sqlite => read_sqlite(&stores.terms.folder.join("ballot.db")),
        Engine::Postgres { .. } => postgres::read(&stores.schemas[1].0, &stores.schemas[1].1),
    }
}

/// The tables of the registry as they lie now.
pub fn tables_of_registry(engine: &Engine, stores: &Stores) -> Vec<Table> {
    match engine {
        Engine::Sqlite => read_sqlite(&stores.terms.folder.join("registry.db")),
        Engine::Postgres { .. } => postgres::read(&stores.schemas[0].0, &stores.schemas[0].1),
    }
}

fn read_sqlite(path: &Path) -> Vec<Table> {
    let wal = std::fs::read(path.with_extension("db-wal")).unwrap_or_default();
    sqlite_file::read(&std::fs::read(path).unwrap(), &wal)
}

/// Every file of the stores, of the box's server, and of what it archived.
pub fn raw_files(engine: &Engine, stores: &Stores) -> Vec<RawFile> {
    let mut files = Vec::new();
    collect(&stores.terms.folder, &stores.terms.folder, &mut files);
    if let Engine::Postgres { data, .. } = engine {
        collect(data, data, &mut files);
        files.extend(raw_file(&data.with_file_name("server.log"), "server.log"));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The files of a proxy's folder; folders as well, whose times tell when a file in them came or went.
pub fn files_of_proxy(folder: &Path) -> Vec<RawFile> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    collect(folder, folder, &mut files);
    while let Some(next) = folders.pop() {
        let inner = std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path());
        folders.extend(inner.filter(|path| path.is_dir()));
        let (modified, changed) = times(&std::fs::metadata(&next).unwrap());
        let name = next.strip_prefix(folder).unwrap().display().to_string();
        files.push(RawFile { name, bytes: Vec::new(), modified, changed });
    }
    for file in &mut files {
        file.name.insert_str(0, OF_PROXY);
    }
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<RawFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The two template databases of a PostgreSQL server are as the installation made them.
        if path.ends_with("base/1") || path.ends_with("base/4") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        files.extend(raw_file(&path, &path.strip_prefix(root).unwrap().display().to_string()));
    }
}

/// A file with its times; nothing where a server at work has removed it meanwhile.
fn raw_file(path: &Path, name: &str) -> Option<RawFile> {
    let (about, bytes) = (std::fs::metadata(path).ok()?, std::fs::read(path).ok()?);
    let (modified, changed) = times(&about);
    Some(RawFile { name: name.to_owned(), bytes, modified, changed })
}

/// When something was written and changed, in microseconds.
fn times(about: &std::fs::Metadata) -> (i64, i64) {
    let micros = |seconds: i64, nanos: i64| seconds * 1_000_000 + nanos / 1000;
    (micros(about.mtime(), about.mtime_nsec()), micros(about.ctime(), about.ctime_nsec()))
}

/// Copies of the box's SQLite file that somebody left beside it, by the day in their names.
pub fn copies(files: &[RawFile]) -> Vec<Snapshot> {
    let of_day = |file: &RawFile| {
        let day = file.name.strip_prefix("ballot.db.")?.parse::<chrono::NaiveDate>().ok()?;
        let at = day.and_time(chrono::NaiveTime::MIN).and_utc();
        Some(Snapshot { at, tables: sqlite_file::read(&file.bytes, &[]) })
    };
    files.iter().filter_map(of_day).collect()
}
