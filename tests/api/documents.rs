//! Documents of a file: bytes are what they are said to be, are kept once, and go out as an attachment and on record.

use ejf::domain::policy::StaffRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{App, Judge};
use crate::traps::dump;

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn path_of(judge: &Judge) -> String {
    format!("/v1/judges/{}/documents", judge.id)
}

#[tokio::test]
async fn a_document_comes_in_and_goes_out_as_the_same_bytes_under_its_title() {
    let app = App::start().await;
    let judge = app.judge().await;
    let path = path_of(&judge);
    let title = "Бұйрық № 114.pdf";
    let encoded = "%D0%91%D2%B1%D0%B9%D1%80%D1%8B%D2%9B%20%E2%84%96%20114.pdf";
    let own = judge.client(&app).await;

    let made = own
        .with_header("Content-Type", "application/pdf")
        .with_header("Content-Disposition", &format!("attachment; filename*=UTF-8''{encoded}"))
        .with_header("Content-Language", "kk")
        .send(Method::POST, &path, Some(PDF.to_vec()))
        .await
        .expect(201);

    let id = made.id();
    assert_eq!(made.header("location"), format!("{path}/{id}"));
    let fields = &made.body["content"]["document"];
    let shown = ["title", "media_type", "bytes", "language", "signature_status"].map(|name| fields[name].clone());
    assert_eq!(shown, [json!(title), json!("application/pdf"), json!(PDF.len()), json!("kk"), json!("not_checked")]);
    let digest = ejf::domain::hex::hex(&ejf::credential::encoding::sha256(&[PDF]).0);
    assert_eq!(fields["sha256"], digest);
    let read = app.secretary().await.get_for("personnel", &format!("{path}/{id}")).await.expect(200);
    assert_eq!((read.bytes.as_slice(), read.header("content-type")), (PDF, "application/pdf"));
    let disposition = format!("attachment; filename=\"document.pdf\"; filename*=UTF-8''{encoded}");
    assert_eq!(read.header("content-disposition"), disposition);
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    let listed = own.get(&format!("/v1/judges/{}/records?section=document", judge.id)).await.expect(200);
    assert_eq!(listed.body["items"], json!([made.body]));
    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| ["create_document", "get_document"].contains(&act.as_str())).count(), 2);
}

#[tokio::test]
async fn bytes_that_are_not_what_they_are_said_to_be_are_refused() {
    let app = App::start().await;
    let path = path_of(&app.judge().await);
    let secretary = app.secretary().await;
    let refused: [(&str, &[u8], u16, &str); 8] = [
        ("image/png", PDF, 422, "invalid"),
        ("application/pdf", b"<script>", 422, "invalid"),
        ("application/pdf", b"", 422, "invalid"),
        (DOCX, b"PK\x03\x04 xl/workbook.xml", 422, "invalid"),
        ("text/plain", b"a\0b", 422, "invalid"),
        ("text/html", b"<p>", 415, "unsupported_media_type"),
        ("image/svg+xml", b"<svg/>", 415, "unsupported_media_type"),
        ("application/json", b"{}", 415, "unsupported_media_type"),
    ];
    for (media_type, bytes, status, code) in refused {
        let refused = secretary.post_document(&path, media_type, "order.pdf", bytes).await;
        refused.expect_problem(status, code);
    }
    let taken: [(&str, &[u8]); 4] = [
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("text/plain; charset=utf-8", "Бұйрық\n".as_bytes()),
        (DOCX, b"PK\x03\x04 word/document.xml"),
    ];
    for (media_type, bytes) in taken {
        secretary.post_document(&path, media_type, "order", bytes).await.expect(201);
    }
}

#[tokio::test]
async fn a_document_has_a_title_of_one_line_and_a_language_that_is_known() {
    let app = App::start().await;
    let path = path_of(&app.judge().await);
    let plain = app.secretary().await.with_header("Content-Type", "application/pdf");
    let send = |headers: &[(&str, &str)]| {
        let client = headers.iter().fold(plain.clone(), |client, (name, value)| client.with_header(name, value));
        let path = path.clone();
        async move { client.send(Method::POST, &path, Some(PDF.to_vec())).await.expect(400).faults() }
    };
    let named = "attachment; filename=\"order.pdf\"";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers, &str, &str); 6] = [
        (&[], "Content-Disposition", "required"),
        (&[("Content-Disposition", "attachment")], "Content-Disposition", "format"),
        (&[("Content-Disposition", "attachment; filename=\"\"")], "Content-Disposition", "length"),
        (&[("Content-Disposition", "attachment; filename*=UTF-8''a%0Ab")], "Content-Disposition", "format"),
        (&[("Content-Disposition", "attachment; filename*=UTF-8''%ff%fe")], "Content-Disposition", "format"),
        (&[("Content-Disposition", named), ("Content-Language", "tt")], "Content-Language", "one_of"),
    ];
    for (headers, parameter, code) in cases {
        assert_eq!(send(headers).await, [(parameter.to_owned(), code.to_owned())], "{headers:?}");
    }
}

