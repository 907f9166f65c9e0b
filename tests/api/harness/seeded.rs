//! Cycles that report, with results, written into the database: what comes after the count is tested without the days and the
//! cryptography before it, which other tests go through whole. A newcomer's usual mistake is to seed more: from the report on
//! everything is done over HTTP.

use ejf::domain::cycle::Phase;
use ejf::domain::deciding::DecisionStatus;
use ejf::domain::evaluation::EvaluationState;
use ejf::domain::ids::{self, AccountId, AppealId, CycleId, DecisionId, EvaluationId, HearingId, ReportId};
use ejf::domain::policy::StaffRole;
use ejf::store;
use ejf::store::cycles::CycleMove;
use ejf::store::decisions::{Appeal, Decision};
use ejf::store::proceedings::{Hearing, Report};
use ejf::store::results::{ResultRow, ResultStatus};
use serde_json::{Value, json};

use super::people::{Member, invented_iin};
use super::plans::Plan;
use super::{Answer, App};

/// A result that may ground a decision, whose interval lies so against the standard.
pub fn figures(band: &str) -> Value {
    let (point, lo, hi) = match band {
        "below" => (225, 175, 275),
        "above" => (400, 350, 450),
        _ => (300, 250, 350),
    };
    json!({"status": "ok", "overall": {"n": 12, "point": point, "lo": lo, "hi": hi, "band": band}, "criteria": []})
}

/// The commission and the appeal panel of an evaluation.
pub struct Panel {
    pub evaluation: String,
    /// The rapporteur first; all but the last are judges.
    pub members: Vec<Member>,
    /// All but the last are judges.
    pub appeal: Vec<Member>,
}

impl App {
    /// A member who is a judge out of office, who is in no pool and of no court.
    pub async fn judge_member(&self, role: StaffRole) -> Member {
        let iin = invented_iin();
        let body = json!({"iin": iin, "full_name_kk": "Сейітов Асан", "full_name_ru": "Сеитов Асан",
            "first_appointed_on": "1999-03-02"});
        let judge = self.secretary().await.post("/v1/judges", body).await.expect(201).id().parse().unwrap();
        self.member_of(role, Some(judge)).await
    }

    /// A cycle of ten subjects that reports, each with this result.
    pub async fn reporting_cycle(&self, result: &Value) -> Plan {
        let plan = self.planned_cycle().await;
        self.db_report(&plan, result).await;
        plan
    }

    /// Lets a cycle report, each of its subjects with this result.
    pub async fn db_report(&self, plan: &Plan, result: &Value) {
        let (cycle, text, now) = (plan.cycle_id.parse::<CycleId>().unwrap(), result.to_string(), self.clock.now());
        let status = result["status"].as_str().unwrap().parse::<ResultStatus>().unwrap();
        let account_id = self.member(StaffRole::Secretary).await.account_id;
        self.registry()
            .0
            .write(move |conn| {
                let mut row = store::cycles::find(conn, cycle)?.expect("a cycle");
                let from_phase = row.phase;
                row.phase = Phase::Reporting;
                store::cycles::update(conn, &mut row)?;
                let moved = CycleMove {
                    id: ids::new_at(now).to_string(),
                    cycle_id: cycle,
                    from_phase,
                    to_phase: Phase::Reporting,
                    account_id,
                    second_account_id: None,
                    reason: None,
                    moved_at: now.naive_utc(),
                };
                store::cycles::insert_move(conn, &moved)?;
                store::evaluations::set_state_of_cycle(conn, cycle, EvaluationState::Counted)?;
                let results: Vec<ResultRow> = store::evaluations::of_cycle(conn, cycle)?
                    .into_iter()
                    .map(|one| ResultRow {
                        evaluation_id: one.id,
                        status,
                        document: text.clone(),
                        algorithm_version: "level-profile-1".to_owned(),
                        input_digest: "0".repeat(64),
                    })
                    .collect();
                store::results::put_all(conn, &results)
            })
            .await
            .unwrap();
    }

