//! What can stop a reviewer's client, as closed lists: whoever shows them finds the words by their codes.
//!
//! What a newcomer would get wrong: an alarm is not an error to retry. It says that somebody lies, so the client keeps
//! what proves it away from everybody, sends nothing more, and the reviewer turns to the Council's auditors.

use std::fmt;

use super::card::Card;
use crate::credential::alarms;
use crate::error::{Code, Error, Fault};

/// The result of every step of the client.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a step of the client did not happen.
#[derive(Debug)]
pub enum Failure {
    /// A server showed what only a hostile or broken one shows; nothing was sent after it.
    Alarm(Alarm),
    /// A server, or the client by the same rule, refuses for this reason.
    Refused(Code),
    /// The server at this address cannot be reached, or the connection was cut; the same step may be tried again.
    Unreachable(String),
    /// The server at this address answers what the contract does not know, such as a page of a proxy; holds the status.
    UnexpectedAnswer(String, u16),
    /// The card cannot be used.
    Card(CardFailure),
    /// The review does not fit the form; the pointers go into the review as the reviewer wrote it.
    Review(Vec<Fault>),
    /// There is nothing to do, or not yet; nothing was sent.
    Idle(Idle),
    /// A bug or a broken machine.
    Internal(Error),
}

macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$word_doc])* $variant,)* }

        impl $name {
            /// The whole list, for those who keep a text for each.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The code by which a text is found.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }
    };
}

listed! {
    /// What somebody lies about.
    Alarm {
        /// Registry and box serve different manifests, or different notes.
        SplitView = "split_view",
        /// The manifest is not one, or not in its canonical writing.
        ManifestUnreadable = "manifest_unreadable",
        /// The manifest is another cycle's or round's than the one asked for.
        OtherRound = "other_round",
        /// The box has not signed the manifest.
        NoteInvalid = "note_invalid",
        /// The digest is not the one printed in the Council's order.
        DigestDiffers = "digest_differs",
        /// The card is bound to another manifest of the same round and generation, or to a newer one.
        SecondDigest = "second_digest",
        /// The next generation does not follow from the manifest that the card is bound to.
        ChainBroken = "chain_broken",
        /// The next generation changes keys or forms after submission has opened, or under a review that was sent.
        ChangedTooLate = "changed_too_late",
        /// The words of the form are not those whose digest stands in the manifest.
        MethodologyDiffers = "methodology_differs",
        /// The reading packs are not those on the signed list that everybody is shown.
        PackDiffers = "pack_differs",
        /// A subject does not have exactly one key of each issuer.
        KeyCount = "key_count",
        /// One key serves two subjects or issuers.
        DuplicateKey = "duplicate_key",
        /// A key is not the one that its id names.
        KeyIdMismatch = "key_id_mismatch",
        /// A key cannot be read.
        UnreadableKey = "unreadable_key",
        /// A key is not a sound 3072-bit key.
        WeakKey = "weak_key",
        /// The least number of credentials is out of bounds.
        IssuedMin = "issued_min",
        /// An assignment names a subject that the manifest lacks, one subject twice, or one judge for two subjects.
        AssignmentStrange = "assignment_strange",
        /// The issuers' answer does not cover exactly what was asked for.
        AnswerIncomplete = "answer_incomplete",
        /// A credential does not verify under the pinned key: the issuer signed with another one.
        CredentialInvalid = "credential_invalid",
        /// A ledger is not signed by its issuer, or contradicts the manifest.
        LedgerInvalid = "ledger_invalid",
        /// A ledger is not the one that the card met when a review was sent, or is not shown any more.
        SecondLedger = "second_ledger",
        /// A ledger does not list a credential that this card holds.
        EntryMissing = "entry_missing",
        /// Too few credentials were issued for the subject, or more than it has reviewers.
        GateClosed = "gate_closed",
        /// The receipt does not promise the review that was sent.
        ReceiptInvalid = "receipt_invalid",
        /// The sealed list is not the one that the box has signed, or not in its order.
        SealInvalid = "seal_invalid",
        /// A review for which the box gave a receipt is not in the sealed list.
        LeafMissing = "leaf_missing",
    }
}

listed! {
    /// How far things had gone when an alarm was raised, which decides what the reviewer has to know and to do.
    Moment {
        /// Nothing had been sent.
        Before = "before",
        /// No more than the blinded requests had been sent, which tell nothing.
        Collecting = "collecting",
        /// A review had been signed, so it may have been sent.
        Sending = "sending",
        /// The sealed list was being checked.
        Sealed = "sealed",
    }
}

