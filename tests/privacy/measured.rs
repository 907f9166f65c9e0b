//! All analyses over one run, and what speaks against it. What a newcomer would get wrong: a control has to be caught by
//! the same judgement that lets the clean populations pass; there is one, and it does not know which it has before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::algebra::{Issued, consistent_pairs};
use crate::analysis::linker::{Linked, Panels, link};
use crate::analysis::sizes::Sizes;
use crate::analysis::{attributes, canaries, counters, crosslink, joins, order, times};
use crate::caller::body;
use crate::evidence::{Evidence, RawFile, copies};
use crate::population::Truth;
use crate::proxy::Proxied;
use crate::stage::Cycle;

/// The probability below which an order is no chance, divided among all that is compared.
const ORDER_P: f64 = 0.001;
/// How far from one half an area may lie in a run of any size.
const AREA: f64 = 0.03;

/// What was measured of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    pub engine: String,
    pub run: String,
    pub is_control: bool,
    pub reviews: u64,
    /// L-1: consistent pairs, all pairs.
    pub pairs: (u64, u64),
    /// L-2.
    pub joins: Vec<String>,
    /// L-3: how many attributes, and those in the order of arrival.
    pub attributes: usize,
    pub ordered: Vec<String>,
    /// L-4.
    pub timed: Vec<String>,
    /// L-5.
    pub right: u64,
    pub chance: f64,
    pub ways: [String; 2],
    pub shuffled: Vec<u64>,
    /// L-6: area and standard deviation of each feature.
    pub areas: BTreeMap<String, (f64, f64)>,
    /// L-7.
    pub canaries: Vec<String>,
    /// Answers that change and numbers that count, lines for each review.
    pub counters: Vec<String>,
    /// E5 and E12, where a proxy stood before the box.
    pub proxied: Option<Proxied>,
    pub seconds: f64,
}

/// Runs every analysis.
pub fn measure(cycle: &Cycle, truth: &Truth, mut evidence: Evidence, seed: u64) -> Measured {
    evidence.snapshots.extend(copies(&evidence.files));
    let attributes = attributes::all(&evidence, truth);
    let estimates = times::estimates(&evidence, truth);
    let linked = link(truth, &panels(cycle), &attributes, &estimates, &evidence.snapshots, seed);
    let areas = crosslink::areas(&truth.reviews, &attributes, seed);
    let mut counters = counters::changing(&evidence.polled);
    counters.extend(counters::counting(&evidence.polled));
    counters.extend(counters::lines(&evidence.output, truth.reviews.len()));
    for log in evidence.files.iter().filter(|file| file.name == "server.log" || file.is_of_proxy()) {
        counters.extend(counters::lines(&log.bytes, truth.reviews.len()));
    }
    let mut found = canaries::search(&evidence, truth);
    found.extend(truth.is_identified_request_taken.then(|| "a request that names its sender is taken".to_owned()));
    let Linked { right, total, chance, ways, shuffled } = linked;
    Measured {
        engine: String::new(),
        run: String::new(),
        is_control: false,
        reviews: total,
        pairs: pairs(cycle, truth),
        joins: joins(cycle, truth, &evidence),
        attributes: attributes.len(),
        ordered: ordered(&attributes),
        timed: timed(truth, &evidence, &estimates),
        right,
        chance,
        ways,
        shuffled,
        areas: by_stable_name(areas, cycle),
        canaries: found,
        counters,
        proxied: proxied(&evidence),
        seconds: 0.0,
    }
}

/// What a proxy left and saw. A browser's requests are as long as its headers, so those with canaries are not compared.
fn proxied(evidence: &Evidence) -> Option<Proxied> {
    let of_proxy: Vec<&RawFile> = evidence.files.iter().filter(|file| file.is_of_proxy()).collect();
    let is_strange = |request: &[u8]| request.windows(7).any(|window| window == b"canary-");
    let measured = || Proxied {
        places: of_proxy.len(),
        bytes: of_proxy.iter().map(|file| file.bytes.len()).sum(),
        sizes: Sizes::of(&evidence.at_proxy, is_strange),
    };
    (!of_proxy.is_empty()).then(measured)
}

