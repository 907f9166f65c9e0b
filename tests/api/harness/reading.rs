//! Reading packs brought to their freezing through HTTP, by two secretaries.

use ejf::domain::policy::StaffRole;
use serde_json::{Value, json};

use super::plans::Plan;
use super::{Answer, App, Client};

/// A text in which nobody is named.
pub const CLEAN: &str =
    "Истец А. обратился в суд с иском к ответчику Б. Суд исследовал доводы сторон и удовлетворил иск.";

/// So many acts of some categories, in the window of a cycle that starts on 1 February 2027.
pub fn acts(of: &[(&str, usize)]) -> Value {
    let mut acts = Vec::new();
    for (category, count) in of {
        for number in 1..=*count {
            let day = format!("2026-{:02}-15", number % 12 + 1);
            acts.push(json!({"category": category, "act_date": day, "case_no": format!("{category}-{number}/2026")}));
        }
    }
    json!({"acts": acts})
}

/// What the second person sends for a text that passes.
pub fn passed() -> Value {
    json!({"verdict": "passed", "checklist": checklist(true)})
}

/// A list whose every point is found, or not.
pub fn checklist(is_found: bool) -> Value {
    json!({"parties_removed": is_found, "author_removed": is_found, "case_removed": is_found,
        "facts_generalised": is_found, "is_readable": is_found})
}

impl Client {
    /// Puts a plain text of an act in.
    pub async fn post_text(&self, act_id: &str, text: &str) -> Answer {
        self.post_reading(act_id, "text/plain", "ru", text.as_bytes()).await
    }

    /// Puts a text of an act in under a type and a language.
    pub async fn post_reading(&self, act_id: &str, media_type: &str, language: &str, bytes: &[u8]) -> Answer {
        let client = self.with_header("Content-Language", language);
        client.post_file(&format!("/v1/reading-acts/{act_id}/texts"), media_type, bytes).await
    }
}

impl App {
    /// The evaluations of a cycle.
    pub async fn evaluations(&self, plan: &Plan) -> Vec<String> {
        let all = self.secretary().await.get(&plan.path("/evaluations?limit=100")).await.expect(200).body;
        all["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The reading pack of an evaluation as the secretary sees it.
    pub async fn pack(&self, evaluation: &str) -> Value {
        let path = format!("/v1/evaluations/{evaluation}/reading-pack");
        self.secretary().await.get(&path).await.expect(200).body
    }

    /// The acts of a pack that are in use.
    pub async fn acts_in_use(&self, evaluation: &str) -> Vec<Value> {
        let mut acts = self.pack(evaluation).await["acts"].as_array().unwrap().clone();
        acts.retain(|act| act["state"] != "replaced");
        acts
    }

    /// Gives the list of one subject and draws from it; the pack.
    pub async fn draw_acts(&self, evaluation: &str, of: &[(&str, usize)]) -> Value {
        let secretary = self.secretary().await;
        let listed = secretary.post(&format!("/v1/evaluations/{evaluation}/reading-candidates"), acts(of)).await;
        let count = listed.expect(200).body["candidate_count"].clone();
        let path = format!("/v1/evaluations/{evaluation}/reading-pack/draw");
        let draw = secretary.with_key(evaluation).post(&path, json!({"candidate_count": count})).await;
        draw.expect(200).body
    }

    /// Opens a cycle and draws the acts of every subject: five civil and three criminal ones each.
    pub async fn draw_all_acts(&self, plan: &Plan) {
        plan.open(self).await;
        for evaluation in self.evaluations(plan).await {
            self.draw_acts(&evaluation, &[("civil", 5), ("criminal", 3)]).await;
        }
    }

    /// Goes on to `pool_review`, once acts are drawn.
    pub async fn show_pools(&self, plan: &Plan) {
        self.go_to(&plan.day(self, "file_review_open").await);
        plan.move_to(self, "file_review").await;
        plan.pass(self, "file_review_close").await;
        plan.move_to(self, "pool_review").await;
    }

    /// Goes on to `drawn`, once acts are drawn.
    pub async fn draw_panels(&self, plan: &Plan) {
        self.show_pools(plan).await;
        plan.draw(self).await;
    }

    /// Puts a text of each act in and passes it as another secretary.
    pub async fn prepare_pack(&self, evaluation: &str) {
        let (first, second) = (self.secretary().await, self.staff(StaffRole::Secretary).await);
        for act in self.acts_in_use(evaluation).await {
            let act_id = act["id"].as_str().unwrap();
            // In letters, as an id may look like a number of twelve digits.
            let mark: String = act_id.chars().map(|c| c.to_digit(10).map_or(c, |n| (b'k' + n as u8) as char)).collect();
            let text = format!("{CLEAN} {mark}");
            let text_id = first.post_text(act_id, &text).await.expect(201).id();
            second.post(&format!("/v1/reading-texts/{text_id}/check"), passed()).await.expect(200);
        }
    }

    /// Freezes a pack.
    pub async fn freeze_pack(&self, evaluation: &str, body: Value) -> Answer {
        let path = format!("/v1/evaluations/{evaluation}/reading-pack/freeze");
        self.secretary().await.with_key(&format!("freeze-{evaluation}")).post(&path, body).await
    }

    /// A cycle in `drawn` with the packs of all subjects frozen.
    pub async fn cycle_with_packs(&self) -> Plan {
        let plan = self.reading_cycle().await;
        self.draw_all_acts(&plan).await;
        self.draw_panels(&plan).await;
        for evaluation in self.evaluations(&plan).await {
            self.prepare_pack(&evaluation).await;
            self.freeze_pack(&evaluation, json!({})).await.expect(200);
        }
        plan
    }
}
