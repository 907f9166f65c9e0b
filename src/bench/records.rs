//! What the registry is filled with before it is measured, over HTTP: courts' judges with ten years of values in their
//! files. A newcomer would measure on an empty database; a file read is as dear as the file is long.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::load::{Load, Order};
use super::wire::{Extras, Line, request};
use crate::domain::calendar::{Period, days_before};
use crate::domain::iin::Iin;
use crate::domain::indicators::Catalogue;
use crate::error::{Error, Result};

/// Years of values in a file.
const YEARS: usize = 10;
/// Indicators that a file has a value of, each quarter.
const INDICATORS_PER_FILE: usize = 12;
/// Reviewed acts in a file with all sections: fifty a year.
const ACTS_PER_FILE: u32 = 500;
/// Records of each section that staff fill, in a file with all sections.
const RECORDS_PER_SECTION: usize = 52;
/// Connections that fill the files.
const FILLING: usize = 8;
/// The first day in office of every judge.
const APPOINTED_ON: &str = "2010-03-01";

/// Who asks the registry.
pub(super) struct Staff {
    line: Line,
    address: SocketAddr,
    password: Arc<str>,
}

/// One value as it is written: what differs from one to the next.
pub(super) struct ValueOf {
    /// The place of the judge.
    pub judge: usize,
    /// The indicator.
    pub indicator_code: String,
    /// The kind of case.
    pub category: String,
    /// The quarter.
    pub period: Period,
}

/// All values that may be written, each once: no two of one judge, indicator, category and quarter.
pub(super) struct Values {
    indicators: Vec<String>,
    categories: Vec<String>,
    judge_count: usize,
    newest: Period,
}

impl Staff {
    /// Somebody who logs in with the password of all accounts of the measurement.
    pub fn at(address: SocketAddr, password: &Arc<str>) -> Staff {
        Staff { line: Line::to(address), address, password: password.clone() }
    }

    /// The body of a log-in.
    pub fn credentials(&self, login: &str) -> Vec<u8> {
        json!({"login": login, "password": &*self.password}).to_string().into_bytes()
    }

    /// Logs in and returns the token.
    pub async fn token(&mut self, login: &str) -> Result<String> {
        let body = self.credentials(login);
        let log_in = request("POST", "/v1/sessions", Extras { body: &body, ..Extras::default() });
        text(&self.line.ask(&log_in, 201).await?, "access_token")
    }

    /// Makes secretaries with the given log-ins.
    pub async fn engage(&mut self, token: &str, logins: &[String]) -> Result<()> {
        for login in logins {
            let new = json!({"login": login, "password": &*self.password, "staff_role": "secretary"});
            self.post(token, "/v1/accounts", &new).await?;
        }
        Ok(())
    }

    /// Registers judges of one court, with a post each, and returns their ids.
    pub async fn register(&mut self, token: &str, count: usize, today: NaiveDate) -> Result<Vec<String>> {
        let court = json!({
            "name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "level": "district",
            "region": "almaty", "posts": count,
        });
        let court_id = text(&self.post(token, "/v1/courts", &court).await?, "id")?;
        let numbers = (1..).filter_map(|number| Iin::with_check_digit(&format!("001299{number:05}")));
        let mut ids = Vec::with_capacity(count);
        for (iin, number) in numbers.take(count).zip(1..) {
            let judge = json!({
                "iin": iin.as_str(), "full_name_kk": format!("Әлімов Асқар Серікұлы {number}"),
                "full_name_ru": format!("Алимов Аскар Серикович {number}"), "first_appointed_on": APPOINTED_ON,
            });
            let id = text(&self.post(token, "/v1/judges", &judge).await?, "id")?;
            let post = json!({
                "court_id": court_id, "kind": "judge", "starts_on": APPOINTED_ON, "source_system": "bench",
                "as_of": today,
            });
            self.post(token, &format!("/v1/judges/{id}/positions"), &post).await?;
            ids.push(id);
        }
        Ok(ids)
    }

