//! Figures over all evaluations of a year, for the Council's yearly report: counts, one mean, and whether groups of judges
//! differ. What a newcomer would get wrong: a figure of a group is not safe because the group is large. What is
//! left of the whole without it may be small, and so may what lies between two groups; see [`disclosure`].
//!
//! All figures are of the whole system. None is of a judge or a court, none puts anybody in an order, and there is no
//! distribution of results but by the three words that are published (`privacy.md` P-5).

pub mod disclosure;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::scoring::publication::Band;

/// The fewest subjects on either side of a comparison, and in any figure of results.
pub const SUBJECTS_MIN: usize = 30;
/// The fewest evaluations that a count tells of, unless there are none.
pub const COUNT_MIN: usize = 5;
/// The ceiling alarm: more than so many per cent of results in the uppermost eighth of the scale, which is 4.5 of 1 to 5.
pub const CEILING_PER_CENT: usize = 60;
/// The quantile with 97.5 % of the standard normal distribution below it; each side of a difference has 30 and more.
const Z: f64 = 1.959_963_984_540_054;

coded! {
    /// By what judges are put into groups.
    GroupDimension {
        /// Sex, as the personnel system tells it.
        Sex = "sex",
        /// The region of the court.
        Region = "region",
        /// The level of the court.
        Level = "level",
        /// Years of service as a judge.
        Seniority = "seniority",
    }
}

/// What stands for an attribute that is not known.
pub const NOT_KNOWN: &str = "not_known";

/// The group of a judge by hundredths of years of service.
pub fn seniority(service_hundredths: i64) -> &'static str {
    match service_hundredths {
        ..500 => "under_5",
        500..1_000 => "5_to_9",
        1_000..2_000 => "10_to_19",
        2_000.. => "20_and_more",
    }
}

coded! {
    /// Why there are no figures of results.
    FiguresWithheld {
        /// Fewer than 30 judges have a result that may ground a decision.
        TooFewSubjects = "too_few_subjects",
        /// The year's methodologies have different scales, so that points of one are no points of another.
        ScalesDiffer = "scales_differ",
    }
}

/// The result of one judge as it was published, with the judge's groups in the order of [`GroupDimension::ALL`].
#[derive(Debug, Clone)]
pub struct Subject {
    /// The overall point in hundredths.
    pub point: i64,
    /// Where its interval lies.
    pub band: Band,
    /// The groups; none where it is not known.
    pub groups: [Option<String>; 4],
}

/// Of what the figures of a year are made.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The closed cycles.
    pub cycle_count: usize,
    /// The kind of each evaluation that was not cancelled.
    pub kinds: Vec<&'static str>,
    /// The status of each of their results.
    pub statuses: Vec<&'static str>,
    /// The published results that may ground a decision, one of each judge.
    pub subjects: Vec<Subject>,
    /// The ends of the scales by which they were made, in points; without repeats.
    pub scales: Vec<(i64, i64)>,
}

/// How many evaluations are of one kind; null where fewer than five are, or where it would tell such a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"code": "periodic", "count": 371}))]
pub struct EvaluationCount {
    /// Of what.
    #[schema(max_length = 40)]
    pub code: String,
    /// How many, or null where that is held back.
    #[schema(minimum = 0)]
    pub count: Option<usize>,
}

/// All results of a year together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"subject_count": 371, "mean_hundredths": 372, "bands": [{"code": "above", "count": 204}], "is_ceiling_alarm": false}))]
pub struct OverallResults {
    /// The judges: those with a result that may ground a decision, without those whose groups few others share unknown.
    #[schema(minimum = 30)]
    pub subject_count: usize,
    /// The mean of their published points, in hundredths.
    pub mean_hundredths: i64,
    /// How many lie above, below or not distinguishably from the standard.
    #[schema(max_items = 3)]
    pub bands: Vec<EvaluationCount>,
    /// Whether more than 60 % lie in the uppermost eighth of the scale (4.5 and more of 1 to 5): marks that praise everybody
    /// tell nothing.
    pub is_ceiling_alarm: bool,
}

/// A group beside all other judges, of the whole system; never a statement about any judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The judges of the group.
    pub subject_count: usize,
    /// The mean of their published points, in hundredths.
    pub mean_hundredths: i64,
    /// All other judges.
    pub other_count: usize,
    /// The mean of theirs.
    pub other_mean_hundredths: i64,
    /// The first mean less the second.
    pub difference_hundredths: i64,
    /// The lower end of the difference's 95 % interval.
    pub difference_lo_hundredths: i64,
    /// Its upper end.
    pub difference_hi_hundredths: i64,
    /// Whether the interval leaves out 0.
    pub is_distinguishable: bool,
}

/// A group, with its comparison or with nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// By what.
    pub dimension: GroupDimension,
    /// Which group.
    pub code: String,
    /// How it compares; none where that is held back.
    pub comparison: Option<Comparison>,
}

/// The figures of a year, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// The closed cycles.
    pub cycle_count: usize,
    /// Their evaluations without those that were cancelled.
    pub evaluation_count: usize,
    /// By kind.
    pub kinds: Vec<EvaluationCount>,
    /// By what the result may be used for.
    pub statuses: Vec<EvaluationCount>,
    /// Why there are no figures of results.
    pub withheld: Option<FiguresWithheld>,
    /// All results together.
    pub overall: Option<OverallResults>,
    /// The groups of every dimension, in order.
    pub groups: Vec<Group>,
}

