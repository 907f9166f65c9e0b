//! The public check of an extract. What a newcomer would get wrong: to answer by an id. Whoever holds no signature of ours learns
//! nothing, not even whether an extract exists; the one answer to everything that is not genuine is that it is not.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Clock;
use crate::coded;
use crate::credential::encoding::{Digest, to_base64url};
use crate::credential::extract::is_signed;
use crate::credential::signing::{PublicKey, Sig};
use crate::db::Registry;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::extracts::{ExtractState, state};
use crate::error::Result;
use crate::problem::responses::PublicReadProblems;
use crate::store;
use crate::workflow::extracts::public_key;

coded! {
    /// What a check finds.
    CheckOutcome {
        /// Signed by this service, and holds.
        Valid = "valid",
        /// Signed by this service; its time is over.
        Expired = "expired",
        /// Signed by this service, and revoked since.
        Revoked = "revoked",
        /// Not signed by this service, or changed since.
        NotGenuine = "not_genuine",
    }
}

impl From<ExtractState> for CheckOutcome {
    fn from(state: ExtractState) -> Self {
        match state {
            ExtractState::Valid => CheckOutcome::Valid,
            ExtractState::Expired => CheckOutcome::Expired,
            ExtractState::Revoked => CheckOutcome::Revoked,
        }
    }
}

/// What is checked: as the extract prints it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExtractCheck {
    /// The key that signed.
    #[param(
        min_length = 32,
        max_length = 32,
        pattern = "^[0-9a-f]{32}$",
        example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    )]
    key_id: String,
    /// SHA-256 of the facts, in base64url: worked out of them by whoever holds the file.
    #[param(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$", example = "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw")]
    digest: Digest,
    /// The signature, in base64url.
    #[param(value_type = String, min_length = 86, max_length = 86, pattern = "^[A-Za-z0-9_-]{86}$", example = "CzBVep_E6Q4zWH2ix-wRNluApcrvFDleg6jN8hc8YYar0PUaP2SJrtP4HUJnjLHW-yBFao-02f4jSG2St9wBJg")]
    signature: Sig,
}

/// What the check found.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"outcome": "valid", "expires_on": "2027-06-30"}))]
pub struct ExtractCheckView {
    /// What it is.
    outcome: CheckOutcome,
    /// The last day on which it is or was good; null where it is not genuine.
    expires_on: Option<NaiveDate>,
}

/// A key that signs or signed extracts.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"key_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "public_key": "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM", "signs_from": "2027-01-11T04:30:00Z"}))]
pub struct ExtractKeyView {
    /// Its name.
    #[schema(max_length = 32)]
    key_id: String,
    /// The Ed25519 public key, in base64url.
    #[schema(value_type = String, max_length = 43)]
    public_key: PublicKey,
    /// Since when it signs.
    signs_from: DateTime<Utc>,
}

/// The keys of extracts.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"keys": []}))]
pub struct ExtractKeysView {
    /// All that ever signed one, oldest first.
    #[schema(max_items = 1000)]
    keys: Vec<ExtractKeyView>,
}

/// Get the keys that sign extracts.
///
/// For everybody. With them an extract is checked without this service, but for its revocation.
#[utoipa::path(tag = "extracts", security(()), responses((status = 200, body = ExtractKeysView), PublicReadProblems))]
#[get("/v1/public/extract-keys")]
pub async fn get_extract_keys(registry: web::Data<Registry>) -> Result<HttpResponse> {
    let rows = registry.0.read(store::extracts::keys).await?;
    let keys = rows.into_iter().map(|row| {
        let (public_key, signs_from) = (public_key(&row)?, row.signs_from.and_utc());
        Ok(ExtractKeyView { key_id: row.id, public_key, signs_from })
    });
    Ok(HttpResponse::Ok().json(ExtractKeysView { keys: keys.collect::<Result<_>>()? }))
}

/// Check an extract.
///
/// For everybody who holds one. What was not signed by this service is `not_genuine`, whatever is behind it, and nothing is
/// told of extracts whose signature the caller does not have. The check is not recorded.
#[utoipa::path(tag = "extracts", security(()), params(ExtractCheck),
    responses((status = 200, body = ExtractCheckView), PublicReadProblems))]
#[get("/v1/public/extract-checks")]
pub async fn check_extract(
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    check: web::Query<ExtractCheck>,
) -> Result<HttpResponse> {
    let today = date_at(clock.now(), KAZAKHSTAN_UTC_OFFSET_MINUTES);
    let ExtractCheck { key_id, digest, signature } = check.into_inner();
    let wanted = to_base64url(&digest.0);
    // Both are asked for whatever the signature is worth: the time tells nothing.
    let (keys, extract) = registry
        .0
        .read(move |conn| Ok((store::extracts::keys(conn)?, store::extracts::find_by_digest(conn, &wanted)?)))
        .await?;
    let is_ours = match keys.iter().find(|key| key.id == key_id) {
        Some(key) => is_signed(&public_key(key)?, &digest, &signature),
        None => false,
    };
    let view = match extract.filter(|_| is_ours) {
        None => ExtractCheckView { outcome: CheckOutcome::NotGenuine, expires_on: None },
        Some(extract) => ExtractCheckView {
            outcome: state(extract.revoked_at.is_some(), extract.expires_on, today).into(),
            expires_on: Some(extract.expires_on),
        },
    };
    Ok(HttpResponse::Ok().json(view))
}
