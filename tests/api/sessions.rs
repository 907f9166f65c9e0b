//! Log-in, refresh, log-out and passwords.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ejf::auth::Auth;
use ejf::auth::password::Turn;
use ejf::config::networks::Network;
use ejf::domain::policy::StaffRole;
use ejf::error::Code;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::harness::{App, PASSWORD};

#[tokio::test]
async fn whoever_logs_in_learns_who_they_are_and_leaves_a_trail() {
    let app = App::start().await;
    let account_id = app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;

    let answer =
        app.anonymous().post("/v1/sessions", json!({"login": "Aigul", "password": PASSWORD})).await.expect(201);
    let aigul = app.anonymous().with_token(answer.body["access_token"].as_str().unwrap());
    let me = aigul.get("/v1/me").await.expect(200);

    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(me.body["account_id"], account_id.to_string());
    assert_eq!(me.body["staff_role"], "secretary");
    assert_eq!(app.db_acts().await, ["seed_indicators", "create_token_key", "create_session"]);
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer_and_the_same_growing_wait() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;

    for name in ["aigul", "nobody"] {
        let anonymous = app.anonymous();
        let guess = || anonymous.post("/v1/sessions", json!({"login": name, "password": "a wrong password"}));
        let first = guess().await.expect_problem(401, "login_failed");
        let second = guess().await.expect_problem(429, "too_many_requests");
        assert_eq!(first.body["title"], "Signing in failed");
        assert_eq!(second.header("retry-after"), "1", "{name}");
        app.clock.advance(TimeDelta::seconds(1));
        guess().await.expect_problem(401, "login_failed");
        let fourth = guess().await.expect_problem(429, "too_many_requests");
        assert_eq!(fourth.header("retry-after"), "2", "{name}");
    }
}

#[tokio::test]
async fn the_right_password_within_the_wait_is_refused_and_after_it_ends_the_wait() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let log_in =
        |password: &'static str| anonymous.post("/v1/sessions", json!({"login": "aigul", "password": password}));

    log_in("a wrong password").await.expect(401);
    log_in(PASSWORD).await.expect(429);
    app.clock.advance(TimeDelta::seconds(1));
    log_in(PASSWORD).await.expect(201);
    log_in(PASSWORD).await.expect(201);
}

#[tokio::test]
async fn guesses_made_at_once_are_not_all_looked_at() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let guess = || anonymous.post("/v1/sessions", json!({"login": "aigul", "password": "a wrong password"}));

    let (a, b, c, d) = tokio::join!(guess(), guess(), guess(), guess());

    let mut statuses = [a.status, b.status, c.status, d.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 429, 429, 429]);
}

#[tokio::test]
async fn an_address_that_a_named_proxy_tells_has_thirty_tries_with_whatever_names() {
    let proxy = Network::parse("127.0.0.1").unwrap();
    let app = App::start_with(|config| config.trusted_proxies = vec![proxy]).await;
    let of = |address: &str| app.anonymous().with_header("X-Forwarded-For", address);
    let guess = |number: usize| json!({"login": format!("nobody{number}"), "password": "a wrong password"});
    for number in 0..30 {
        let told = of("203.0.113.9").post("/v1/sessions", guess(number)).await.expect(401);
        assert_eq!(told.header("ratelimit-policy"), "\"log-in\";q=30;w=60");
        assert_eq!(told.header("ratelimit"), format!("\"log-in\";r={};t=2", 29 - number));
    }

    let refused = of("203.0.113.9").post("/v1/sessions", guess(30)).await.expect_problem(429, "too_many_requests");

    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("2", "\"log-in\";r=0;t=2"));
    of("203.0.113.9").post_form("/oauth2/token", "grant_type=client_credentials").await.expect(429);
    of("203.0.113.10").post("/v1/sessions", guess(31)).await.expect(401);
    app.anonymous().with_header("X-Forwarded-For", "203.0.113.9").get("/livez").await.expect(200);
    app.clock.advance(TimeDelta::seconds(2));
    of("203.0.113.9").post("/v1/sessions", guess(32)).await.expect(401);
}

