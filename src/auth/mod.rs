//! Who is asking: log-in, tokens, log-out, and the check that every route under `/v1` stands behind (deny by default).
//! A newcomer's usual mistake is to read roles from the token: they come from the registry, at most 30 seconds old.

pub mod clients;
pub mod grants;
pub mod password;
pub mod token;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::SessionId;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::accounts::Account;
use crate::store::sessions::Session;

use password::Passwords;
use token::{Claims, PersonClaims, Tokens};

/// For how long what the registry said of a log-in is believed: log-out and change of role take effect within it.
const BELIEVED_SECONDS: i64 = 30;
/// Verified tokens kept; beyond it all are verified anew.
const VERIFIED_MAX: usize = 20_000;
/// Longest block after failed log-ins, in seconds.
const BLOCK_SECONDS_MAX: i64 = 900;
/// A log-in ends when no token was asked for in this time.
const IDLE_MINUTES: i64 = 30;
/// A log-in of staff ends after this time whatever happens.
const STAFF_HOURS: i64 = 12;
/// A log-in of a judge ends after this time whatever happens.
const JUDGE_HOURS: i64 = 24;

/// Everything that telling callers apart needs.
pub struct Auth {
    /// Password hashing.
    pub passwords: Passwords,
    /// Token keys.
    pub tokens: Tokens,
    cipher: Cipher,
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

#[derive(Clone)]
struct Verified {
    caller: Caller,
    expires_at_seconds: i64,
    checked_at_seconds: i64,
}

/// What a log-in or a refresh hands out; both tokens are shown this once.
pub struct Granted {
    /// The access token.
    pub access_token: String,
    /// Seconds for which it is good.
    pub expires_in_seconds: u32,
    /// The token that gets the next pair, once.
    pub refresh_token: Zeroizing<String>,
    /// Whose log-in it is.
    pub account: Account,
    /// Which log-in it is.
    pub session_id: SessionId,
}

impl Auth {
    /// Prepares hashing and loads or makes the token key.
    pub async fn open(registry: &Registry, cipher: Cipher, config: &Config, now: DateTime<Utc>) -> Result<Auth> {
        let tokens = Tokens::new(config.public_url.clone(), config.token_ttl_seconds);
        tokens.ensure_key(registry, &cipher, now).await?;
        let passwords = Passwords::new(config.argon2_memory_kib, config.argon2_passes)?;
        Ok(Auth { passwords, tokens, cipher, verified: Mutex::new(HashMap::new()) })
    }

    /// Logs in. Unknown name, wrong password and closed account are answered alike, with the same work done.
    ///
    /// Each failure doubles the wait for that name, from one second to fifteen minutes; the attempt is counted before
    /// the password is looked at, so that guesses made in parallel are refused too.
    pub async fn log_in(
        &self,
        registry: &Registry,
        login: &str,
        password: Zeroizing<String>,
        now: DateTime<Utc>,
    ) -> Result<Granted> {
        // Before the attempt is counted: nobody has guessed where there is no room to look at the guess.
        let turn = self.passwords.turn()?;
        let login = login.to_lowercase();
        let login_hash = self.cipher.keyed_hash(Use::LoginName, login.as_bytes())?;
        let counted = login_hash.clone();
        let account = registry
            .0
            .write(move |conn| {
                count_attempt(conn, &counted, now)?;
                store::accounts::find_by_login(conn, &login)
            })
            .await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let is_right = turn.verify(password.clone(), hash).await?;
        let Some(account) = account.filter(|account| is_right && !account.is_closed) else {
            return Err(Code::LoginFailed.into());
        };
        let new_hash = match self.passwords.is_outdated(&account.password_hash) {
            true => Some(turn.hash(password).await?),
            false => None,
        };
        drop(turn);
        self.tokens.ensure_key(registry, &self.cipher, now).await?;
        let refresh_token = random_token()?;
        let token_hash = Sha256::digest(refresh_token.as_bytes()).to_vec();
        let hours = if account.judge_id.is_some() { JUDGE_HOURS } else { STAFF_HOURS };
        let session = Session {
            id: SessionId(ids::new_at(now)),
            account_id: account.id,
            created_at: now.naive_utc(),
            used_at: now.naive_utc(),
            expires_at: (now + TimeDelta::hours(hours)).naive_utc(),
            revoked_at: None,
        };
        let session_id = session.id;
        let verified_hash = account.password_hash.clone();
        let log_in = LogIn { session, login_hash, token_hash, verified_hash, new_hash };
        registry.0.write(move |conn| begin_session(conn, &log_in, now)).await?;
        self.granted(account, session_id, refresh_token, now)
    }

