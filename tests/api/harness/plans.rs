//! Cycles brought to a phase through HTTP, as staff would: acts of two persons, and days that pass by the clock.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use ejf::domain::methodology::{DEFAULT_JSON, DEVELOPMENTAL_JSON};
use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use super::people::Judge;
use super::{App, Client};

/// A cycle with the people in it.
#[derive(Clone)]
pub struct Plan {
    pub cycle_id: String,
    /// The judges who are evaluated; they also review one another.
    pub subjects: Vec<Judge>,
    /// Judges of other courts of the region who only review.
    pub others: Vec<Judge>,
}

impl App {
    /// The calendar day in Almaty.
    pub fn today(&self) -> NaiveDate {
        (self.clock.now() + chrono::TimeDelta::hours(5)).date_naive()
    }

    /// Moves the clock to noon in Almaty of a day that is not past.
    pub fn go_to(&self, day: &str) {
        let day: NaiveDate = day.parse().unwrap();
        let noon: DateTime<Utc> = day.and_time(NaiveTime::from_hms_opt(7, 0, 0).unwrap()).and_utc();
        let by = noon - self.clock.now();
        assert!(by.num_seconds() >= 0, "{day} is past");
        self.clock.advance(by);
    }

    /// Asks for an act of two persons as one secretary and confirms it as another.
    pub async fn by_two(&self, path: &str, body: Value) {
        let first = self.staff(StaffRole::Secretary).await;
        let key = format!("{path}-{}", self.clock.now().timestamp_millis());
        let approval = first.with_key(&key).post(path, body).await.expect(202).body;
        let second = self.staff(StaffRole::Secretary).await;
        let confirm = format!("/v1/approvals/{}/confirm", approval["id"].as_str().unwrap());
        second.post(&confirm, json!({"digest": approval["digest"]})).await.expect(200);
    }

    /// The default methodology with an age limit, which it leaves open, published.
    pub async fn published_methodology(&self) -> String {
        self.published(methodology()).await
    }

    /// A methodology, published.
    pub async fn published(&self, document: Value) -> String {
        let id = self.secretary().await.post("/v1/methodologies", document).await.expect(201).id();
        self.by_two(&format!("/v1/methodologies/{id}/publish"), json!({"accepts_draft_texts": true})).await;
        id
    }

    /// A cycle in `draft` of ten subjects with twenty more judges, at six courts of one region with five judges each:
    /// too few for reviewers from the own court.
    pub async fn planned_cycle(&self) -> Plan {
        self.planned_cycle_of(10).await
    }

    /// The same of so many subjects of the thirty judges.
    pub async fn planned_cycle_of(&self, subjects: usize) -> Plan {
        let methodology_id = self.published_methodology().await;
        self.cycle_of(methodology_id, subjects, 30).await
    }

    /// The same with two more judges at each court, so that reviewers can be added, under a methodology that provides it:
    /// six to a panel, and six behind them.
    pub async fn supplementable_cycle(&self) -> Plan {
        let mut document: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
        document["supplementary"] = json!({"panel_size": 6, "reserve_size": 6, "issued_min": 6});
        let methodology_id = self.published(document).await;
        self.cycle_of(methodology_id, 10, 42).await
    }

    /// A cycle of ten subjects whose reviewers are given acts to read: two of each category, six at most.
    pub async fn reading_cycle(&self) -> Plan {
        let mut document = methodology();
        document["reading_pack"] = json!({});
        let methodology_id = self.published(document).await;
        self.cycle_of(methodology_id, 10, 30).await
    }

    /// A cycle of so many subjects of so many judges, who are new, under a methodology.
    pub async fn cycle_of(&self, methodology_id: String, subjects: usize, judge_count: usize) -> Plan {
        let mut courts = Vec::new();
        for number in 1..=6 {
            courts.push(self.court(&format!("№ {number} аудандық сот")).await);
        }
        let mut judges = Vec::new();
        for court in courts.iter().cycle().take(judge_count) {
            judges.push(self.judge_at(court).await);
        }
        let others = judges.split_off(subjects);
        let first: NaiveDate = "2027-02-01".parse().unwrap();
        let starts_on = first.max(self.today() + chrono::Days::new(7)).to_string();
        let body = new_cycle(&methodology_id, &starts_on, &judges, "periodic");
        let cycle_id = self.secretary().await.post("/v1/cycles", body).await.expect(201).id();
        Plan { cycle_id, subjects: judges, others }
    }
}

