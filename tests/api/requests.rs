//! Requests made out of the document: for each operation the one that a client would copy from its examples, aimed at
//! things that exist. A new operation needs nothing here unless its path names a thing that must exist for the test
//! ([`World::ids`]) or its example alone is no plausible request ([`body`]).

use std::collections::BTreeMap;

use ejf::db::Conn;
use ejf::domain::caller::Scope;
use ejf::domain::events::EventKind;
use ejf::domain::ids::{self, EvaluationId, JudgeId};
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::events::NewEvent;
use ejf::store::webhook_deliveries::Delivery;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::reading::CLEAN;
use crate::harness::{App, Client, PASSWORD};
use crate::retention::kept_for_a_year;

/// One operation of the document.
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub is_public: bool,
    pub item: Value,
}

/// The document as it is served.
pub fn document() -> Value {
    serde_json::to_value(ejf::app::document()).unwrap()
}

/// Every operation of the registry's listener; those of the ballot box, tagged `ballot`, have another listener.
pub fn operations(document: &Value) -> Vec<Operation> {
    let is_ballot = |operation: &Operation| {
        operation.item["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "ballot"))
    };
    all_operations(document).into_iter().filter(|operation| !is_ballot(operation)).collect()
}

/// Every operation of both listeners, in the document's order.
pub fn all_operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, item) in methods.as_object().unwrap() {
            // A path may have parts of its own beside its methods.
            if item.get("responses").is_none() {
                continue;
            }
            operations.push(Operation {
                id: item["operationId"].as_str().expect("an operation id").to_owned(),
                method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                path: path.clone(),
                is_public: item["security"] == json!([{}]),
                item: item.clone(),
            });
        }
    }
    operations
}

/// What a `$ref` leads to; any other value is itself.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#'));
            resolve(document, target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
    }
}

/// The schema of an operation's JSON body.
pub fn body_schema<'a>(document: &'a Value, operation: &'a Operation) -> Option<&'a Value> {
    let body = resolve(document, operation.item.get("requestBody")?);
    body["content"]
        .as_object()?
        .iter()
        .find(|(kind, _)| *kind == "application/json")
        .map(|(_, content)| &content["schema"])
}

/// The example of an operation's JSON body, from the media type or from its schema.
pub fn body_example(document: &Value, operation: &Operation) -> Option<Value> {
    let schema = resolve(document, body_schema(document, operation)?);
    let body = resolve(document, &operation.item["requestBody"]);
    let media = body["content"].as_object()?.values().find_map(|content| content.get("example"));
    let of_schema = schema.get("example").or_else(|| schema["examples"].as_array()?.first());
    Some(media.or(of_schema).unwrap_or_else(|| panic!("{}: the body has no example", operation.id)).clone())
}

/// A request ready to be sent, changed at will before.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
    /// Whether every id in the path is that of a thing that exists.
    pub is_real: bool,
}