    /// Exchanges a refresh token for a new pair. One that was exchanged before ends the whole log-in: either its owner or
    /// a thief holds a copy, and nobody can tell which.
    pub async fn refresh(&self, registry: &Registry, refresh_token: &str, now: DateTime<Utc>) -> Result<Granted> {
        let old_hash = Sha256::digest(refresh_token.as_bytes()).to_vec();
        let next_token = random_token()?;
        let next_hash = Sha256::digest(next_token.as_bytes()).to_vec();
        let refreshed = registry.0.write(move |conn| refresh_session(conn, &old_hash, &next_hash, now)).await?;
        let (account, session_id) = match refreshed {
            Refreshed::Granted(account, session_id) => (*account, session_id),
            Refreshed::Reused(session_id) => {
                self.forget(|actor| actor.session_id == session_id);
                return Err(Code::RefreshRefused.into());
            }
            Refreshed::Refused => return Err(Code::RefreshRefused.into()),
        };
        self.tokens.ensure_key(registry, &self.cipher, now).await?;
        self.granted(account, session_id, next_token, now)
    }

    /// Ends a log-in, at once in this process.
    pub async fn log_out(&self, registry: &Registry, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
        let (account_id, session_id) = (actor.account_id, actor.session_id);
        registry
            .0
            .write(move |conn| {
                if !store::sessions::revoke(conn, session_id, now.naive_utc())? {
                    return Ok(());
                }
                let entry = store::audit::NewEntry::new(Some(account_id), "delete_session", "session", session_id);
                store::audit::record(conn, entry, now)
            })
            .await?;
        self.forget(|actor| actor.session_id == session_id);
        Ok(())
    }

    /// Changes a password and ends all other log-ins of its account.
    ///
    /// # Errors
    /// 422 where the new password is weak, or the old one is not the present one, be it that another change was quicker;
    /// 401 where the log-in has ended meanwhile.
    pub async fn change_password(
        &self,
        registry: &Registry,
        actor: &Actor,
        old_password: Zeroizing<String>,
        new_password: Zeroizing<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (account_id, session_id) = (actor.account_id, actor.session_id);
        let account = registry.0.read(move |conn| store::accounts::find(conn, account_id)).await?;
        let account = account.ok_or(Code::Unauthenticated)?;
        password::check_strength(&new_password, &account.login, "/new_password")?;
        let is_other = || Error::invalid("/old_password", Rule::Mismatch { other: "password" });
        let turn = self.passwords.turn()?;
        if !turn.verify(old_password, Some(account.password_hash.clone())).await? {
            return Err(is_other());
        }
        let hash = turn.hash(new_password).await?;
        drop(turn);
        registry
            .0
            .write(move |conn| {
                // Both may have changed while the passwords were hashed.
                let found = store::sessions::find_with_account(conn, session_id)?;
                let found = found.filter(|(session, account)| is_live(session, account, now));
                let (_, present) = found.ok_or(Code::Unauthenticated)?;
                if present.password_hash != account.password_hash {
                    return Err(is_other());
                }
                store::accounts::set_password_hash(conn, account_id, &hash)?;
                store::sessions::revoke_all(conn, account_id, Some(session_id), now.naive_utc())?;
                let entry = store::audit::NewEntry::new(Some(account_id), "change_password", "account", account_id);
                store::audit::record(conn, entry, now)
            })
            .await?;
        self.forget(|known| known.account_id == account_id && known.session_id != session_id);
        Ok(())
    }

    /// Stops believing what was verified about actors that `is_meant` picks.
    pub fn forget(&self, is_meant: impl Fn(&Actor) -> bool) {
        self.forget_callers(|caller| matches!(caller, Caller::Person(actor) if is_meant(actor)));
    }