/// The default methodology with an age limit, which it leaves to the law.
pub fn methodology() -> Value {
    let mut document: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
    document["time_limits"]["age_limit_years"] = json!(65);
    document
}

/// The developmental methodology, with an age limit.
pub fn developmental() -> Value {
    let mut document: Value = serde_json::from_str(DEVELOPMENTAL_JSON).unwrap();
    document["time_limits"]["age_limit_years"] = json!(65);
    document
}

/// The request for a cycle of these subjects.
pub fn new_cycle(methodology_id: &str, starts_on: &str, subjects: &[Judge], kind: &str) -> Value {
    let subjects: Vec<Value> = subjects.iter().map(|judge| json!({"judge_id": judge.id, "kind": kind})).collect();
    json!({
        "methodology_id": methodology_id,
        "evaluating_body": "quality_commission",
        "title_kk": "2027 жылғы бағалау",
        "title_ru": "Оценка 2027 года",
        "starts_on": starts_on,
        "subjects": subjects,
    })
}

impl Plan {
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/cycles/{}{rest}", self.cycle_id)
    }

    /// The cycle as a secretary sees it.
    pub async fn cycle(&self, app: &App) -> Value {
        app.secretary().await.get(&self.path("")).await.expect(200).body
    }

    /// One of the cycle's days.
    pub async fn day(&self, app: &App, name: &str) -> String {
        self.cycle(app).await["dates"][name].as_str().unwrap().to_owned()
    }

    /// The request for another cycle of the same subjects and methodology, a week from now.
    pub async fn another(&self, app: &App, kind: &str) -> Value {
        let methodology = self.cycle(app).await["methodology_id"].as_str().unwrap().to_owned();
        let first = app.clock.now().date_naive() + chrono::Days::new(7);
        new_cycle(&methodology, &first.to_string(), &self.subjects, kind)
    }

    /// Passes to the day after one of the cycle's days.
    pub async fn pass(&self, app: &App, name: &str) {
        let day: NaiveDate = self.day(app, name).await.parse().unwrap();
        app.go_to(&day.succ_opt().unwrap().to_string());
    }

    pub async fn open(&self, app: &App) {
        app.by_two(&self.path("/open"), json!({})).await;
    }

    pub async fn move_to(&self, app: &App, phase: &str) {
        app.secretary().await.post(&self.path("/advance"), json!({"to": phase})).await.expect(200);
    }

    /// Opens the cycle and goes on to `pool_review`.
    pub async fn to_pool_review(&self, app: &App) {
        self.open(app).await;
        app.go_to(&self.day(app, "file_review_open").await);
        self.move_to(app, "file_review").await;
        self.pass(app, "file_review_close").await;
        self.move_to(app, "pool_review").await;
    }

    /// Goes on from `pool_review` and draws.
    pub async fn draw(&self, app: &App) {
        self.pass(app, "pool_challenge_close").await;
        app.by_two(&self.path("/draw"), json!({})).await;
    }

    /// The evaluation of a judge.
    pub async fn evaluation_of(&self, app: &App, judge: &Judge) -> String {
        let all = app.secretary().await.get(&self.path("/evaluations?limit=100")).await.expect(200);
        let items = all.body["items"].as_array().unwrap();
        let own = items.iter().find(|item| item["judge_id"] == judge.id.to_string()).expect("an evaluation");
        own["id"].as_str().unwrap().to_owned()
    }
}

/// All items of a list, page by page.
pub async fn all_items(client: &Client, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let first = if path.contains('?') { format!("{path}&limit=100") } else { format!("{path}?limit=100") };
    let mut next = first.clone();
    loop {
        let page = client.get(&next).await.expect(200).body;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return items };
        next = format!("{first}&cursor={cursor}");
    }
}
