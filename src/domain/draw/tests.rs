//! What every draw must keep, whatever the seed; checked by a second reading of the rules, not by the search's own.

use proptest::prelude::*;

use super::*;

fn key(kind: &str, number: usize) -> String {
    format!("{kind}{number:04}")
}

fn seed(number: u64) -> [u8; 32] {
    commitment(&{
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    })
}

fn caps(panel_size: u32, same_court_max: u32, load_cap: u32) -> Caps {
    Caps { panel_size, reserve_size: panel_size, same_court_max, load_cap }
}

/// `judges` judges, the first `subjects` of them also evaluated, in courts of `court_size`; everybody in every pool.
fn circle(judges: usize, subjects: usize, court_size: usize, caps: Caps) -> DrawInput {
    let court = |number: usize| key("court", number / court_size);
    let keys: Vec<String> = (0..judges).map(|number| key("judge", number)).collect();
    DrawInput {
        caps,
        reviewers: (0..judges).map(|n| Reviewer { key: keys[n].clone(), court: court(n), load: 0 }).collect(),
        subjects: (0..subjects)
            .map(|n| Subject { key: keys[n].clone(), court: court(n), eligible: keys.clone() })
            .collect(),
    }
}

/// Subjects who are no reviewers, each with all reviewers in the pool, all in courts of their own.
fn strangers(subjects: usize, reviewers: usize, caps: Caps) -> DrawInput {
    let keys: Vec<String> = (0..reviewers).map(|number| key("reviewer", number)).collect();
    DrawInput {
        caps,
        reviewers: keys.iter().map(|key| Reviewer { key: key.clone(), court: key.clone(), load: 0 }).collect(),
        subjects: (0..subjects)
            .map(|n| Subject { key: key("subject", n), court: key("subject", n), eligible: keys.clone() })
            .collect(),
    }
}

fn loads(record: &DrawRecord) -> BTreeMap<&str, u32> {
    let mut loads: BTreeMap<&str, u32> =
        record.input.reviewers.iter().map(|reviewer| (reviewer.key.as_str(), reviewer.load)).collect();
    for member in record.panels.iter().flat_map(|panel| &panel.panel) {
        *loads.get_mut(member.as_str()).unwrap() += 1;
    }
    loads
}

/// The rules read again from the record alone.
fn assert_keeps_all_rules(record: &DrawRecord) {
    let input = &record.input;
    let courts: BTreeMap<&String, &String> = input.reviewers.iter().map(|one| (&one.key, &one.court)).collect();
    let panels: BTreeMap<&String, &Vec<String>> = record.panels.iter().map(|one| (&one.subject, &one.panel)).collect();
    assert_eq!(record.panels.len(), input.subjects.len());
    for (subject, drawn) in input.subjects.iter().zip(&record.panels) {
        assert_eq!(subject.key, drawn.subject);
        let members: BTreeSet<&String> = drawn.panel.iter().collect();
        assert_eq!(members.len(), drawn.panel.len(), "nobody twice");
        assert_eq!(members.len(), input.caps.panel_size as usize);
        assert!(!members.contains(&subject.key), "nobody reviews self");
        assert!(members.iter().all(|member| subject.eligible.contains(member)));
        let own_court = members.iter().filter(|member| courts[**member] == &subject.court).count();
        assert!(own_court <= input.caps.same_court_max as usize, "{own_court} of the own court");
        for member in drawn.panel.iter().chain(&drawn.reserve) {
            assert!(
                !panels.get(member).is_some_and(|panel| panel.contains(&subject.key)),
                "no pair in both directions"
            );
        }
        assert!(drawn.reserve.len() <= input.caps.reserve_size as usize);
        assert!(drawn.reserve.iter().all(|one| subject.eligible.contains(one) && !members.contains(one)));
        assert!(!drawn.reserve.contains(&subject.key));
    }
    for (reviewer, load) in loads(record) {
        assert!(load <= input.caps.load_cap, "{reviewer} has {load}");
    }
}

