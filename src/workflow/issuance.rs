//! What a cycle's issuance rests on: its issuers, the names of its documents, the facts for its guards, the ledgers and
//! the seal order. A newcomer's usual mistake is to sign what is in memory: what is signed is what the rows say, and the
//! signed bytes become a row in the same write.

use chrono::{DateTime, NaiveDate, Utc};
use ed25519_dalek::SigningKey;

use crate::cipher::{Cipher, Use};
use crate::credential::encoding::{Bytes, Digest, Ref, sha256, to_base64url};
use crate::credential::frozen::Frozen;
use crate::credential::ledger::{Ledger, entry_of_hash};
use crate::credential::manifest::Name;
use crate::credential::note::Checkpoint;
use crate::credential::seal_order::{Act, SealOrder};
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::ids::{CycleId, EvaluationId};
use crate::domain::methodology::Methodology;
use crate::domain::methodology::limits::RoundCounts;
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::cycles::Cycle;
use crate::store::issuance::{DocumentKeyRow, Issuance};

/// The methodology's file; its bytes are those whose digest the manifest names.
pub const METHODOLOGY_FILE: &str = "methodology.json";
/// The order to the box, once there is one.
pub const SEAL_ORDER_FILE: &str = "seal-order.json";
/// The box's checkpoint as the registry took it in.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// A party that signs the credentials of a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerName {
    /// Its name in documents and file names.
    pub issuer_id: &'static str,
    /// Its name for people.
    pub name: Name,
}

/// What the guards of a cycle's moves ask about issuance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuanceFacts {
    /// Whether the manifest in force is frozen and the box's note on it was taken in.
    pub is_manifest_published: bool,
    /// Issuers without a ledger under the manifest in force.
    pub ledgers_missing: u32,
    /// Subjects with fewer than `issued_min` credentials while ledgers are missing. With the ledgers published it is
    /// decided: such a subject's reviews stay closed, and its peer part will be `insufficient`.
    pub gates_undecided: u32,
}

/// Who signs the credentials of a cycle: in this edition the body that evaluates, alone.
pub fn issuers(cycle: &Cycle) -> Vec<IssuerName> {
    let names = match cycle.evaluating_body.as_str() {
        "supreme_judicial_council" => ["Жоғары Сот Кеңесі", "Высший Судебный Совет", "Supreme Judicial Council"],
        "quality_commission" => [
            "Сот төрелігінің сапасы жөніндегі комиссия",
            "Комиссия по качеству правосудия",
            "Commission on the Quality of Justice",
        ],
        // A body that has no entry here goes by its code, which is the same in all languages.
        code => [code, code, code],
    };
    let [kk, ru, en] = names.map(str::to_owned);
    vec![IssuerName { issuer_id: "council", name: Name { kk, ru, en } }]
}

/// The file of a generation of the manifest.
pub fn manifest_file(generation: i32) -> String {
    format!("manifest-{generation}.json")
}

/// The box's note on a generation, as the registry took it in.
pub fn note_file(generation: i32) -> String {
    format!("manifest-{generation}.note")
}

/// The file of an issuer's ledger under a generation.
pub fn ledger_file(issuer_id: &str, generation: i32) -> String {
    format!("ledger-{issuer_id}-{generation}.json")
}

/// What a wrapped issuer key is bound to, so that no row can be passed off as another.
pub fn key_context(cycle: CycleId, round: i32, evaluation: EvaluationId, issuer_id: &str, generation: i32) -> Vec<u8> {
    format!("{cycle} {round} {evaluation} {issuer_id} {generation}").into_bytes()
}

/// What a wrapped document key is bound to.
pub fn document_key_context(cycle: CycleId, issuer_id: &str) -> Vec<u8> {
    format!("{cycle} {issuer_id}").into_bytes()
}

/// The rules of a cycle, with their stored text.
pub fn methodology_of(conn: &mut Conn, cycle: &Cycle) -> Result<(Methodology, String)> {
    let row = store::methodologies::find(conn, cycle.methodology_id)?;
    let row = row.ok_or_else(|| Error::internal("a cycle's methodology is missing"))?;
    Ok((super::methodologies::document(&row)?, row.document))
}

