//! L-5: the linker. For each review it names the member of the panel whom the evidence points to most, by nearest time,
//! by order, by the best matching of a whole panel (the Hungarian method), and by what came between two snapshots.
//!
//! What a newcomer would get wrong: the best of many guesses looks good by chance alone. The linker is told the truth
//! about half of the subjects, takes the way that does best there, and is judged on the other half; then the halves
//! change places. Even so its success is no binomial number: where one way wins both halves, it is the sum of two
//! maxima. So the same search is made over truths shuffled within each subject, among which chance makes no
//! difference, and the success is judged by those.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use ejf::credential::encoding::Ref;

use super::attributes::{Attribute, Known};
use super::crosslink::ranks;
use super::times::Estimate;
use crate::dice::Dice;
use crate::evidence::Snapshot;
use crate::population::Truth;

/// The reviews of a population of full size.
pub const FULL_SIZE: u64 = 4200;
/// Truths shuffled within each subject, by which a success is judged.
const SHUFFLES: usize = 1999;
/// The probability under chance at which a run fails.
const LEVEL: f64 = 0.001;
/// What an impossible guess costs.
const NEVER: f64 = 1e12;
/// How much worse it is that somebody was seen after a review than before it.
const AFTER: f64 = 20.0;

/// Who was on the panel of each subject.
pub type Panels = BTreeMap<Ref, Vec<String>>;

/// How many authors were named rightly, of how many reviews, and how many chance would name.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    pub right: u64,
    pub total: u64,
    pub chance: f64,
    /// The ways that did best on either half.
    pub ways: [String; 2],
    /// How many the same search names rightly of each shuffled truth.
    pub shuffled: Vec<u64>,
}

/// A way to guess: what each member of the panel costs for each review.
struct Way {
    name: String,
    /// By review, then by member of the panel.
    costs: Vec<Vec<f64>>,
}

/// Names an author for each review by the best of all ways.
pub fn link(
    truth: &Truth,
    panels: &Panels,
    attributes: &[Attribute],
    estimates: &[Estimate],
    snapshots: &[Snapshot],
    seed: u64,
) -> Linked {
    let mut ways = Vec::new();
    let seen = sightings(truth);
    for estimate in estimates.iter().chain(&between(truth, snapshots)) {
        for (name, seen) in &seen {
            ways.push(by_time(truth, panels, estimate, name, seen));
        }
    }
    for attribute in attributes {
        let ranks = ranks(&attribute.values);
        for (name, seen) in &seen {
            let spans = spans(truth, seen);
            ways.push(by_order(truth, panels, (&attribute.name, &ranks), (name, &spans), false));
            ways.push(by_order(truth, panels, (&attribute.name, &ranks), (name, &spans), true));
        }
    }
    let mut guesses = Vec::new();
    for way in &ways {
        guesses.push((way.name.clone(), nearest(truth, panels, way, seed)));
        guesses.push((format!("{}, matched", way.name), matched(truth, panels, way, seed)));
    }
    judge(truth, panels, guesses, seed)
}

type Sightings = HashMap<String, Vec<DateTime<Utc>>>;

/// When each judge was seen by the registry: before reviews were taken, meanwhile, and ever.
fn sightings(truth: &Truth) -> Vec<(&'static str, Sightings)> {
    let start = truth.clock.first().map_or(DateTime::<Utc>::MAX_UTC, |(_, at)| *at);
    let gather = |is_kept: &dyn Fn(DateTime<Utc>) -> bool| {
        let mut seen = Sightings::new();
        for (judge, at) in truth.seen.iter().filter(|(_, at)| is_kept(*at)) {
            seen.entry(judge.clone()).or_default().push(*at);
        }
        seen
    };
    let all = [("issuance", gather(&|at| at < start)), ("log-ins", gather(&|at| at >= start))];
    all.into_iter().filter(|(_, seen)| !seen.is_empty()).collect()
}

