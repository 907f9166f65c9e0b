//! What would help a refused caller, as a key and its facts: `texts/` says it in the caller's language. A newcomer's usual
//! mistake is to write the sentence here, in English: it would reach Kazakh and Russian callers as it is.

use std::fmt;

/// One sentence that follows a refusal's detail: which move would help, which guard is not met.
///
/// `key` names the text `hint-<key>`, `args` are the variables of that text. Never personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The text's key in snake_case, without its family.
    pub key: &'static str,
    /// The variables of the text, each with its value.
    pub args: Vec<(&'static str, HintArg)>,
}

/// The value of one variable of a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HintArg {
    /// Shown as it is, whatever the language: numbers, dates, ids.
    Text(String),
    /// Words of the domain, each said in the caller's language by the text `<family>-<code>`.
    Words {
        /// The family of texts, such as `phase`.
        family: &'static str,
        /// The codes of the words, in the order in which they are named.
        codes: Vec<&'static str>,
    },
}

impl Hint {
    /// The key of a hint that is no catalogue's sentence but a text as it is.
    pub const VERBATIM: &'static str = "verbatim";

    /// The hint of a key that `texts/` has in every language; a test reads the source for these keys.
    pub fn new(key: &'static str) -> Hint {
        Hint { key, args: Vec::new() }
    }

    /// Adds a variable that is shown as it is: a number, a date, an id.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: impl fmt::Display) -> Hint {
        self.args.push((name, HintArg::Text(value.to_string())));
        self
    }

    /// Adds a variable that is one word of a family, such as the phase `drawn`.
    #[must_use]
    pub fn word(self, name: &'static str, family: &'static str, code: &'static str) -> Hint {
        self.words(name, family, vec![code])
    }

    /// Adds a variable that lists several words of a family.
    #[must_use]
    pub fn words(mut self, name: &'static str, family: &'static str, codes: Vec<&'static str>) -> Hint {
        self.args.push((name, HintArg::Words { family, codes }));
        self
    }

    /// A finding in English, shown as it is.
    ///
    /// For `credential` alone: what it finds goes into the report of an audit and into logs, which are English so that
    /// the tools of other people can read them. What the API answers must have a key.
    pub fn plain(text: impl Into<String>) -> Hint {
        Hint { key: Hint::VERBATIM, args: vec![("text", HintArg::Text(text.into()))] }
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Hint {
        Hint::plain(text)
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Hint {
        Hint::plain(text)
    }
}

/// For logs and reports: a plain text as it is, else the key with its facts.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Hint::VERBATIM, [(_, HintArg::Text(text))]) = (self.key, self.args.as_slice()) {
            return f.write_str(text);
        }
        f.write_str(self.key)?;
        for (name, arg) in &self.args {
            match arg {
                HintArg::Text(text) => write!(f, " {name}={text}")?,
                HintArg::Words { codes, .. } => write!(f, " {name}={}", codes.join(","))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_a_plain_text_as_it_is_and_a_key_with_its_facts() {
        assert_eq!(Hint::from("the index is missing").to_string(), "the index is missing");
        let hint = Hint::new("subjects_too_few").text("count", 9).words("phases", "phase", vec!["draft", "drawn"]);
        assert_eq!(hint.to_string(), "subjects_too_few count=9 phases=draft,drawn");
    }
}
