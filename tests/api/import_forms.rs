//! The forms that files of records come in: separators, quotes, guards, encodings, workbooks; and each type of record.

use std::io::Write;

use ejf::domain::imports::ImportType;
use serde_json::{Value, json};

use crate::harness::App;
use crate::imports::{findings, imported, imported_as};

const COURTS: &str = "name_kk,name_ru,level,region,posts,source_system,source_record_id";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn courts(app: &App) -> Vec<Value> {
    app.secretary().await.get("/v1/courts?limit=100").await.expect(200).body["items"].as_array().unwrap().clone()
}

/// Cyrillic in Windows-1251, as far as it has the letters; what it lacks becomes a question mark, as when Excel saves it.
fn windows_1251(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        c if c.is_ascii() => c as u8,
        'А'..='я' => u8::try_from(c as u32 - 'А' as u32).unwrap() + 0xC0,
        'і' => 0xB3,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

fn found(row: i64, pointer: &str, code: &str) -> (i64, String, String) {
    (row, pointer.to_owned(), code.to_owned())
}

#[tokio::test]
async fn separators_are_told_from_the_head_and_columns_stand_in_any_order() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let row = "\"Алмалы; «аудандық\"\" соты\",Алмалинский суд,district,abay,3,hr,1";
    for (number, separator) in [";", "\t", ","].iter().enumerate() {
        // The quoted cell keeps what parts others.
        let file = format!("{}\r\n{}\r\n", COURTS.replace(',', separator), row.replace(',', separator));
        let file = file.replace(&format!("hr{separator}1"), &format!("hr{separator}{number}"));
        let import = imported(&app, &secretary, "type=courts", file).await;
        assert_eq!(import["rows"]["new"], 1, "{separator:?}: {:?}", findings(&secretary, &import).await);
    }
    let names: Vec<_> = courts(&app).await.iter().map(|court| court["name_kk"].clone()).collect();
    assert_eq!(names, vec![json!("Алмалы; «аудандық\" соты"); 3]);
    let turned = "posts;level;source_record_id;name_ru;name_kk;region;source_system\n4;district;9;Суд;Сот;abay;hr\n";
    assert_eq!(imported(&app, &secretary, "type=courts", turned).await["rows"]["new"], 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_as_a_whole() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let row = "А,А,district,abay,3,hr,1";
    let cases = [
        (String::new(), found(1, "", "required")),
        (format!("{COURTS},rank\n{row},1\n"), found(1, "", "one_of")),
        (format!("{COURTS},posts\n{row},1\n"), found(1, "/posts", "duplicate")),
        (format!("{COURTS}\n{row},1\n"), found(2, "", "length")),
        (format!("{COURTS}\n\"{row}\n"), found(2, "", "format")),
        ("name_kk,region\nА,abay\n".to_owned(), found(2, "/name_ru", "required")),
    ];
    for (file, first) in cases {
        let import = imported(&app, &secretary, "type=courts", file.clone()).await;
        assert_eq!((&import["state"], &import["is_applied"]), (&json!("done"), &json!(false)), "{file}");
        assert_eq!(findings(&secretary, &import).await[0], first, "{file}");
    }
    let open = format!("{COURTS}\n{row}\n\"Б,Б,district,abay,3,hr,2\n");
    for mode in ["atomic", "partial"] {
        let import = imported(&app, &secretary, &format!("type=courts&mode={mode}"), open.clone()).await;
        assert_eq!(findings(&secretary, &import).await, [found(3, "", "format")]);
        assert_eq!((&import["is_applied"], &import["rows"]["refused"]), (&json!(false), &json!(1)), "{import}");
    }
    assert_eq!(courts(&app).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_read_and_one_more_is_too_many() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    for (kind, head, row) in
        [("text/csv", format!("{COURTS}\n"), "a\n"), ("application/x-ndjson", String::new(), "{}\n")]
    {
        let rows = |count: usize| format!("{head}{}", row.repeat(count));
        let long = imported_as(&app, &secretary, "type=courts&mode=partial", kind, rows(100_001)).await;
        let line = 100_001 + i64::from(!head.is_empty());
        assert_eq!(findings(&secretary, &long).await, [found(line, "", "format")], "{kind}");
        assert_eq!((&long["rows"]["read"], &long["is_applied"]), (&json!(0), &json!(false)), "{kind}");
    }
    let whole = format!("{COURTS}\n{}", "a\n".repeat(100_000));
    let read = imported(&app, &secretary, "type=courts&dry_run=true", whole).await;
    assert_eq!((&read["rows"]["read"], &read["rows"]["refused"]), (&json!(100_000), &json!(100_000)));
    assert_eq!(read["kept_findings"], 10_000);
}

#[tokio::test]
async fn the_guard_of_an_exported_text_is_taken_off_once() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let file = format!("{COURTS}\n'=1+1,''quoted,district,abay,3,hr,1\n");

    imported(&app, &secretary, "type=courts", file).await;

    let court = &courts(&app).await[0];
    assert_eq!((&court["name_kk"], &court["name_ru"]), (&json!("=1+1"), &json!("'quoted")));
}

#[tokio::test]
async fn encodings_are_told_by_their_bytes_and_lost_letters_are_an_error() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let file = |name_kk: &str, number: u8| format!("{COURTS}\n{name_kk},Суд,district,abay,3,hr,{number}\n");
    let utf_16: Vec<u8> = format!("\u{feff}{}", file("Әділ", 1)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{feff}{}", file("Қамқор", 2)).into_bytes();
    for (bytes, charset) in
        [(utf_16, "utf-16le"), (marked, "utf-8"), (windows_1251(&file("Сот палатасы", 3)), "windows-1251")]
    {
        let import = imported(&app, &secretary, "type=courts", bytes).await;
        assert_eq!((&import["charset"], &import["rows"]["new"]), (&json!(charset), &json!(1)), "{import}");
    }
    let mut names: Vec<_> = courts(&app).await.iter().map(|court| court["name_kk"].to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["\"Сот палатасы\"", "\"Қамқор\"", "\"Әділ\""]);

    let lost = imported(&app, &secretary, "type=courts", windows_1251(&file("Әділ", 4))).await;

    assert_eq!(findings(&secretary, &lost).await, [found(2, "/name_kk", "format")]);
    let broken = imported(&app, &secretary, "type=courts&charset=utf-8", windows_1251(&file("Сот", 5))).await;
    assert_eq!(broken["is_applied"], false);
}

#[tokio::test]
async fn an_iin_that_a_spreadsheet_has_spoilt_is_explained_and_never_mended() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let head = "iin;full_name_kk;full_name_ru;first_appointed_on;source_system;source_record_id";
    let rows = ["61211600012", "8,50101E+11", "850101424713", "061211600012"];
    let rows: Vec<String> =
        rows.iter().enumerate().map(|(at, iin)| format!("{iin};Әбдіров;Абдиров;02.03.2015;hr;{at}")).collect();
    let file = format!("{head}\n{}\n", rows.join("\n"));

    let import = imported(&app, &secretary, "type=judges&mode=partial", file).await;

    assert_eq!(import["rows"]["new"], 1);
    let expected = [found(2, "/iin", "format"), found(3, "/iin", "format"), found(4, "/iin", "check_digit")];
    assert_eq!(findings(&secretary, &import).await, expected);
    let path = format!("/v1/imports/{}/errors", import["id"].as_str().unwrap());
    let told = secretary.with_header("Accept-Language", "en").get(&path).await.expect(200);
    assert!(told.text.contains("a spreadsheet cuts zeros") && !told.text.contains("61211600012"), "{}", told.text);
}

