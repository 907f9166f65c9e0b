//! The blind-review protocol, pure: bytes in, bytes out; the same code for server, box, client and auditor.
//!
//! What a newcomer would get wrong: nothing here reads a clock, a file or a socket, and nothing here may. A date comes
//! in as an argument, and the only thing taken from outside is the random generator of the operating system.
//!
//! The way of a review through the files: [`manifest`] says what a round is, [`frozen`] holds a manifest that passed
//! every check, [`blind_rsa`] makes the credential that nobody can link, [`ledger`] counts the credentials,
//! [`rules`] joins manifests and ledgers into what a ballot is judged by, [`envelope`] is the review, [`receipt`] the
//! promise that it will be counted, [`tree`] and [`note`] the seal, [`bundle`] the folder that auditors keep,
//! [`audit`] the recount of it, [`succession`] that of a second round after it, and [`tally`] the results.

pub mod alarms;
pub mod audit;
pub mod blind_rsa;
pub mod bundle;
pub mod deletion_order;
pub mod encoding;
pub mod envelope;
pub mod extract;
pub mod frozen;
pub mod jcs;
pub mod key_source;
pub mod ledger;
pub mod manifest;
pub mod note;
pub mod packs;
mod pss;
pub mod receipt;
pub mod rules;
pub mod seal_order;
pub mod signing;
pub mod succession;
pub mod tally;
pub mod tree;
pub mod webhook;