/// The span in which each review came, by the snapshots that do not and that do hold it.
fn between(truth: &Truth, snapshots: &[Snapshot]) -> Vec<Estimate> {
    let mut looks: Vec<(DateTime<Utc>, BTreeSet<usize>)> = Vec::new();
    let known = Known::new(&truth.reviews);
    for snapshot in snapshots {
        let rows = snapshot.tables.iter().flat_map(|table| &table.rows);
        looks.push((snapshot.at, rows.filter_map(|row| known.of(&row.values)).collect()));
    }
    looks.sort();
    let span = |number: usize| {
        let place = looks.iter().position(|(_, held)| held.contains(&number))?;
        // A copy named by its day was made in the course of it.
        let margin = TimeDelta::hours(12);
        let from = place.checked_sub(1).map_or(looks[place].0 - TimeDelta::days(1), |before| looks[before].0);
        Some((from, looks[place].0 + margin))
    };
    let spans: Vec<_> = (0..truth.reviews.len()).map(span).collect();
    if looks.is_empty() { Vec::new() } else { vec![Estimate { name: "snapshots".to_owned(), spans }] }
}

fn by_time(truth: &Truth, panels: &Panels, estimate: &Estimate, name: &str, seen: &Sightings) -> Way {
    let cost = |number: usize, member: &String| {
        let (Some((from, to)), Some(events)) = (estimate.spans[number], seen.get(member)) else { return NEVER };
        let distance = |event: &DateTime<Utc>| {
            let early = (from - *event).num_milliseconds().max(0) as f64;
            let late = (*event - to).num_milliseconds().max(0) as f64;
            early + AFTER * late
        };
        events.iter().map(distance).fold(NEVER, f64::min)
    };
    way(format!("{} by {name}", estimate.name), truth, panels, cost)
}

/// Where each judge's reviews would lie if all came in the order in which judges were seen, from 0 to 1.
fn spans(truth: &Truth, seen: &Sightings) -> HashMap<String, (f64, f64)> {
    let mut loads: HashMap<&str, u64> = HashMap::new();
    for review in &truth.reviews {
        // How many panels somebody is on is no secret.
        *loads.entry(&review.author).or_default() += 1;
    }
    let mut order: Vec<(DateTime<Utc>, &String)> =
        seen.iter().filter_map(|(judge, events)| Some((*events.first()?, judge))).collect();
    order.sort();
    let (total, mut before) = (truth.reviews.len().max(1) as f64, 0);
    let mut spans = HashMap::new();
    for (_, judge) in order {
        let after = before + loads.get(judge.as_str()).copied().unwrap_or(0);
        spans.insert(judge.clone(), (before as f64 / total, after as f64 / total));
        before = after;
    }
    spans
}

fn by_order(
    truth: &Truth,
    panels: &Panels,
    (attribute, ranks): (&str, &[Option<f64>]),
    (name, spans): (&str, &HashMap<String, (f64, f64)>),
    is_falling: bool,
) -> Way {
    let cost = |number: usize, member: &String| {
        let (Some(rank), Some((from, to))) = (ranks[number], spans.get(member)) else { return NEVER };
        let rank = if is_falling { 1.0 - rank } else { rank };
        (from - rank).max(rank - to).max(0.0)
    };
    way(format!("{attribute} by order of {name}"), truth, panels, cost)
}

fn way(name: String, truth: &Truth, panels: &Panels, cost: impl Fn(usize, &String) -> f64) -> Way {
    let of = |(number, review): (usize, &crate::population::TrueReview)| {
        panels[&review.subject_ref].iter().map(|member| cost(number, member)).collect()
    };
    Way { name, costs: truth.reviews.iter().enumerate().map(of).collect() }
}

