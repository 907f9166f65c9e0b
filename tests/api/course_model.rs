//! The own course of evaluations against a small model of it: random acts by all roles, legal and not, ten thousand of them. A
//! newcomer's usual mistake is to repeat the service's rules here; the model knows only states and who has done what, in a page.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use ejf::domain::ids::{AccountId, EvaluationId};
use ejf::domain::policy::StaffRole;
use ejf::store;
use serde_json::{Value, json};

use crate::harness::people::{Judge, Member};
use crate::harness::seeded::{decision, figures, reasoning};
use crate::harness::{App, Client};
use crate::mutations::seeded::Seeded;

const STEPS: usize = 10_000;
/// Members of each panel; all vote, so that a quorum is there or nobody is.
const PANEL: usize = 5;
/// Panels that an evaluation can use up before it is left alone.
const PANELS: usize = 6;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Draft,
    ServeReport,
    Respond,
    AskToBeHeard,
    Arrange,
    Hear,
    Propose,
    ProposeBurden,
    Vote,
    VoteAgainst,
    Settle,
    ServeDecision,
    Appeal,
    Rule(&'static str),
    Finalise,
    ByTwo(&'static str),
    ThreeWeeksPass,
}

const DEEDS: [Deed; 26] = [
    Deed::Draft,
    Deed::Draft,
    Deed::ServeReport,
    Deed::ServeReport,
    Deed::Respond,
    Deed::AskToBeHeard,
    Deed::Arrange,
    Deed::Hear,
    Deed::Hear,
    Deed::Propose,
    Deed::Propose,
    Deed::Propose,
    Deed::ProposeBurden,
    Deed::Vote,
    Deed::VoteAgainst,
    Deed::Settle,
    Deed::Settle,
    Deed::ServeDecision,
    Deed::ServeDecision,
    Deed::Appeal,
    Deed::Rule("upheld"),
    Deed::Rule("remitted"),
    Deed::Rule("new_evaluation_ordered"),
    Deed::Finalise,
    Deed::ByTwo(""),
    Deed::ThreeWeeksPass,
];
const BY_TWO: [&str; 5] = ["suspend", "resume", "reopen", "cancel", "revoke"];

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Rapporteur,
    Member,
    AppealMember,
    Secretary,
    Judge,
    OtherJudge,
}

const WHO: [Who; 6] = [Who::Rapporteur, Who::Member, Who::AppealMember, Who::Secretary, Who::Judge, Who::OtherJudge];

/// What the model knows of one evaluation.
#[derive(Debug, Clone, Default)]
struct Model {
    state: &'static str,
    /// Where it stood before it was suspended.
    resumes: &'static str,
    has_draft: bool,
    is_answered: bool,
    wants_hearing: bool,
    /// Whether the time to answer, or to appeal, is over.
    is_time_over: bool,
    is_arranged: bool,
    is_heard: bool,
    proposal: Option<Proposal>,
    panels_used: usize,
    is_retired: bool,
}

#[derive(Debug, Clone, Default)]
struct Proposal {
    ruling: Option<&'static str>,
    votes_for: usize,
    votes_against: usize,
    has_rapporteur_voted: bool,
}

impl Proposal {
    fn count(&self) -> usize {
        self.votes_for + self.votes_against
    }
}

