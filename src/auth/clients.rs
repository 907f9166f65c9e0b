//! Machine clients: their secrets and their tokens. A newcomer's usual mistake is to treat a secret like a password: it
//! is 32 random bytes that nobody guesses, so it is kept as SHA-256, and no wait or lock stands before it, which a stranger
//! could hold a client out by.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Auth, grants, random_token};
use crate::db::Registry;
use crate::domain::caller::{CallerId, Machine, Scope};
use crate::domain::ids;
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::judge_file::Check;
use crate::error::{Code, Result, Rule};
use crate::store;
use crate::store::audit::NewEntry;
use crate::store::clients::Client;

/// Most characters of a client's name.
pub const NAME_LENGTH_MAX: usize = 100;
/// Most hours for which the secret before the present one stays good.
pub const OVERLAP_HOURS_MAX: u32 = 168;
/// Hours for which the secret before the present one stays good where nothing else is asked for.
pub const OVERLAP_HOURS: u32 = 24;

/// A client to be made.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// What people call it.
    pub name: String,
    /// The one system of record that it speaks for.
    pub source_system: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl NewClient {
    /// All faults, with pointers.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::default();
        check.text("/name", &self.name, NAME_LENGTH_MAX);
        check.system("/source_system", &self.source_system);
        check_scopes(&mut check, &self.scopes);
        check.done()
    }
}

/// Notes a fault where scopes are none, too many or named twice: a client that may do nothing is a closed one.
pub fn check_scopes(check: &mut Check, scopes: &[Scope]) {
    let max = Scope::ALL.len();
    check.rule((1..=max).contains(&scopes.len()), "/scopes", Rule::Length { min: 1, max: max as u64 });
    let is_twice = |(at, scope): (usize, &Scope)| scopes.iter().take(at).any(|before| before == scope);
    check.rule(!scopes.iter().enumerate().any(is_twice), "/scopes", Rule::Duplicate);
}

/// Adds a client and gives its secret, which is shown this once. `by` is nobody on the server's own shell.
///
/// # Errors
/// 422 with pointers; 409 `already_exists` where another client speaks for the system.
pub async fn add(
    registry: &Registry,
    new: NewClient,
    by: Option<AccountId>,
    now: DateTime<Utc>,
) -> Result<(Client, Zeroizing<String>)> {
    new.check()?;
    let secret = random_token()?;
    let mut client = Client {
        id: ClientId(ids::new_at(now)),
        name: new.name,
        source_system: new.source_system,
        may_write_files: false,
        may_read_results: false,
        may_read_events: false,
        may_use_scim: false,
        secret_hash: hash(&secret),
        previous_secret_hash: None,
        previous_until: None,
        is_closed: false,
        version: 1,
        created_at: now.naive_utc(),
    };
    client.set_scopes(&new.scopes);
    let row = client.clone();
    registry
        .0
        .write(move |conn| {
            store::clients::insert(conn, &row)?;
            let entry = NewEntry::new(by, "create_client", "client", row.id);
            store::audit::record(conn, entry.of_digest(grants::of_client(&row)?), now)
        })
        .await?;
    Ok((client, secret))
}

/// Gives a client a new secret, which is shown this once; the present one stays good for the overlap, any older one ends.
///
/// # Errors
/// 404 where there is no such client.
pub async fn rotate(
    registry: &Registry,
    id: ClientId,
    overlap_hours: u32,
    by: Option<AccountId>,
    now: DateTime<Utc>,
) -> Result<(Client, Zeroizing<String>)> {
    let secret = random_token()?;
    let new_hash = hash(&secret);
    let until = (now + TimeDelta::hours(i64::from(overlap_hours))).naive_utc();
    let client = registry
        .0
        .write(move |conn| {
            let mut client = store::clients::find(conn, id)?.ok_or(Code::NotFound)?;
            let seen = client.version;
            let old_hash = std::mem::replace(&mut client.secret_hash, new_hash.clone());
            let keeps_old = overlap_hours > 0;
            client.previous_secret_hash = keeps_old.then_some(old_hash);
            client.previous_until = keeps_old.then_some(until);
            client.version = seen + 1;
            if !store::clients::update(conn, &client, seen)? {
                return Err(Code::Stale.into());
            }
            store::audit::record(conn, NewEntry::new(by, "rotate_client", "client", id), now)?;
            Ok(client)
        })
        .await?;
    Ok((client, secret))
}