/// The people and things that requests are made by and aimed at.
pub struct World {
    pub people: Vec<(&'static str, String)>,
    /// One machine client for each scope.
    pub machines: BTreeMap<&'static str, Client>,
    pub ids: BTreeMap<&'static str, String>,
}

impl World {
    /// One account of each kind, and a cycle in `pool_review`: `judge` is the judge of the paths and its subject, whose
    /// evaluation is assigned to `member`; `other_judge` has no part in it.
    pub async fn create(app: &App) -> World {
        let mut people = Vec::new();
        let mut accounts = BTreeMap::new();
        for role in StaffRole::ALL {
            let login = format!("staff-{}", role.as_str().replace('_', "-"));
            accounts.insert(role.as_str(), app.db_add_account(&login, Some(*role), None).await);
            people.push((role.as_str(), login));
        }
        let plan = app.reading_cycle().await;
        app.draw_all_acts(&plan).await;
        app.show_pools(&plan).await;
        let subject = &plan.subjects[0];
        let outsider = app.judge().await;
        people.push(("judge", subject.login().to_owned()));
        people.push(("other_judge", outsider.login().to_owned()));
        let evaluation_id = plan.evaluation_of(app, subject).await;
        let pool =
            subject.client(app).await.get(&format!("/v1/evaluations/{evaluation_id}/pool-entries?limit=2")).await;
        let entry = |at: usize| pool.body["items"][at]["id"].as_str().unwrap().to_owned();
        let challenge = json!({"pool_entry_id": entry(0), "ground": "We were opposing parties in 2025."});
        let challenges = format!("/v1/evaluations/{evaluation_id}/challenges");
        let challenge_id = subject.client(app).await.post(&challenges, challenge).await.expect(201).id();
        let secretary = app.secretary().await;
        let court_id = secretary.get("/v1/courts?limit=1").await.body["items"][0]["id"].as_str().unwrap().to_owned();
        let approval_id =
            secretary.get("/v1/approvals?limit=1").await.body["items"][0]["id"].as_str().unwrap().to_owned();
        let records = format!("/v1/judges/{}", subject.id);
        let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2024-Q1", "numerator": 7,
            "source_system": "toerelik", "as_of": "2024-04-05"});
        let observation_id = secretary.post(&format!("{records}/observations"), value).await.expect(201).id();
        let review = json!({"case_no": "7517-24-00-2/17", "category": "civil", "act_date": "2024-02-05",
            "appealed_on": "2024-02-20", "instance": "appeal", "outcome": "amended", "reason_code": "other",
            "source_system": "toerelik", "as_of": "2024-06-05"});
        let act_id = secretary.post(&format!("{records}/acts"), review).await.expect(201).id();
        let claim = json!({"record_type": "observation", "record_id": observation_id, "claim": "Олай емес."});
        let asked = subject.client(app).await.post(&format!("{records}/correction-requests"), claim).await;
        let correction_request_id = asked.expect(201).id();
        let degree = json!({"content": {"education": {"degree": "LL.M.", "institution": "KazNU", "year": 2008}},
            "source_system": "hr", "as_of": "2027-01-10"});
        let record_id = secretary.post(&format!("{records}/records"), degree).await.expect(201).id();
        let said = json!({"content": {"judge_statement": {"text": "I sat in two courts."}}});
        let own_record_id = subject.client(app).await.post("/v1/me/records", said).await.expect(201).id();
        let documents = format!("{records}/documents");
        let document = secretary.post_document(&documents, "application/pdf", "order.pdf", b"%PDF-1.7\n").await;
        let document_id = document.expect(201).id();
        let cycle = plan.cycle(app).await;
        let hold = json!({"judge_id": outsider.id, "reason": "A claim is pending.", "legal_basis": "Art. 73"});
        let hold_id = secretary.post("/v1/retention/holds", hold).await.expect(201).id();
        let retention_schedule_id = app.adopted_retention(kept_for_a_year()).await;
        // Requests may close it, so nobody logs in by it.
        let account_id = app.db_add_account("somebody", Some(StaffRole::Member), None).await;
        let members = format!("/v1/evaluations/{evaluation_id}/members");
        for (member, is_rapporteur) in [(accounts["member"], true), (account_id, false)] {
            let body = json!({"account_id": member, "is_rapporteur": is_rapporteur});
            secretary.post(&members, body).await.expect(201);
        }
        let (client_id, _) = app.db_add_client("somebody_else", &[Scope::Scim]).await;
        let mut machines = BTreeMap::new();
        for scope in Scope::ALL {
            machines.insert(scope.as_str(), app.machine(&scope.as_str().replace(':', "_"), &[*scope]).await);
        }
        let administrator = app.log_in("staff-administrator").await;
        let clients = administrator.get("/v1/clients").await.expect(200).body;
        let reader = clients["items"].as_array().unwrap().iter().find(|one| one["source_system"] == "results_read");
        let order = json!({"purpose": "promotion", "recipient": "Конкурстық комиссия", "expires_on": "2027-06-30",
            "recipient_client_id": reader.unwrap()["id"]});
        let extract_id = secretary.post(&format!("{records}/extracts"), order).await.expect(201).id();
        app.db_add_account("somebody-else", Some(StaffRole::Member), None).await;
        let log_in = json!({"login": "somebody-else", "password": PASSWORD});
        let granted = app.anonymous().post("/v1/sessions", log_in).await.expect(201);
        let csv = "name_kk,name_ru,level,region,posts,source_system,source_record_id\nА,А,district,abay,3,hr,1\n";
        let import = secretary.post_file("/v1/imports?type=courts&dry_run=true", "text/csv", csv).await.expect(202);
        app.ended_job(import.header("location")).await;
        let holidays = json!({"year": 2027, "moves_weekend_holidays": true, "source": "Law on holidays", "days": [
            {"date": "2027-12-16", "kind": "public_holiday", "name_kk": "Тәуелсіздік күні", "name_ru": "День независимости"}]});
        secretary.post("/v1/work-calendars", holidays).await.expect(201);
        let leave =
            json!({"starts_on": "2026-08-02", "ends_on": "2026-08-20", "source_system": "hr", "as_of": "2027-01-10"});
        let leave_id = secretary.post(&format!("{records}/leaves"), leave).await.expect(201).id();
        let wish = json!({"kind": "chair", "filed_on": "2027-01-08", "source_system": "hr"});
        let asked = secretary.post(&format!("{records}/evaluation-requests"), wish).await.expect(201);
        let evaluation_request_id = asked.id();
        let year =
            json!({"year": 2027, "evaluating_body": "quality_commission", "methodology_id": cycle["methodology_id"]});
        let evaluation_plan_id = secretary.post("/v1/evaluation-plans", year).await.expect(201).id();
        let entries = secretary.get(&format!("/v1/evaluation-plans/{evaluation_plan_id}/entries?limit=1")).await;
        let plan_entry_id = entries.body["items"][0]["id"].as_str().unwrap().to_owned();
        secretary.post("/v1/statistics", json!({"year": 2025})).await.expect(201);
        let outbox = secretary.get("/v1/notices?limit=100").await.expect(200).body;
        let own = outbox["items"].as_array().unwrap().iter().find(|one| one["judge_id"] == subject.id.to_string());
        let notice_id = own.expect("a notice to the subject")["id"].as_str().unwrap().to_owned();
        let recusal = json!({"account_id": account_id, "ground": "We were opposing parties in 2025."});
        let recusals = format!("/v1/evaluations/{evaluation_id}/recusal-requests");
        let recusal_request_id = subject.client(app).await.post(&recusals, recusal).await.expect(201).id();
        // The appeal is of another judge's evaluation, which is assigned to the appeal member.
        let appealed = plan.evaluation_of(app, &plan.subjects[1]).await;
        app.assign(&appealed, accounts["appeal_member"], false).await.expect(201);
        let proceedings = app.db_add_proceedings(&evaluation_id, accounts["member"], &appealed).await;
        let events_read = clients["items"].as_array().unwrap().iter().find(|one| one["source_system"] == "events_read");
        let endpoint = json!({"client_id": events_read.unwrap()["id"], "url": "https://hr.example.kz/ejf/events",
            "types": ["extract.issued"]});
        let endpoint = administrator.post("/v1/webhooks", endpoint).await.expect(201).body["webhook"].clone();
        let webhook_id = endpoint["id"].as_str().unwrap().to_owned();
        // Nothing is sent meanwhile.
        let (path, paused) = (format!("/v1/webhooks/{webhook_id}"), json!({"state": "paused"}));
        administrator.if_match(1).patch(&path, paused).await.expect(200);
        let (event_id, delivery_id) = told(app, subject.id, evaluation_id.parse().unwrap(), &webhook_id).await;
        let reading_act_id = app.pack(&evaluation_id).await["acts"][0]["id"].as_str().unwrap().to_owned();
        let reading_text_id = secretary.post_text(&reading_act_id, CLEAN).await.expect(201).id();
        let mut ids = BTreeMap::from([
            ("account_id", account_id.to_string()),
            ("act_id", act_id),
            ("approval_id", approval_id),
            ("challenge_id", challenge_id),
            ("client_id", client_id),
            ("correction_request_id", correction_request_id),
            ("court_id", court_id),
            ("cycle_id", plan.cycle_id.clone()),
            ("delivery_id", delivery_id),
            ("document_id", document_id),
            ("evaluation_id", evaluation_id),
            ("evaluation_plan_id", evaluation_plan_id),
            ("evaluation_request_id", evaluation_request_id),
            ("event_id", event_id),
            ("extract_id", extract_id),
            ("hold_id", hold_id),
            ("import_id", import.id()),
            ("judge_id", subject.id.to_string()),
            ("leave_id", leave_id),
            ("methodology_id", cycle["methodology_id"].as_str().unwrap().to_owned()),
            ("notice_id", notice_id),
            ("other_judge_id", outsider.id.to_string()),
            ("own_record_id", own_record_id),
            ("plan_entry_id", plan_entry_id),
            ("pool_entry_id", entry(1)),
            ("reading_act_id", reading_act_id),
            ("reading_text_id", reading_text_id),
            ("record_id", record_id),
            ("retention_schedule_id", retention_schedule_id),
            ("refresh_token", granted.body["refresh_token"].as_str().unwrap().to_owned()),
            ("recusal_request_id", recusal_request_id),
            ("webhook_id", webhook_id),
            ("statistics_year", "2025".to_owned()),
            ("year", "2027".to_owned()),
        ]);
        ids.extend(proceedings);
        World { people, machines, ids }
    }

    /// The request of an operation as its examples have it.
    pub fn request(&self, document: &Value, operation: &Operation) -> Request {
        let (mut path, mut is_real) = (operation.path.clone(), true);
        let mut query = Vec::new();
        let mut headers = Vec::new();
        let parameters = operation.item["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in &parameters {
            let parameter = resolve(document, parameter);
            let name = parameter["name"].as_str().unwrap();
            let is_required = parameter["required"] == true;
            match parameter["in"].as_str().unwrap() {
                "path" => {
                    let known = self.ids.get(name).cloned().or_else(|| example_text(document, parameter));
                    is_real &= self.ids.contains_key(name);
                    let value = known.unwrap_or_else(|| ids::random().to_string());
                    path = path.replace(&format!("{{{name}}}"), &value);
                }
                "header" if name == "Idempotency-Key" => headers.push((name.to_owned(), ids::random().to_string())),
                "header" if name == "If-Match" => headers.push((name.to_owned(), "\"1\"".to_owned())),
                "header" if is_required => {
                    let value = example_text(document, parameter);
                    headers.push((name.to_owned(), value.expect("a required header has an example")));
                }
                "query" if is_required => {
                    let value = example_text(document, parameter);
                    query.push(format!("{name}={}", value.expect("a required parameter has an example")));
                }
                _ => {}
            }
        }
        let body = body_example(document, operation).map(|example| self.body(&operation.id, example));
        Request { method: operation.method.clone(), path, query: query.join("&"), headers, body, is_real }
    }

    /// An example aimed at this world: ids of its fields become those of things that exist.
    fn body(&self, _operation: &str, mut example: Value) -> Value {
        for (name, id) in &self.ids {
            if let Some(field) = example.get_mut(name).filter(|field| field.is_string()) {
                *field = Value::String(id.clone());
            }
        }
        example
    }
}

