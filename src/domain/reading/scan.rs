//! What a machine can see in a text that is said to be depersonalised: numbers of twelve digits, the number of the case, the
//! judge's own names, the court. What a newcomer would get wrong: passing here proves nothing. It only spares a person what
//! is plain to see; whether somebody can be recognised is for the second person to say.
//!
//! Names are compared by their stems, as Kazakh and Russian change their endings. Of a PDF no letter is read: what it says may
//! be packed in many ways. It is refused where it could act, ask somebody or name its author, or where its parts are
//! packed so that nobody can see whether it does.

use unicode_normalization::UnicodeNormalization;

use super::ReadingType;
use crate::domain::judge_file::is_printable;

/// Digits of an IIN, and of a company's number.
const NUMBER_DIGITS: usize = 12;
/// Letters that a name must have before it is looked for at all; shorter ones are words of their own.
const NAME_LETTERS_MIN: usize = 3;
/// Letters from which on a name is compared by its stem.
const STEM_LETTERS_MIN: usize = 5;
/// Endings that a declined name may have in place of its own, at most.
const ENDING_LETTERS: usize = 2;
/// What a declined word may have more than its stem.
const DECLINED_LETTERS_MAX: usize = 5;

/// What must not stand in the text of an act.
#[derive(Debug, Clone, Default)]
pub struct Identifiers {
    /// The number of the case.
    pub case_no: String,
    /// The judge's names, in every language.
    pub judge_names: Vec<String>,
    /// The names of the court, in every language.
    pub court_names: Vec<String>,
}

/// Something that gives away a person, a case or a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The bytes are not of the type that is named.
    OtherType,
    /// A number of twelve digits, as an IIN has.
    TwelveDigits,
    /// The number of the case.
    CaseNumber,
    /// A name of the judge.
    JudgeName,
    /// The name of the court.
    CourtName,
    /// A PDF with active content, links, attachments, form fields or data on its author.
    ActivePdf,
    /// A PDF whose objects are packed or encrypted, so that nobody can see what it does.
    PackedPdf,
}

impl Finding {
    /// What a text has to be instead, for the caller.
    pub fn expected(self) -> &'static str {
        match self {
            Finding::OtherType => "bytes of the content type that is named",
            Finding::TwelveDigits => "a text without a number of twelve digits",
            Finding::CaseNumber => "a text without the number of the case",
            Finding::JudgeName => "a text without a name of the judge",
            Finding::CourtName => "a text without the name of the court",
            Finding::ActivePdf => "a PDF without actions, links, attachments, forms and data on its author",
            Finding::PackedPdf => "a PDF without object streams and encryption (version 1.4)",
        }
    }
}

/// All that a machine can see, each kind once.
pub fn findings(kind: ReadingType, bytes: &[u8], identifiers: &Identifiers) -> Vec<Finding> {
    match kind {
        ReadingType::Text => match std::str::from_utf8(bytes) {
            Ok(text) if is_printable(text) && !text.trim().is_empty() => of_text(text, identifiers),
            Ok(_) | Err(_) => vec![Finding::OtherType],
        },
        ReadingType::Pdf if bytes.starts_with(b"%PDF-1.") => of_pdf(bytes),
        ReadingType::Pdf => vec![Finding::OtherType],
    }
}

fn of_text(text: &str, identifiers: &Identifiers) -> Vec<Finding> {
    let text = normal(text);
    let words = words(&text);
    let mut findings = Vec::new();
    if has_twelve_digits(&text) {
        findings.push(Finding::TwelveDigits);
    }
    let case_no = squeezed(&normal(&identifiers.case_no));
    if !case_no.is_empty() && squeezed(&text).contains(&case_no) {
        findings.push(Finding::CaseNumber);
    }
    let names: Vec<String> = identifiers.judge_names.iter().map(|name| normal(name)).collect();
    let parts = names.iter().flat_map(|name| self::words(name));
    let looked_for: Vec<&str> = parts.filter(|part| part.chars().count() >= NAME_LETTERS_MIN).collect();
    if words.iter().any(|word| looked_for.iter().any(|part| is_form_of(word, part))) {
        findings.push(Finding::JudgeName);
    }
    let courts: Vec<String> = identifiers.court_names.iter().map(|name| normal(name)).collect();
    let is_named = |name: &String| {
        let parts = self::words(name);
        !parts.is_empty()
            && words
                .windows(parts.len())
                .any(|some| some.iter().zip(&parts).all(|(word, part)| is_form_of(word, part) || is_longer(word, part)))
    };
    if courts.iter().any(is_named) {
        findings.push(Finding::CourtName);
    }
    findings
}

