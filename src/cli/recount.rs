//! `ejf recount`: what an auditor runs over a sealed bundle, offline. The checks are in
//! [`client::recount`](crate::client::recount); here are arguments, words and the exit code.
//!
//! What a newcomer would get wrong: a program must not read the outcome from the text. It is the exit code, and with
//! `--json` the document on standard output; progress goes to standard error, and to a terminal alone.

mod quality;

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::peer::{language, language_of_environment};
use super::{DONE, USAGE, WRONG, complain, say};
use crate::client::recount::{self, Kept, PublishedResult, Recount};
use crate::credential::audit::Finding;
use crate::credential::bundle::{Counts, ENVELOPES, Files};
use crate::credential::encoding::{Digest, Ref};
use crate::credential::manifest::digest_words;
use crate::domain::hex::hex;
use crate::error::{Error, Result};
use crate::texts::{self, Arg, Language};
use quality::Quality;

/// The arguments of `ejf recount`.
#[derive(Args)]
pub(super) struct RecountArguments {
    /// The bundle: as it was downloaded, or the folder that it was unpacked into.
    #[arg(value_name = "DIR")]
    bundle: PathBuf,
    /// After a supplementary round: the bundle of the first round, which is recounted with it.
    #[arg(long, value_name = "DIR")]
    earlier: Option<PathBuf>,
    /// A published result to compare: the bundle's name of the subject, and the file with the answer of
    /// `GET /v1/evaluations/{evaluation_id}/result`; may be said more than once.
    #[arg(long, value_name = "SUBJECT_REF=FILE", value_parser = published)]
    published: Vec<(Ref, PathBuf)>,
    /// The digest of the manifest as the Council's order prints it: ten groups, or the text of the QR code.
    #[arg(long, value_name = "WORDS")]
    manifest: Option<String>,
    /// The round's checkpoint as everybody was shown it, from the box or from a reviewer; the bundle's has to be the same.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// An issuer's ledger as everybody was shown it; may be said more than once.
    #[arg(long, value_name = "FILE")]
    ledger: Vec<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
    /// The language of the messages: kk, ru or en; else that of the environment.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
}

/// The outcome for programs.
#[derive(Serialize)]
struct Report<'a> {
    outcome: &'static str,
    result_digest: Option<String>,
    manifest_digest: Option<Digest>,
    root: Option<Digest>,
    counts: Option<Counts>,
    /// How reviewers used the form; null where the recount is not equal, and where nothing was to be marked.
    quality: Option<&'a Quality>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    check: &'static str,
    detail: &'a str,
}

impl<'a> Found<'a> {
    fn of(finding: &'a Finding) -> Self {
        Found { check: finding.check.as_str(), detail: &finding.detail }
    }
}

/// Recounts a bundle: 0 equal, 1 mismatch, 2 unreadable.
pub(super) fn run(arguments: RecountArguments) -> Result<u8> {
    let language = arguments.language.unwrap_or_else(language_of_environment);
    let unreadable = |path: &PathBuf, cause: &dyn std::fmt::Display| {
        let (file, cause) = (path.display().to_string(), cause.to_string());
        complain(&texts::text(
            language,
            "recount-unreadable",
            &[("file", Arg::Text(&file)), ("cause", Arg::Text(&cause))],
        ));
        Ok(USAGE)
    };
    let files = match recount::read(&arguments.bundle) {
        Ok(files) => files,
        Err(cause) => return unreadable(&arguments.bundle, &cause),
    };
    let earlier = match arguments.earlier.as_ref().map(|path| (path, recount::read(path))) {
        Some((path, Err(cause))) => return unreadable(path, &cause),
        Some((_, Ok(files))) => Some(files),
        None => None,
    };
    let mut published = Vec::new();
    for (subject_ref, path) in &arguments.published {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(cause) => return unreadable(path, &cause),
        };
        match serde_json::from_slice::<PublishedResult>(&text) {
            Ok(answer) => published.push((*subject_ref, answer)),
            Err(cause) => return unreadable(path, &cause),
        }
    }
    let mut kept = Kept { manifest_words: arguments.manifest.clone(), ..Kept::default() };
    for path in arguments.checkpoint.iter().chain(&arguments.ledger) {
        match std::fs::read(path) {
            Ok(bytes) if Some(path) == arguments.checkpoint.as_ref() => kept.checkpoint = Some(bytes),
            Ok(bytes) => kept.ledgers.push(bytes),
            Err(cause) => return unreadable(path, &cause),
        }
    }
    let bar = bar(earlier.iter().chain([&files]));
    let mut outcome = recount::recount_rounds(earlier.as_ref(), &files, &published, &|| bar.inc(1));
    bar.finish_and_clear();
    outcome.hold_against(&files, &kept);
    // Of reviews that did not pass their checks nothing is to be said.
    let quality = if outcome.is_equal() { Quality::of(earlier.as_ref(), &files)? } else { None };
    if arguments.json {
        say(&json(&outcome, quality.as_ref())?);
    } else {
        say(&words(&outcome, quality.as_ref(), language));
    }
    Ok(if outcome.is_equal() { DONE } else { WRONG })
}