#[tokio::test]
async fn an_access_token_ends_by_the_clock() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;

    secretary.get("/v1/me").await.expect(200);
    app.clock.advance(TimeDelta::seconds(606));
    secretary.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_log_in() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let granted = anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD})).await.expect(201);
    let refresh = |token: &serde_json::Value| anonymous.post("/v1/sessions/refresh", json!({"refresh_token": token}));

    let second = refresh(&granted.body["refresh_token"]).await.expect(201);
    refresh(&granted.body["refresh_token"]).await.expect_problem(401, "refresh_refused");
    refresh(&second.body["refresh_token"]).await.expect_problem(401, "refresh_refused");
    refresh(&granted.body["refresh_token"]).await.expect_problem(401, "refresh_refused");

    let acts = app.db_acts().await;
    assert_eq!(acts.iter().filter(|act| *act == "revoke_session").count(), 1, "it ends once: {acts:?}");
}

#[tokio::test]
async fn the_reuse_of_a_refresh_token_ends_the_access_tokens_at_once() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let granted = anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD})).await.expect(201);
    let body = json!({"refresh_token": granted.body["refresh_token"]});
    let refreshed = anonymous.post("/v1/sessions/refresh", body.clone()).await.expect(201);
    let thief = anonymous.with_token(refreshed.body["access_token"].as_str().unwrap());
    thief.get("/v1/me").await.expect(200);

    anonymous.post("/v1/sessions/refresh", body).await.expect_problem(401, "refresh_refused");

    thief.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_log_in_that_is_refused_because_too_many_wait_is_no_failure() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let auth = Auth::open(app.registry(), app.cipher().clone(), app.config(), app.clock.now()).await.unwrap();
    let log_in = async || {
        let password = Zeroizing::new(PASSWORD.to_owned());
        auth.log_in(app.registry(), "aigul", password, app.clock.now()).await.map(drop)
    };
    let others: Vec<Turn> = std::iter::from_fn(|| auth.passwords.turn().ok()).collect();

    let refused = log_in().await.unwrap_err();
    drop(others);

    assert_eq!(refused.code(), Code::Busy);
    log_in().await.unwrap();
}

#[tokio::test]
async fn a_log_in_ends_after_half_an_hour_without_refresh_and_after_twelve_hours_anyway() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();
    let log_in = || anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD}));
    let refresh = |token: serde_json::Value| anonymous.post("/v1/sessions/refresh", json!({"refresh_token": token}));

    let idle = log_in().await.expect(201);
    app.clock.advance(TimeDelta::minutes(31));
    refresh(idle.body["refresh_token"].clone()).await.expect_problem(401, "refresh_refused");

    let mut busy = log_in().await.expect(201);
    for _ in 0..35 {
        app.clock.advance(TimeDelta::minutes(20));
        busy = refresh(busy.body["refresh_token"].clone()).await.expect(201);
    }
    app.clock.advance(TimeDelta::minutes(20));
    refresh(busy.body["refresh_token"].clone()).await.expect_problem(401, "refresh_refused");
}

#[tokio::test]
async fn a_logged_out_token_is_refused_at_once() {
    let app = App::start().await;
    let secretary = app.staff(StaffRole::Secretary).await;

    secretary.delete("/v1/me/session").await.expect(204);
    secretary.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_log_ins() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let here = app.log_in("aigul").await;
    let elsewhere = app.log_in("aigul").await;
    let change = |old: &str, new: &str| here.post("/v1/me/password", json!({"old_password": old, "new_password": new}));

    let short = change(PASSWORD, "too short").await.expect_problem(422, "invalid");
    let weak = change(PASSWORD, "passwordpassword").await.expect_problem(422, "invalid");
    let wrong = change("not the old one", "nine winters by the lake").await.expect_problem(422, "invalid");
    change(PASSWORD, "nine winters by the lake").await.expect(204);

    assert_eq!(short.faults(), [("/new_password".to_owned(), "length".to_owned())]);
    assert_eq!(weak.faults(), [("/new_password".to_owned(), "weak".to_owned())]);
    assert_eq!(wrong.faults(), [("/old_password".to_owned(), "mismatch".to_owned())]);
    here.get("/v1/me").await.expect(200);
    elsewhere.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.anonymous().post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD})).await.expect(401);
}

