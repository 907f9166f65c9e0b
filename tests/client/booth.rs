//! The reviewer's pages in a real browser against the same servers: every lie is refused there too, and a card is one and
//! the same file for page and program.
//!
//! What a newcomer would get wrong: testing the page's modules alone. What counts is what a reviewer is shown, and what
//! reached the servers.

use std::fs;
use std::path::{Path, PathBuf};

use ejf::booth::{Page, Places, Side as PageSide};
use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Moment};
use ejf::client::sealed_file::Kdf;
use ejf::client::{review, sealed};
use ejf::credential::encoding::sha256;
use ejf::credential::envelope::Envelope;
use ejf::credential::jcs;
use ejf::domain::methodology::{DEVELOPMENTAL_JSON, Methodology};
use ejf::texts::{self, Language};
use tempfile::TempDir;

use crate::browser::steps::{PASSPHRASE, Reviewer};
use crate::browser::{Browser, Tab};
use crate::commands::{ejf, told as told_by};
use crate::hostile::{Lie, VARIANTS, other};
use crate::round::{ALMA, BOLAT, keys, manifest, while_issuing, while_submitting, words};
use crate::servers::{Servers, keep_empty};

const ALMA_NAME: &str = "Алма Сейітова";
const BOLAT_NAME: &str = "Болат Ахметов";

/// The number under which a page shows a language's switch.
const SWITCHES: [(Language, &str); 3] =
    [(Language::Kk, "Қазақша"), (Language::Ru, "Русский"), (Language::En, "English")];

fn reviewer(words: &str) -> Reviewer<'_> {
    Reviewer { login: "a.seitova", password: "quiet rivers under snow", words }
}

/// A card file that the program wrote, with the credentials of an honest collection.
async fn program_card(servers: &Servers, folder: &Path) -> PathBuf {
    let path = folder.join("card-1.json");
    let mut held = Held::create(&path, PASSPHRASE, Kdf::Pbkdf2Sha512).unwrap();
    servers.collect(&mut held).await.unwrap();
    path
}

/// Tells one lie to a reviewer at the pages; the servers with what reached them, and how far things had gone.
async fn tell(tab: &Tab, lie: &Lie, folder: &Path) -> (Servers, Moment) {
    let mut told = manifest();
    if let Lie::Manifested(change) = lie {
        change(&mut told);
    }
    let servers = Servers::with(&told).await;
    let registry = servers.places.registry.clone();
    tab.set_clock(while_issuing()).await;
    match lie {
        Lie::Manifested(_) => tab.prepare(&registry, &reviewer(&words(&told)), None).await,
        Lie::Printed => tab.prepare(&registry, &reviewer(&"0707 ".repeat(10)), None).await,
        Lie::Collecting(act) => {
            act(&servers);
            tab.prepare(&registry, &reviewer(&words(&told)), None).await;
        }
        Lie::CollectingAgain(act) => {
            let card = program_card(&servers, folder).await;
            servers.state().assignments[0]["state"] = serde_json::json!("drawn");
            act(&servers);
            tab.prepare(&registry, &reviewer(&words(&other())), Some(&card)).await;
            return (servers, Moment::Collecting);
        }
        Lie::Submitting(act) => {
            let card = program_card(&servers, folder).await;
            servers.publish_ledger(12);
            act(&servers);
            tab.set_clock(while_submitting()).await;
            tab.open_card(&format!("{}/booth", servers.places.ballot_box), &card).await;
            tab.fill_in(ALMA_NAME, 4).await;
            tab.sign(false).await;
            return (servers, Moment::Collecting);
        }
    }
    (servers, Moment::Before)
}

