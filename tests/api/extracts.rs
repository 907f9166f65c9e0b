//! Extracts: what leaves a file, that it is proved, for a purpose and for a time, and that nothing else leaves with it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use ejf::domain::caller::Scope;
use ejf::domain::extracts::ExtractPurpose;
use ejf::domain::ids;
use ejf::domain::policy::StaffRole;
use ejf::texts::Language;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::acts::act;
use crate::harness::{App, Client, Judge};
use crate::poppler::Printed;
use crate::records::{told, training};

fn order(change: Value) -> Value {
    let mut body = json!({"purpose": "competition", "recipient": "Конкурстық комиссия", "expires_on": "2027-03-31"});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

async fn issue(app: &App, judge: &Judge, change: Value) -> String {
    let path = format!("/v1/judges/{}/extracts", judge.id);
    app.secretary().await.post(&path, order(change)).await.expect(201).id()
}

fn path(id: &str) -> String {
    format!("/v1/extracts/{id}")
}

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

/// The facts as they stand in the answer, byte for byte.
fn raw_facts(text: &str) -> &str {
    let from = text.find("\"facts\":").unwrap() + "\"facts\":".len();
    let to = text.rfind(",\"digest\":").unwrap();
    &text[from..to]
}

/// A machine client with `results:read`.
struct Reader {
    id: String,
    secret: String,
}

impl Reader {
    async fn new(app: &App, system: &str) -> Reader {
        let (id, secret) = app.db_add_client(system, &[Scope::ResultsRead]).await;
        Reader { id, secret }
    }

    /// With a token of now.
    async fn client(&self, app: &App) -> Client {
        let granted = app.token_request(&self.id, &self.secret, "").await.expect(200);
        app.anonymous().with_token(granted.body["access_token"].as_str().unwrap())
    }
}

fn penalty(decision: &str, appeal: &str) -> Value {
    json!({"discipline": {"decision_ref": decision, "ground": "Актіні кеш дайындау", "penalty": "remark",
        "decided_on": "2026-10-12", "in_force_on": "2026-10-26", "expires_on": "2027-04-26", "appeal": appeal}})
}

/// A judge of whom the file holds something of every kind.
async fn judge_with_everything(app: &App) -> Judge {
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let secretary = app.secretary().await;
    let records = format!("/v1/judges/{}", judge.id);
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q1", "numerator": 7331,
        "source_system": "toerelik", "as_of": "2026-04-05"});
    secretary.post(&format!("{records}/observations"), value).await.expect(201);
    secretary.post(&format!("{records}/acts"), act(json!({}))).await.expect(201);
    let mut contents = vec![
        json!({"education": {"degree": "LL.M.", "institution": "ҚазҰУ", "year": 2008}}),
        json!({"incentive": {"kind": "medal", "act_ref": "12 бұйрық", "awarded_on": "2025-12-05"}}),
        json!({"complaint": {"received_on": "2026-06-15", "channel": "e_otinish", "subject": "Акт кеш берілді", "outcome": "founded"}}),
        json!({"ethics_finding": {"commission": "Алматы", "article": "7-бап", "decided_on": "2025-11-20", "outcome": "violation"}}),
        json!({"suspension": {"starts_on": "2024-05-06", "ends_on": "2024-09-01", "reason": "secondment", "act_ref": null}}),
    ];
    contents.extend([
        training(977),
        penalty("7 шешім", "none"),
        penalty("8 шешім", "pending"),
        penalty("9 шешім", "quashed"),
    ]);
    for content in contents {
        secretary.post(&format!("{records}/records"), told(content, json!({}))).await.expect(201);
    }
    let own = judge.client(app).await;
    let disputed = json!({"education": {"degree": "Даулы дәреже", "institution": "ҚазҰУ", "year": 2010}});
    let record = secretary.post(&format!("{records}/records"), told(disputed, json!({}))).await.expect(201).id();
    let claim = json!({"record_type": "record", "record_id": record, "claim": "Олай емес."});
    own.post(&format!("{records}/correction-requests"), claim).await.expect(201);
    let said = json!({"content": {"judge_statement": {"text": "Екі сотта қызмет атқардым."}}});
    own.post("/v1/me/records", said).await.expect(201);
    judge
}

