//! An audit entry as a leaf of the tree. A newcomer's usual mistake is to choose what is worth covering: the leaf holds
//! every column, its number included, so nothing in an entry changes unseen.

use std::collections::BTreeMap;

use crate::credential::encoding::Digest;
use crate::credential::jcs::Value;
use crate::credential::tree;
use crate::store::audit_records::{Cell, Record};

/// What a leaf's data begins with: a leaf of this log is never one of another tree.
const TAG: &[u8] = b"EJF-AUDIT-v1\0";

/// The hash of the leaf whose data are the tag and the canonical JSON (RFC 8785) of the entry.
///
/// A column that is NULL is left out: a column that the table gets one day, NULL in the entries of before, leaves their
/// leaves as they are.
pub fn leaf_hash(record: Record) -> Digest {
    let mut members = BTreeMap::new();
    for (name, cell) in record.into_columns() {
        let value = match cell {
            Cell::Null => continue,
            Cell::Integer(number) => Value::Integer(number),
            Cell::Text(text) => Value::Text(text),
        };
        members.insert(name.to_owned(), value);
    }
    tree::leaf_hash(&[TAG, &Value::Object(members).to_bytes()].concat())
}