    fn forget_callers(&self, is_meant: impl Fn(&Caller) -> bool) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|_, known| !is_meant(&known.caller));
    }

    /// Who holds this token, or 401.
    pub async fn caller(&self, registry: &Registry, token: &str, now: DateTime<Utc>) -> Result<Caller> {
        let seconds = now.timestamp();
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = &known
            && seconds < known.expires_at_seconds
            && seconds - known.checked_at_seconds < BELIEVED_SECONDS
        {
            return Ok(known.caller.clone());
        }
        self.tokens.learn_key_of(token, registry, &self.cipher, now).await?;
        let claims = self.tokens.verify(token, now).ok_or(Code::Unauthenticated)?;
        let expires_at_seconds = claims.exp();
        let found = match claims {
            Claims::Person(claims) => person(registry, &claims, now).await?.map(Caller::Person),
            Claims::Machine(claims) => {
                clients::machine(registry, claims.sub, &claims.scope).await?.map(Caller::Machine)
            }
        };
        let Some(caller) = found else {
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            return Err(Code::Unauthenticated.into());
        };
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        let entry = Verified { caller: caller.clone(), expires_at_seconds, checked_at_seconds: seconds };
        verified.insert(key, entry);
        Ok(caller)
    }

    fn granted(
        &self,
        account: Account,
        session_id: SessionId,
        refresh_token: Zeroizing<String>,
        now: DateTime<Utc>,
    ) -> Result<Granted> {
        Ok(Granted {
            access_token: self.tokens.issue(account.id, session_id, now)?,
            expires_in_seconds: self.tokens.ttl_seconds(),
            refresh_token,
            account,
            session_id,
        })
    }
}

/// The person whose log-in a token belongs to, while it lasts.
async fn person(registry: &Registry, claims: &PersonClaims, now: DateTime<Utc>) -> Result<Option<Actor>> {
    let (account_id, session_id) = (claims.sub, claims.sid);
    let found = registry.0.read(move |conn| store::sessions::find_with_account(conn, session_id)).await?;
    let is_of_it =
        |(session, account): &(Session, Account)| session.account_id == account_id && is_live(session, account, now);
    Ok(found.filter(is_of_it).map(|(_, account)| Actor {
        account_id: account.id,
        session_id,
        staff_role: account.staff_role,
        judge_id: account.judge_id,
    }))
}

fn count_attempt(conn: &mut Conn, login_hash: &[u8], now: DateTime<Utc>) -> Result<()> {
    let instant = now.naive_utc();
    let failures = match store::accounts::login_attempts(conn, login_hash)? {
        Some((_, until)) if until > instant => {
            let seconds = u32::try_from(((until - instant).num_milliseconds() + 999) / 1000).unwrap_or(1);
            return Err(Error::retry_after(Code::TooManyRequests, seconds));
        }
        Some((failures, _)) => failures.saturating_add(1),
        None => 1,
    };
    let seconds = 1_i64.checked_shl(u32::try_from(failures - 1).unwrap_or(0)).unwrap_or(BLOCK_SECONDS_MAX);
    let seconds = if failures > 10 { BLOCK_SECONDS_MAX } else { seconds.min(BLOCK_SECONDS_MAX) };
    store::accounts::sweep_login_attempts(conn, instant - TimeDelta::days(1))?;
    store::accounts::put_login_attempt(conn, login_hash, failures, instant + TimeDelta::seconds(seconds))
}

/// What a log-in writes once its password was found right.
struct LogIn {
    session: Session,
    login_hash: Vec<u8>,
    token_hash: Vec<u8>,
    /// The hash that the password was verified against.
    verified_hash: String,
    /// The password's hash at the present cost, where the other was outdated.
    new_hash: Option<String>,
}