/// Every member of a value with what is in it, by its place.
fn members(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, inner)| members(inner, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().for_each(|inner| members(inner, &format!("{at}/*"), found)),
        other => found.push((at.to_owned(), other.clone())),
    }
}

#[tokio::test]
async fn an_extract_holds_final_facts_of_its_purpose_and_no_mark_figure_or_count() {
    let app = App::start().await;
    let judge = judge_with_everything(&app).await;
    let own = judge.client(&app).await;
    for purpose in ExtractPurpose::ALL {
        let id = issue(&app, &judge, json!({"purpose": purpose})).await;
        let answer = own.get(&path(&id)).await.expect(200);
        let facts = &answer.body["facts"];
        let mut found = Vec::new();
        members(facts, "", &mut found);
        for (place, value) in &found {
            let is_allowed = !value.is_number() || ["/v", "/education/*/year"].contains(&place.as_str());
            assert!(is_allowed && !value.is_boolean(), "{purpose}: {place} is {value}");
        }
        let sections: BTreeSet<&str> = ["education", "training", "incentives", "discipline", "ethics_findings"]
            .into_iter()
            .filter(|section| !facts[*section].as_array().unwrap().is_empty())
            .collect();
        let expected: &[&str] = match purpose {
            ExtractPurpose::Competition => &["discipline", "education", "incentives", "training"],
            ExtractPurpose::Promotion => &["discipline", "incentives", "training"],
            ExtractPurpose::Chair => &["discipline", "ethics_findings"],
            ExtractPurpose::Reserve | ExtractPurpose::AgeLimit => &[],
        };
        assert_eq!(sections, expected.iter().copied().collect(), "{purpose}");
        assert_eq!(facts["posts"].as_array().unwrap().len(), 1, "{purpose}");
        let text = facts.to_string();
        // Numbers were looked for above; here a complaint, a suspension, an act, what is disputed, under appeal or quashed, own words.
        for absent in ["Акт кеш берілді", "secondment", "amended", "Даулы дәреже", "8 шешім", "9 шешім", "Екі сотта"]
        {
            assert!(!text.contains(absent), "{purpose}: {absent} in {text}");
        }
        let printed = Printed::new(&own.get(&format!("{}/pdf", path(&id))).await.expect(200).bytes).text();
        for absent in ["Акт кеш берілді", "Даулы дәреже", "8 шешім", "9 шешім", "Екі сотта"]
        {
            assert!(!printed.contains(absent), "{purpose}: {absent} in {printed}");
        }
    }
}

#[tokio::test]
async fn an_extract_is_proved_by_its_digest_and_signature_alone() {
    let app = App::start().await;
    let judge = judge_with_everything(&app).await;
    let id = issue(&app, &judge, json!({})).await;

    let answer = judge.client(&app).await.get(&path(&id)).await.expect(200);
    let keys = app.anonymous().get("/v1/public/extract-keys").await.expect(200).body;

    let facts = raw_facts(&answer.text);
    let digest = Sha256::digest(facts.as_bytes()).to_vec();
    assert_eq!(digest, bytes(&answer.body["digest"]));
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["key_id"] == answer.body["key_id"]).unwrap();
    let public: [u8; 32] = bytes(&key["public_key"]).try_into().unwrap();
    let signature: [u8; 64] = bytes(&answer.body["signature"]).try_into().unwrap();
    let signed = [b"EJF-EXTRACT-v1\0".as_slice(), &digest].concat();
    let public = VerifyingKey::from_bytes(&public).unwrap();
    public.verify_strict(&signed, &Signature::from_bytes(&signature)).unwrap();
    // Canonical: sorted members, no blanks, so that anybody who parses the facts can write them again.
    let mut names: Vec<&str> = Vec::new();
    let object = answer.body["facts"].as_object().unwrap();
    names.extend(object.keys().map(String::as_str));
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(answer.body["facts"].to_string(), facts);
    assert_eq!(object["extract_id"], json!(id));
}