impl Measured {
    /// The tests that this run fails; empty is clean.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |test: &str, found: &[String]| {
            if !found.is_empty() {
                faults.push(format!("{test} ({})", found[..found.len().min(3)].join("; ")));
            }
        };
        let (consistent, pairs) = self.pairs;
        if consistent != pairs || pairs == 0 {
            fault("L-1", &[format!("{consistent} of {pairs} pairs")]);
        }
        fault("L-2", &self.joins);
        fault("L-3", &self.ordered);
        fault("L-4", &self.timed);
        let linked = self.linked();
        if linked.is_beyond_chance() {
            let share = self.right as f64 / self.reviews as f64;
            fault("L-5", &[format!("{share:.3}, p {:.4}, by {} and by {}", linked.p(), self.ways[0], self.ways[1])]);
        }
        let far: Vec<String> =
            self.areas.iter().filter(|(_, area)| self.is_far(**area)).map(|(name, _)| name.clone()).collect();
        fault("L-6", &far);
        fault("L-7", &self.canaries);
        fault("counters", &self.counters);
        fault("E12", &self.proxied.as_ref().map_or_else(Vec::new, |proxied| proxied.sizes.faults()));
        faults
    }

    fn linked(&self) -> Linked {
        Linked {
            right: self.right,
            total: self.reviews,
            chance: self.chance,
            ways: self.ways.clone(),
            shuffled: self.shuffled.clone(),
        }
    }

    /// Whether an area is further from one half than the limit and than chance among so many.
    fn is_far(&self, (auc, sigma): (f64, f64)) -> bool {
        let distance = (auc - 0.5).abs();
        // Pairs share reviews, which makes chance wider than the formula for separate ones has it.
        distance > AREA && order::two_sided(distance / (1.5 * sigma)) * (self.areas.len() as f64) < 0.01
    }
}

/// What speaks against several runs of one kind taken together, where chance has less room.
pub fn pooled_faults(runs: &[&Measured]) -> Vec<String> {
    let mut faults = Vec::new();
    let linked = pooled(runs);
    if linked.is_beyond_chance() {
        let (right, total, limit, p) = (linked.right, linked.total, linked.limit(), linked.p());
        faults.push(format!("L-5 ({right} of {total}, p {p:.4}, at full size at most {limit:.0})"));
    }
    if let Some((auc, feature)) = furthest_area(runs).filter(|(auc, _)| runs.len() > 1 && (auc - 0.5).abs() > AREA) {
        faults.push(format!("L-6 ({feature} {auc:.3})"));
    }
    faults
}

/// The linker's success over several runs.
pub fn pooled(runs: &[&Measured]) -> Linked {
    let sum = |count: fn(&Measured) -> u64| runs.iter().map(|run| count(run)).sum();
    let (right, total) = (sum(|run| run.right), sum(|run| run.reviews));
    let shuffles = runs.iter().map(|run| run.shuffled.len()).min().unwrap_or(0);
    let shuffled = (0..shuffles).map(|at| runs.iter().map(|run| run.shuffled[at]).sum()).collect();
    let chance = runs.iter().map(|run| run.chance).sum();
    Linked { right, total, chance, ways: [String::new(), String::new()], shuffled }
}

/// The mean area of each feature that all runs have; the one that is furthest from one half.
pub fn furthest_area(runs: &[&Measured]) -> Option<(f64, String)> {
    let mean = |feature: &String| {
        let areas: Option<Vec<f64>> = runs.iter().map(|run| run.areas.get(feature).map(|(auc, _)| *auc)).collect();
        areas.map(|areas| (areas.iter().sum::<f64>() / areas.len() as f64, feature.clone()))
    };
    let means = runs.first()?.areas.keys().filter_map(mean);
    means.max_by(|a, b| (a.0 - 0.5).abs().total_cmp(&(b.0 - 0.5).abs()))
}

/// The panels as the registry has them.
fn panels(cycle: &Cycle) -> Panels {
    let mut panels = Panels::new();
    for peer in &cycle.peers {
        for held in &peer.card.credentials {
            panels.entry(held.subject_ref).or_default().push(peer.judge_id.clone());
        }
    }
    panels
}

/// Areas by names that are the same in every run: a file's own name has the cycle's, or numbers that the server dealt.
fn by_stable_name(mut areas: Vec<crosslink::Area>, cycle: &Cycle) -> BTreeMap<String, (f64, f64)> {
    let cycle_ref = cycle.manifest.manifest().cycle_ref.to_string();
    // In ascending order the first file of a kind is the first in every run.
    areas.sort_by(|a, b| a.feature.cmp(&b.feature));
    let mut named = BTreeMap::new();
    for area in areas {
        let name = stable_name(&area.feature, &cycle_ref, |name| named.contains_key(name));
        named.insert(name, (area.auc, area.sigma));
    }
    named
}

