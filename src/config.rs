//! Configuration from `EJF_…` variables, read once in `main` and passed down. A newcomer's usual mistake is to stop at
//! the first fault: all are collected and told at once, each with its form and an example.

pub mod mail;
pub mod networks;
pub mod origins;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use self::mail::{MailServer, SmtpUrl};
use self::networks::Network;
use self::origins::Origins;
use crate::db::Location;
use crate::texts::Language;

/// A secret value; prints as `***`.
#[derive(Clone)]
pub struct Secret(pub Zeroizing<[u8; 32]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Who may read the document and its reader at `/docs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Docs {
    /// Whoever is logged in.
    SignedIn,
    /// Everybody.
    Public,
    /// Nobody.
    Off,
}

/// The settings of a service; every field's variable, form and default stand in [`VARIABLES`].
#[derive(Debug, Clone)]
pub struct Config {
    /// The registry's database.
    pub database: Location,
    /// The ballot box's database.
    pub ballot_database: Location,
    /// The registry's listener.
    pub bind: SocketAddr,
    /// The ballot box's listener.
    pub ballot_bind: SocketAddr,
    /// The address that links to the registry are built from; no trailing slash.
    pub public_url: String,
    /// The address that links to the ballot box are built from; no trailing slash.
    pub ballot_public_url: String,
    /// The key of encrypted columns and cursors; `None` where SQLite's first start is to make it.
    pub column_key: Option<Secret>,
    /// The box's log key as agreed with its operator; `None` where the first manifest that was frozen pins it.
    pub box_key: Option<[u8; 32]>,
    /// The folder of signed public documents, the only way between registry and box.
    pub publication_dir: PathBuf,
    /// The folder of the audit log's checkpoints, outside the database.
    pub audit_dir: PathBuf,
    /// The folder of files of whole lists, while they are made and until they expire.
    pub export_dir: PathBuf,
    /// The folder of per-round key files, outside the database and its backups.
    pub key_dir: PathBuf,
    /// Memory of one password hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one password hash.
    pub argon2_passes: u32,
    /// Life of an access token, in seconds.
    pub token_ttl_seconds: u32,
    /// Connections that read the registry at once.
    pub pool_size: u32,
    /// What is logged, as a tracing filter; without power over the box, which logs nothing.
    pub log: String,
    /// The language of answers where the caller asks for none.
    pub language: Language,
    /// Who may read the document.
    pub docs: Docs,
    /// Where notices are mailed through; `None` where they wait in the outbox for the staff.
    pub mail: Option<MailServer>,
    /// The proxies whose word on the caller's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Where events may be sent to; nowhere where the list is empty.
    pub webhook_origins: Origins,
}

/// One variable: name, default, form, meaning; the README's table is made from this list.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds where it is not set.
    pub default: &'static str,
    /// The form expected, with an example.
    pub form: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($name:literal, $default:literal, $form:literal, $meaning:literal;)*) => {
        /// Every variable that the service knows.
        pub const VARIABLES: &[Variable] =
            &[$(Variable { name: $name, default: $default, form: $form, meaning: $meaning },)*];
    };
}

variables! {
    "EJF_DATABASE_URL", "sqlite://./data/registry.db", "sqlite://PATH or postgres://USER@HOST/DB", "the registry";
    "EJF_BALLOT_DATABASE_URL", "sqlite://./data/ballot.db", "sqlite://PATH or postgres://USER@HOST/DB", "the ballot box; never the registry's database";
    "EJF_BIND", "127.0.0.1:8080", "ADDRESS:PORT", "the registry's listener";
    "EJF_BALLOT_BIND", "127.0.0.1:8081", "ADDRESS:PORT", "the ballot box's listener";
    "EJF_PUBLIC_URL", "http://EJF_BIND", "http(s)://HOST, no slash at the end", "links to the registry";
    "EJF_BALLOT_PUBLIC_URL", "http://EJF_BALLOT_BIND", "http(s)://HOST, no slash at the end", "links to the ballot box";
    "EJF_COLUMN_KEY", "made on first start beside an SQLite registry; required with PostgreSQL", "64 hex digits, e.g. from `openssl rand -hex 32`; or EJF_COLUMN_KEY_FILE", "encrypts IIN columns, wrapped keys and cursors";
    "EJF_BOX_KEY", "the key that the first frozen manifest named", "the `log_key` of box.json, 43 characters", "the box's log key as its operator reads it out; no manifest is frozen under another";
    "EJF_PUBLICATION_DIR", "./data/public", "a folder", "signed documents that pass between registry and box";
    "EJF_AUDIT_DIR", "./data/audit", "a folder of its own", "checkpoints of the audit log and their key; copy it elsewhere";
    "EJF_EXPORT_DIR", "./data/exports", "a folder of its own", "files of lists that were ordered, until they expire; no backup needs it";
    "EJF_KEY_DIR", "./keys", "a folder, not below the registry's file", "per-round key files; outside the database and its backups";
    "EJF_ARGON2_MEMORY_KIB", "65536", "19456 to 4194304", "memory of one password hash";
    "EJF_ARGON2_PASSES", "3", "2 to 10", "passes of one password hash";
    "EJF_TOKEN_TTL_SECONDS", "600", "60 to 600", "life of an access token";
    "EJF_POOL_SIZE", "8", "1 to 64", "connections that read the registry at once";
    "EJF_LOG", "info", "a tracing filter, e.g. info,ejf=debug", "what the registry logs; the box logs nothing";
    "EJF_LANGUAGE", "kk", "kk, ru or en", "language of answers where none is asked for";
    "EJF_DOCS", "signed_in", "signed_in, public or off", "who may read /docs and /openapi.json";
    "EJF_SMTP_URL", "none", "smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT?tls=required; without TLS to this machine alone; or EJF_SMTP_URL_FILE", "the mail server for notices; without one they wait in the outbox for the staff";
    "EJF_SMTP_FROM", "none; required with EJF_SMTP_URL", "an address of e-mail", "the sender of notices";
    "EJF_WEBHOOK_ORIGINS", "none", "origins with commas between, e.g. https://hr.example.kz,https://10.0.0.7:8443; http to this machine alone", "where events may be sent to, by scheme, host and port exactly; without any none is sent";
    "EJF_TRUSTED_PROXIES", "none", "networks with commas between, e.g. 10.0.0.5,fd00::/64", "proxies in front of the registry, whose X-Forwarded-For names the caller for the limit on log-ins";
}

/// The variables that may come as the name of a file, by `…_FILE`.
const SECRETS: [&str; 2] = ["EJF_COLUMN_KEY", "EJF_SMTP_URL"];

/// The table of all variables in Markdown, as it stands in the README.
pub fn table() -> String {
    let mut table = "| variable | default | form | what for |\n|---|---|---|---|\n".to_owned();
    for Variable { name, default, form, meaning } in VARIABLES {
        table.push_str(&format!("| `{name}` | {default} | {form} | {meaning} |\n"));
    }
    table
}

impl Config {
    /// Reads the configuration through `lookup` (a variable's value by its name) from the `names` that are set.
    ///
    /// All faults are returned at once, a sentence each, naming the variable, the expected form and never the value of a
    /// secret. `read_file` gives the text of a file named by an `…_FILE` variable.
    pub fn from_vars(
        names: &[String],
        lookup: impl Fn(&str) -> Option<String>,
        read_file: impl Fn(&str) -> std::io::Result<String>,
    ) -> Result<Config, Vec<String>> {
        let mut reader = Reader { lookup: &lookup, faults: Vec::new() };
        for name in names.iter().filter(|name| name.starts_with("EJF_") && !name.starts_with("EJF_TEST_")) {
            let known = name.strip_suffix("_FILE").filter(|name| SECRETS.contains(name)).unwrap_or(name);
            if !VARIABLES.iter().any(|variable| variable.name == known) {
                reader.faults.push(format!("{name}: no such variable; `ejf config variables` lists them"));
            }
        }
        let database = reader.parsed("EJF_DATABASE_URL", |text| Location::parse(text).ok());
        let ballot_database = reader.parsed("EJF_BALLOT_DATABASE_URL", |text| Location::parse(text).ok());
        let bind: Option<SocketAddr> = reader.parsed("EJF_BIND", |text| text.parse().ok());
        let ballot_bind: Option<SocketAddr> = reader.parsed("EJF_BALLOT_BIND", |text| text.parse().ok());
        let public_url = reader.url("EJF_PUBLIC_URL", bind);
        let ballot_public_url = reader.url("EJF_BALLOT_PUBLIC_URL", ballot_bind);
        let column_key = reader.secret("EJF_COLUMN_KEY", &read_file);
        let box_key = reader.public_key("EJF_BOX_KEY");
        let publication_dir = reader.parsed("EJF_PUBLICATION_DIR", |text| Some(PathBuf::from(text)));
        let audit_dir = reader.parsed("EJF_AUDIT_DIR", |text| Some(PathBuf::from(text)));
        let export_dir = reader.parsed("EJF_EXPORT_DIR", |text| Some(PathBuf::from(text)));
        let key_dir = reader.parsed("EJF_KEY_DIR", |text| Some(PathBuf::from(text)));
        let argon2_memory_kib = reader.number("EJF_ARGON2_MEMORY_KIB", 19_456, 4_194_304);
        let argon2_passes = reader.number("EJF_ARGON2_PASSES", 2, 10);
        let token_ttl_seconds = reader.number("EJF_TOKEN_TTL_SECONDS", 60, 600);
        let pool_size = reader.number("EJF_POOL_SIZE", 1, 64);
        let log = reader
            .parsed("EJF_LOG", |text| text.parse::<tracing_subscriber::EnvFilter>().ok().map(|_| text.to_owned()));
        let language = reader.parsed("EJF_LANGUAGE", Language::from_tag);
        let docs = reader.parsed("EJF_DOCS", |text| match text {
            "signed_in" => Some(Docs::SignedIn),
            "public" => Some(Docs::Public),
            "off" => Some(Docs::Off),
            _ => None,
        });
        let mail = reader.mail(&read_file);
        let trusted_proxies = reader.parsed("EJF_TRUSTED_PROXIES", |text| match text {
            "none" => Some(Vec::new()),
            list => list.split(',').map(|one| Network::parse(one.trim())).collect(),
        });
        let webhook_origins = reader.parsed("EJF_WEBHOOK_ORIGINS", Origins::parse);
        if database.is_some() && database == ballot_database {
            reader.faults.push("EJF_BALLOT_DATABASE_URL: must not be the registry's database".to_owned());
        }
        if bind.is_some() && bind == ballot_bind && bind.is_some_and(|bind| bind.port() != 0) {
            reader.faults.push("EJF_BALLOT_BIND: must not be the registry's address".to_owned());
        }
        if audit_dir.is_some() && (audit_dir == publication_dir || audit_dir == key_dir) {
            reader.faults.push("EJF_AUDIT_DIR: must be a folder of its own".to_owned());
        }
        if let (Some(Location::Sqlite(file)), Some(keys)) = (&database, &key_dir)
            && is_below(keys, file)
        {
            let remedy = "name a folder elsewhere, that no backup takes along, and move the key files there";
            reader.faults.push(format!("EJF_KEY_DIR: must not lie in the folder of the registry's file; {remedy}"));
        }
        if matches!(database, Some(Location::Postgres(_))) && column_key.is_none() {
            reader.faults.push("EJF_COLUMN_KEY: required with PostgreSQL; 64 hex digits".to_owned());
        }
        let config = (|| {
            Some(Config {
                database: database?,
                ballot_database: ballot_database?,
                bind: bind?,
                ballot_bind: ballot_bind?,
                public_url: public_url?,
                ballot_public_url: ballot_public_url?,
                column_key,
                box_key,
                publication_dir: publication_dir?,
                audit_dir: audit_dir?,
                export_dir: export_dir?,
                key_dir: key_dir?,
                argon2_memory_kib: argon2_memory_kib?,
                argon2_passes: argon2_passes?,
                token_ttl_seconds: token_ttl_seconds?,
                pool_size: pool_size?,
                log: log?,
                language: language?,
                docs: docs?,
                mail: mail?,
                trusted_proxies: trusted_proxies?,
                webhook_origins: webhook_origins?,
            })
        })();
        match config {
            Some(config) if reader.faults.is_empty() => Ok(config),
            Some(_) | None => Err(reader.faults),
        }
    }
}

/// Whether a folder lies in the folder of a file, or is it: by their names, as they need not be there yet.
fn is_below(folder: &Path, file: &Path) -> bool {
    let around = file.parent().unwrap_or(Path::new(""));
    match (settled(folder), settled(&Path::new(".").join(around))) {
        (Some(folder), Some(around)) => folder.starts_with(around),
        // Where the process stands is hidden from it, so no two paths can be told apart.
        _ => false,
    }
}

/// A path from the root, without `.` and `..`; `None` where the process cannot tell where it stands.
fn settled(path: &Path) -> Option<PathBuf> {
    let mut settled = PathBuf::new();
    // A failure means that there is no present folder, and then nothing relative exists either.
    for component in std::path::absolute(path).ok()?.components() {
        match component {
            Component::ParentDir => {
                settled.pop();
            }
            other => settled.push(other),
        }
    }
    Some(settled)
}

struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn parsed<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let variable = VARIABLES.iter().find(|variable| variable.name == name)?;
        let text = (self.lookup)(name);
        let parsed = parse(text.as_deref().unwrap_or(variable.default));
        if parsed.is_none() {
            self.faults.push(format!("{name}: expected {}", variable.form));
        }
        parsed
    }

    fn number(&mut self, name: &'static str, min: u32, max: u32) -> Option<u32> {
        self.parsed(name, |text| text.parse().ok().filter(|number| (min..=max).contains(number)))
    }

    fn url(&mut self, name: &'static str, bind: Option<SocketAddr>) -> Option<String> {
        if (self.lookup)(name).is_none() {
            return bind.map(|bind| format!("http://{bind}"));
        }
        self.parsed(name, |text| {
            let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
            (!host.is_empty() && !host.contains(['/', ' ', '"'])).then(|| text.to_owned())
        })
    }

    fn public_key(&mut self, name: &'static str) -> Option<[u8; 32]> {
        (self.lookup)(name)?;
        self.parsed(name, |text| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok())
    }

    /// A secret's text, from the variable or the file that it names.
    fn secret_text(
        &mut self,
        name: &'static str,
        read_file: &impl Fn(&str) -> std::io::Result<String>,
    ) -> Option<Zeroizing<String>> {
        let file_name = format!("{name}_FILE");
        match ((self.lookup)(name), (self.lookup)(&file_name)) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.faults.push(format!("{name}: set it or {file_name}, not both"));
                None
            }
            (Some(text), None) => Some(Zeroizing::new(text)),
            (None, Some(path)) => match read_file(&path) {
                Ok(text) => Some(Zeroizing::new(text)),
                Err(error) => {
                    self.faults.push(format!("{file_name}: cannot be read: {error}"));
                    None
                }
            },
        }
    }

    /// The mail server with its sender: both or neither; `None` where a fault was found.
    fn mail(&mut self, read_file: &impl Fn(&str) -> std::io::Result<String>) -> Option<Option<MailServer>> {
        let url = self.secret_text("EJF_SMTP_URL", read_file).filter(|text| text.trim() != "none");
        let from = (self.lookup)("EJF_SMTP_FROM").filter(|text| text != "none");
        let (url, from) = match (url, from) {
            (None, None) => return Some(None),
            (None, Some(_)) => {
                self.faults.push("EJF_SMTP_FROM: set EJF_SMTP_URL with it".to_owned());
                return None;
            }
            (Some(url), from) => (SmtpUrl::parse(url.trim()), from),
        };
        let is_sender = |text: &String| text.split_once('@').is_some_and(|(_, host)| host.contains('.'));
        let from = from.filter(is_sender);
        let form = |name: &str| VARIABLES.iter().find(|one| one.name == name).map_or("", |one| one.form);
        for (name, is_missing) in [("EJF_SMTP_URL", url.is_none()), ("EJF_SMTP_FROM", from.is_none())] {
            if is_missing {
                self.faults.push(format!("{name}: expected {}", form(name)));
            }
        }
        Some(Some(MailServer { url: url?, from: from? }))
    }

    fn secret(&mut self, name: &'static str, read_file: &impl Fn(&str) -> std::io::Result<String>) -> Option<Secret> {
        let text = self.secret_text(name, read_file)?;
        let key = key_from_hex(text.trim());
        if key.is_none() {
            self.faults.push(format!(
                "{name}: expected 64 hex digits that are not all the same, e.g. from `openssl rand -hex 32`"
            ));
        }
        key
    }
}

/// A 32-byte key from 64 hex digits; `None` for another form or a key of one repeated byte, which is a sample.
pub fn key_from_hex(text: &str) -> Option<Secret> {
    let mut key = Zeroizing::new([0u8; 32]);
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    let first = key.first().copied()?;
    (!key.iter().all(|byte| *byte == first)).then_some(Secret(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let names: Vec<String> = vars.iter().map(|(name, _)| (*name).to_owned()).collect();
        let lookup = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::from_vars(&names, lookup, |_| Err(std::io::ErrorKind::NotFound.into()))
    }

    #[test]
    fn nothing_set_is_a_working_configuration_without_any_secret() {
        let config = read(&[]).unwrap();
        assert!(config.column_key.is_none());
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
    }

    #[test]
    fn all_faults_are_told_at_once_with_the_form_expected() {
        let faults = read(&[
            ("EJF_DATABASE_URL", "registry.db"),
            ("EJF_BIND", "8080"),
            ("EJF_ARGON2_PASSES", "1"),
            ("EJF_LANGUGE", "ru"),
            ("EJF_COLUMN_KEY", "secret-that-must-not-be-told"),
        ])
        .unwrap_err();
        for name in ["EJF_DATABASE_URL", "EJF_BIND", "EJF_ARGON2_PASSES", "EJF_LANGUGE", "EJF_COLUMN_KEY"] {
            assert!(faults.iter().any(|fault| fault.starts_with(&format!("{name}: "))), "{name} in {faults:?}");
        }
        assert!(!faults.concat().contains("secret-that-must-not-be-told"));
    }

    #[test]
    fn registry_and_box_may_share_neither_database_nor_address() {
        let same = "sqlite:///srv/ejf/data/one.db";
        let faults = read(&[
            ("EJF_DATABASE_URL", same),
            ("EJF_BALLOT_DATABASE_URL", same),
            ("EJF_BIND", "127.0.0.1:9"),
            ("EJF_BALLOT_BIND", "127.0.0.1:9"),
        ])
        .unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn the_readme_has_the_table_that_is_made_here() {
        let readme = include_str!("../README.md");
        let after = readme.split("a test compares it -->\n").nth(1).unwrap();
        let shown = after.split("<!-- end of configuration -->").next().unwrap();
        assert_eq!(shown, table(), "run `ejf config variables` and put its table into README.md");
    }

    #[test]
    fn the_key_files_lie_where_no_backup_of_the_database_takes_them_along() {
        assert_eq!(read(&[]).unwrap().key_dir, Path::new("./keys"));
        let file = ("EJF_DATABASE_URL", "sqlite:///srv/ejf/data/registry.db");
        for within in ["/srv/ejf/data", "/srv/ejf/data/keys", "/srv/ejf/keys/../data/keys"] {
            let faults = read(&[file, ("EJF_KEY_DIR", within)]).unwrap_err();
            assert!(
                faults.len() == 1 && faults[0].starts_with("EJF_KEY_DIR: ") && faults[0].contains("move"),
                "{faults:?}"
            );
        }
        for outside in ["/srv/ejf/keys", "/srv/ejf/data2", "/srv/ejf/data/../keys"] {
            assert!(read(&[file, ("EJF_KEY_DIR", outside)]).is_ok(), "{outside}");
        }
        assert!(read(&[("EJF_DATABASE_URL", "sqlite://registry.db")]).is_err(), "all that is relative lies below");
    }

    #[test]
    fn postgresql_needs_a_key_and_a_sample_key_is_refused() {
        assert!(read(&[("EJF_DATABASE_URL", "postgres://h/d")]).is_err());
        let sample = "00".repeat(32);
        assert!(read(&[("EJF_COLUMN_KEY", &sample)]).is_err());
        let key = "0123456789abcdef".repeat(4);
        let config = read(&[("EJF_DATABASE_URL", "postgres://h/d"), ("EJF_COLUMN_KEY", &key)]).unwrap();
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn a_mail_server_needs_a_sender_and_its_password_is_told_to_nobody() {
        let url = ("EJF_SMTP_URL", "smtps://court:hidden-word@mail.sot.kz");
        let config = read(&[url, ("EJF_SMTP_FROM", "file@sot.kz")]).unwrap();
        assert!(config.mail.is_some() && !format!("{config:?}").contains("hidden-word"));
        assert!(read(&[]).unwrap().mail.is_none());
        let clear = ("EJF_SMTP_URL", "smtp://court:hidden-word@mail.sot.kz");
        for set in [&[url][..], &[("EJF_SMTP_FROM", "file@sot.kz")], &[clear, ("EJF_SMTP_FROM", "file@sot.kz")]] {
            let faults = read(set).unwrap_err();
            assert!(faults.len() == 1 && !faults.concat().contains("hidden-word"), "{faults:?}");
        }
    }
}