/// In one writing: composed, in small letters, with plain blanks, dashes and «е» for «ё».
fn normal(text: &str) -> String {
    let plain = |letter: char| match letter {
        'ё' => 'е',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        letter if letter.is_whitespace() => ' ',
        // Of no width, so that a word could be broken by them unseen.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => '\u{0}',
        letter => letter,
    };
    text.nfkc().flat_map(char::to_lowercase).map(plain).filter(|letter| *letter != '\u{0}').collect()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| *letter != ' ').collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// Whether a word is a name, or the name with another ending.
fn is_form_of(word: &str, name: &str) -> bool {
    if word == name {
        return true;
    }
    let letters = name.chars().count();
    if letters < STEM_LETTERS_MIN {
        return false;
    }
    let stem_letters = (letters - ENDING_LETTERS).max(STEM_LETTERS_MIN - 1);
    let stem: String = name.chars().take(stem_letters).collect();
    word.strip_prefix(stem.as_str()).is_some_and(|ending| ending.chars().count() <= DECLINED_LETTERS_MAX)
}

/// Whether a word is a short one with an ending: beside the other words of a court's name that is no chance.
fn is_longer(word: &str, short: &str) -> bool {
    word.strip_prefix(short).is_some_and(|ending| ending.chars().count() <= ENDING_LETTERS)
}

/// Whether twelve digits stand in a row, by themselves or with single blanks and dashes between them.
fn has_twelve_digits(text: &str) -> bool {
    let (mut row, mut joined, mut is_after_digit) = (0, 0, false);
    for letter in text.chars().chain(['.']) {
        if letter.is_numeric() {
            (row, joined, is_after_digit) = (row + 1, joined + 1, true);
            continue;
        }
        let is_joint = is_after_digit && (letter == ' ' || letter == '-');
        if row == NUMBER_DIGITS || (!is_joint && joined == NUMBER_DIGITS) {
            return true;
        }
        (row, is_after_digit) = (0, false);
        if !is_joint {
            joined = 0;
        }
    }
    false
}

/// Names of a PDF that act, ask somebody, carry something or name its author.
const ACTIVE: &[&str] = &[
    "AA",
    "AcroForm",
    "Author",
    "Collection",
    "Creator",
    "EmbeddedFile",
    "EmbeddedFiles",
    "Encrypt",
    "FileAttachment",
    "Filespec",
    "GoToE",
    "GoToR",
    "ImportData",
    "JavaScript",
    "JS",
    "Launch",
    "Metadata",
    "Movie",
    "Names",
    "OpenAction",
    "Producer",
    "RichMedia",
    "Rendition",
    "Sound",
    "SubmitForm",
    "Subject",
    "Keywords",
    "URI",
    "XFA",
];
/// Names of a PDF behind which its objects are packed.
const PACKED: &[&str] = &["ObjStm", "XRef", "Crypt"];

fn of_pdf(bytes: &[u8]) -> Vec<Finding> {
    let names = pdf_names(bytes);
    let has = |list: &[&str]| names.iter().any(|name| list.contains(&name.as_str()));
    let mut findings = Vec::new();
    if has(ACTIVE) {
        findings.push(Finding::ActivePdf);
    }
    if has(PACKED) || names.iter().any(|name| name == "Encrypt") {
        findings.push(Finding::PackedPdf);
    }
    findings
}

