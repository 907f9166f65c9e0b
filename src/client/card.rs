//! The reviewer's card: keys, credentials and signed reviews of one round. Design, section 5.
//!
//! What a newcomer would get wrong: the card joins a person with the reviews, so it exists once, with the reviewer, and
//! nothing of it but an envelope is ever sent. [`CardCredential::entry`] above all stays here: it is the issuer's name
//! for the request, and a box that saw it could ask the registry who made it.
//!
//! It is saved before each step that a crash could cut off, so that the same bytes can be sent again: blinded messages
//! with [`Held::save`] before they go out, reviews likewise. The inverse that could link both is gone once a credential
//! is made.

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::draft::Draft;
use super::failure::{Alarm, CardFailure, Result};
use super::sealed_file::{Kdf, SealedFile};
use crate::credential::blind_rsa::{Pending, SIGNATURE_SIZE};
use crate::credential::encoding::{Bytes, Digest, Ref, Secret, sha256};
use crate::credential::envelope::{Credential, Envelope};
use crate::credential::frozen::Frozen;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::{Instrument, Manifest};
use crate::credential::receipt::Receipt;
use crate::credential::signing::{self, PublicKey};
use crate::domain::methodology::Methodology;
use crate::error::{Code, Error};

/// Room for a card with every version of some twenty reviews, so that writing one leaves no copies behind; the manifests
/// need more, by [`SUBJECT_ROOM`].
const CARD_ROOM: usize = 1 << 20;
/// Room for one subject of a manifest with the keys of several issuers.
const SUBJECT_ROOM: usize = 1 << 12;

/// All that a reviewer keeps of one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The version of this format: 1.
    pub v: u32,
    /// The digest of the one manifest that this card goes by: the last of `manifests`.
    pub manifest_digest: Digest,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// Every generation that was pinned, each by its printed digest, the first one first.
    pub manifests: Vec<Manifest>,
    /// The words of the forms, which are not to be had once submission has opened; their digest is in the manifest.
    #[serde(default)]
    pub methodology: Option<Box<Methodology>>,
    /// The last day on which the reviewer logged in for this card: not a day to send on.
    #[serde(default)]
    pub collected_on: Option<NaiveDate>,
    /// The ledgers by which reviews were sent: any other of the same issuer and generation is an alarm.
    #[serde(default)]
    pub ledgers: Vec<MetLedger>,
    /// The root of the sealed tree, once every receipt was found in it.
    #[serde(default)]
    pub checked_root: Option<Digest>,
    /// One for each assignment for which a credential was asked.
    pub credentials: Vec<CardSubject>,
}

/// A ledger as the card met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetLedger {
    /// Whose it is.
    pub issuer_id: String,
    /// Under which generation of the manifest it was closed.
    pub generation: u32,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// What the card holds of one assignment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSubject {
    /// The registry's name of the assignment.
    pub assignment_id: Uuid,
    /// The box's name of the subject.
    pub subject_ref: Ref,
    /// The subject's name for the reviewer's eyes, as the registry gave it.
    pub subject_name: String,
    /// The form, out of the pinned manifest.
    pub instrument: Instrument,
    /// The seed of the one-time key; only [`CardSubject::signing_key`] uses it.
    esk: Secret,
    /// The one-time key's public half.
    pub epk: PublicKey,
    /// What was asked of each issuer and is not answered yet; absent once it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingCredential>,
    /// One of each issuer; none while pending, and none for ever where an answer did not verify.
    pub credentials: Vec<CardCredential>,
    /// The reviews signed so far, the last one counts.
    pub versions: Vec<Version>,
    /// What the reviewer has filled in and not sent yet.
    #[serde(default)]
    pub draft: Option<Draft>,
    /// When it is to be sent, if the moment was drawn; forgotten once it is.
    #[serde(default)]
    pub send_at: Option<DateTime<Utc>>,
}

