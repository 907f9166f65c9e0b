//! A later generation of the manifest: what a card may take over, what becomes void, and what is an alarm.

use chrono::{DateTime, NaiveDate, Utc};
use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure, Idle};
use ejf::client::generation::{Moved, renew};
use ejf::client::{review, spread};
use ejf::credential::encoding::Bytes;
use ejf::credential::manifest::Manifest;
use serde_json::json;

use crate::round::{ALMA, BOLAT, keys, manifest, next, subject_key, while_issuing, while_submitting, words};
use crate::servers::{Servers, Side, keep_empty};

/// Alma's key is lost and replaced: her whole panel collects anew.
fn bump(manifest: &mut Manifest) {
    manifest.subjects[0].keys = vec![subject_key("council", keys()[2].public())];
}

fn later(manifest: &mut Manifest) {
    manifest.dates.submit_close = NaiveDate::from_ymd_opt(2027, 3, 6).unwrap();
}

async fn collected() -> (Servers, Held) {
    let servers = Servers::honest().await;
    let mut held = Held::in_memory();
    servers.collect(&mut held).await.unwrap();
    (servers, held)
}

async fn pin(
    servers: &Servers,
    held: &mut Held,
    printed: &Manifest,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Failure> {
    let change = renew(&servers.places, &words(printed), &[], held, now).await?;
    Ok(change.unwrap().own)
}

#[actix_web::test]
async fn a_changed_key_makes_the_old_credential_void_and_another_is_collected() {
    let (servers, mut held) = collected().await;
    let bumped = servers.extend(bump);
    servers.state().assignments[0]["state"] = json!("drawn");
    let collected = servers.collect_under(&words(&bumped), &mut held).await.unwrap();
    let change = collected.change.unwrap();
    assert_eq!((change.generation, change.subjects, change.own), (1, vec![ALMA], vec!["Алма Сейітова".to_owned()]));
    assert_eq!((collected.fresh_count, collected.ready_count), (1, 2));
    let card = held.card().unwrap();
    assert_eq!(card.subject(&ALMA).unwrap().credentials[0].key_id, keys()[2].public().key_id());
    assert_eq!(card.subject(&BOLAT).unwrap().credentials[0].key_id, keys()[1].public().key_id());
    servers.publish_ledger(12);
    keep_empty(&mut held, &ALMA);
    review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await.unwrap();
}

#[actix_web::test]
async fn a_later_manifest_is_pinned_by_its_own_printed_digest_alone() {
    let (servers, mut held) = collected().await;
    let bumped = servers.extend(bump);
    let old_words = pin(&servers, &mut held, &manifest(), while_issuing()).await;
    assert!(matches!(old_words, Err(Failure::Alarm(Alarm::DigestDiffers))), "{old_words:?}");
    assert_eq!(held.card().unwrap().manifest_digest, manifest().digest().unwrap());
    servers.state().seen.clear();
    assert_eq!(pin(&servers, &mut held, &bumped, while_issuing()).await.unwrap(), ["Алма Сейітова"]);
    assert!(servers.state().seen.iter().all(|request| !request.headers.contains_key("authorization")));
    assert_eq!(renew(&servers.places, &words(&bumped), &[], &mut held, while_issuing()).await.unwrap(), None);
}

#[actix_web::test]
async fn a_manifest_that_only_claims_to_be_the_next_one_is_an_alarm() {
    let (servers, mut held) = collected().await;
    let false_next = servers.extend(|manifest| {
        bump(manifest);
        manifest.prev_manifest_digest = Some(Bytes([7; 32]));
    });
    let refused = pin(&servers, &mut held, &false_next, while_issuing()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::ChainBroken))), "{refused:?}");
}

#[actix_web::test]
async fn an_older_generation_served_again_is_an_alarm() {
    let (servers, mut held) = collected().await;
    let bumped = servers.extend(bump);
    pin(&servers, &mut held, &bumped, while_issuing()).await.unwrap();
    servers.serve_on(Side::Registry, &manifest());
    servers.serve_on(Side::Box, &manifest());
    let refused = pin(&servers, &mut held, &manifest(), while_issuing()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::SecondDigest))), "{refused:?}");
}

