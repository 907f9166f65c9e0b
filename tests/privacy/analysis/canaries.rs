//! L-7: words that a request carried are nowhere, and what belongs to a review is nowhere but with the review: raw, in
//! hex, in base64 and in UTF-16. What a newcomer would get wrong: base64 has three spellings of a word, by where it
//! stands.

use ejf::credential::encoding::to_base64url;

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

/// Places that hold a word of a request, or of a review that is not theirs.
pub fn search(evidence: &Evidence, truth: &Truth) -> Vec<String> {
    let words: Vec<Vec<u8>> = truth.canaries.iter().flat_map(|word| spellings(word.as_bytes())).collect();
    let mut of_reviews = Vec::new();
    for review in &truth.reviews {
        of_reviews.extend(spellings(&review.epk));
        of_reviews.extend(spellings(&review.sig[..32]));
    }
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
    for (place, tables) in [("box", &evidence.of_box), ("registry", &evidence.of_registry)] {
        for table in tables {
            let may_hold = place == "box" && matches!(table.name.as_str(), "review" | "superseded");
            look(&format!("{place} {}", table.name), &bytes_of(table), may_hold);
        }
    }
    hits.dedup();
    hits
}

/// The box's own database, its server's folder, and the sealed bundle.
fn may_hold_reviews(name: &str) -> bool {
    let is_registry = name.starts_with("registry.db") || name.starts_with("keys");
    let is_sealed = name.ends_with("envelopes.ndjson") || name.ends_with("superseded.ndjson");
    is_sealed || (!is_registry && !name.starts_with("public"))
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
    use crate::analysis::attributes::tests::reviews;
    use crate::evidence::RawFile;

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
    fn a_key_may_lie_with_its_review_and_nowhere_else() {
        let key = reviews(20, 3)[7].epk;
        assert_eq!(hits("public/x/1/bundle/envelopes.ndjson", to_base64url(&key).into_bytes()), 0);
        assert_eq!(hits("public/x/1/leaves", key.to_vec()), 1);
        assert_eq!(hits("registry.db-wal", key.to_vec()), 1);
    }
}