#[tokio::test]
async fn each_template_is_a_file_that_can_be_imported() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    for (language, separator) in [("en", ','), ("kk", ';')] {
        for kind in ImportType::ALL {
            let path = format!("/v1/imports/templates/{kind}");
            let template = secretary.with_header("Accept-Language", language).get(&path).await.expect(200);
            assert!(template.text.starts_with('\u{feff}') && template.text.contains(separator), "{}", template.text);
            let import = imported(&app, &secretary, &format!("type={kind}"), template.bytes).await;
            let count = if language == "en" { "new" } else { "unchanged" };
            assert_eq!(import["rows"][count], 1, "{kind}: {:?}", findings(&secretary, &import).await);
        }
    }
    secretary.get("/v1/imports/templates/cats").await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn a_post_is_ended_by_its_own_name_and_a_court_that_differs_is_refused() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let judge = app.judge_at(&app.court("Алмалы аудандық соты").await).await;
    let court = app.court("Медеу аудандық соты").await;
    let head =
        "judge_id,court_id,kind,starts_on,ends_on,ended_reason,specialisations,source_system,source_record_id,as_of";
    let row = |rest: &str| format!("{head}\n{},{court},{rest}\n", judge.id);
    let open = row("panel_chair,01.02.2020,,,juvenile; civil,hr,P-1,2027-01-04");
    let ended = row("panel_chair,2020-02-01,31.12.2026,transfer,civil juvenile,hr,P-1,2027-01-05");
    let overlapping = row("judge,2020-02-01,,,,hr,P-2,2027-01-05");
    let unknown = row("court_chair,2020-02-01,,,tax,hr,P-3,2027-01-05");

    let first = imported(&app, &secretary, "type=positions", open).await;
    let second = imported(&app, &secretary, "type=positions", ended).await;
    let third = imported(&app, &secretary, "type=positions", overlapping).await;
    let fourth = imported(&app, &secretary, "type=positions", unknown).await;

    assert_eq!((&first["rows"]["new"], &second["rows"]["restated"]), (&json!(1), &json!(1)));
    assert_eq!(findings(&secretary, &third).await, [found(2, "", "already_exists")]);
    assert_eq!(findings(&secretary, &fourth).await, [found(2, "/specialisations", "one_of")]);
    let posts = secretary.get_for("personnel", &format!("/v1/judges/{}/positions", judge.id)).await.expect(200);
    let told = posts.body["items"].as_array().unwrap().iter().filter(|post| post["kind"] == "panel_chair");
    assert!(told.clone().all(|post| post["specialisations"] == json!(["civil", "juvenile"])));
    assert_eq!(told.count(), 2);
    let mut statuses: Vec<_> =
        posts.body["items"].as_array().unwrap().iter().map(|post| post["status"].to_string()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["\"active\"", "\"active\"", "\"corrected\""]);
    let file = format!("{COURTS}\nА,А,district,abay,3,hr,1\nА,А,district,abay,4,hr,1\n");
    let import = imported(&app, &secretary, "type=courts&mode=partial", file).await;
    assert_eq!(findings(&secretary, &import).await, [found(3, "", "already_exists")]);
}

