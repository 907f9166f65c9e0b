//! What every route keeps, whatever it does: headers, methods, sizes, types, ids of requests. A newcomer's usual mistake
//! is to test such a thing on one's own route; here it is asked of all, from the document.

use std::time::{Duration, Instant};

use ejf::config::Docs;
use ejf::db::{Purpose, migrate_down};
use ejf::domain::policy::StaffRole;
use ejf::error::Code;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{App, PASSWORD};
use crate::requests::{Operation, World, document, operations};

const SECURITY_HEADERS: [&str; 6] = [
    "x-content-type-options",
    "cache-control",
    "referrer-policy",
    "content-security-policy",
    "cross-origin-resource-policy",
    "strict-transport-security",
];

/// Sends bytes as they are and reads until the service closes.
async fn send_raw(app: &App, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A POST of a log-in with this head and body, byte by byte.
fn log_in_with(head: &str, body: &[u8]) -> Vec<u8> {
    let start = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [start.as_bytes(), body].concat()
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn security_headers_and_a_request_id_are_on_every_answer_good_or_bad() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let document = document();
    for operation in operations(&document) {
        let request = world.request(&document, &operation);
        for client in [&app.anonymous(), &administrator] {
            let answer = request.send(client).await;
            for name in SECURITY_HEADERS.iter().chain(&["x-request-id"]) {
                assert!(answer.headers.contains_key(*name), "{}: no {name}", operation.id);
            }
        }
    }
    for path in ["/nowhere", "/v1/nowhere", "/openapi.json", "/docs", "/docs/nothing", "/v1/me?x=%00"] {
        let answer = app.anonymous().get(path).await;
        assert!(SECURITY_HEADERS.iter().all(|name| answer.headers.contains_key(*name)), "{path}");
    }
}

/// Whether a path is of the form of a template.
fn fits(template: &str, path: &str) -> bool {
    let (parts, segments): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fit = |(part, segment): (&&str, &&str)| part.starts_with('{') || part == segment;
    parts.len() == segments.len() && parts.iter().zip(&segments).all(fit)
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let document = document();
    let all: Vec<Operation> = operations(&document);
    for operation in &all {
        let siblings: Vec<&str> =
            all.iter().filter(|other| other.path == operation.path).map(|other| other.method.as_str()).collect();
        // `/v1/judges/lookup` is also of the form `/v1/judges/{judge_id}`, whose methods reach the handler there.
        let served = |method: &&str| {
            all.iter().any(|other| &other.method.as_str() == method && fits(&other.path, &operation.path))
        };
        let unused = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].into_iter().find(|method| !served(method));
        let method = reqwest::Method::from_bytes(unused.unwrap().as_bytes()).unwrap();
        let path = world.request(&document, operation).path;
        let answer = administrator.send(method, &path, None).await.expect_problem(405, "method_not_allowed");
        let mut allowed: Vec<&str> = answer.header("allow").split(", ").filter(|method| *method != "HEAD").collect();
        allowed.sort_unstable();
        let mut expected = siblings.clone();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{}", operation.path);
        assert_eq!(answer.header("allow").contains("HEAD"), siblings.contains(&"GET"), "{}", operation.path);
    }
}