/// What the methodology draws and asks for in the cycle's round.
pub fn round_counts(methodology: &Methodology, cycle: &Cycle) -> Result<RoundCounts> {
    methodology
        .round_counts(cycle.round)
        .ok_or_else(|| Error::internal("a round that the methodology does not provide"))
}

/// The day of a request where a cycle takes place.
pub fn today(methodology: &Methodology, now: DateTime<Utc>) -> NaiveDate {
    date_at(now, methodology.time_limits.utc_offset_minutes)
}

/// The facts about issuance for the guards of a cycle's moves.
pub fn facts(conn: &mut Conn, cycle: &Cycle) -> Result<IssuanceFacts> {
    let has_note = store::cycles::document(conn, cycle.id, cycle.round, &note_file(cycle.generation))?.is_some();
    let mut ledgers_missing = 0;
    for issuer in issuers(cycle) {
        let name = ledger_file(issuer.issuer_id, cycle.generation);
        ledgers_missing += u32::from(store::cycles::document(conn, cycle.id, cycle.round, &name)?.is_none());
    }
    let mut gates_undecided = 0;
    if ledgers_missing > 0 {
        let (methodology, _) = methodology_of(conn, cycle)?;
        let evaluations: Vec<EvaluationId> =
            store::evaluations::of_round(conn, cycle.id, cycle.round)?.iter().map(|evaluation| evaluation.id).collect();
        let counts = store::issuance::panel_counts(conn, &evaluations)?;
        let issued_min = round_counts(&methodology, cycle)?.issued_min;
        let low = counts.iter().filter(|count| count.issued_count < issued_min).count();
        gates_undecided = u32::try_from(low).map_err(Error::internal)?;
    }
    Ok(IssuanceFacts {
        is_manifest_published: cycle.manifest_digest.is_some() && has_note,
        ledgers_missing,
        gates_undecided,
    })
}

/// The text of the newest manifest that is frozen: while the next generation is being made, that of the one before.
pub fn newest_manifest(conn: &mut Conn, cycle: &Cycle) -> Result<Option<Vec<u8>>> {
    let newest = cycle.generation - i32::from(cycle.manifest_digest.is_none());
    store::cycles::document(conn, cycle.id, cycle.round, &manifest_file(newest))
}

/// The text of the manifest in force.
///
/// # Errors
/// 409 `guard_not_met` where none is frozen yet, or the next generation is being made.
pub fn manifest_text(conn: &mut Conn, cycle: &Cycle) -> Result<Vec<u8>> {
    let text = store::cycles::document(conn, cycle.id, cycle.round, &manifest_file(cycle.generation))?;
    text.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("manifest_not_frozen")))
}

