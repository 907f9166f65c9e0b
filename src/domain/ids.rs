//! Identifiers of the registry: one newtype over UUIDv7 for each kind of thing, so that a judge's id cannot stand
//! where a cycle's is wanted. Never used in the ballot box: a UUIDv7 is a clock.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid, min_length = 36, max_length = 36, example = "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11")]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> std::result::Result<Self, uuid::Error> {
                uuid::Uuid::parse_str(text).map($name)
            }
        }

        $crate::stored_as_text!($name);
    )*};
}

ids! {
    /// Identifies an account.
    AccountId,
    /// Identifies a log-in and the refresh tokens that follow from it.
    SessionId,
    /// Identifies one review of a judge's act by a higher court.
    ActId,
    /// Identifies one act waiting for, or confirmed by, a second person.
    ApprovalId,
    /// Identifies an entry of the audit log.
    AuditEntryId,
    /// Identifies a machine client.
    ClientId,
    /// Identifies a court.
    CourtId,
    /// Identifies an extract from a judge's file.
    ExtractId,
    /// Identifies a judge; the only key of a judge outside the file.
    JudgeId,
    /// Identifies a post held by a judge.
    PositionId,
    /// Identifies a record of what is known of a judge's person.
    ParticularsId,
    /// Identifies one observed value of an indicator.
    ObservationId,
    /// Identifies a record of one of the file's other sections; and, where its kind is named beside it, any record of a file.
    RecordId,
    /// Identifies an edition of how long records are kept.
    RetentionScheduleId,
    /// Identifies a hold that keeps records from being destroyed.
    HoldId,
    /// Identifies one destruction of what was kept for its time.
    RetentionRunId,
    /// Identifies a judge's request to correct a record of the file.
    CorrectionRequestId,
    /// Identifies a file of records that is taken in as one batch.
    ImportId,
    /// Identifies a version of a methodology.
    MethodologyId,
    /// Identifies a cycle of evaluation.
    CycleId,
    /// Identifies one judge's passage through a cycle.
    EvaluationId,
    /// Identifies one entry of an evaluation's eligible pool.
    PoolEntryId,
    /// Identifies a declared conflict between two judges.
    ConflictId,
    /// Identifies a challenge of a person in the pool.
    ChallengeId,
    /// Identifies one reviewer's assignment to one subject.
    AssignmentId,
    /// Identifies a file of a list that was ordered.
    ExportId,
    /// Identifies one version of a year's working-day calendar.
    WorkCalendarId,
    /// Identifies a leave of a judge.
    LeaveId,
    /// Identifies a request for an evaluation outside of the regular order.
    EvaluationRequestId,
    /// Identifies a yearly plan of evaluations.
    EvaluationPlanId,
    /// Identifies one judge's entry in a plan.
    PlanEntryId,
    /// Identifies a move of an evaluation's own course.
    EvaluationMoveId,
    /// Identifies a version of a draft report.
    ReportId,
    /// Identifies a hearing.
    HearingId,
    /// Identifies what a panel is asked to decide, and has decided.
    DecisionId,
    /// Identifies an appeal.
    AppealId,
    /// Identifies a judge's request that a member step back.
    RecusalRequestId,
    /// Identifies a notice to one person.
    NoticeId,
    /// Identifies an event that other systems are told of.
    EventId,
    /// Identifies an endpoint that events are sent to.
    WebhookId,
    /// Identifies one event on its way to one endpoint.
    DeliveryId,
    /// Identifies an act that was drawn for a reading pack.
    ReadingActId,
    /// Identifies a depersonalised text of such an act.
    ReadingTextId,
    /// Identifies a piece of background work.
    JobId,
}

/// A fresh UUIDv7 for something made at `at`; the id's first 48 bits are that time in milliseconds.
pub fn new_at(at: chrono::DateTime<chrono::Utc>) -> uuid::Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, at.timestamp_subsec_nanos()))
}

/// Whether an id of [`new_at`] was made before an instant, in UTC.
pub fn is_made_before(id: uuid::Uuid, instant: chrono::NaiveDateTime) -> bool {
    let made = id.get_timestamp().map(|made| made.to_unix());
    let instant = instant.and_utc();
    made.is_some_and(|(seconds, nanos)| {
        i64::try_from(seconds)
            .is_ok_and(|seconds| (seconds, nanos) < (instant.timestamp(), instant.timestamp_subsec_nanos()))
    })
}

/// A fresh random id without any time in it.
pub fn random() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}
