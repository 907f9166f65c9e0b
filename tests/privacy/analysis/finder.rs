//! Finds many needles in many bytes in one pass. What a newcomer would get wrong: evidence is tens of megabytes and
//! needles are thousands; looking for one after the other takes hours.

use std::collections::HashMap;

/// The fewest bytes of a needle.
const PREFIX: usize = 8;

/// Needles made ready; each keeps the number it was given at.
pub struct Finder {
    needles: Vec<Vec<u8>>,
    /// Which first three bytes any needle has; most windows end here.
    starts: Vec<bool>,
    by_prefix: HashMap<[u8; PREFIX], Vec<usize>>,
}

impl Finder {
    pub fn new(needles: Vec<Vec<u8>>) -> Finder {
        let mut starts = vec![false; 1 << 24];
        let mut by_prefix: HashMap<[u8; PREFIX], Vec<usize>> = HashMap::new();
        for (number, needle) in needles.iter().enumerate() {
            let prefix: [u8; PREFIX] = needle[..PREFIX].try_into().unwrap();
            starts[start(&prefix)] = true;
            by_prefix.entry(prefix).or_default().push(number);
        }
        Finder { needles, starts, by_prefix }
    }

    /// Every needle found, with the place, in the order of the places.
    pub fn find(&self, hay: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        // A plain loop: a debug build makes every iterator a call, and this is where the time goes.
        while at + PREFIX <= hay.len() {
            if self.starts[start(&hay[at..])]
                && let Some(numbers) = self.by_prefix.get(&hay[at..at + PREFIX])
            {
                found.extend(numbers.iter().filter(|n| hay[at..].starts_with(&self.needles[**n])).map(|n| (*n, at)));
            }
            at += 1;
        }
        found
    }
}

fn start(bytes: &[u8]) -> usize {
    (bytes[0] as usize) << 16 | (bytes[1] as usize) << 8 | bytes[2] as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needles_with_one_beginning_are_told_apart() {
        let finder = Finder::new(vec![b"beginning-one".to_vec(), b"beginning-two".to_vec(), b"elsewhere".to_vec()]);
        assert_eq!(finder.find(b"..beginning-two..elsewhere.beginning-on"), [(1, 2), (2, 17)]);
        assert_eq!(finder.find(b"short"), []);
    }
}