/// A request to one issuer on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingCredential {
    /// Whom it is for.
    pub issuer_id: String,
    /// The pinned key.
    pub key_id: Digest,
    /// The blinded message and what unblinds the answer.
    pub blinding: Pending,
}

/// A credential and the issuer's name for the request that it came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardCredential {
    /// Whose signature it is.
    pub issuer_id: String,
    /// The pinned key.
    pub key_id: Digest,
    /// The random prefix of the signed message.
    pub prefix: Bytes<32>,
    /// The signature, verified.
    pub sig: Bytes<SIGNATURE_SIZE>,
    /// The entry that the issuer's ledger must list; never sent anywhere.
    pub entry: Digest,
}

/// One signed version of a review; its bytes on the wire follow from it and never change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The review as signed.
    pub review: Envelope,
    /// The box's promise, verified; null until it has come.
    pub receipt: Option<Receipt>,
}

/// A card in somebody's hands: in a file that follows it at each [`Held::save`], or in memory alone.
pub struct Held {
    card: Option<Card>,
    file: Option<SealedFile>,
}

impl Card {
    /// An empty card bound to a pinned manifest.
    pub fn new(manifest: &Frozen) -> Self {
        Card {
            v: 1,
            manifest_digest: manifest.digest(),
            cycle_ref: manifest.manifest().cycle_ref,
            round: manifest.manifest().round,
            manifests: vec![manifest.manifest().clone()],
            methodology: None,
            collected_on: None,
            ledgers: Vec::new(),
            checked_root: None,
            credentials: Vec::new(),
        }
    }

    /// The pinned manifest, checked once more; `unreadable` if the card was tampered with.
    pub fn pinned(&self) -> Result<Frozen> {
        let manifest = self.manifests.last().ok_or(CardFailure::Unreadable)?;
        let frozen = Frozen::new(manifest.clone()).map_err(|_| CardFailure::Unreadable)?;
        let (text, digest) = (frozen.manifest(), frozen.digest());
        if (digest, text.cycle_ref, text.round) != (self.manifest_digest, self.cycle_ref, self.round) {
            return Err(CardFailure::Unreadable.into());
        }
        Ok(frozen)
    }

    /// The generations pinned before it, under which reviews may have been signed.
    pub fn earlier(&self) -> Result<Vec<Frozen>> {
        let (_, earlier) = self.manifests.split_last().ok_or(CardFailure::Unreadable)?;
        let freeze = |manifest: &Manifest| Frozen::new(manifest.clone()).map_err(|_| CardFailure::Unreadable.into());
        earlier.iter().map(freeze).collect()
    }

    /// What the card holds of a subject.
    pub fn subject(&self, subject_ref: &Ref) -> Option<&CardSubject> {
        self.credentials.iter().find(|held| held.subject_ref == *subject_ref)
    }

    /// What the card holds of a subject, to be changed.
    pub fn subject_mut(&mut self, subject_ref: &Ref) -> Option<&mut CardSubject> {
        self.credentials.iter_mut().find(|held| held.subject_ref == *subject_ref)
    }

    /// Keeps which ledgers a review is sent by; true if one is new, `second_ledger` if one was met otherwise before.
    pub fn meet(&mut self, ledgers: &[Ledger]) -> Result<bool> {
        let mut is_new = false;
        for ledger in ledgers {
            let digest = sha256(&[&ledger.to_bytes()?]);
            let met = MetLedger { issuer_id: ledger.issuer_id.clone(), generation: ledger.generation, digest };
            let is_its = |known: &&MetLedger| (&known.issuer_id, known.generation) == (&met.issuer_id, met.generation);
            match self.ledgers.iter().find(is_its) {
                Some(known) if *known != met => return Err(Alarm::SecondLedger.into()),
                Some(_) => {}
                None => {
                    self.ledgers.push(met);
                    is_new = true;
                }
            }
        }
        Ok(is_new)
    }

