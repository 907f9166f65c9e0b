//! The texts that people read, in Kazakh, Russian and English, from `texts/{kk,ru,en}.ftl`, built into the binary.
//! What a newcomer would get wrong: numbers that are codes or bounds are passed as [`Arg::Text`]; only a number that
//! decides a plural form ("1 second, 2 seconds") is an [`Arg::Count`].

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_templates::FluentBundle;
use fluent_templates::fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language in which the service speaks; Kazakh and Russian are of equal standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Kazakh, `kk`.
    Kk,
    /// Russian, `ru`.
    Ru,
    /// English, `en`.
    En,
}

/// A value for a variable of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Shown as it is: names, codes, dates, bounds.
    Text(&'a str),
    /// Shown in plain digits; decides the plural form.
    Count(u32),
}

/// The text of `key` in `language`, with its variables replaced.
///
/// A key that the catalogue lacks gives the key itself, so that a page shows something that can be searched for.
pub fn text(language: Language, key: &str, args: &[(&'static str, Arg<'_>)]) -> String {
    let book = language.book();
    if let Some(plain) = book.plain.get(key) {
        return plain.clone();
    }
    let Some(pattern) = book.bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let mut values = FluentArgs::with_capacity(args.len());
    for (name, arg) in args {
        match arg {
            Arg::Text(value) => values.set(*name, FluentValue::from(*value)),
            Arg::Count(value) => values.set(*name, FluentValue::from(*value)),
        }
    }
    // A missing variable shows as `{$name}`: a visible flaw in a sentence is better than no answer at all.
    let mut faults = Vec::new();
    book.bundle.format_pattern(pattern, Some(&values), &mut faults).into_owned()
}

/// The text of a key that has no variables; `None` where the catalogue has no such text.
pub fn plain(language: Language, key: &str) -> Option<&'static str> {
    language.book().plain.get(key).map(String::as_str)
}

/// The keys that begin with `prefix`, for whoever hands on a whole family of texts.
pub fn keys_from(prefix: &str) -> impl Iterator<Item = &'static str> {
    keys(Language::Kk.source()).filter(move |key| key.starts_with(prefix))
}

/// The words for a code of the domain, from a family such as `form`, `phase` or `file-status`; `None` where the catalogue has none.
///
/// The key is `<family>-<code>`, where everything but ASCII letters, digits, `_` and `-` becomes `-`.
pub fn named(language: Language, family: &str, code: &str) -> Option<&'static str> {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let slug: String = code.chars().map(|c| if is_kept(c) { c } else { '-' }).collect();
    plain(language, &format!("{family}-{slug}"))
}

impl Language {
    /// All languages; Kazakh first, which settles a tie.
    pub const ALL: [Language; 3] = [Language::Kk, Language::Ru, Language::En];

    /// The BCP 47 tag: `kk`, `ru` or `en`.
    pub fn as_tag(self) -> &'static str {
        match self {
            Language::Kk => "kk",
            Language::Ru => "ru",
            Language::En => "en",
        }
    }

    /// The language with this primary subtag, in any letter case: `kk`, `kk-KZ`, `RU`.
    pub fn from_tag(tag: &str) -> Option<Language> {
        let primary = tag.split('-').next()?;
        Language::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.as_tag()))
    }

    /// The language that the caller likes best (RFC 9110, 12.5.4).
    ///
    /// Without the header, with a malformed one, or where it names none of our languages: `default`. `*` stands for
    /// `default` unless that one is refused with `q=0`. Of equal wishes the first named wins.
    pub fn from_accept_language(header: Option<&str>, default: Language) -> Language {
        header.and_then(read_wishes).and_then(|wishes| best(&wishes, default)).unwrap_or(default)
    }

    fn source(self) -> &'static str {
        match self {
            Language::Kk => include_str!("../texts/kk.ftl"),
            Language::Ru => include_str!("../texts/ru.ftl"),
            Language::En => include_str!("../texts/en.ftl"),
        }
    }

    fn book(self) -> &'static Book {
        static KK: LazyLock<Book> = LazyLock::new(|| Book::read(Language::Kk));
        static RU: LazyLock<Book> = LazyLock::new(|| Book::read(Language::Ru));
        static EN: LazyLock<Book> = LazyLock::new(|| Book::read(Language::En));
        match self {
            Language::Kk => &KK,
            Language::Ru => &RU,
            Language::En => &EN,
        }
    }
}

