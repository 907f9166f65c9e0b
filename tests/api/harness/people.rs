//! Invented people with verbs: a secretary who keeps files, courts, and judges with names from lists and valid IINs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use ejf::domain::ids::{AccountId, JudgeId};
use ejf::domain::iin::Iin;
use ejf::domain::policy::StaffRole;
use serde_json::json;

use super::{Answer, App, Client};

/// A token is renewed when it is this old by the test's clock; it lives for ten minutes.
const RENEWED_AFTER_MINUTES: i64 = 5;

const SURNAMES: [(&str, &str); 10] = [
    ("Әбдіров", "Абдиров"),
    ("Бекенов", "Бекенов"),
    ("Ғалымов", "Галымов"),
    ("Дүйсенов", "Дуйсенов"),
    ("Ермеков", "Ермеков"),
    ("Жұмабеков", "Жумабеков"),
    ("Қасенов", "Касенов"),
    ("Мұқанов", "Муканов"),
    ("Оспанов", "Оспанов"),
    ("Тілеуов", "Тлеуов"),
];
const FIRST_NAMES: [(&str, &str); 7] = [
    ("Нұрлан", "Нурлан"),
    ("Айбек", "Айбек"),
    ("Ерлан", "Ерлан"),
    ("Қанат", "Канат"),
    ("Марат", "Марат"),
    ("Сәкен", "Сакен"),
    ("Төлеген", "Толеген"),
];

/// Counts invented people, so that no two of a test run have the same IIN or login.
static INVENTED: AtomicU32 = AtomicU32::new(1);

/// A log-in that is made when it is first needed, and again when the clock has moved on.
pub struct LogIn {
    login: String,
    kept: Mutex<Option<(DateTime<Utc>, Client)>>,
}

impl LogIn {
    async fn client(&self, app: &App) -> Client {
        let now = app.clock.now();
        let fresh = self.kept.lock().unwrap().clone().filter(|(since, _)| {
            (TimeDelta::zero()..TimeDelta::minutes(RENEWED_AFTER_MINUTES)).contains(&(now - *since))
        });
        if let Some((_, client)) = fresh {
            return client;
        }
        let client = app.log_in(&self.login).await;
        *self.kept.lock().unwrap() = Some((now, client.clone()));
        client
    }
}

/// A judge with an account.
#[derive(Clone)]
pub struct Judge {
    pub id: JudgeId,
    pub iin: String,
    log_in: Arc<LogIn>,
}

impl Judge {
    /// The name that the judge logs in with.
    pub fn login(&self) -> &str {
        &self.log_in.login
    }

    /// The judge as a caller; logs in when that is needed.
    pub async fn client(&self, app: &App) -> Client {
        self.log_in.client(app).await
    }
}

/// A member of the commission or of its appeal panel who is no judge.
pub struct Member {
    pub account_id: AccountId,
    log_in: LogIn,
}

impl Member {
    /// The member as a caller; logs in when that is needed.
    pub async fn client(&self, app: &App) -> Client {
        self.log_in.client(app).await
    }
}

/// A new number with a right check digit; never a real person's, as none was looked at.
pub fn invented_iin() -> String {
    loop {
        let number = INVENTED.fetch_add(1, Ordering::Relaxed);
        if let Some(iin) = Iin::with_check_digit(&format!("750101{:05}", number % 100_000)) {
            return iin.as_str().to_owned();
        }
    }
}

impl App {
    /// The secretary who keeps the files of this test.
    pub async fn secretary(&self) -> Client {
        let log_in = self
            .secretary
            .get_or_init(|| async {
                let login = format!("secretary-{}", INVENTED.fetch_add(1, Ordering::Relaxed));
                self.db_add_account(&login, Some(StaffRole::Secretary), None).await;
                LogIn { login, kept: Mutex::default() }
            })
            .await;
        log_in.client(self).await
    }

