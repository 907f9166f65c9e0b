//! The reviewer's pages in a real browser against the service itself: the whole journey, every request that it makes, and
//! what the pages' policy forbids.
//!
//! What a newcomer would get wrong: trusting the list of requests that one expects. The browser writes down each request
//! that it makes, and the two lists have to be equal.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use ejf::booth::{Page, Places, Side};
use ejf::client::card::Held;
use ejf::client::failure::{Failure, Idle};
use ejf::client::peer::{Login, collect};
use ejf::client::pinned;
use ejf::credential::encoding::sha256;
use ejf::credential::manifest::digest_words;
use ejf::texts::{self, Language};
use serde_json::json;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::browser::steps::{PASSPHRASE, Reviewer};
use crate::browser::{Asked, Browser, Tab};
use crate::harness::people::Judge;
use crate::harness::plans::Plan;
use crate::harness::rounds::SUBJECTS;
use crate::harness::{App, PASSWORD};

const REGISTRY: &str = "http://registry.localhost";
const BOX: &str = "http://box.localhost";

/// The headers that the box may see of a browser; it forgets all but the length and type of what is sent.
const HEADERS: [&str; 19] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "host",
    "origin",
    "pragma",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "upgrade-insecure-requests",
    "user-agent",
];

fn places() -> Places<'static> {
    Places { registry: REGISTRY, ballot_box: BOX, language: Language::En }
}

async fn service() -> (App, Browser) {
    let app = App::start_dealing(SUBJECTS, |config| {
        (config.public_url, config.ballot_public_url) = (REGISTRY.to_owned(), BOX.to_owned());
    })
    .await;
    let browser = Browser::start(&[("registry.localhost", &app.base), ("box.localhost", &app.box_base)]).await;
    (app, browser)
}

/// A cycle in its days of issuance, with the words of its order.
async fn issuing(app: &App) -> (Plan, String, String) {
    let plan = app.drawn_cycle().await;
    plan.work(app, "/keys", "keys").await;
    let frozen = plan.freeze(app).await;
    app.go_to(&plan.day(app, "issue_open").await);
    let words = digest_words(&frozen["manifest_digest"].as_str().unwrap().parse().unwrap());
    let cycle = plan.cycle(app).await;
    let path = format!("/v1/public/cycles/{}/rounds/1", cycle["cycle_ref"].as_str().unwrap());
    // The box takes the manifest in when it is first asked for it; then the registry does the same with the box's note.
    app.anonymous_box().get(&format!("{path}/manifest")).await.expect(200);
    plan.freeze(app).await;
    plan.move_to(app, "issuance").await;
    (plan, words, path)
}

