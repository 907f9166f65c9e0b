//! How the caller wants to be written to. A newcomer's usual mistake is to show an address in a list: it is sealed, opened
//! for its owner and for the mail server, and for nobody else.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::Valid;
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::judge_file::Check;
use crate::domain::notices::{NoticeLanguage, is_email};
use crate::domain::policy::Actor;
use crate::error::{Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::contacts::Contact;
use crate::workflow::notices::LANGUAGE_DEFAULT;

/// How somebody wants to be written to.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "kk", "email": "a.serik@sot.example.kz"}))]
pub struct ContactChange {
    /// The language of notices.
    language: NoticeLanguage,
    /// The address that is told of notices; absent for none.
    #[schema(min_length = 3, max_length = 254)]
    email: Option<String>,
}

/// How somebody is written to.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"language": "kk", "email": "a.serik@sot.example.kz"}))]
pub struct ContactView {
    /// The language of notices.
    language: NoticeLanguage,
    /// The address that is told of notices, or null.
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// Tell how I am written to.
///
/// For everybody, of the own account alone: the language of notices, Kazakh where none was chosen, and the address.
#[utoipa::path(tag = "notices", responses((status = 200, body = ContactView), ReadProblems))]
#[get("/me/contact")]
pub async fn get_my_contact(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
) -> Result<HttpResponse> {
    let account_id = actor.account_id;
    let found = registry.0.read(move |conn| store::contacts::find(conn, account_id)).await?;
    let language = found.as_ref().map_or(LANGUAGE_DEFAULT, |contact| contact.language);
    let email = match found.and_then(|contact| contact.sealed_email) {
        None => None,
        Some(sealed) => {
            let opened = cipher.open(Use::Email, account_id.0.as_bytes(), &sealed)?;
            let opened = opened.ok_or_else(|| Error::internal("an address of e-mail does not open"))?;
            Some(String::from_utf8(opened.to_vec()).map_err(Error::internal)?)
        }
    };
    Ok(HttpResponse::Ok().json(ContactView { language, email }))
}

/// Say how I am written to.
///
/// For everybody, of the own account alone. Mails tell that there is a notice and nothing of what it is about, but for those
/// that concern the sending of reviews, which are whole, so that nobody has to sign in for them.
#[utoipa::path(tag = "notices", request_body = ContactChange,
    responses((status = 200, body = ContactView), CreateProblems))]
#[post("/me/contact")]
pub async fn set_my_contact(
    actor: Actor,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    clock: web::Data<Clock>,
    change: Valid<ContactChange>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let ContactChange { language, email } = change.body;
    let mut check = Check::default();
    let form = Rule::Format { expected: "an address such as name@court.example.kz" };
    check.rule(email.as_deref().is_none_or(is_email), "/email", form);
    check.done()?;
    let account_id = actor.account_id;
    let seal = |email: &String| cipher.seal(Use::Email, account_id.0.as_bytes(), email.as_bytes());
    let sealed_email = email.as_ref().map(seal).transpose()?;
    registry
        .0
        .write(move |conn| {
            let version = store::contacts::find(conn, account_id)?.map_or(0, |known| known.version).saturating_add(1);
            let contact = Contact { account_id, language, sealed_email: sealed_email.clone(), version };
            store::contacts::put(conn, &contact)?;
            let entry = store::audit::NewEntry::new(Some(account_id), "set_my_contact", "account", account_id);
            store::audit::record(conn, entry, now)
        })
        .await?;
    Ok(HttpResponse::Ok().json(ContactView { language, email }))
}