/// The name of a feature that is the same in every run, with a number where it is taken.
pub fn stable_name(feature: &str, cycle_ref: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain = feature.replace(cycle_ref, "cycle");
    let stable: String = plain.split_inclusive(['/', ' ', ',']).map(without_number).collect();
    let mut free = (1..).map(|number| if number == 1 { stable.clone() } else { format!("{stable} {number}") });
    free.find(|name| !is_taken(name)).unwrap()
}

/// A part of a file's name, `#` in place of a number, be it decimal or that of a segment of PostgreSQL's log.
fn without_number(part: &str) -> String {
    let stem = part.trim_end_matches(['/', ' ', ',']);
    let is_number = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
    if is_number { format!("#{}", &part[stem.len()..]) } else { part.to_owned() }
}

fn ordered(attributes: &[attributes::Attribute]) -> Vec<String> {
    let limit = ORDER_P / attributes.len().max(1) as f64;
    let judged = attributes.iter().filter_map(|attribute| {
        let values: Vec<u128> = attribute.values.iter().flatten().copied().collect();
        let tau = order::kendall(&values).filter(|tau| tau.p < limit)?;
        Some(format!("{} tau {:.2}", attribute.name, tau.tau))
    });
    judged.collect()
}

fn timed(truth: &Truth, evidence: &Evidence, estimates: &[times::Estimate]) -> Vec<String> {
    let declared = times::declared(&evidence.of_box).into_iter().map(|timed| format!("type of {}", timed.place));
    let scanned = times::scan(evidence, truth);
    let scanned = scanned.into_iter().map(|timed| format!("{} ({} hits)", timed.place, timed.hits));
    // In a raw file one time after all rows is that of the last rewriting; many are those of the reviews.
    let is_spread = |estimate: &&times::Estimate| {
        let distinct: std::collections::BTreeSet<_> = estimate.spans.iter().flatten().collect();
        estimate.name.starts_with("times in f") && distinct.len() > 5.max(truth.reviews.len() / 20)
    };
    let in_files = estimates.iter().filter(is_spread).map(|estimate| estimate.name.clone());
    let files = times::files(evidence, truth).into_iter().map(|timed| timed.place);
    declared.chain(scanned).chain(in_files).chain(files).collect()
}

fn joins(cycle: &Cycle, truth: &Truth, evidence: &Evidence) -> Vec<String> {
    let methodology = evidence.files.iter().find(|file| file.name.ends_with("methodology.json"));
    let digest = cycle.manifest.digest();
    let methodology = methodology.map_or(&[][..], |file| file.bytes.as_slice());
    let mut found = joins::search(
        evidence,
        truth,
        &[cycle.manifest.bytes(), methodology, &digest.0, digest.to_string().as_bytes()],
    );
    let has_key = |table: &&crate::evidence::Table| table.sql.to_uppercase().contains("REFERENCES");
    found.extend(evidence.of_box.iter().filter(has_key).map(|table| format!("foreign key of {}", table.name)));
    found
}

/// Every issuance against every credential of its key, by the registry's own transcript.
fn pairs(cycle: &Cycle, truth: &Truth) -> (u64, u64) {
    let mut issued: BTreeMap<String, Vec<Issued>> = BTreeMap::new();
    for passed in &cycle.transcript {
        let (Some(request), Some(answer)) = (body(&passed.request), body(&passed.answer)) else { continue };
        let (Some(requests), Some(results)) = (request["requests"].as_array(), answer["results"].as_array()) else {
            continue;
        };
        for asked in requests {
            let given = results.iter().find(|given| given["assignment_id"] == asked["assignment_id"]).unwrap();
            let bytes =
                |value: &serde_json::Value| ejf::credential::encoding::from_base64url(value.as_str().unwrap()).unwrap();
            let one = Issued { blinded_msg: bytes(&asked["blinded_msg"]), blind_sig: bytes(&given["blind_sig"]) };
            issued.entry(asked["key_id"].as_str().unwrap().to_owned()).or_default().push(one);
        }
    }
    let mut signatures: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for held in cycle.peers.iter().flat_map(|peer| &peer.card.credentials) {
        for credential in &held.credentials {
            signatures.entry(credential.key_id.to_string()).or_default().push(credential.sig.0.to_vec());
        }
    }
    let mut counted = (0, 0);
    for (key_id, signatures) in &signatures {
        let key = cycle.manifest.key(&key_id.parse().unwrap()).unwrap();
        let (consistent, pairs) = consistent_pairs(key, issued.get(key_id).map_or(&[], Vec::as_slice), signatures);
        counted = (counted.0 + consistent, counted.1 + pairs);
    }
    assert!(counted.1 >= truth.reviews.len() as u64, "the transcript has no issuances");
    counted
}
