//! What an account or a machine client may do, and what an endpoint is sent, as one digest for the audit log. A newcomer's usual mistake is to put the
//! roles themselves there: the log would be a second place of them, kept for ever; a digest proves them to whoever asks.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::caller::Scope;
use crate::domain::events::EventKind;
use crate::domain::hex::hex;
use crate::domain::ids::{AccountId, ClientId, JudgeId, WebhookId};
use crate::domain::policy::StaffRole;
use crate::domain::webhooks::WebhookState;
use crate::error::{Error, Result};
use crate::store::accounts::Account;
use crate::store::clients::Client;
use crate::store::webhooks::Webhook;

#[derive(Serialize)]
struct OfAccount<'a> {
    id: AccountId,
    login: &'a str,
    staff_role: Option<StaffRole>,
    judge_id: Option<JudgeId>,
    is_closed: bool,
}

#[derive(Serialize)]
struct OfClient<'a> {
    id: ClientId,
    name: &'a str,
    source_system: &'a str,
    scopes: Vec<Scope>,
    is_closed: bool,
}

#[derive(Serialize)]
struct OfWebhook<'a> {
    id: WebhookId,
    client_id: ClientId,
    url: &'a str,
    types: &'a [EventKind],
    state: WebhookState,
}

/// SHA-256, in hex, of the JSON of `id`, `login`, `staff_role`, `judge_id` and `is_closed`, in this order and without
/// blanks: as `GET /v1/accounts/{account_id}` answers them.
pub fn of_account(account: &Account) -> Result<String> {
    let Account { id, staff_role, judge_id, is_closed, .. } = *account;
    digest(&OfAccount { id, login: &account.login, staff_role, judge_id, is_closed })
}

/// SHA-256, in hex, of the JSON of `id`, `name`, `source_system`, `scopes` and `is_closed`, in this order and without
/// blanks: as `GET /v1/clients/{client_id}` answers them.
pub fn of_client(client: &Client) -> Result<String> {
    let Client { id, name, source_system, is_closed, .. } = client;
    digest(&OfClient { id: *id, name, source_system, scopes: client.scopes(), is_closed: *is_closed })
}

/// SHA-256, in hex, of the JSON of `id`, `client_id`, `url`, `types` and `state`, in this order and without blanks: as
/// `GET /v1/webhooks/{webhook_id}` answers them.
pub fn of_webhook(webhook: &Webhook) -> Result<String> {
    let Webhook { id, client_id, url, kinds, state, .. } = webhook;
    digest(&OfWebhook { id: *id, client_id: *client_id, url, types: kinds.as_slice(), state: *state })
}

fn digest(granted: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(granted).map_err(Error::internal)?;
    Ok(hex(&Sha256::digest(text)))
}
