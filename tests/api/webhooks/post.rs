//! A service with an endpoint of another system, and how a test follows what becomes of its deliveries.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::events::EventFilter;
use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::events::{System, extract_for};
use crate::harness::{App, Client, Judge};

/// A service that may send to the receiver, a system whose endpoint it is, and the endpoint.
pub struct Post {
    pub app: App,
    pub hr: System,
    /// With a token of the beginning.
    pub administrator: Client,
    pub id: String,
    pub secret: String,
}

impl Post {
    pub async fn to(receiver: &Receiver) -> Post {
        Post::of(receiver, &["extract.issued", "extract.revoked"]).await
    }

    pub async fn of(receiver: &Receiver, types: &[&str]) -> Post {
        let origins = receiver.origins();
        let app = App::start_with(|config| config.webhook_origins = origins.clone()).await;
        let hr = System::new(&app, "hr").await;
        let administrator = app.staff(StaffRole::Administrator).await;
        let new = json!({"client_id": hr.id, "url": receiver.url(), "types": types});
        let made = administrator.post("/v1/webhooks", new).await.expect(201);
        let id = made.body["webhook"]["id"].as_str().unwrap().to_owned();
        let secret = made.body["secret"].as_str().unwrap().to_owned();
        Post { app, hr, administrator, id, secret }
    }

    pub async fn judge(&self) -> Judge {
        self.app.judge_at(&self.app.court("Алмалы аудандық соты").await).await
    }

    pub async fn issue(&self, judge: &Judge) -> String {
        extract_for(&self.app, judge, Some(&self.hr)).await
    }

    /// The deliveries, in the order of their events: those that were spread at once stand in no other.
    pub async fn deliveries(&self) -> Vec<Value> {
        let path = format!("/v1/webhook-deliveries?webhook_id={}&limit=100", self.id);
        let page = self.app.secretary().await.get(&path).await.expect(200);
        let mut found = page.body["items"].as_array().unwrap().clone();
        let all = EventFilter { client_id: None, kind: None };
        let events = self.app.registry().0.read(move |conn| store::events::list(conn, all, 0, 100)).await.unwrap();
        let events: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();
        found.sort_by_key(|one| events.iter().position(|id| one["event_id"] == id.as_str()));
        found
    }

    /// The deliveries, once they are as is waited for.
    pub async fn once(&self, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let asking = async {
            loop {
                let found = self.deliveries().await;
                if is_so(&found) {
                    return found;
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), asking).await {
            Ok(found) => found,
            Err(_) => panic!("it does not come to that: {:#?}", self.deliveries().await),
        }
    }

    /// The deliveries, once all were taken and they are so many.
    pub async fn once_delivered(&self, count: usize) -> Vec<Value> {
        let is_done = |one: &Value| one["state"] == "delivered";
        self.once(|found| found.len() == count && found.iter().all(is_done)).await
    }

    /// Moves the clock to the next attempt at a delivery.
    pub fn advance_to(&self, delivery: &Value) {
        let next: DateTime<Utc> = delivery["next_attempt_at"].as_str().unwrap().parse().unwrap();
        let now = self.app.clock.now();
        assert!(next > now, "{delivery}");
        self.app.clock.advance(next - now);
    }

    pub async fn set_state(&self, state: &str) {
        let path = format!("/v1/webhooks/{}", self.id);
        let administrator = self.administrator().await;
        let version = administrator.get(&path).await.expect(200).body["version"].as_i64().unwrap();
        administrator.if_match(version).patch(&path, json!({"state": state})).await.expect(200);
    }

    /// With a token of now.
    pub async fn administrator(&self) -> Client {
        self.app.staff(StaffRole::Administrator).await
    }
}