/// What came of a client's wish for a token.
pub enum Grant {
    /// A token, for these scopes.
    Token {
        /// The token.
        access_token: String,
        /// What it is good for.
        scopes: Vec<Scope>,
    },
    /// No such client, another secret, or a closed client: which, nobody is told.
    ClientRefused,
    /// The client is who it says, and may not do what it asks for.
    ScopeRefused,
}

impl Auth {
    /// Exchanges a client's secret for a token; `asked` are scopes parted by spaces, all of the client's where absent.
    pub async fn grant_to_client(
        &self,
        registry: &Registry,
        client_id: &str,
        secret: &str,
        asked: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Grant> {
        // The same look-up and comparison for names that cannot be ids.
        let id = client_id.parse().unwrap_or(ClientId(uuid::Uuid::nil()));
        let found = registry.0.read(move |conn| store::clients::find(conn, id)).await?;
        let is_right = is_secret_of(found.as_ref(), &hash(secret), now);
        let Some(client) = found.filter(|client| is_right && !client.is_closed) else {
            return Ok(Grant::ClientRefused);
        };
        let Some(scopes) = narrow(&client.scopes(), asked) else { return Ok(Grant::ScopeRefused) };
        self.tokens.ensure_key(registry, &self.cipher, now).await?;
        let access_token = self.tokens.issue_to_client(id, &scopes, now)?;
        registry
            .0
            .write(move |conn| {
                let entry = NewEntry::by(CallerId::Client(id), "issue_token", "client", id);
                store::audit::record(conn, entry, now)
            })
            .await?;
        Ok(Grant::Token { access_token, scopes })
    }

    /// Stops believing what was verified about a client's tokens.
    pub fn forget_client(&self, id: ClientId) {
        self.forget_callers(|caller| caller.id() == CallerId::Client(id));
    }
}

/// The client as its token may use it now: what both the token and the registry say; nothing for a closed one.
pub(super) async fn machine(registry: &Registry, id: ClientId, of_token: &str) -> Result<Option<Machine>> {
    let found = registry.0.read(move |conn| store::clients::find(conn, id)).await?;
    Ok(found.filter(|client| !client.is_closed).map(|client| Machine {
        client_id: id,
        scopes: client
            .scopes()
            .into_iter()
            .filter(|scope| words(of_token).any(|word| word == scope.as_str()))
            .collect(),
        source_system: client.source_system,
    }))
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Compares with both secrets whatever the first comparison says; with nobody's where there is no client.
fn is_secret_of(client: Option<&Client>, given: &[u8], now: DateTime<Utc>) -> bool {
    let nobodys = [0u8; 32];
    let current = client.map_or(nobodys.as_slice(), |client| client.secret_hash.as_slice());
    let previous = client
        .filter(|client| client.previous_until.is_some_and(|until| now.naive_utc() < until))
        .and_then(|client| client.previous_secret_hash.as_deref())
        .unwrap_or(&nobodys);
    let is_equal = current.ct_eq(given) | previous.ct_eq(given);
    client.is_some() & bool::from(is_equal)
}

/// The scopes asked for, where the client may have each; all of them where nothing is asked for; `None` for none.
fn narrow(own: &[Scope], asked: Option<&str>) -> Option<Vec<Scope>> {
    let Some(asked) = asked else { return (!own.is_empty()).then(|| own.to_vec()) };
    let known: Vec<Scope> =
        own.iter().copied().filter(|scope| words(asked).any(|word| word == scope.as_str())).collect();
    let is_all = words(asked).all(|word| known.iter().any(|scope| scope.as_str() == word));
    (is_all && !known.is_empty()).then_some(known)
}

fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_no_more_than_was_asked_for_and_never_for_more_than_the_client_may() {
        let own = [Scope::FileWrite, Scope::EventsRead];
        assert_eq!(narrow(&own, None), Some(own.to_vec()));
        assert_eq!(narrow(&own, Some("events:read")), Some(vec![Scope::EventsRead]));
        assert_eq!(narrow(&own, Some("events:read file:write events:read")), Some(own.to_vec()));
        for refused in ["scim", "file:write scim", "FILE:WRITE", "*", "", " "] {
            assert_eq!(narrow(&own, Some(refused)), None, "{refused}");
        }
        assert_eq!(narrow(&[], None), None);
    }
}