#[tokio::test]
async fn an_extract_stays_as_it_was_signed_whatever_the_file_says_by_now() {
    let app = App::start().await;
    let judge = judge_with_everything(&app).await;
    let id = issue(&app, &judge, json!({})).await;
    let secretary = app.secretary().await;
    let before = secretary.get_for("personnel", &path(&id)).await.expect(200);
    let more = told(json!({"education": {"degree": "PhD", "institution": "ҚазҰУ", "year": 2015}}), json!({}));
    secretary.post(&format!("/v1/judges/{}/records", judge.id), more).await.expect(201);

    assert_eq!(secretary.get_for("personnel", &path(&id)).await.expect(200).bytes, before.bytes);
    let newer = issue(&app, &judge, json!({})).await;
    assert!(secretary.get_for("personnel", &path(&newer)).await.expect(200).text.contains("PhD"));
}

/// Where a check is asked for.
fn check_path(extract: &Value) -> String {
    let part = |name: &str| extract[name].as_str().unwrap();
    let (key, digest, signature) = (part("key_id"), part("digest"), part("signature"));
    format!("/v1/public/extract-checks?key_id={key}&digest={digest}&signature={signature}")
}

async fn check(app: &App, extract: &Value) -> Value {
    app.anonymous().get(&check_path(extract)).await.expect(200).body
}

#[tokio::test]
async fn an_extract_is_served_through_its_last_day_and_then_gone() {
    let app = App::start().await;
    let judge = app.judge().await;
    let machine = Reader::new(&app, "hr").await;
    let id = issue(&app, &judge, json!({"expires_on": "2027-01-13", "recipient_client_id": machine.id})).await;
    let extract = machine.client(&app).await.get(&path(&id)).await.expect(200).body;
    assert_eq!(check(&app, &extract).await, json!({"outcome": "valid", "expires_on": "2027-01-13"}));

    // Five minutes before midnight in Almaty, and five after it.
    app.clock.advance(chrono::TimeDelta::minutes(3 * 24 * 60 - 9 * 60 - 5));
    machine.client(&app).await.get(&path(&id)).await.expect(200);
    app.clock.advance(chrono::TimeDelta::minutes(10));

    let machine = machine.client(&app).await;
    for path in [path(&id), format!("{}/pdf", path(&id))] {
        let gone = machine.with_header("Accept-Language", "en").get(&path).await.expect_problem(410, "extract_expired");
        assert!(gone.body["detail"].as_str().unwrap().contains("2027-01-13"), "{}", gone.text);
        app.secretary().await.get_for("personnel", &path).await.expect_problem(410, "extract_expired");
        judge.client(&app).await.get(&path).await.expect_problem(410, "extract_expired");
    }
    assert_eq!(check(&app, &extract).await, json!({"outcome": "expired", "expires_on": "2027-01-13"}));
    let listed = judge.client(&app).await.get(&format!("/v1/judges/{}/extracts", judge.id)).await.expect(200).body;
    assert_eq!(listed["items"][0]["state"], "expired");
}

