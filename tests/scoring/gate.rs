//! One release of a result, ever. A newcomer would let a corrected figure out beside the first; these tests hold the gate
//! shut, and `disclosure` shows why.

use crate::common::{plain, rows, score};
use ejf::domain::scoring::Status;
use ejf::domain::scoring::document::document;
use ejf::domain::scoring::gate::{Release, Withheld, release};
use ejf::domain::scoring::publication::{Image, publish};

const WORKED: &str = "4434 4544 3443 5555 4344 1111 4454 3344 5555 4445";

fn image(reviews: &str) -> Image {
    let rules = plain((1, 5), 4);
    let sealed = document(&rules, &["s".to_owned()], &score(&rules, &[rows(reviews)])).unwrap();
    publish(&rules, &sealed.subjects[0]).unwrap()
}

fn first(reviews: &str, digest: &str) -> Release {
    release(image(reviews), digest, &[]).unwrap()
}

#[test]
fn the_same_release_of_the_same_reviews_may_be_repeated() {
    let before = first(WORKED, "d1");

    assert_eq!(release(image(WORKED), "d1", std::slice::from_ref(&before)), Ok(before));
}

#[test]
fn nothing_of_other_reviews_follows_a_release_not_even_the_same_words() {
    let dropped = WORKED.rsplit_once(' ').unwrap().0;

    for earlier in [first(WORKED, "d1"), first(dropped, "d1")] {
        for reviews in [WORKED, dropped] {
            let second = release(image(reviews), "d2", std::slice::from_ref(&earlier));
            assert_eq!(second, Err(Withheld::OtherReviews), "{reviews}");
        }
    }
}

#[test]
fn another_figure_of_the_same_reviews_is_held_back() {
    let other = WORKED.replace("1111", "4444");

    let second = release(image(&other), "d1", &[first(WORKED, "d1")]);

    assert_eq!(second, Err(Withheld::OtherFigures));
}

#[test]
fn every_earlier_release_counts_and_not_the_last_alone() {
    let earlier = [first(WORKED, "d1"), first(WORKED, "d2")];

    assert_eq!(release(image(WORKED), "d2", &earlier), Err(Withheld::OtherReviews));
}

#[test]
fn a_release_that_said_nothing_of_marks_forbids_nothing() {
    let before = first("4434 4544 3443", "d1");
    assert_eq!(before.status(), Status::Insufficient);

    let second = release(image(WORKED), "d2", &[before]).unwrap();

    assert_eq!(second.status(), Status::Ok);
}

#[test]
fn a_release_reads_back_as_it_was_stored() {
    let before = first(WORKED, "d1");

    let read = Release::read(&before.text().unwrap(), before.reviews()).unwrap();

    assert_eq!(read, before);
    assert!(Release::read("{\"status\":\"ok\",\"exact\":[95,24]}", "d1").is_err(), "what no release has is none");
}
