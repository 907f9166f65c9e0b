//! Values taken in by the file, beside the same rows put in by hand: as many to a statement, in one transaction, with the
//! same indexes. A newcomer's usual mistake is to time the upload; what counts is when the work has ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::Value;

use super::ROUNDS;
use super::limits::Floor;
use super::load::{Rounds, measure};
use super::records::Values;
use super::report::{Comparison, Limit};
use super::wire::{Extras, Line, request};
use crate::error::{Error, Result};

/// How often the work is looked at: short beside the work, long beside an answer.
const LOOK: Duration = Duration::from_millis(10);

/// What is taken in, where, and by whom.
pub(super) struct Imports<'a> {
    /// The registry.
    pub address: SocketAddr,
    /// A secretary's token.
    pub token: &'a str,
    /// The judges whose values they are.
    pub judges: &'a [String],
    /// All values.
    pub values: &'a Values,
    /// The first of them that nothing else writes.
    pub first: usize,
    /// Rows of a file.
    pub rows: usize,
    /// The day of the state that is told.
    pub today: NaiveDate,
}

impl Imports<'_> {
    /// Files and rows in turn.
    pub async fn compare(&self, floor: &Arc<Floor>) -> Result<Comparison> {
        let (mut own, mut raw) = (Rounds::default(), Rounds::default());
        for round in 0..ROUNDS {
            let first = self.first + round * self.rows;
            let file = Arc::new(self.file(first)?);
            let (address, token, rows) = (self.address, self.token.to_owned(), self.rows);
            let imported = measure(1, rows, |_, _| {
                let (file, token) = (file.clone(), token.clone());
                async move { import(address, &token, &file, rows).await }
            });
            own.push(imported.await?);
            let inserted = measure(1, rows, |_, _| {
                let floor = floor.clone();
                async move { floor.put_values(first, rows).await }
            });
            raw.push(inserted.await?);
        }
        let what = "the same rows by 500 to a statement in one transaction, no file, no check, no HTTP";
        let limits = vec![Limit { what, rounds: raw, per_commit: None }];
        Ok(Comparison { operation: "import, a value", requests: self.rows, service: own, per_commit: None, limits })
    }

    fn file(&self, first: usize) -> Result<Vec<u8>> {
        let mut file =
            "judge_id,indicator_code,category,period,numerator,source_system,source_record_id,as_of\n".to_owned();
        for number in first..first + self.rows {
            let value = self.values.nth(number).ok_or_else(|| Error::internal("the values are used up"))?;
            let judge = self.judges.get(value.judge).map_or("", String::as_str);
            file += &format!(
                "{judge},{},{},{},42,bench,{}/{}/{}/{judge},{}\n",
                value.indicator_code,
                value.category,
                value.period,
                value.period,
                value.indicator_code,
                value.category,
                self.today,
            );
        }
        Ok(file.into_bytes())
    }
}

/// Sends a file and waits for its end; every row must be new.
async fn import(address: SocketAddr, token: &str, file: &[u8], rows: usize) -> Result<()> {
    let mut line = Line::to(address);
    let extras = Extras { token: Some(token), body: file, content_type: Some("text/csv"), ..Extras::default() };
    let sent = line.ask(&request("POST", "/v1/imports?type=observations", extras), 202).await?;
    let id = sent.get("id").and_then(Value::as_str).unwrap_or_default();
    let look = request("GET", &format!("/v1/imports/{id}"), Extras { token: Some(token), ..Extras::default() });
    loop {
        let import = line.ask(&look, 200).await?;
        match import.get("state").and_then(Value::as_str) {
            Some("queued" | "running") => tokio::time::sleep(LOOK).await,
            Some("done") if import.pointer("/rows/new") == Some(&Value::from(rows)) => return Ok(()),
            _ => return Err(Error::internal(format!("an import under measurement ended as {import}"))),
        }
    }
}