/// A withdrawal that every system is told, and a test on its way to an endpoint: their ids.
async fn told(app: &App, judge_id: JudgeId, evaluation_id: EvaluationId, webhook_id: &str) -> (String, String) {
    let now = app.clock.now();
    let delivery = Delivery::waiting(webhook_id.parse().unwrap(), None, now);
    let delivery_id = delivery.id.to_string();
    let telling = move |conn: &mut Conn| {
        store::webhook_deliveries::insert(conn, &delivery)?;
        let event = NewEvent::new(EventKind::EvaluationRevoked, judge_id);
        store::events::append(conn, NewEvent { evaluation_id: Some(evaluation_id), ..event }, now)
    };
    let event_id = app.registry().0.write(telling).await.unwrap();
    (event_id.to_string(), delivery_id)
}

impl Request {
    /// Sends it as `client`.
    pub async fn send(&self, client: &Client) -> crate::harness::Answer {
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes());
        let mut client = client.clone();
        for (name, value) in &self.headers {
            client = client.with_header(name, value);
        }
        client.send(self.method.clone(), &self.target(), body).await
    }

    /// The path with its query.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

fn example_text(document: &Value, parameter: &Value) -> Option<String> {
    let schema = resolve(document, &parameter["schema"]);
    let first = schema["enum"].as_array().and_then(|values| values.first());
    let example = parameter.get("example").or_else(|| schema.get("example")).or(first)?;
    Some(example.as_str().map_or_else(|| example.to_string(), str::to_owned))
}