/// A bar with a step for each envelope; indicatif draws it on a terminal alone.
fn bar<'a>(bundles: impl Iterator<Item = &'a Files>) -> ProgressBar {
    let reviews = bundles.filter_map(|files| files.get(ENVELOPES));
    let lines: usize = reviews.map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count()).sum();
    let bar = ProgressBar::new(lines as u64);
    // A template that cannot be read leaves the plain bar.
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

fn json(outcome: &Recount, quality: Option<&Quality>) -> Result<String> {
    let report = Report {
        outcome: if outcome.is_equal() { "equal" } else { "mismatch" },
        result_digest: outcome.result_digest.as_ref().map(|digest| hex(&digest.0)),
        manifest_digest: outcome.manifest_digest,
        root: outcome.root,
        counts: outcome.index.as_ref().map(|index| index.counts),
        quality,
        findings: outcome.findings.iter().map(Found::of).collect(),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&report).map_err(Error::internal)?))
}

/// The findings, one a line, what they mean, how the form was used, and last the digest that the auditor signs.
fn words(outcome: &Recount, quality: Option<&Quality>, language: Language) -> String {
    let say = |key: &str, args: &[(&'static str, Arg<'_>)]| texts::text(language, key, args);
    let mut lines = Vec::new();
    for finding in &outcome.findings {
        let check = finding.check.as_str();
        let name = say(&format!("recount-check-{check}"), &[]);
        let args = [("check", Arg::Text(check)), ("name", Arg::Text(&name)), ("detail", Arg::Text(&finding.detail))];
        lines.push(say("recount-finding", &args));
    }
    if let (true, Some(index)) = (outcome.is_equal(), &outcome.index) {
        let Counts { leaves, tallied, superseded, withdrawn } = index.counts;
        let [leaves, tallied, superseded, withdrawn] =
            [leaves, tallied, superseded, withdrawn].map(|count| count.to_string());
        let args = [
            ("leaves", Arg::Text(&leaves)),
            ("tallied", Arg::Text(&tallied)),
            ("superseded", Arg::Text(&superseded)),
            ("withdrawn", Arg::Text(&withdrawn)),
        ];
        lines.push(say("recount-equal", &args));
    } else {
        lines.push(say("recount-mismatch", &[("count", Arg::Text(&outcome.findings.len().to_string()))]));
    }
    lines.extend(quality.map(|quality| quality.words(language)).unwrap_or_default());
    if let Some(digest) = &outcome.manifest_digest {
        lines.push(say("recount-manifest", &[("digest", Arg::Text(&digest_words(digest)))]));
    }
    if let Some(root) = &outcome.root {
        lines.push(say("recount-root", &[("digest", Arg::Text(&digest_words(root)))]));
    }
    if let Some(digest) = &outcome.result_digest {
        lines.push(say("recount-digest", &[("digest", Arg::Text(&hex(&digest.0)))]));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn published(text: &str) -> std::result::Result<(Ref, PathBuf), String> {
    let form = || "expected SUBJECT_REF=FILE".to_owned();
    let (subject_ref, path) = text.split_once('=').ok_or_else(form)?;
    Ok((subject_ref.parse().map_err(|_| form())?, PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::audit::Check;

    #[test]
    fn every_check_has_its_name_in_every_language() {
        use Check::{C1, C2, C3, C4, C5, C6, C7, C8, C9, C10};
        for check in [C1, C2, C3, C4, C5, C6, C7, C8, C9, C10] {
            for language in Language::ALL {
                let findings = vec![Finding { check, detail: "what was found".to_owned() }];
                let outcome = Recount { findings, result_digest: None, manifest_digest: None, root: None, index: None };
                let told = words(&outcome, None, language);
                assert!(told.starts_with(&format!("{} ", check.as_str())) && !told.contains("recount-"), "{told}");
            }
        }
    }

    #[test]
    fn a_published_answer_is_named_with_its_subject() {
        let (subject_ref, path) = published("Ae4Rr7vN1mKp0sXyZ2bC3g=result=1.json").unwrap();
        assert_eq!(
            (subject_ref.to_string().as_str(), path.to_str()),
            ("Ae4Rr7vN1mKp0sXyZ2bC3g", Some("result=1.json"))
        );
        assert!(published("result.json").is_err() && published("short=result.json").is_err());
    }
}
