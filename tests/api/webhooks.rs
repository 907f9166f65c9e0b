//! Endpoints of other systems: that events get there signed, in order for each judge and at least once, whatever the receiver does
//! meanwhile; and that nothing is sent where it should not be. The receiver is a small server of the test that speaks HTTP.

mod post;
mod receiver;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ejf::domain::ids::DeliveryId;
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};

use self::post::Post;
use self::receiver::{Came, Mood, Receiver};
use crate::events::{System, extract_for, revoke};
use crate::harness::App;

/// What a delivery says: its kind and its extract.
fn said(came: &[Came]) -> Vec<(String, String)> {
    let words = |came: &Came| {
        let event = came.event();
        (event["type"].as_str().unwrap().to_owned(), event["extract_id"].as_str().unwrap().to_owned())
    };
    came.iter().map(words).collect()
}

/// Whether the signature is that of the secret, as another program finds, written from the specification alone.
fn is_signed(came: &Came, secret: &str) -> bool {
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/webhook.py");
    let mut python = Command::new("python3");
    let mut running = python.args(["-B", verifier, secret]).stdin(Stdio::piped()).spawn().expect("Python 3");
    let delivery = json!({"id": came.header("webhook-id"), "timestamp": came.header("webhook-timestamp"),
        "signature": came.header("webhook-signature"), "body": came.body});
    running.stdin.take().unwrap().write_all(delivery.to_string().as_bytes()).unwrap();
    let code = running.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    code == Some(0)
}

#[tokio::test]
async fn an_event_is_sent_signed_as_the_feed_shows_it_and_once() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    post.issue(&judge).await;

    let log = post.once_delivered(1).await;

    let came = receiver.came();
    assert_eq!(came.len(), 1);
    let feed = post.hr.client(&post.app).await.get("/v1/events").await.expect(200);
    assert_eq!(came[0].event(), feed.body["items"][0]);
    assert_eq!((came[0].path.as_str(), came[0].header("content-type")), ("/events?to=file", "application/json"));
    assert_eq!(came[0].header("webhook-id"), feed.body["items"][0]["id"].as_str().unwrap());
    assert_eq!(came[0].header("webhook-timestamp"), post.app.clock.now().timestamp().to_string());
    assert!(is_signed(&came[0], &post.secret));
    let altered = Came { body: came[0].body.replace("extract.issued", "extract.revoked"), ..came[0].clone() };
    assert!(!is_signed(&altered, &post.secret));
    assert!(!is_signed(&came[0], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!((&log[0]["attempt_count"], &log[0]["status_code"]), (&json!(1), &json!(204)));
    assert_eq!(log[0]["event_id"], feed.body["items"][0]["id"]);
    assert!(!log[0].to_string().contains(&judge.id.to_string()), "whom it concerns is not told: {}", log[0]);
}

#[tokio::test]
async fn what_came_about_while_the_receiver_was_gone_gets_there_in_order() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    let first = post.issue(&judge).await;
    post.once_delivered(1).await;
    receiver.kill();
    let second = post.issue(&judge).await;
    revoke(&post.app, &second).await;
    revoke(&post.app, &first).await;
    let is_tried = |found: &[Value]| found.len() == 4 && found[1]["attempt_count"] == 1;
    let waiting = post.once(is_tried).await;
    assert_eq!((&waiting[1]["error"], &waiting[1]["status_code"]), (&json!("unreachable"), &Value::Null));
    assert_eq!(waiting[2]["attempt_count"], 0, "it waits for the one before it");
    receiver.listen();
    post.advance_to(&waiting[1]);

    post.once_delivered(4).await;

    let issued = |id: &str| ("extract.issued".to_owned(), id.to_owned());
    let revoked = |id: &str| ("extract.revoked".to_owned(), id.to_owned());
    assert_eq!(said(&receiver.came()), [issued(&first), issued(&second), revoked(&second), revoked(&first)]);
}