    /// Makes all evaluations of a cycle final, as if each had been decided.
    pub async fn db_finalise(&self, plan: &Plan) {
        let (cycle, today) = (plan.cycle_id.parse::<CycleId>().unwrap(), self.today());
        self.registry()
            .0
            .write(move |conn| {
                store::evaluations::set_state_of_cycle(conn, cycle, EvaluationState::Final)?;
                for one in store::evaluations::of_cycle(conn, cycle)? {
                    store::evaluations::set_final(conn, one.id, Some(today))?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }

    /// A report, a hearing and a proposal of an evaluation, and an appeal of another one, which have come to none of them, by
    /// the names that paths have for them: things that exist for whoever asks.
    pub async fn db_add_proceedings(
        &self,
        evaluation: &str,
        by: AccountId,
        appealed: &str,
    ) -> [(&'static str, String); 3] {
        let (evaluation_id, now) = (evaluation.parse::<EvaluationId>().unwrap(), self.clock.now());
        let at = now.naive_utc();
        let (report_id, hearing_id) = (ReportId(ids::new_at(now)), HearingId(ids::new_at(now)));
        let (decision_id, appeal_id) = (DecisionId(ids::new_at(now)), AppealId(ids::new_at(now)));
        let content = reasoning(&[]).to_string();
        let report = Report {
            id: report_id,
            evaluation_id,
            number: 1,
            account_id: by,
            content: content.clone(),
            drafted_at: at,
            served_at: None,
        };
        let hearing = Hearing {
            id: hearing_id,
            evaluation_id,
            number: 1,
            report_id,
            held_on: self.today(),
            is_remote: false,
            scheduled_by: by,
            scheduled_at: at,
            is_judge_present: None,
            minutes: None,
            recorded_by: None,
            recorded_at: None,
        };
        let decided = json!({"reasons": null, "reasoning": reasoning(&[]), "relies_on_peer_result": true});
        let decision = Decision {
            id: decision_id,
            evaluation_id,
            number: 1,
            report_id: Some(report_id),
            appeal_id: None,
            appeal_outcome: None,
            outcome: Some("fit".to_owned()),
            content: decided.to_string(),
            status: DecisionStatus::Proposed,
            proposed_by: by,
            proposed_at: at,
            settled_at: None,
            digest: None,
            served_on: None,
            in_force_on: None,
            valid_until: None,
        };
        let appeal = Appeal {
            id: appeal_id,
            evaluation_id: appealed.parse().unwrap(),
            decision_number: 1,
            grounds: "Отырыс туралы хабарланбады.".to_owned(),
            filed_at: at,
            recount_asked_at: None,
            recount_asked_by: None,
            decided_at: None,
        };
        self.registry()
            .0
            .write(move |conn| {
                store::proceedings::insert_report(conn, &report)?;
                store::proceedings::insert_hearing(conn, &hearing)?;
                store::decisions::insert(conn, &decision)?;
                store::decisions::insert_appeal(conn, &appeal)
            })
            .await
            .unwrap();
        [
            ("appeal_id", appeal_id.to_string()),
            ("decision_id", decision_id.to_string()),
            ("hearing_id", hearing_id.to_string()),
        ]
    }

    /// Puts another result in place of an evaluation's.
    pub async fn db_set_result(&self, evaluation: &str, result: &Value) {
        let id = evaluation.parse::<EvaluationId>().unwrap();
        let status = result["status"].as_str().unwrap().parse().unwrap();
        let document = result.to_string();
        let put = move |conn: &mut ejf::db::Conn| {
            let (document, input_digest) = (document.clone(), "0".repeat(64));
            let algorithm_version = "level-profile-1".to_owned();
            let row = ResultRow { evaluation_id: id, status, document, algorithm_version, input_digest };
            store::results::put_all(conn, &[row])
        };
        self.registry().0.write(put).await.unwrap();
    }

    /// Assigns an evaluation to five members, four of them judges, and to five of the appeal panel, alike.
    pub async fn panel(&self, evaluation: &str) -> Panel {
        let mut members = Vec::new();
        let mut appeal = Vec::new();
        for (role, panel) in [(StaffRole::Member, &mut members), (StaffRole::AppealMember, &mut appeal)] {
            for place in 0..5 {
                let member = if place < 4 { self.judge_member(role).await } else { self.member(role).await };
                let is_rapporteur = role == StaffRole::Member && place == 0;
                self.assign(evaluation, member.account_id, is_rapporteur).await.expect(201);
                panel.push(member);
            }
        }
        Panel { evaluation: evaluation.to_owned(), members, appeal }
    }
}

/// Reasons and advice for each criterion of the instrument of a judge.
pub fn reasoning(evidence: &[&str]) -> Value {
    let one = |code: &&str| {
        json!({"code": code, "reasons": "Істегі жазбалар мен бағалар осыны көрсетеді.",
            "advice": "Мерзімдерді тоқсан сайын қарап отыру керек."})
    };
    let criteria: Vec<Value> =
        ["reasoning", "organisation", "communication", "integrity", "collegiality"].iter().map(one).collect();
    json!({"criteria": criteria, "number_use": "Сандар тек бір дәлел ретінде қаралды.", "evidence_ids": evidence})
}

/// A decision of this outcome that relies on the peer result.
pub fn decision(outcome: &str) -> Value {
    json!({"outcome": outcome, "reasoning": reasoning(&[]), "relies_on_peer_result": true})
}

impl Panel {
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/evaluations/{}{rest}", self.evaluation)
    }

    /// The proceedings as a secretary sees them.
    pub async fn proceedings(&self, app: &App) -> Value {
        app.secretary().await.get(&self.path("/proceedings")).await.expect(200).body
    }

    pub async fn state(&self, app: &App) -> String {
        self.proceedings(app).await["state"].as_str().unwrap().to_owned()
    }

    /// The rapporteur drafts, and the secretary serves.
    pub async fn serve_report(&self, app: &App) {
        let rapporteur = self.members[0].client(app).await;
        rapporteur.post(&self.path("/reports"), json!({"reasoning": reasoning(&[])})).await.expect(201);
        app.secretary().await.post(&self.path("/report-service"), json!({})).await.expect(200);
    }

    /// The judge answers, or waives it.
    pub async fn respond(&self, judge: &super::Client, wants_hearing: bool) {
        judge.post(&self.path("/responses"), json!({"wants_hearing": wants_hearing})).await.expect(201);
    }

    /// A hearing today, with all members and the judge.
    pub async fn hear(&self, app: &App) {
        let secretary = app.secretary().await;
        let today = app.today().to_string();
        let new = json!({"held_on": today, "is_remote": true});
        let hearing = secretary.post(&self.path("/hearings"), new).await.expect(201).id();
        let present: Vec<AccountId> = self.members.iter().map(|member| member.account_id).collect();
        let record = json!({"present_ids": present, "is_judge_present": true, "minutes": "Судья түсініктеме берді."});
        secretary.post(&format!("/v1/hearings/{hearing}/record"), record).await.expect(200);
    }

    pub async fn propose(&self, app: &App, decision: Value) -> Answer {
        self.members[0].client(app).await.post(&self.path("/decisions"), decision).await
    }

    /// All of a panel vote for a decision, and the vote ends.
    pub async fn adopt(&self, app: &App, members: &[Member], decision: &str) -> Value {
        for member in members {
            let path = format!("/v1/decisions/{decision}/votes");
            member.client(app).await.post(&path, json!({"vote": "for"})).await.expect(201);
        }
        app.secretary().await.post(&format!("/v1/decisions/{decision}/settle"), json!({})).await.expect(200).body
    }

    pub async fn serve_decision(&self, app: &App) {
        let served = json!({"served_on": app.today()});
        app.secretary().await.post(&self.path("/decision-service"), served).await.expect(200);
    }

    /// From the count to a decision of this outcome that is adopted; heard where that is needed.
    pub async fn conclude(&self, app: &App, judge: &super::Client, decision: Value, is_heard: bool) -> String {
        self.serve_report(app).await;
        self.respond(judge, is_heard).await;
        if is_heard {
            self.hear(app).await;
        }
        let proposed = self.propose(app, decision).await.expect(201).id();
        self.adopt(app, &self.members, &proposed).await;
        proposed
    }

    /// The same to its service.
    pub async fn decide(&self, app: &App, judge: &super::Client, decision: Value, is_heard: bool) {
        self.conclude(app, judge, decision, is_heard).await;
        self.serve_decision(app).await;
    }

    /// The judge appeals; the id of the appeal.
    pub async fn appeal(&self, judge: &super::Client) -> String {
        judge.post(&self.path("/appeals"), json!({"grounds": "Отырыс туралы хабарланбады."})).await.expect(201).id()
    }

    /// The appeal panel decides an appeal.
    pub async fn decide_appeal(&self, app: &App, appeal: &str, decision: Value) {
        let path = format!("/v1/appeals/{appeal}/decisions");
        let proposed = self.appeal[0].client(app).await.post(&path, decision).await.expect(201).id();
        self.adopt(app, &self.appeal, &proposed).await;
    }
}