    fn read(text: &[u8]) -> Result<Self> {
        // The cause is left out, for it may quote the card.
        let card: Card = serde_json::from_slice(text).map_err(|_| CardFailure::Unreadable)?;
        if card.v == 1 { Ok(card) } else { Err(CardFailure::Unreadable.into()) }
    }

    fn write(&self) -> Result<Zeroizing<Vec<u8>>> {
        let subject_count: usize = self.manifests.iter().map(|manifest| manifest.subjects.len()).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(CARD_ROOM + SUBJECT_ROOM * subject_count));
        serde_json::to_writer(&mut *text, self).map_err(Error::internal)?;
        Ok(text)
    }
}

impl CardSubject {
    /// A new one-time key for an assignment, with nothing asked yet.
    pub fn new(assignment_id: Uuid, subject_ref: Ref, subject_name: String, instrument: Instrument) -> Result<Self> {
        let esk = signing::generate()?;
        Ok(CardSubject {
            assignment_id,
            subject_ref,
            subject_name,
            instrument,
            esk: Secret::new(esk.as_bytes()),
            epk: signing::public_key(&esk),
            pending: Vec::new(),
            credentials: Vec::new(),
            versions: Vec::new(),
            draft: None,
            send_at: None,
        })
    }

    /// The one-time key; `malformed` if the card was written by a stranger.
    pub fn signing_key(&self) -> Result<SigningKey> {
        let seed: Zeroizing<[u8; 32]> =
            Zeroizing::new(self.esk.0.as_slice().try_into().map_err(|_| Error::from(Code::Malformed))?);
        Ok(SigningKey::from_bytes(&seed))
    }

    /// True once a review can be signed.
    pub fn is_ready(&self) -> bool {
        self.pending.is_empty() && !self.credentials.is_empty()
    }

    /// True if there is something to send: a draft, or a signed review without its receipt.
    pub fn is_waiting(&self) -> bool {
        self.draft.is_some() || self.versions.last().is_some_and(|version| version.receipt.is_none())
    }

    /// The credentials as they go into an envelope: without the ledger's entry.
    pub fn public_credentials(&self) -> Vec<Credential> {
        let public = |held: &CardCredential| Credential {
            issuer_id: held.issuer_id.clone(),
            key_id: held.key_id,
            prefix: held.prefix,
            sig: held.sig,
        };
        self.credentials.iter().map(public).collect()
    }
}

impl Held {
    /// A card that is never written; for a demonstration, and for tests.
    pub fn in_memory() -> Self {
        Held { card: None, file: None }
    }

    /// A new card for a file that is first written by [`Held::save`].
    ///
    /// `weak_passphrase` unless it has 12 characters and is hard to guess; `in_use` if there is one by now.
    pub fn create(path: &Path, passphrase: &str, kdf: Kdf) -> Result<Self> {
        Ok(Held { card: None, file: Some(SealedFile::create(path, passphrase, kdf)?) })
    }

    /// The card of a file; `missing`, `inaccessible`, `unreadable`, `wrong_passphrase`, or `in_use`: as long as this value
    /// lives no other can be made of the file.
    pub fn open(path: &Path, passphrase: &str) -> Result<Self> {
        let (file, text) = SealedFile::open(path, passphrase)?;
        Ok(Held { card: Some(Card::read(&text)?), file: Some(file) })
    }

    /// The card; none before the first collection.
    pub fn card(&self) -> Option<&Card> {
        self.card.as_ref()
    }

    /// The card to be changed; `empty` is made of it where there is none yet.
    pub fn card_or(&mut self, empty: impl FnOnce() -> Card) -> &mut Card {
        self.card.get_or_insert_with(empty)
    }

    /// The card to be changed, if there is one.
    pub fn card_mut(&mut self) -> Option<&mut Card> {
        self.card.as_mut()
    }

    /// Writes the card to its file, whole or not at all; in memory there is nothing to do.
    pub fn save(&mut self) -> Result<()> {
        match (&self.card, &self.file) {
            (Some(card), Some(file)) => file.write(&card.write()?),
            _ => Ok(()),
        }
    }
}
