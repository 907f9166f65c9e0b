//! Phase 1, logged in: all credentials of a round at once, each under the pinned key. Design, sections 4 and 5.
//!
//! What a newcomer would get wrong: asking for one credential only, or asking again under another key. Whoever asks for
//! one subject shows interest in it; so a request covers every assignment not yet issued, is saved before it is sent,
//! and is repeated only in the same bytes. What does not verify is thrown away for good.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::card::{Card, CardCredential, CardSubject, Held, PendingCredential};
use super::failure::{Alarm, Failure, Idle, Result};
use super::generation::{Change, accept};
use super::line::Line;
use super::packs::{self, Packs};
use super::pinned::{Places, check_words, fetch_manifest};
use crate::credential::blind_rsa::{Pending, credential_message};
use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::manifest::Window;
use crate::credential::{jcs, ledger};
use crate::domain::methodology::Methodology;
use crate::error::{Code, Error};

/// The most pages of assignments that are read; a judge has a few dozen assignments.
const PAGES_MAX: usize = 50;

/// Members within one another in a methodology, as its digest is made.
const METHODOLOGY_DEPTH_MAX: usize = 12;

/// How the registry is to know the reviewer; in this phase it does.
pub enum Login<'a> {
    /// By name and password.
    Password {
        /// The account's login.
        login: &'a str,
        /// Its password.
        password: &'a Zeroizing<String>,
    },
    /// By an access token that somebody has already.
    Token(&'a str),
}

/// What a collection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The credentials made and verified just now, counted by assignment.
    pub fresh_count: usize,
    /// The subjects for whom the card can now sign a review.
    pub ready_count: usize,
    /// What a later generation of the manifest has changed since the last collection.
    pub change: Option<Change>,
    /// What the reviewer is given to read; none where the methodology gives nothing.
    pub packs: Option<Packs>,
}

#[derive(Serialize)]
struct LoginBody<'a> {
    login: &'a str,
    password: &'a str,
}

/// The member that matters; a server may send more.
#[derive(Deserialize)]
struct Tokens {
    access_token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct AssignmentPage {
    items: Vec<Assignment>,
    next_cursor: Option<String>,
}

/// One subject that the registry asks the reviewer to review.
#[derive(Deserialize)]
pub struct Assignment {
    id: Uuid,
    cycle_id: Uuid,
    cycle_ref: Option<Ref>,
    round: Option<u32>,
    /// The box's name of the subject; none before the manifest is frozen.
    pub subject_ref: Option<Ref>,
    subject: AssignmentSubject,
    /// Where it stands: `drawn`, `issued`, `recused`.
    pub state: String,
}

#[derive(Deserialize)]
struct AssignmentSubject {
    full_name_kk: String,
    full_name_ru: String,
}

/// The members that matter of a cycle and of a methodology.
#[derive(Deserialize)]
struct CycleAnswer {
    methodology_id: Uuid,
}

#[derive(Deserialize)]
struct MethodologyAnswer {
    document: Methodology,
}

impl Assignment {
    /// The subject's name, in both languages where they differ.
    pub fn subject_name(&self) -> String {
        let AssignmentSubject { full_name_kk, full_name_ru } = &self.subject;
        if full_name_kk == full_name_ru { full_name_kk.clone() } else { format!("{full_name_kk} / {full_name_ru}") }
    }
}

#[derive(Serialize)]
struct CredentialRequest<'a> {
    manifest_digest: Digest,
    requests: Vec<BlindRequest<'a>>,
}

#[derive(Serialize)]
struct BlindRequest<'a> {
    assignment_id: Uuid,
    issuer_id: &'a str,
    key_id: Digest,
    blinded_msg: &'a Blob,
}

#[derive(Deserialize)]
struct CredentialAnswer {
    results: Vec<BlindResult>,
}

#[derive(Deserialize)]
struct BlindResult {
    assignment_id: Uuid,
    issuer_id: String,
    blind_sig: Blob,
}

