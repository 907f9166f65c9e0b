//! The arrows of import between the modules of the crate. A newcomer's usual mistake is to add an arrow where a module
//! should have moved; each that is here has its reason beside it or in the first line of its module.

/// What a module may import of this crate.
pub struct Arrow {
    /// The module.
    pub from: &'static str,
    /// The modules it imports.
    pub to: &'static [&'static str],
    /// How far the arrow goes.
    pub reach: Reach,
}

/// How far an arrow goes.
pub enum Reach {
    /// Also to all that its targets may import, except for these.
    FurtherBut(&'static [&'static str]),
    /// To its targets and no further.
    Exactly,
}

use Reach::{Exactly, FurtherBut};

/// Every module, and what it may import.
pub const ARROWS: &[Arrow] = &[
    Arrow { from: "lib", to: &[], reach: Exactly },
    Arrow { from: "main", to: &["cli", "config"], reach: Exactly },
    // Nobody but `app` reaches the ballot box. The client gives codes; what a reviewer reads comes from `texts`.
    Arrow {
        from: "cli",
        to: &["app", "booth", "client", "demo", "bench", "clock", "config", "texts"],
        reach: FurtherBut(&["ballot"]),
    },
    Arrow {
        from: "app",
        to: &[
            "web", "api", "auth", "booth", "jobs", "ballot", "db", "clock", "config", "cipher", "problem", "exchange",
        ],
        reach: FurtherBut(&[]),
    },
    // A page posts to the same function as the JSON handler; it writes no SQL of its own.
    Arrow { from: "web", to: &["api", "clock", "texts", "problem"], reach: FurtherBut(&["store", "workflow"]) },
    Arrow {
        from: "api",
        to: &[
            "audit_log",
            "auth",
            "booth",
            "exchange",
            "exports",
            "figures",
            "imports",
            "notices",
            "paper",
            "clock",
            "config",
            "cipher",
            "texts",
            "problem",
        ],
        reach: FurtherBut(&[]),
    },
    // The keys that sign tokens lie encrypted in the registry.
    Arrow { from: "auth", to: &["store", "db", "clock", "config", "cipher"], reach: FurtherBut(&[]) },
    // Acts that span tables, each within its caller's transaction; neither HTTP nor a pool. A notice is worded as it is given.
    Arrow {
        from: "workflow",
        to: &["store", "credential", "notices", "domain", "db", "error", "cipher"],
        reach: FurtherBut(&["figures", "paper"]),
    },
    // Names of files in the publication folder, and how they are read and written: the one place both sides know.
    Arrow { from: "publication", to: &["credential", "durable", "error"], reach: Exactly },
    Arrow { from: "durable", to: &["error"], reach: Exactly },
    // Lists as files: read part by part, so it holds the pool that `workflow` must not.
    Arrow { from: "exports", to: &["workflow", "domain", "db", "durable", "error", "texts"], reach: Exactly },
    Arrow { from: "store", to: &["domain", "db"], reach: FurtherBut(&[]) },
    Arrow {
        from: "jobs",
        to: &[
            "audit_log",
            "exchange",
            "exports",
            "figures",
            "imports",
            "notices",
            "clock",
            "config",
            "cipher",
            "texts",
        ],
        reach: FurtherBut(&[]),
    },
    // Files of records: from bytes to rows, from rows to records, each within its caller's transaction.
    Arrow { from: "imports", to: &["workflow", "store", "domain", "db", "error", "cipher"], reach: FurtherBut(&[]) },
    // The registry's side of the publication folder: from rows to files, from the box's files to rows.
    Arrow {
        from: "exchange",
        to: &["workflow", "store", "credential", "domain", "db", "error", "publication", "cipher"],
        reach: FurtherBut(&[]),
    },
    // The registry's audit entries as a tree, whose checkpoints lie in a folder of their own.
    Arrow {
        from: "audit_log",
        to: &["store", "credential", "domain", "db", "error", "cipher", "durable"],
        reach: Exactly,
    },
    Arrow { from: "figures", to: &["domain", "error", "texts"], reach: FurtherBut(&[]) },
    // What people are told: words, and those words as a page, a mail or a printed document.
    Arrow { from: "notices", to: &["domain", "error", "figures", "paper", "texts"], reach: Exactly },
    // Printed documents: the model in, the bytes of a file out.
    Arrow { from: "paper", to: &["figures", "error", "texts"], reach: Exactly },
    // The reviewer's pages: files made of scripts and texts, before anybody asks for them.
    Arrow { from: "booth", to: &["config", "credential", "error", "texts"], reach: Exactly },
    Arrow {
        from: "ballot",
        to: &["booth", "credential", "domain", "db", "durable", "error", "clock", "problem", "publication"],
        reach: Exactly,
    },
    // It must work against any server that keeps the contract, so it shares none of the server's code.
    Arrow { from: "client", to: &["credential", "domain", "error"], reach: Exactly },
    // They start the app and are its clients from then on: what lies behind `app` is closed to them.
    Arrow { from: "demo", to: &["app", "client", "credential", "domain", "error", "clock", "config"], reach: Exactly },
    Arrow {
        from: "bench",
        // It plays the registry towards the box, through the folder, and loads a national cycle as rows; the raw limits write
        // past all of them.
        to: &[
            "app",
            "client",
            "credential",
            "domain",
            "error",
            "clock",
            "config",
            "db",
            "publication",
            "store",
            "workflow",
        ],
        reach: Exactly,
    },
    Arrow { from: "problem", to: &["error", "texts"], reach: Exactly },
    Arrow { from: "credential", to: &["domain", "error"], reach: Exactly },
    Arrow { from: "domain", to: &["error"], reach: Exactly },
    Arrow { from: "db", to: &["error"], reach: Exactly },
    Arrow { from: "clock", to: &["error"], reach: Exactly },
    // Types that a variable is parsed into, such as the place of a database.
    Arrow { from: "config", to: &["db", "error", "texts"], reach: Exactly },
    Arrow { from: "cipher", to: &["durable", "error"], reach: Exactly },
    Arrow { from: "texts", to: &["error"], reach: Exactly },
    Arrow { from: "error", to: &[], reach: Exactly },
];
