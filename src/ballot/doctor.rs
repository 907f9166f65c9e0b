//! Whether a deployment of the box forgets what it must forget (`ejf box doctor`).
//!
//! What a newcomer would get wrong: most of this cannot be made by a migration or by the program. Server, machine and proxy
//! belong to whoever runs them, so each fault names what was found and what is wanted, and what to do stands in `texts`;
//! and what nobody can see from here (a snapshot of the volume) is said as well, not passed over.

mod engine;
mod files;
mod machine;
mod proxy;

use crate::coded;
use crate::db::{BallotBox, Conn};
use crate::error::Result;

pub use engine::examine as examine_engine;
pub use files::examine as examine_files;
pub use machine::{examine as examine_machine, forbid_core_dumps};
pub use proxy::examine as examine_proxy;

coded! {
    /// What was looked at. The text `doctor-<word>` says what is wrong and what to do.
    Check {
        /// A setting of the PostgreSQL server.
        ServerSetting = "server_setting",
        /// The size of the segments of its write-ahead log, which is settled when the cluster is made.
        SegmentSize = "segment_size",
        /// Other databases beside the box's.
        SharedCluster = "shared_cluster",
        /// Tables of the registry in the box's own database.
        SharedDatabase = "shared_database",
        /// An extension or library that counts or keeps statements.
        Statistics = "statistics",
        /// A replica, or a slot for one.
        Replica = "replica",
        /// A column that may lie outside its row.
        ColumnStorage = "column_storage",
        /// A right that a compaction needs.
        MissingRight = "missing_right",
        /// A setting of SQLite.
        EngineSetting = "engine_setting",
        /// A table, index or trigger that keeps an order.
        RowOrder = "row_order",
        /// A file or folder that others may read.
        FileMode = "file_mode",
        /// A file beside the box's that holds what it held earlier.
        Leftover = "leftover",
        /// Memory that is written to a disk.
        Swap = "swap",
        /// Crashes that leave the memory in a file.
        CoreLimit = "core_limit",
        /// Crashes that hand the memory to another program.
        CorePattern = "core_pattern",
        /// This process cannot be kept from being dumped.
        Dumpable = "dumpable",
        /// Any process of the same user may read the memory of the others.
        Tracing = "tracing",
        /// A log that tells more than a window allows.
        LogLevel = "log_level",
        /// One host name for registry and box.
        SharedHost = "shared_host",
        /// An address without TLS.
        Unencrypted = "unencrypted",
        /// A line that the proxy's configuration needs.
        ProxyLine = "proxy_line",
        /// A line that it must not have.
        ProxyForbidden = "proxy_forbidden",
        /// A certificate for other names as well.
        ProxyCertificate = "proxy_certificate",
    }
}

coded! {
    /// What an examination cannot see. The text `doctor-unseen-<word>` says so.
    Unseen {
        /// Snapshots, backups and encryption of the volume.
        Volume = "volume",
        /// Other services that run as the box's user.
        Services = "services",
        /// There is no database of the box yet.
        Database = "database",
        /// The machine that PostgreSQL runs on.
        DatabaseServer = "database_server",
        /// The libraries that PostgreSQL loads, which are shown to few.
        Libraries = "libraries",
        /// No configuration of a proxy was given.
        Proxy = "proxy",
        /// Where the proxy's program writes before it has read its configuration.
        ProxyStart = "proxy_start",
        /// The proxy's certificate cannot be read here.
        Certificate = "certificate",
    }
}

/// One thing that would keep what the box must forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was looked at.
    pub check: Check,
    /// Which one of its kind: a setting, a file, a table.
    pub name: String,
    /// What was found.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
}

impl Fault {
    fn new(check: Check, name: impl Into<String>, found: impl Into<String>, wanted: impl Into<String>) -> Fault {
        Fault { check, name: name.into(), found: found.into(), wanted: wanted.into() }
    }
}

/// What is wrong with the engine under a box that is open, by its own connection; empty is good, and then only may a
/// window with real reviews open.
pub async fn doctor(ballot_box: &BallotBox) -> Result<Vec<Fault>> {
    ballot_box.0.maintain(|conn: &mut Conn, _| examine_engine(conn).map(|(faults, _)| faults)).await
}

/// What no examination sees; the proxy too, unless its configuration is given.
pub fn doctor_blind_spots(has_proxy: bool) -> Vec<Unseen> {
    vec![Unseen::Volume, Unseen::Services, if has_proxy { Unseen::ProxyStart } else { Unseen::Proxy }]
}

/// Whether the two services have host names of their own, and TLS in front of the box.
pub fn examine_addresses(registry_url: &str, box_url: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if host_of(registry_url) == host_of(box_url) {
        faults.push(Fault::new(Check::SharedHost, "EJF_BALLOT_PUBLIC_URL", host_of(box_url), "https://"));
    }
    if !box_url.starts_with("https://") {
        faults.push(Fault::new(Check::Unencrypted, "EJF_BALLOT_PUBLIC_URL", box_url, "https://"));
    }
    faults
}

/// The host of an address, in small letters; a port is no part of a certificate's name.
fn host_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    // An IPv6 address keeps its brackets, and the colons within.
    let port = rest.rfind(':').filter(|at| !rest.get(*at..).is_some_and(|port| port.contains(']')));
    port.and_then(|at| rest.get(..at)).unwrap_or(rest).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_and_box_need_host_names_of_their_own_and_the_box_needs_tls() {
        let found = |registry: &str, ballot: &str| -> Vec<Check> {
            examine_addresses(registry, ballot).into_iter().map(|fault| fault.check).collect()
        };
        assert_eq!(found("https://file.example", "https://box.example"), []);
        assert_eq!(found("https://file.example", "https://FILE.example:8443"), [Check::SharedHost]);
        assert_eq!(found("http://[::1]:8080", "https://[::1]:8081"), [Check::SharedHost]);
        assert_eq!(found("https://file.example", "http://box.example"), [Check::Unencrypted]);
    }
}
