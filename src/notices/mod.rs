//! A notice in words, and those words as a mail, a page and a printed document. The templates are texts of the catalogue, `notice-<kind>-title` and
//! `-body`; in a body ` | ` stands between paragraphs. A newcomer's usual mistake is to word a notice when it is read: it is
//! worded once, when it is given, and kept, so that what somebody was told does not change with a new version.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::notices::{NoticeKind, NoticeLanguage, Variable};
use crate::figures::words::Voice;
use crate::paper::{Block, Depth, Paper};
use crate::texts::{Arg, Language, text};

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worded {
    /// What it is about, in a line.
    pub title: String,
    /// What it says, a paragraph a line.
    pub body: String,
}

/// The mail that tells of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// A day as it is written in a language.
pub fn date(in_language: NoticeLanguage, day: NaiveDate) -> String {
    Voice(language(in_language)).date(day)
}

/// What stands in the place of a day that is not known yet, as a time stands still.
pub fn no_day(in_language: NoticeLanguage) -> String {
    text(language(in_language), "notice-no-day", &[])
}

/// The language of the catalogue.
fn language(language: NoticeLanguage) -> Language {
    match language {
        NoticeLanguage::Kk => Language::Kk,
        NoticeLanguage::Ru => Language::Ru,
        NoticeLanguage::En => Language::En,
    }
}

/// Words a notice; a variable that it does not speak of is left out.
pub fn word(kind: NoticeKind, in_language: NoticeLanguage, values: &[(Variable, String)]) -> Worded {
    let args: Vec<(&'static str, Arg<'_>)> =
        values.iter().map(|(variable, value)| (variable.name(), Arg::Text(value))).collect();
    let say = |part: &str| text(language(in_language), &format!("notice-{kind}-{part}"), &args);
    Worded { title: say("title"), body: say("body").replace(" | ", "\n") }
}

/// The mail for a notice: whole where it concerns the sending of reviews; else the same for every notice, with the address
/// of the service and without a word of what the notice is about.
pub fn mail(kind: NoticeKind, in_language: NoticeLanguage, title: &str, body: &str, url: &str) -> Mail {
    if kind.is_of_submission() {
        return Mail { subject: title.to_owned(), text: body.replace('\n', "\r\n\r\n") };
    }
    let say = |key: &str| text(language(in_language), key, &[("url", Arg::Text(url))]);
    Mail { subject: say("notice-mail-title"), text: say("notice-mail-body").replace(" | ", "\r\n\r\n") }
}

/// A notice as a page of its own, without anything to load.
pub fn page(in_language: NoticeLanguage, title: &str, body: &str) -> String {
    let paragraphs: String = body.lines().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"{in_language}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{paragraphs}</main>\n</body>\n</html>\n"
    )
}

/// A notice as a document to be printed, of the day it was given.
pub fn paper(in_language: NoticeLanguage, title: &str, body: &str, given_at: DateTime<Utc>) -> Paper {
    let language = language(in_language);
    let given_on = date(in_language, date_at(given_at, KAZAKHSTAN_UTC_OFFSET_MINUTES));
    let heading = Block::Heading(Depth::Section, title.to_owned());
    let paragraphs = body.lines().map(|line| Block::Paragraph(line.to_owned()));
    Paper {
        language,
        title: text(language, "file-title", &[]),
        subject: text(language, "notice-paper-subject", &[("date", Arg::Text(&given_on))]),
        foot: title.to_owned(),
        made_at: given_at,
        blocks: std::iter::once(heading).chain(paragraphs).collect(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(kind: NoticeKind) -> Vec<(Variable, String)> {
        kind.variables().iter().map(|variable| (*variable, format!("«{}»", variable.name()))).collect()
    }

    #[test]
    fn every_notice_is_worded_in_every_language_and_says_all_that_it_is_given() {
        for kind in NoticeKind::ALL.iter().copied() {
            for in_language in NoticeLanguage::ALL.iter().copied() {
                let Worded { title, body } = word(kind, in_language, &values(kind));
                let all = format!("{title}\n{body}");
                assert!(!all.contains("notice-"), "{kind} has no text in {in_language}");
                assert!(!all.contains("{$") && !all.contains('|'), "{kind} in {in_language}: {all}");
                for (variable, value) in values(kind) {
                    assert!(all.contains(&value), "{kind} in {in_language} does not say {variable:?}");
                }
                assert!(title.chars().count() <= 200 && body.lines().count() >= 2, "{kind} in {in_language}");
            }
        }
    }

    #[test]
    fn a_mail_says_nothing_of_what_a_notice_is_about_unless_it_concerns_the_sending_of_reviews() {
        for kind in NoticeKind::ALL.iter().copied() {
            let Worded { title, body } = word(kind, NoticeLanguage::En, &values(kind));
            let sent = mail(kind, NoticeLanguage::En, &title, &body, "http://registry.test");
            let tells = sent.subject == title || sent.text.contains(body.lines().next().unwrap());
            assert_eq!(tells, kind.is_of_submission(), "{kind}");
            // Whoever is to send a review is not led to log in.
            assert_eq!(sent.text.contains("http://registry.test"), !kind.is_of_submission(), "{kind}");
        }
    }

    #[test]
    fn a_page_shows_every_text_as_it_is() {
        let page = page(NoticeLanguage::Kk, "A <b> & \"c\"", "one\ntwo <script>");
        assert!(page.contains("<h1>A &lt;b&gt; &amp; &quot;c&quot;</h1>"), "{page}");
        assert!(page.contains("<p>one</p>") && page.contains("<p>two &lt;script&gt;</p>"));
    }
}