/// For each review the cheapest member, by lot among equals.
fn nearest(truth: &Truth, panels: &Panels, way: &Way, seed: u64) -> Vec<usize> {
    let mut dice = Dice::new(seed ^ 11 << 32);
    let mut choose = |number: usize, costs: &Vec<f64>| {
        let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let equals: Vec<usize> = (0..costs.len()).filter(|at| costs[*at] <= best).collect();
        let lot = usize::try_from(dice.below(equals.len() as u64)).unwrap();
        assert!(equals[lot] < panels[&truth.reviews[number].subject_ref].len());
        equals[lot]
    };
    way.costs.iter().enumerate().map(|(number, costs)| choose(number, costs)).collect()
}

/// For each subject the cheapest matching of reviews and members.
fn matched(truth: &Truth, panels: &Panels, way: &Way, seed: u64) -> Vec<usize> {
    let mut guesses = vec![0; truth.reviews.len()];
    let mut dice = Dice::new(seed ^ 12 << 32);
    for (subject, panel) in panels {
        let mut own: Vec<usize> =
            (0..truth.reviews.len()).filter(|number| truth.reviews[*number].subject_ref == *subject).collect();
        // Where costs are equal the matching must not follow the order of arrival, in which the reviews stand here.
        dice.shuffle(&mut own);
        let costs: Vec<Vec<f64>> = own.iter().map(|number| way.costs[*number].clone()).collect();
        for (number, member) in own.iter().zip(hungarian(&costs, panel.len())) {
            guesses[*number] = member;
        }
    }
    guesses
}

