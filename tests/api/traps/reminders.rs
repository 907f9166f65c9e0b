//! A reminder to those who have not answered would say that somebody knows who has. Every reviewer gets the same words on the
//! same day, whoever has sent a review, and nobody is led to log in for it.

use std::collections::BTreeSet;

use ejf::store;
use ejf::store::assignments::is_of_panel;
use serde_json::{Value, json};

use super::Open;
use crate::harness::plans::all_items;

/// Everybody of the panels.
async fn panel(open: &Open) -> BTreeSet<String> {
    let id = open.round.plan.cycle_id.parse().unwrap();
    let all = open.app.registry().0.read(move |conn| store::assignments::of_round(conn, id, 1)).await.unwrap();
    all.into_iter().filter(|one| is_of_panel(one.state)).map(|one| one.judge_id.to_string()).collect()
}

/// Gives a reminder; its recipients, and its words, of which there is one version.
async fn remind(open: &Open, before: usize) -> (BTreeSet<String>, (Value, Value)) {
    let secretary = open.app.secretary().await;
    secretary.post(&open.round.plan.path("/reminders"), json!({})).await.expect(200);
    let mut all = all_items(&secretary, "/v1/notices").await;
    all.retain(|one| one["kind"] == "submission_reminder");
    let given = all.split_off(before);
    let mut words = BTreeSet::new();
    for notice in &given {
        assert_eq!(notice["deliveries"][0]["channel"], "by_hand", "no log-in shows it: {notice}");
        let read = secretary.get(&format!("/v1/notices/{}", notice["id"].as_str().unwrap())).await.expect(200).body;
        words.insert((read["title"].to_string(), read["body"].to_string()));
    }
    assert_eq!(words.len(), 1, "{words:?}");
    let (title, body) = words.into_iter().next().unwrap();
    let to = given.iter().map(|one| one["judge_id"].as_str().unwrap().to_owned()).collect();
    (to, (title.into(), body.into()))
}

#[tokio::test]
async fn a_reminder_goes_to_every_reviewer_in_the_same_words_whoever_has_sent_a_review() {
    let open = Open::begin().await;
    let everybody = panel(&open).await;
    let (first, words) = remind(&open, 0).await;
    open.send(0, 12, 4).await;
    open.send(1, 3, 2).await;
    open.app.clock.advance(chrono::TimeDelta::days(1));

    let (second, same_words) = remind(&open, first.len()).await;

    assert_eq!((&first, &second), (&everybody, &everybody));
    assert_eq!(words, same_words);
    for judge in open.round.plan.others.iter().take(5) {
        let own = judge.client(&open.app).await.get("/v1/me/notices").await.expect(200).body;
        let kinds: Vec<&str> =
            own["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert!(kinds.iter().all(|kind| *kind == "credentials_ready"), "{kinds:?}");
    }
}