/// The figures of a year.
pub fn figures(material: Material) -> Statistics {
    let Material { cycle_count, kinds, statuses, subjects, scales } = material;
    let mut figures = Statistics {
        cycle_count,
        evaluation_count: kinds.len(),
        kinds: counts(&kinds),
        statuses: counts(&statuses),
        withheld: None,
        overall: None,
        groups: Vec::new(),
    };
    let subjects = base(subjects);
    match scales.as_slice() {
        _ if subjects.len() < SUBJECTS_MIN => figures.withheld = Some(FiguresWithheld::TooFewSubjects),
        [scale] => {
            figures.overall = Some(overall(&subjects, *scale));
            figures.groups = groups(&subjects);
        }
        _ => figures.withheld = Some(FiguresWithheld::ScalesDiffer),
    }
    figures
}

/// The subjects of all figures: without those of whom something is not known that is known of nearly all others. Else they
/// would be what a whole has more than its groups.
fn base(mut subjects: Vec<Subject>) -> Vec<Subject> {
    loop {
        let unknown = |at: usize| subjects.iter().filter(move |subject| at_of(subject, at).is_none());
        let few = (0..GroupDimension::ALL.len()).find(|at| (1..SUBJECTS_MIN).contains(&unknown(*at).count()));
        match few {
            Some(at) => subjects.retain(|subject| at_of(subject, at).is_some()),
            None => return subjects,
        }
    }
}

fn at_of(subject: &Subject, at: usize) -> Option<&str> {
    subject.groups.get(at).and_then(Option::as_deref)
}

/// How often each code stands there, by code; counts below five are held back, and others with them so that those that are
/// held back are five and more together.
fn counts(codes: &[&str]) -> Vec<EvaluationCount> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for code in codes {
        match found.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => found.push((code, 1)),
        }
    }
    found.sort_unstable();
    let mut is_shown: Vec<bool> = found.iter().map(|(_, count)| *count >= COUNT_MIN).collect();
    let hidden = |is_shown: &[bool]| -> usize {
        found.iter().zip(is_shown).filter(|(_, shown)| !**shown).map(|((_, count), _)| count).sum()
    };
    while (1..COUNT_MIN).contains(&hidden(&is_shown)) {
        let least = found.iter().zip(&mut is_shown).filter(|(_, shown)| **shown).min_by_key(|((_, count), _)| *count);
        let Some((_, shown)) = least else { break };
        *shown = false;
    }
    let told = found.into_iter().zip(is_shown);
    told.map(|((code, count), shown)| EvaluationCount { code: code.to_owned(), count: shown.then_some(count) })
        .collect()
}

fn overall(subjects: &[Subject], (min, max): (i64, i64)) -> OverallResults {
    let bands: Vec<&str> = subjects
        .iter()
        .map(|subject| match subject.band {
            Band::Above => "above",
            Band::Below => "below",
            Band::NotDistinguishable => "not_distinguishable",
        })
        .collect();
    // In eighths of hundredths, so that no end of the uppermost eighth is rounded.
    let ceiling = 800 * min + 700 * (max - min);
    let high = subjects.iter().filter(|subject| 8 * subject.point >= ceiling).count();
    OverallResults {
        subject_count: subjects.len(),
        mean_hundredths: Sample::of(subjects.iter()).mean_hundredths(),
        bands: counts(&bands),
        is_ceiling_alarm: 100 * high > CEILING_PER_CENT * subjects.len(),
    }
}

fn groups(subjects: &[Subject]) -> Vec<Group> {
    let members: Vec<disclosure::Members> = subjects
        .iter()
        .map(|subject| std::array::from_fn(|at| at_of(subject, at).unwrap_or(NOT_KNOWN).to_owned()))
        .collect();
    let shown = disclosure::shown(&members);
    let group = |((at, code), is_shown): ((usize, String), bool)| {
        let is_of_it = |subject: &&Subject| at_of(subject, at).unwrap_or(NOT_KNOWN) == code;
        let comparison = is_shown.then(|| {
            let own = Sample::of(subjects.iter().filter(is_of_it));
            compare(own, Sample::of(subjects.iter().filter(|subject| !is_of_it(subject))))
        });
        Some(Group { dimension: *GroupDimension::ALL.get(at)?, code, comparison })
    };
    shown.into_iter().filter_map(group).collect()
}

/// Points, as far as a mean and its error need them; sums are whole, so that their order does not matter.
#[derive(Debug, Clone, Copy)]
struct Sample {
    count: usize,
    sum: i64,
    sum_of_squares: i64,
}

impl Sample {
    fn of<'a>(subjects: impl Iterator<Item = &'a Subject>) -> Sample {
        subjects.fold(Sample { count: 0, sum: 0, sum_of_squares: 0 }, |sample, subject| Sample {
            count: sample.count + 1,
            sum: sample.sum + subject.point,
            sum_of_squares: sample.sum_of_squares + subject.point * subject.point,
        })
    }

    fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    fn mean_hundredths(&self) -> i64 {
        self.mean().round() as i64
    }

    /// The square of the mean's standard error.
    fn error(&self) -> f64 {
        let count = self.count as f64;
        let squares = self.sum_of_squares as f64 - self.sum as f64 * self.mean();
        squares.max(0.0) / (count - 1.0) / count
    }
}

fn compare(own: Sample, other: Sample) -> Comparison {
    let difference = own.mean() - other.mean();
    let half_width = Z * (own.error() + other.error()).sqrt();
    // A hair, so that an end that is whole but for the last bit stays there.
    let lo = (difference - half_width + 1e-9).floor() as i64;
    let hi = (difference + half_width - 1e-9).ceil() as i64;
    Comparison {
        subject_count: own.count,
        mean_hundredths: own.mean_hundredths(),
        other_count: other.count,
        other_mean_hundredths: other.mean_hundredths(),
        difference_hundredths: difference.round() as i64,
        difference_lo_hundredths: lo,
        difference_hi_hundredths: hi,
        is_distinguishable: lo > 0 || hi < 0,
    }
}

#[cfg(test)]
mod tests;
