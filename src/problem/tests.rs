//! Tests of the table and of the rendering. The bodies are compared whole: what a problem does not say matters, too.

use std::io::Write;
use std::sync::Mutex;

use actix_web::body::{MessageBody, to_bytes};
use serde_json::{Value, json};

use super::*;

const PROBLEMS: &str = include_str!("../../openapi/problems.md");

async fn body_of(response: HttpResponse) -> Value {
    let bytes = to_bytes(response.into_body().boxed()).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn problems_md_has_a_section_for_each_code_and_no_other() {
    let headings: Vec<&str> = PROBLEMS.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(headings, codes);
}

#[test]
fn problems_md_states_the_status_the_meaning_and_the_remedy() {
    for code in Code::ALL {
        let heading = format!("## {}\n", code.as_str());
        let section = PROBLEMS.split(&heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let status_line = format!("\nStatus: {}\n", status(*code));
        assert!(section.contains(&status_line), "{}: no {status_line:?}", code.as_str());
        let paragraphs: Vec<&str> = section.trim().split("\n\n").collect();
        assert_eq!(paragraphs.len(), 3, "{}", code.as_str());
        assert!(paragraphs[2].starts_with("What to do: "), "{}", code.as_str());
    }
}

#[test]
fn every_status_is_an_error_and_internal_alone_is_500() {
    for code in Code::ALL {
        let found = status(*code);
        assert_eq!(Error::from(*code).status_code().as_u16(), found);
        assert!((400..=503).contains(&found), "{}", code.as_str());
        assert_eq!(found == 500, *code == Code::Internal, "{}", code.as_str());
    }
}

#[actix_web::test]
async fn a_refusal_of_fields_names_each_with_its_rule_in_words() {
    let error = Error::faults(
        Code::Invalid,
        vec![
            Fault::at("/numerator", Rule::Range { min: 0, max: 30_000 }),
            Fault::parameter("Idempotency-Key", Rule::Length { min: 1, max: 255 }),
            Fault::at("/iin", Rule::Format { expected: "12 digits" }),
            Fault::at("/day", Rule::Format { expected: "YYYY-MM-DD" }),
        ],
    );
    let response = render(&error, Language::Ru, Some("r-1"));
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
    assert_eq!(response.headers().get(header::CONTENT_LANGUAGE).unwrap(), "ru");
    assert_eq!(response.headers().get(header::VARY).unwrap(), "Accept-Language");
    let expected = json!({
        "type": "/problems/invalid",
        "title": "Данные недопустимы",
        "status": 422,
        "detail": "Запрос прочитан, но данные не соответствуют правилам. Исправьте поля, перечисленные в errors, и отправьте запрос снова.",
        "code": "invalid",
        "request_id": "r-1",
        "errors": [
            {"pointer": "/numerator", "code": "range", "detail": "Допустимы значения от 0 до 30000 включительно."},
            {"parameter": "Idempotency-Key", "code": "length", "detail": "Допустимое число знаков или элементов: от 1 до 255."},
            {"pointer": "/iin", "code": "format", "detail": "Требуемый формат: 12 цифр."},
            {"pointer": "/day", "code": "format", "detail": "Требуемый формат: YYYY-MM-DD."}
        ]
    });
    assert_eq!(body_of(response).await, expected);
}

#[actix_web::test]
async fn a_500_has_no_detail_and_tells_nothing_of_its_cause() {
    for error in [Error::internal("secret"), Error::Sql(diesel::result::Error::NotFound), Code::Internal.into()] {
        let response = render(&error, Language::Kk, None);
        assert_eq!(response.status(), 500);
        let expected = json!({"type": "/problems/internal", "title": "Ішкі қате", "status": 500, "code": "internal"});
        assert_eq!(body_of(response).await, expected);
    }
}

#[test]
fn an_unauthenticated_caller_learns_how_to_sign_in() {
    for code in Code::ALL.iter().filter(|code| status(**code) == 401) {
        let response = render(&Error::from(*code), Language::En, None);
        assert_eq!(response.headers().get(header::WWW_AUTHENTICATE).unwrap(), "Bearer");
    }
    let response = render(&Code::Forbidden.into(), Language::En, None);
    assert!(response.headers().get(header::WWW_AUTHENTICATE).is_none());
}

#[actix_web::test]
async fn who_must_wait_learns_how_long() {
    let response = render(&Error::retry_after(Code::TooManyRequests, 21), Language::Ru, None);
    assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "21");
    let detail = body_of(response).await["detail"].clone();
    assert_eq!(detail, "Превышено допустимое число запросов. Повторите запрос через 21 секунду.");

    let response = render(&Code::Busy.into(), Language::En, None);
    assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "5");
    assert!(render(&Code::NotFound.into(), Language::En, None).headers().get(header::RETRY_AFTER).is_none());
}

