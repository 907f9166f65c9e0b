//! `ejf import`: a file of records sent to a running service, watched to its end, and told row by row. A newcomer's usual
//! mistake is to write past the service: its rights, its checks and its audit log are what makes a batch one that counts.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{DONE, UNREACHABLE, USAGE, WRONG, complain, say};
use crate::domain::imports::{Charset, ImportType};
use crate::error::{Error, Result};

/// How often the work is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Options of an import.
#[derive(Args)]
pub(super) struct ImportArguments {
    /// The file: .csv, .ndjson or .xlsx.
    file: PathBuf,
    /// What its rows are.
    #[arg(long = "type", value_name = "TYPE", value_parser = types())]
    record_type: ImportType,
    /// Where the service is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Log in as this person, a secretary.
    #[arg(long, value_name = "NAME", conflicts_with = "client_id", required_unless_present = "client_id")]
    login: Option<String>,
    /// Ask for a token as this machine client, with the scope file:write.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The file whose first line is the password or the client's secret; else it is asked for.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Take the sound rows in though others are refused.
    #[arg(long)]
    partial: bool,
    /// Check and count, and take nothing in.
    #[arg(long, conflicts_with = "if_warning")]
    dry_run: bool,
    /// Take the file in only where there is not even a warning.
    #[arg(long)]
    if_warning: bool,
    /// How a CSV file is encoded, where its bytes do not tell it rightly.
    #[arg(long)]
    charset: Option<Charset>,
    /// The language of what is found: kk, ru or en.
    #[arg(long, default_value = "en", value_parser = ["kk", "ru", "en"])]
    lang: String,
    /// Findings that are shown at most.
    #[arg(long, default_value_t = 100)]
    findings: usize,
    /// How it is told.
    #[arg(long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a reader.
    Table,
    /// For a program.
    Json,
}

/// The types by their words.
fn types() -> impl TypedValueParser<Value = ImportType> {
    PossibleValuesParser::new(ImportType::ALL.iter().map(|word| word.as_str()))
        .try_map(|word| word.parse::<ImportType>())
}

/// Why it came to no end.
enum Stop {
    /// The command was called wrongly, or a file cannot be read.
    Usage(String),
    /// The service refuses.
    Refused(String),
    /// The service does not answer, or as none of ours does.
    Unreachable(String),
}

/// Sends the file and tells what became of it: exit 0 where no row was refused, else 1.
pub(super) fn run(arguments: &ImportArguments) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
    let (told, code) = match runtime.block_on(import(arguments)) {
        Ok(code) => return Ok(code),
        Err(Stop::Usage(told)) => (told, USAGE),
        Err(Stop::Refused(told)) => (told, WRONG),
        Err(Stop::Unreachable(told)) => (told, UNREACHABLE),
    };
    complain(&format!("ejf: {told}"));
    Ok(code)
}

async fn import(arguments: &ImportArguments) -> std::result::Result<u8, Stop> {
    let content_type = content_type(&arguments.file)?;
    let bytes = std::fs::read(&arguments.file)
        .map_err(|cause| Stop::Usage(format!("{} cannot be read: {cause}", arguments.file.display())))?;
    let client = Client::builder().timeout(Duration::from_secs(60)).build();
    let client = client.map_err(|cause| Stop::Unreachable(cause.to_string()))?;
    let base = arguments.url.trim_end_matches('/');
    let token = token(&client, base, arguments).await?;
    let mut path = format!("{base}/v1/imports?type={}", arguments.record_type);
    if arguments.partial {
        path += "&mode=partial";
    }
    if arguments.dry_run {
        path += "&dry_run=true";
    }
    if arguments.if_warning {
        path += "&dry_run=if_warning";
    }
    if let Some(charset) = arguments.charset {
        path += &format!("&charset={charset}");
    }
    let lang = arguments.lang.as_str();
    let signed = |request: RequestBuilder| request.bearer_auth(token.as_str()).header("Accept-Language", lang);
    let sent = answer(signed(client.post(path)).header("Content-Type", content_type).body(bytes)).await?;
    let of_import = format!("{base}/v1/imports/{}", text(&sent, "id"));
    let ended = watch(|| signed(client.get(&of_import))).await?;
    let ask = |list: &str| signed(client.get(format!("{of_import}/{list}")));
    let findings = items(|cursor| ask(&format!("errors?limit=100{cursor}")), arguments.findings).await?;
    let totals = items(|cursor| ask(&format!("reconciliation?limit=100{cursor}")), usize::MAX).await?;
    say(&match arguments.format {
        Format::Json => format!("{}\n", json!({"import": ended, "errors": findings, "reconciliation": totals})),
        Format::Table => table(&ended, &findings, &totals),
    });
    let is_sound = text(&ended, "state") == "done" && count(&ended, "/rows/refused") == 0;
    let is_taken = arguments.dry_run || ended.get("is_applied") == Some(&Value::Bool(true));
    Ok(if is_sound && is_taken { DONE } else { WRONG })
}

