//! What is sent to endpoints, kind by kind, for the document: of each kind of event a schema of its own, which says what is always
//! there and what never is. A newcomer's usual mistake is to write it by hand; it is made from the table of the domain.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, PathsBuilder, Ref, RefOr, Required, ResponseBuilder};

use crate::domain::events::{EventKind, Has, Member};

/// Adds what is sent to endpoints.
pub(super) fn describe(document: &mut OpenApi) {
    let schemas = &mut document.components.get_or_insert_default().schemas;
    let mut sent = PathsBuilder::new();
    for kind in EventKind::ALL.iter().copied() {
        schemas.insert(schema_name(kind), RefOr::T(Schema::Object(schema(kind))));
        sent = sent.path(kind.as_str(), PathItem::new(HttpMethod::Post, operation(kind)));
    }
    document.webhooks = Some(sent.build());
}

/// `EvaluationFinalisedEvent`.
fn schema_name(kind: EventKind) -> String {
    let words = kind.as_str().split('.').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    });
    format!("{}Event", words.collect::<String>())
}

fn meaning(kind: EventKind) -> &'static str {
    match kind {
        EventKind::EvaluationFinalised => "An evaluation is final: `outcome_code` says how it ended.",
        EventKind::EvaluationRevoked => {
            "An evaluation that was final no longer holds. Undo what rests on it, then acknowledge the event."
        }
        EventKind::TrainingRecommended => "A final decision recommends training or mentoring.",
        EventKind::ExtractIssued => {
            "An extract was issued to this system: fetch it at `GET /v1/extracts/{extract_id}`."
        }
        EventKind::ExtractRevoked => {
            "An extract that was issued to this system no longer holds. Undo what rests on it, then acknowledge the event."
        }
    }
}

fn schema(kind: EventKind) -> Object {
    let typed = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind.as_str()])).build();
    let version = i64::from(kind.version());
    let versioned = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([version])).build();
    let mut object = ObjectBuilder::new()
        .description(Some(meaning(kind)))
        .property("type", typed)
        .property("version", versioned)
        .property("id", Ref::from_schema_name("EventId"))
        .property("occurred_on", text(Some(KnownFormat::Date), None, false))
        .property("judge_id", Ref::from_schema_name("JudgeId"));
    for name in ["type", "version", "id", "occurred_on", "judge_id"] {
        object = object.required(name);
    }
    for member in Member::ALL {
        object = object.property(member.name(), of(member, kind.has(member))).required(member.name());
    }
    object.build()
}

fn of(member: Member, has: Has) -> Object {
    let may_be_null = has == Has::Sometimes;
    match (has, member) {
        (Has::Never, _) => ObjectBuilder::new().schema_type(Type::Null).build(),
        (_, Member::EvaluationId | Member::ExtractId) => text(Some(KnownFormat::Uuid), None, may_be_null),
        (_, Member::ValidUntil) => text(Some(KnownFormat::Date), None, may_be_null),
        (_, Member::OutcomeCode) => text(None, Some("^[a-z][a-z0-9_]{0,39}$"), may_be_null),
        (_, Member::DocumentDigest) => text(None, Some("^[A-Za-z0-9_-]{43,64}$"), may_be_null),
    }
}

fn text(format: Option<KnownFormat>, pattern: Option<&str>, may_be_null: bool) -> Object {
    let kind = match may_be_null {
        true => SchemaType::from_iter([Type::String, Type::Null]),
        false => SchemaType::new(Type::String),
    };
    ObjectBuilder::new().schema_type(kind).format(format.map(SchemaFormat::KnownFormat)).pattern(pattern).build()
}

fn operation(kind: EventKind) -> Operation {
    let id = format!("on_{}", kind.as_str().replace('.', "_"));
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema_name(kind)))).build();
    let words = "Sent to endpoints that asked for this kind, by Standard Webhooks 1.0: at least once, with the same `webhook-id` \
                 each time, and in order for each judge. Check the signature over `webhook-id`, `webhook-timestamp` and the \
                 body, parted by full stops, and refuse what is older than five minutes. Redirects are not followed.";
    let wait = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(86_400)).build();
    let wait =
        HeaderBuilder::new().schema(Some(wait)).description(Some("Seconds to wait before the next attempt.")).build();
    let taken = ResponseBuilder::new().description("Any status of 200 to 299: the event is taken.").build();
    let gone = ResponseBuilder::new().description("No more events are wanted: the endpoint is sent none.").build();
    let refused = ResponseBuilder::new()
        .description("Any other: it is tried again for three days, waiting longer each time.")
        .header("Retry-After", wait)
        .build();
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag("webhooks")
        .summary(Some(meaning(kind)))
        .description(Some(words))
        .parameter(header(
            "webhook-id",
            "The id of the event: whoever has it already answers 2xx and does nothing.",
            36,
        ))
        .parameter(header("webhook-timestamp", "When this attempt was made, in seconds since 1970.", 20))
        .parameter(header(
            "webhook-signature",
            "`v1,` and base64 of HMAC-SHA256; two with a blank between while the secret is replaced.",
            128,
        ))
        .request_body(Some(
            RequestBodyBuilder::new().content("application/json", body).required(Some(Required::True)).build(),
        ))
        .response("2XX", taken)
        .response("410", gone)
        .response("default", refused)
        .build()
}

fn header(name: &str, words: &str, length_max: usize) -> ParameterBuilder {
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(length_max)).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(words))
        .schema(Some(schema))
}