#[actix_web::test]
async fn every_lie_is_refused_by_the_pages_with_its_words_and_nothing_is_sent_after_it() {
    // Made before the clock of patience runs.
    keys();
    let browser = Browser::start(&[]).await;
    let mut refused_count = 0;
    for (at, (id, what, lie, alarm)) in VARIANTS.iter().enumerate() {
        let (tab, folder) = (browser.tab().await, TempDir::new().unwrap());
        let (servers, mut moment) = tell(&tab, lie, folder.path()).await;
        if *alarm == Alarm::CredentialInvalid {
            tab.see("Save the card first").await;
            tab.choose("I have the file").await;
            tab.press("Ask for the credentials").await;
            moment = Moment::Collecting;
        }
        tab.wait_for("document.querySelector('[role=alert].alarm') !== null").await;
        let shown = tab.evaluate("document.querySelector('.alarm').innerText").await;
        let shown = shown.as_str().unwrap();
        assert!(shown.contains(&format!("alarm: {}", alarm.as_str())), "{id}: {what}: {shown}");
        let english = |key: &str| texts::text(Language::En, key, &[]);
        for key in [format!("peer-alarm-{}", alarm.as_str()), format!("peer-moment-{}", moment.as_str())] {
            assert!(shown.contains(&english(&key)), "{id}: {what}: {shown}");
        }
        let asked_before = usize::from(matches!(lie, Lie::CollectingAgain(_) | Lie::Submitting(_)));
        let asked_for_the_lie = usize::from(*alarm == Alarm::CredentialInvalid);
        assert_eq!(servers.bodies("/v1/me/credentials").len(), asked_before + asked_for_the_lie, "{id}: {what}");
        assert!(servers.bodies("/v1/anon/reviews").is_empty(), "{id}: {what}");
        refused_count += 1;
        eprintln!("{at}: {id} {what}: refused");
    }
    eprintln!("hostile-issuer variants refused by the pages: {refused_count} of {}", VARIANTS.len());
}

#[actix_web::test]
async fn an_alarm_has_its_words_in_each_language() {
    let browser = Browser::start(&[]).await;
    let servers = Servers::honest().await;
    for (language, switch) in SWITCHES {
        let tab = browser.tab().await;
        tab.set_clock(while_issuing()).await;
        tab.open(&format!("{}/booth", servers.places.registry)).await;
        let label = |key: &str| texts::text(language, key, &[]);
        tab.press(switch).await;
        assert_eq!(tab.evaluate("document.documentElement.lang").await, language.as_tag());
        tab.fill(&label("booth-login"), "a.seitova").await;
        tab.fill(&label("booth-password"), "quiet rivers under snow").await;
        tab.fill(&label("booth-digest"), "0707 0707").await;
        tab.fill(&label("booth-passphrase-again"), PASSPHRASE).await;
        tab.fill(&label("booth-passphrase"), PASSPHRASE).await;
        tab.press(&label("booth-prepare")).await;
        tab.wait_for("document.querySelector('.alarm') !== null").await;
        assert!(tab.text().await.contains(&label("peer-alarm-digest_differs")), "{}", tab.text().await);
    }
}

#[actix_web::test]
async fn a_card_of_the_page_opens_in_the_program_and_goes_back_to_the_page() {
    let browser = Browser::start(&[]).await;
    let (servers, tab) = (Servers::honest().await, browser.tab().await);
    tab.set_clock(while_issuing()).await;
    tab.prepare(&servers.places.registry, &reviewer(&words(&manifest())), None).await;
    let card = tab.ask_for_credentials().await;
    servers.publish_ledger(12);

    // The program sends a review with it.
    let mut held = Held::open(&card, PASSPHRASE).unwrap();
    keep_empty(&mut held, &ALMA);
    review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await.unwrap();
    drop(held);

    // The page goes on with the program's card: revises that one and sends the other.
    let tab = browser.tab().await;
    tab.set_clock(while_submitting()).await;
    tab.open_card(&format!("{}/booth", servers.places.ballot_box), &card).await;
    tab.fill_in(ALMA_NAME, 4).await;
    tab.fill_in(BOLAT_NAME, 3).await;
    tab.sign(true).await;
    let card = tab.send(3).await;

    // And the program finds all of it in the sealed list.
    let mut held = Held::open(&card, PASSPHRASE).unwrap();
    let seqs = |subject_ref| -> Vec<u32> {
        let subject = held.card().unwrap().subject(subject_ref).unwrap();
        assert!(subject.versions.iter().all(|version| version.receipt.is_some()) && subject.draft.is_none());
        subject.versions.iter().map(|version| version.review.body.seq).collect()
    };
    assert_eq!((seqs(&ALMA), seqs(&BOLAT)), (vec![1, 2], vec![1]));
    servers.seal_without(&[]);
    let checked = sealed::check(&servers.places, &mut held).await.unwrap();
    assert_eq!((checked.found_count, checked.missing.len()), (3, 0));
}

