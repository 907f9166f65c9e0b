//! Access tokens: short-lived JWT signed with EdDSA alone. A newcomer's usual mistake is to trust the library's
//! defaults, which require only `exp` and read the machine's clock: every claim is required here, and time is passed in.

use std::sync::{Mutex, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use openssl::pkey::PKey;
use serde::{Deserialize, Serialize};

use crate::cipher::{Cipher, Use};
use crate::db::Registry;
use crate::domain::caller::Scope;
use crate::domain::ids;
use crate::domain::ids::{AccountId, ClientId, SessionId};
use crate::error::{Error, Result};
use crate::store;

/// For how long one key signs.
const KEY_LIFE_DAYS: i64 = 90;
/// Seconds for which a token that names an unknown key does not load the keys again.
const LOAD_AGAIN_SECONDS: i64 = 60;
/// Seconds by which another machine's clock may differ.
const LEEWAY_SECONDS: i64 = 5;
/// Whom tokens are for.
const AUDIENCE: &str = "ejf";
/// The type of an access token (RFC 9068).
const TOKEN_TYPE: &str = "at+jwt";
/// A longer token is not ours; it is refused before any work.
const TOKEN_BYTES_MAX: usize = 1024;

/// What a token says. Neither form can be read as the other: each has a claim that the other refuses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Claims {
    /// Of a person's log-in.
    Person(PersonClaims),
    /// Of a machine client.
    Machine(MachineClaims),
}

impl Claims {
    /// Seconds since 1970 at which it ends.
    pub fn exp(&self) -> i64 {
        match self {
            Claims::Person(claims) => claims.exp,
            Claims::Machine(claims) => claims.exp,
        }
    }

    fn nbf(&self) -> i64 {
        match self {
            Claims::Person(claims) => claims.nbf,
            Claims::Machine(claims) => claims.nbf,
        }
    }
}

/// What a machine client's token says (RFC 9068); every claim is required.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineClaims {
    iss: String,
    aud: String,
    /// The client.
    pub sub: ClientId,
    client_id: ClientId,
    /// The scopes that it was issued for, parted by spaces.
    pub scope: String,
    jti: uuid::Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What the token of a person's log-in says; every claim is required.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonClaims {
    iss: String,
    aud: String,
    /// The account.
    pub sub: AccountId,
    /// The log-in.
    pub sid: SessionId,
    jti: uuid::Uuid,
    iat: i64,
    nbf: i64,
    exp: i64,
}

struct Key {
    id: String,
    public_key: Vec<u8>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    signs_until: DateTime<Utc>,
}

/// The keys that sign and verify, and how long tokens live.
pub struct Tokens {
    keys: RwLock<Vec<Key>>,
    loaded_again_at: Mutex<Option<DateTime<Utc>>>,
    issuer: String,
    ttl_seconds: u32,
}

impl Tokens {
    /// Loads the keys from the registry; [`Tokens::ensure_key`] makes the first.
    pub fn new(issuer: String, ttl_seconds: u32) -> Tokens {
        Tokens { keys: RwLock::new(Vec::new()), loaded_again_at: Mutex::new(None), issuer, ttl_seconds }
    }

    /// Seconds for which a token is good.
    pub fn ttl_seconds(&self) -> u32 {
        self.ttl_seconds
    }

    /// Makes a signing key where none signs for the next day, and loads those whose tokens may still be good.
    pub async fn ensure_key(&self, registry: &Registry, cipher: &Cipher, now: DateTime<Utc>) -> Result<()> {
        if self.newest_signs_until().is_some_and(|until| until > now + TimeDelta::days(1)) {
            return Ok(());
        }
        let new_key = make_key(cipher, now)?;
        let since = (now - TimeDelta::seconds(i64::from(self.ttl_seconds))).naive_utc();
        let soon = (now + TimeDelta::days(1)).naive_utc();
        let rows = registry
            .0
            .write(move |conn| {
                let mut rows = store::keys::list_since(conn, since)?;
                if !rows.iter().any(|row| row.signs_until > soon) {
                    store::keys::insert(conn, &new_key)?;
                    let entry = store::audit::NewEntry::new(None, "create_token_key", "token_key", &new_key.id);
                    store::audit::record(conn, entry, now)?;
                    rows.push(new_key.clone());
                }
                Ok(rows)
            })
            .await?;
        self.load(cipher, rows)
    }

