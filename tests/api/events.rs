//! Events: what other systems are told when something becomes final, that they miss none of it, and that staff see who has not
//! said to know of a withdrawal.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use ejf::app::open_registry;
use ejf::db::Registry;
use ejf::domain::caller::Scope;
use ejf::domain::events::EventKind;
use ejf::domain::ids::{EventId, JudgeId};
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::events::{EventFilter, NewEvent};
use serde_json::{Value, json};

use crate::harness::{App, Client, Judge};

pub const DIGEST: &str = "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw";

/// A system that reads events, and fetches what is issued to it.
pub struct System {
    pub id: String,
    secret: String,
}

impl System {
    pub async fn new(app: &App, name: &str) -> System {
        let (id, secret) = app.db_add_client(name, &[Scope::EventsRead, Scope::ResultsRead]).await;
        System { id, secret }
    }

    /// With a token of now.
    pub async fn client(&self, app: &App) -> Client {
        let granted = app.token_request(&self.id, &self.secret, "").await.expect(200);
        app.anonymous().with_token(granted.body["access_token"].as_str().unwrap())
    }
}

/// An extract that was issued to a system.
pub async fn extract_for(app: &App, judge: &Judge, system: Option<&System>) -> String {
    let order = json!({"purpose": "promotion", "recipient": "Конкурстық комиссия", "expires_on": "2027-06-30",
        "recipient_client_id": system.map(|system| system.id.as_str())});
    let path = format!("/v1/judges/{}/extracts", judge.id);
    app.secretary().await.post(&path, order).await.expect(201).id()
}

pub async fn revoke(app: &App, extract: &str) {
    let why = json!({"reason": "fact_quashed", "explanation": "Күші жойылды."});
    app.secretary().await.post(&format!("/v1/extracts/{extract}/revocation"), why).await.expect(200);
}

/// Evaluations of one judge that end as a decision would have it.
pub struct Finals {
    judge_id: JudgeId,
    evaluation_id: ejf::domain::ids::EvaluationId,
}

impl Finals {
    pub async fn of(app: &App) -> Finals {
        let plan = app.planned_cycle().await;
        plan.open(app).await;
        let judge_id = plan.subjects[0].id;
        let evaluation_id = plan.evaluation_of(app, &plan.subjects[0]).await.parse().unwrap();
        Finals { judge_id, evaluation_id }
    }

    /// What a decision that becomes final, or is quashed, writes.
    pub async fn db_tell(&self, registry: &Registry, kind: EventKind, app: &App) -> EventId {
        let (judge_id, evaluation_id, now) = (self.judge_id, self.evaluation_id, app.clock.now());
        let telling = move |conn: &mut ejf::db::Conn| {
            let event = NewEvent { evaluation_id: Some(evaluation_id), ..NewEvent::new(kind, judge_id) };
            let event = match kind {
                EventKind::EvaluationFinalised => NewEvent {
                    outcome_code: Some("fit"),
                    valid_until: "2029-01-11".parse().ok(),
                    document_digest: Some(DIGEST),
                    ..event
                },
                _ => event,
            };
            store::events::append(conn, event, now)
        };
        registry.0.write(telling).await.unwrap()
    }
}