impl Model {
    /// Whether a deed of somebody is let through now.
    fn allows(&self, who: Who, deed: Deed) -> bool {
        let is_ready = self.is_answered || self.is_time_over;
        let by = |right: Who| who == right;
        match deed {
            Deed::Draft => by(Who::Rapporteur) && matches!(self.state, "counted" | "drafting"),
            Deed::ServeReport => by(Who::Secretary) && self.state == "drafting" && self.has_draft,
            Deed::Respond | Deed::AskToBeHeard => {
                by(Who::Judge) && self.state == "responding" && !self.is_answered && !self.is_time_over
            }
            Deed::Arrange => {
                by(Who::Secretary) && matches!(self.state, "responding" | "hearing") && is_ready && !self.is_heard
            }
            Deed::Hear => by(Who::Secretary) && self.state == "hearing" && self.is_arranged && !self.is_heard,
            Deed::Propose => {
                let is_in_time = match self.state {
                    "responding" => is_ready && !self.wants_hearing,
                    "hearing" => self.is_heard,
                    _ => false,
                };
                by(Who::Rapporteur) && is_in_time && self.proposal.is_none()
            }
            // The interval of every result here lies above the standard.
            Deed::ProposeBurden => false,
            Deed::Vote | Deed::VoteAgainst => self.proposal.as_ref().is_some_and(|proposal| match proposal.ruling {
                Some(_) => self.state == "appealed" && by(Who::AppealMember) && proposal.count() < PANEL,
                None if matches!(self.state, "responding" | "hearing") => match who {
                    Who::Rapporteur => !proposal.has_rapporteur_voted,
                    Who::Member => proposal.count() - usize::from(proposal.has_rapporteur_voted) + 1 < PANEL,
                    Who::AppealMember | Who::Secretary | Who::Judge | Who::OtherJudge => false,
                },
                None => false,
            }),
            Deed::Settle => {
                // Three of the appeal panel decide on an outcome that burdens nobody.
                let quorum = |proposal: &Proposal| if proposal.ruling.is_some() { 3 } else { PANEL };
                let is_quorate = self.proposal.as_ref().is_some_and(|one| one.count() >= quorum(one));
                by(Who::Secretary) && self.state != "suspended" && is_quorate
            }
            Deed::ServeDecision => by(Who::Secretary) && self.state == "decided",
            Deed::Appeal => by(Who::Judge) && self.state == "served" && !self.is_time_over,
            Deed::Rule(_) => by(Who::AppealMember) && self.state == "appealed" && self.proposal.is_none(),
            Deed::Finalise => by(Who::Secretary) && self.state == "served" && self.is_time_over,
            Deed::ByTwo(act) => {
                let is_own_course = !matches!(self.state, "final" | "cancelled");
                by(Who::Secretary)
                    && match act {
                        "suspend" => is_own_course && self.state != "suspended",
                        "resume" => self.state == "suspended",
                        "reopen" => matches!(self.state, "responding" | "hearing" | "decided"),
                        "cancel" => is_own_course,
                        _ => self.state == "final",
                    }
            }
            Deed::ThreeWeeksPass => true,
        }
    }

    /// A draft is to be written anew.
    fn back_to_draft(&mut self) {
        let (panels_used, is_retired) = (self.panels_used, self.is_retired);
        *self = Model { state: "drafting", panels_used, is_retired, ..Model::default() };
    }

    /// What a deed that was let through leads to.
    fn follow(&mut self, who: Who, deed: Deed) {
        match deed {
            Deed::Draft => (self.state, self.has_draft) = ("drafting", true),
            Deed::ServeReport => (self.state, self.has_draft, self.is_time_over) = ("responding", false, false),
            Deed::Respond => self.is_answered = true,
            Deed::AskToBeHeard => (self.is_answered, self.wants_hearing) = (true, true),
            Deed::Arrange => (self.state, self.is_arranged) = ("hearing", true),
            Deed::Hear => self.is_heard = true,
            Deed::Propose => self.proposal = Some(Proposal::default()),
            Deed::Vote | Deed::VoteAgainst => {
                if let Some(proposal) = &mut self.proposal {
                    proposal.has_rapporteur_voted |= who == Who::Rapporteur;
                    if deed == Deed::Vote { proposal.votes_for += 1 } else { proposal.votes_against += 1 }
                }
            }
            Deed::Settle => {
                let Some(proposal) = self.proposal.take() else { return };
                match (proposal.votes_for > proposal.votes_against, proposal.ruling) {
                    (false, _) => {}
                    (true, None) => self.state = "decided",
                    (true, Some("upheld")) => self.state = "final",
                    (true, Some("remitted")) => {
                        self.back_to_draft();
                        self.panels_used += 1;
                    }
                    (true, Some(_)) => self.state = "cancelled",
                }
            }
            Deed::ServeDecision => (self.state, self.is_time_over) = ("served", false),
            Deed::Appeal => self.state = "appealed",
            Deed::Rule(ruling) => self.proposal = Some(Proposal { ruling: Some(ruling), ..Proposal::default() }),
            Deed::Finalise => self.state = "final",
            Deed::ByTwo("suspend") => (self.resumes, self.state) = (self.state, "suspended"),
            Deed::ByTwo("resume") => self.state = self.resumes,
            Deed::ByTwo("reopen") => self.back_to_draft(),
            Deed::ByTwo("cancel") => (self.state, self.proposal) = ("cancelled", None),
            Deed::ByTwo(_) => {
                self.back_to_draft();
                self.panels_used += 1;
            }
            Deed::ProposeBurden | Deed::ThreeWeeksPass => {}
        }
    }

