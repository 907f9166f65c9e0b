//! The invented judges and courts of the demonstration: names from lists, numbers that nobody bears. A newcomer would
//! take the ratings' own names; no hostile review of a real, named judge may ever be shown.

use std::collections::BTreeSet;

use super::dice::Dice;
use crate::domain::iin::Iin;
use crate::error::{Error, Result};

/// Further judges, who only review, for each subject: with the subjects themselves they keep the load below the cap.
const PEERS_PER_SUBJECT: usize = 2;
/// The fewest further judges: a pool must hold a panel, the reserve behind it and those who may be challenged.
const PEERS_MIN: usize = 36;
/// Judges without a post who sit in the commission: with them most of five who vote are judges.
const COMMISSION: usize = 4;
/// Subjects that a region has before another one is added.
const SUBJECTS_PER_REGION: usize = 14;

/// Surnames of men in Kazakh and Russian; a woman's ends in `а` besides.
const SURNAMES: [(&str, &str); 24] = [
    ("Әбдірахманов", "Абдрахманов"),
    ("Әлімов", "Алимов"),
    ("Ахметов", "Ахметов"),
    ("Бекенов", "Бекенов"),
    ("Дәулетов", "Даулетов"),
    ("Ермеков", "Ермеков"),
    ("Есенов", "Есенов"),
    ("Жақыпов", "Жакыпов"),
    ("Жүнісов", "Жунусов"),
    ("Кенжебеков", "Кенжебеков"),
    ("Қалиев", "Калиев"),
    ("Қасенов", "Касенов"),
    ("Мұқанов", "Муканов"),
    ("Нұрғалиев", "Нургалиев"),
    ("Омаров", "Омаров"),
    ("Оразов", "Оразов"),
    ("Рахимов", "Рахимов"),
    ("Садықов", "Садыков"),
    ("Сейітов", "Сеитов"),
    ("Тәжібаев", "Тажибаев"),
    ("Төлегенов", "Тулегенов"),
    ("Үсенов", "Усенов"),
    ("Шәріпов", "Шарипов"),
    ("Ыбыраев", "Ибраев"),
];

/// Given names of men.
const MEN: [(&str, &str); 16] = [
    ("Айдос", "Айдос"),
    ("Арман", "Арман"),
    ("Асқар", "Аскар"),
    ("Бауыржан", "Бауыржан"),
    ("Болат", "Болат"),
    ("Дәурен", "Даурен"),
    ("Ержан", "Ержан"),
    ("Ерлан", "Ерлан"),
    ("Қайрат", "Кайрат"),
    ("Марат", "Марат"),
    ("Мұрат", "Мурат"),
    ("Нұрлан", "Нурлан"),
    ("Рүстем", "Рустем"),
    ("Самат", "Самат"),
    ("Талғат", "Талгат"),
    ("Темір", "Темир"),
];

/// Given names of women.
const WOMEN: [(&str, &str); 16] = [
    ("Айгүл", "Айгуль"),
    ("Айнұр", "Айнур"),
    ("Алма", "Алма"),
    ("Әсел", "Асель"),
    ("Ботагөз", "Ботагоз"),
    ("Гүлнар", "Гульнар"),
    ("Дана", "Дана"),
    ("Динара", "Динара"),
    ("Жанар", "Жанар"),
    ("Зәуре", "Зауре"),
    ("Қарлығаш", "Карлыгаш"),
    ("Ләззат", "Ляззат"),
    ("Мадина", "Мадина"),
    ("Раушан", "Раушан"),
    ("Сәуле", "Сауле"),
    ("Шолпан", "Шолпан"),
];

/// Names of fathers, to which `ұлы` or `қызы`, `ович` or `овна` is added.
const FATHERS: [(&str, &str); 14] = [
    ("Асқар", "Аскар"),
    ("Бекболат", "Бекболат"),
    ("Болат", "Болат"),
    ("Ермек", "Ермек"),
    ("Жомарт", "Жомарт"),
    ("Қанат", "Канат"),
    ("Кеңес", "Кенес"),
    ("Марат", "Марат"),
    ("Мұрат", "Мурат"),
    ("Нұрлан", "Нурлан"),
    ("Самат", "Самат"),
    ("Сапар", "Сапар"),
    ("Серік", "Серик"),
    ("Талғат", "Талгат"),
];

