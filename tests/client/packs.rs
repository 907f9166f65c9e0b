//! The acts that come with the credentials: the listed ones for everybody, or an alarm.

use std::os::unix::fs::PermissionsExt;

use ejf::client::card::Held;
use ejf::client::failure::{Alarm, Failure};
use ejf::client::packs::{destroy, folder_of, keep};
use ejf::client::peer::Collected;
use ejf::credential::encoding::{Blob, Ref, sha256};
use ejf::credential::frozen::Frozen;
use ejf::credential::jcs;
use ejf::credential::manifest::Manifest;
use ejf::credential::packs::{ListedPack, PackList, PackedAct, ReadingPack};
use ejf::domain::methodology::reading::ReadingPackRules;
use ejf::domain::reading::{ReadingLanguage, ReadingType};

use crate::browser::Browser;
use crate::browser::steps::Reviewer;
use crate::round::{ALMA, BOLAT, doc_key, keys, log_key, manifest, methodology, while_issuing, words};
use crate::servers::Servers;

fn pack(texts: &[&str]) -> ReadingPack {
    let act = |text: &&str| PackedAct {
        category: "civil".to_owned(),
        language: ReadingLanguage::Kk,
        media_type: ReadingType::Text,
        content: Blob(text.as_bytes().to_vec()),
    };
    ReadingPack { v: 1, acts: texts.iter().map(act).collect() }
}

fn packs() -> [(Ref, ReadingPack); 2] {
    [(ALMA, pack(&["Талап қоюшы А.", "Жауапкер Б."])), (BOLAT, pack(&["Талап қоюшы В."]))]
}

fn list_of(manifest: &Manifest, packs: &[(Ref, ReadingPack)]) -> PackList {
    let listed = packs.iter().map(|(subject_ref, pack)| {
        let bytes = pack.to_bytes().unwrap();
        ListedPack { subject_ref: *subject_ref, digest: sha256(&[&bytes]), size: bytes.len().try_into().unwrap() }
    });
    PackList::build(&Frozen::new(manifest.clone()).unwrap(), listed.collect(), &doc_key()).unwrap()
}

fn frames(list: &PackList, packs: &[(Ref, ReadingPack)]) -> Vec<u8> {
    packs.iter().flat_map(|(of, pack)| list.enframe(of, &pack.to_bytes().unwrap()).unwrap()).collect()
}

/// Honest servers under a methodology that gives acts to read.
pub async fn honest() -> (Servers, Manifest) {
    let mut rules = methodology();
    rules.reading_pack = Some(ReadingPackRules { acts_per_category: 2, acts_max: 6, acts_min: 2, window_months: 12 });
    let mut of_round = manifest();
    of_round.methodology_digest = sha256(&[&jcs::canonical_to_depth(&rules, 12).unwrap()]);
    let servers = Servers::with(&of_round).await;
    servers.state().methodology = rules;
    let list = list_of(&of_round, &packs());
    servers.state().frames = frames(&list, &packs());
    servers.state().packs = [true, false].map(|side| (side, list.to_bytes().unwrap())).into();
    (servers, of_round)
}

async fn collected(servers: &Servers, manifest: &Manifest, held: &mut Held) -> Result<Collected, Failure> {
    servers.collect_under(&words(manifest), held).await
}

#[actix_web::test]
async fn the_acts_come_with_the_credentials_and_are_kept_beside_the_card_for_its_owner_alone() {
    let (servers, of_round) = honest().await;
    let collected = collected(&servers, &of_round, &mut Held::in_memory()).await.unwrap();

    let got = collected.packs.unwrap();
    assert_eq!(got.packs, packs());
    assert_eq!(servers.bodies("/v1/me/reading-packs/019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11").len(), 1, "one for all");
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.json");
    let kept = keep(&card, &got).unwrap();
    assert_eq!(kept, folder_of(&card));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept), 0o700);
    for (name, text) in [
        (format!("{ALMA}-1-civil.kk.txt"), "Талап қоюшы А."),
        (format!("{ALMA}-2-civil.kk.txt"), "Жауапкер Б."),
        (format!("{BOLAT}-1-civil.kk.txt"), "Талап қоюшы В."),
    ] {
        assert_eq!(std::fs::read_to_string(kept.join(&name)).unwrap(), text);
        assert_eq!(mode(&kept.join(&name)), 0o600);
    }
    keep(&card, &got).unwrap();
    destroy(&card).unwrap();
    assert!(!kept.exists());
    destroy(&card).unwrap();
}