    /// Three weeks are longer than the time to answer and the time to appeal, which stand still during a suspension.
    fn three_weeks_pass(&mut self) {
        if matches!(self.state, "responding" | "hearing" | "served") {
            self.is_time_over = true;
        }
    }
}

/// One evaluation with its people.
struct Played {
    id: String,
    judge: Judge,
    other: Judge,
    /// The hearing that was arranged last, and the open proposal.
    hearing: String,
    proposal: String,
    voted: BTreeSet<AccountId>,
    appeal: String,
    model: Model,
}

struct Play {
    app: App,
    evaluations: Vec<Played>,
    /// Panels of the commission, one after another, and the appeal panel; the same people for all evaluations.
    panels: Vec<Vec<Member>>,
    appeal_panel: Vec<Member>,
    secretaries: [Member; 2],
    seeded: Seeded,
    methodology_id: String,
}

impl Play {
    async fn begin() -> Play {
        let app = App::start().await;
        let mut panels = Vec::new();
        for _ in 0..PANELS {
            panels.push(panel_of(&app, StaffRole::Member).await);
        }
        let appeal_panel = panel_of(&app, StaffRole::AppealMember).await;
        let secretaries = [app.member(StaffRole::Secretary).await, app.member(StaffRole::Secretary).await];
        let seeded = Seeded::of("course");
        let methodology_id = app.published_methodology().await;
        Play { app, evaluations: Vec::new(), panels, appeal_panel, secretaries, seeded, methodology_id }
    }

    /// Ten more evaluations, of a cycle that reports.
    async fn more(&mut self) {
        let app = &self.app;
        let plan = app.cycle_of(self.methodology_id.clone(), 10, 12).await;
        app.db_report(&plan, &figures("above")).await;
        self.evaluations.clear();
        for (at, judge) in plan.subjects.iter().enumerate() {
            let id = plan.evaluation_of(app, judge).await;
            for member in &self.appeal_panel {
                app.assign(&id, member.account_id, false).await.expect(201);
            }
            let (judge, other) = (judge.clone(), plan.subjects[(at + 1) % plan.subjects.len()].clone());
            let (hearing, proposal, appeal) = (String::new(), String::new(), String::new());
            let model = Model { state: "counted", ..Model::default() };
            let voted = BTreeSet::new();
            self.evaluations.push(Played { id, judge, other, hearing, proposal, voted, appeal, model });
        }
        for at in 0..self.evaluations.len() {
            self.seat(at).await;
        }
    }

    /// Assigns the next panel that had no part in an evaluation.
    async fn seat(&mut self, at: usize) {
        let played = &mut self.evaluations[at];
        let Some(panel) = self.panels.get(played.model.panels_used) else {
            played.model.is_retired = true;
            return;
        };
        for (place, member) in panel.iter().enumerate() {
            self.app.assign(&played.id, member.account_id, place == 0).await.expect(201);
        }
    }

    async fn client(&self, at: usize, who: Who) -> (Client, Option<AccountId>) {
        let (app, played) = (&self.app, &self.evaluations[at]);
        let panel = &self.panels[played.model.panels_used];
        // Whoever has not voted yet, as long as there is somebody.
        let next = |panel: &[Member]| panel.iter().position(|one| !played.voted.contains(&one.account_id)).unwrap_or(0);
        let member = match who {
            Who::Rapporteur => &panel[0],
            Who::Member => &panel[1 + next(&panel[1..])],
            Who::AppealMember => &self.appeal_panel[next(&self.appeal_panel)],
            Who::Secretary => &self.secretaries[0],
            Who::Judge => return (played.judge.client(app).await, None),
            Who::OtherJudge => return (played.other.client(app).await, None),
        };
        (member.client(app).await, Some(member.account_id))
    }

