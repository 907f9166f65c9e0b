//! What a review leaves in this process's memory once it is gone, read as a debugger would.
//!
//! What a newcomer would get wrong: a test that holds the searched text finds itself. It is kept under a mask, and each
//! place that held it plainly is wiped before the search. And the allocator writes its own notes over the first bytes of
//! what was given back, so that a short text looks wiped which is not; its end is searched for.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use ejf::credential::encoding::random;
use ejf::credential::envelope::Envelope;
use ejf::credential::manifest::BODY_SIZE;
use ejf::credential::signing;
use zeroize::Zeroizing;

use crate::round::{ALMA, Reviewer, rules};

const MASK: u8 = 0x5a;
/// Long enough for an end that no allocator writes over.
const CANARY_SIZE: usize = 96;
/// What is searched for.
const TAIL_SIZE: usize = 32;

/// A text of letters that stands nowhere else, under the mask.
fn masked_canary() -> [u8; CANARY_SIZE] {
    random::<CANARY_SIZE>().unwrap().map(|byte| (b'a' + byte % 26) ^ MASK)
}

fn unmasked(canary: &[u8; CANARY_SIZE]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(CANARY_SIZE));
    text.extend(canary.iter().map(|byte| char::from(byte ^ MASK)));
    text
}

/// How often the end of the canary stands in what this process may write to, but for the stacks of its threads.
fn occurrences(canary: &[u8; CANARY_SIZE]) -> usize {
    let canary = &canary[CANARY_SIZE - TAIL_SIZE..];
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    // One room for all that is read, so that a copy in it is never read as a finding of its own.
    let mut room = Zeroizing::new(vec![0u8; 64 * 1024]);
    let own = room.as_ptr() as u64;
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw-p ") && !line.contains("[stack]")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        while at < end {
            let size = usize::try_from((end - at).min(room.len() as u64)).unwrap();
            // A page that was given back meanwhile holds nothing.
            let read = memory.read_at(&mut room[..size], at).unwrap_or(0);
            let is_match = |window: &[u8]| window.iter().zip(canary).all(|(byte, masked)| byte ^ MASK == *masked);
            let places = room[..read].windows(canary.len()).enumerate().filter(|(_, window)| is_match(window));
            // What is found in the room itself was found before.
            let is_own = |place: u64| (own..own + room.len() as u64).contains(&place);
            found += places.filter(|(offset, _)| !is_own(at + *offset as u64)).count();
            // Windows that span two readings are seen by the second.
            at += if read > canary.len() { (read - canary.len() + 1).min(size) as u64 } else { size as u64 };
        }
    }
    found
}

/// A submission whose one statement is the canary.
fn submission(canary: &[u8; CANARY_SIZE]) -> Zeroizing<Vec<u8>> {
    let review = Reviewer::new(71, ALMA).review(rules().current(), &[]);
    let template = String::from_utf8(review.to_submission().unwrap()).unwrap();
    let (before, rest) = template.split_once("\"statements\":[").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * BODY_SIZE));
    let statement = unmasked(canary);
    for part in [before, "\"statements\":[\"", &statement, "\"]", after] {
        bytes.write_all(part.as_bytes()).unwrap();
    }
    let pad = bytes.len() - BODY_SIZE;
    let place = bytes.windows(8).position(|window| window == b"\"pad\":\"0").unwrap() + 7;
    bytes.drain(place..place + pad);
    bytes
}

#[test]
fn nothing_that_a_reviewer_said_stays_in_memory_when_the_review_is_gone() {
    let canary = masked_canary();
    let text = submission(&canary);
    assert_eq!(text.len(), BODY_SIZE);
    let envelope = Envelope::parse_submission(&text).unwrap();
    let body = Zeroizing::new(envelope.body.to_bytes().unwrap());
    envelope.leaf().unwrap();
    assert!(!signing::verify(&envelope.epk, &[&body], &envelope.sig), "the canary was not signed");
    // What finds nothing must be able to find something: the text, the parsed statement, the canonical body.
    assert!(occurrences(&canary) >= 3, "the search is blind");

    drop((text, envelope, body));

    assert_eq!(occurrences(&canary), 0);
}

#[test]
fn a_review_that_is_refused_leaves_no_more() {
    let canary = masked_canary();
    let mut text = submission(&canary);
    // Padding may be zeros alone: found out when everything has been read.
    let last = text.len() - 3;
    text[last] = b'1';
    assert!(Envelope::parse_submission(&text).is_err());
    // Cut in the middle: found out while reading.
    let cut = text.len() / 2;
    text[cut..].fill(b' ');
    assert!(Envelope::parse_submission(&text).is_err());
    drop(text);

    assert_eq!(occurrences(&canary), 0);
}
