//! What can go wrong, free of HTTP. A newcomer's usual mistake is to make absence an error: a lookup gives `Option`,
//! a refusal is [`Error::Refused`] with a [`Code`] the caller can act on, and a bug is [`Error::Internal`].

pub mod hint;

use std::borrow::Cow;
use std::fmt;

use crate::error::hint::Hint;

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request or a step did not happen.
#[derive(Debug)]
pub enum Error {
    /// The caller's fault, or a state that does not allow the act now: answered 4xx (503 for `Busy` and `BoxUnfit`).
    Refused(Refusal),
    /// The database failed; kept whole so that the runner can see a serialisation failure. Answered 500.
    Sql(diesel::result::Error),
    /// A bug or a broken machine. Answered 500, without detail.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// A refusal: its code, the fields at fault, and when to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The machine-readable reason; a heading of `openapi/problems.md`.
    pub code: Code,
    /// The fields at fault, in the order found; empty where the code says all.
    pub faults: Vec<Fault>,
    /// Seconds after which the same request may succeed; with `TooManyRequests` and `Busy`.
    pub retry_after_seconds: Option<u32>,
    /// What would help, a sentence each: the move to make first, every guard that is not met.
    pub hints: Vec<Hint>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where the field is.
    pub place: Place,
    /// Which rule it breaks.
    pub rule: Rule,
}

/// Where a fault is: in the body, or in the path, query or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An RFC 6901 pointer into the body; empty for the whole body.
    Pointer(String),
    /// The name of a path, query or header parameter.
    Parameter(String),
}

/// The rule that a field breaks. [`Rule::code`] names it on the wire; `texts/` says it in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The field must be there and not null.
    Required,
    /// No such field or parameter exists.
    Unknown,
    /// The value has the wrong JSON type or cannot be read as what is expected.
    Type,
    /// The number must be from `min` to `max`, both included.
    Range {
        /// The least value allowed.
        min: i64,
        /// The greatest value allowed.
        max: i64,
    },
    /// The text or list must have from `min` to `max` characters or elements.
    Length {
        /// The least number of characters or elements.
        min: u64,
        /// The greatest number of characters or elements.
        max: u64,
    },
    /// The text does not have the expected form; the form in words a caller knows (`YYYY-MM-DD`, `12 digits`).
    Format {
        /// The form expected.
        expected: &'static str,
    },
    /// The value is not one of those allowed.
    OneOf {
        /// The values allowed, separated by commas.
        allowed: Cow<'static, str>,
    },
    /// Refers to something that does not exist.
    Missing,
    /// Stands more than once where it may stand once, or is taken.
    Duplicate,
    /// The check digit is wrong (IIN).
    CheckDigit,
    /// Must be after, or not before, another field.
    Order {
        /// The name of the other field.
        other: &'static str,
    },
    /// Contradicts another field.
    Mismatch {
        /// The name of the other field.
        other: &'static str,
    },
    /// May not be changed or set here.
    Fixed,
    /// Below the floor that a methodology may not undercut.
    Floor {
        /// The floor.
        min: i64,
    },
    /// Too weak or too common a password.
    Weak,
}