#[actix_web::test]
async fn a_generation_missed_is_given_from_a_file_and_needs_no_digest_of_its_own() {
    let (servers, mut held) = collected().await;
    let first = servers.extend(bump);
    let second = servers.extend(later);
    let without = pin(&servers, &mut held, &second, while_issuing()).await;
    assert!(matches!(without, Err(Failure::Idle(Idle::GenerationsMissed))), "{without:?}");
    let between = |manifest: &Manifest| [manifest.to_bytes().unwrap()];
    let foreign = next(&manifest(), later);
    let refused = renew(&servers.places, &words(&second), &between(&foreign), &mut held, while_issuing()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::ChainBroken))), "{refused:?}");
    assert_eq!(held.card().unwrap().manifests.len(), 1);
    let change = renew(&servers.places, &words(&second), &between(&first), &mut held, while_issuing()).await;
    let change = change.unwrap().unwrap();
    assert_eq!((change.generation, change.subjects), (2, vec![ALMA]));
}

#[actix_web::test]
async fn keys_that_change_once_reviews_are_sent_are_an_alarm() {
    let (servers, mut held) = collected().await;
    let bumped = servers.extend(bump);
    let refused = pin(&servers, &mut held, &bumped, while_submitting()).await;
    assert!(matches!(refused, Err(Failure::Alarm(Alarm::ChangedTooLate))), "{refused:?}");
}

#[actix_web::test]
async fn an_extension_keeps_what_was_signed_and_sends_it_in_the_same_bytes() {
    let (servers, mut held) = collected().await;
    servers.publish_ledger(12);
    keep_empty(&mut held, &ALMA);
    servers.state().is_cut = true;
    review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await.unwrap_err();
    servers.state().is_cut = false;
    let extended = servers.extend(later);
    let unpinned = review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await;
    assert!(matches!(unpinned, Err(Failure::Idle(Idle::NewGeneration))), "{unpinned:?}");
    let change = renew(&servers.places, &words(&extended), &[], &mut held, while_submitting()).await.unwrap().unwrap();
    let moved = Moved { what: "submit_close", before: "2027-03-04".to_owned(), after: "2027-03-06".to_owned() };
    assert_eq!((change.own, change.subjects, change.moved), (Vec::new(), Vec::new(), vec![moved]));
    let on_the_new_day = "2027-03-06T06:00:00Z".parse().unwrap();
    servers.state().today = NaiveDate::from_ymd_opt(2027, 3, 6).unwrap();
    review::send(&servers.places.ballot_box, &mut held, &ALMA, on_the_new_day).await.unwrap();
    let bodies = servers.bodies("/v1/anon/reviews");
    assert!(bodies.len() == 2 && bodies[0] == bodies[1]);
}

#[actix_web::test]
async fn moments_are_drawn_over_the_whole_window_once_and_kept() {
    let (_servers, mut held) = collected().await;
    for subject_ref in [ALMA, BOLAT] {
        keep_empty(&mut held, &subject_ref);
    }
    let (opens, closes) = ("2027-02-11T19:00:00Z".parse().unwrap(), "2027-03-04T19:00:00Z".parse().unwrap());
    let (mut firsts, mut weeks) = (std::collections::HashSet::new(), std::collections::HashSet::new());
    for _ in 0..200 {
        let waiting = spread::waiting(&held).unwrap();
        firsts.insert(waiting[0]);
        let planned = spread::plan(&mut held, &waiting, None, while_issuing()).unwrap();
        assert!(planned.is_sorted() && planned.iter().all(|(moment, _)| (opens..closes).contains(moment)));
        assert_eq!(spread::plan(&mut held, &waiting, None, while_issuing()).unwrap(), planned);
        weeks.extend(planned.iter().map(|(moment, _)| (*moment - opens).num_weeks()));
        for subject_ref in [ALMA, BOLAT] {
            held.card_mut().unwrap().subject_mut(&subject_ref).unwrap().send_at = None;
        }
    }
    assert_eq!((firsts.len(), weeks.len()), (2, 3));
    let waiting = spread::waiting(&held).unwrap();
    let late = spread::plan(&mut held, &waiting, None, closes);
    assert!(matches!(late, Err(Failure::Refused(ejf::error::Code::WindowClosed))), "{late:?}");
}
