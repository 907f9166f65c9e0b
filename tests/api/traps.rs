//! One test for each failure that systems of this kind have had: the trap is walked into on purpose, through HTTP, on both
//! engines. They lie in this binary, as its harness takes long to build; `cargo test --test api traps::` runs them alone.
//!
//! | trap | shown by |
//! |---|---|
//! | a count or mean that changes with the role | `figures::no_count_or_mean_changes_with_the_role` |
//! | search, filter or sort on a hidden field | `hidden::nothing_can_be_searched_filtered_or_sorted_by_but_what_the_document_names` |
//! | hidden and absent that differ; HEAD, OPTIONS, `ETag` and conditions as an oracle | `hidden::what_is_hidden_looks_and_costs_like_what_does_not_exist` |
//! | a second path | `second_paths` |
//! | a time or a number on a review | `arrival::nothing_of_a_round_tells_when_a_review_came`, `ballot_storage::no_table_of_the_box_can_hold_a_time_or_an_order` |
//! | a request log of the box | `tests/cli.rs`: `a_service_that_tells_all_it_can_tells_no_secret_and_nothing_of_the_box` |
//! | the join by transaction | `arrival::a_review_that_comes_in_changes_nothing_in_the_registry` |
//! | a draft under a log-in | `acting::no_mark_and_no_statement_can_be_left_with_the_registry` |
//! | a threshold met in the total and not in the part | `figures::a_criterion_with_too_few_marks_is_not_shown_though_the_reviews_are_enough` |
//! | one late review | `figures::one_late_review_moves_nothing_that_was_published` |
//! | a second draw | `figures::a_draw_is_done_once_and_no_second_one_changes_who_reviews_whom` |
//! | a missing mark as 0 | `figures::what_a_reviewer_left_out_is_never_a_zero` |
//! | a reminder to those who have not answered | `reminders::a_reminder_goes_to_every_reviewer_in_the_same_words_whoever_has_sent_a_review` |
//! | acting as somebody else | `acting::nobody_acts_as_somebody_else` |
//! | fields that only the service sets | `acting::a_field_that_only_the_service_sets_is_refused` |
//! | methods in disguise | `acting::a_method_in_disguise_is_the_method_that_it_is` |

mod acting;
mod arrival;
pub mod dump;
mod figures;
mod hidden;
mod reminders;
mod second_paths;
pub mod statements;

use std::collections::BTreeMap;
use std::time::Duration;

use ejf::credential::encoding::Ref;
use ejf::credential::envelope::{Credential, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::publication::Document;
use serde_json::json;

use crate::harness::App;
use crate::harness::rounds::{Card, Round, SUBJECTS};

/// A round whose submission is open, with registry and ballot box as they are.
struct Open {
    app: App,
    round: Round,
    cards: BTreeMap<Ref, Vec<(Card, Credential)>>,
}

impl Open {
    /// From nothing to the first day of submission; every credential is collected.
    async fn begin() -> Open {
        let app = App::start_with_keys(SUBJECTS).await;
        let plan = app.drawn_cycle().await;
        plan.work(&app, "/keys", "keys").await;
        plan.freeze(&app).await;
        let folder = plan.round_folder(&app).await;
        let manifest = Frozen::parse(&folder.read(&Document::Manifest(0)).unwrap().unwrap()).unwrap();
        app.go_to(&plan.day(&app, "issue_open").await);
        let round = Round { plan, manifest };
        let open = Open { app, round, cards: BTreeMap::new() };
        // The box takes the manifest in when it is first asked for it; then the registry does so with the box's note.
        open.app.anonymous_box().get(&open.public_path("manifest")).await.expect(200);
        open.round.plan.freeze(&open.app).await;
        open.round.plan.move_to(&open.app, "issuance").await;
        let cards = open.round.collect_all(&open.app).await;
        open.round.ledger(&open.app).await;
        open.app.go_to(&open.round.plan.day(&open.app, "submit_open").await);
        open.round.plan.move_to(&open.app, "submission").await;
        Open { cards, ..open }
    }

    /// The address of one of the round's documents.
    fn public_path(&self, document: &str) -> String {
        format!("/v1/public/cycles/{}/rounds/1/{document}", self.round.manifest.manifest().cycle_ref)
    }

    /// A review of a subject, in the manifest's order, by the panel member at a place.
    fn envelope(&self, subject: usize, place: usize, mark: i64) -> Envelope {
        let subject_ref = self.round.manifest.manifest().subjects[subject].subject_ref;
        let (card, credential) = &self.cards[&subject_ref][place];
        self.round.review(card, credential, Some(mark))
    }

    /// So many panel members send a review of a subject.
    async fn send(&self, subject: usize, count: usize, mark: i64) -> Vec<Envelope> {
        let mut sent = Vec::new();
        for place in 0..count {
            let envelope = self.envelope(subject, place, mark);
            self.app.anonymous_box().submit(&envelope).await.expect(202);
            sent.push(envelope);
        }
        sent
    }

    /// Two persons order the seal, the box obeys, and the registry computes the results.
    async fn seal_and_count(&self) {
        let (app, plan) = (&self.app, &self.round.plan);
        plan.pass(app, "submit_close").await;
        app.by_two(&plan.path("/seal"), json!({})).await;
        let path = self.public_path("checkpoint");
        let sealing = async { while app.anonymous_box().get(&path).await.status != 200 {} };
        tokio::time::timeout(Duration::from_secs(60), sealing).await.expect("the box seals");
        let job = plan.work(app, "/results", "results").await;
        assert_eq!(job["state"], "done", "{job}");
    }
}