/// A workbook of one sheet with these rows of XML.
fn workbook(rows: &str) -> Vec<u8> {
    let sheet = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><worksheet \
         xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    let files = [
        ("[Content_Types].xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>".to_owned()),
        ("_rels/.rels", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>".to_owned()),
        ("xl/workbook.xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"data\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>".to_owned()),
        ("xl/_rels/workbook.xml.rels", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/></Relationships>".to_owned()),
        // The second style is a date.
        ("xl/styles.xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>".to_owned()),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A row of a sheet: each cell its letter and its XML.
fn row(number: usize, cells: &[(&str, String)]) -> String {
    let cells: Vec<String> =
        cells.iter().map(|(letter, cell)| cell.replace("<c", &format!("<c r=\"{letter}{number}\""))).collect();
    format!("<row r=\"{number}\">{}</row>", cells.concat())
}

fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn number(number: &str) -> String {
    format!("<c><v>{number}</v></c>")
}

fn date(days: u32) -> String {
    format!("<c s=\"1\"><v>{days}</v></c>")
}

#[tokio::test]
async fn a_workbook_is_read_with_its_numbers_and_dates() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let head = ["iin", "full_name_kk", "full_name_ru", "first_appointed_on", "source_system", "source_record_id"];
    let letters = ["A", "B", "C", "D", "E", "F"];
    let head: Vec<(&str, String)> = letters.iter().copied().zip(head.iter().map(|name| text(name))).collect();
    let judge = |iin: String, day: String, name: String| {
        let cells = [iin, text("'Әбдіров"), text("Абдиров"), day, text("hr"), name];
        letters.iter().copied().zip(cells).collect::<Vec<_>>()
    };
    let rows = [
        row(1, &head),
        // 2 March 2015.
        row(3, &judge(text("850101424712"), date(42065), number("17"))),
        row(4, &judge(number("61211600012"), date(42065), text("J-2"))),
        row(5, &judge(text("061211600012"), text("02.03.2015"), text("J-3"))),
        row(6, &judge(text("850101409686"), number("42065"), text("J-4"))),
    ];

    let import = imported_as(&app, &secretary, "type=judges&mode=partial", XLSX, workbook(&rows.concat())).await;

    assert_eq!(
        findings(&secretary, &import).await,
        [found(4, "/iin", "format"), found(6, "/first_appointed_on", "format")]
    );
    let lookup = |value: &str| json!({"external_id": {"source_system": "hr", "value": value}});
    let first = secretary.look_up_for("personnel", lookup("17")).await.expect(200);
    assert_eq!(
        (&first.body["first_appointed_on"], &first.body["full_name_kk"]),
        (&json!("2015-03-02"), &json!("'Әбдіров"))
    );
    secretary.look_up_for("personnel", lookup("J-3")).await.expect(200);
}

#[tokio::test]
async fn a_workbook_that_is_none_or_unpacks_to_gigabytes_or_has_too_many_rows_is_refused() {
    let app = App::start().await;
    let secretary = app.secretary().await;
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let quickly = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    bomb.start_file("xl/workbook.xml", quickly).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..201 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap().into_inner();
    assert!(bomb.len() < 20 * 1024 * 1024, "a file that may be sent");
    let far = [row(1, &[("A", text("iin"))]), row(100_002, &[("A", text("850101424712"))])].concat();
    for (file, line) in [(b"PK\x03\x04 no workbook".to_vec(), 1), (bomb, 1), (workbook(&far), 100_002)] {
        let import = imported_as(&app, &secretary, "type=judges", XLSX, file).await;
        assert_eq!(findings(&secretary, &import).await, [found(line, "", "format")]);
    }
}