#[tokio::test]
async fn a_service_that_answers_is_ready_on_either_engine_and_not_once_its_schema_is_another() {
    let app = App::start().await;
    for path in ["/livez", "/readyz", "/healthz"] {
        app.anonymous().get(path).await.expect(200);
    }

    let undo = |conn: &mut ejf::db::Conn, _: &ejf::db::Connector| migrate_down(conn, Purpose::Registry, 1);
    app.registry().0.maintain(undo).await.unwrap();

    app.anonymous().get("/livez").await.expect(200);
    app.anonymous().get("/readyz").await.expect_problem(503, "busy");
    app.anonymous().get("/healthz").await.expect_problem(503, "busy");
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let app = App::start().await;
    let http = reqwest::Client::new();
    for path in ["/livez", "/problems/stale", "/.well-known/jwks.json", "/v1/me", "/nowhere", "/v1/sessions"] {
        let url = format!("{}{path}", app.base);
        let get = http.get(&url).send().await.unwrap();
        let head = http.head(&url).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "allow"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path}: {name}");
        }
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_request_id_is_given_back_if_it_is_plain_and_replaced_if_not() {
    let app = App::start().await;
    let long = "x".repeat(65);
    let longest = "x".repeat(64);
    for given in ["a-1_b.C", longest.as_str()] {
        let answer = app.anonymous().with_header("X-Request-Id", given).get("/livez").await.expect(200);
        assert_eq!(answer.header("x-request-id"), given);
    }
    for given in ["", "a b", "<script>", "а", "a\tb", long.as_str()] {
        let answer = app.anonymous().with_header("X-Request-Id", given).get("/nowhere").await.expect(404);
        assert_ne!(answer.header("x-request-id"), given);
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn a_body_of_another_type_or_encoding_is_415() {
    let app = App::start().await;
    let body = json!({"login": "aigul", "password": PASSWORD});
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/problem+json", "application", ""] {
        let answer = app.anonymous().with_header("Content-Type", kind).post("/v1/sessions", body.clone()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    for encoding in ["gzip", "br", "identity"] {
        let answer = app.anonymous().with_header("Content-Encoding", encoding).post("/v1/sessions", body.clone()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let with_charset = app.anonymous().with_header("Content-Type", "Application/JSON; charset=utf-8");
    with_charset.post("/v1/sessions", body).await.expect_problem(401, "login_failed");
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_not_a_byte_more() {
    let app = App::start().await;
    let padded = |size: usize| {
        let start = br#"{"login":"aigul","password":"x"}"#.to_vec();
        let padding = vec![b' '; size - start.len()];
        [start, padding].concat()
    };
    let send =
        async |size: usize| app.anonymous().send(reqwest::Method::POST, "/v1/sessions", Some(padded(size))).await;

    send(64 * 1024).await.expect_problem(401, "login_failed");
    send(64 * 1024 + 1).await.expect_problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_given_up_after_ten_seconds() {
    let app = App::start().await;
    let begun = Instant::now();

    let mut bytes = log_in_with(JSON, br#"{"login":"aigul","password":"x"}"#);
    bytes.truncate(bytes.len() - 10);
    let answer = tokio::time::timeout(Duration::from_secs(20), send_raw(&app, &bytes)).await.expect("an answer");

    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    assert!(begun.elapsed() >= Duration::from_secs(9));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let app = App::start().await;

    let bytes = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let answer = tokio::time::timeout(Duration::from_secs(20), send_raw(&app, bytes)).await.expect("an end");

    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_read_as_one_json_text_is_400() {
    let app = App::start().await;
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "required"),
        (b"{".to_vec(), "format"),
        (b"\xef\xbb\xbf{}".to_vec(), "format"),
        (b"{\"login\":\"\xff\"}".to_vec(), "format"),
        (br#"{"login":"\ud800"}"#.to_vec(), "format"),
        (br#"{"login":"a\u0000"}"#.to_vec(), "format"),
        (br#"{"login":"a","login":"b"}"#.to_vec(), "duplicate"),
        (br#"{"login":"a","l\u006fgin":"b"}"#.to_vec(), "duplicate"),
        (br#"{"login":"a"}{}"#.to_vec(), "format"),
        (br#"{"login":NaN}"#.to_vec(), "format"),
        (nested(33).into_bytes(), "format"),
        (nested(30_000).into_bytes(), "format"),
    ];
    for (body, rule) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = app.anonymous().send(reqwest::Method::POST, "/v1/sessions", Some(body)).await;
        let answer = answer.expect_problem(400, "malformed");
        assert_eq!(answer.faults().first().map(|(_, rule)| rule.as_str()), Some(rule), "{shown}");
    }
}

#[tokio::test]
async fn a_language_that_cannot_be_understood_gets_the_services_own() {
    let app = App::start().await;
    let long = "de,".repeat(2000);
    for wish in ["", "*", ";;;q=", "xx-yy-zz", "q=1", "kk;q=2;q=x", long.as_str(), "\u{ff}"] {
        let answer = app.anonymous().with_header("Accept-Language", wish).get("/nowhere").await.expect(404);
        assert!(["kk", "ru", "en"].contains(&answer.header("content-language")), "{wish}");
    }
}

#[tokio::test]
async fn an_idempotency_key_has_1_to_255_visible_characters() {
    let app = App::start().await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let body = json!({"login": "d.serikov", "password": PASSWORD, "staff_role": "member"});
    let (long, longest) = ("k".repeat(256), "k".repeat(255));
    for key in ["", long.as_str(), "a b", "a\tb", "ключ"] {
        let answer = administrator.with_key(key).post("/v1/accounts", body.clone()).await;
        let answer = answer.expect_problem(400, "malformed");
        assert_eq!(answer.faults(), [("Idempotency-Key".to_owned(), "format".to_owned())], "{key:?}");
    }
    administrator.with_key(&longest).post("/v1/accounts", body).await.expect(201);
    // No client library sends a control character, and the parser of heads takes none.
    let answer = send_raw(&app, &log_in_with("Idempotency-Key: a\u{1}b\r\n", b"{}")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn every_code_has_its_page() {
    let app = App::start().await;
    for code in Code::ALL {
        let page = app.anonymous().get(&format!("/problems/{}", code.as_str())).await.expect(200);
        assert!(page.text.starts_with(&format!("# {}\n", code.as_str())), "{}", page.text);
        assert_eq!(page.header("content-type"), "text/markdown; charset=utf-8");
    }
    app.anonymous().get("/problems/no_such_code").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_document_is_read_by_whom_the_configuration_names() {
    for (docs, anonymous_status, member_status) in
        [(Docs::SignedIn, 401, 200), (Docs::Public, 200, 200), (Docs::Off, 404, 404)]
    {
        let app = App::start_with(|config| config.docs = docs).await;
        let member = app.staff(StaffRole::Member).await;
        for path in ["/openapi.json", "/docs", "/docs/swagger-ui.css"] {
            app.anonymous().get(path).await.expect(anonymous_status);
            app.forged().get(path).await.expect(anonymous_status);
            member.get(path).await.expect(member_status);
        }
    }
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_committed() {
    let app = App::start().await;
    let served: Value = app.anonymous().get("/openapi.json").await.expect(200).body;
    assert_eq!(served, document());
    let reader = app.anonymous().get("/docs").await.expect(200);
    assert!(reader.header("content-security-policy").starts_with("default-src 'self'"));
    app.anonymous().get("/docs/no-such-file").await.expect_problem(404, "not_found");
}