#[tokio::test]
async fn a_revoked_extract_is_handed_to_nobody_and_says_why() {
    let app = App::start().await;
    let judge = app.judge().await;
    let id = issue(&app, &judge, json!({})).await;
    let secretary = app.secretary().await;
    let extract = secretary.get_for("personnel", &path(&id)).await.expect(200).body;
    let revocation = format!("{}/revocation", path(&id));
    let why = json!({"reason": "record_corrected", "explanation": "Лауазым күні түзетілді."});
    judge.client(&app).await.post(&revocation, why.clone()).await.expect_problem(403, "forbidden");

    let revoked = secretary.post(&revocation, why.clone()).await.expect(200).body;

    assert_eq!((&revoked["state"], &revoked["revocation"]), (&json!("revoked"), &json!("record_corrected")));
    for (language, word) in [("kk", "жазба түзетілді"), ("ru", "запись исправлена"), ("en", "a record was corrected")]
    {
        let asked = secretary.with_header("Accept-Language", language).get_for("personnel", &path(&id)).await;
        let gone = asked.expect_problem(410, "extract_revoked");
        assert!(gone.body["detail"].as_str().unwrap().contains(word), "{}", gone.text);
        assert!(!gone.text.contains("Лауазым күні"), "the explanation is for the list: {}", gone.text);
    }
    secretary.post(&revocation, why).await.expect_problem(409, "wrong_phase");
    assert_eq!(check(&app, &extract).await["outcome"], "revoked");
    let listed = judge.client(&app).await.get(&format!("/v1/judges/{}/extracts", judge.id)).await.expect(200).body;
    assert_eq!(listed["items"][0]["explanation"], "Лауазым күні түзетілді.");
    let unknown = format!("/v1/extracts/{}/revocation", ids::random());
    let why = json!({"reason": "issued_in_error", "explanation": "Қате."});
    secretary.post(&unknown, why).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn only_the_system_that_it_was_issued_to_fetches_an_extract() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let hr = Reader::new(&app, "hr").await;
    let machine = hr.client(&app).await;
    let stranger = Reader::new(&app, "academy").await.client(&app).await;
    let writer = app.machine("toerelik", &[Scope::FileWrite]).await;
    let id = issue(&app, &judge, json!({"recipient_client_id": hr.id})).await;
    let by_hand = issue(&app, &judge, json!({})).await;

    machine.get(&path(&id)).await.expect(200);
    machine.get(&path(&by_hand)).await.expect_problem(404, "not_found");
    stranger.get(&path(&id)).await.expect_problem(404, "not_found");
    writer.get(&path(&id)).await.expect_problem(403, "forbidden");
    other.client(&app).await.get(&path(&id)).await.expect_problem(404, "not_found");
    let absent = path(&ids::random().to_string());
    let (hidden, none) = (stranger.get(&path(&id)).await, stranger.get(&absent).await);
    let without_id = |text: &str| text.split("\"request_id\"").next().unwrap().to_owned();
    assert_eq!((hidden.status, without_id(&hidden.text)), (none.status, without_id(&none.text)));
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember, StaffRole::Auditor] {
        app.staff(role).await.get(&path(&id)).await.expect_problem(404, "not_found");
    }

    let own = judge.client(&app).await;
    let trail = own.get(&format!("/v1/judges/{}/access-entries", judge.id)).await.expect(200).body;
    let seen: Vec<[Value; 3]> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| ["act", "purpose", "client_name"].map(|name| entry[name].clone()))
        .collect();
    let entry = |act: &str, client: Value| [json!(act), json!("competition"), client];
    let none = Value::Null;
    let expected = [
        entry("create_extract", none.clone()),
        entry("create_extract", none),
        entry("get_extract", json!("The system hr")),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn whoever_reads_an_extract_names_the_purpose_and_the_judge_is_told_it() {
    let app = App::start().await;
    let judge = app.judge().await;
    let hr = Reader::new(&app, "hr").await;
    let id = issue(&app, &judge, json!({"recipient_client_id": hr.id})).await;
    let secretary = app.secretary().await;
    let list = format!("/v1/judges/{}/extracts", judge.id);
    let paths = [path(&id), format!("{}/pdf", path(&id)), list.clone()];
    for path in &paths {
        secretary.get(path).await.expect_problem(400, "malformed");
        secretary.get_for("own_file", path).await.expect_problem(403, "forbidden");
        secretary.get_for("correction", path).await.expect(200);
        let own = judge.client(&app).await;
        own.get(path).await.expect(200);
        own.get_for("personnel", path).await.expect_problem(403, "forbidden");
    }
    let machine = hr.client(&app).await;
    machine.get_for("personnel", &path(&id)).await.expect_problem(403, "forbidden");
    app.staff(StaffRole::Member).await.get_for("evaluation", &list).await.expect_problem(403, "forbidden");

    let trail = judge.client(&app).await.get(&format!("/v1/judges/{}/access-entries", judge.id)).await.expect(200);

    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = trail.body["items"].as_array().unwrap().iter().rev();
    let told: Vec<_> = entries.map(|entry| (word(entry, "act"), word(entry, "purpose"))).collect();
    let expected = [
        ("create_extract", "competition"),
        ("get_extract", "correction"),
        ("get_extract_pdf", "correction"),
        ("list_extracts", "correction"),
    ];
    assert_eq!(told, expected.map(|(act, purpose)| (act.to_owned(), purpose.to_owned())));
}

#[tokio::test]
async fn the_public_check_tells_nothing_to_whoever_holds_no_signature() {
    let app = App::start().await;
    let judge = app.judge().await;
    let secretary = app.secretary().await;
    let real = secretary.get_for("personnel", &path(&issue(&app, &judge, json!({})).await)).await.expect(200).body;
    let other = secretary.get_for("personnel", &path(&issue(&app, &judge, json!({})).await)).await.expect(200).body;
    let none = URL_SAFE_NO_PAD.encode(Sha256::digest(b"nothing"));
    let not_genuine = json!({"outcome": "not_genuine", "expires_on": null});

    assert_eq!(check(&app, &real).await["outcome"], "valid");
    let changed = |change: Value| {
        let mut body = real.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    for change in [
        json!({"signature": other["signature"]}),
        json!({"digest": none}),
        json!({"digest": none, "signature": other["signature"]}),
        json!({"key_id": "00000000000000000000000000000000"}),
    ] {
        assert_eq!(check(&app, &changed(change.clone())).await, not_genuine, "{change}");
    }
    let malformed = check_path(&changed(json!({"digest": "short"})));
    app.anonymous().get(&malformed).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_with_a_pointer() {
    let app = App::start().await;
    let judge = app.judge().await;
    let secretary = app.secretary().await;
    let (writer, _) = app.db_add_client("writer", &[Scope::FileWrite]).await;
    let path = format!("/v1/judges/{}/extracts", judge.id);
    for (change, pointer) in [
        (json!({"expires_on": "2027-01-11"}), "/expires_on"),
        (json!({"expires_on": "2028-02-01"}), "/expires_on"),
        (json!({"recipient": " "}), "/recipient"),
        (json!({"recipient_client_id": writer}), "/recipient_client_id"),
        (json!({"recipient_client_id": ids::random()}), "/recipient_client_id"),
    ] {
        let refused = secretary.post(&path, order(change.clone())).await.expect_problem(422, "invalid");
        assert_eq!(refused.faults()[0].0, pointer, "{change}");
    }
    secretary.post(&path, order(json!({"purpose": "discipline"}))).await.expect_problem(400, "malformed");
    let nobody = format!("/v1/judges/{}/extracts", ids::random());
    secretary.post(&nobody, order(json!({}))).await.expect_problem(404, "not_found");
    assert_eq!(secretary.get_for("personnel", &path).await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn a_printed_extract_says_what_was_signed_and_how_it_is_checked() {
    let app = App::start().await;
    let judge = judge_with_everything(&app).await;
    let id = issue(&app, &judge, json!({})).await;
    let own = judge.client(&app).await;
    let extract = own.get(&path(&id)).await.expect(200).body;
    for language in Language::ALL {
        let reader = own.with_header("Accept-Language", language.as_tag());
        let answer = reader.get(&format!("{}/pdf", path(&id))).await.expect(200);
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"extract.pdf\"");
        let printed = Printed::new(&answer.bytes);
        printed.check();
        let text = printed.text();
        let facts = &extract["facts"];
        for part in [
            &facts["judge"]["full_name_kk"],
            &facts["recipient"],
            &json!("7 шешім"),
            &json!("LL.M."),
            &json!("/v1/public/extract-keys"),
        ] {
            assert!(text.contains(part.as_str().unwrap()), "{part} in {text}");
        }
        // Long values are broken into lines.
        let joined = text.replace(' ', "");
        for part in [&extract["digest"], &extract["signature"], &extract["key_id"]] {
            assert!(joined.contains(part.as_str().unwrap()), "{part} in {text}");
        }
    }
}