/// The texts of one language, parsed once on first use.
struct Book {
    /// Texts without variables, ready to serve: a lookup and nothing else.
    plain: HashMap<&'static str, String>,
    /// All texts, for those with variables.
    bundle: FluentBundle<FluentResource>,
}

impl Book {
    fn read(language: Language) -> Book {
        let source = language.source();
        // The parser drops an entry that it cannot read and keeps the others. The tests refuse a catalogue with such an
        // entry, so at run time the rest is served.
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        // Our tags always parse; were one not to, plural forms would fall back to the text's default.
        let locale = language.as_tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // The marks for bidirectional text would be noise in JSON, and all three languages run left to right.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        let plain = keys(source)
            .filter_map(|key| {
                let pattern = bundle.get_message(key)?.value()?;
                let mut faults = Vec::new();
                let text = bundle.format_pattern(pattern, None, &mut faults).into_owned();
                faults.is_empty().then_some((key, text))
            })
            .collect();
        Book { plain, bundle }
    }
}

/// The keys of a catalogue: a message starts at the beginning of its line.
fn keys(source: &'static str) -> impl Iterator<Item = &'static str> {
    source
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once('=').map(|(key, _)| key.trim()))
}

/// One element of `Accept-Language`: `*` or a tag, and its weight in thousandths.
type Wish<'a> = (&'a str, u16);

/// The elements in their order; `None` where the header is malformed.
fn read_wishes(header: &str) -> Option<Vec<Wish<'_>>> {
    // An empty element is legal in a list (RFC 9110, 5.6.1.2).
    header.split(',').map(str::trim).filter(|element| !element.is_empty()).map(read_wish).collect()
}

fn read_wish(element: &str) -> Option<Wish<'_>> {
    let (range, weight) = match element.split_once(';') {
        None => (element, 1000),
        Some((range, parameter)) => {
            let (name, value) = parameter.trim().split_once('=')?;
            (range.trim_end(), name.eq_ignore_ascii_case("q").then(|| read_weight(value))??)
        }
    };
    let mut subtags = range.split('-');
    let is_subtag = |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_range = range == "*" || {
        let primary = subtags.next()?;
        is_subtag(primary) && primary.bytes().all(|b| b.is_ascii_alphabetic()) && subtags.all(is_subtag)
    };
    is_range.then_some((range, weight))
}

