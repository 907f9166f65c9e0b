//! Notices through HTTP: worded in the language of the person, shown, mailed or handed over, each delivery on record. Mail is
//! taken by a small server of the test that speaks SMTP.

mod mailbox;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use ejf::config::mail::{MailServer, SmtpUrl};
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};

use self::mailbox::{Mailbox, Mood};
use crate::harness::plans::{Plan, all_items};
use crate::harness::rounds::SUBJECTS;
use crate::harness::{App, Judge};
use crate::poppler::Printed;

const ADDRESS: &str = "a.serik@sot.example.kz";

/// A service that mails through this server.
async fn mailing(mailbox: &Mailbox) -> App {
    let url = SmtpUrl::parse(&format!("smtp://127.0.0.1:{}", mailbox.port)).unwrap();
    App::start_with(|config| {
        config.mail = Some(MailServer { url: url.clone(), from: "file@council.example.kz".to_owned() });
    })
    .await
}

async fn has_contact(app: &App, judge: &Judge, language: &str) {
    let contact = json!({"language": language, "email": ADDRESS});
    judge.client(app).await.post("/v1/me/contact", contact).await.expect(200);
}

/// The notices of a kind in the outbox.
async fn outbox(app: &App, kind: &str) -> Vec<Value> {
    let mut all = all_items(&app.secretary().await, "/v1/notices").await;
    all.retain(|one| one["kind"] == kind);
    all
}

fn judges(notices: &[Value]) -> BTreeSet<String> {
    notices.iter().map(|one| one["judge_id"].as_str().unwrap().to_owned()).collect()
}