/// Regions: code, and the names from which those of courts are made.
const REGIONS: [(&str, &str, &str); 6] = [
    ("karaganda", "Қарағанды", "Карагандинский"),
    ("kostanay", "Қостанай", "Костанайский"),
    ("pavlodar", "Павлодар", "Павлодарский"),
    ("aktobe", "Ақтөбе", "Актюбинский"),
    ("turkistan", "Түркістан", "Туркестанский"),
    ("zhambyl", "Жамбыл", "Жамбылский"),
];

/// How a region's judges are spread: out of 20, those of each court. The first is the regional court; many district
/// courts have so few judges that none of them may review another.
const COURT_SHARES: [usize; 5] = [5, 7, 4, 3, 1];

/// An invented judge.
pub(super) struct Judge {
    /// The name by which this program knows the judge: `S001` a subject, `P001` another peer, `C001` of the commission.
    pub external_id: String,
    /// Invented, with a right check digit.
    pub iin: Iin,
    /// Surname, given name, patronymic.
    pub full_name_kk: String,
    /// The same in Russian.
    pub full_name_ru: String,
    /// The place of the judge's court in [`People::courts`].
    pub court: usize,
}

/// An invented court.
pub(super) struct Court {
    /// The name by which this program knows it.
    pub external_id: String,
    /// Its name in Kazakh.
    pub name_kk: String,
    /// Its name in Russian.
    pub name_ru: String,
    /// `district` or `regional`.
    pub level: &'static str,
    /// The code of its region.
    pub region: &'static str,
}

/// Everybody in the demonstration.
pub(super) struct People {
    /// The courts.
    pub courts: Vec<Court>,
    /// Those who are evaluated, and review others; by external id.
    pub subjects: Vec<Judge>,
    /// Those who only review; by external id.
    pub peers: Vec<Judge>,
    /// Those who decide and hold no post; by external id.
    pub commission: Vec<Judge>,
}

impl People {
    /// As many subjects as asked for, with peers and courts; the same people for the same seed.
    pub fn invent(seed: u64, subject_count: usize) -> Result<People> {
        let region_count = (subject_count / SUBJECTS_PER_REGION).clamp(1, REGIONS.len());
        let regions = REGIONS.iter().take(region_count);
        let courts = regions.flat_map(|region| (0..COURT_SHARES.len()).map(|place| court(region, place))).collect();
        let mut inventor = Inventor { seed, names: BTreeSet::new(), iin_number: 0 };
        let mut invent = |prefix: &str, count: usize| -> Result<Vec<Judge>> {
            (0..count)
                .map(|number| inventor.judge(format!("{prefix}{:03}", number + 1), number, region_count))
                .collect()
        };
        let subjects = invent("S", subject_count)?;
        let peers = invent("P", (subject_count * PEERS_PER_SUBJECT).max(PEERS_MIN))?;
        let commission = invent("C", COMMISSION)?;
        Ok(People { courts, subjects, peers, commission })
    }

    /// Those with a post: subjects first, then peers.
    pub fn judges(&self) -> impl Iterator<Item = &Judge> {
        self.subjects.iter().chain(&self.peers)
    }
}