    /// Writes ten years of values into every file; how many a file has then.
    pub async fn fill(&self, token: &str, judges: &[String], today: NaiveDate) -> Result<usize> {
        let values = Values::of(1, today)?;
        let mut quarters = Vec::new();
        let mut quarter = Some(values.newest);
        while let Some(period) = quarter.filter(|_| quarters.len() < YEARS * 4) {
            quarters.push(period);
            quarter = period.previous();
        }
        let mut requests = Vec::new();
        for judge in judges {
            for period in quarters.iter().rev() {
                for indicator_code in values.indicators.iter().take(INDICATORS_PER_FILE) {
                    let (indicator_code, category) = (indicator_code.clone(), "all".to_owned());
                    let value = ValueOf { judge: 0, indicator_code, category, period: *period };
                    requests.push(value.request(token, judge, today));
                }
            }
        }
        let count = requests.len();
        let requests = Arc::new(requests);
        let load = Load { address: self.address, requests, expected: 201, connections: FILLING };
        load.round(count, Order::From(0)).await?;
        Ok(count / judges.len().max(1))
    }

    /// Writes ten years of reviewed acts and of the sections that staff fill into some files; how many a file has of them.
    pub async fn fill_sections(&self, token: &str, judges: &[String], today: NaiveDate) -> Result<usize> {
        let mut requests = Vec::new();
        for judge in judges {
            let add = |path: &str, record: &str, body: &Value| {
                let (key, body) = (format!("{judge}/{record}"), body.to_string());
                let extras = Extras { token: Some(token), key: Some(&key), body: body.as_bytes(), ..Extras::default() };
                request("POST", &format!("/v1/judges/{judge}/{path}"), extras)
            };
            for number in 0..ACTS_PER_FILE {
                let act_date = days_before(today, 7 * number + 60);
                let is_upheld = number % 5 > 0;
                let act = json!({
                    "case_no": format!("7517-00-2/{number}"), "category": "civil", "act_date": act_date,
                    "appealed_on": days_before(today, 7 * number + 50), "instance": "appeal",
                    "outcome": if is_upheld { "upheld" } else { "amended" },
                    "reason_code": (!is_upheld).then_some("evidence_assessment"), "source_system": "bench",
                    "source_record_id": format!("act/{number}"), "as_of": today,
                });
                requests.push(add("acts", &format!("act/{number}"), &act));
            }
            for (section, fields) in sections(today) {
                for number in 0..RECORDS_PER_SECTION {
                    let record = format!("{judge}/{section}/{number}");
                    let entry = json!({
                        "content": {section: &fields}, "source_system": "bench", "source_record_id": record,
                        "as_of": today,
                    });
                    requests.push(add("records", &record, &entry));
                }
            }
        }
        let count = requests.len();
        let load = Load { address: self.address, requests: Arc::new(requests), expected: 201, connections: FILLING };
        load.round(count, Order::From(0)).await?;
        Ok(count / judges.len().max(1))
    }

    async fn post(&mut self, token: &str, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let extras = Extras { token: Some(token), body: body.as_bytes(), ..Extras::default() };
        self.line.ask(&request("POST", path, extras), 201).await
    }
}

impl Values {
    /// The values of so many judges up to the quarter that ended last.
    pub fn of(judge_count: usize, today: NaiveDate) -> Result<Values> {
        let catalogue = Catalogue::standard()?;
        let indicators = catalogue.indicators.iter().map(|indicator| indicator.code.clone()).collect();
        let kinds = ["", "appeal_", "cassation_"];
        let bare = &catalogue.specialisations;
        let categories = kinds.iter().flat_map(|kind| bare.iter().map(move |name| format!("{kind}{name}"))).collect();
        let newest = Period::containing(today).and_then(Period::previous);
        let newest = newest.ok_or_else(|| Error::internal("the clock stands before the first quarters"))?;
        Ok(Values { indicators, categories, judge_count: judge_count.max(1), newest })
    }

