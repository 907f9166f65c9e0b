//! The 95 % score interval of Wilson (1927) for a share. What a newcomer would get wrong: the textbook interval of Wald
//! has no width where nothing or everything was reversed, which would make the fewest data look the surest.

/// The quantile with 97.5 % of the standard normal distribution below it.
const Z: f64 = 1.959_963_984_540_054;

/// The ends of the interval for `count` of `of`; `of` is positive and at least `count`.
pub fn interval(count: i64, of: i64) -> (f64, f64) {
    let (count, of) = (count as f64, of as f64);
    let share = count / of;
    let weight = of + Z * Z;
    let centre = (count + Z * Z / 2.0) / weight;
    let half_width = Z / weight * (of * share * (1.0 - share) + Z * Z / 4.0).sqrt();
    ((centre - half_width).max(0.0), (centre + half_width).min(1.0))
}

/// The same in thousandths, rounded outwards.
pub fn in_thousandths(count: i64, of: i64) -> (i64, i64) {
    let (low, high) = interval(count, of);
    // A hair, so that an end that is a whole number of thousandths but for the last bit stays there.
    ((low * 1000.0 + 1e-9).floor() as i64, (high * 1000.0 - 1e-9).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Reference {
        count: i64,
        of: i64,
        low: f64,
        high: f64,
    }

    /// What SciPy gives; `tests/data/derived/make_wilson.py` wrote the file and says by which version.
    #[test]
    fn the_interval_is_that_of_scipy() {
        let text = include_str!("../../../tests/data/derived/wilson.json");
        let cases: Vec<Reference> = serde_json::from_str(text).unwrap();
        assert!(cases.len() > 50, "{} cases", cases.len());
        for Reference { count, of, low, high } in cases {
            let found = interval(count, of);
            let is_near = |one: f64, other: f64| (one - other).abs() < 1e-12;
            assert!(is_near(found.0, low) && is_near(found.1, high), "{count} of {of}: {found:?}, not {low} to {high}");
        }
    }

    /// Newcombe (1998), Statistics in Medicine 17, 857 to 872, table I, method 3: the score without continuity correction.
    #[test]
    fn the_interval_is_that_of_newcombes_examples() {
        for (count, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = interval(count, of);
            let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
            assert_eq!((rounded(found.0), rounded(found.1)), (low, high), "{count} of {of}");
        }
    }

    #[test]
    fn thousandths_are_rounded_outwards() {
        assert_eq!(in_thousandths(0, 20), (0, 162));
        assert_eq!(in_thousandths(81, 263), (255, 367));
        assert_eq!(in_thousandths(20, 20), (838, 1000));
    }
}