/// All items of a list, page by page.
async fn walked(client: &Client, target: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = target.to_owned();
    loop {
        let page = client.get(&next).await.expect(200);
        items.extend(page.body["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page.body["next_cursor"].as_str() else { return items };
        next = format!("{target}&cursor={cursor}");
    }
}

fn kinds(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_system_reads_by_ids_and_codes_what_it_is_told_and_nothing_that_another_one_is() {
    let app = App::start().await;
    let (hr, reserve) = (System::new(&app, "hr").await, System::new(&app, "reserve").await);
    let finals = Finals::of(&app).await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let extract = extract_for(&app, &judge, Some(&hr)).await;
    let finalised = finals.db_tell(app.registry(), EventKind::EvaluationFinalised, &app).await;
    revoke(&app, &extract).await;

    let of_hr = hr.client(&app).await.get("/v1/events").await.expect(200);
    let of_reserve = reserve.client(&app).await.get("/v1/events").await.expect(200);
    let of_auditor = app.staff(StaffRole::Auditor).await.get("/v1/events").await.expect(200);

    let items = of_hr.body["items"].as_array().unwrap();
    assert_eq!(kinds(items), ["extract.issued", "evaluation.finalised", "extract.revoked"]);
    assert_eq!(
        items[0],
        json!({"type": "extract.issued", "version": 1, "id": items[0]["id"], "occurred_on": "2027-01-11",
            "judge_id": judge.id, "evaluation_id": null, "extract_id": extract, "outcome_code": null,
            "valid_until": null, "document_digest": null})
    );
    assert_eq!(
        of_reserve.body["items"],
        json!([{"type": "evaluation.finalised", "version": 1, "id": finalised, "occurred_on": "2027-01-11",
            "judge_id": finals.judge_id, "evaluation_id": finals.evaluation_id, "extract_id": null,
            "outcome_code": "fit", "valid_until": "2029-01-11", "document_digest": DIGEST}])
    );
    assert_eq!(of_auditor.body["items"], of_hr.body["items"]);
    assert!(!of_hr.text.contains("sequence") && !of_hr.text.contains("Конкурстық"), "{}", of_hr.text);
    // The extract itself is read at its own operation, as long as it holds.
    let path = format!("/v1/extracts/{extract}");
    hr.client(&app).await.get(&path).await.expect_problem(410, "extract_revoked");
}

#[tokio::test]
async fn an_extract_that_no_system_may_fetch_is_no_event_and_what_failed_is_none_either() {
    let app = App::start().await;
    let hr = System::new(&app, "hr").await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let on_paper = extract_for(&app, &judge, None).await;
    revoke(&app, &on_paper).await;
    let extract = extract_for(&app, &judge, Some(&hr)).await;
    revoke(&app, &extract).await;
    let again = json!({"reason": "fact_quashed", "explanation": "Күші жойылды."});
    let secretary = app.secretary().await;
    secretary.post(&format!("/v1/extracts/{extract}/revocation"), again).await.expect_problem(409, "wrong_phase");
    let late =
        json!({"purpose": "promotion", "recipient": "К", "expires_on": "2026-06-30", "recipient_client_id": hr.id});
    secretary.post(&format!("/v1/judges/{}/extracts", judge.id), late).await.expect(422);

    let told = walked(&hr.client(&app).await, "/v1/events?limit=1").await;

    assert_eq!(kinds(&told), ["extract.issued", "extract.revoked"]);
    assert_eq!(told[0]["extract_id"], extract);
}

#[tokio::test]
async fn whoever_goes_on_after_the_last_event_misses_none_and_may_begin_anew() {
    let app = App::start().await;
    let (hr, other) = (System::new(&app, "hr").await, System::new(&app, "reserve").await);
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let mut extracts = Vec::new();
    for _ in 0..5 {
        extracts.push(extract_for(&app, &judge, Some(&hr)).await);
    }
    revoke(&app, &extracts[1]).await;
    extract_for(&app, &judge, Some(&other)).await;
    let client = hr.client(&app).await;

    let whole = client.get("/v1/events").await.expect(200).body["items"].as_array().unwrap().clone();
    let paged = walked(&client, "/v1/events?limit=2").await;
    let third = whole[2]["id"].as_str().unwrap();
    let rest = walked(&client, &format!("/v1/events?after={third}&limit=1")).await;
    let last = whole[5]["id"].as_str().unwrap();
    let none = client.get(&format!("/v1/events?after={last}")).await.expect(200);
    let revoked = client.get("/v1/events?type=extract.revoked").await.expect(200);

    assert_eq!(whole.len(), 6);
    assert_eq!(paged, whole);
    assert_eq!(rest, whole[3..]);
    assert_eq!((&none.body["items"], &none.body["next_cursor"]), (&json!([]), &Value::Null));
    assert_eq!(revoked.body["items"], json!([whole[5]]));
    let later = extract_for(&app, &judge, Some(&hr)).await;
    let news = client.get(&format!("/v1/events?after={last}")).await.expect(200);
    assert_eq!(news.body["items"][0]["extract_id"], later);
    let anew = client.get("/v1/events").await.expect(200).body["items"].as_array().unwrap().clone();
    assert_eq!(anew[..6], whole[..], "the past does not move");
    // What another system is told is no place to begin at, as what does not exist.
    let of_other = other.client(&app).await.get("/v1/events").await.expect(200).body["items"][0]["id"].clone();
    for unknown in [of_other.as_str().unwrap(), "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"] {
        let refused = client.get(&format!("/v1/events?after={unknown}")).await.expect_problem(400, "malformed");
        assert_eq!(refused.faults(), [("after".to_owned(), "missing".to_owned())]);
    }
    let page = client.get("/v1/events?limit=2").await.expect(200);
    let cursor = page.body["next_cursor"].as_str().unwrap();
    client.get(&format!("/v1/events?type=extract.issued&cursor={cursor}")).await.expect_problem(400, "bad_cursor");
}

#[tokio::test]
async fn a_reader_misses_no_event_though_two_services_write_at_once() {
    const EACH: usize = 60;
    let app = App::start().await;
    let finals = Finals::of(&app).await;
    let second = open_registry(app.config(), app.clock.now()).await.unwrap();
    let telling = async |registry: &Registry| {
        for _ in 0..EACH {
            finals.db_tell(registry, EventKind::TrainingRecommended, &app).await;
        }
    };
    let reading = async {
        let (mut read, mut last) = (Vec::new(), 0);
        while read.len() < 2 * EACH {
            let all = EventFilter { client_id: None, kind: None };
            let news = app.registry().0.read(move |conn| store::events::list(conn, all, last, 100)).await.unwrap();
            for event in news {
                assert_eq!(event.sequence, last + 1, "an earlier event is not there yet, and would be passed by");
                last = event.sequence;
                read.push(event.id);
            }
            tokio::task::yield_now().await;
        }
        read
    };

    let ((), (), read) = tokio::join!(telling(app.registry()), telling(&second), reading);

    let distinct: BTreeSet<EventId> = read.iter().copied().collect();
    assert_eq!((read.len(), distinct.len()), (2 * EACH, 2 * EACH));
    second.0.close();
}

#[tokio::test]
async fn an_event_that_says_more_or_less_than_its_kind_does_is_not_written() {
    let app = App::start().await;
    let judge = app.judge().await;
    let now = app.clock.now();
    let told = async |new: NewEvent<'static>| {
        app.registry().0.write(move |conn| store::events::append(conn, new.clone(), now)).await
    };
    let bare = NewEvent::new(EventKind::ExtractIssued, judge.id);
    assert!(told(bare.clone()).await.is_err());
    let extract_id = Some("019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11".parse().unwrap());
    let worded = NewEvent { extract_id, outcome_code: Some("The judge was late"), ..bare };
    assert!(told(worded).await.is_err());

    let all = EventFilter { client_id: None, kind: None };
    let events = app.registry().0.read(move |conn| store::events::list(conn, all, 0, 10)).await.unwrap();

    assert!(events.is_empty(), "{events:?}");
}

#[tokio::test]
async fn staff_see_which_system_has_not_said_that_it_knows_of_a_withdrawal() {
    let app = App::start().await;
    let (hr, reserve) = (System::new(&app, "hr").await, System::new(&app, "reserve").await);
    app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let finals = Finals::of(&app).await;
    let finalised = finals.db_tell(app.registry(), EventKind::EvaluationFinalised, &app).await;
    let revoked = finals.db_tell(app.registry(), EventKind::EvaluationRevoked, &app).await;
    let secretary = app.secretary().await;
    let awaited = async || {
        let items = walked(&secretary, "/v1/unacknowledged-events?limit=1").await;
        items.iter().map(|item| item["client_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let found = awaited().await;
    assert_eq!(found.len(), 2, "for the withdrawal alone, and of those that read events: {found:?}");
    assert!(found.contains(&hr.id) && found.contains(&reserve.id), "{found:?}");
    assert_eq!(secretary.get("/v1/dashboard").await.expect(200).body["withdrawals_unacknowledged"], 2);
    let path = format!("/v1/events/{revoked}/acknowledgement");
    let client = hr.client(&app).await;

    let said = client.post(&path, json!({})).await.expect(200);
    app.clock.advance(TimeDelta::minutes(1));
    let again = client.post(&path, json!({})).await.expect(200);

    assert_eq!(said.body, json!({"event_id": revoked, "client_id": hr.id, "acknowledged_at": "2027-01-11T04:00:00Z"}));
    assert_eq!(again.body, said.body, "the first word counts");
    assert_eq!(app.db_acts().await.iter().filter(|act| *act == "acknowledge_event").count(), 1);
    let left = secretary.get("/v1/unacknowledged-events").await.expect(200);
    assert_eq!(
        left.body["items"],
        json!([{"event_id": revoked, "type": "evaluation.revoked", "occurred_on": "2027-01-11",
            "judge_id": finals.judge_id, "evaluation_id": finals.evaluation_id, "extract_id": null,
            "client_id": reserve.id, "client_name": "The system reserve", "is_client_closed": false}])
    );
    // Of what is not awaited a system may say so all the same.
    client.post(&format!("/v1/events/{finalised}/acknowledgement"), json!({})).await.expect(200);
    app.staff(StaffRole::Administrator).await.get("/v1/unacknowledged-events").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn of_a_withdrawn_extract_its_recipient_alone_is_awaited_and_heard() {
    let app = App::start().await;
    let (hr, reserve) = (System::new(&app, "hr").await, System::new(&app, "reserve").await);
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let extract = extract_for(&app, &judge, Some(&hr)).await;
    revoke(&app, &extract).await;
    let secretary = app.secretary().await;

    let awaited = secretary.get("/v1/unacknowledged-events").await.expect(200).body["items"].clone();

    assert_eq!(awaited.as_array().unwrap().len(), 1);
    assert_eq!((&awaited[0]["client_id"], &awaited[0]["extract_id"]), (&json!(hr.id), &json!(extract)));
    let path = format!("/v1/events/{}/acknowledgement", awaited[0]["event_id"].as_str().unwrap());
    reserve.client(&app).await.post(&path, json!({})).await.expect_problem(404, "not_found");
    hr.client(&app).await.post(&path, json!({})).await.expect(200);
    assert_eq!(secretary.get("/v1/unacknowledged-events").await.expect(200).body["items"], json!([]));
    assert_eq!(secretary.get("/v1/dashboard").await.expect(200).body["withdrawals_unacknowledged"], 0);
}