#[actix_web::test]
async fn a_form_with_nothing_to_mark_asks_for_statements_alone_on_the_page_as_in_the_program() {
    let developmental: Methodology = serde_json::from_str(DEVELOPMENTAL_JSON).unwrap();
    let mut told = manifest();
    told.instruments[0].items.clear();
    told.methodology_digest = sha256(&[&jcs::canonical_to_depth(&developmental, 12).unwrap()]);
    let (browser, servers) = (Browser::start(&[]).await, Servers::with(&told).await);
    servers.state().methodology = developmental;
    let tab = browser.tab().await;
    tab.set_clock(while_issuing()).await;
    tab.prepare(&servers.places.registry, &reviewer(&words(&told)), None).await;
    let card = tab.ask_for_credentials().await;
    servers.publish_ledger(12);

    let tab = browser.tab().await;
    tab.set_clock(while_submitting()).await;
    tab.open_card(&format!("{}/booth", servers.places.ballot_box), &card).await;
    tab.press(&format!("Fill in: {ALMA_NAME}")).await;
    tab.see("Review: ").await;
    assert!(tab.text().await.contains("No marks are given"), "{}", tab.text().await);
    assert_eq!(tab.evaluate("document.querySelectorAll('input[type=radio]').length").await, 0);
    tab.choose("The acts seen were clearly structured.").await;
    tab.press("Keep in the card").await;
    tab.sign(false).await;
    let card = tab.send(3).await;

    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("passphrase");
    fs::write(&secret, PASSPHRASE).unwrap();
    let arguments = ["peer", "form", "--subject", &BOLAT.to_string(), "--card", card.to_str().unwrap()];
    let arguments = [&arguments[..], &["--passphrase-file", secret.to_str().unwrap()]].concat();
    let output = ejf(&arguments, "2 3\nyes\n").await;
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && !said.contains("no basis"), "{said}{}", told_by(&output));
    let mut held = Held::open(&card, PASSPHRASE).unwrap();
    review::send(&servers.places.ballot_box, &mut held, &BOLAT, while_submitting()).await.unwrap();

    let sent = servers.bodies("/v1/anon/reviews");
    let bodies: Vec<_> = sent.iter().map(|sent| Envelope::parse_submission(sent).unwrap().body.clone()).collect();
    let statements: Vec<_> = bodies.iter().map(|body| (body.marks.len(), body.statements.join(" "))).collect();
    assert_eq!(statements, [(0, "s01".to_owned()), (0, "s02 s03".to_owned())]);
}

