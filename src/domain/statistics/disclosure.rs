//! Which groups may be shown side by side. What a newcomer would get wrong: each figure alone hides everybody in thirty, and
//! two of them together tell of three. So whatever can be computed from all that is shown is looked at: the whole, the
//! groups, and all sums and differences of them.
//!
//! A sum over a set of subjects can be computed from shown sums where the set's row of ones and zeros is a combination of
//! theirs. Subjects who are in the same shown groups cannot be told apart, so they are one atom; a set of fewer than five
//! subjects is made of at most four small atoms. It can be computed where its row stands at right angles to all that stands
//! at right angles to every shown row, which is a sum of at most four vectors that must not be zero.

use std::collections::{BTreeMap, HashMap};

use super::SUBJECTS_MIN;

/// The group of one subject in each dimension.
pub type Members = [String; 4];

/// The most subjects whom nothing shown may isolate.
const ISOLATED_MAX: usize = 4;
/// The prime 2^61 - 1. No determinant of at most [`SETS_MAX`] rows of ones and zeros is as large (Hadamard's bound), so
/// what depends on one another by this arithmetic does so by that of whole numbers, and the other way round.
const PRIME: u64 = (1 << 61) - 1;
/// So many sets are looked at; where more would be shown, the smallest are held back.
const SETS_MAX: usize = 30;

/// Subjects of the same groups in every dimension, and how many they are.
type Cells = Vec<(Members, usize)>;

/// All groups, by dimension and code, each with whether it may be shown.
///
/// A group needs thirty subjects and thirty others; what is held back of a dimension is thirty and more together, or
/// nothing; and neither a group without so many nor any set of fewer than five can be computed from all that is shown. Where
/// more has to be held back, it is the smallest group that mends it.
pub fn shown(subjects: &[Members]) -> Vec<((usize, String), bool)> {
    let mut cells: BTreeMap<Members, usize> = BTreeMap::new();
    for subject in subjects {
        *cells.entry(subject.clone()).or_default() += 1;
    }
    let cells: Cells = cells.into_iter().collect();
    let mut sizes: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for (members, count) in &cells {
        for (at, code) in members.iter().enumerate() {
            *sizes.entry((at, code.clone())).or_default() += count;
        }
    }
    let has_both = |size: usize| size >= SUBJECTS_MIN && subjects.len() - size >= SUBJECTS_MIN;
    let mut groups: Vec<Sized> = sizes.into_iter().map(|(group, size)| (group, size, has_both(size))).collect();
    let guarded: Vec<(usize, String)> = groups
        .iter()
        .filter(|(_, size, _)| !has_both(*size) && *size < subjects.len())
        .map(|(group, ..)| group.clone())
        .collect();
    hold_back_remainders(&mut groups);
    while !is_safe(&cells, &groups, &guarded) {
        groups = mended(&cells, &groups, &guarded);
    }
    groups.into_iter().map(|(group, _, shown)| (group, shown)).collect()
}

/// The groups with one more held back, and what goes with it: the smallest that makes the rest safe, else the smallest.
fn mended(cells: &Cells, groups: &[Sized], guarded: &[(usize, String)]) -> Vec<Sized> {
    let mut by_size: Vec<usize> = (0..groups.len()).filter(|at| groups.get(*at).is_some_and(|group| group.2)).collect();
    by_size.sort_by_key(|at| groups.get(*at).map(|(_, size, _)| *size));
    let without = |at: usize| {
        let mut fewer = groups.to_vec();
        if let Some((.., shown)) = fewer.get_mut(at) {
            *shown = false;
        }
        hold_back_remainders(&mut fewer);
        fewer
    };
    let safe = by_size.iter().map(|at| without(*at)).find(|fewer| is_safe(cells, fewer, guarded));
    safe.unwrap_or_else(|| by_size.first().map_or_else(|| groups.to_vec(), |at| without(*at)))
}

/// Whether nothing that must not be known can be computed from the whole and the shown groups.
fn is_safe(cells: &Cells, groups: &[Sized], guarded: &[(usize, String)]) -> bool {
    let sets: Vec<&(usize, String)> = groups.iter().filter(|(.., shown)| *shown).map(|(group, ..)| group).collect();
    sets.is_empty() || (sets.len() <= SETS_MAX && !discloses(cells, &sets, guarded))
}

type Sized = ((usize, String), usize, bool);