fn court((region, region_kk, region_ru): &(&'static str, &str, &str), place: usize) -> Court {
    let external_id = format!("{region}-{place}");
    if place == 0 {
        let name_kk = format!("{region_kk} облыстық соты");
        return Court {
            external_id,
            name_kk,
            name_ru: format!("{region_ru} областной суд"),
            level: "regional",
            region,
        };
    }
    Court {
        external_id,
        name_kk: format!("{region_kk} облысының № {place} аудандық соты"),
        name_ru: format!("{region_ru} районный суд № {place}"),
        level: "district",
        region,
    }
}

/// The court, within a region of 20 shares, of the judge with this number there.
fn court_place(number: usize) -> usize {
    // Seven is prime to 20, so that a few judges in a row do not all fall to one court.
    let share = number * 7 % 20;
    let ends = COURT_SHARES.iter().scan(0, |end, share| {
        *end += share;
        Some(*end)
    });
    ends.take_while(|end| share >= *end).count()
}

struct Inventor {
    seed: u64,
    names: BTreeSet<String>,
    iin_number: u32,
}

impl Inventor {
    fn judge(&mut self, external_id: String, number: usize, region_count: usize) -> Result<Judge> {
        let (region, number_there) = (number % region_count, number / region_count);
        let mut dice = Dice::of(self.seed, "name", &external_id, 0);
        let (full_name_kk, full_name_ru) = loop {
            let (kk, ru) = full_name(&mut dice).ok_or_else(|| Error::internal("a list of names is empty"))?;
            if self.names.insert(kk.clone()) {
                break (kk, ru);
            }
        };
        let court = region * COURT_SHARES.len() + court_place(number_there);
        Ok(Judge { external_id, iin: self.iin(), full_name_kk, full_name_ru, court })
    }

    /// The next number. It begins like the birth date 99 December of a year 00, which no register has given to anybody.
    fn iin(&mut self) -> Iin {
        loop {
            self.iin_number += 1;
            if let Some(iin) = Iin::with_check_digit(&format!("001299{:05}", self.iin_number % 100_000)) {
                return iin;
            }
        }
    }
}

fn full_name(dice: &mut Dice) -> Option<(String, String)> {
    let is_woman = dice.below(2) == 0;
    let (given, ending, child_kk, child_ru) =
        if is_woman { (&WOMEN, "а", "қызы", "овна") } else { (&MEN, "", "ұлы", "ович") };
    let (surname_kk, surname_ru) = dice.pick(&SURNAMES)?;
    let (given_kk, given_ru) = dice.pick(given)?;
    let (father_kk, father_ru) = dice.pick(&FATHERS)?;
    Some((
        format!("{surname_kk}{ending} {given_kk} {father_kk}{child_kk}"),
        format!("{surname_ru}{ending} {given_ru} {father_ru}{child_ru}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{JUDGES_DEFAULT, JUDGES_MAX, JUDGES_MIN};

    const SUBJECTS_DEFAULT: usize = JUDGES_DEFAULT as usize;
    const SUBJECTS_MIN: usize = JUDGES_MIN as usize;
    const SUBJECTS_MAX: usize = JUDGES_MAX as usize;

    fn court_sizes(people: &People) -> Vec<usize> {
        let size = |court: usize| people.judges().filter(|judge| judge.court == court).count();
        (0..people.courts.len()).map(size).collect()
    }

    #[test]
    fn the_same_seed_invents_the_same_people() {
        let names = |seed| -> Vec<String> {
            People::invent(seed, 43).unwrap().judges().map(|judge| judge.full_name_kk.clone()).collect()
        };
        assert_eq!(names(1), names(1));
        assert_ne!(names(1), names(2));
    }

    #[test]
    fn names_numbers_and_ids_are_each_borne_once() {
        let people = People::invent(1, SUBJECTS_MAX).unwrap();
        let all = || people.judges().chain(&people.commission);
        let total = all().count();
        let distinct = |text: fn(&Judge) -> String| all().map(text).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|judge| judge.full_name_kk.clone()), total);
        assert_eq!(distinct(|judge| judge.iin.as_str().to_owned()), total);
        assert_eq!(distinct(|judge| judge.external_id.clone()), total);
        assert!(people.judges().all(|judge| Iin::parse(judge.iin.as_str()).is_ok()));
    }

    #[test]
    fn the_load_cap_leaves_room_for_every_panel() {
        for subjects in [SUBJECTS_MIN, SUBJECTS_DEFAULT, SUBJECTS_MAX] {
            let people = People::invent(1, subjects).unwrap();
            assert!(people.judges().count() * 9 >= subjects * 14 * 3 / 2, "{subjects}");
        }
    }

    #[test]
    fn small_and_large_courts_exist_in_every_region() {
        for subjects in [SUBJECTS_MIN, SUBJECTS_DEFAULT] {
            let people = People::invent(1, subjects).unwrap();
            for region in court_sizes(&people).chunks(COURT_SHARES.len()) {
                assert!(region.iter().any(|size| *size >= 8), "{region:?}");
                assert!(region.iter().any(|size| (1..8).contains(size)), "{region:?}");
                assert!(region.iter().sum::<usize>() >= 40, "{region:?}");
            }
        }
    }

    #[test]
    fn a_womans_name_and_patronymic_have_their_endings() {
        let people = People::invent(1, 43).unwrap();
        let is_whole = |judge: &Judge| {
            let is_woman = judge.full_name_kk.ends_with("қызы");
            let surname = judge.full_name_ru.split(' ').next().unwrap();
            judge.full_name_ru.ends_with("овна") == is_woman && surname.ends_with('а') == is_woman
        };
        assert!(people.judges().all(is_whole));
    }
}