#[tokio::test]
async fn ten_mebibytes_are_taken_and_not_a_byte_more() {
    let app = App::start().await;
    let path = path_of(&app.judge().await);
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(10 * 1024 * 1024, b' ');

    let made = app.secretary().await.post_document(&path, "application/pdf", "large.pdf", &bytes).await.expect(201);
    let read = app.secretary().await.get(&format!("{path}/{}?purpose=personnel", made.id())).await.expect(200);

    assert!(read.bytes == bytes, "the bytes came back otherwise");
    bytes.push(b' ');
    let refused = app.secretary().await.post_document(&path, "application/pdf", "larger.pdf", &bytes).await;
    refused.expect_problem(413, "payload_too_large");
}

#[tokio::test]
async fn the_same_bytes_are_one_document_of_a_judge_and_another_one_of_another_judge() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let secretary = app.secretary().await;

    let first = secretary.post_document(&path_of(&judge), "application/pdf", "one.pdf", PDF).await.expect(201);
    let again = judge.client(&app).await.post_document(&path_of(&judge), "application/pdf", "two.pdf", PDF).await;
    let of_other = secretary.post_document(&path_of(&other), "application/pdf", "one.pdf", PDF).await.expect(201);

    assert_eq!(again.expect(200).body, first.body);
    assert_ne!(of_other.id(), first.id());
    assert_eq!(dump::registry(&app).await["document_contents"].len(), 2);
    let foreign = format!("{}/{}", path_of(&other), first.id());
    secretary.get_for("personnel", &foreign).await.expect_problem(404, "not_found");
    let repeated = secretary.with_key("one");
    let once = repeated.post_document(&path_of(&judge), "text/plain", "a.txt", b"a").await.expect(201);
    let twice = repeated.post_document(&path_of(&judge), "text/plain", "a.txt", b"a").await.expect(201);
    assert_eq!(once.body, twice.body);
    let renamed = repeated.post_document(&path_of(&judge), "text/plain", "b.txt", b"a").await;
    renamed.expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn documents_are_put_in_by_the_judge_and_secretaries_and_a_withdrawn_one_is_not_handed_out() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let path = path_of(&judge);
    other
        .client(&app)
        .await
        .post_document(&path, "application/pdf", "a.pdf", PDF)
        .await
        .expect_problem(404, "not_found");
    for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
        let refused = app.staff(*role).await.post_document(&path, "application/pdf", "a.pdf", PDF).await;
        refused.expect_problem(403, "forbidden");
    }
    let secretary = app.secretary().await;
    let id = secretary.post_document(&path, "application/pdf", "a.pdf", PDF).await.expect(201).id();
    other.client(&app).await.get(&format!("{path}/{id}")).await.expect_problem(404, "not_found");

    let withdraw = format!("/v1/judges/{}/records/{id}/withdraw", judge.id);
    secretary.post(&withdraw, json!({"reason": "Басқа істің құжаты."})).await.expect(200);

    secretary.get_for("personnel", &format!("{path}/{id}")).await.expect_problem(404, "not_found");
    let anew = secretary.post_document(&path, "application/pdf", "a.pdf", PDF).await.expect(201);
    assert_ne!(anew.id(), id);
}

#[tokio::test]
async fn evidence_and_attachments_name_documents_of_the_own_file() {
    let app = App::start().await;
    let (judge, other) = (app.judge().await, app.judge().await);
    let own = judge.client(&app).await;
    let document = own.post_document(&path_of(&judge), "application/pdf", "a.pdf", PDF).await.expect(201).id();
    let foreign = app.secretary().await.post_document(&path_of(&other), "application/pdf", "a.pdf", PDF).await;
    let foreign = foreign.expect(201).id();
    let content = json!({"judge_statement": {"text": "Бұйрық қоса беріледі.", "attachments": [document]}});
    own.post("/v1/me/records", json!({"content": content})).await.expect(201);
    let value = json!({"indicator_code": "resolved", "category": "civil", "period": "2026-Q3", "numerator": 214,
        "source_system": "toerelik", "as_of": "2026-10-05"});
    let observations = format!("/v1/judges/{}/observations", judge.id);
    let record = app.secretary().await.post(&observations, value).await.expect(201).id();
    let path = format!("/v1/judges/{}/correction-requests", judge.id);
    let ask = |documents: Value| json!({"record_type": "observation", "record_id": record, "claim": "Олай емес.", "document_ids": documents});

    let refused = own.post(&path, ask(json!([document, foreign]))).await.expect(422);
    let filed = own.post(&path, ask(json!([document]))).await.expect(201);

    assert_eq!(refused.faults(), [("/document_ids/1".to_owned(), "missing".to_owned())]);
    assert_eq!(filed.body["document_ids"], json!([document]));
    let listed = app.secretary().await.get_for("correction", &path).await.expect(200);
    assert_eq!(listed.body["items"], json!([filed.body]));
}
