//! The reviewer's two pages: each one HTML file, complete in itself, that the service makes of `assets/booth` at its start.
//!
//! What a newcomer would get wrong: a page per reader. Its bytes follow from the program, the two public addresses and the
//! default language alone, so everybody gets the same ones, they can be saved and used from the file, and a manifest names
//! them by their hash. The page of the registry knows who reads it and writes the card; the page of the box never does.

mod bundle;

use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::credential::encoding::{Digest, sha256, to_base64};
use crate::error::{Code, Error, Result};
use crate::texts::{self, Arg, Language};

const STYLE: &str = include_str!("../../assets/booth/page/booth.css");

/// The refusals of either service that a reviewer can meet.
const CODES: [Code; 29] = [
    Code::BadBlindedMsg,
    Code::BoxUnfit,
    Code::Busy,
    Code::CredentialAlreadyIssued,
    Code::CredentialInvalid,
    Code::Forbidden,
    Code::GateClosed,
    Code::IdentifiedRequestRefused,
    Code::IncompleteRequest,
    Code::Internal,
    Code::Invalid,
    Code::InvalidReceipt,
    Code::InvalidReview,
    Code::LoginFailed,
    Code::Malformed,
    Code::ManifestMismatch,
    Code::NotAssigned,
    Code::NotFound,
    Code::Recused,
    Code::RequestTimeout,
    Code::SeqConflict,
    Code::SignatureInvalid,
    Code::TooEarly,
    Code::TooManyRequests,
    Code::Unauthenticated,
    Code::UnknownCycle,
    Code::UnknownSubject,
    Code::WindowClosed,
    Code::WrongSize,
];

/// The variables of the texts that the scripts fill in; each text uses a few of them.
const VARIABLES: [&str; 26] = [
    "address",
    "after",
    "before",
    "category",
    "cause",
    "challenge_close",
    "count",
    "cycle",
    "found",
    "fresh",
    "generation",
    "issue_close",
    "issue_open",
    "language",
    "leaves",
    "max",
    "name",
    "number",
    "ready",
    "root",
    "round",
    "seal_by",
    "seconds",
    "status",
    "submit_close",
    "submit_open",
];

/// How the keys of the reviewer's texts begin: those of the pages alone, and those that `ejf peer` says, too.
const PREFIXES: [&str; 2] = ["booth-", "peer-"];

/// Who serves a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The registry: logs in, collects the credentials, writes the card.
    Registry,
    /// The ballot box: reads the card, sends reviews, checks the sealed list.
    Box,
}

/// Where the two services are for the browser, and what they speak where it asks for no language of ours.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The registry's public address, such as `https://registry.sjc.example`.
    pub registry: &'a str,
    /// The ballot box's public address.
    pub ballot_box: &'a str,
    /// The language for browsers that ask for none of ours.
    pub language: Language,
}

/// A page, ready to be served.
#[derive(Debug, Clone)]
pub struct Page {
    html: String,
    policy: String,
}

impl<'a> Places<'a> {
    /// The places that the settings name.
    pub fn of(config: &'a Config) -> Places<'a> {
        Places { registry: &config.public_url, ballot_box: &config.ballot_public_url, language: config.language }
    }
}

impl Side {
    /// Both, the registry's first.
    pub const ALL: [Side; 2] = [Side::Registry, Side::Box];

    /// The name in commands and texts: `registry` or `box`.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Registry => "registry",
            Side::Box => "box",
        }
    }
}

impl Page {
    /// The page of one side; `internal` where the scripts do not fit together, which the tests would have shown.
    pub fn new(side: Side, places: Places<'_>) -> Result<Page> {
        let script = script(side, places)?;
        let policy = policy(side, places, &script);
        // Browsers write this markup as it stands here, so that the page can take the hash of itself: lower case, double
        // quotes, nothing after the last element.
        let html = [
            "<!DOCTYPE html><html lang=\"",
            places.language.as_tag(),
            "\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"",
            &policy,
            "\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>",
            &texts::text(places.language, &format!("booth-title-{}", side.as_str()), &[]),
            "</title><style>",
            STYLE,
            "</style></head><body><div id=\"booth\"><noscript>JavaScript: ejf peer</noscript></div><script>",
            &script,
            "</script></body></html>",
        ];
        Ok(Page { html: html.concat(), policy: format!("{policy}; frame-ancestors 'none'") })
    }

    /// The bytes that are served, the same for everybody.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// What the page may load and whom it may ask, as a header says it.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The hash by which a manifest names the page.
    pub fn digest(&self) -> Digest {
        sha256(&[self.html.as_bytes()])
    }
}

/// The hashes of both pages as this program makes them, for a manifest that vouches for them.
pub fn digests(places: Places<'_>) -> Result<Vec<Digest>> {
    Side::ALL.into_iter().map(|side| Ok(Page::new(side, places)?.digest())).collect()
}

fn policy(side: Side, places: Places<'_>, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", to_base64(&sha256(&[text.as_bytes()]).0));
    let asked = match side {
        Side::Registry => format!("{} {}", places.registry, places.ballot_box),
        Side::Box => places.ballot_box.to_owned(),
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src {asked}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(script),
        hash(STYLE)
    )
}

/// The one script of a page: what it is told at its making, and the modules.
fn script(side: Side, places: Places<'_>) -> Result<String> {
    let Part { texts, modules } = own_part(side)?;
    let told = json!({
        "side": side.as_str(),
        "registry": places.registry,
        "box": places.ballot_box,
        "language": places.language.as_tag(),
    });
    let told = within_script(&told);
    let script =
        format!("'use strict';\n(() => {{\nconst BUILT_IN = {{ ...{told}, texts: {texts} }};\n{modules}}})();\n");
    if script.contains("</script") || script.contains("<!--") {
        return Err(Error::internal("a script of the booth cannot stand in a page"));
    }
    Ok(script)
}