/// Signs the order to the box and stores it as the round's `seal-order.json`, in the caller's write.
///
/// A round has one order: where there is one already, no other is given, since a box that has sealed cannot destroy
/// unread. Cancelling before the manifest orders nothing, as the box knows nothing of the cycle.
///
/// # Errors
/// 409 `guard_not_met` where a cycle without manifest is to be sealed.
pub fn put_seal_order(
    conn: &mut Conn,
    cipher: &Cipher,
    cycle: &Cycle,
    (act, challenge_close): (Act, NaiveDate),
    now: DateTime<Utc>,
) -> Result<()> {
    let is_ordered = store::cycles::document(conn, cycle.id, cycle.round, SEAL_ORDER_FILE)?.is_some();
    if is_ordered || act == Act::Destroy && cycle.receipt_key.is_none() {
        return Ok(());
    }
    let text = newest_manifest(conn, cycle)?;
    let text = text.ok_or_else(|| Error::hinted(Code::GuardNotMet, Hint::new("manifest_not_frozen")))?;
    let manifest = Frozen::parse(&text)?;
    let key = first_document_key(conn, cipher, cycle.id, &manifest)?;
    // The box knows the manifest's days; those of the cycle are later where it is sealed late.
    let complaints_until = Some(challenge_close).filter(|last| *last > manifest.manifest().dates.challenge_close);
    let order = SealOrder::sign(&manifest, act, complaints_until, &key)?.to_bytes()?;
    store::cycles::put_document(conn, cycle.id, cycle.round, SEAL_ORDER_FILE, &order)?;
    let entry = store::audit::NewEntry {
        digest: Some(to_base64url(&sha256(&[&order]).0)),
        ..store::audit::NewEntry::new(None, "sign_seal_order", "cycle", cycle.id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(())
}

/// The key with which a manifest's first issuer signs orders to the box.
pub fn first_document_key(conn: &mut Conn, cipher: &Cipher, id: CycleId, manifest: &Frozen) -> Result<SigningKey> {
    let first = manifest.manifest().issuers.first().map(|issuer| issuer.issuer_id.clone());
    let keys = store::issuance::document_keys(conn, id)?;
    let row = keys.iter().find(|key| Some(&key.issuer_id) == first.as_ref());
    open_document_key(cipher, row.ok_or_else(|| Error::internal("the first issuer has no document key"))?)
}

/// The private half of a document key.
pub fn open_document_key(cipher: &Cipher, row: &DocumentKeyRow) -> Result<SigningKey> {
    let context = document_key_context(row.cycle_id, &row.issuer_id);
    let opened = cipher.open(Use::DocumentKey, &context, &row.wrapped_private_key)?;
    let opened = opened.ok_or_else(|| Error::internal("a document key does not open under the column key"))?;
    let seed: [u8; 32] = opened.as_slice().try_into().map_err(|_| Error::internal("a document key is broken"))?;
    let seed = zeroize::Zeroizing::new(seed);
    Ok(SigningKey::from_bytes(&seed))
}

/// What ledgers are made from.
#[derive(Clone)]
pub struct LedgerInput {
    cycle: Cycle,
    manifest: Vec<u8>,
    keys: Vec<DocumentKeyRow>,
    issued: Vec<(Ref, Issuance)>,
}

/// A ledger as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFile {
    /// Whose it is.
    pub issuer_id: String,
    /// Its file.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Loads what the ledgers of a cycle are made from.
///
/// # Errors
/// 404; 409 `guard_not_met` without a manifest; 425 `too_early` until the last day of issuance is over.
pub fn load_ledger_input(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<LedgerInput> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    let manifest = manifest_text(conn, &cycle)?;
    let (methodology, _) = methodology_of(conn, &cycle)?;
    let issue_close = store::cycles::dates(conn, id)?.issue_close;
    if today(&methodology, now) <= issue_close {
        return Err(Error::hinted(Code::TooEarly, Hint::new("wait_until_over").text("day", issue_close)));
    }
    let mut refs = std::collections::HashMap::new();
    for evaluation in store::evaluations::of_round(conn, id, cycle.round)? {
        if let Some(subject_ref) = evaluation.subject_ref {
            refs.insert(evaluation.id, Ref::from_slice(&subject_ref)?);
        }
    }
    let mut issued = Vec::new();
    for (evaluation, issuance) in store::issuance::issuances_of_round(conn, id, cycle.round)? {
        // A subject whose evaluation was cancelled has a ledger without entries.
        issued.extend(refs.get(&evaluation).map(|subject_ref| (*subject_ref, issuance)));
    }
    Ok(LedgerInput { keys: store::issuance::document_keys(conn, id)?, cycle, manifest, issued })
}

/// Builds and signs the ledger of each issuer; the same input gives the same bytes.
pub fn build_ledgers(cipher: &Cipher, input: &LedgerInput) -> Result<Vec<LedgerFile>> {
    let manifest = Frozen::parse(&input.manifest)?;
    let build = |row: &DocumentKeyRow| {
        // What an earlier key signed for a subject is void: the ledger counts for the keys of its manifest alone.
        let of_issuer = input.issued.iter().filter(|(subject_ref, issuance)| {
            let key_id = manifest.key_id(subject_ref, &row.issuer_id);
            issuance.issuer_id == row.issuer_id && key_id.is_some_and(|key_id| key_id.0 == *issuance.key_id)
        });
        let entry = |(subject_ref, issuance): &(Ref, Issuance)| -> Result<(Ref, Digest)> {
            let assignment_id = Bytes(*issuance.assignment_id.0.as_bytes());
            let key_id = Bytes::from_slice(&issuance.key_id)?;
            Ok((*subject_ref, entry_of_hash(&key_id, &assignment_id, &Bytes::from_slice(&issuance.blinded_hash)?)))
        };
        let entries = of_issuer.map(entry).collect::<Result<Vec<_>>>()?;
        let ledger = Ledger::build(&manifest, &row.issuer_id, &entries, &open_document_key(cipher, row)?)?;
        let name = ledger_file(&row.issuer_id, input.cycle.generation);
        Ok(LedgerFile { issuer_id: row.issuer_id.clone(), name, bytes: ledger.to_bytes()? })
    };
    input.keys.iter().map(build).collect()
}

/// Stores ledgers, where nothing has changed since they were made. What is stored already stays.
///
/// # Errors
/// 503 `busy` where something has changed meanwhile; the same request will then succeed.
pub fn put_ledgers(
    conn: &mut Conn,
    actor: &Actor,
    input: &LedgerInput,
    ledgers: &[LedgerFile],
    now: DateTime<Utc>,
) -> Result<()> {
    let present = load_ledger_input(conn, input.cycle.id, now)?;
    let is_same_manifest =
        (present.cycle.round, present.cycle.generation) == (input.cycle.round, input.cycle.generation);
    if !is_same_manifest || present.issued != input.issued {
        return Err(Error::retry_after(Code::Busy, 1));
    }
    for ledger in ledgers {
        if store::cycles::document(conn, input.cycle.id, input.cycle.round, &ledger.name)?.is_some() {
            continue;
        }
        store::cycles::put_document(conn, input.cycle.id, input.cycle.round, &ledger.name, &ledger.bytes)?;
        let entry = store::audit::NewEntry {
            digest: Some(to_base64url(&sha256(&[&ledger.bytes]).0)),
            ..store::audit::NewEntry::new(Some(actor.account_id), "publish_ledgers", "cycle", input.cycle.id)
        };
        store::audit::record(conn, entry, now)?;
    }
    Ok(())
}

/// Stores what the box published on the manifest in force: its note and, after the seal, its checkpoint. A note on an
/// earlier generation is passed over, as the box has not seen the new one yet.
///
/// # Errors
/// 409 `box_not_ready` where the box's key did not sign them, or it signed another checkpoint before.
pub fn put_box_documents(
    conn: &mut Conn,
    cycle: &Cycle,
    manifest: &Frozen,
    note: Option<&str>,
    checkpoint: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let unsigned = |what: &str| Error::hinted(Code::BoxNotReady, Hint::new("box_document_unsigned").text("name", what));
    if let Some(note) = note {
        match manifest.verify_note(note) {
            Ok(()) => take_in(conn, cycle, &note_file(cycle.generation), note, now)?,
            Err(error) if error.code() == Code::ManifestMismatch => {}
            Err(_) => return Err(unsigned("manifest.note")),
        }
    }
    if let Some(checkpoint) = checkpoint {
        Checkpoint::verify(checkpoint, manifest.log_key()).map_err(|_| unsigned("checkpoint"))?;
        let before = store::cycles::document(conn, cycle.id, cycle.round, CHECKPOINT_FILE)?;
        if before.is_some_and(|before| before != checkpoint.as_bytes()) {
            let changed = Hint::new("box_document_changed").text("name", CHECKPOINT_FILE);
            return Err(Error::hinted(Code::BoxNotReady, changed));
        }
        take_in(conn, cycle, CHECKPOINT_FILE, checkpoint, now)?;
    }
    Ok(())
}

/// Stores a document of the box with its trail, once.
fn take_in(conn: &mut Conn, cycle: &Cycle, name: &str, text: &str, now: DateTime<Utc>) -> Result<()> {
    let is_known = store::cycles::document(conn, cycle.id, cycle.round, name)?.is_some();
    store::cycles::put_document(conn, cycle.id, cycle.round, name, text.as_bytes())?;
    if is_known {
        return Ok(());
    }
    let entry = store::audit::NewEntry {
        digest: Some(to_base64url(&sha256(&[text.as_bytes()]).0)),
        ..store::audit::NewEntry::new(None, "take_in_box_document", "cycle", cycle.id)
    };
    store::audit::record(conn, entry, now)
}