    /// A member of the commission or of its appeal panel, to whom nothing is assigned.
    pub async fn member(&self, role: StaffRole) -> Member {
        self.member_of(role, None).await
    }

    /// The same, who is a judge where one is given.
    pub async fn member_of(&self, role: StaffRole, judge: Option<JudgeId>) -> Member {
        let login = format!("member-{}", INVENTED.fetch_add(1, Ordering::Relaxed));
        let account_id = self.db_add_account(&login, Some(role), judge).await;
        Member { account_id, log_in: LogIn { login, kept: Mutex::default() } }
    }

    /// Asks as the secretary to assign an evaluation.
    pub async fn assign(&self, evaluation_id: &str, account_id: AccountId, is_rapporteur: bool) -> Answer {
        let body = json!({"account_id": account_id, "is_rapporteur": is_rapporteur});
        self.secretary().await.post(&format!("/v1/evaluations/{evaluation_id}/members"), body).await
    }

    /// A district court of Almaty with 20 posts; its id.
    pub async fn court(&self, name: &str) -> String {
        self.court_in("almaty_city", name).await
    }

    /// A district court of a region with 20 posts; its id.
    pub async fn court_in(&self, region: &str, name: &str) -> String {
        let body = json!({"name_kk": name, "name_ru": name, "level": "district", "region": region, "posts": 20});
        self.secretary().await.post("/v1/courts", body).await.expect(201).id()
    }

    /// A judge with an account, without a post; appointed on 2 March 2015.
    pub async fn judge(&self) -> Judge {
        self.judge_appointed("2015-03-02").await
    }

    /// A judge with an account, without a post, appointed on a day.
    pub async fn judge_appointed(&self, on: &str) -> Judge {
        let iin = invented_iin();
        let number = INVENTED.fetch_add(1, Ordering::Relaxed);
        let index = number as usize;
        let (surname, first) = (SURNAMES[index % SURNAMES.len()], FIRST_NAMES[index % FIRST_NAMES.len()]);
        let body = json!({
            "iin": iin,
            "full_name_kk": format!("{} {}", surname.0, first.0),
            "full_name_ru": format!("{} {}", surname.1, first.1),
            "first_appointed_on": on,
        });
        let id = self.secretary().await.post("/v1/judges", body).await.expect(201).id().parse().unwrap();
        let login = format!("judge-{number}");
        self.db_add_account(&login, None, Some(id)).await;
        Judge { id, iin, log_in: Arc::new(LogIn { login, kept: Mutex::default() }) }
    }

    /// Gives the first post of a judge a last day.
    pub async fn end_post(&self, judge: &Judge, ends_on: &str) {
        let path = format!("/v1/judges/{}/positions", judge.id);
        let secretary = self.secretary().await;
        let post =
            secretary.get(&format!("{path}?limit=1&purpose=personnel")).await.expect(200).body["items"][0].clone();
        let body = json!({
            "court_id": post["court_id"], "kind": post["kind"], "starts_on": post["starts_on"], "ends_on": ends_on,
            "ended_reason": "retirement", "source_system": "hr", "as_of": "2027-01-10", "supersedes_id": post["id"],
        });
        secretary.post(&path, body).await.expect(201);
    }

    /// A judge with an account who holds a post at a court since 2 March 2015.
    pub async fn judge_at(&self, court_id: &str) -> Judge {
        self.judge_at_since(court_id, "2015-03-02").await
    }

    /// A judge with an account who holds the first post since a day.
    pub async fn judge_at_since(&self, court_id: &str, since: &str) -> Judge {
        let judge = self.judge_appointed(since).await;
        let body = json!({
            "court_id": court_id,
            "kind": "judge",
            "starts_on": since,
            "source_system": "hr",
            "as_of": "2027-01-10",
        });
        self.secretary().await.post(&format!("/v1/judges/{}/positions", judge.id), body).await.expect(201);
        judge
    }
}