fn begin_session(conn: &mut Conn, log_in: &LogIn, now: DateTime<Utc>) -> Result<()> {
    let LogIn { session, login_hash, token_hash, verified_hash, new_hash } = log_in;
    // The password may have been changed, or the account closed, while the password was hashed.
    let account = store::accounts::find(conn, session.account_id)?;
    let account = account.filter(|account| !account.is_closed).ok_or(Code::LoginFailed)?;
    if account.password_hash != *verified_hash {
        // Another password, or the same one hashed anew by a log-in beside this one: only a new look can tell.
        return Err(Error::retry_after(Code::Busy, 1));
    }
    store::accounts::clear_login_attempts(conn, login_hash)?;
    store::sessions::sweep(conn, (now - TimeDelta::days(1)).naive_utc())?;
    store::sessions::insert(conn, session)?;
    store::sessions::insert_refresh_token(conn, token_hash, session.id)?;
    if let Some(hash) = new_hash {
        store::accounts::set_password_hash(conn, session.account_id, hash)?;
    }
    let entry = store::audit::NewEntry::new(Some(session.account_id), "create_session", "session", session.id);
    store::audit::record(conn, entry, now)
}

/// What came of a refresh token.
enum Refreshed {
    /// A next one.
    Granted(Box<Account>, SessionId),
    /// It was exchanged before: its log-in has ended.
    Reused(SessionId),
    /// It is not good, or no longer.
    Refused,
}

fn refresh_session(conn: &mut Conn, old_hash: &[u8], next_hash: &[u8], now: DateTime<Utc>) -> Result<Refreshed> {
    let Some((session_id, is_replaced)) = store::sessions::find_refresh_token(conn, old_hash)? else {
        return Ok(Refreshed::Refused);
    };
    let Some((session, account)) = store::sessions::find_with_account(conn, session_id)? else {
        return Ok(Refreshed::Refused);
    };
    if is_replaced {
        // Whoever holds the copy may send it again and again; the log-in ends once.
        if store::sessions::revoke(conn, session_id, now.naive_utc())? {
            let entry = store::audit::NewEntry::new(Some(account.id), "revoke_session", "session", session_id);
            store::audit::record(conn, entry, now)?;
        }
        return Ok(Refreshed::Reused(session_id));
    }
    if !is_live(&session, &account, now) {
        return Ok(Refreshed::Refused);
    }
    store::sessions::replace_refresh_token(conn, old_hash)?;
    store::sessions::insert_refresh_token(conn, next_hash, session_id)?;
    store::sessions::touch(conn, session_id, now.naive_utc())?;
    let entry = store::audit::NewEntry::new(Some(account.id), "refresh_session", "session", session_id);
    store::audit::record(conn, entry, now)?;
    Ok(Refreshed::Granted(Box::new(account), session_id))
}

fn is_live(session: &Session, account: &Account, now: DateTime<Utc>) -> bool {
    let instant = now.naive_utc();
    session.revoked_at.is_none()
        && instant < session.expires_at
        && instant < session.used_at + TimeDelta::minutes(IDLE_MINUTES)
        && !account.is_closed
}

/// 32 random bytes as text.
fn random_token() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(Error::internal)?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// Stands before every route of `/v1`: 401 before any body is read, else the request goes on with its [`Caller`].
pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match caller_of(&request).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.call(request).await.map(ServiceResponse::map_into_left_body)
        }
        // Answered, not failed: layers outside add their headers to answers alone.
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

async fn caller_of(request: &ServiceRequest) -> Result<Caller> {
    let missing = || Error::internal("a service is not configured");
    let auth = request.app_data::<web::Data<Auth>>().ok_or_else(missing)?;
    let registry = request.app_data::<web::Data<Registry>>().ok_or_else(missing)?;
    let clock = request.app_data::<web::Data<Clock>>().ok_or_else(missing)?;
    let token = bearer_token(request.request()).ok_or(Code::Unauthenticated)?;
    auth.caller(registry, token, clock.now()).await
}

/// The bearer token of a request, if it carries exactly one.
pub fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequest for Caller {
    type Error = actix_web::Error;
    type Future = std::future::Ready<std::result::Result<Caller, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        std::future::ready(caller.ok_or_else(|| Error::from(Code::Unauthenticated).into()))
    }
}

/// The person who asks; a machine is refused here, before any handler that did not mean to serve it.
impl FromRequest for Actor {
    type Error = actix_web::Error;
    type Future = std::future::Ready<std::result::Result<Actor, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        std::future::ready(match request.extensions().get::<Caller>() {
            Some(Caller::Person(actor)) => Ok(actor.clone()),
            Some(Caller::Machine(_)) => Err(Error::from(Code::Forbidden).into()),
            None => Err(Error::from(Code::Unauthenticated).into()),
        })
    }
}
