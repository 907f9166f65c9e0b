//! The end of the demonstration: one evaluation goes on from its result to a decision in force. A newcomer would let the
//! number decide; reasons, the judge's answer and the votes of a commission of whom most are judges do, and the service
//! refuses each step out of its turn.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Value, json};

use super::people::{Judge, People};
use super::preparation::{APPOINTED_ON, Cycle, Registered, Staff};
use super::progress::{Step, Steps};
use super::staff::{Caller, Wire, text};
use super::stage::Stage;
use crate::domain::methodology::Methodology;
use crate::domain::policy::StaffRole;
use crate::domain::scoring::publication::Published;
use crate::error::{Error, Result};

/// What the commission decides. It burdens nobody, so that the judge need not be heard.
const OUTCOME: &str = "fit";
/// The reasons and the advice for each criterion.
const REASONS: &str = "Істегі жазбалар мен әріптестердің бағалары осыны көрсетеді.";
const ADVICE: &str = "Мерзімдерді тоқсан сайын қарап отыру керек.";
/// How the numbers were used.
const NUMBER_USE: &str = "Сандар дәлелдердің бірі ретінде қаралды, ештеңені өздігінен шешпеді.";
/// For how long the extract is good.
const EXTRACT_DAYS: u64 = 90;
/// Report, answer, vote, service, force.
const PARTS: usize = 5;

/// A judge who sits in the commission.
struct Member {
    account_id: String,
    caller: Caller,
}

/// The judges of the commission; its rapporteur is the member of the staff.
pub(super) struct Commission {
    judges: Vec<Member>,
}

/// What became of one evaluation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Decided {
    /// The judge, by the name in this program.
    pub external_id: String,
    /// The outcome, by its code.
    pub outcome: String,
    /// How many voted.
    pub voters: u64,
    /// How many of them for it.
    pub for_count: u64,
    /// How many of them are judges.
    pub judge_count: u64,
    /// The day of service.
    pub served_on: NaiveDate,
    /// The last day to appeal.
    pub appeal_until: NaiveDate,
    /// From which day on it is in force.
    pub in_force_on: NaiveDate,
    /// The last day on which it serves competitions.
    pub valid_until: NaiveDate,
    /// What anybody is told who checks the extract.
    pub extract: String,
}

impl Commission {
    /// Makes the accounts of the commission's judges. They hold no post, so that they are in no pool of reviewers and of
    /// nobody's court.
    pub async fn engage(staff: &Staff, wire: &Wire, people: &People, password: &Arc<str>) -> Result<Commission> {
        let mut judges = Vec::with_capacity(people.commission.len());
        for judge in &people.commission {
            let new = json!({
                "iin": judge.iin.as_str(), "full_name_kk": judge.full_name_kk, "full_name_ru": judge.full_name_ru,
                "first_appointed_on": APPOINTED_ON,
            });
            let judge_id = text(&staff.secretary.post("/v1/judges", new).await?, "id")?.to_owned();
            let login = judge.external_id.to_lowercase();
            let account = json!({
                "login": login, "password": &**password, "judge_id": judge_id, "staff_role": StaffRole::Member,
            });
            let account_id = text(&staff.administrator.post("/v1/accounts", account).await?, "id")?.to_owned();
            judges.push(Member { account_id, caller: Caller::new(wire, login, password) });
        }
        Ok(Commission { judges })
    }

    /// Takes the evaluation of one judge, whose result is published, to a decision in force.
    pub async fn decide(
        &self,
        stage: &Stage,
        staff: &Staff,
        cycle: &Cycle,
        (judge, registered, result): (&Judge, &Registered, &Published),
        steps: &mut Steps,
    ) -> Result<Decided> {
        let step = steps.begin("deciding on one judge", PARTS);
        let judge_id = registered.judge_id(judge)?;
        let evaluations = cycle.evaluations(staff).await?;
        let id = evaluations.get(judge_id).ok_or_else(|| Error::internal("a subject of the demo has no evaluation"))?;
        let path = format!("/v1/evaluations/{id}");
        for member in &self.judges {
            let assigned = json!({"account_id": member.account_id, "is_rapporteur": false});
            staff.secretary.post(&format!("{path}/members"), assigned).await?;
        }
        let subject = registered.caller(judge)?;
        report(staff, subject, &path, &step).await?;
        let settled = self.vote(staff, &path, result).await?;
        step.advance();
        let served_on = stage.clock.now().date_naive();
        staff.secretary.post(&format!("{path}/decision-service"), json!({"served_on": served_on})).await?;
        let appeal_until = appeal_until(staff, &path).await?;
        step.advance();
        stage.move_to(appeal_until.succ_opt().ok_or_else(|| Error::internal("the calendar ends"))?);
        let decision = put_in_force(staff, &path).await?;
        check_told(staff, judge_id, id).await?;
        let extract = extract(stage, staff, subject, judge_id).await?;
        step.advance();
        steps.end(step);
        Ok(Decided {
            external_id: judge.external_id.clone(),
            outcome: text(&decision, "outcome")?.to_owned(),
            voters: votes(&settled, "voters")?,
            for_count: votes(&settled, "for_count")?,
            judge_count: votes(&settled, "judge_count")?,
            served_on,
            appeal_until,
            in_force_on: day(&decision, "in_force_on")?,
            valid_until: day(&decision, "valid_until")?,
            extract,
        })
    }

