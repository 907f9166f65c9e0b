//! An SQLite file read as an insider reads it: every table, every row in the order in which it lies, with page, cell and
//! overflow page. Written from the description of the format, and without the library, which hides all that.
//!
//! What a newcomer would get wrong: a table WITHOUT ROWID is an index tree, whose inner pages hold rows as well, and
//! whose records begin with the columns of the key.

use std::collections::BTreeMap;

use super::{Column, Row, Table, Value};

const HEAD: usize = 100;

struct Pager<'a> {
    main: &'a [u8],
    size: usize,
    usable: usize,
    /// Pages of the write-ahead log that are newer than those of the file.
    newer: BTreeMap<u32, &'a [u8]>,
}

/// The tables of a file, with what its write-ahead log has more.
pub fn read(main: &[u8], wal: &[u8]) -> Vec<Table> {
    let Some(pager) = Pager::open(main, wal) else { return Vec::new() };
    let mut masters = Vec::new();
    pager.walk(1, &mut |_, record| masters.push(record.values.clone()));
    let mut tables = Vec::new();
    for master in masters {
        let [Value::Text(kind), Value::Text(name), _, Value::Int(root), Value::Text(sql)] = master.as_slice() else {
            continue;
        };
        if kind == "table" {
            tables.push(pager.table(name, u32::try_from(*root).unwrap(), sql));
        }
    }
    tables
}

struct Record {
    values: Vec<Value>,
    rowid: Option<i64>,
    page: u32,
    cell: usize,
    overflow: u32,
}

impl<'a> Pager<'a> {
    fn open(main: &'a [u8], wal: &'a [u8]) -> Option<Pager<'a>> {
        let newer = frames(wal);
        let head = newer.get(&1).copied().unwrap_or(main);
        if head.len() < HEAD || !head.starts_with(b"SQLite format 3\0") {
            return None;
        }
        let size = match be(head, 16, 2) {
            1 => 65_536,
            size => size,
        };
        Some(Pager { main, size, usable: size - usize::from(head[20]), newer })
    }

    fn page(&self, number: u32) -> &[u8] {
        let from = (number as usize - 1) * self.size;
        self.newer.get(&number).copied().unwrap_or_else(|| &self.main[from..from + self.size])
    }

    fn table(&self, name: &str, root: u32, sql: &str) -> Table {
        let declared = Declared::read(sql);
        let mut rows = Vec::new();
        self.walk(root, &mut |place, record| {
            let mut values = vec![Value::Null; declared.columns.len()];
            for (value, at) in record.values.iter().zip(&declared.stored) {
                values[*at] = value.clone();
            }
            let mut places = vec![
                ("row", place),
                ("page", u64::from(record.page)),
                ("cell", (record.page as usize * self.size + record.cell) as u64),
            ];
            if record.overflow > 0 {
                places.push(("overflow page", u64::from(record.overflow)));
            }
            if let Some(rowid) = record.rowid {
                places.push(("rowid", u64::try_from(rowid).unwrap_or_default()));
                if let Some(at) = declared.alias {
                    values[at] = Value::Int(rowid);
                }
            }
            rows.push(Row { values, places });
        });
        Table { name: name.to_owned(), columns: declared.columns, rows, sql: sql.to_owned() }
    }

    /// Visits the records of a tree in the order of their keys.
    fn walk(&self, root: u32, visit: &mut dyn FnMut(u64, &Record)) {
        let mut count = 0;
        self.walk_page(root, &mut |record| {
            visit(count, record);
            count += 1;
        });
    }

    fn walk_page(&self, number: u32, visit: &mut dyn FnMut(&Record)) {
        let page = self.page(number);
        let start = if number == 1 { HEAD } else { 0 };
        let kind = page[start];
        let (is_inner, is_index) = (matches!(kind, 2 | 5), matches!(kind, 2 | 10));
        let pointers = start + if is_inner { 12 } else { 8 };
        for at in 0..be(page, start + 3, 2) {
            let cell = be(page, pointers + 2 * at, 2);
            let mut from = cell;
            if is_inner {
                self.walk_page(u32::try_from(be(page, cell, 4)).unwrap(), visit);
                from += 4;
            }
            if !is_inner || is_index {
                visit(&self.record(page, number, from, is_index));
            }
        }
        if is_inner {
            self.walk_page(u32::try_from(be(page, start + 8, 4)).unwrap(), visit);
        }
    }

    fn record(&self, page: &[u8], number: u32, cell: usize, is_index: bool) -> Record {
        let (size, mut from) = varint(page, cell);
        let size = usize::try_from(size).unwrap();
        let mut rowid = None;
        if !is_index {
            let (id, next) = varint(page, from);
            (rowid, from) = (Some(id.cast_signed()), next);
        }
        let (most, least) = if is_index {
            ((self.usable - 12) * 64 / 255 - 23, (self.usable - 12) * 32 / 255 - 23)
        } else {
            (self.usable - 35, (self.usable - 12) * 32 / 255 - 23)
        };
        let local = if size <= most {
            size
        } else {
            let local = least + (size - least) % (self.usable - 4);
            if local <= most { local } else { least }
        };
        let mut payload = page[from..from + local].to_vec();
        let first = if local < size { u32::try_from(be(page, from + local, 4)).unwrap() } else { 0 };
        let mut overflow = first;
        while payload.len() < size && overflow > 0 {
            let more = self.page(overflow);
            let count = (size - payload.len()).min(self.usable - 4);
            payload.extend(&more[4..4 + count]);
            overflow = u32::try_from(be(more, 0, 4)).unwrap();
        }
        Record { values: values(&payload), rowid, page: number, cell, overflow: first }
    }
}