#[actix_web::test]
async fn a_list_that_changes_between_two_collections_is_an_alarm() {
    let (servers, of_round) = honest().await;
    let mut held = Held::in_memory();
    let first = collected(&servers, &of_round, &mut held).await.unwrap().packs.unwrap();
    let other = [(ALMA, pack(&["Басқа акт."])), packs()[1].clone()];
    let list = list_of(&of_round, &other);
    servers.state().frames = frames(&list, &other);
    servers.state().packs = [true, false].map(|side| (side, list.to_bytes().unwrap())).into();
    let second = collected(&servers, &of_round, &mut held).await.unwrap().packs.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.json");
    keep(&card, &first).unwrap();
    assert!(matches!(keep(&card, &second), Err(Failure::Alarm(Alarm::PackDiffers))));
    assert_eq!(
        std::fs::read_to_string(folder_of(&card).join(format!("{BOLAT}-1-civil.kk.txt"))).unwrap(),
        "Талап қоюшы В."
    );
}

/// A way to give one reviewer acts that the others do not get.
type Attack = fn(&Servers, &Manifest);

/// Every such way, with what is seen of it.
pub const ATTACKS: [(&str, Attack, Alarm); 8] = [
    ("no list", |servers, _| servers.state().packs.clear(), Alarm::PackDiffers),
    (
        "a list of one's own at one listener",
        |servers, of_round| {
            let own = list_of(of_round, &[(ALMA, pack(&["Белгіленген акт."])), packs()[1].clone()]);
            servers.state().packs.insert(false, own.to_bytes().unwrap());
        },
        Alarm::SplitView,
    ),
    (
        "a list that somebody else signed",
        |servers, of_round| {
            let mut list = list_of(of_round, &packs());
            list.sig = ejf::credential::signing::sign(
                &log_key(),
                &[b"EJF-PACKS-v1\0", &jcs::canonical_unsigned(&list).unwrap()],
            );
            servers.state().packs = [true, false].map(|side| (side, list.to_bytes().unwrap())).into();
        },
        Alarm::PackDiffers,
    ),
    (
        "a pack that is not listed, of the same length",
        |servers, of_round| {
            let list = list_of(of_round, &packs());
            servers.state().frames =
                frames(&list, &[(ALMA, pack(&["Талап қоюшы Г.", "Жауапкер Б."])), packs()[1].clone()]);
        },
        Alarm::PackDiffers,
    ),
    (
        "no pack of a subject",
        |servers, of_round| {
            let list = list_of(of_round, &packs());
            servers.state().frames = frames(&list, &packs()[..1]);
        },
        Alarm::PackDiffers,
    ),
    (
        "one pack twice",
        |servers, of_round| {
            let list = list_of(of_round, &packs());
            servers.state().frames = frames(&list, &[packs()[0].clone(), packs()[1].clone(), packs()[1].clone()]);
        },
        Alarm::PackDiffers,
    ),
    ("a mark behind the pack", |servers, _| *servers.state().frames.last_mut().unwrap() = 7, Alarm::PackDiffers),
    (
        "half a frame",
        |servers, _| {
            let half = servers.state().frames.len() / 2 + 100;
            servers.state().frames.truncate(half);
        },
        Alarm::PackDiffers,
    ),
];