/// Every `/Name` of a PDF with its `#xx` spelled out; streams are looked through as well, where a name is there by chance at
/// worst.
fn pdf_names(bytes: &[u8]) -> Vec<String> {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\0/<>[](){}%".contains(byte);
    let mut names = Vec::new();
    for part in bytes.split(|byte| *byte == b'/').skip(1) {
        let raw: &[u8] = part.split(is_end).next().unwrap_or_default();
        // The longest name that is looked for is shorter than that, spelled out in full.
        let Some(raw) = raw.get(..raw.len().min(64)) else { continue };
        let mut name = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((first, after)) = rest.split_first() {
            let escaped = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let escaped = escaped.filter(|_| *first == b'#').and_then(|digits| u8::from_str_radix(digits, 16).ok());
            name.push(char::from(escaped.unwrap_or(*first)));
            rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers() -> Identifiers {
        Identifiers {
            case_no: "7517-26-00-2/17".into(),
            judge_names: vec!["Нұрланова Айгүл Бек".into(), "Нурланова Айгуль Бек".into()],
            court_names: vec!["Алматы қалалық аудандық соты".into(), "Медеуский районный суд".into()],
        }
    }

    fn found(text: &str) -> Vec<Finding> {
        findings(ReadingType::Text, text.as_bytes(), &identifiers())
    }

    #[test]
    fn a_text_that_names_nobody_passes() {
        let clean = [
            "Истец А. обратился в суд с иском к ответчику Б. о взыскании 1 250 000 тенге по договору займа.",
            "Талап қоюшы А. жауапкерге талап арызбен жүгінді. Сот талапты қанағаттандырады.",
            "Районный суд первой инстанции установил: 14 марта, 3 500 000 тенге, статья 272 ГК.",
            "Сумма 1234567890123 без единиц.",
        ];
        for text in clean {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_number_of_twelve_digits_is_seen_however_it_is_written() {
        for text in [
            "ИИН 850101424712.",
            "(850101424712)",
            "850101 424712",
            "85-01-01-42-47-12",
            "ЖСН\u{a0}850101424712",
            "14 850101424712",
        ] {
            assert_eq!(found(text), [Finding::TwelveDigits], "{text}");
        }
    }

    #[test]
    fn the_number_of_the_case_is_seen_with_other_dashes_and_blanks() {
        for text in ["дело № 7517-26-00-2/17", "дело 7517–26–00–2/17", "7517 - 26 - 00 - 2/17"] {
            assert_eq!(found(text), [Finding::CaseNumber], "{text}");
        }
    }

    #[test]
    fn the_judge_is_seen_in_every_case_of_the_name_and_the_court_likewise() {
        for text in
            ["Судья Нурланова", "судьёй НУРЛАНОВОЙ", "Нурлановой А.", "Нұрланованың", "Нур\u{ad}ланова", "под Бек"]
        {
            assert_eq!(found(text), [Finding::JudgeName], "{text}");
        }
        assert_eq!(found("Беккожа не назван"), [], "a short name is seen as a whole word only");
        for text in ["Медеуский районный суд", "в Медеуском районном суде", "Медеуского  районного суда"]
        {
            assert_eq!(found(text), [Finding::CourtName], "{text}");
        }
        assert_eq!(found("районный суд"), []);
    }

    #[test]
    fn what_is_no_text_is_not_taken_for_one() {
        assert_eq!(findings(ReadingType::Text, b"\xff\xfe", &identifiers()), [Finding::OtherType]);
        assert_eq!(findings(ReadingType::Text, b" \n", &identifiers()), [Finding::OtherType]);
        assert_eq!(findings(ReadingType::Text, b"a\0b", &identifiers()), [Finding::OtherType]);
        assert_eq!(findings(ReadingType::Pdf, b"text", &identifiers()), [Finding::OtherType]);
    }

    #[test]
    fn a_pdf_that_acts_asks_or_names_its_author_is_refused_and_a_plain_one_passes() {
        let pdf =
            |part: &str| findings(ReadingType::Pdf, format!("%PDF-1.4\n1 0 obj <<{part}>>").as_bytes(), &identifiers());
        assert_eq!(pdf("/Type /Catalog /Pages 2 0 R"), []);
        for part in
            ["/OpenAction 3 0 R", "/S/URI/URI(http://a)", "/S /JavaScript", "/J#53 (x)", "/Author (N)", "/#55RI (x)"]
        {
            assert_eq!(pdf(part), [Finding::ActivePdf], "{part}");
        }
        assert_eq!(pdf("/Type/ObjStm"), [Finding::PackedPdf]);
        assert_eq!(pdf("/Encrypt 4 0 R"), [Finding::ActivePdf, Finding::PackedPdf]);
    }
}