/// The columns of the cheapest matching of all rows; there are no more rows than columns.
fn hungarian(costs: &[Vec<f64>], columns: usize) -> Vec<usize> {
    let rows = costs.len();
    assert!(rows <= columns);
    let (mut u, mut v) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let (mut matched, mut way) = (vec![0; columns + 1], vec![0; columns + 1]);
    for row in 1..=rows {
        matched[0] = row;
        let (mut column, mut least, mut used) = (0, vec![f64::INFINITY; columns + 1], vec![false; columns + 1]);
        while matched[column] != 0 {
            used[column] = true;
            let (at, mut delta, mut next) = (matched[column], f64::INFINITY, 0);
            for j in (1..=columns).filter(|j| !used[*j]).collect::<Vec<_>>() {
                let reduced = costs[at - 1][j - 1] - u[at] - v[j];
                if reduced < least[j] {
                    (least[j], way[j]) = (reduced, column);
                }
                if least[j] < delta {
                    (delta, next) = (least[j], j);
                }
            }
            for j in 0..=columns {
                if used[j] {
                    u[matched[j]] += delta;
                    v[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            matched[column] = matched[way[column]];
            column = way[column];
        }
    }
    let mut chosen = vec![0; rows];
    for column in 1..=columns {
        if matched[column] > 0 {
            chosen[matched[column] - 1] = column - 1;
        }
    }
    chosen
}

/// Judges guesses by the truth, and by shuffled truths.
fn judge(truth: &Truth, panels: &Panels, mut guesses: Vec<(String, Vec<usize>)>, seed: u64) -> Linked {
    let mut known = HashSet::new();
    guesses.retain(|(_, guess)| known.insert(guess.clone()));
    let reviews = &truth.reviews;
    let of_subject = |subject: &Ref| -> Vec<usize> {
        (0..reviews.len()).filter(|number| reviews[*number].subject_ref == *subject).collect()
    };
    let subjects: Vec<Vec<usize>> = panels.keys().map(of_subject).collect();
    let mut halves = vec![0; reviews.len()];
    for (at, own) in subjects.iter().enumerate() {
        own.iter().for_each(|number| halves[*number] = at % 2);
    }
    let place = |review: &crate::population::TrueReview| {
        panels[&review.subject_ref].iter().position(|member| *member == review.author).unwrap()
    };
    let mut authors: Vec<usize> = reviews.iter().map(place).collect();
    let (right, best) = search(&guesses, &halves, &authors);
    let mut dice = Dice::new(seed ^ 13 << 32);
    let mut shuffled = Vec::with_capacity(SHUFFLES);
    for _ in 0..SHUFFLES {
        for own in &subjects {
            let mut theirs: Vec<usize> = own.iter().map(|number| authors[*number]).collect();
            dice.shuffle(&mut theirs);
            for (number, author) in own.iter().zip(theirs) {
                authors[*number] = author;
            }
        }
        shuffled.push(search(&guesses, &halves, &authors).0);
    }
    Linked {
        right,
        total: reviews.len() as u64,
        chance: reviews.iter().map(|review| 1.0 / panels[&review.subject_ref].len() as f64).sum(),
        ways: best.map(|way| guesses.get(way).map_or_else(String::new, |(name, _)| name.clone())),
        shuffled,
    }
}

/// Takes on each half of the subjects the way that does best on the other: how many are right, and the two ways.
fn search(guesses: &[(String, Vec<usize>)], halves: &[usize], authors: &[usize]) -> (u64, [usize; 2]) {
    let mut rights = vec![[0_u64; 2]; guesses.len()];
    for (right, (_, guess)) in rights.iter_mut().zip(guesses) {
        for ((half, member), author) in halves.iter().zip(guess).zip(authors) {
            right[*half] += u64::from(member == author);
        }
    }
    let best_on = |half: usize| (0..rights.len()).max_by_key(|way| (rights[*way][half], usize::MAX - way));
    match (best_on(0), best_on(1)) {
        (Some(first), Some(second)) => (rights[first][1] + rights[second][0], [first, second]),
        _ => (0, [0, 0]),
    }
}

impl Linked {
    /// The promise, for a population of full size: the mean of chance and three of its standard deviations.
    pub fn limit(&self) -> f64 {
        let share = self.chance / self.total as f64;
        self.chance + 3.0 * (self.chance * (1.0 - share)).sqrt()
    }

    /// How probable it is that chance names as many.
    pub fn p(&self) -> f64 {
        let as_good = self.shuffled.iter().filter(|right| **right >= self.right).count();
        (1 + as_good) as f64 / (1 + self.shuffled.len()) as f64
    }

    /// Whether more are named than by chance: by the shuffled truths in a run of any size, and by the promise in one of
    /// full size.
    pub fn is_beyond_chance(&self) -> bool {
        self.p() <= LEVEL || self.total >= FULL_SIZE && self.right as f64 > self.limit()
    }
}

#[cfg(test)]
mod tests {
    use ejf::credential::encoding::Bytes;

    use super::*;
    use crate::analysis::attributes::orderable;
    use crate::evidence::{Column, Row, Table, Value};
    use crate::population::TrueReview;

    /// Ten subjects with panels of seven out of twenty; every judge is seen at a time of their own and writes after it.
    fn world(seed: u64) -> (Truth, Panels) {
        let mut dice = Dice::new(seed);
        let (mut truth, mut panels) = (Truth::default(), Panels::new());
        let start = DateTime::from_timestamp(1_803_000_000, 0).unwrap();
        let mut times: Vec<i64> = (0..20).map(|number| number * 3600 * 16).collect();
        dice.shuffle(&mut times);
        for number in 0..10_u8 {
            let mut judges: Vec<usize> = (0..20).collect();
            dice.shuffle(&mut judges);
            let panel = judges[..7].iter().map(|judge| format!("judge-{judge}")).collect();
            panels.insert(Bytes([number; 16]), panel);
        }
        for (judge, time) in times.iter().enumerate() {
            truth.seen.push((format!("judge-{judge}"), start + TimeDelta::seconds(*time)));
        }
        for (subject_ref, panel) in &panels {
            for author in panel {
                let seen = truth.seen.iter().find(|(judge, _)| judge == author).unwrap().1;
                let at = seen + TimeDelta::seconds(dice.below(1800).cast_signed());
                let review = TrueReview {
                    epk: dice.bytes(),
                    leaf: dice.bytes(),
                    sig: [0; 64],
                    subject_ref: *subject_ref,
                    author: author.clone(),
                    at,
                };
                truth.reviews.push(review);
            }
        }
        truth.reviews.sort_by_key(|review| review.at);
        truth.clock = vec![(0, start), (1, start + TimeDelta::days(20))];
        (truth, panels)
    }

    fn attribute(values: impl Iterator<Item = u128>) -> Attribute {
        Attribute { name: "x".to_owned(), values: values.map(Some).collect() }
    }

    #[test]
    fn exact_times_and_plain_order_name_nearly_everybody() {
        let (truth, panels) = world(1);
        let spans = truth.reviews.iter().map(|review| Some((review.at, review.at))).collect();
        let estimate = Estimate { name: "created_at".to_owned(), spans };
        let linked = link(&truth, &panels, &[], &[estimate], &[], 1);
        assert!(linked.right >= 68, "{linked:?}");
        for order in [attribute(0..70), attribute((0..70).rev())] {
            let linked = link(&truth, &panels, &[order], &[], &[], 1);
            assert!(linked.right >= 60, "{linked:?}");
        }
    }

    #[test]
    fn copies_of_every_night_name_most() {
        let (truth, panels) = world(2);
        let column = Column { name: "epk".to_owned(), kind: String::new() };
        let copy = |day: i64| {
            let at = truth.clock[0].1 + TimeDelta::days(day);
            let row = |review: &TrueReview| Row { values: vec![Value::Blob(review.epk.to_vec())], places: Vec::new() };
            let rows = truth.reviews.iter().filter(|review| review.at < at).map(row).collect();
            let table = Table { name: "review".to_owned(), columns: vec![column.clone()], rows, sql: String::new() };
            Snapshot { at, tables: vec![table] }
        };
        let linked = link(&truth, &panels, &[], &[], &(1..16).map(copy).collect::<Vec<_>>(), 2);
        assert!(linked.right as f64 > 2.0 * linked.limit(), "{linked:?}");
    }

    /// Orders that tell nothing, as many as a real run has.
    fn chance_orders(truth: &Truth, dice: &mut Dice) -> Vec<Attribute> {
        let mut values = || {
            let random = |_| orderable(&Value::Blob(dice.bytes::<16>().to_vec())).unwrap();
            truth.reviews.iter().map(random).collect::<Vec<_>>()
        };
        (0..15).map(|_| attribute(values().into_iter())).collect()
    }

    #[test]
    fn chance_is_told_for_chance_however_many_ways_there_are() {
        let (mut low, mut beyond) = (0, 0);
        for seed in 0..60 {
            let (truth, panels) = world(100 + seed);
            let orders = chance_orders(&truth, &mut Dice::new(seed));
            let linked = link(&truth, &panels, &orders, &[], &[], seed);
            low += u32::from(linked.p() <= 0.05);
            beyond += u32::from(linked.is_beyond_chance());
        }
        // Three of sixty are due; more than nine come in less than one of a thousand such tests.
        assert!(low <= 9, "{low} of 60 at or below 0.05");
        assert_eq!(beyond, 0);
    }

    #[test]
    fn an_order_of_a_third_of_the_reviews_is_enough_to_be_found() {
        let (truth, panels) = world(3);
        let mut dice = Dice::new(3);
        let mut orders = chance_orders(&truth, &mut dice);
        let partly = |number: usize| if number.is_multiple_of(3) { number as u128 } else { dice.below(70).into() };
        orders.push(attribute((0..70).map(partly).collect::<Vec<_>>().into_iter()));
        let linked = link(&truth, &panels, &orders, &[], &[], 3);
        assert!(linked.is_beyond_chance(), "{} of {}, p {}", linked.right, linked.total, linked.p());
    }

    #[test]
    fn the_cheapest_matching_is_found() {
        let costs = vec![vec![4.0, 1.0, 3.0, 9.0], vec![2.0, 0.0, 5.0, 9.0], vec![3.0, 2.0, 2.0, 9.0]];
        assert_eq!(hungarian(&costs, 4), [1, 0, 2]);
    }
}