/// In each dimension, holds back the smallest shown groups until what is held back is nothing, or as large as a group that
/// may be shown.
fn hold_back_remainders(groups: &mut [Sized]) {
    let dimensions: Vec<usize> = groups.iter().map(|((at, _), ..)| *at).collect();
    for dimension in dimensions {
        let is_of_it = |group: &Sized| group.0.0 == dimension;
        loop {
            let hidden = groups.iter().filter(|group| is_of_it(group) && !group.2).map(|group| group.1);
            let is_small = (1..SUBJECTS_MIN).contains(&hidden.sum::<usize>());
            if !is_small || !hold_back_smallest(groups.iter_mut().filter(|group| is_of_it(group))) {
                break;
            }
        }
    }
}

/// Holds back the smallest shown group; whether there was any.
fn hold_back_smallest<'a>(groups: impl Iterator<Item = &'a mut Sized>) -> bool {
    let smallest = groups.filter(|(.., shown)| *shown).min_by_key(|(_, size, _)| *size);
    let is_any = smallest.is_some();
    if let Some((.., shown)) = smallest {
        *shown = false;
    }
    is_any
}

/// Whether a sum over one to four subjects, or over a guarded group, can be computed from the sums over all and over these
/// groups.
fn discloses(cells: &Cells, sets: &[&(usize, String)], guarded: &[(usize, String)]) -> bool {
    let is_in = |members: &Members, (at, code): &(usize, String)| members.get(*at).is_some_and(|of| of == code);
    // Of each atom its size, and how many of it are in each guarded group.
    let mut atoms: BTreeMap<Vec<bool>, (usize, Vec<usize>)> = BTreeMap::new();
    for (members, count) in cells {
        let column = sets.iter().map(|set| is_in(members, set)).collect();
        let (size, inside) = atoms.entry(column).or_insert_with(|| (0, vec![0; guarded.len()]));
        *size += count;
        for (inside, group) in inside.iter_mut().zip(guarded) {
            *inside += if is_in(members, group) { *count } else { 0 };
        }
    }
    let columns: Vec<&Vec<bool>> = atoms.keys().collect();
    let mut rows: Vec<Vec<u64>> = vec![vec![1; columns.len()]];
    let row = |set: usize| columns.iter().map(|column| u64::from(column.get(set) == Some(&true))).collect();
    rows.extend((0..sets.len()).map(row));
    let prints = prints(rows, columns.len());
    let is_computed = |group: usize| {
        let mut sum = 0;
        for ((size, inside), print) in atoms.values().zip(&prints) {
            match inside.get(group) {
                Some(0) | None => {}
                Some(count) if count == size => sum = plus(sum, *print),
                // Whatever is computed counts all of an atom or none.
                Some(_) => return false,
            }
        }
        sum == 0
    };
    let small = atoms.values().zip(&prints).filter(|((size, _), _)| *size <= ISOLATED_MAX);
    let small: Vec<(usize, u64)> = small.map(|((size, _), print)| (*size, *print)).collect();
    (0..guarded.len()).any(is_computed) || sums_to_zero(&small)
}

/// Of each column its part in the space at right angles to all rows, as one number: the parts of a set of columns add up to
/// nothing only if their numbers do. That their numbers do by chance happens once in 2^61, and holds back too much.
fn prints(mut rows: Vec<Vec<u64>>, columns: usize) -> Vec<u64> {
    let mut pivots: Vec<usize> = Vec::new();
    for column in 0..columns {
        let done = pivots.len();
        let Some(found) = (done..rows.len()).find(|row| cell(&rows, *row, column) != 0) else { continue };
        rows.swap(done, found);
        let scale = inverse(cell(&rows, done, column));
        let Some(pivot) = rows.get_mut(done) else { continue };
        pivot.iter_mut().for_each(|value| *value = times(*value, scale));
        let pivot = pivot.clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != done) {
            let factor = row.get(column).copied().unwrap_or(0);
            row.iter_mut().zip(&pivot).for_each(|(value, of_pivot)| *value = less(*value, times(factor, *of_pivot)));
        }
        pivots.push(column);
    }
    let mut weights = Weights(0x9e37_79b9_7f4a_7c15);
    let free: Vec<(usize, u64)> =
        (0..columns).filter(|column| !pivots.contains(column)).map(|column| (column, weights.next())).collect();
    let of_pivot =
        |row: usize| free.iter().fold(0, |sum, (column, weight)| less(sum, times(cell(&rows, row, *column), *weight)));
    let print = |column: usize| match pivots.iter().position(|pivot| *pivot == column) {
        Some(row) => of_pivot(row),
        None => free.iter().find(|(free, _)| *free == column).map_or(0, |(_, weight)| *weight),
    };
    (0..columns).map(print).collect()
}