#[actix_web::test]
async fn acts_of_ones_own_are_an_alarm_however_they_are_given() {
    for (what, attack, alarm) in ATTACKS {
        let (servers, of_round) = honest().await;
        attack(&servers, &of_round);
        let mut held = Held::in_memory();
        let outcome = collected(&servers, &of_round, &mut held).await;
        assert!(matches!(&outcome, Err(Failure::Alarm(seen)) if *seen == alarm), "{what}: {outcome:?}");
        assert!(held.card().unwrap().subject(&ALMA).unwrap().is_ready(), "{what}: the credentials are not lost");
    }
}

#[actix_web::test]
async fn a_category_that_would_lead_out_of_the_folder_is_an_alarm() {
    let (servers, of_round) = honest().await;
    let mut evil = packs();
    evil[0].1.acts[0].category = "../../civil".to_owned();
    let list = list_of(&of_round, &evil);
    servers.state().frames = frames(&list, &evil);
    servers.state().packs = [true, false].map(|side| (side, list.to_bytes().unwrap())).into();
    let outcome = collected(&servers, &of_round, &mut Held::in_memory()).await;
    assert!(matches!(outcome, Err(Failure::Alarm(Alarm::PackDiffers))), "{outcome:?}");
}

#[actix_web::test]
async fn where_the_methodology_gives_nothing_to_read_nothing_is_asked_for() {
    let servers = Servers::honest().await;
    assert_eq!(servers.collect(&mut Held::in_memory()).await.unwrap().packs, None);
    let seen = servers.state().seen.clone();
    assert!(seen.iter().all(|request| !request.path.contains("packs")));
}

/// What a page has once the acts are there.
const TO_READ: &str = "document.querySelector('h3')?.textContent === 'Acts to read'";

#[actix_web::test]
async fn a_page_hands_the_acts_out_as_files_once_the_credentials_are_there() {
    keys();
    let browser = Browser::start(&[]).await;
    let ((servers, of_round), tab) = (honest().await, browser.tab().await);
    tab.set_clock(while_issuing()).await;
    let printed = words(&of_round);
    let reviewer = Reviewer { login: "a.seitova", password: "quiet rivers under snow", words: &printed };
    tab.prepare(&servers.places.registry, &reviewer, None).await;
    let card = tab.ask_for_credentials().await;
    tab.wait_for(TO_READ).await;
    for (button, file, text) in [
        ("Алма Сейітова: act 2 (civil, kk)", format!("{ALMA}-2-civil.kk.txt"), "Жауапкер Б."),
        ("Болат Ахметов: act 1 (civil, kk)", format!("{BOLAT}-1-civil.kk.txt"), "Талап қоюшы В."),
    ] {
        tab.press(button).await;
        assert_eq!(std::fs::read_to_string(tab.downloaded(&file).await).unwrap(), text);
    }

    // With a card that has its credentials they come again, and nothing else is asked for.
    let again = browser.tab().await;
    again.set_clock(while_issuing()).await;
    again.prepare(&servers.places.registry, &reviewer, Some(&card)).await;
    again.wait_for(TO_READ).await;
    assert_eq!(servers.bodies("/v1/me/credentials").len(), 1);
}

#[actix_web::test]
async fn a_page_raises_the_same_alarms_over_acts_of_ones_own_and_shows_none_of_them() {
    keys();
    let browser = Browser::start(&[]).await;
    for (what, attack, alarm) in ATTACKS {
        let ((servers, of_round), tab) = (honest().await, browser.tab().await);
        attack(&servers, &of_round);
        tab.set_clock(while_issuing()).await;
        let printed = words(&of_round);
        let reviewer = Reviewer { login: "a.seitova", password: "quiet rivers under snow", words: &printed };
        tab.prepare(&servers.places.registry, &reviewer, None).await;
        tab.ask_for_credentials().await;
        tab.wait_for("document.querySelector('[role=alert].alarm') !== null").await;
        let shown = tab.text().await;
        assert!(shown.contains(&format!("alarm: {}", alarm.as_str())), "{what}: {shown}");
        assert!(!shown.contains("Acts to read"), "{what}: {shown}");
    }
}