/// Every reviewer but this one collects, by the program; so the gates open.
async fn others_collect(app: &App, plan: &Plan, words: &str, but: &Judge) {
    let places = pinned::Places { registry: app.base.clone(), ballot_box: app.box_base.clone() };
    for judge in plan.judges().filter(|judge| judge.login() != but.login()) {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let login = Login::Password { login: judge.login(), password: &password };
        match collect(&places, &login, words, &mut Held::in_memory(), app.clock.now()).await {
            Ok(_) | Err(Failure::Idle(Idle::NoAssignments)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// The judge with the most assignments, and how many.
async fn busiest<'a>(app: &App, plan: &'a Plan) -> (&'a Judge, usize) {
    let mut found = Vec::new();
    for judge in plan.judges() {
        let client = app.log_in(judge.login()).await;
        let items = client.get("/v1/me/assignments").await.expect(200).body["items"].as_array().unwrap().len();
        found.push((judge, items));
    }
    found.into_iter().max_by_key(|(_, count)| *count).unwrap()
}

fn lines(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| format!("{} {}", asked.method, asked.url)).collect()
}

/// What an axe would look for first: a language, names for all controls, one heading of the first rank, labels that are
/// told apart, targets of a size, and contrast.
async fn expect_accessible(tab: &Tab) {
    let faults = tab.evaluate(include_str!("../browser/access.js")).await;
    assert_eq!(faults, json!([]), "{}", tab.text().await);
}

#[tokio::test]
async fn a_reviewer_goes_the_whole_way_in_a_browser_that_asks_for_nothing_else() {
    let (app, browser) = service().await;
    let (plan, words, path) = issuing(&app).await;
    let (judge, count) = busiest(&app, &plan).await;
    others_collect(&app, &plan, &words, judge).await;

    // Page 1: log in, check, save, ask.
    let tab = browser.tab().await;
    tab.set_clock(app.clock.now()).await;
    let reviewer = Reviewer { login: judge.login(), password: PASSWORD, words: &words };
    let began = Instant::now();
    tab.prepare(REGISTRY, &reviewer, None).await;
    tab.see("Save the card first").await;
    let prepared = began.elapsed();
    expect_accessible(&tab).await;
    let began = Instant::now();
    let card = tab.ask_for_credentials().await;
    let asked = began.elapsed();
    expect_accessible(&tab).await;
    eprintln!(
        "F14: {count} credentials: {} ms from the log-in to the saved card, {} ms for the answer; nine would take {} ms",
        prepared.as_millis(),
        asked.as_millis(),
        (prepared + asked).as_millis() * 9 / u128::try_from(count).unwrap()
    );
    let cycle = plan.cycle(&app).await;
    let expected = [
        format!("GET {REGISTRY}/booth"),
        format!("POST {REGISTRY}/v1/sessions"),
        format!("GET {REGISTRY}/v1/me/assignments"),
        format!("GET {BOX}{path}/manifest"),
        format!("GET {REGISTRY}{path}/manifest"),
        format!("GET {BOX}{path}/manifest.note"),
        format!("GET {REGISTRY}{path}/manifest.note"),
        format!("GET {REGISTRY}{}", plan.path("")),
        format!("GET {REGISTRY}/v1/methodologies/{}", cycle["methodology_id"].as_str().unwrap()),
        format!("POST {REGISTRY}/v1/me/credentials"),
    ];
    assert_eq!(lines(&tab.asked()), expected);
    // Who the reader is goes to the registry alone.
    let names_its_sender = |asked: &&Asked| asked.headers.contains("authorization");
    assert!(tab.asked().iter().filter(names_its_sender).all(|asked| asked.url.starts_with(REGISTRY)));
    drop(tab);

    // Page 2, another day: nothing but the box.
    plan.pass(&app, "issue_close").await;
    app.secretary().await.with_key("ledgers").post(&plan.path("/ledgers"), json!({})).await.expect(200);
    app.go_to(&plan.day(&app, "submit_open").await);
    plan.move_to(&app, "submission").await;
    let tab = browser.tab().await;
    tab.set_clock(app.clock.now()).await;
    tab.open_card(&format!("{BOX}/booth"), &card).await;
    // Whatever the browser keeps of a reader, the page's own requests go out without it.
    tab.keep_cookie(BOX).await;
    expect_accessible(&tab).await;
    let names: Vec<String> = subjects(&card);
    tab.press(&format!("Fill in: {}", names[0])).await;
    tab.see("Review: ").await;
    expect_accessible(&tab).await;
    // An item left out is asked for, and nothing is kept.
    tab.press("Keep in the card").await;
    tab.wait_for("document.querySelector('.fault[role=alert]') !== null").await;
    tab.press("Cancel").await;
    tab.fill_in(&names[0], 4).await;
    tab.sign(false).await;
    expect_accessible(&tab).await;
    tab.send(3).await;
    expect_accessible(&tab).await;
    // Until the close the last version counts.
    tab.press("Back").await;
    tab.fill_in(&names[0], 2).await;
    tab.sign(false).await;
    let card = tab.send(5).await;
    let rules = [format!("{path}/manifest"), format!("{path}/manifest.note"), format!("{path}/ledger/council")];
    let mut expected = vec![format!("GET {BOX}/booth")];
    for _ in 0..2 {
        expected.extend(rules.iter().map(|path| format!("GET {BOX}{path}")));
        expected.push(format!("POST {BOX}/v1/anon/reviews"));
    }
    assert_eq!(lines(&tab.asked()), expected);
    let unknown: BTreeSet<String> =
        tab.headers_sent().into_iter().filter(|name| !HEADERS.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    drop(tab);

    // After the seal, from a saved file.
    plan.pass(&app, "submit_close").await;
    app.by_two(&plan.path("/seal"), json!({})).await;
    let saved = card.with_file_name("booth.html");
    std::fs::write(&saved, app.anonymous_box().get("/booth").await.expect(200).bytes).unwrap();
    let checkpoint = sealed_checkpoint(&app, &path).await;
    let tab = browser.tab().await;
    tab.set_clock(app.clock.now()).await;
    tab.open_card(&format!("file://{}", saved.display()), &card).await;
    tab.press("Check the sealed list").await;
    tab.see("Check the sealed list").await;
    tab.fill("The registry's checkpoint", &checkpoint).await;
    tab.press("Check").await;
    tab.see("What the check found").await;
    let said = tab.text().await;
    assert!(said.contains("your receipts found in it: 2") && said.contains("The card is marked as checked"), "{said}");
    expect_accessible(&tab).await;
    let after: Vec<String> = lines(&tab.asked()).into_iter().skip(1).collect();
    let sealed = ["manifest", "manifest.note", "checkpoint", "leaves", "ledger/council/0"];
    assert_eq!(after, sealed.map(|name| format!("GET {BOX}{path}/{name}")));
    let card = tab.downloaded("card-7.json").await;
    assert!(Held::open(&card, PASSPHRASE).unwrap().card().unwrap().checked_root.is_some());
    tab.press("Part with the card").await;
    tab.press("Forget the card").await;
    tab.see("The page has forgotten the card").await;
}

/// The names of the subjects of a card file.
fn subjects(card: &Path) -> Vec<String> {
    let held = Held::open(card, PASSPHRASE).unwrap();
    held.card().unwrap().credentials.iter().map(|subject| subject.subject_name.clone()).collect()
}

/// The registry's checkpoint, once the box has sealed.
async fn sealed_checkpoint(app: &App, path: &str) -> String {
    let asking = async {
        loop {
            let answer = app.anonymous().get(&format!("{path}/checkpoint")).await;
            if answer.status == 200 {
                return String::from_utf8(answer.bytes).unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("the box seals")
}

#[tokio::test]
async fn a_page_asks_nobody_but_whom_its_policy_names_and_runs_no_other_script() {
    let (app, browser) = service().await;
    let tab = browser.tab().await;
    tab.open(&format!("{BOX}/booth")).await;
    // What the policy forbids the browser says by the name of the rule; a refusal of the other side's would not do.
    for (attempt, rule) in [
        (format!("fetch('{REGISTRY}/livez').catch(() => null)"), "connect-src"),
        ("fetch('http://stranger.localhost/').catch(() => null)".to_owned(), "connect-src"),
        ("new Image().src = '/booth'".to_owned(), "img-src"),
        (
            "document.body.append(Object.assign(document.createElement('iframe'), { src: '/booth' }))".to_owned(),
            "frame-src",
        ),
        ("document.createElement('script').text = 'ran = true'".to_owned(), "require-trusted-types-for"),
        ("document.body.innerHTML = '<b>x</b>'".to_owned(), "require-trusted-types-for"),
    ] {
        let forbidden = format!(
            "new Promise((done) => {{ addEventListener('securitypolicyviolation', (event) => \
             done(event.effectiveDirective), {{ once: true }}); setTimeout(() => done('nothing'), 20000); \
             try {{ {attempt}; }} catch {{ }} }})"
        );
        assert_eq!(tab.evaluate(&forbidden).await, rule, "{attempt}");
    }
    assert_eq!(tab.evaluate("fetch('/livez').then(() => true, () => false)").await, true, "the box itself");
    let kept = "[localStorage.length, sessionStorage.length, document.cookie].join()";
    assert_eq!(tab.evaluate(kept).await, "0,0,");

    // A script that somebody put into a saved page does not run beside the page's own.
    let folder = TempDir::new().unwrap();
    let saved = folder.path().join("booth.html");
    let page = String::from_utf8(app.anonymous_box().get("/booth").await.expect(200).bytes).unwrap();
    std::fs::write(&saved, page.replacen("<script>", "<script>globalThis.ran = true;</script><script>", 1)).unwrap();
    tab.open(&format!("file://{}", saved.display())).await;
    assert_eq!(tab.evaluate("typeof ran").await, "undefined");
}

#[tokio::test]
async fn the_pages_are_the_same_bytes_for_everybody_and_carry_the_hash_that_a_manifest_names() {
    let (app, browser) = service().await;
    let page = Page::new(Side::Box, places()).unwrap();
    for (name, value) in [("User-Agent", "x"), ("Accept-Language", "ru"), ("Origin", "null"), ("Cookie", "a=b")] {
        let answer = app.anonymous_box().with_header(name, value).get("/booth").await.expect(200);
        assert!(answer.bytes == page.html().as_bytes(), "{name}");
        assert_eq!(answer.header("content-security-policy"), page.policy());
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    app.anonymous_box()
        .send(reqwest::Method::POST, "/booth", Some(Vec::new()))
        .await
        .expect_problem(405, "method_not_allowed");
    let of_registry = app.anonymous().get("/booth").await.expect(200);
    assert_eq!(sha256(&[&of_registry.bytes]), Page::new(Side::Registry, places()).unwrap().digest());
    for base in [REGISTRY, BOX] {
        let side = if base == BOX { Side::Box } else { Side::Registry };
        let tab = browser.tab().await;
        tab.open(&format!("{base}/booth")).await;
        let shown = tab.evaluate("document.getElementById('hash').textContent").await;
        assert_eq!(shown, ejf::domain::hex::hex(&Page::new(side, places()).unwrap().digest().0));
    }

    let plan = app.drawn_cycle().await;
    plan.work(&app, "/keys", "keys").await;
    plan.freeze(&app).await;
    let round = plan.round_folder(&app).await;
    let manifest = round.read(&ejf::publication::Document::Manifest(0)).unwrap().unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["client_hashes"], json!(ejf::booth::digests(places()).unwrap()));
}

#[tokio::test]
async fn the_pages_can_be_used_by_keyboard_alone_in_each_language() {
    let (_app, browser) = service().await;
    for (steps, language) in Language::ALL.into_iter().enumerate() {
        for base in [REGISTRY, BOX] {
            let tab = browser.tab().await;
            tab.open(&format!("{base}/booth")).await;
            // The switch of each language is reached and pressed by keys.
            tab.evaluate("document.querySelector('nav button').focus()").await;
            for _ in 0..steps {
                tab.key("Tab", 9, "").await;
            }
            tab.key("Enter", 13, "\r").await;
            tab.wait_for(&format!("document.documentElement.lang === '{}'", language.as_tag())).await;
            expect_accessible(&tab).await;
            let side = if base == BOX { "box" } else { "registry" };
            let said = tab.text().await;
            for key in [format!("booth-title-{side}"), "booth-trust".to_owned()] {
                assert!(said.contains(&texts::text(language, &key, &[])), "{key}: {said}");
            }
            // From the heading on every control is passed by Tab, and none twice before all were.
            tab.evaluate("document.querySelector('h2').focus()").await;
            let count = tab.evaluate("[...document.querySelectorAll('main :is(input:not([type=radio]), textarea, button, summary), main input[type=radio]:checked')].length").await;
            let mut passed = Vec::new();
            for _ in 0..count.as_u64().unwrap() {
                tab.key("Tab", 9, "").await;
                passed.push(tab.evaluate("document.activeElement.id || document.activeElement.textContent").await);
            }
            let distinct: BTreeSet<String> = passed.iter().map(ToString::to_string).collect();
            assert_eq!(distinct.len(), passed.len(), "{passed:?}");
        }
    }
}

#[tokio::test]
async fn a_browser_without_ed25519_is_told_so_and_sent_to_the_program() {
    let (_app, browser) = service().await;
    let tab = browser.tab().await;
    tab.add_before("crypto.subtle.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))").await;
    tab.open(&format!("{BOX}/booth")).await;
    tab.see("This browser cannot sign").await;
    assert!(tab.text().await.contains("ejf peer"));
    assert_eq!(tab.evaluate("document.querySelectorAll('main input, main button').length").await, 0);
}