fn cell(rows: &[Vec<u64>], row: usize, column: usize) -> u64 {
    rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
}

/// Whether one to four different atoms of at most four subjects together add up to nothing.
fn sums_to_zero(atoms: &[(usize, u64)]) -> bool {
    let mut pairs: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
    let is_few =
        |of: &[usize]| of.iter().filter_map(|at| atoms.get(*at)).map(|(size, _)| size).sum::<usize>() <= ISOLATED_MAX;
    for (one, (_, first)) in atoms.iter().enumerate() {
        if *first == 0 {
            return true;
        }
        for (other, (_, second)) in atoms.iter().enumerate().skip(one + 1) {
            let sum = plus(*first, *second);
            if is_few(&[one, other]) && sum == 0 {
                return true;
            }
            pairs.entry(sum).or_default().push((one, other));
        }
    }
    let is_made_up = |missing: u64, of: &[usize]| {
        let found = pairs.get(&missing).into_iter().flatten();
        found.into_iter().any(|(a, b)| {
            let all: Vec<usize> = of.iter().copied().chain([*a, *b]).collect();
            !of.contains(a) && !of.contains(b) && is_few(&all)
        })
    };
    let three = atoms.iter().enumerate().any(|(at, (_, print))| is_made_up(less(0, *print), &[at]));
    three || pairs.iter().any(|(sum, all)| all.iter().any(|(a, b)| is_made_up(less(0, *sum), &[*a, *b])))
}

fn plus(a: u64, b: u64) -> u64 {
    (a + b) % PRIME
}

fn less(a: u64, b: u64) -> u64 {
    (a + PRIME - b) % PRIME
}

fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