impl Rule {
    /// The snake_case name of the rule on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Rule::Required => "required",
            Rule::Unknown => "unknown",
            Rule::Type => "type",
            Rule::Range { .. } => "range",
            Rule::Length { .. } => "length",
            Rule::Format { .. } => "format",
            Rule::OneOf { .. } => "one_of",
            Rule::Missing => "missing",
            Rule::Duplicate => "duplicate",
            Rule::CheckDigit => "check_digit",
            Rule::Order { .. } => "order",
            Rule::Mismatch { .. } => "mismatch",
            Rule::Fixed => "fixed",
            Rule::Floor { .. } => "floor",
            Rule::Weak => "weak",
        }
    }

    /// What [`Rule::code`] leaves out, for rules that are kept and told later; none where the code says all.
    pub fn argument(&self) -> Option<String> {
        match self {
            Rule::Required | Rule::Unknown | Rule::Type | Rule::Missing | Rule::Duplicate => None,
            Rule::CheckDigit | Rule::Fixed | Rule::Weak => None,
            Rule::Range { min, max } => Some(format!("{min}..{max}")),
            Rule::Length { min, max } => Some(format!("{min}..{max}")),
            Rule::Format { expected } => Some((*expected).to_owned()),
            Rule::OneOf { allowed } => Some(allowed.to_string()),
            Rule::Order { other } | Rule::Mismatch { other } => Some((*other).to_owned()),
            Rule::Floor { min } => Some(min.to_string()),
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Every reason for which a request is refused; the wire name is [`Code::as_str`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All codes, for the tests that compare texts, `problems.md` and this list.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The snake_case name on the wire; the problem's type is `/problems/<name>`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read: broken JSON, wrong type, unknown field or parameter.
    Malformed = "malformed",
    /// The page cursor is not ours, or belongs to another filter.
    BadCursor = "bad_cursor",
    /// A ballot request carried something that identifies its sender; nothing was stored.
    IdentifiedRequestRefused = "identified_request_refused",
    /// A ballot request does not have the one fixed size.
    WrongSize = "wrong_size",
    /// No valid access token.
    Unauthenticated = "unauthenticated",
    /// Login name or password is wrong, or the account is closed.
    LoginFailed = "login_failed",
    /// The refresh token is unknown, expired or was used before.
    RefreshRefused = "refresh_refused",
    /// The account may not do this.
    Forbidden = "forbidden",
    /// The judge is not assigned to this subject.
    NotAssigned = "not_assigned",
    /// The judge has recused from this assignment.
    Recused = "recused",
    /// Too few credentials were issued for this subject: its reviews stay closed.
    GateClosed = "gate_closed",
    /// The credential was not signed by every issuer of the manifest.
    CredentialInvalid = "credential_invalid",
    /// The review is not signed by its credential's key.
    SignatureInvalid = "signature_invalid",
    /// Nothing is here, or nothing that the caller may know of.
    NotFound = "not_found",
    /// The ballot box knows no such cycle and round.
    UnknownCycle = "unknown_cycle",
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed",
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout",
    /// Such a thing exists already.
    AlreadyExists = "already_exists",
    /// The phase or state does not allow this now; the hint names the move that would help.
    WrongPhase = "wrong_phase",
    /// Guards of the move are not met yet; the hints say which.
    GuardNotMet = "guard_not_met",
    /// The act needs a second person's approval first.
    ApprovalRequired = "approval_required",
    /// The thing changed after the approval, the approval expired, or the digest differs.
    ApprovalStale = "approval_stale",
    /// The second person must be another one.
    SecondPersonRequired = "second_person_required",
    /// A published methodology never changes.
    MethodologyPublished = "methodology_published",
    /// The methodology is not in force on the day the cycle starts.
    MethodologyNotInForce = "methodology_not_in_force",
    /// The methodology holds draft texts; publishing it needs that to be accepted explicitly.
    DraftTexts = "draft_texts",
    /// The eligible pool is smaller than the panel.
    PoolTooSmall = "pool_too_small",
    /// The ballot box has not published its keys, manifest note or sealed bundle yet.
    BoxNotReady = "box_not_ready",
    /// A credential was already issued for another blinded message.
    CredentialAlreadyIssued = "credential_already_issued",
    /// The review's sequence does not follow the stored one.
    SeqConflict = "seq_conflict",
    /// This value is already recorded for the period; restate it instead.
    ObservationExists = "observation_exists",
    /// The record was already superseded by a newer one.
    AlreadySuperseded = "already_superseded",
    /// The window for this act has closed.
    WindowClosed = "window_closed",
    /// The reviews of a closed cycle have been kept for their time and are deleted.
    ReviewsDeleted = "reviews_deleted",
    /// The extract's time is over.
    ExtractExpired = "extract_expired",
    /// The extract was revoked.
    ExtractRevoked = "extract_revoked",
    /// `If-Match` names a version that is no longer current.
    Stale = "stale",
    /// The manifest named is not the one in force.
    ManifestMismatch = "manifest_mismatch",
    /// The body is larger than this operation takes.
    PayloadTooLarge = "payload_too_large",
    /// The content type is not the one this operation takes.
    UnsupportedMediaType = "unsupported_media_type",
    /// The request can be read but is not valid; `errors` names the fields.
    Invalid = "invalid",
    /// The file of the list would have more rows than are answered at once; order it as an export.
    ExportTooLarge = "export_too_large",
    /// The Idempotency-Key was used before with another body.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// A credential request must cover every assignment not yet issued.
    IncompleteRequest = "incomplete_request",
    /// The blinded message is not a number below the modulus.
    BadBlindedMsg = "bad_blinded_msg",
    /// The manifest names no such subject.
    UnknownSubject = "unknown_subject",
    /// The review's items, ranges, statements or sequence break the instrument's rules.
    InvalidReview = "invalid_review",
    /// The box never gave this receipt.
    InvalidReceipt = "invalid_receipt",
    /// The window for this act has not opened yet.
    TooEarly = "too_early",
    /// The write must carry `If-Match`.
    PreconditionRequired = "precondition_required",
    /// Too many attempts; wait as `Retry-After` says.
    TooManyRequests = "too_many_requests",
    /// The box would keep what it must forget, and takes nothing until that is mended.
    BoxUnfit = "box_unfit",
    /// The service is at its limit; try again soon.
    Busy = "busy",
    /// Our fault; the details are in the log under the request id.
    Internal = "internal",
}

impl Refusal {
    /// A refusal that its code alone explains.
    pub fn new(code: Code) -> Self {
        Refusal { code, faults: Vec::new(), retry_after_seconds: None, hints: Vec::new() }
    }
}

impl Error {
    /// 422 with one field at fault; `pointer` is RFC 6901 into the body.
    pub fn invalid(pointer: impl Into<String>, rule: Rule) -> Self {
        Error::faults(Code::Invalid, vec![Fault::at(pointer, rule)])
    }

    /// 422 (or the code's status) with all the fields at fault.
    pub fn faults(code: Code, faults: Vec<Fault>) -> Self {
        Error::Refused(Refusal { faults, ..Refusal::new(code) })
    }

    /// A refusal that says what would help, such as the move to make first.
    pub fn hinted(code: Code, hint: impl Into<Hint>) -> Self {
        Error::hints(code, vec![hint.into()])
    }

    /// A refusal that says everything that would help.
    pub fn hints(code: Code, hints: Vec<Hint>) -> Self {
        Error::Refused(Refusal { hints, ..Refusal::new(code) })
    }

    /// A refusal that tells when to come back.
    pub fn retry_after(code: Code, seconds: u32) -> Self {
        Error::Refused(Refusal { retry_after_seconds: Some(seconds), ..Refusal::new(code) })
    }

    /// A bug or broken machine, from any error or message.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Internal(cause.into())
    }

    /// The code that the caller sees.
    pub fn code(&self) -> Code {
        match self {
            Error::Refused(refusal) => refusal.code,
            Error::Sql(_) | Error::Internal(_) => Code::Internal,
        }
    }
}

impl Fault {
    /// A fault at an RFC 6901 pointer into the body.
    pub fn at(pointer: impl Into<String>, rule: Rule) -> Self {
        Fault { place: Place::Pointer(pointer.into()), rule }
    }

    /// A fault in a path, query or header parameter.
    pub fn parameter(name: impl Into<String>, rule: Rule) -> Self {
        Fault { place: Place::Parameter(name.into()), rule }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => write!(f, "{}", refusal.code.as_str()),
            Error::Sql(cause) => write!(f, "database: {cause}"),
            Error::Internal(cause) => write!(f, "internal: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Error::Refused(Refusal::new(code))
    }
}

impl From<diesel::result::Error> for Error {
    fn from(cause: diesel::result::Error) -> Self {
        Error::Sql(cause)
    }
}

/// Turns a unique violation at this call site into the refusal it means there.
///
/// SQLite names no constraint in its errors, so the call site decides, and each call has one meaning.
pub trait OnUnique<T> {
    /// The value, or `code` where a unique constraint was violated, or the database error as it is.
    fn on_unique(self, code: Code) -> Result<T>;
}

impl<T> OnUnique<T> for diesel::QueryResult<T> {
    fn on_unique(self, code: Code) -> Result<T> {
        use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
        match self {
            Err(DatabaseError(UniqueViolation, _)) => Err(code.into()),
            other => other.map_err(Error::Sql),
        }
    }
}