/// Collects every credential not yet issued, for the round whose manifest has this printed digest.
///
/// Where the methodology gives reviewers acts to read, they come with it. Run again after a cut it sends the same blinded
/// messages. On an alarm nothing was sent, except for those that the
/// answer itself raises; then what verified is in the card and the rest is thrown away.
pub async fn collect(
    places: &Places,
    login: &Login<'_>,
    words: &str,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<Collected> {
    let registry = Line::to(&places.registry)?;
    let token = access_token(&registry, login).await?;
    let assignments = fetch_assignments(&registry, &token).await?;
    let manifest = pin(places, &assignments, words, held.card()).await?;
    let methodology = match held.card().and_then(|card| card.methodology.clone()) {
        Some(known) => known,
        None => fetch_methodology(&registry, &token, &manifest, &assignments).await?,
    };
    let (has_packs, cycle_id) = (methodology.reading_pack.is_some(), cycle_of(&manifest, &assignments)?);
    let collected = collect_assigned(&registry, &token, &manifest, assignments, held, now).await;
    // Also beside an alarm, for other subjects may be ready; and on every day of a login, whatever came of it.
    if let Some(card) = held.card_mut().filter(|card| !card.credentials.is_empty()) {
        card.methodology = Some(methodology);
        card.collected_on = Some(manifest.manifest().date_at(now));
        held.save()?;
    }
    let mut collected = collected?;
    if let (true, Some(card)) = (has_packs, held.card()) {
        collected.packs = Some(packs::fetch(places, &registry, &token, &manifest, cycle_id, card).await?);
    }
    Ok(collected)
}

/// The registry's name of the manifest's cycle.
fn cycle_of(manifest: &Frozen, assignments: &[Assignment]) -> Result<Uuid> {
    let text = manifest.manifest();
    let is_here = |one: &&Assignment| (one.cycle_ref, one.round) == (Some(text.cycle_ref), Some(text.round));
    Ok(assignments.iter().find(is_here).ok_or(Idle::NoAssignments)?.cycle_id)
}

/// The reviewer's assignments as the registry has them; it answers until submission opens.
pub async fn list_assignments(registry: &str, login: &Login<'_>) -> Result<Vec<Assignment>> {
    let registry = Line::to(registry)?;
    let token = access_token(&registry, login).await?;
    fetch_assignments(&registry, &token).await
}

/// The words of the forms, whose digest stands in the manifest: nobody is shown a form of their own.
async fn fetch_methodology(
    registry: &Line,
    token: &str,
    manifest: &Frozen,
    assignments: &[Assignment],
) -> Result<Box<Methodology>> {
    let cycle_id = cycle_of(manifest, assignments)?;
    let cycle: CycleAnswer = registry.get_as(&format!("/v1/cycles/{cycle_id}"), token).await?;
    let path = format!("/v1/methodologies/{}", cycle.methodology_id);
    let MethodologyAnswer { document } = registry.get_as(&path, token).await?;
    let bytes = jcs::canonical_to_depth(&document, METHODOLOGY_DEPTH_MAX)?;
    if sha256(&[&bytes]) != manifest.manifest().methodology_digest {
        return Err(Alarm::MethodologyDiffers.into());
    }
    Ok(Box::new(document))
}

/// The same for a caller that has already pinned the manifest, such as one who plays many reviewers.
pub async fn collect_pinned(
    registry: &str,
    login: &Login<'_>,
    manifest: &Frozen,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<Collected> {
    let registry = Line::to(registry)?;
    let token = access_token(&registry, login).await?;
    let assignments = fetch_assignments(&registry, &token).await?;
    collect_assigned(&registry, &token, manifest, assignments, held, now).await
}

async fn access_token(registry: &Line, login: &Login<'_>) -> Result<Zeroizing<String>> {
    match login {
        Login::Token(token) => Ok(Zeroizing::new((*token).to_owned())),
        Login::Password { login, password } => {
            let body = serde_json::to_vec(&LoginBody { login, password }).map_err(Error::internal)?;
            let tokens: Tokens = registry.post("/v1/sessions", None, body, StatusCode::CREATED).await?;
            Ok(tokens.access_token)
        }
    }
}

async fn fetch_assignments(registry: &Line, token: &str) -> Result<Vec<Assignment>> {
    let mut assignments = Vec::new();
    let mut path = "/v1/me/assignments".to_owned();
    for _ in 0..PAGES_MAX {
        let page: AssignmentPage = registry.get_as(&path, token).await?;
        assignments.extend(page.items);
        let Some(cursor) = page.next_cursor else { break };
        path = format!("/v1/me/assignments?cursor={cursor}");
    }
    Ok(assignments)
}

/// The manifest with the printed digest, among the rounds that the reviewer is assigned in.
async fn pin(places: &Places, assignments: &[Assignment], words: &str, card: Option<&Card>) -> Result<Frozen> {
    let mut rounds: BTreeSet<(Ref, u32)> =
        assignments.iter().filter_map(|assignment| Some((assignment.cycle_ref?, assignment.round?))).collect();
    if let Some(card) = card {
        rounds.retain(|round| *round == (card.cycle_ref, card.round));
    }
    if rounds.is_empty() {
        return Err(Idle::NoAssignments.into());
    }
    // A round that cannot be fetched keeps nobody from another; it is told of where none has the printed digest.
    let mut failure = None;
    for (cycle_ref, round) in rounds {
        match fetch_manifest(places, &cycle_ref, round).await {
            Ok(manifest) if check_words(&manifest, words).is_ok() => return Ok(manifest),
            Ok(_) => {}
            Err(other) => failure = failure.or(Some(other)),
        }
    }
    Err(failure.unwrap_or(Alarm::DigestDiffers.into()))
}

async fn collect_assigned(
    registry: &Line,
    token: &str,
    manifest: &Frozen,
    assignments: Vec<Assignment>,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<Collected> {
    // A second digest of one generation is an alarm even where both were printed: a card goes by one manifest.
    let change = match held.card_mut() {
        Some(card) => accept(card, manifest, now)?,
        None => None,
    };
    if change.is_some() {
        held.save()?;
    }
    match manifest.manifest().issue_window(manifest.manifest().date_at(now)) {
        Window::TooEarly => return Err(Failure::Refused(Code::TooEarly)),
        Window::Open => {}
        Window::Closed => return Err(Failure::Refused(Code::WindowClosed)),
    }
    let recused: BTreeSet<Uuid> =
        assignments.iter().filter(|assignment| assignment.state == "recused").map(|assignment| assignment.id).collect();
    let assigned = of_round(manifest, assignments)?;
    let card = held.card_or(|| Card::new(manifest));
    // Who has recused was issued nothing, and a request that names the assignment would be refused as a whole.
    card.credentials.retain(|held| held.pending.is_empty() || !recused.contains(&held.assignment_id));
    let is_lost = add_requests(card, manifest, assigned)?;
    let asked: Vec<Uuid> =
        card.credentials.iter().filter(|held| !held.pending.is_empty()).map(|held| held.assignment_id).collect();
    if asked.is_empty() {
        let ready_count = ready_count(card);
        return match (ready_count, is_lost) {
            (0, true) => Err(Idle::CollectedElsewhere.into()),
            (0, false) => Err(Idle::NoAssignments.into()),
            _ => Ok(Collected { fresh_count: 0, ready_count, change, packs: None }),
        };
    }
    let body = serde_json::to_vec(&request(card)).map_err(Error::internal)?;
    held.save()?;
    let answer: CredentialAnswer = registry.post("/v1/me/credentials", Some(token), body, StatusCode::OK).await?;
    let card = held.card_or(|| Card::new(manifest));
    let outcome = finalize(card, manifest, answer);
    let ready_count = ready_count(card);
    // What is thrown away after an alarm must be gone from the file as well.
    held.save()?;
    outcome.map(|()| Collected { fresh_count: asked.len(), ready_count, change, packs: None })
}

fn ready_count(card: &Card) -> usize {
    card.credentials.iter().filter(|held| held.is_ready()).count()
}

/// The assignments of the manifest's round in which the reviewer still takes part, each with its subject.
///
/// One name stands for one subject: nothing in the manifest binds the two, so whoever is shown a judge twice may mark a
/// subject that exists for her alone.
fn of_round(manifest: &Frozen, assignments: Vec<Assignment>) -> Result<Vec<(Ref, Assignment)>> {
    let text = manifest.manifest();
    let (mut subjects, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut assigned = Vec::new();
    for assignment in assignments {
        let is_here = (assignment.cycle_ref, assignment.round) == (Some(text.cycle_ref), Some(text.round));
        if !is_here || !matches!(assignment.state.as_str(), "drawn" | "issued") {
            continue;
        }
        let subject_ref = assignment.subject_ref.ok_or(Alarm::AssignmentStrange)?;
        let is_single = subjects.insert(subject_ref) && names.insert(assignment.subject_name());
        if manifest.subject(&subject_ref).is_none() || !is_single {
            return Err(Alarm::AssignmentStrange.into());
        }
        assigned.push((subject_ref, assignment));
    }
    Ok(assigned)
}

/// Adds a blinded request of each issuer for every assignment that the card does not know; true if some were issued to
/// another card.
fn add_requests(card: &mut Card, manifest: &Frozen, assigned: Vec<(Ref, Assignment)>) -> Result<bool> {
    let mut is_lost = false;
    for (subject_ref, assignment) in assigned {
        if let Some(known) = card.subject(&subject_ref) {
            if known.assignment_id != assignment.id || known.subject_name != assignment.subject_name() {
                return Err(Alarm::AssignmentStrange.into());
            }
            continue;
        }
        if assignment.state == "issued" {
            is_lost = true;
            continue;
        }
        let instrument = manifest.subject(&subject_ref).and_then(|subject| manifest.instrument(subject));
        let instrument = instrument.ok_or(Alarm::AssignmentStrange)?.clone();
        let mut held = CardSubject::new(assignment.id, subject_ref, assignment.subject_name(), instrument)?;
        for issuer in &manifest.manifest().issuers {
            let key_id = manifest.key_id(&subject_ref, &issuer.issuer_id).ok_or(Alarm::KeyCount)?;
            let key = manifest.key(&key_id).ok_or(Alarm::KeyCount)?;
            let msg = credential_message(&card.cycle_ref, &subject_ref, &key_id, &held.epk);
            let blinding = Pending::blind(key, &msg).map_err(|_| Alarm::WeakKey)?;
            held.pending.push(PendingCredential { issuer_id: issuer.issuer_id.clone(), key_id, blinding });
        }
        card.credentials.push(held);
    }
    Ok(is_lost)
}

fn request(card: &Card) -> CredentialRequest<'_> {
    let requests = card
        .credentials
        .iter()
        .flat_map(|held| {
            held.pending.iter().map(|pending| BlindRequest {
                assignment_id: held.assignment_id,
                issuer_id: &pending.issuer_id,
                key_id: pending.key_id,
                blinded_msg: &pending.blinding.blinded_msg,
            })
        })
        .collect();
    CredentialRequest { manifest_digest: card.manifest_digest, requests }
}

/// Makes credentials of the answer, and empties whatever was pending: what fails has no second chance.
fn finalize(card: &mut Card, manifest: &Frozen, answer: CredentialAnswer) -> Result<()> {
    let asked: BTreeSet<(Uuid, String)> = card
        .credentials
        .iter()
        .flat_map(|held| held.pending.iter().map(|pending| (held.assignment_id, pending.issuer_id.clone())))
        .collect();
    let count = answer.results.len();
    let answers: BTreeMap<(Uuid, String), Blob> =
        answer.results.into_iter().map(|result| ((result.assignment_id, result.issuer_id), result.blind_sig)).collect();
    // An answer to something else may be the network's doing: the requests stay, and the same bytes go out again.
    if count != asked.len() || !asked.iter().all(|key| answers.contains_key(key)) {
        return Err(Alarm::AnswerIncomplete.into());
    }
    let cycle_ref = card.cycle_ref;
    let mut outcome = Ok(());
    for held in &mut card.credentials {
        if held.pending.is_empty() {
            continue;
        }
        let made: Option<Vec<CardCredential>> = held
            .pending
            .iter()
            .map(|pending| {
                let blind_sig = answers.get(&(held.assignment_id, pending.issuer_id.clone()))?;
                credential(manifest, &cycle_ref, held, pending, blind_sig)
            })
            .collect();
        // The inverses go with the requests, and wipe themselves.
        held.pending.clear();
        match made {
            Some(made) => held.credentials = made,
            None => outcome = Err(Failure::from(Alarm::CredentialInvalid)),
        }
    }
    outcome
}

/// A credential verified under the pinned key; `None` if the issuer signed under any other.
fn credential(
    manifest: &Frozen,
    cycle_ref: &Ref,
    held: &CardSubject,
    pending: &PendingCredential,
    blind_sig: &Blob,
) -> Option<CardCredential> {
    let key = manifest.key(&pending.key_id)?;
    let msg = credential_message(cycle_ref, &held.subject_ref, &pending.key_id, &held.epk);
    // Any failure here has one meaning: this answer makes no credential.
    let sig = pending.blinding.finalize(key, &msg, &blind_sig.0).ok()?;
    let assignment_id = Bytes(*held.assignment_id.as_bytes());
    Some(CardCredential {
        issuer_id: pending.issuer_id.clone(),
        key_id: pending.key_id,
        prefix: pending.blinding.prefix,
        sig: Bytes::from_slice(&sig).ok()?,
        entry: ledger::entry(&pending.key_id, &assignment_id, &pending.blinding.blinded_msg.0),
    })
}