    /// The request of a deed, as far as there is a thing to do it to.
    fn request(&self, at: usize, deed: Deed) -> Option<(String, Value)> {
        let played = &self.evaluations[at];
        let of = |rest: &str| format!("/v1/evaluations/{}{rest}", played.id);
        let today = self.app.today().to_string();
        Some(match deed {
            Deed::Draft => (of("/reports"), json!({"reasoning": reasoning(&[])})),
            Deed::ServeReport => (of("/report-service"), json!({})),
            Deed::Respond => (of("/responses"), json!({"wants_hearing": false})),
            Deed::AskToBeHeard => (of("/responses"), json!({"wants_hearing": true})),
            Deed::Arrange => (of("/hearings"), json!({"held_on": today, "is_remote": true})),
            Deed::Hear if played.hearing.is_empty() => return None,
            Deed::Hear => {
                let present: Vec<_> =
                    self.panels[played.model.panels_used].iter().map(|member| member.account_id).collect();
                let record = json!({"present_ids": present, "is_judge_present": true, "minutes": "Тыңдалды."});
                (format!("/v1/hearings/{}/record", played.hearing), record)
            }
            Deed::Propose => (of("/decisions"), decision("fit")),
            Deed::ProposeBurden => (of("/decisions"), decision("unfit_professional")),
            Deed::Vote | Deed::VoteAgainst | Deed::Settle if played.proposal.is_empty() => return None,
            Deed::Vote => (format!("/v1/decisions/{}/votes", played.proposal), json!({"vote": "for"})),
            Deed::VoteAgainst => (format!("/v1/decisions/{}/votes", played.proposal), json!({"vote": "against"})),
            Deed::Settle => (format!("/v1/decisions/{}/settle", played.proposal), json!({})),
            Deed::ServeDecision => (of("/decision-service"), json!({"served_on": today})),
            Deed::Appeal => (of("/appeals"), json!({"grounds": "Отырыс туралы хабарланбады."})),
            Deed::Rule(_) if played.appeal.is_empty() => return None,
            Deed::Rule(outcome) => {
                let ruling = json!({"outcome": outcome, "reasons": "Шағымның уәждері салыстырылды."});
                (format!("/v1/appeals/{}/decisions", played.appeal), ruling)
            }
            Deed::Finalise => (of("/finalise"), json!({})),
            Deed::ByTwo(act) => (of(&format!("/{act}")), json!({"reason": "Модельдің сынағы үшін қажет."})),
            Deed::ThreeWeeksPass => return None,
        })
    }

    /// What the service says of an evaluation: its state and version.
    async fn observed(&self, at: usize) -> (String, i64) {
        let id = self.evaluations[at].id.parse::<EvaluationId>().unwrap();
        let found = self.app.registry().0.read(move |conn| store::evaluations::find(conn, id)).await.unwrap().unwrap();
        (found.state.to_string(), found.version)
    }

