//! The box given what a stranger could send, beside the reviews that `mutations.rs` damages: complaints, addresses, headers.
//! A newcomer's usual mistake is to stop at the first refusal; what counts is that no answer is ever the box's fault.

use ejf::credential::receipt::Receipt;
use ejf::credential::seal_order::Act;
use reqwest::Method;
use serde_json::json;

use crate::ballot_storage::rows;
use crate::damage::sample;
use crate::harness::App;
use crate::harness::ballot_round::BallotRound;

const COMPLAINTS: &str = "/v1/anon/complaints";
const BODY_BYTES: usize = 8192;

/// As long as the box wants it, by its pad where it has one.
fn fit(mut bytes: Vec<u8>) -> Vec<u8> {
    let mark = b"\"pad\":\"";
    let Some(at) = bytes.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len()) else {
        bytes.resize(BODY_BYTES, b' ');
        return bytes;
    };
    let zeros = bytes[at..].iter().take_while(|byte| **byte == b'0').count();
    let missing = BODY_BYTES.saturating_sub(bytes.len() - zeros);
    drop(bytes.splice(at..at + zeros, std::iter::repeat_n(b'0', missing)));
    bytes
}

/// A sealed round with the receipt of its one review.
async fn sealed(app: &App) -> (BallotRound, Receipt) {
    let round = BallotRound::publish(&app.publication());
    app.go_to("2027-02-20");
    let receipt = app.anonymous_box().submit(&round.reviewer().review(&round, &[])).await.receipt();
    round.order(Act::Seal);
    app.go_to("2027-03-09");
    app.anonymous_box().get(&round.path("checkpoint")).await.expect(200);
    (round, receipt)
}

#[tokio::test]
async fn whatever_is_complained_of_is_answered_and_nothing_is_recorded_that_was_not_promised() {
    let mut app = App::start().await;
    let (_, receipt) = sealed(&app).await;
    // Without its pad, which would take most of the damage.
    let sound = json!({"receipt": receipt, "pad": ""}).to_string().into_bytes();
    app.anonymous_box().send(Method::POST, COMPLAINTS, Some(fit(sound.clone()))).await.expect(200);
    for seed in 0..300 {
        let bytes = fit(sample(&sound, seed));
        let told = String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
        let answer = app.anonymous_box().send(Method::POST, COMPLAINTS, Some(bytes)).await;
        assert!(answer.status == 200 || (400..500).contains(&answer.status), "{seed}: {} {told}", answer.status);
    }
    assert_eq!(rows(&mut app, "complaint").await, [""; 0]);
}

#[tokio::test]
async fn whatever_is_asked_of_the_box_is_found_or_refused() {
    let app = App::start().await;
    let (round, _) = sealed(&app).await;
    let cycle_ref = round.manifest.manifest().cycle_ref.to_string();
    let odd = [
        "0",
        "1",
        "-1",
        "2147483648",
        "4294967296",
        "99999999999999999999",
        "%2e%2e",
        "%2e%2e%2f%2e%2e",
        "%00",
        "%ff",
        "%C3%28",
        "manifest",
        "council",
        "council%2f0",
        "%20",
        "A",
        &"A".repeat(22),
        &"A".repeat(3_000),
        "ledger",
        "1e3",
        "%EF%BB%BF1",
        "+1",
        "0x1",
        "01",
        cycle_ref.as_str(),
    ];
    let documents =
        ["manifest", "manifest.note", "ledger/council", "manifests/0", "ledger/council/0", "checkpoint", "leaves"];
    let mut paths = Vec::new();
    for segment in odd {
        paths.push(format!("/v1/public/cycles/{segment}/rounds/1/manifest"));
        for place in ["rounds/ODD/leaves", "rounds/1/ODD", "rounds/1/manifests/ODD", "rounds/1/ledger/ODD", "ODD"] {
            paths.push(format!("/v1/public/cycles/{cycle_ref}/{}", place.replace("ODD", segment)));
        }
        paths.push(format!("/v1/public/cycles/{cycle_ref}/rounds/1/ledger/council/{segment}"));
        paths.push(format!("/v1/public/cycles/{cycle_ref}/rounds/1/ledger/{segment}/0"));
        paths.push(format!("/v1/anon/{segment}"));
        paths.push(format!("/{segment}?{segment}={segment}"));
    }
    for path in &paths {
        let answer = app.anonymous_box().get(path).await;
        assert!(matches!(answer.status, 200 | 400..500), "{path}: {}", answer.status);
    }
    for document in documents {
        for value in ["", "*", "\"", "W/\"x\"", "\"x\", \"y\"", "\u{e9}"] {
            let client = app.anonymous_box().with_header("If-None-Match", value).with_header("Range", "bytes=5-1");
            client.get(&round.path(document)).await.expect(200);
        }
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
            let answer = app.anonymous_box().send(method, &round.path(document), Some(vec![b'{'; 64])).await;
            assert!((400..500).contains(&answer.status), "{document}: {}", answer.status);
        }
    }
}
