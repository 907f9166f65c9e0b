//! The auditors of the demonstration: each downloads the sealed bundle, recounts it here and states the outcome. A
//! newcomer would let one of them speak for both; then the cycle does not report.

use serde_json::json;

use super::collection::Round;
use super::preparation::{Cycle, Staff};
use super::progress::Steps;
use crate::client::recount::{Kept, read_archive, recount};
use crate::credential::manifest::digest_words;
use crate::domain::hex::hex;
use crate::error::{Error, Result};

/// Has two auditors recount, each by what they downloaded themselves, and hold it against what reviewers were shown.
///
/// # Errors
/// Where a recount is not equal, with its findings.
pub(super) async fn recount_by_two(staff: &Staff, cycle: &Cycle, round: &Round, steps: &mut Steps) -> Result<()> {
    let auditors = [&staff.auditor, &staff.second_auditor];
    let step = steps.begin("recounting", auditors.len());
    for auditor in auditors {
        let archive = auditor.download(&format!("/v1/cycles/{}/bundle", cycle.id)).await?;
        let mut kept = Kept {
            manifest_words: Some(digest_words(&round.manifest().digest())),
            checkpoint: Some(round.public("checkpoint").await?),
            ledgers: Vec::new(),
        };
        for issuer in &round.manifest().manifest().issuers {
            kept.ledgers.push(round.public(&format!("ledger/{}", issuer.issuer_id)).await?);
        }
        let digest =
            tokio::task::spawn_blocking(move || digest_of_equal(&archive, &kept)).await.map_err(Error::internal)??;
        let statement = json!({"result_digest": digest, "outcome": "equal"});
        auditor.post(&format!("/v1/cycles/{}/recounts", cycle.id), statement).await?;
        step.advance();
    }
    steps.end(step);
    Ok(())
}

/// The digest that an auditor signs, where the recount is equal.
fn digest_of_equal(archive: &[u8], kept: &Kept) -> Result<String> {
    let files = read_archive(archive).map_err(Error::internal)?;
    let mut outcome = recount(&files, &[], &|| {});
    outcome.hold_against(&files, kept);
    match outcome.result_digest {
        Some(digest) if outcome.is_equal() => Ok(hex(&digest.0)),
        _ => {
            let findings: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
            Err(Error::internal(format!("a recount of the demonstration is not equal: {}", findings.join("; "))))
        }
    }
}