    /// One random step; whether it was let through, none where there was nothing to do it to.
    async fn step(&mut self, number: usize) -> Option<bool> {
        let at = usize::try_from(self.seeded.next() % self.evaluations.len() as u64).unwrap();
        let mut deed = *self.seeded.pick(&DEEDS);
        // Two in three are what somebody may do, so that most of the course is walked.
        let is_directed = !self.seeded.next().is_multiple_of(3);
        let may_be_done: Vec<Deed> = DEEDS
            .into_iter()
            .filter(|deed| *deed != Deed::ThreeWeeksPass && *deed != Deed::ByTwo(""))
            .filter(|deed| WHO.into_iter().any(|who| self.evaluations[at].model.allows(who, *deed)))
            .collect();
        if is_directed && !may_be_done.is_empty() {
            deed = *self.seeded.pick(&may_be_done);
        }
        if let Deed::ByTwo(_) = deed {
            // Most of the time nothing is stopped or ended, else little would come to its end.
            deed = Deed::ByTwo(self.seeded.pick::<&'static str>(&BY_TWO));
            let is_rare = matches!(deed, Deed::ByTwo("cancel" | "reopen"));
            if is_rare && !self.seeded.next().is_multiple_of(6) {
                return None;
            }
        }
        if deed == Deed::ThreeWeeksPass {
            if self.seeded.next().is_multiple_of(25) {
                self.pass();
            }
            return None;
        }
        let model = self.evaluations[at].model.clone();
        let mut who = *self.seeded.pick(&WHO);
        if is_directed {
            who = WHO.into_iter().find(|who| model.allows(*who, deed)).unwrap_or(who);
        }
        let (path, body) = self.request(at, deed)?;
        let is_allowed = model.allows(who, deed);
        let before = self.observed(at).await;
        let (client, account) = self.client(at, who).await;
        let client = client.with_key(&format!("step-{number}"));
        let answer = client.post(&path, body).await;
        let told = format!("step {number}: {who:?} {deed:?} of {model:?}: {} {}", answer.status, answer.text);
        assert!(answer.status < 500, "{told}");
        assert_eq!(answer.status < 300, is_allowed, "{told}");
        if !is_allowed {
            assert!(matches!(answer.status, 403 | 404 | 409 | 410), "{told}");
            assert_eq!(self.observed(at).await, before, "what is refused changes nothing: {told}");
            return Some(false);
        }
        let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
        if let Deed::ByTwo(_) = deed {
            self.confirm(&answer.body).await;
        }
        self.note(at, (who, deed), id, account);
        let observed = self.observed(at).await.0;
        assert_eq!(observed, self.evaluations[at].model.state, "{told}");
        if self.evaluations[at].model.panels_used != model.panels_used {
            self.seat(at).await;
        }
        Some(true)
    }

    fn note(&mut self, at: usize, (who, deed): (Who, Deed), id: String, account: Option<AccountId>) {
        let played = &mut self.evaluations[at];
        played.model.follow(who, deed);
        match deed {
            Deed::Arrange => played.hearing = id,
            Deed::Propose | Deed::Rule(_) => {
                played.proposal = id;
                played.voted.clear();
            }
            Deed::Appeal => played.appeal = id,
            Deed::Vote | Deed::VoteAgainst => played.voted.extend(account),
            _ => {}
        }
    }

    async fn confirm(&self, approval: &Value) {
        let path = format!("/v1/approvals/{}/confirm", approval["id"].as_str().unwrap());
        let first = self.secretaries[0].client(&self.app).await;
        let digest = json!({"digest": approval["digest"]});
        first.post(&path, digest.clone()).await.expect_problem(409, "second_person_required");
        self.secretaries[1].client(&self.app).await.post(&path, digest).await.expect(200);
    }

    fn pass(&mut self) {
        let day: NaiveDate = self.app.today() + chrono::Days::new(21);
        self.app.go_to(&day.to_string());
        for played in &mut self.evaluations {
            played.model.three_weeks_pass();
        }
    }

    fn is_played_out(&self) -> bool {
        let ended = |played: &&Played| played.model.is_retired || played.model.state == "cancelled";
        self.evaluations.iter().filter(ended).count() * 2 >= self.evaluations.len()
    }
}

async fn panel_of(app: &App, role: StaffRole) -> Vec<Member> {
    let mut panel = Vec::new();
    for place in 0..PANEL {
        panel.push(if place < 4 { app.judge_member(role).await } else { app.member(role).await });
    }
    panel
}

#[tokio::test]
async fn ten_thousand_random_acts_by_all_roles_go_as_the_model_says() {
    let mut play = Play::begin().await;
    let (mut let_through, mut refused) = (0, 0);
    let mut number = 0;
    while let_through + refused < STEPS {
        if play.evaluations.is_empty() || play.is_played_out() {
            play.more().await;
        }
        play.evaluations.retain(|played| !played.model.is_retired);
        number += 1;
        match play.step(number).await {
            Some(true) => let_through += 1,
            Some(false) => refused += 1,
            None => {}
        }
    }
    assert!(let_through > STEPS / 5 && refused > STEPS / 5, "{let_through} let through, {refused} refused");
}
