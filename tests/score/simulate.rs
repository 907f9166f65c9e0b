//! `ejf score simulate`, in its quick form, whose figures mean little. A newcomer would hold them to the bars
//! here; what is held is that they are computed, repeat by the seed, and that the exit code says what the words say.

use std::process::{Command, Output};

fn simulate(seed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
    command.args(["score", "simulate", "--seed", seed, "--quick"]).output().unwrap()
}

#[test]
fn a_seed_settles_every_figure_and_each_target_has_its_line() {
    let output = simulate("7");
    let text = String::from_utf8(output.stdout.clone()).unwrap();

    let (targets, published) = text.rsplit_once("\n\n").unwrap();
    assert!(published.starts_with("as published, outward to a quarter of a point: coverage"), "{text}");
    let lines: Vec<&str> = targets.lines().skip(3).collect();
    let numbers: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "5", "5", "6", "6", "7", "8"], "{text}");
    let words = ["met", "within error", "missed"];
    assert!(lines.iter().all(|line| words.iter().any(|word| line.ends_with(word))), "{text}");
    let is_missed = lines.iter().any(|line| line.ends_with("missed"));
    assert_eq!(output.status.code(), Some(i32::from(is_missed)), "{text}");
    assert_eq!(simulate("7").stdout, output.stdout);

    // Retaliation moves the plain mean by half a point, and the product by far less, whatever the seed.
    let figures: Vec<f64> = lines[0].split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [mean, product] = [figures[figures.len() - 4], figures[figures.len() - 3]];
    assert!((0.4..0.75).contains(&mean) && (0.2..0.45).contains(&product), "{text}");

    let other = String::from_utf8(simulate("8").stdout).unwrap();
    let same = lines.iter().zip(other.lines().skip(3)).filter(|(one, other)| *one == other).count();
    assert!(same <= 1, "another seed gives other figures, but for the intervals of no width:\n{text}{other}");
}