    /// Loads the keys anew where a token names one that is not loaded: another process may have made it. At most once a
    /// minute, as whoever forges a token can name any.
    pub async fn learn_key_of(
        &self,
        token: &str,
        registry: &Registry,
        cipher: &Cipher,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let Some(kid) = key_id(token) else { return Ok(()) };
        if self.knows(&kid) || !self.may_load_again(now) {
            return Ok(());
        }
        let since = (now - TimeDelta::seconds(i64::from(self.ttl_seconds))).naive_utc();
        let rows = registry.0.read(move |conn| store::keys::list_since(conn, since)).await?;
        self.load(cipher, rows)
    }

    fn load(&self, cipher: &Cipher, rows: Vec<store::keys::TokenKey>) -> Result<()> {
        let keys = rows.into_iter().map(|row| open_key(cipher, row)).collect::<Result<Vec<_>>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn knows(&self, kid: &str) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).iter().any(|key| key.id == kid)
    }

    /// Whether a minute has passed since this was last so; from now on it has not.
    fn may_load_again(&self, now: DateTime<Utc>) -> bool {
        let mut last = self.loaded_again_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = last.is_none_or(|last| now - last >= TimeDelta::seconds(LOAD_AGAIN_SECONDS));
        if is_over {
            *last = Some(now);
        }
        is_over
    }

    /// A token for an account's log-in, good from `now`.
    pub fn issue(&self, account: AccountId, session: SessionId, now: DateTime<Utc>) -> Result<String> {
        self.sign(&PersonClaims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: account,
            sid: session,
            jti: ids::new_at(now),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: now.timestamp() + i64::from(self.ttl_seconds),
        })
    }

    /// A token for a machine client, good from `now` for these scopes.
    pub fn issue_to_client(&self, client: ClientId, scopes: &[Scope], now: DateTime<Utc>) -> Result<String> {
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        self.sign(&MachineClaims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: client,
            client_id: client,
            scope: scopes.join(" "),
            jti: ids::new_at(now),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: now.timestamp() + i64::from(self.ttl_seconds),
        })
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.last().ok_or_else(|| Error::internal("no token key is loaded"))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(Error::internal)
    }

    /// The claims of a good token; `None` for anything else, whatever is wrong with it.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let kid = key_id(token)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        // The library would read the machine's clock; both are checked against ours below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| key.id == kid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).ok()?.claims;
        let seconds = now.timestamp();
        let is_one_client = !matches!(&claims, Claims::Machine(claims) if claims.client_id != claims.sub);
        let is_begun = claims.nbf() <= seconds + LEEWAY_SECONDS;
        (is_one_client && is_begun && seconds < claims.exp() + LEEWAY_SECONDS).then_some(claims)
    }

    /// The public keys as `(kid, x)`, x being the base64url of an Ed25519 key, for the published key set.
    pub fn public_keys(&self) -> Vec<(String, String)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| (key.id.clone(), URL_SAFE_NO_PAD.encode(&key.public_key))).collect()
    }

    fn newest_signs_until(&self) -> Option<DateTime<Utc>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.last().map(|key| key.signs_until)
    }
}

/// The key that a token of our form names.
fn key_id(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
        return None;
    }
    header.kid
}

fn make_key(cipher: &Cipher, now: DateTime<Utc>) -> Result<store::keys::TokenKey> {
    let private_key = PKey::generate_ed25519().map_err(Error::internal)?;
    let id = ids::new_at(now).to_string();
    let der = zeroize::Zeroizing::new(private_key.private_key_to_pkcs8().map_err(Error::internal)?);
    Ok(store::keys::TokenKey {
        wrapped_private_key: cipher.seal(Use::TokenKey, id.as_bytes(), &der)?,
        public_key: private_key.raw_public_key().map_err(Error::internal)?,
        id,
        signs_from: now.naive_utc(),
        signs_until: (now + TimeDelta::days(KEY_LIFE_DAYS)).naive_utc(),
    })
}

fn open_key(cipher: &Cipher, row: store::keys::TokenKey) -> Result<Key> {
    let der = cipher
        .open(Use::TokenKey, row.id.as_bytes(), &row.wrapped_private_key)?
        .ok_or_else(|| Error::internal("a token key does not open under EJF_COLUMN_KEY: is it the right key?"))?;
    Ok(Key {
        encoding: EncodingKey::from_ed_der(&der),
        decoding: DecodingKey::from_ed_der(&row.public_key),
        public_key: row.public_key,
        id: row.id,
        signs_until: row.signs_until.and_utc(),
    })
}