    /// The rapporteur proposes, all vote for it, and the secretary ends the vote; the decision.
    async fn vote(&self, staff: &Staff, path: &str, result: &Published) -> Result<Value> {
        // Fewer reviews than a decision may rest on are no ground.
        let relies_on_peer_result = matches!(result, Published::Ok { .. });
        let proposal =
            json!({"outcome": OUTCOME, "reasoning": reasoning()?, "relies_on_peer_result": relies_on_peer_result});
        let proposed = staff.member.post(&format!("{path}/decisions"), proposal).await?;
        let decision = format!("/v1/decisions/{}", text(&proposed, "id")?);
        for caller in std::iter::once(&staff.member).chain(self.judges.iter().map(|member| &member.caller)) {
            caller.post(&format!("{decision}/votes"), json!({"vote": "for"})).await?;
        }
        staff.secretary.post(&format!("{decision}/settle"), json!({})).await
    }
}

/// The rapporteur drafts, the secretary serves, and the judge has nothing to say against it.
async fn report(staff: &Staff, subject: &Caller, path: &str, step: &Step) -> Result<()> {
    staff.member.post(&format!("{path}/reports"), json!({"reasoning": reasoning()?})).await?;
    staff.secretary.post(&format!("{path}/report-service"), json!({})).await?;
    step.advance();
    subject.post(&format!("{path}/responses"), json!({"wants_hearing": false})).await?;
    step.advance();
    Ok(())
}

/// The last day to appeal, as the clocks of the evaluation tell it.
async fn appeal_until(staff: &Staff, path: &str) -> Result<NaiveDate> {
    let clocks = staff.secretary.get(&format!("{path}/clocks")).await?;
    let clocks = clocks.get("clocks").and_then(Value::as_array);
    let appeal = clocks.into_iter().flatten().find(|clock| clock.get("kind") == Some(&json!("appeal")));
    day(appeal.unwrap_or(&Value::Null), "due_on")
}

/// Puts the decision in force, as nobody has appealed; the decision then.
async fn put_in_force(staff: &Staff, path: &str) -> Result<Value> {
    let finalised = staff.secretary.post(&format!("{path}/finalise"), json!({})).await;
    let mut proceedings = staff.secretary.get(&format!("{path}/proceedings")).await?;
    // A refusal is none where the service was faster: it looks each minute for decisions whose time to appeal is over.
    if text(&proceedings, "state")? != "final" {
        finalised?;
    }
    let decisions = proceedings.get_mut("decisions").and_then(Value::as_array_mut);
    decisions.and_then(Vec::pop).ok_or_else(|| Error::internal("an evaluation that is final has no decision"))
}

/// Checks that other systems are told of the outcome.
async fn check_told(staff: &Staff, judge_id: &str, evaluation_id: &str) -> Result<()> {
    let events = staff.auditor.get("/v1/events?type=evaluation.finalised").await?;
    let is_of = |event: &Value| {
        text(event, "judge_id").is_ok_and(|id| id == judge_id)
            && text(event, "evaluation_id").is_ok_and(|id| id == evaluation_id)
            && text(event, "outcome_code").is_ok_and(|code| code == OUTCOME)
    };
    match events.get("items").and_then(Value::as_array) {
        Some(events) if events.iter().any(is_of) => Ok(()),
        Some(_) | None => Err(Error::internal("a decision in force is told to no system")),
    }
}

/// Issues an extract, which the judge reads and whoever is handed it checks; what the check says.
async fn extract(stage: &Stage, staff: &Staff, subject: &Caller, judge_id: &str) -> Result<String> {
    let expires_on = stage.clock.now().date_naive().checked_add_days(Days::new(EXTRACT_DAYS));
    let order = json!({"purpose": "reserve", "recipient": "Кадр резерві жөніндегі комиссия", "expires_on": expires_on});
    let issued = staff.secretary.post(&format!("/v1/judges/{judge_id}/extracts"), order).await?;
    let extract = subject.get(&format!("/v1/extracts/{}", text(&issued, "id")?)).await?;
    let outcome = extract.pointer("/facts/evaluation/outcome").and_then(Value::as_str);
    if outcome != Some(OUTCOME) {
        return Err(Error::internal(format!("an extract does not say what was decided: {extract}")));
    }
    let (key_id, digest) = (text(&extract, "key_id")?, text(&extract, "digest")?);
    let signature = text(&extract, "signature")?;
    let check = format!("/v1/public/extract-checks?key_id={key_id}&digest={digest}&signature={signature}");
    Ok(text(&subject.get(&check).await?, "outcome")?.to_owned())
}

/// Reasons and advice for each criterion of the subject's instrument.
fn reasoning() -> Result<Value> {
    let methodology = Methodology::standard()?;
    let instrument = methodology.instrument(super::INSTRUMENT_ID);
    let instrument = instrument.ok_or_else(|| Error::internal("the demo's instrument is missing"))?;
    let criteria: Vec<Value> =
        instrument.criteria.iter().map(|code| json!({"code": code, "reasons": REASONS, "advice": ADVICE})).collect();
    Ok(json!({"criteria": criteria, "number_use": NUMBER_USE}))
}

fn votes(decision: &Value, member: &str) -> Result<u64> {
    let found = decision.get("votes").and_then(|votes| votes.get(member)).and_then(Value::as_u64);
    found.ok_or_else(|| Error::internal(format!("a decision lacks {member}")))
}

fn day(answer: &Value, member: &str) -> Result<NaiveDate> {
    text(answer, member)?.parse().map_err(Error::internal)
}