/// The newest committed frame of each page.
fn frames(wal: &[u8]) -> BTreeMap<u32, &[u8]> {
    let (mut newest, mut pending) = (BTreeMap::new(), BTreeMap::new());
    if wal.len() < 32 {
        return newest;
    }
    let (size, salts) = (be(wal, 8, 4), &wal[16..24]);
    for frame in wal[32..].chunks_exact(24 + size).take_while(|frame| &frame[8..16] == salts) {
        pending.insert(u32::try_from(be(frame, 0, 4)).unwrap(), &frame[24..]);
        if be(frame, 4, 4) > 0 {
            newest.append(&mut pending);
        }
    }
    newest
}

fn values(payload: &[u8]) -> Vec<Value> {
    let (head, mut at) = varint(payload, 0);
    let mut from = usize::try_from(head).unwrap();
    let mut values = Vec::new();
    while at < usize::try_from(head).unwrap() {
        let (kind, next) = varint(payload, at);
        at = next;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).unwrap(),
            5 => 6,
            6 | 7 => 8,
            more => usize::try_from((more - 12) / 2).unwrap(),
        };
        let bytes = &payload[from..from + size];
        from += size;
        values.push(match kind {
            0 => Value::Null,
            1..=6 => Value::Int(signed(bytes)),
            7 => Value::Real(f64::from_be_bytes(bytes.try_into().unwrap())),
            8 | 9 => Value::Int(i64::from(kind == 9)),
            kind if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        });
    }
    values
}

fn signed(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|byte| byte & 0x80 > 0) { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| (value << 8) | i64::from(*byte))
}

fn be(bytes: &[u8], at: usize, size: usize) -> usize {
    bytes[at..at + size].iter().fold(0, |value, byte| (value << 8) | usize::from(*byte))
}

fn varint(bytes: &[u8], at: usize) -> (u64, usize) {
    let mut value = 0;
    for (count, byte) in bytes[at..].iter().take(9).enumerate() {
        if count == 8 {
            return ((value << 8) | u64::from(*byte), at + 9);
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (value, at + count + 1);
        }
    }
    (value, bytes.len())
}

/// What a `CREATE TABLE` says.
struct Declared {
    columns: Vec<Column>,
    /// Which column each stored value belongs to.
    stored: Vec<usize>,
    /// The column that stands for the rowid.
    alias: Option<usize>,
}

impl Declared {
    fn read(sql: &str) -> Declared {
        let plain: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
        let plain = plain.join(" ");
        let (open, close) = (plain.find('(').unwrap(), plain.rfind(')').unwrap());
        let (mut columns, mut key, mut alias) = (Vec::new(), Vec::new(), None);
        for part in split(&plain[open + 1..close]) {
            let upper = part.to_uppercase();
            if upper.starts_with("PRIMARY KEY") {
                let list = &part[part.find('(').unwrap() + 1..part.rfind(')').unwrap()];
                key = list.split(',').map(|name| name.trim().to_owned()).collect();
            }
            if ["PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT"].iter().any(|word| upper.starts_with(word)) {
                continue;
            }
            let mut words = part.split_whitespace();
            let name = words.next().unwrap().trim_matches(|c| c == '"' || c == '`').to_owned();
            let kind = words.next().unwrap_or_default().to_owned();
            if upper.contains("PRIMARY KEY") {
                key = vec![name.clone()];
                alias = kind.eq_ignore_ascii_case("INTEGER").then_some(columns.len());
            }
            columns.push(Column { name, kind });
        }
        let mut stored: Vec<usize> = (0..columns.len()).collect();
        if plain[close..].to_uppercase().contains("WITHOUT ROWID") {
            let place = |name: &String| columns.iter().position(|column| column.name == *name).unwrap();
            stored = key.iter().map(place).collect();
            stored.extend((0..columns.len()).filter(|at| !key.contains(&columns[*at].name)));
            alias = None;
        }
        Declared { columns, stored, alias }
    }
}

/// The parts between the commas that stand in no brackets.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    use super::*;

    #[test]
    fn a_file_is_read_as_it_lies_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute(
            "CREATE TABLE kept (b TEXT, a BLOB NOT NULL, n BIGINT, PRIMARY KEY (a)) WITHOUT ROWID; \
             CREATE TABLE counted (id INTEGER PRIMARY KEY, -- a comment, with a comma\n t TEXT)",
        )
        .unwrap();
        let insert = |number: u32| {
            let key = format!("{:08x}", number.wrapping_mul(2_654_435_769));
            format!("INSERT INTO kept VALUES ('{}', X'{key}', {number} - 150);", "t".repeat(2000))
        };
        conn.batch_execute(&(0..300).map(insert).collect::<String>()).unwrap();
        conn.batch_execute("PRAGMA journal_mode = WAL; INSERT INTO counted (t) VALUES ('one'), ('two')").unwrap();

        let (main, wal) = (std::fs::read(&path).unwrap(), std::fs::read(path.with_extension("db-wal")).unwrap());
        let tables = read(&main, &wal);

        let kept = tables.iter().find(|table| table.name == "kept").unwrap();
        assert_eq!(kept.rows.len(), 300);
        assert!(kept.rows.windows(2).all(|pair| pair[0].values[1] < pair[1].values[1]), "in the order of the key");
        assert!(kept.rows.iter().all(|row| row.values[0] == Value::Text("t".repeat(2000))));
        let mut numbers: Vec<i64> = kept.rows.iter().map(|row| row.values[2].int().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (-150..150).collect::<Vec<i64>>());
        assert!(kept.rows.iter().all(|row| row.place("overflow page").is_some()));
        let counted = tables.iter().find(|table| table.name == "counted").unwrap();
        assert_eq!(counted.columns.len(), 2);
        assert_eq!(counted.rows[1].values, [Value::Int(2), Value::Text("two".to_owned())]);
    }
}