#[actix_web::test]
async fn a_request_that_was_cut_is_sent_again_in_the_same_bytes() {
    let browser = Browser::start(&[]).await;
    let (servers, tab) = (Servers::honest().await, browser.tab().await);
    tab.set_clock(while_issuing()).await;
    servers.state().is_cut = true;
    tab.prepare(&servers.places.registry, &reviewer(&words(&manifest())), None).await;
    tab.see("Save the card first").await;
    let card = tab.downloaded("card-1.json").await;
    tab.choose("I have the file").await;
    tab.press("Ask for the credentials").await;
    tab.wait_for("document.querySelector('.fault') !== null").await;
    servers.state().is_cut = false;

    let tab = browser.tab().await;
    tab.set_clock(while_issuing()).await;
    tab.prepare(&servers.places.registry, &reviewer(&words(&manifest())), Some(&card)).await;
    tab.see("Save the card first").await;
    tab.choose("I have the file").await;
    tab.press("Ask for the credentials").await;
    tab.see("The card is ready").await;
    let bodies = servers.bodies("/v1/me/credentials");
    // Over a connection that was kept a browser sends once more by itself.
    assert!(bodies.len() >= 2 && bodies.windows(2).all(|pair| pair[0] == pair[1]), "{}", bodies.len());

    // Reviews likewise: two answers are lost, the third is kept.
    let card = tab.downloaded("card-3.json").await;
    servers.publish_ledger(12);
    servers.state().cuts = 2;
    let tab = browser.tab().await;
    tab.set_clock(while_submitting()).await;
    tab.open_card(&format!("{}/booth", servers.places.ballot_box), &card).await;
    tab.fill_in(ALMA_NAME, 4).await;
    tab.sign(false).await;
    tab.send(4).await;
    let bodies = servers.bodies("/v1/anon/reviews");
    assert!(bodies.len() == 3 && bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[actix_web::test]
async fn a_missing_review_is_told_saved_as_a_proof_and_complained_of_on_the_page() {
    let browser = Browser::start(&[]).await;
    let (servers, folder) = (Servers::honest().await, TempDir::new().unwrap());
    let path = program_card(&servers, folder.path()).await;
    servers.publish_ledger(12);
    let mut held = Held::open(&path, PASSPHRASE).unwrap();
    keep_empty(&mut held, &ALMA);
    let receipt = review::send(&servers.places.ballot_box, &mut held, &ALMA, while_submitting()).await.unwrap();
    drop(held);
    servers.seal_without(&[receipt.leaf]);

    let tab = browser.tab().await;
    tab.set_clock("2027-03-10T06:00:00Z".parse().unwrap()).await;
    tab.open_card(&format!("{}/booth", servers.places.ballot_box), &path).await;
    tab.press("Check the sealed list").await;
    tab.see("Check the sealed list").await;
    tab.press("Check").await;
    tab.wait_for("document.querySelector('.alarm') !== null").await;
    assert!(tab.text().await.contains("alarm: leaf_missing"), "{}", tab.text().await);
    tab.press("Save the receipt").await;
    let saved = tab.downloaded(&format!("receipt-{}.json", receipt.leaf)).await;
    let saved: ejf::credential::receipt::Receipt = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    assert_eq!(saved, receipt);
    tab.press("Complain to the box").await;
    tab.wait_for("document.querySelector('output').textContent !== ''").await;
    assert!(tab.text().await.contains("The box has recorded the proof"), "{}", tab.text().await);
    assert_eq!(servers.bodies("/v1/anon/complaints")[0].len(), 8192);
}

#[actix_web::test]
async fn a_page_that_names_another_hash_than_the_manifest_says_so_and_one_that_is_named_too() {
    let browser = Browser::start(&[]).await;
    let folder = TempDir::new().unwrap();
    for is_named in [true, false] {
        let servers = Servers::honest().await;
        let places = Places {
            registry: &servers.places.registry,
            ballot_box: &servers.places.ballot_box,
            language: Language::Kk,
        };
        let page = Page::new(PageSide::Box, places).unwrap();
        let mut naming = manifest();
        naming.client_hashes = if is_named { vec![page.digest()] } else { Vec::new() };
        for side in [crate::servers::Side::Registry, crate::servers::Side::Box] {
            servers.serve_on(side, &naming);
        }
        let path = folder.path().join(format!("card-{is_named}.json"));
        let mut held = Held::create(&path, PASSPHRASE, Kdf::Pbkdf2Sha512).unwrap();
        servers.collect_under(&words(&naming), &mut held).await.unwrap();
        drop(held);
        let tab = browser.tab().await;
        tab.set_clock(while_submitting()).await;
        tab.open_card(&format!("{}/booth", servers.places.ballot_box), &path).await;
        let said = tab.evaluate("document.querySelector('main details').textContent").await;
        let key = if is_named { "booth-named" } else { "booth-unnamed" };
        assert!(said.as_str().unwrap().contains(&texts::text(Language::En, key, &[])), "{said}");
        let hash = tab.evaluate("document.getElementById('hash').textContent").await;
        assert_eq!(hash, ejf::domain::hex::hex(&page.digest().0));
    }
}