    /// The indicators that values are of.
    pub fn indicator_codes(&self) -> &[String] {
        &self.indicators
    }

    /// The value with this number; none where the quarters since 2000 are used up.
    pub fn nth(&self, number: usize) -> Option<ValueOf> {
        let (judge, rest) = (number % self.judge_count, number / self.judge_count);
        let (indicator, rest) = (rest % self.indicators.len(), rest / self.indicators.len());
        let (category, quarters_back) = (rest % self.categories.len(), rest / self.categories.len());
        let mut period = self.newest;
        for _ in 0..quarters_back {
            period = period.previous()?;
        }
        let (indicator_code, category) = (self.indicators.get(indicator)?, self.categories.get(category)?);
        Some(ValueOf { judge, indicator_code: indicator_code.clone(), category: category.clone(), period })
    }
}

impl ValueOf {
    /// The request that writes the value into a judge's file, under a key of its own.
    pub fn request(&self, token: &str, judge_id: &str, today: NaiveDate) -> Vec<u8> {
        let ValueOf { indicator_code, category, period, .. } = self;
        let record = format!("{period}/{indicator_code}/{category}");
        let body = json!({
            "indicator_code": indicator_code, "category": category, "period": period, "numerator": 42,
            "source_system": "bench", "source_record_id": record, "as_of": today,
        })
        .to_string();
        let key = format!("{judge_id}/{record}");
        let extras = Extras { token: Some(token), key: Some(&key), body: body.as_bytes(), ..Extras::default() };
        request("POST", &format!("/v1/judges/{judge_id}/observations"), extras)
    }
}

/// A record of each section that staff fill, all of which may be shown.
fn sections(today: NaiveDate) -> [(&'static str, Value); 10] {
    let day = days_before(today, 30);
    [
        ("education", json!({"degree": "LL.M.", "institution": "Қазақ ұлттық университеті", "year": 2008})),
        ("incentive", json!({"kind": "letter_of_thanks", "act_ref": "Order 12", "awarded_on": day})),
        (
            "training",
            json!({"course": "Сот актілерін уәждеу", "provider": "Academy of Justice", "hours": 40, "starts_on": day,
                "ends_on": day, "result": "passed", "score": 88}),
        ),
        ("teaching", json!({"kind": "lecture", "title": "Дәлелдемелер", "held_on": day, "hours": 6})),
        ("publication", json!({"kind": "article", "title": "О мотивировке", "published_on": day, "reference": null})),
        ("rule_making", json!({"kind": "working_group", "title": "Жоба", "done_on": day, "reference": null})),
        ("suspension", json!({"starts_on": day, "ends_on": day, "reason": "secondment", "act_ref": null})),
        (
            "discipline",
            json!({"decision_ref": "Decision 7", "ground": "Кешіктіру", "penalty": "remark", "decided_on": day,
                "in_force_on": day, "expires_on": null, "appeal": "none"}),
        ),
        (
            "complaint",
            json!({"received_on": day, "channel": "e_otinish", "subject": "Акт кеш берілді", "outcome": "founded"}),
        ),
        (
            "ethics_finding",
            json!({"commission": "Алматы", "article": "Article 7", "decided_on": day, "outcome": "violation"}),
        ),
    ]
}

fn text(answer: &Value, member: &str) -> Result<String> {
    let found = answer.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Error::internal(format!("an answer of the registry lacks {member}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_value_is_written_twice() {
        let values = Values::of(3, "2027-01-11".parse().unwrap()).unwrap();
        let all: Vec<ValueOf> = (0..20_000).map(|number| values.nth(number).unwrap()).collect();
        let distinct: BTreeSet<_> =
            all.iter().map(|value| (value.judge, &value.indicator_code, &value.category, value.period)).collect();
        assert_eq!(distinct.len(), all.len());
    }
}