#[tokio::test]
async fn an_event_that_is_refused_holds_up_its_own_judge_alone() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let (refused, other) = (post.judge().await, post.judge().await);
    receiver.set_moods(&[Mood::Refuses(refused.id.to_string())]);
    let first = post.issue(&refused).await;
    revoke(&post.app, &first).await;
    let of_other = post.issue(&other).await;
    let is_so = |found: &[Value]| {
        found.len() == 3 && found[0]["attempt_count"] == 1 && found.iter().any(|one| one["state"] == "delivered")
    };
    let log = post.once(is_so).await;
    assert_eq!((&log[0]["state"], &log[0]["status_code"]), (&json!("pending"), &json!(503)));
    assert_eq!(said(&receiver.taken()), [("extract.issued".to_owned(), of_other)]);

    receiver.set_moods(&[]);
    post.advance_to(&log[0]);
    post.once_delivered(3).await;

    let of_refused: Vec<Came> =
        receiver.taken().into_iter().filter(|came| came.body.contains(&refused.id.to_string())).collect();
    let pair = [("extract.issued".to_owned(), first.clone()), ("extract.revoked".to_owned(), first)];
    assert_eq!(said(&of_refused), pair);
}

/// Tries the first delivery, which is refused, until it is given up.
async fn given_up(post: &Post) -> Value {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let tried = post.once(|found| !found.is_empty() && found[0]["attempt_count"] == attempts).await;
        if tried[0]["state"] == "given_up" {
            return tried[0].clone();
        }
        post.advance_to(&tried[0]);
    }
}

#[tokio::test]
async fn a_delivery_is_given_up_after_three_days_and_staff_send_it_again_with_what_followed() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    receiver.set_moods(&[Mood::Refuses(judge.id.to_string())]);
    let begun = post.app.clock.now();
    let extract = post.issue(&judge).await;
    let given_up = given_up(&post).await;
    let lasted = post.app.clock.now() - begun;
    assert!(lasted > TimeDelta::days(3) && lasted < TimeDelta::days(4), "{lasted}");
    assert_eq!((&given_up["error"], &given_up["next_attempt_at"]), (&json!("refused"), &Value::Null));
    let looked_for = post.administrator().await.get("/v1/webhook-deliveries?state=given_up").await.expect(200);
    assert_eq!(looked_for.body["items"], json!([given_up]));
    let figures = post.app.secretary().await.get("/v1/dashboard").await.expect(200).body;
    assert_eq!(figures["webhook_deliveries_given_up"], 1);
    receiver.set_moods(&[]);
    revoke(&post.app, &extract).await;
    post.once(|found| found.len() == 2 && found[1]["state"] == "delivered").await;
    assert_eq!(receiver.taken().len(), 1, "what was given up holds nothing up");

    let path = format!("/v1/webhook-deliveries/{}/resend", given_up["id"].as_str().unwrap());
    post.app.secretary().await.post(&path, json!({})).await.expect(200);
    post.once_delivered(2).await;

    let pair = [("extract.issued".to_owned(), extract.clone()), ("extract.revoked".to_owned(), extract)];
    let taken = receiver.taken();
    assert_eq!(said(&taken[1..]), pair, "the withdrawal comes again after what is withdrawn");
    assert_eq!(taken[0].header("webhook-id"), taken[2].header("webhook-id"), "by which the receiver knows it");
    assert_eq!(app_acts(&post, "resend_delivery").await, 1);
    let auditor = post.app.staff(StaffRole::Auditor).await;
    auditor.post(&path, json!({})).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn all_that_was_given_up_is_sent_again_at_once_when_the_receiver_is_there_again() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let (judge, other) = (post.judge().await, post.judge().await);
    receiver.set_moods(&[Mood::Refuses(judge.id.to_string())]);
    let extract = post.issue(&judge).await;
    given_up(&post).await;
    receiver.set_moods(&[]);
    revoke(&post.app, &extract).await;
    let of_other = post.issue(&other).await;
    post.once(|found| found.len() == 3 && found[1..].iter().all(|one| one["state"] == "delivered")).await;
    let path = format!("/v1/webhooks/{}/resend", post.id);

    let resent = post.app.secretary().await.post(&path, json!({})).await.expect(200);
    post.once_delivered(3).await;
    let nothing = post.administrator().await.post(&path, json!({})).await.expect(200);

    assert_eq!((&resent.body, &nothing.body), (&json!({"delivery_count": 2}), &json!({"delivery_count": 0})));
    let of_judge: Vec<Came> =
        receiver.taken().into_iter().filter(|came| came.body.contains(&judge.id.to_string())).collect();
    let issued = ("extract.issued".to_owned(), extract.clone());
    let revoked = ("extract.revoked".to_owned(), extract);
    assert_eq!(said(&of_judge), [revoked.clone(), issued, revoked]);
    let once = receiver.taken().iter().filter(|came| came.body.contains(&of_other)).count();
    assert_eq!(once, 1, "what was given up of one judge is no reason to send anything of another again");
}

