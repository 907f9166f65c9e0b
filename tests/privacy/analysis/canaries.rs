//! L-7: words that a request carried are nowhere, and what belongs to a review, its marks and statements among it, is
//! nowhere but with the review: raw, in hex, in base64 and in UTF-16. What a newcomer would get wrong: base64 has three
//! spellings of a word, by where it stands; and marks need not be kept in the writing that was signed.

use ejf::credential::encoding::to_base64url;
use ejf::credential::envelope::Body;

use super::finder::Finder;
use crate::evidence::{Evidence, Table};
use crate::population::Truth;

/// Every spelling of some bytes that is long enough to be looked for.
pub fn spellings(word: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![word.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for shift in 0..3 {
        let text = to_base64url(&[&vec![0; shift], word].concat());
        // The first letters and the last hold bits of the neighbours.
        let (from, to) = ([0, 2, 3][shift], text.len() - [0, 1, 1][(shift + word.len()) % 3]);
        let text = &text[from..to];
        all.push(text.as_bytes().to_vec());
        all.push(text.replace('-', "+").replace('_', "/").into_bytes());
    }
    all.push(word.iter().flat_map(|byte| [*byte, 0]).collect());
    all.push(word.iter().flat_map(|byte| [0, *byte]).collect());
    all.retain(|spelling| spelling.len() >= 8);
    all.sort_unstable();
    all.dedup();
    all
}

/// Marks in a row that are looked for as one piece: any few of them are told apart from chance, and from one another.
const PIECE: usize = 5;

/// How what a review says may be written by whoever keeps it: as it was signed, as a database prints JSON, as JSON within
/// JSON, as a program prints its own values. Of the marks in pieces, so that a part of them is found as well.
pub fn writings(body: &Body) -> Vec<Vec<u8>> {
    let marks: Vec<(&str, Option<i64>)> = body.marks.iter().map(|(code, mark)| (code.as_str(), *mark)).collect();
    let json = |mark: Option<i64>| mark.map_or_else(|| "null".to_owned(), |mark| mark.to_string());
    let mut all = Vec::new();
    for piece in marks.chunks(PIECE).filter(|piece| piece.len() == PIECE.min(marks.len())) {
        all.push(joined(piece, ",", |code, mark| format!("\"{code}\":{}", json(mark))));
        all.push(joined(piece, ", ", |code, mark| format!("\"{code}\": {}", json(mark))));
        all.push(joined(piece, ",", |code, mark| format!("\\\"{code}\\\":{}", json(mark))));
        all.push(joined(piece, ", ", |code, mark| format!("\"{code}\": {mark:?}")));
    }
    // A single code stands in the methodology as well.
    if body.statements.len() > 1 {
        let quoted: Vec<String> = body.statements.iter().map(|code| format!("\"{code}\"")).collect();
        all.push(format!("[{}]", quoted.join(",")));
        all.push(format!("[{}]", quoted.join(", ")));
        all.push(format!("[{}]", quoted.join(",")).replace('"', "\\\""));
    }
    let mut all: Vec<Vec<u8>> = all.into_iter().map(String::into_bytes).collect();
    all.push(body.nonce.0.to_vec());
    all
}

fn joined(piece: &[(&str, Option<i64>)], between: &str, write: impl Fn(&str, Option<i64>) -> String) -> String {
    piece.iter().map(|(code, mark)| write(code, *mark)).collect::<Vec<_>>().join(between)
}

/// Places that hold a word of a request, or of a review that is not theirs.
pub fn search(evidence: &Evidence, truth: &Truth) -> Vec<String> {
    let words: Vec<Vec<u8>> = truth.canaries.iter().flat_map(|word| spellings(word.as_bytes())).collect();
    let mut of_reviews = Vec::new();
    for review in &truth.reviews {
        of_reviews.extend(spellings(&review.epk));
        of_reviews.extend(spellings(&review.sig[..32]));
    }
    let mut said: Vec<Vec<u8>> = truth.bodies.iter().flat_map(writings).collect();
    said.sort_unstable();
    said.dedup();
    of_reviews.extend(said.iter().flat_map(|word| spellings(word)));
    let (words, of_reviews) = (Finder::new(words), Finder::new(of_reviews));
    let mut hits = Vec::new();
    let mut look = |place: &str, bytes: &[u8], may_hold_reviews: bool| {
        if !words.find(bytes).is_empty() || (!may_hold_reviews && !of_reviews.find(bytes).is_empty()) {
            hits.push(place.to_owned());
        }
    };
    for file in &evidence.files {
        look(&format!("file {}", file.name), &file.bytes, may_hold_reviews(&file.name));
    }
    look("output", &evidence.output, false);
    for polled in &evidence.polled {
        look(&polled.what, &polled.body, false);
    }
    for passed in &evidence.transcript {
        look("transcript", &passed.request, false);
        look("transcript", &passed.answer, false);
    }
    for (place, tables) in [("box", &evidence.of_box), ("registry", &evidence.of_registry)] {
        for table in tables {
            let may_hold = place == "box" && matches!(table.name.as_str(), "review" | "superseded");
            look(&format!("{place} {}", table.name), &bytes_of(table), may_hold);
        }
    }
    if !truth.bodies.is_empty() {
        let review = evidence.of_box.iter().find(|table| table.name == "review").map(bytes_of).unwrap_or_default();
        let is_blind = Finder::new(said).find(&review).len() < truth.reviews.len();
        hits.extend(is_blind.then(|| "marks are not found where they belong".to_owned()));
    }
    hits.dedup();
    hits
}

/// The box's own database, its server's folder, and the sealed bundle.
fn may_hold_reviews(name: &str) -> bool {
    let is_foreign = ["registry.db", "keys", "public", "nginx/"].iter().any(|start| name.starts_with(start));
    let is_sealed = name.ends_with("envelopes.ndjson") || name.ends_with("superseded.ndjson");
    is_sealed || !is_foreign
}

fn bytes_of(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in &table.rows {
        for value in &row.values {
            bytes.extend(value.bytes());
            bytes.push(0);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ejf::credential::encoding::Bytes;

    use crate::analysis::attributes::tests::reviews;
    use crate::evidence::{RawFile, Row, Value};

    fn hits(name: &str, bytes: Vec<u8>) -> usize {
        let truth =
            Truth { reviews: reviews(20, 3), canaries: vec!["canary-0123456789abcdef".to_owned()], ..Truth::default() };
        let file = RawFile { name: name.to_owned(), bytes, modified: 0, changed: 0 };
        search(&Evidence { files: vec![file], ..Evidence::default() }, &truth).len()
    }

    #[test]
    fn a_word_is_found_in_every_spelling_and_at_every_place() {
        let word = b"canary-0123456789abcdef";
        for before in 0..5 {
            let text = [&vec![b'x'; before], word.as_slice(), b"yy"].concat();
            assert_eq!(hits("ballot.db", text.clone()), 1);
            assert_eq!(hits("ballot.db", to_base64url(&text).into_bytes()), 1, "{before}");
            let wide: Vec<u8> = text.iter().flat_map(|byte| [*byte, 0]).collect();
            assert_eq!(hits("ballot.db", wide), 1);
            assert_eq!(hits("ballot.db", text.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect()), 1);
        }
        assert_eq!(hits("ballot.db", b"canary-0123456789abcdeg".to_vec()), 0);
    }

    #[test]
    fn marks_and_statements_are_found_in_every_writing_and_outside_their_row_alone() {
        let codes = ["care", "clarity", "dates", "reasons", "tone", "work"];
        let body = Body {
            v: 1,
            cycle_ref: Bytes([1; 16]),
            round: 1,
            subject_ref: Bytes([2; 16]),
            manifest_digest: Bytes([3; 32]),
            seq: 1,
            prev: Vec::new(),
            nonce: Bytes([4; 32]),
            purpose: "marks".to_owned(),
            marks: codes.iter().zip(0..).map(|(code, at)| ((*code).to_owned(), (at > 0).then_some(at))).collect(),
            statements: vec!["s02".to_owned(), "s11".to_owned()],
        };
        let signed = String::from_utf8(body.to_bytes().unwrap()).unwrap();
        let row = |bytes: &[u8]| Row { values: vec![Value::Blob(bytes.to_vec())], places: Vec::new() };
        let table = |name: &str, bytes: &[u8]| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            rows: vec![row(bytes)],
            sql: String::new(),
        };
        let truth = Truth { reviews: reviews(1, 1), bodies: vec![body.clone()], ..Truth::default() };
        let hits = |of_registry: &[u8]| {
            let of_box = vec![table("review", signed.as_bytes())];
            let of_registry = vec![table("audit", of_registry)];
            search(&Evidence { of_box, of_registry, ..Evidence::default() }, &truth)
        };
        assert_eq!(hits(b"{\"statements\":[\"s02\"],\"care\":null}"), [""; 0]);
        for written in [
            signed.clone(),
            signed.replace("\":", "\": ").replace(',', ", "),
            serde_json::to_string(&signed).unwrap(),
            format!("{:?}", body.marks),
            "chosen: [\"s02\",\"s11\"]".to_owned(),
        ] {
            assert_eq!(hits(written.as_bytes()), ["registry audit"], "{written}");
            assert_eq!(hits(to_base64url(written.as_bytes()).as_bytes()), ["registry audit"], "{written}");
        }
        assert_eq!(hits(to_base64url(&body.nonce.0).as_bytes()), ["registry audit"]);
        let nothing = Evidence { of_box: vec![table("review", b"{}")], ..Evidence::default() };
        assert_eq!(search(&nothing, &truth), ["marks are not found where they belong"]);
    }

    #[test]
    fn a_key_may_lie_with_its_review_and_nowhere_else() {
        let key = reviews(20, 3)[7].epk;
        assert_eq!(hits("public/x/1/bundle/envelopes.ndjson", to_base64url(&key).into_bytes()), 0);
        assert_eq!(hits("public/x/1/leaves", key.to_vec()), 1);
        assert_eq!(hits("registry.db-wal", key.to_vec()), 1);
    }
}