/// The one hint of a refusal: its key with its facts.
fn hint(error: Error) -> String {
    assert_eq!(error.code(), Code::PoolTooSmall);
    match error {
        Error::Refused(refusal) => {
            assert_eq!(refusal.hints.len(), 1);
            refusal.hints[0].to_string()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn the_commitment_is_the_hash_of_tag_and_seed() {
    // Computed by Python's hashlib over b"EJF-DRAW-v1\0" and the bytes 0 to 31.
    let counting: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let hex: String = commitment(&counting).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "3ac1a848f276b6f943cbc0e1710520ea2025f4cf73128b536919c7cbfa83ebea");
}

#[test]
fn a_cycle_of_usual_size_is_drawn_within_all_caps() {
    for number in 0..5 {
        let record = draw(circle(110, 43, 7, caps(14, 2, 9)), &seed(number)).unwrap();
        assert_keeps_all_rules(&record);
        let loads = loads(&record);
        let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
        assert!(most - least <= 1, "602 assignments over 110 reviewers are 5 or 6 each, not {least} to {most}");
    }
}

#[test]
fn a_draw_succeeds_when_nearly_every_place_is_needed() {
    for number in 0..5 {
        // 43 × 14 = 602 assignments; 67 reviewers × 9 = 603 places.
        assert_keeps_all_rules(&draw(strangers(43, 67, caps(14, 2, 9)), &seed(number)).unwrap());
    }
}

#[test]
fn a_draw_succeeds_where_all_review_each_other_and_every_place_is_needed() {
    for number in 0..5 {
        // Each of 19 reviews 9 and is reviewed by the other 9: every pair is used, and every load is at its cap.
        assert_keeps_all_rules(&draw(circle(19, 19, 1, caps(9, 0, 9)), &seed(number)).unwrap());
    }
}

#[test]
fn scarce_reviewers_are_kept_for_those_who_have_no_others() {
    // Every wide pool holds the narrow one; a draw that served the wide pools from it would strand the last subject.
    let mut input = strangers(9, 28, caps(14, 0, 9));
    for subject in &mut input.subjects[..8] {
        subject.eligible.truncate(28);
    }
    input.subjects[8].eligible.truncate(14);
    for number in 0..20 {
        assert_keeps_all_rules(&draw(input.clone(), &seed(number)).unwrap());
    }
    for reviewer in &mut input.reviewers[..14] {
        reviewer.load = 8;
    }
    input.subjects.truncate(9);
    input.subjects.drain(1..8);
    for number in 0..20 {
        let record = draw(input.clone(), &seed(number)).unwrap();
        assert_keeps_all_rules(&record);
        assert!(record.panels[0].panel.iter().all(|member| *member >= key("reviewer", 14)));
    }
}

#[test]
fn the_outcome_is_that_of_a_second_program() {
    // SHA-256 of one line a subject, `key:panel,…;reserve,…`, computed by a second program, in Python with its own ChaCha20, that shares no code.
    let cases = [
        (circle(110, 43, 7, caps(14, 2, 9)), "1be2ae0a7a6721c5792032e2fa5810e0e5f192a26528273ba67aba3659a6956a"),
        (strangers(43, 67, caps(14, 2, 9)), "f2a284a94700db5a4afc6b2416ed4550f31c8b08cf915040ccccdc33291e797e"),
        (circle(24, 24, 3, caps(9, 1, 9)), "05066fc5d891a5de5fe9a6edcdd369f4dc68f65915e7808535b56a8944412064"),
        (circle(19, 19, 1, caps(9, 0, 9)), "0f15963886d5bbbc02633bf18b42d53986c0c1b1aad573721fa25753fef168f9"),
    ];
    for (input, expected) in cases {
        let panels = draw(input, &seed(0)).unwrap().panels;
        let lines =
            panels.iter().map(|one| format!("{}:{};{}\n", one.subject, one.panel.join(","), one.reserve.join(",")));
        let digest = Sha256::digest(lines.collect::<String>());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}

#[test]
fn loads_from_before_the_draw_are_evened_out() {
    let mut input = strangers(10, 20, caps(4, 0, 9));
    input.reviewers[..10].iter_mut().for_each(|reviewer| reviewer.load = 3);
    // 30 places are taken and 40 are drawn: 70 over 20 reviewers are 3 or 4 each.
    let record = draw(input, &seed(1)).unwrap();
    assert!(loads(&record).values().all(|load| [3, 4].contains(load)), "{:?}", loads(&record));
}

#[test]
fn a_record_replays_and_any_change_to_it_is_found() {
    let record = draw(circle(30, 10, 5, caps(6, 1, 9)), &seed(1)).unwrap();
    replay(&record).unwrap();
    let place = |changed: &DrawRecord| match replay(changed).unwrap_err() {
        Error::Refused(refusal) => refusal.faults[0].place.clone(),
        other => panic!("{other}"),
    };
    let at = |pointer: &str| crate::error::Place::Pointer(pointer.to_owned());
    let changed = |change: fn(&mut DrawRecord)| {
        let mut changed = record.clone();
        change(&mut changed);
        changed
    };
    assert_eq!(place(&changed(|record| record.panels[3].panel.swap(0, 1))), at("/panels/3"));
    assert_eq!(place(&changed(|record| record.panels[9].reserve.swap(0, 1))), at("/panels/9"));
    assert_eq!(place(&changed(|record| record.panels.truncate(9))), at("/panels"));
    assert_eq!(place(&changed(|record| record.seed.0[0] ^= 1)), at("/seed"));
    assert_eq!(place(&changed(|record| record.algorithm.push('x'))), at("/algorithm"));
    assert_eq!(place(&changed(|record| record.input.reviewers.swap(0, 1))), at("/input"));
    // A pool altered after the draw gives other panels.
    assert!(replay(&changed(|record| drop(record.input.subjects[0].eligible.remove(5)))).is_err());
}

#[test]
fn a_record_survives_json_and_refuses_what_it_does_not_know() {
    let record = draw(circle(12, 3, 4, caps(3, 1, 9)), &seed(1)).unwrap();
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<DrawRecord>(&json).unwrap(), record);
    assert!(serde_json::from_str::<DrawRecord>(&json.replacen('{', "{\"note\":1,", 1)).is_err());
    assert!(!format!("{:?}", record.seed).contains(&String::from(record.seed)));
    // The last character of 32 bytes carries four bits: another one that decodes to the same bytes is refused.
    let text = String::from(Bytes32([0; 32]));
    assert!(Bytes32::try_from(format!("{}B", &text[..42])).is_err());
    assert!(Bytes32::try_from(format!("{text}A")).is_err());
}

#[test]
fn the_order_of_the_input_does_not_matter_and_the_seed_does() {
    let input = circle(40, 12, 5, caps(8, 2, 9));
    let mut other_order = input.clone();
    other_order.reviewers.reverse();
    other_order.subjects.rotate_left(5);
    other_order.subjects.iter_mut().for_each(|subject| subject.eligible.reverse());
    let record = draw(input.clone(), &seed(1)).unwrap();
    assert_eq!(draw(other_order, &seed(1)).unwrap(), record);
    let other_seed = draw(input, &seed(2)).unwrap();
    assert!(record.panels.iter().zip(&other_seed.panels).all(|(one, other)| one.panel != other.panel));
}

#[test]
fn all_balanced_outcomes_are_equally_likely() {
    // Two subjects, four reviewers, two each: balanced loads leave the 6 ways to choose the first pair.
    let mut counts: BTreeMap<Vec<String>, f64> = BTreeMap::new();
    let draws = 1_200;
    for number in 0..draws {
        let record = draw(strangers(2, 4, caps(2, 0, 9)), &seed(number)).unwrap();
        let mut pair = record.panels[0].panel.clone();
        pair.sort_unstable();
        *counts.entry(pair).or_default() += 1.0;
    }
    let expected = draws as f64 / 6.0;
    let chi_square: f64 = counts.values().map(|count| (count - expected).powi(2) / expected).sum();
    assert_eq!(counts.len(), 6);
    assert!(chi_square < 20.52, "0.1 % point with 5 degrees of freedom; {counts:?}");
}

#[test]
fn every_reviewer_is_equally_likely_in_every_place_even_without_pairs() {
    // Nine judges who all review each other, three a panel, loads all three: by symmetry each of the eight others
    // stands in each place of the first judge's panel with probability 1/8.
    let draws = 400_u64;
    let mut counts = vec![BTreeMap::<String, f64>::new(); 3];
    for number in 0..draws {
        let record = draw(circle(9, 9, 1, caps(3, 0, 9)), &seed(number)).unwrap();
        for (place, member) in record.panels[0].panel.iter().enumerate() {
            *counts[place].entry(member.clone()).or_default() += 1.0;
        }
    }
    let expected = draws as f64 / 8.0;
    for place in counts {
        let chi_square: f64 = place.values().map(|count| (count - expected).powi(2) / expected).sum();
        assert_eq!(place.len(), 8);
        assert!(chi_square < 24.32, "0.1 % point with 7 degrees of freedom; {place:?}");
    }
}

#[test]
fn a_pool_that_is_too_small_is_named_with_what_would_help() {
    let mut input = strangers(3, 20, caps(14, 0, 9));
    input.subjects[1].eligible.truncate(13);
    let told = hint(draw(input.clone(), &seed(1)).unwrap_err());
    assert_eq!(told, "pool_of_subject_too_small subject=subject0001 count=13 least=14");
    // Enough names, but one has no place left, and then only two of the own court may count.
    input.subjects[1].eligible = input.subjects[0].eligible[..14].to_vec();
    input.reviewers[0].load = 9;
    assert!(hint(draw(input.clone(), &seed(1)).unwrap_err()).contains("subject=subject0001 count=13"));
    input.reviewers[0].load = 0;
    input.reviewers[..4].iter_mut().for_each(|reviewer| reviewer.court = key("subject", 1));
    input.caps.same_court_max = 2;
    assert!(hint(draw(input, &seed(1)).unwrap_err()).contains("subject=subject0001 count=12"));
}

#[test]
fn too_few_places_in_all_are_told_with_both_numbers() {
    let told = hint(draw(strangers(43, 66, caps(14, 0, 9)), &seed(1)).unwrap_err());
    assert!(told.starts_with("places_too_few places=594 assignments=602 subject="), "{told}");
}

#[test]
fn what_arithmetic_does_not_rule_out_is_given_up_after_bounded_attempts() {
    // Five judges who review each other need two partners in each direction; three are more than there are pairs for.
    let told = hint(draw(circle(5, 5, 1, caps(3, 0, 9)), &seed(1)).unwrap_err());
    assert!(told.starts_with("no_panel_found subject=judge000"), "{told}");
}

#[test]
fn a_faulty_input_is_refused_at_each_place() {
    let mut input = strangers(2, 5, caps(2, 0, 9));
    input.caps.panel_size = 0;
    input.caps.load_cap = 0;
    input.reviewers[4].key = key("reviewer", 0);
    input.subjects[1].key = key("subject", 0);
    input.subjects[0].eligible.push("nobody".into());
    let Error::Refused(refusal) = draw(input, &seed(1)).unwrap_err() else { panic!("not refused") };
    assert_eq!(refusal.code, Code::Invalid);
    let found: Vec<String> = (refusal.faults.into_iter())
        .map(|fault| match fault.place {
            crate::error::Place::Pointer(pointer) => format!("{pointer} {}", fault.rule.code()),
            crate::error::Place::Parameter(name) => panic!("{name} is no pointer"),
        })
        .collect();
    let expected = [
        "/caps/panel_size range",
        "/caps/load_cap range",
        "/reviewers/4/key duplicate",
        "/subjects/0/eligible/4 missing",
        "/subjects/0/eligible/5 missing",
        "/subjects/1/key duplicate",
        "/subjects/1/eligible/4 missing",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_first_of_the_reserve_who_still_keeps_the_rules_takes_a_free_place() {
    let record = draw(circle(30, 10, 5, caps(6, 1, 9)), &seed(1)).unwrap();
    let subject = record.panels[0].subject.clone();
    let mut panels: BTreeMap<String, Vec<String>> =
        record.panels.iter().map(|panel| (panel.subject.clone(), panel.panel.clone())).collect();
    let gone = panels.get_mut(&subject).unwrap().remove(0);
    let left = BTreeSet::from([gone]);
    let reserve = &record.panels[0].reserve;
    let own_court = |name: &str| record.input.reviewers.iter().any(|one| one.key == name && one.court == "court0000");
    let is_court_full = panels[&subject].iter().any(|member| own_court(member));
    let expected = reserve.iter().find(|name| !(is_court_full && own_court(name))).unwrap();
    assert_eq!(next_in_reserve(&record, &subject, &panels, &left), Some(expected.as_str()));
    // Once that one has left too, or the subject came into their panel, the next follows.
    let both = left.iter().cloned().chain([expected.clone()]).collect();
    let second = next_in_reserve(&record, &subject, &panels, &both).unwrap();
    assert_ne!(second, expected);
    panels.entry(expected.clone()).or_default().push(subject.clone());
    assert_eq!(next_in_reserve(&record, &subject, &panels, &left), Some(second));
    let all = reserve.iter().cloned().collect();
    assert_eq!(next_in_reserve(&record, &subject, &panels, &all), None);
    assert_eq!(next_in_reserve(&record, "nobody", &panels, &left), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_drawn_keeps_all_rules_and_replays(
        judges in 12_usize..40,
        share in 0.1_f64..1.0,
        court_size in 1_usize..9,
        panel_size in 2_u32..6,
        same_court_max in 0_u32..3,
        earlier in prop::collection::vec(0_u32..6, 40),
        holes in prop::collection::vec(any::<u64>(), 40),
        number in any::<u64>(),
    ) {
        let subjects = ((judges as f64 * share) as usize).max(1);
        let mut input = circle(judges, subjects, court_size, caps(panel_size, same_court_max, 9));
        for (reviewer, load) in input.reviewers.iter_mut().zip(earlier) {
            reviewer.load = load;
        }
        for (subject, hole) in input.subjects.iter_mut().zip(holes) {
            let mut place = 0;
            subject.eligible.retain(|_| { place += 1; hole >> (place % 64) & 3 != 0 });
        }
        match draw(input, &seed(number)) {
            Ok(record) => {
                assert_keeps_all_rules(&record);
                prop_assert!(replay(&record).is_ok());
            }
            Err(error) => prop_assert_eq!(error.code(), Code::PoolTooSmall),
        }
    }
}
