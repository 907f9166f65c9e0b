//! E12: how long submissions and their answers are, status line and headers included, as the proxy sees them. What a
//! newcomer would get wrong: a body of one size is not enough. A header more in one answer of a kind is a mark as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::caller::Passed;

/// How often each size came: of submissions, and of answers by their status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    pub requests: BTreeMap<usize, u64>,
    pub answers: BTreeMap<String, BTreeMap<usize, u64>>,
}

impl Sizes {
    /// The sizes of all submissions that passed; `strange` says of a request that it is not the released client's.
    pub fn of(passed: &[Passed], strange: impl Fn(&[u8]) -> bool) -> Sizes {
        let mut sizes = Sizes::default();
        for one in passed.iter().filter(|one| one.request.starts_with(b"POST /v1/anon/reviews ")) {
            if !strange(&one.request) {
                *sizes.requests.entry(one.request.len()).or_default() += 1;
            }
            let status = one.answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            let status = String::from_utf8_lossy(status).into_owned();
            *sizes.answers.entry(status).or_default().entry(one.answer.len()).or_default() += 1;
        }
        sizes
    }

    /// Kinds that came in more sizes than one; and the absence of what should have come.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.requests.len() != 1 {
            faults.push(format!("submissions of {} sizes", self.requests.len()));
        }
        let several = self.answers.iter().filter(|(_, sizes)| sizes.len() > 1);
        faults.extend(several.map(|(status, sizes)| format!("answers {status} of {} sizes", sizes.len())));
        if !self.answers.contains_key("202") {
            faults.push("no submission was taken".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(extra: &str, status: &str, more: &str) -> Passed {
        let request = format!("POST /v1/anon/reviews HTTP/1.0\r\n{extra}\r\nbody").into_bytes();
        Passed { request, answer: format!("HTTP/1.1 {status} X\r\n{more}\r\n").into_bytes() }
    }

    #[test]
    fn one_size_a_kind_is_no_fault_and_a_longer_header_is_one() {
        let is_strange = |request: &[u8]| request.windows(3).any(|window| window == b"DNT");
        let mut all = vec![passed("", "202", ""), passed("", "202", ""), passed("DNT: 1\r\n", "400", "a: b\r\n")];
        all.push(Passed { request: b"GET /livez HTTP/1.0\r\n\r\n".to_vec(), answer: Vec::new() });
        let sizes = Sizes::of(&all, is_strange);
        assert_eq!((sizes.requests.len(), sizes.answers.len()), (1, 2));
        assert_eq!(sizes.faults(), [""; 0]);

        all.push(passed("", "202", "Retry-After: 5\r\n"));
        assert_eq!(Sizes::of(&all, is_strange).faults(), ["answers 202 of 2 sizes"]);
        all.push(passed("Accept: x\r\n", "202", ""));
        assert_eq!(Sizes::of(&all, is_strange).faults().len(), 2);
        assert_eq!(Sizes::default().faults().len(), 2);
    }
}
