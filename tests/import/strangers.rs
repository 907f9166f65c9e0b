//! Files of records as a stranger could send them: whatever stands in one, reading it ends, and it is the sender's fault. A
//! newcomer's usual mistake is to try good files with a bad cell; what stops a reader is a file that is none.

use ejf::domain::imports::{Charset, FileFormat, ImportType};
use ejf::imports::source::Source;
use ejf::imports::{kind, template};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::damage::{damaged, inputs};

/// A sound row of each type as NDJSON: the template's, as an object.
fn line(record_type: ImportType) -> Vec<u8> {
    let template = template(record_type, ',');
    let mut rows = template.trim_start_matches('\u{feff}').lines();
    let head = rows.next().unwrap().split(',');
    let members = head.zip(rows.next().unwrap().split(','));
    let object: serde_json::Map<String, serde_json::Value> =
        members.map(|(name, cell)| (name.to_owned(), cell.into())).collect();
    format!("{}\n", serde_json::Value::Object(object)).into_bytes()
}

/// Reads a file to its end; how many rows it has at most is told by its bytes.
fn read(record_type: ImportType, format: FileFormat, bytes: Vec<u8>, charset: Option<Charset>) {
    let length = bytes.len();
    let source = Source::new(format, Zeroizing::new(bytes), charset);
    let seen = source.look_through(kind(record_type).columns()).expect("never our fault");
    assert!(seen.is_err() || usize::try_from(seen.unwrap_or(0)).unwrap() <= length);
}

fn any_type() -> impl Strategy<Value = ImportType> {
    prop::sample::select(ImportType::ALL)
}

proptest! {
    #![proptest_config(inputs(300))]

    #[test]
    fn a_table(
        (record_type, bytes) in any_type().prop_flat_map(|one| (Just(one), damaged(template(one, ';').into_bytes()))),
        charset in prop::option::of(prop::sample::select(Charset::ALL)),
    ) {
        read(record_type, FileFormat::Csv, bytes, charset);
    }

    #[test]
    fn lines_of_json((record_type, bytes) in any_type().prop_flat_map(|one| (Just(one), damaged(line(one))))) {
        read(record_type, FileFormat::Ndjson, bytes, None);
    }

    #[test]
    fn what_is_no_workbook(record_type in any_type(), bytes in damaged(b"PK\x03\x04\x14\0\0\0\x08\0".repeat(40))) {
        read(record_type, FileFormat::Xlsx, bytes, None);
    }
}