#[test]
fn a_plain_hint_is_shown_as_it_stands() {
    let problem = Problem::new(&Error::hinted(Code::WrongPhase, "2026-05-01"), Language::En, None);
    let detail = "The current phase or state does not allow this act. Check the state and make the necessary move first. \
                  Namely: 2026-05-01.";
    assert_eq!(problem.detail.as_deref(), Some(detail));
}

#[test]
fn every_hint_follows_the_detail_in_the_callers_language() {
    let hints = vec![
        Hint::new("subjects_too_few").text("count", 9).text("least", 10),
        Hint::new("draft_languages").words("languages", "language", vec!["kk", "en"]),
    ];
    let problem = Problem::new(&Error::hints(Code::GuardNotMet, hints), Language::Kk, None);
    let detail = "Міндетті шарттар әлі толық орындалмаған. Жетіспейтін шарттарды орындап, әрекетті қайталаңыз. \
                  Бағаланатын судьяларды қосыңыз: қазір 9, кемінде 10 болуға тиіс. \
                  Мына тілдердегі мәтіндер әлі жоба күйінде: қазақ, ағылшын.";
    assert_eq!(problem.detail.as_deref(), Some(detail));
}

#[test]
fn a_word_of_the_domain_is_said_in_the_callers_language() {
    let hint = Hint::new("phase_is_this_already").word("phase", "phase", "pool_review");
    let said = Language::ALL.map(|language| hint_text(&hint, language));
    let expected = [
        "Бағалау кезеңі қазірдің өзінде «ықтимал бағалаушылар тобын қарау» сатысында: көшудің қажеті жоқ.",
        "Цикл оценки уже находится на этапе «рассмотрение круга оценивающих»: переход не требуется.",
        "The cycle is in the phase \"pool review\" already: no move is needed.",
    ];
    assert_eq!(said, expected);
    let unknown = Hint::new("phase_is_this_already").word("phase", "phase", "no_such_phase");
    assert!(hint_text(&unknown, Language::En).contains("\"no_such_phase\""));
}

#[test]
fn what_stands_in_without_the_middleware_is_a_problem_too() {
    let response = HttpResponse::from_error(Error::from(Code::NotFound));
    assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
    assert_eq!(response.headers().get(header::CONTENT_LANGUAGE).unwrap(), "en");
}

#[test]
fn the_ballot_box_gets_status_and_title_without_an_error() {
    assert_eq!(status(Code::SeqConflict), 409);
    assert_eq!(english_title(Code::SeqConflict), "The review is out of sequence");
}

#[derive(Debug, thiserror::Error)]
#[error("reading the import")]
struct Outer(#[source] std::io::Error);

/// What a function writes to the log.
fn logged(work: impl FnOnce()) -> String {
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || Sink(Arc::clone(&sink))).finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(lines.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_500_is_logged_once_with_its_chain_and_request_id_but_no_value() {
    let cause = Outer(std::io::Error::other("no such court: \"Айгүл\"\nin line 3"));
    let log = logged(|| {
        render(&Error::internal(cause), Language::En, Some("r-7"));
    });
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("ERROR") && log.contains("r-7"), "{log}");
    assert!(log.contains("reading the import: no such court: \"…\" in line 3"), "{log}");
    assert!(!log.contains("Айгүл"), "{log}");
}

#[test]
fn a_refusal_is_not_logged() {
    let log = logged(|| {
        render(&Error::hinted(Code::WrongPhase, "x"), Language::En, Some("r-7"));
    });
    assert_eq!(log, "");
}

#[test]
fn a_database_failure_is_logged_by_kind_and_without_values() {
    use diesel::result::{DatabaseErrorKind, Error::DatabaseError};
    let facts = Box::new("invalid input syntax for type uuid: \"Айгүл\"".to_owned());
    let cause = cause(&Error::Sql(DatabaseError(DatabaseErrorKind::Unknown, facts)));
    assert_eq!(cause, "database: Unknown: invalid input syntax for type uuid: \"…\" (table -, constraint -)");
}

#[test]
fn a_problem_names_no_more_fields_than_the_document_says() {
    let faults = (0..10_000).map(|index| Fault::at(format!("/subjects/{index}"), Rule::Missing)).collect();

    let problem = Problem::new(&Error::faults(Code::Invalid, faults), Language::En, None);

    assert_eq!(problem.errors.len(), 1000);
    assert_eq!(problem.errors[999].pointer.as_deref(), Some("/subjects/999"));
}
