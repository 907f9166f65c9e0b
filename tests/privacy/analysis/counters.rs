//! Does anything that is polled or printed count reviews? An answer of the box may not change at all while reviews come;
//! a number that grows with them is a clock, and so is a line for each. What a newcomer would get wrong: most numbers
//! change for reasons of their own. A counter is one that follows the count of reviews exactly, at every look.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::evidence::Polled;

/// Looks that it takes to tell a counter from a number that happened to change.
const LOOKS_MIN: usize = 5;

/// Answers of the box that were not the same at every look.
pub fn changing(polled: &[Polled]) -> Vec<String> {
    let mut first: BTreeMap<&str, &Polled> = BTreeMap::new();
    let mut changing = Vec::new();
    for look in polled.iter().filter(|look| look.is_of_box) {
        let before = first.entry(&look.what).or_insert(look);
        if (before.status, &before.body) != (look.status, &look.body) {
            changing.push(look.what.clone());
        }
    }
    changing.dedup();
    changing
}

/// Numbers in answers, and lengths of answers, that follow the count of all reviews or of one subject's.
pub fn counting(polled: &[Polled]) -> Vec<String> {
    let mut series: BTreeMap<String, Vec<(f64, &[u64])>> = BTreeMap::new();
    for look in polled {
        let mut numbers = vec![("length".to_owned(), look.body.len() as f64)];
        match serde_json::from_slice::<Json>(&look.body) {
            Ok(document) => flatten("", &document, &mut numbers),
            Err(_) => words(&look.body, &mut numbers),
        }
        for (path, number) in numbers {
            series.entry(format!("{} {path}", look.what)).or_default().push((number, &look.accepted));
        }
    }
    series.into_iter().filter(|(_, looks)| follows(looks)).map(|(name, _)| name).collect()
}

fn flatten(path: &str, document: &Json, numbers: &mut Vec<(String, f64)>) {
    match document {
        Json::Object(members) => {
            members.iter().for_each(|(name, member)| flatten(&format!("{path}/{name}"), member, numbers));
        }
        Json::Array(items) => {
            numbers.push((format!("{path} items"), items.len() as f64));
            items.iter().enumerate().for_each(|(at, item)| flatten(&format!("{path}/{at}"), item, numbers));
        }
        Json::Number(number) => numbers.push((path.to_owned(), number.as_f64().unwrap_or_default())),
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}

/// The numbers among the words of a text.
fn words(body: &[u8], numbers: &mut Vec<(String, f64)>) {
    let text = String::from_utf8_lossy(body);
    let words = text.split_whitespace().enumerate();
    // Most words are no numbers.
    numbers.extend(words.filter_map(|(at, word)| Some((format!("word {at}"), word.parse().ok()?))));
}

/// Whether a number is the count, or so many times the count, beside a constant.
fn follows(looks: &[(f64, &[u64])]) -> bool {
    if looks.len() < LOOKS_MIN {
        return false;
    }
    let (start, counts) = looks[0];
    (0..counts.len()).any(|which| {
        let grown = |look: &(f64, &[u64])| (look.0 - start, look.1[which] as f64 - counts[which] as f64);
        let Some((by, more)) = looks.iter().map(grown).rev().find(|(_, more)| *more > 0.0) else { return false };
        let steps = looks.iter().map(|look| look.1[which]).collect::<std::collections::BTreeSet<_>>().len();
        by != 0.0 && steps >= LOOKS_MIN - 1 && looks.iter().map(grown).all(|(b, m)| (b - by / more * m).abs() < 1e-9)
    })
}

/// Kinds of lines in the output of which there is one for each review, or more.
pub fn lines(output: &[u8], reviews: usize) -> Vec<String> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in String::from_utf8_lossy(output).lines() {
        *kinds.entry(kind_of(line)).or_default() += 1;
    }
    kinds
        .into_iter()
        .filter(|(kind, count)| !kind.is_empty() && *count * 10 >= reviews * 9)
        .map(|(kind, _)| kind)
        .collect()
}

/// A line with what differs from one to the next made equal: digits, and words that are random, such as an id.
fn kind_of(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut kind = String::new();
    for part in line.split_inclusive(|c: char| !is_part(c)) {
        let word = part.trim_end_matches(|c: char| !is_part(c));
        let is_random = word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit());
        if is_random {
            kind.push('*');
        } else {
            kind.extend(word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }));
        }
        kind.push_str(&part[word.len()..]);
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(what: &str, is_of_box: bool, count: u64, body: &str) -> Polled {
        Polled {
            what: what.to_owned(),
            accepted: vec![count, count / 2],
            is_of_box,
            status: 200,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_counter_is_found_in_json_and_in_text_and_by_its_length() {
        let counts = [0, 3, 8, 20, 21, 40];
        let polled: Vec<Polled> = counts
            .iter()
            .flat_map(|count| {
                let log_ins = count * count + 5;
                [
                    look(
                        "member /x",
                        false,
                        *count,
                        &format!("{{\"a\":[{{\"n\":{}}}],\"m\":{log_ins}}}", 7 + 2 * count),
                    ),
                    look("box /metrics", true, *count, &format!("accepted {count}\n")),
                    look("auditor /audit", false, *count, &"x".repeat(3 * usize::try_from(*count).unwrap())),
                    look("box /livez", true, *count, "{\"status\":\"ok\"}"),
                ]
            })
            .collect();
        let counting = counting(&polled);
        assert_eq!(counting, ["auditor /audit length", "box /metrics word 1", "member /x /a/0/n"]);
        assert_eq!(changing(&polled), ["box /metrics"]);
    }

    #[test]
    fn a_line_for_each_review_is_found_and_one_for_each_start_is_not() {
        let mut output = String::from("started at 5\n");
        for number in 0..30 {
            output.push_str(&format!("2027-02-{number:02}T06:00:00Z \"POST /v1/anon/reviews\" 202\n"));
        }
        assert_eq!(lines(output.as_bytes(), 30).len(), 1);
        let mut dice = crate::dice::Dice::new(5);
        let ids: String = (0..30).map(|_| format!("request {} done\n", hex::<16>(&mut dice))).collect();
        assert_eq!(lines(ids.as_bytes(), 30).len(), 1, "a random id makes no line another kind");
        assert_eq!(lines(b"started at 5\n\n\n\n", 3), [""; 0]);
    }

    fn hex<const N: usize>(dice: &mut crate::dice::Dice) -> String {
        dice.bytes::<N>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