/// By Fermat: `value` to the power of the prime less 2.
fn inverse(value: u64) -> u64 {
    let (mut base, mut exponent, mut result) = (value, PRIME - 2, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

/// Numbers below the prime that look random and are always the same (SplitMix64).
struct Weights(u64);

impl Weights {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % PRIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many subjects of these groups.
    fn world(told: &[(usize, [&str; 4])]) -> Vec<Members> {
        told.iter().flat_map(|(count, groups)| vec![groups.map(str::to_owned); *count]).collect()
    }

    fn shown_of(told: &[(usize, [&str; 4])]) -> Vec<String> {
        shown(&world(told)).into_iter().filter(|(_, shown)| *shown).map(|((_, code), _)| code).collect()
    }

    #[test]
    fn a_group_needs_thirty_and_thirty_others() {
        let one = |f: usize, m: usize| shown_of(&[(f, ["f", "a", "d", "s"]), (m, ["m", "a", "d", "s"])]);
        assert_eq!(one(30, 30), ["f", "m"]);
        assert_eq!(one(29, 300), [""; 0]);
        assert_eq!(one(300, 29), [""; 0]);
    }

    #[test]
    fn what_is_left_of_the_whole_without_the_shown_groups_is_nothing_or_a_large_group() {
        let regions = |counts: &[(usize, &'static str)]| {
            let told: Vec<_> = counts.iter().map(|(count, region)| (*count, ["f", region, "d", "s"])).collect();
            shown_of(&told)
        };
        // The smallest of the shown ones goes with the one of 29.
        assert_eq!(regions(&[(29, "a"), (40, "b"), (41, "c"), (50, "d")]), ["c", "d"]);
        assert_eq!(regions(&[(3, "a"), (31, "b"), (40, "c"), (50, "d")]), ["c", "d"]);
        assert_eq!(regions(&[(15, "a"), (15, "b"), (40, "c"), (50, "d")]), ["c", "d"]);
        // Neither of the two small ones can be computed, but their twenty-five together could be.
        assert_eq!(regions(&[(10, "a"), (15, "b"), (40, "c"), (50, "d")]), ["d"]);
        assert_eq!(regions(&[(40, "b"), (41, "c")]), ["b", "c"]);
    }

    #[test]
    fn two_groups_of_different_kinds_do_not_tell_of_the_few_between_them() {
        // All of the region but three are of the level: both shown, the difference would be the three.
        let near = [(40, ["f", "a", "d", "s"]), (3, ["f", "a", "r", "s"]), (100, ["f", "b", "r", "s"])];
        let found = shown_of(&near);
        assert!(!(found.contains(&"a".to_owned()) && found.contains(&"d".to_owned())), "{found:?}");
        assert!(!(found.contains(&"b".to_owned()) && found.contains(&"r".to_owned())), "{found:?}");
        // With five between them both are shown.
        let apart = [(40, ["f", "a", "d", "s"]), (5, ["f", "a", "r", "s"]), (100, ["f", "b", "r", "s"])];
        assert_eq!(shown_of(&apart), ["a", "b", "d", "r"]);
    }

    #[test]
    fn nor_do_three_groups_whose_sum_less_others_is_small() {
        // f + a - 2 x (f and a) cannot be computed, but f = (a without the one) + (d): a + d - f is one subject.
        let told = [
            (60, ["f", "a", "r", "s"]),
            (1, ["m", "a", "r", "s"]),
            (60, ["f", "b", "d", "s"]),
            (90, ["m", "b", "r", "t"]),
        ];
        let found = shown_of(&told);
        let all = ["a", "d", "f"].iter().all(|code| found.contains(&(*code).to_owned()));
        assert!(!all, "{found:?}");
    }

    #[test]
    fn a_group_of_twenty_nine_is_not_what_groups_of_different_kinds_leave_over() {
        // The whole less f less astana would be kostanay.
        let told = [(40, ["f", "abai", "d", "s"]), (50, ["m", "astana", "d", "s"]), (29, ["m", "kostanay", "d", "s"])];
        assert_eq!(shown_of(&told), ["f", "m"]);
    }

    /// Gaussian elimination over every set of at most four subjects, for worlds small enough to try all.
    #[test]
    fn what_is_found_by_right_angles_is_what_trying_every_small_set_finds() {
        let mut dice = Weights(20_270_111);
        let mut counted = [0, 0];
        for _ in 0..300 {
            let mut pick = |of: u64| (dice.next() % of) as usize;
            let subjects: Vec<Members> = (0..13)
                .map(|_| {
                    let codes =
                        [["f", "m", "n"][pick(2)], ["a", "b", "c"][pick(3)], ["d", "r", "s"][pick(2)], ["x"][0]];
                    codes.map(str::to_owned)
                })
                .collect();
            let groups =
                [(0, "f"), (0, "m"), (1, "a"), (1, "b"), (1, "c"), (2, "d")].map(|(at, code)| (at, code.to_owned()));
            let sets: Vec<&(usize, String)> = groups.iter().filter(|_| pick(3) == 0).collect();
            let cells: Cells = subjects.iter().map(|subject| (subject.clone(), 1)).collect();
            let found = discloses(&cells, &sets, &[]);
            assert_eq!(found, is_isolated_by_trying(&subjects, &sets), "{subjects:?} {sets:?}");
            counted[usize::from(found)] += 1;
        }
        assert!(counted.iter().all(|count| *count > 20), "{counted:?}");
    }

    fn is_isolated_by_trying(subjects: &[Members], sets: &[&(usize, String)]) -> bool {
        let mut rows: Vec<Vec<f64>> = vec![vec![1.0; subjects.len()]];
        for (at, code) in sets {
            rows.push(subjects.iter().map(|subject| f64::from(u8::from(&subject[*at] == code))).collect());
        }
        let rank_of = rank(rows.clone());
        (1_u32..1 << subjects.len()).filter(|set| set.count_ones() as usize <= ISOLATED_MAX).any(|set| {
            let mut more = rows.clone();
            more.push((0..subjects.len()).map(|at| f64::from(set >> at & 1)).collect());
            rank(more) == rank_of
        })
    }

    fn rank(mut rows: Vec<Vec<f64>>) -> usize {
        let mut done = 0;
        for column in 0..rows[0].len() {
            let Some(found) = (done..rows.len()).find(|row| rows[*row][column].abs() > 1e-9) else { continue };
            rows.swap(done, found);
            for row in done + 1..rows.len() {
                let factor = rows[row][column] / rows[done][column];
                for at in 0..rows[0].len() {
                    rows[row][at] -= factor * rows[done][at];
                }
            }
            done += 1;
        }
        done
    }
}