/// The delivery of the one notice of a kind that is mailed, once it stands so.
async fn mailed(app: &App, kind: &str, state: &str, attempts: i64) -> (String, Value) {
    let asking = async {
        loop {
            for notice in outbox(app, kind).await {
                let deliveries = notice["deliveries"].as_array().unwrap();
                let mail = deliveries.iter().find(|one| one["channel"] == "email");
                if let Some(mail) = mail.filter(|one| one["state"] == state && one["attempt_count"] == attempts) {
                    return (notice["id"].as_str().unwrap().to_owned(), mail.clone());
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("the mail gets there")
}

/// The delivery of the one notice of an announcement that is mailed, once it stands so.
async fn mail_in(app: &App, state: &str, attempts: i64) -> (String, Value) {
    mailed(app, "cycle_announced", state, attempts).await
}

/// A cycle that is announced to ten subjects, the first of whom has an address of e-mail.
async fn announced(app: &App, language: &str) -> Plan {
    let plan = app.planned_cycle().await;
    has_contact(app, &plan.subjects[0], language).await;
    plan.open(app).await;
    plan
}

#[tokio::test]
async fn a_notice_is_worded_in_the_language_of_the_person_and_shown_to_nobody_else() {
    let app = App::start().await;
    let plan = announced(&app, "ru").await;
    let own =
        async |judge: &Judge| judge.client(&app).await.get("/v1/me/notices").await.expect(200).body["items"][0].clone();

    let russian = own(&plan.subjects[0]).await;
    let kazakh = own(&plan.subjects[1]).await;

    assert_eq!((&russian["kind"], &russian["language"]), (&json!("cycle_announced"), &json!("ru")));
    assert_eq!(russian["title"], "Объявлена оценка: Оценка 2027 года");
    assert_eq!(kazakh["title"], "Бағалау жарияланды: 2027 жылғы бағалау");
    for said in ["01.02.2027", "15.02.2027", "02.03.2027", "Честность и беспристрастность"] {
        assert!(russian["body"].as_str().unwrap().contains(said), "{said}: {russian}");
    }
    let path = format!("/v1/notices/{}", russian["id"].as_str().unwrap());
    let page = plan.subjects[0].client(&app).await.get(&format!("{path}/page")).await.expect(200);
    assert!(page.text.starts_with("<!doctype html>\n<html lang=\"ru\">") && page.text.contains("<h1>Объявлена"));
    plan.subjects[1].client(&app).await.get(&path).await.expect_problem(404, "not_found");
    plan.others[0].client(&app).await.get(&path).await.expect_problem(404, "not_found");
    let none = plan.others[0].client(&app).await.get("/v1/me/notices").await.expect(200);
    assert_eq!(none.body["items"], json!([]), "whoever is not evaluated is told nothing");
}

#[tokio::test]
async fn a_notice_is_printed_in_its_own_words_and_for_nobody_else() {
    let app = App::start().await;
    let plan = announced(&app, "ru").await;
    for (judge, language, given_on) in
        [(0, "ru", "Уведомление от 11.01.2027"), (1, "kk", "11.01.2027 берілген хабарлама")]
    {
        let client = plan.subjects[judge].client(&app).await;
        let notice = client.get("/v1/me/notices").await.expect(200).body["items"][0].clone();
        let path = format!("/v1/notices/{}/pdf", notice["id"].as_str().unwrap());

        let answer = client.get(&path).await.expect(200);

        assert_eq!((answer.header("content-type"), answer.header("content-language")), ("application/pdf", language));
        let printed = Printed::new(&answer.bytes);
        printed.check();
        let (text, body) = (printed.text(), notice["body"].as_str().unwrap());
        for said in body.lines().chain([notice["title"].as_str().unwrap(), given_on]) {
            assert!(text.contains(said), "{said} in {text}");
        }
        plan.others[0].client(&app).await.get(&path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_address_is_told_to_its_owner_and_lies_sealed() {
    let app = App::start().await;
    let judge = app.judge().await;
    has_contact(&app, &judge, "kk").await;

    let told = judge.client(&app).await.get("/v1/me/contact").await.expect(200);

    assert_eq!(told.body, json!({"language": "kk", "email": ADDRESS}));
    let login = judge.login().to_owned();
    let sealed = app
        .registry()
        .0
        .read(move |conn| {
            let account = store::accounts::find_by_login(conn, &login)?.unwrap();
            store::contacts::find(conn, account.id)
        })
        .await;
    let sealed = sealed.unwrap().unwrap().sealed_email.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("serik"));
    let bad = json!({"language": "kk", "email": "a@sot.kz\r\nBcc: b@sot.kz"});
    judge.client(&app).await.post("/v1/me/contact", bad).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_mail_says_that_there_is_a_notice_and_nothing_of_what_it_is_about() {
    let mailbox = Mailbox::open(&[]);
    let app = mailing(&mailbox).await;
    announced(&app, "en").await;

    let (notice, delivery) = mail_in(&app, "delivered", 1).await;

    assert!(delivery["delivered_at"].is_string() && delivery["error"].is_null());
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 1, "one of ten subjects has an address");
    let mail = &mails[0];
    for said in [
        "From: file@council.example.kz",
        &format!("To: {ADDRESS}"),
        "Subject: There is a notice for you",
        "http://registry.test",
        &notice,
    ] {
        assert!(mail.contains(said), "{said} in {mail}");
    }
    for hidden in ["2027", "evaluat", "cycle", "announce"] {
        let words = mail.split_once("\n\n").unwrap().1;
        assert!(!words.to_lowercase().contains(hidden), "{hidden} in {mail}");
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_is_tried_again_after_a_while_and_taken_once() {
    let moods = [
        Mood::ToSender("451 try again later"),
        Mood::ToRecipient("450 mailbox busy"),
        Mood::ToText("452 no room"),
        Mood::HangsUp,
    ];
    let mailbox = Mailbox::open(&moods);
    let app = mailing(&mailbox).await;
    let plan = announced(&app, "kk").await;

    for (attempts, (minutes, fault)) in
        (1..).zip([(1, "refused_for_now"), (5, "refused_for_now"), (30, "refused_for_now"), (120, "unreachable")])
    {
        let (_, refused) = mail_in(&app, "pending", attempts).await;
        assert_eq!(refused["error"], fault);
        let next: chrono::DateTime<chrono::Utc> = refused["next_attempt_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(next - app.clock.now(), TimeDelta::minutes(minutes));
        assert!(mailbox.mails().is_empty(), "{:?}", mailbox.mails());
        app.clock.advance(TimeDelta::minutes(minutes));
    }
    let (_, sent) = mail_in(&app, "delivered", 5).await;

    assert!(sent["next_attempt_at"].is_null() && sent["error"].is_null());
    assert_eq!(mailbox.mails().len(), 1);
    // The next notice of the same person goes out, and the one before does not go with it.
    app.clock.advance(TimeDelta::days(1));
    app.by_two(&plan.path("/cancel"), json!({"reason": "The methodology is replaced."})).await;
    mailed(&app, "cycle_cancelled", "delivered", 1).await;
    assert_eq!(mailbox.mails().len(), 2);
}

#[tokio::test]
async fn a_mail_for_which_no_server_is_there_waits_for_it() {
    let mailbox = Mailbox::closed();
    let app = mailing(&mailbox).await;
    announced(&app, "kk").await;
    let (_, waiting) = mail_in(&app, "pending", 1).await;
    assert_eq!(waiting["error"], "unreachable");

    mailbox.listen();
    app.clock.advance(TimeDelta::minutes(1));

    mail_in(&app, "delivered", 2).await;
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_under_way_is_noted_when_the_service_stops_and_is_not_sent_again() {
    let mailbox = Mailbox::open(&[Mood::Waits]);
    let app = mailing(&mailbox).await;
    announced(&app, "kk").await;
    let server = mailbox.clone();
    tokio::task::spawn_blocking(move || server.wait_for_text()).await.unwrap();
    let registry = app.base.trim_start_matches("http://").to_owned();
    let server = mailbox.clone();
    // The server answers once the service takes no requests any more.
    let answering = tokio::task::spawn_blocking(move || {
        while std::net::TcpStream::connect(&registry).is_ok() {
            std::thread::yield_now();
        }
        server.go_on();
    });

    let app = app.restarted(0).await;

    answering.await.unwrap();
    let (_, sent) = mail_in(&app, "delivered", 1).await;
    assert!(sent["delivered_at"].is_string());
    app.clock.advance(TimeDelta::days(1));
    app.staff(StaffRole::Secretary).await;
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn of_two_services_that_find_the_same_mail_one_sends_it() {
    let app = App::start().await;
    announced(&app, "kk").await;
    let now = app.clock.now().naive_utc();
    let due = app.registry().0.read(move |conn| store::notices::mails_due(conn, now, 10)).await.unwrap();
    assert_eq!(due.len(), 1);
    let delivery = &due[0].delivery;
    let take = async || {
        let (delivery, until) = (delivery.clone(), now + TimeDelta::minutes(10));
        app.registry().0.write(move |conn| store::notices::take_mail(conn, &delivery, until)).await.unwrap()
    };

    let both = tokio::join!(take(), take());

    assert!(both.0 != both.1, "{both:?}");
    let left = app.registry().0.read(move |conn| store::notices::mails_due(conn, now, 10)).await.unwrap();
    assert!(left.is_empty());
    // Whoever took it may have ended before it was sent: then it is somebody's turn again.
    let later = now + TimeDelta::minutes(10);
    let again = app.registry().0.read(move |conn| store::notices::mails_due(conn, later, 10)).await.unwrap();
    assert_eq!(again.len(), 1);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_until_a_secretary_sends_it_again() {
    let mailbox = Mailbox::open(&[Mood::ToRecipient("550 no such mailbox")]);
    let app = mailing(&mailbox).await;
    announced(&app, "kk").await;
    let (notice, refused) = mail_in(&app, "failed", 1).await;
    assert_eq!((&refused["error"], &refused["next_attempt_at"]), (&json!("refused"), &Value::Null));
    let secretary = app.secretary().await;
    let figures = secretary.get("/v1/dashboard").await.expect(200).body;
    assert_eq!(figures["deliveries"], json!([{"channel": "email", "state": "failed", "count": 1}]));

    secretary.post(&format!("/v1/notices/{notice}/resend"), json!({})).await.expect(200);

    mail_in(&app, "delivered", 2).await;
    let nothing = secretary.post(&format!("/v1/notices/{notice}/resend"), json!({})).await;
    nothing.expect_problem(409, "wrong_phase");
}

#[tokio::test]
async fn without_a_mail_server_the_outbox_says_what_waits_and_the_staff_hands_it_over() {
    let app = App::start().await;
    let plan = announced(&app, "kk").await;
    let notices = outbox(&app, "cycle_announced").await;
    let id = plan.subjects[0].id.to_string();
    let own = notices.iter().find(|one| one["judge_id"] == id).unwrap();
    let ways: Vec<(&Value, &Value)> =
        own["deliveries"].as_array().unwrap().iter().map(|one| (&one["channel"], &one["state"])).collect();
    assert_eq!(ways, [(&json!("email"), &json!("pending")), (&json!("service"), &json!("delivered"))]);

    let path = format!("/v1/notices/{}/delivery", own["id"].as_str().unwrap());
    let handed = app.secretary().await.post(&path, json!({})).await.expect(200).body;

    let by_hand = handed["deliveries"].as_array().unwrap().iter().find(|one| one["channel"] == "by_hand").unwrap();
    assert_eq!(by_hand["state"], "delivered");
    assert!(by_hand["delivered_at"].is_string() && by_hand["delivered_by"].is_string());
    app.secretary().await.post(&path, json!({})).await.expect_problem(409, "already_exists");
    app.staff(StaffRole::Auditor).await.get("/v1/notices").await.expect(200);
    app.staff(StaffRole::Member).await.get("/v1/notices").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn while_credentials_are_issued_those_are_reminded_who_have_not_collected_theirs() {
    let app = App::start_with_keys(SUBJECTS).await;
    let round = app.frozen_cycle().await;
    let plan = &round.plan;
    round.publish_note(&app).await;
    let secretary = app.secretary().await;
    let early = secretary.post(&plan.path("/reminders"), json!({})).await.expect_problem(409, "wrong_phase");
    assert!(early.body["detail"].as_str().unwrap().contains("while credentials are issued"), "{}", early.text);
    plan.move_to(&app, "issuance").await;
    let ready = judges(&outbox(&app, "credentials_ready").await);
    let quick = round.reviewer(&app).await;
    assert!(ready.contains(&quick.id.to_string()));
    round.collect(&quick.client(&app).await).await;

    let told = secretary.post(&plan.path("/reminders"), json!({})).await.expect(200).body;

    let reminded = judges(&outbox(&app, "credentials_reminder").await);
    let expected: BTreeSet<String> = ready.into_iter().filter(|judge| *judge != quick.id.to_string()).collect();
    assert_eq!(reminded, expected);
    assert_eq!(told["notice_count"], json!(expected.len()));
    let again = secretary.post(&plan.path("/reminders"), json!({})).await.expect_problem(409, "wrong_phase");
    assert!(again.body["detail"].as_str().unwrap().contains("tomorrow"), "{}", again.text);
}