/// What a page has from the program alone, wherever it is served.
struct Part {
    /// The texts by language and key, as JSON.
    texts: String,
    modules: String,
}

/// The part of a side, made once in a process: a service starts often in tests, and always with the same texts.
fn own_part(side: Side) -> Result<&'static Part> {
    static OF_REGISTRY: OnceLock<Part> = OnceLock::new();
    static OF_BOX: OnceLock<Part> = OnceLock::new();
    let kept = match side {
        Side::Registry => &OF_REGISTRY,
        Side::Box => &OF_BOX,
    };
    if let Some(part) = kept.get() {
        return Ok(part);
    }
    let modules = bundle::bundled(side)?;
    let named = Named::of(&modules);
    let texts: Map<String, Value> =
        Language::ALL.into_iter().map(|language| (language.as_tag().to_owned(), words(language, &named))).collect();
    let texts = within_script(&Value::Object(texts));
    Ok(kept.get_or_init(|| Part { texts, modules }))
}

/// JSON that does not end the script it stands in, whatever a text says.
fn within_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// The texts that the modules name, whole or by their family, and the words of the refusals.
fn words(language: Language, named: &Named<'_>) -> Value {
    let variables = VARIABLES.map(|name| (name, format!("{{{name}}}")));
    let args: Vec<(&'static str, Arg<'_>)> =
        variables.iter().map(|(name, shown)| (*name, Arg::Text(shown.as_str()))).collect();
    let mut words: Map<String, Value> = PREFIXES
        .into_iter()
        .flat_map(texts::keys_from)
        .filter(|key| named.has(key))
        .map(|key| (key.to_owned(), Value::from(texts::text(language, key, &args))))
        .collect();
    for code in CODES {
        // Some details name a number of seconds, which only the server's answer had.
        let key = |end: &str| format!("{}-{end}", code.as_str());
        let detail = texts::plain(language, &key("detail")).map(|text| (key("detail"), text));
        let told = detail.or_else(|| Some((key("title"), texts::plain(language, &key("title"))?)));
        words.extend(told.map(|(key, text)| (key, Value::from(text))));
    }
    Value::Object(words)
}

/// The texts that modules name.
struct Named<'a> {
    keys: HashSet<&'a str>,
    /// The beginnings of keys that the modules put together: `peer-alarm-` of `peer-alarm-${code}`.
    families: HashSet<&'a str>,
}

impl<'a> Named<'a> {
    /// What stands between two quotes and begins as our keys do.
    fn of(modules: &'a str) -> Named<'a> {
        let (mut keys, mut families) = (HashSet::new(), HashSet::new());
        for quoted in modules.split(['\'', '`']).filter(|text| PREFIXES.iter().any(|prefix| text.starts_with(prefix))) {
            match quoted.split_once("${") {
                Some((family, _)) => families.insert(family),
                None => keys.insert(quoted),
            };
        }
        Named { keys, families }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains(key) || self.families.iter().any(|family| key.starts_with(family))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places<'static> {
        Places {
            registry: "https://registry.sjc.example",
            ballot_box: "https://box.sjc.example",
            language: Language::Kk,
        }
    }

    #[test]
    fn a_page_is_the_same_each_time_and_another_for_another_address() {
        for side in Side::ALL {
            let page = Page::new(side, places()).unwrap();
            assert_eq!(page.digest(), Page::new(side, places()).unwrap().digest());
            let moved = Places { ballot_box: "https://box2.sjc.example", ..places() };
            assert_ne!(page.digest(), Page::new(side, moved).unwrap().digest());
        }
    }

    #[test]
    fn the_page_of_the_box_may_ask_the_box_alone_and_neither_loads_anything() {
        let (registry, ballot) =
            (Page::new(Side::Registry, places()).unwrap(), Page::new(Side::Box, places()).unwrap());
        assert!(ballot.policy().contains("connect-src https://box.sjc.example;"), "{}", ballot.policy());
        assert!(registry.policy().contains("connect-src https://registry.sjc.example https://box.sjc.example;"));
        for page in [registry, ballot] {
            assert!(page.policy().starts_with("default-src 'none'; ") && !page.policy().contains("unsafe"));
            assert!(!page.html().contains(" src=") && !page.html().contains(" href="));
        }
    }

    #[test]
    fn every_text_that_a_script_names_is_in_its_page_in_each_language() {
        for side in Side::ALL {
            let modules = bundle::bundled(side).unwrap();
            let named = modules.split("say('").skip(1).filter_map(|rest| rest.split('\'').next());
            for language in Language::ALL {
                let words = words(language, &Named::of(&modules));
                for key in named.clone() {
                    assert!(words[key].is_string(), "{key} of {}", side.as_str());
                }
                let spoken: Vec<&str> = words.as_object().unwrap().values().filter_map(Value::as_str).collect();
                assert!(spoken.iter().all(|text| !text.contains("{ $")), "a variable that no script fills in");
            }
        }
    }

    #[test]
    fn the_page_of_the_box_has_no_words_and_no_code_for_logging_in() {
        let page = Page::new(Side::Box, places()).unwrap();
        for absent in ["/v1/sessions", "/v1/me/", "booth-login", "Authorization: `Bearer"] {
            assert!(!page.html().contains(absent), "{absent}");
        }
    }
}