fn content_type(file: &Path) -> std::result::Result<&'static str, Stop> {
    match file.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv" | "tsv" | "txt") => Ok("text/csv"),
        Some("ndjson" | "jsonl") => Ok("application/x-ndjson"),
        Some("xlsx") => Ok("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => Err(Stop::Usage(format!("{}: a file ends in .csv, .ndjson or .xlsx", file.display()))),
    }
}

/// A token for the person or the machine client.
async fn token(
    client: &Client,
    base: &str,
    arguments: &ImportArguments,
) -> std::result::Result<Zeroizing<String>, Stop> {
    let secret = secret(arguments.secret_file.as_deref())?;
    let granted = match (&arguments.login, &arguments.client_id) {
        (Some(login), _) => {
            let body = json!({"login": login, "password": &*secret});
            answer(client.post(format!("{base}/v1/sessions")).json(&body)).await?
        }
        (None, id) => {
            let id = id.as_deref().unwrap_or_default();
            let request = client.post(format!("{base}/oauth2/token")).basic_auth(id, Some(&*secret));
            let form = "grant_type=client_credentials&scope=file%3Awrite";
            answer(request.header("Content-Type", "application/x-www-form-urlencoded").body(form)).await?
        }
    };
    Ok(Zeroizing::new(text(&granted, "access_token").to_owned()))
}

/// The first line of the file, of what is typed unseen, or of a pipe.
fn secret(file: Option<&Path>) -> std::result::Result<Zeroizing<String>, Stop> {
    let unreadable = |cause: std::io::Error| Stop::Usage(format!("the secret cannot be read: {cause}"));
    let mut line = Zeroizing::new(String::new());
    match file {
        Some(path) => {
            let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
            line.push_str(text.lines().next().unwrap_or_default());
        }
        None if std::io::stdin().is_terminal() => {
            complain("Password or secret:");
            line = Zeroizing::new(console::Term::stderr().read_secure_line().map_err(unreadable)?);
        }
        None => {
            std::io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
        }
    }
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The import when its work has ended; a bar shows how far it is, on a terminal alone.
async fn watch(ask: impl Fn() -> RequestBuilder) -> std::result::Result<Value, Stop> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} rows") {
        bar.set_style(style);
    }
    loop {
        let import = answer(ask()).await?;
        bar.set_length(count(&import, "/total_count"));
        bar.set_position(count(&import, "/done_count"));
        if matches!(text(&import, "state"), "done" | "failed" | "cancelled") {
            bar.finish_and_clear();
            return Ok(import);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The items of a list, page by page, `at_most` of them.
async fn items(ask: impl Fn(&str) -> RequestBuilder, at_most: usize) -> std::result::Result<Vec<Value>, Stop> {
    let mut items: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    while items.len() < at_most {
        let page = answer(ask(&cursor)).await?;
        items.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    items.truncate(at_most);
    Ok(items)
}

/// The JSON of a success; else what the service says against it.
async fn answer(request: RequestBuilder) -> std::result::Result<Value, Stop> {
    // Without the address, which may lead to a name that a log should not have.
    let lost =
        |cause: reqwest::Error| Stop::Unreachable(format!("the service does not answer: {}", cause.without_url()));
    let response = request.send().await.map_err(lost)?;
    let status = response.status();
    let body: Value = response.json().await.map_err(lost)?;
    if status.is_success() {
        return Ok(body);
    }
    let told = [text(&body, "detail"), text(&body, "error_description"), text(&body, "error")];
    let told = told.into_iter().find(|told| !told.is_empty()).unwrap_or("no reason given").to_owned();
    if status.is_server_error() { Err(Stop::Unreachable(told)) } else { Err(Stop::Refused(told)) }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn table(import: &Value, findings: &[Value], totals: &[Value]) -> String {
    let is_applied = import.get("is_applied") == Some(&Value::Bool(true));
    let fate = match (text(import, "state"), is_applied) {
        ("done", true) => "taken in".to_owned(),
        ("done", false) => "nothing was taken in".to_owned(),
        _ => format!("failed: {}", text(import, "error")),
    };
    let mut out = format!("import {}: {fate}\n", text(import, "id"));
    for name in ["read", "new", "unchanged", "restated", "refused", "warnings"] {
        out += &format!("{name:10} {:>10}\n", count(import, &format!("/rows/{name}")));
    }
    for finding in findings {
        let kind = if finding.get("is_warning") == Some(&Value::Bool(true)) { "warning" } else { "refused" };
        let (column, code) = (text(finding, "column"), text(finding, "code"));
        let place = if column.is_empty() { String::new() } else { format!(", {column}") };
        out += &format!("row {}{place}: {kind}: {} ({code})\n", count(finding, "/row"), text(finding, "detail"));
    }
    let left = count(import, "/kept_findings").saturating_sub(findings.len() as u64);
    if left > 0 {
        out += &format!("… and {left} more; --findings shows them\n");
    }
    for total in totals {
        let (told, recorded) = (count(total, "/file_count"), count(total, "/recorded_count"));
        if told != recorded {
            let of = ["source_system", "period", "indicator_code"].map(|member| text(total, member)).join(" ");
            out += &format!("{}: the file tells {told} records, {recorded} are on record\n", of.trim_end());
        }
    }
    out
}
