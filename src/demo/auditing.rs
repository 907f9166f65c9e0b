//! The auditors of the demonstration: each downloads the sealed bundle, recounts it here and states the outcome. A
//! newcomer would let one of them speak for both; then the cycle does not report.

use serde_json::json;

use super::preparation::{Cycle, Staff};
use super::progress::Steps;
use crate::client::recount::{read_archive, recount};
use crate::domain::hex::hex;
use crate::error::{Error, Result};

/// Has two auditors recount, each by what they downloaded themselves.
///
/// # Errors
/// Where a recount is not equal, with its findings.
pub(super) async fn recount_by_two(staff: &Staff, cycle: &Cycle, steps: &mut Steps) -> Result<()> {
    let auditors = [&staff.auditor, &staff.second_auditor];
    let step = steps.begin("recounting", auditors.len());
    for auditor in auditors {
        let archive = auditor.download(&format!("/v1/cycles/{}/bundle", cycle.id)).await?;
        let digest =
            tokio::task::spawn_blocking(move || digest_of_equal(&archive)).await.map_err(Error::internal)??;
        let statement = json!({"result_digest": digest, "outcome": "equal"});
        auditor.post(&format!("/v1/cycles/{}/recounts", cycle.id), statement).await?;
        step.advance();
    }
    steps.end(step);
    Ok(())
}

/// The digest that an auditor signs, where the recount is equal.
fn digest_of_equal(archive: &[u8]) -> Result<String> {
    let files = read_archive(archive).map_err(Error::internal)?;
    let outcome = recount(&files, &[], &|| {});
    match outcome.result_digest {
        Some(digest) if outcome.is_equal() => Ok(hex(&digest.0)),
        _ => {
            let findings: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
            Err(Error::internal(format!("a recount of the demonstration is not equal: {}", findings.join("; "))))
        }
    }
}