/// As another service of the Council would check a token: by the published key, with nothing of ours but the document.
#[tokio::test]
async fn a_token_is_verified_by_the_published_key_and_one_that_was_changed_is_not() {
    let app = App::start().await;
    let account_id = app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let body = json!({"login": "aigul", "password": PASSWORD});
    let granted = app.anonymous().post("/v1/sessions", body).await.expect(201);
    let token = granted.body["access_token"].as_str().unwrap();

    let set = app.anonymous().get("/.well-known/jwks.json").await.expect(200).body;

    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid.as_str()).expect("the key of the token");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(keys.iter().all(|key| key.get("d").is_none()), "a private key is published");
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&["http://registry.test"]);
    validation.set_audience(&["ejf"]);
    // The token is of the test's clock, the library's is the machine's.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let verify = |token: &str| jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ed_der(&x), &validation);
    assert_eq!(verify(token).unwrap().claims["sub"], account_id.to_string());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["exp"] = json!(i64::MAX);
    let changed = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert!(verify(&changed).is_err());
}

/// The work of a log-in is the hash, and an unknown name costs one too. Both kinds are measured in turn within this one
/// run, and the quickest of each compared: whatever else the machine does only ever adds.
#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let app = App::start_with(|config| config.argon2_memory_kib = 8192).await;
    let administrator = app.staff(StaffRole::Administrator).await;
    let new = json!({"login": "aigul", "password": PASSWORD, "staff_role": "member"});
    administrator.post("/v1/accounts", new).await.expect(201);
    let anonymous = app.anonymous();
    let guess = async |login: &str| {
        let begun = Instant::now();
        let answer = anonymous.post("/v1/sessions", json!({"login": login, "password": "a wrong password"})).await;
        let taken = begun.elapsed();
        answer.expect_problem(401, "login_failed");
        taken
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        known.push(guess("aigul").await);
        unknown.push(guess("nobody").await);
        // Past the longest wait after failures.
        app.clock.advance(TimeDelta::minutes(16));
    }

    let quickest = |times: &[Duration]| times.iter().min().unwrap().as_secs_f64();
    let ratio = quickest(&known) / quickest(&unknown);
    assert!((0.67..=1.5).contains(&ratio), "known names take {ratio:.2} times as long as unknown ones");
}

#[tokio::test]
async fn a_password_that_no_account_can_have_is_a_fault_of_the_body_and_no_guess() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let anonymous = app.anonymous();

    for password in [String::new(), "x".repeat(129)] {
        let refused = anonymous.post("/v1/sessions", json!({"login": "aigul", "password": password})).await;
        assert_eq!(refused.expect(422).faults(), [("/password".to_owned(), "length".to_owned())]);
    }

    anonymous.post("/v1/sessions", json!({"login": "aigul", "password": PASSWORD})).await.expect(201);
}

/// The other process is an `Auth` of its own over the same registry.
#[tokio::test]
async fn a_token_of_a_key_that_another_process_made_is_believed_and_forgeries_load_keys_once_a_minute() {
    let app = App::start().await;
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    app.clock.advance(TimeDelta::days(90));
    let log_in_elsewhere = async || {
        let auth = Auth::open(app.registry(), app.cipher().clone(), app.config(), app.clock.now()).await.unwrap();
        let password = Zeroizing::new(PASSWORD.to_owned());
        let granted = auth.log_in(app.registry(), "aigul", password, app.clock.now()).await.unwrap();
        app.anonymous().with_token(&granted.access_token)
    };

    log_in_elsewhere().await.get("/v1/me").await.expect(200);

    app.clock.advance(TimeDelta::days(90));
    app.forged().get("/v1/me").await.expect_problem(401, "unauthenticated");
    let other = log_in_elsewhere().await;
    other.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.clock.advance(TimeDelta::seconds(60));
    other.get("/v1/me").await.expect(200);
}
