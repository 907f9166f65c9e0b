//! What a refusal says besides: which conditions are not met, and what would help, in the caller's language.

use diesel::{ExpressionMethods, RunQueryDsl};
use ejf::domain::ids::{self, JudgeId};
use ejf::domain::methodology::DEFAULT_JSON;
use ejf::domain::policy::StaffRole;
use ejf::on;
use ejf::store::schema::judges;
use serde_json::{Value, json};

use crate::harness::{App, Client};

/// Adds a judge past HTTP.
async fn db_add_judge(app: &App) -> JudgeId {
    let now = app.clock.now();
    let id = JudgeId(ids::new_at(now));
    let insert = move |conn: &mut ejf::db::Conn| {
        let row = (
            judges::id.eq(id.to_string()),
            judges::iin_sealed.eq(vec![1]),
            judges::iin_hash.eq(id.0.as_bytes().to_vec()),
            judges::full_name_kk.eq("Ерлан Сейітұлы Қасымов"),
            judges::full_name_ru.eq("Ерлан Сейтович Касымов"),
            judges::first_appointed_on.eq(now.date_naive()),
            judges::version.eq(1),
        );
        Ok(on!(conn, |c| { diesel::insert_into(judges::table).values(row).execute(c) })?)
    };
    app.registry().0.write(insert).await.unwrap();
    id
}

/// Plans a cycle with one subject, by a methodology that is still a draft.
async fn plan(app: &App, secretary: &Client) -> String {
    let methodology: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
    let methodology_id = secretary.post("/v1/methodologies", methodology).await.expect(201).id();
    let cycle = json!({
        "methodology_id": methodology_id,
        "evaluating_body": "quality",
        "title_kk": "2027 жылғы бағалау",
        "title_ru": "Оценка 2027 года",
        "starts_on": "2027-02-01",
        "subjects": [{"judge_id": db_add_judge(app).await, "kind": "periodic"}],
    });
    secretary.with_key("plan").post("/v1/cycles", cycle).await.expect(201).id()
}

#[tokio::test]
async fn a_kazakh_caller_reads_in_kazakh_every_condition_that_is_not_met() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let path = format!("/v1/cycles/{}/open", plan(&app, &secretary).await);
    let open = |language: &str| {
        let secretary = secretary.with_key(&format!("open-{language}")).with_header("Accept-Language", language);
        let path = path.clone();
        async move { secretary.post(&path, json!({})).await.expect_problem(409, "guard_not_met") }
    };

    let (kazakh, russian, english) = (open("kk").await, open("ru").await, open("en").await);

    let detail = "Міндетті шарттар әлі толық орындалмаған. Жетіспейтін шарттарды орындап, әрекетті қайталаңыз. \
                  Жарияланған және бағалау кезеңі басталатын күні қолданыста болатын әдістемені таңдаңыз. \
                  Бағаланатын судьяларды қосыңыз: қазір 1, кемінде 10 болуға тиіс.";
    assert_eq!(kazakh.body["detail"], detail);
    assert_eq!(kazakh.header("content-language"), "kk");
    assert!(russian.body["detail"].as_str().unwrap().ends_with("сейчас их 1, требуется не менее 10."));
    assert!(english.body["detail"].as_str().unwrap().ends_with("there are 1, and at least 10 are needed."));
}

#[tokio::test]
async fn a_russian_caller_reads_the_phases_by_their_russian_names() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let path = format!("/v1/cycles/{}/advance", plan(&app, &secretary).await);
    let secretary = secretary.with_key("advance").with_header("Accept-Language", "ru");

    let refused = secretary.post(&path, json!({"to": "reporting"})).await.expect_problem(409, "wrong_phase");

    let hint = "Цикл оценки находится на этапе «подготовка»: сначала переведите его на этап «объявление», затем \
                продвигайтесь к этапу «подготовка заключений».";
    assert!(refused.body["detail"].as_str().unwrap().ends_with(hint), "{}", refused.text);
}

#[tokio::test]
async fn draft_texts_are_named_by_their_languages() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;
    let methodology: Value = serde_json::from_str(DEFAULT_JSON).unwrap();
    let id = secretary.post("/v1/methodologies", methodology).await.expect(201).id();
    let secretary = secretary.with_key("publish").with_header("Accept-Language", "en");

    let path = format!("/v1/methodologies/{id}/publish");
    let refused = secretary.post(&path, json!({"accepts_draft_texts": false})).await.expect_problem(409, "draft_texts");

    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("Texts in these languages are still drafts: Kazakh, Russian"), "{detail}");
}