/// `0`, `1` or up to three decimals between, as thousandths.
fn read_weight(value: &str) -> Option<u16> {
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?; // three digits always parse
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn best(wishes: &[Wish<'_>], default: Language) -> Option<Language> {
    let named = |language: Language| {
        let of_language = |(range, _): &&Wish<'_>| Language::from_tag(range) == Some(language);
        wishes.iter().filter(of_language).map(|(_, weight)| *weight).max()
    };
    let others = wishes.iter().find(|(range, _)| *range == "*").map(|(_, weight)| *weight);
    // Candidates in order of preference: those named in their order, then what `*` stands for.
    let by_name = wishes.iter().filter_map(|(range, _)| Language::from_tag(range));
    let by_star = std::iter::once(default).chain(Language::ALL).filter(|language| named(*language).is_none());
    by_name
        .filter_map(|language| Some((language, named(language)?)))
        .chain(by_star.filter_map(|language| Some((language, others?))))
        .filter(|(_, weight)| *weight > 0)
        // `max_by_key` keeps the last of equals, and the first is wanted.
        .reduce(|first, next| if next.1 > first.1 { next } else { first })
        .map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::error::{Code, Rule};

    /// Families of keys that are not bound to a list of the code.
    const FREE: [&str; 17] = [
        "audit-",
        "booth-",
        "doctor-",
        "evaluation-",
        "figure-",
        "file-",
        "hint-",
        "form-",
        "list-",
        "notice-",
        "page-",
        "peer-",
        "recount-",
        "statistics-",
        "phase-",
        "language-",
        "warning-",
    ];

    /// Each key of a catalogue with the variables that its text uses.
    fn variables(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in language.source().lines().filter(|line| !line.starts_with('#')) {
            if let Some(key) = keys(line).next() {
                assert!(found.insert(key.to_owned(), BTreeSet::new()).is_none(), "{key} stands twice");
                current = key.to_owned();
            }
            for rest in line.split('$').skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                found.get_mut(&current).unwrap().insert(name);
            }
        }
        found
    }

    fn rules() -> Vec<Rule> {
        vec![
            Rule::Required,
            Rule::Unknown,
            Rule::Type,
            Rule::Range { min: 0, max: 1 },
            Rule::Length { min: 0, max: 1 },
            Rule::Format { expected: "" },
            Rule::OneOf { allowed: "".into() },
            Rule::Missing,
            Rule::Duplicate,
            Rule::CheckDigit,
            Rule::Order { other: "" },
            Rule::Mismatch { other: "" },
            Rule::Fixed,
            Rule::Floor { min: 0 },
            Rule::Weak,
        ]
    }

    #[test]
    fn every_catalogue_parses() {
        for language in Language::ALL {
            if let Err((_, faults)) = FluentResource::try_new(language.source().to_owned()) {
                panic!("{}: {faults:?}", language.as_tag());
            }
        }
    }

    #[test]
    fn the_three_catalogues_have_the_same_keys_and_variables() {
        let kazakh = variables(Language::Kk);
        assert_eq!(kazakh, variables(Language::Ru));
        assert_eq!(kazakh, variables(Language::En));
    }

    #[test]
    fn every_code_and_rule_has_its_texts_and_no_key_is_surplus() {
        let mut expected: BTreeSet<String> = rules().iter().map(|rule| format!("rule-{}", rule.code())).collect();
        for code in Code::ALL {
            expected.insert(format!("{}-title", code.as_str()));
            expected.insert(format!("{}-detail", code.as_str()));
        }
        let found: BTreeSet<String> = variables(Language::Kk).into_keys().collect();
        let bound = found.iter().filter(|key| !FREE.iter().any(|family| key.starts_with(family))).cloned();
        assert_eq!(bound.collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn a_text_uses_no_variable_but_those_it_is_given() {
        for (key, used) in variables(Language::En) {
            let given: &[&str] = match key.as_str() {
                "rule-range" | "rule-length" => &["min", "max"],
                "rule-format" => &["expected"],
                "rule-one_of" => &["allowed"],
                "rule-order" | "rule-mismatch" => &["other"],
                "rule-floor" => &["min"],
                "too_many_requests-detail" | "busy-detail" => &["retry_after"],
                // `tests/texts.rs` holds each hint against the place that makes it.
                _ if FREE.iter().any(|family| {
                    !matches!(*family, "form-" | "list-" | "phase-" | "language-") && key.starts_with(family)
                }) =>
                {
                    continue;
                }
                _ => &[],
            };
            assert_eq!(used, given.iter().map(|name| (*name).to_owned()).collect(), "{key}");
        }
    }

    #[test]
    fn titles_have_no_full_stop_and_details_end_with_one() {
        for language in Language::ALL {
            for code in Code::ALL {
                let title = text(language, &format!("{}-title", code.as_str()), &[]);
                let detail = text(language, &format!("{}-detail", code.as_str()), &[("retry_after", Arg::Count(5))]);
                assert!(!title.ends_with('.') && title.chars().count() <= 80, "{title}");
                assert!(detail.ends_with(['.', '"']) && detail.chars().count() <= 400, "{detail}");
            }
        }
    }

    #[test]
    fn a_text_without_variables_needs_no_formatting() {
        assert_eq!(plain(Language::Kk, "not_found-title"), Some("Табылмады"));
        assert_eq!(plain(Language::Ru, "not_found-title"), Some("Не найдено"));
        assert_eq!(plain(Language::En, "busy-detail"), None);
    }

    #[test]
    fn numbers_take_the_plural_forms_of_their_language() {
        let wait = |language, seconds| text(language, "busy-detail", &[("retry_after", Arg::Count(seconds))]);
        assert!(wait(Language::Ru, 1).ends_with("через 1 секунду."));
        assert!(wait(Language::Ru, 3).ends_with("через 3 секунды."));
        assert!(wait(Language::Ru, 11).ends_with("через 11 секунд."));
        assert!(wait(Language::Ru, 3600).ends_with("через 3600 секунд."));
        assert!(wait(Language::Kk, 5).ends_with("5 секундтан кейін қайталаңыз."));
        assert!(wait(Language::En, 1).ends_with("in 1 second."));
    }

    #[test]
    fn bounds_are_shown_plain_and_without_invisible_marks() {
        let range = text(Language::En, "rule-range", &[("min", Arg::Text("0")), ("max", Arg::Text("30000"))]);
        assert_eq!(range, "Must be from 0 to 30000, both included.");
    }

    #[test]
    fn an_unknown_key_shows_itself() {
        assert_eq!(text(Language::Kk, "no_such_key", &[]), "no_such_key");
    }

    #[test]
    fn a_code_of_the_domain_finds_its_words_whatever_its_punctuation() {
        assert_eq!(named(Language::Ru, "form", "12 digits"), Some("12 цифр"));
        assert_eq!(named(Language::Ru, "form", "no.such/form"), None);
    }

    #[test]
    fn the_caller_gets_the_language_liked_best() {
        for (header, expected) in [
            ("kk", Language::Kk),
            ("kk-KZ", Language::Kk),
            ("KK-Cyrl-KZ", Language::Kk),
            ("ru-RU,ru;q=0.9,en;q=0.8", Language::Ru),
            ("en;q=0.8, ru;q=0.9", Language::Ru),
            ("en ; q=0.5 , ru;Q=0.501", Language::Ru),
            ("de, fr;q=0.9, en;q=0.1", Language::En),
            ("en, ru", Language::En),
            ("ru, *;q=0.5", Language::Ru),
            ("ru;q=0.3, *;q=0.5", Language::Kk),
            ("*, en;q=0.5", Language::Kk),
            ("kk;q=0, *", Language::Ru),
            ("kk;q=0, ru;q=0, *;q=0.001", Language::En),
            (",ru,,", Language::Ru),
            ("en;q=1.000", Language::En),
        ] {
            assert_eq!(Language::from_accept_language(Some(header), Language::Kk), expected, "{header}");
        }
    }

    #[test]
    fn a_header_that_says_nothing_or_is_malformed_gives_the_default() {
        let malformed =
            ["en;q=2", "en;q=1.1", "en;q=0.1234", "en;q=", "en;q=-1", "en;level=1", "en;", "e n", "абв", "en_US"];
        let empty = ["", "*", "*;q=0", "de", "ru;q=0", "de-AT, fr", "en-toolongsubtag", "-en", "ru;q=0.0"];
        for header in malformed.into_iter().chain(empty) {
            assert_eq!(Language::from_accept_language(Some(header), Language::Ru), Language::Ru, "{header}");
        }
        assert_eq!(Language::from_accept_language(None, Language::En), Language::En);
    }
}