async fn app_acts(post: &Post, act: &str) -> usize {
    post.app.db_acts().await.iter().filter(|one| *one == act).count()
}

#[tokio::test]
async fn what_waits_already_is_not_sent_again_by_hand() {
    let receiver = Receiver::closed();
    let post = Post::to(&receiver).await;
    post.issue(&post.judge().await).await;
    let waiting = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;

    let path = format!("/v1/webhook-deliveries/{}/resend", waiting[0]["id"].as_str().unwrap());
    post.app.secretary().await.post(&path, json!({})).await.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is_and_a_redirect_is_not_followed() {
    let elsewhere = Receiver::open(&[]);
    let receiver = Receiver::open(&[Mood::Answers(429, "retry-after: 7200\r\n"), Mood::HangsUp]);
    let post = Post::to(&receiver).await;
    post.issue(&post.judge().await).await;
    let asked = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;
    let next: DateTime<Utc> = asked[0]["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next - post.app.clock.now(), TimeDelta::hours(2));
    post.advance_to(&asked[0]);
    let hung_up = post.once(|found| found[0]["attempt_count"] == 2).await;
    assert_eq!((&hung_up[0]["error"], &hung_up[0]["status_code"]), (&json!("unreachable"), &Value::Null));
    let place = format!("location: {}\r\n", elsewhere.url());
    receiver.set_moods(&[Mood::Answers(307, place.leak())]);
    post.advance_to(&hung_up[0]);

    let redirected = post.once(|found| found[0]["attempt_count"] == 3).await;

    assert_eq!((&redirected[0]["error"], &redirected[0]["status_code"]), (&json!("redirected"), &json!(307)));
    assert!(elsewhere.came().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_paused_is_sent_nothing_and_misses_nothing() {
    let receiver = Receiver::open(&[Mood::Answers(410, "")]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    let first = post.issue(&judge).await;
    let log = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;
    assert_eq!((&log[0]["state"], &log[0]["error"]), (&json!("pending"), &json!("gone")));
    let path = format!("/v1/webhooks/{}", post.id);
    let gone = post.administrator.get(&path).await.expect(200);
    assert_eq!(gone.body["state"], "gone");
    post.administrator.post(&format!("{path}/test"), json!({})).await.expect_problem(409, "wrong_phase");
    let never = post.administrator.if_match(2).patch(&path, json!({"state": "gone"})).await.expect(422);
    assert_eq!(never.faults(), [("/state".to_owned(), "one_of".to_owned())]);
    let second = post.issue(&judge).await;

    post.set_state("active").await;
    post.once_delivered(2).await;
    post.set_state("paused").await;
    let third = post.issue(&judge).await;
    post.set_state("active").await;
    post.once_delivered(3).await;

    let issued = |id: String| ("extract.issued".to_owned(), id);
    assert_eq!(said(&receiver.taken()), [issued(first), issued(second), issued(third)]);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign_and_afterwards_the_new_one_alone() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    let path = format!("/v1/webhooks/{}/rotate", post.id);

    let rotated = post.administrator.post(&path, json!({"overlap_hours": 2})).await.expect(200);
    let fresh = rotated.body["secret"].as_str().unwrap().to_owned();
    post.issue(&judge).await;
    post.once_delivered(1).await;
    post.app.clock.advance(TimeDelta::hours(2));
    post.issue(&judge).await;
    post.once_delivered(2).await;

    assert_eq!(rotated.body["webhook"]["previous_secret_until"], "2027-01-11T06:00:00Z");
    let came = receiver.came();
    assert_eq!(came[0].header("webhook-signature").split(' ').count(), 2);
    assert!(is_signed(&came[0], &post.secret) && is_signed(&came[0], &fresh));
    assert!(!is_signed(&came[1], &post.secret) && is_signed(&came[1], &fresh));
    let known = post.administrator().await.post(&path, json!({"overlap_hours": 0})).await.expect(200);
    assert_eq!(known.body["webhook"]["previous_secret_until"], Value::Null);
}

#[tokio::test]
async fn an_administrator_tries_an_endpoint_and_sees_how_it_fares() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;

    let tried = post.administrator.post(&format!("/v1/webhooks/{}/test", post.id), json!({})).await.expect(201);
    post.once_delivered(1).await;

    let came = receiver.came();
    let ping = json!({"type": "ping", "version": 1, "id": tried.id(), "occurred_on": "2027-01-11"});
    assert_eq!(came[0].event(), ping);
    assert!(is_signed(&came[0], &post.secret));
    let one = post.administrator.get(tried.header("location")).await.expect(200);
    assert_eq!((&one.body["state"], &one.body["type"]), (&json!("delivered"), &Value::Null));
    assert_eq!(post.hr.client(&post.app).await.get("/v1/events").await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn an_endpoint_is_sent_the_kinds_that_it_asked_for_from_then_on_and_those_of_others_never() {
    let receiver = Receiver::open(&[]);
    let post = Post::of(&receiver, &["extract.revoked"]).await;
    let judge = post.judge().await;
    let own = post.issue(&judge).await;
    let other = System::new(&post.app, "reserve").await;
    let of_other = extract_for(&post.app, &judge, Some(&other)).await;
    revoke(&post.app, &of_other).await;
    revoke(&post.app, &own).await;

    post.once_delivered(1).await;

    assert_eq!(said(&receiver.came()), [("extract.revoked".to_owned(), own)]);
}

#[tokio::test]
async fn a_system_that_may_read_events_no_more_is_sent_none() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let judge = post.judge().await;
    let path = format!("/v1/clients/{}", post.hr.id);
    let client = &post.administrator;
    client.if_match(1).patch(&path, json!({"scopes": ["results:read"]})).await.expect(200);
    let first = post.issue(&judge).await;
    // Another endpoint, of a system that may, is served in the rounds in which this one is not.
    let reserve = System::new(&post.app, "reserve").await;
    let new = json!({"client_id": reserve.id, "url": receiver.url(), "types": ["extract.issued"]});
    client.post("/v1/webhooks", new).await.expect(201);
    let of_reserve = extract_for(&post.app, &judge, Some(&reserve)).await;
    let is_sent = async {
        while receiver.came().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is_sent).await.unwrap();
    let issued = |id: &str| ("extract.issued".to_owned(), id.to_owned());
    assert_eq!(said(&receiver.came()), [issued(&of_reserve)]);
    let refused = json!({"client_id": post.hr.id, "url": receiver.url(), "types": ["extract.issued"]});
    let refused = client.post("/v1/webhooks", refused).await.expect(422);
    assert_eq!(refused.faults(), [("/client_id".to_owned(), "missing".to_owned())]);

    client.if_match(2).patch(&path, json!({"scopes": ["results:read", "events:read"]})).await.expect(200);
    post.once_delivered(1).await;

    assert_eq!(said(&receiver.came()), [issued(&of_reserve), issued(&first)]);
}

#[tokio::test]
async fn events_go_to_listed_origins_alone() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let port = receiver.port;
    let long = format!("{}{}", receiver.url(), "x".repeat(500));
    let cases = [
        ("https://hr.example.kz/events".to_owned(), "format"),
        (format!("http://localhost:{port}/events"), "format"),
        (format!("https://127.0.0.1:{port}/events"), "format"),
        (format!("http://user@127.0.0.1:{port}/events"), "format"),
        (format!("http://127.0.0.1:{port}/events#part"), "format"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "format"),
        ("file:///etc/passwd".to_owned(), "format"),
        ("no address".to_owned(), "format"),
        (String::new(), "format"),
        (long, "length"),
    ];
    for (url, rule) in cases {
        let new = json!({"client_id": post.hr.id, "url": url, "types": ["extract.issued"]});
        let refused = post.administrator.post("/v1/webhooks", new).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [("/url".to_owned(), rule.to_owned())], "{url}");
        let change = json!({"url": url});
        let path = format!("/v1/webhooks/{}", post.id);
        let refused = post.administrator.if_match(1).patch(&path, change).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults(), [("/url".to_owned(), rule.to_owned())], "{url}");
    }
    for types in [json!([]), json!(["extract.issued", "extract.issued"])] {
        let new = json!({"client_id": post.hr.id, "url": receiver.url(), "types": types});
        post.administrator.post("/v1/webhooks", new).await.expect(422);
    }
}

#[tokio::test]
async fn an_endpoint_at_an_origin_that_is_listed_no_more_is_sent_nothing() {
    let (receiver, other) = (Receiver::open(&[]), Receiver::open(&[]));
    let both = format!("http://127.0.0.1:{},http://127.0.0.1:{}", receiver.port, other.port);
    let origins = ejf::config::origins::Origins::parse(&both).unwrap();
    let app = App::start_with(|config| config.webhook_origins = origins.clone()).await;
    let hr = System::new(&app, "hr").await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let new = json!({"client_id": hr.id, "url": receiver.url(), "types": ["extract.issued"]});
    let made = administrator.post("/v1/webhooks", new).await.expect(201);
    let (id, secret) = (made.body["webhook"]["id"].as_str().unwrap().to_owned(), String::new());
    let post = Post {
        app: app.restarted_with(|config| config.webhook_origins = other.origins()).await,
        hr,
        administrator,
        id,
        secret,
    };
    post.issue(&post.judge().await).await;

    let log = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;

    assert_eq!(log[0]["error"], "not_allowed");
    assert!(receiver.came().is_empty());
}

#[tokio::test]
async fn a_secret_is_shown_once_and_lies_in_no_column_and_no_view() {
    let receiver = Receiver::open(&[]);
    let post = Post::to(&receiver).await;
    let path = format!("/v1/webhooks/{}", post.id);

    let one = post.administrator.get(&path).await.expect(200);
    let list = post.app.secretary().await.get("/v1/webhooks").await.expect(200);

    assert_eq!(list.body["items"], json!([one.body]));
    assert!(!list.text.contains("whsec_") && !list.text.contains("wrapped"), "{}", list.text);
    let id = post.id.parse().unwrap();
    let row = post.app.registry().0.read(move |conn| store::webhooks::find(conn, id)).await.unwrap().unwrap();
    let raw =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &post.secret["whsec_".len()..]).unwrap();
    assert!(!row.wrapped_secret.windows(raw.len()).any(|window| window == raw));
    for role in [StaffRole::Secretary, StaffRole::Member, StaffRole::Auditor] {
        let client = post.app.staff(role).await;
        let new = json!({"client_id": post.hr.id, "url": receiver.url(), "types": ["extract.issued"]});
        client.post("/v1/webhooks", new).await.expect_problem(403, "forbidden");
    }
    assert_eq!(app_acts(&post, "create_webhook").await, 1);
}

#[tokio::test]
async fn what_waits_when_the_service_stops_gets_there_after_the_next_start() {
    let receiver = Receiver::closed();
    let mut post = Post::to(&receiver).await;
    let extract = post.issue(&post.judge().await).await;
    let waiting = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;

    post.app = post.app.restarted(0).await;
    receiver.listen();
    post.advance_to(&waiting[0]);
    post.once_delivered(1).await;

    assert_eq!(said(&receiver.came()), [("extract.issued".to_owned(), extract)]);
}

#[tokio::test]
async fn of_two_services_that_find_the_same_delivery_one_sends_it() {
    let receiver = Receiver::closed();
    let post = Post::to(&receiver).await;
    post.issue(&post.judge().await).await;
    let waiting = post.once(|found| found.len() == 1 && found[0]["attempt_count"] == 1).await;
    let id: DeliveryId = waiting[0]["id"].as_str().unwrap().parse().unwrap();
    let registry = &post.app.registry().0;
    let (delivery, _) = registry.read(move |conn| store::webhook_deliveries::find(conn, id)).await.unwrap().unwrap();
    let until = post.app.clock.now().naive_utc() + TimeDelta::minutes(10);
    let take = async || {
        let delivery = delivery.clone();
        registry.write(move |conn| store::webhook_deliveries::take(conn, &delivery, until)).await.unwrap()
    };

    let both = tokio::join!(take(), take());

    assert!(both.0.is_some() != both.1.is_some(), "{both:?}");
    let webhook_id = delivery.webhook_id;
    let due = async |now| {
        registry.read(move |conn| store::webhook_deliveries::due(conn, webhook_id, now, 10)).await.unwrap().len()
    };
    assert_eq!(due(until - TimeDelta::seconds(1)).await, 0);
    assert_eq!(due(until).await, 1, "whoever took it may have ended before it was sent");
}