impl Moment {
    /// How far things have gone by what the card holds, whatever alarm is raised: an alarm that comes before the first
    /// request comes again when reviews are out.
    pub fn of(card: Option<&Card>) -> Self {
        match card.map(|card| &card.credentials) {
            Some(subjects) if subjects.iter().any(|subject| !subject.versions.is_empty()) => Moment::Sending,
            Some(subjects) if !subjects.is_empty() => Moment::Collecting,
            Some(_) | None => Moment::Before,
        }
    }
}

listed! {
    /// Why a card cannot be used.
    CardFailure {
        /// There is no such file.
        Missing = "missing",
        /// The file cannot be read or written.
        Inaccessible = "inaccessible",
        /// The file is no card, or of a newer program.
        Unreadable = "unreadable",
        /// The passphrase is wrong, or the file was changed.
        WrongPassphrase = "wrong_passphrase",
        /// Another program has it.
        InUse = "in_use",
        /// The passphrase for a new card is too short or easily guessed.
        WeakPassphrase = "weak_passphrase",
    }
}

listed! {
    /// Why there is nothing to do.
    Idle {
        /// The account has no assignment in a cycle whose manifest is published.
        NoAssignments = "no_assignments",
        /// The credentials were collected with another card.
        CollectedElsewhere = "collected_elsewhere",
        /// The card holds no credential for this subject.
        NoCredential = "no_credential",
        /// Every version that the manifest allows has been sent.
        VersionsUsedUp = "versions_used_up",
        /// A newer generation of the manifest is in force, which the reviewer has not pinned.
        NewGeneration = "new_generation",
        /// Between the card's generation and the one shown there are others, which have to be given too.
        GenerationsMissed = "generations_missed",
        /// No review is filled in, and none waits for its receipt.
        NothingToSend = "nothing_to_send",
        /// No review of this subject was sent, so there is none to withdraw.
        NothingToWithdraw = "nothing_to_withdraw",
        /// The box is not sealed, or the seal is not published at both listeners yet.
        NotSealed = "not_sealed",
        /// The card was not checked against the sealed list, so it is still needed.
        NotChecked = "not_checked",
    }
}

impl Failure {
    /// True if the same bytes may well be taken a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Failure::Unreachable(_) => true,
            Failure::UnexpectedAnswer(_, status) => *status >= 500,
            Failure::Refused(code) => {
                matches!(code, Code::BoxUnfit | Code::Busy | Code::RequestTimeout | Code::TooManyRequests)
            }
            Failure::Alarm(_) | Failure::Card(_) | Failure::Review(_) | Failure::Idle(_) | Failure::Internal(_) => {
                false
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Alarm(alarm) => write!(f, "alarm: {}", alarm.as_str()),
            Failure::Refused(code) => write!(f, "refused: {}", code.as_str()),
            Failure::Unreachable(address) => write!(f, "unreachable: {address}"),
            Failure::UnexpectedAnswer(address, status) => write!(f, "unexpected answer {status} of {address}"),
            Failure::Card(fault) => write!(f, "card: {}", fault.as_str()),
            Failure::Review(faults) => write!(f, "the review has {} fault(s)", faults.len()),
            Failure::Idle(idle) => write!(f, "nothing to do: {}", idle.as_str()),
            Failure::Internal(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Alarm> for Failure {
    fn from(alarm: Alarm) -> Self {
        Failure::Alarm(alarm)
    }
}

impl From<CardFailure> for Failure {
    fn from(fault: CardFailure) -> Self {
        Failure::Card(fault)
    }
}

impl From<Idle> for Failure {
    fn from(idle: Idle) -> Self {
        Failure::Idle(idle)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Internal(error)
    }
}

impl From<&alarms::Alarm> for Alarm {
    fn from(alarm: &alarms::Alarm) -> Self {
        match alarm {
            alarms::Alarm::KeyCount(_) => Alarm::KeyCount,
            alarms::Alarm::DuplicateKey(_) => Alarm::DuplicateKey,
            alarms::Alarm::KeyIdMismatch(_) => Alarm::KeyIdMismatch,
            alarms::Alarm::UnreadableKey(_) => Alarm::UnreadableKey,
            alarms::Alarm::WeakKey(..) => Alarm::WeakKey,
            alarms::Alarm::IssuedMin(_) => Alarm::IssuedMin,
        }
    }
}
