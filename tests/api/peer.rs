//! The reviewer's client against the service itself, registry and ballot box, from the first request to the sealed list.

use std::time::Duration;

use ejf::client::card::Held;
use ejf::client::failure::{Failure, Idle};
use ejf::client::peer::{Login, collect};
use ejf::client::pinned::Places;
use ejf::client::{draft::Draft, review, sealed};
use ejf::credential::manifest::digest_words;
use ejf::domain::methodology::Methodology;
use serde_json::json;
use zeroize::Zeroizing;

use crate::harness::rounds::SUBJECTS;
use crate::harness::{App, PASSWORD};

#[tokio::test]
async fn a_reviewer_finds_the_own_review_in_the_list_that_the_service_sealed() {
    let app = App::start_with_keys(SUBJECTS).await;
    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    let frozen = plan.freeze(&app).await;
    app.go_to(&plan.day(&app, "issue_open").await);
    let places = Places { registry: app.base.clone(), ballot_box: app.box_base.clone() };
    let words = digest_words(&frozen["manifest_digest"].as_str().unwrap().parse().unwrap());
    // The box takes the manifest in when it is first asked for it; then the registry does the same with the box's note.
    let cycle = plan.cycle(&app).await;
    let path = format!("/v1/public/cycles/{}/rounds/1/manifest", cycle["cycle_ref"].as_str().unwrap());
    app.anonymous_box().get(&path).await.expect(200);
    plan.freeze(&app).await;
    plan.move_to(&app, "issuance").await;

    let mut cards = Vec::new();
    for judge in plan.judges() {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let login = Login::Password { login: judge.login(), password: &password };
        let mut held = Held::in_memory();
        match collect(&places, &login, &words, &mut held, app.clock.now()).await {
            Ok(_) => cards.push(held),
            Err(Failure::Idle(Idle::NoAssignments)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let own = cards.first_mut().unwrap();
    let published: Methodology = serde_json::from_value(crate::harness::plans::methodology()).unwrap();
    assert_eq!(own.card().unwrap().methodology.as_deref(), Some(&published));
    plan.pass(&app, "issue_close").await;
    app.secretary().await.with_key("ledgers").post(&plan.path("/ledgers"), json!({})).await.expect(200);
    app.go_to(&plan.day(&app, "submit_open").await);
    plan.move_to(&app, "submission").await;
    let subject = own.card().unwrap().credentials[0].clone();
    review::keep(own, Draft::withdrawal(&subject)).unwrap();
    review::send(&places.ballot_box, own, &subject.subject_ref, app.clock.now()).await.unwrap();
    plan.pass(&app, "submit_close").await;
    let early = sealed::check(&places, own).await;
    assert!(matches!(early, Err(Failure::Idle(Idle::NotSealed))), "{early:?}");
    app.by_two(&plan.path("/seal"), json!({})).await;

    let checking = async {
        loop {
            match sealed::check(&places, own).await {
                Err(Failure::Idle(Idle::NotSealed)) => {}
                other => return other.unwrap(),
            }
        }
    };
    let checked = tokio::time::timeout(Duration::from_secs(60), checking).await.expect("the box seals");

    assert_eq!((checked.leaf_count, checked.found_count, checked.missing.len()), (1, 1, 0));
}
