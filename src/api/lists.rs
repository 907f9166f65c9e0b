//! How every list is answered: a page of it as JSON, or the whole of it as a file, as `Accept` asks. A newcomer's usual
//! mistake is to answer a list by hand: what a file of it shows, and what is recorded of either, is settled here.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, LINK, VARY};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::stream;
use serde_json::value::RawValue;

use super::extract::{PageOf, PageQuery};
use crate::cipher::{Cipher, Use};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Conn, Registry};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller;
use crate::domain::exports::{Format, ROWS_AT_ONCE_MAX};
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::exports::{self, Order, Whole};
use crate::problem::middleware::Caller;
use crate::texts::{Language, named};
use crate::workflow::lists::{List, Row};

/// Bytes of a file that are held in memory at once.
const PIECE_BYTES: usize = 64 * 1024;
/// What a file name does without, besides letters and digits of ASCII (RFC 8187).
const PLAIN: &[u8] = b"!#$&+-.^_`|~";

/// What answers a list: the request with all that the answer needs.
pub struct Answering {
    request: HttpRequest,
    registry: web::Data<Registry>,
    cipher: web::Data<Cipher>,
    config: web::Data<Config>,
    language: Language,
    now: DateTime<Utc>,
}

impl FromRequest for Answering {
    type Error = actix_web::Error;
    type Future = std::future::Ready<std::result::Result<Answering, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let made = || {
            Some(Answering {
                registry: request.app_data::<web::Data<Registry>>()?.clone(),
                cipher: request.app_data::<web::Data<Cipher>>()?.clone(),
                config: request.app_data::<web::Data<Config>>()?.clone(),
                language: Caller::of(request).language(),
                now: request.app_data::<web::Data<Clock>>()?.now(),
                request: request.clone(),
            })
        };
        std::future::ready(made().ok_or_else(|| Error::internal("a service is not configured").into()))
    }
}

impl Answering {
    /// The instant of the request.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The language that the caller likes best.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The day of the request in Kazakhstan.
    pub fn today(&self) -> NaiveDate {
        date_at(self.now, KAZAKHSTAN_UTC_OFFSET_MINUTES)
    }

    /// Answers a list: the page that is asked for, or where `Accept` asks for another form, all of it.
    ///
    /// # Errors
    /// 400 for a limit or cursor that cannot be, or that stands beside a file; 422 `export_too_large` for a file of more
    /// than 10,000 rows; whatever the list refuses the caller.
    pub async fn list(self, actor: Actor, list: List, asked: PageQuery) -> Result<HttpResponse> {
        match wished(self.request.headers()) {
            None => {
                let now = self.now;
                let read = move |list: &List, conn: &mut Conn, after: Option<&str>, limit| {
                    list.page(conn, &actor, after, limit, now)
                };
                self.page(list, asked, read).await
            }
            Some(format) => self.file(actor, list, asked, format).await,
        }
    }

    /// The same for a machine client, too, which is answered pages alone, whatever it would accept.
    ///
    /// # Errors
    /// As [`Answering::list`].
    pub async fn list_for(self, caller: caller::Caller, list: List, asked: PageQuery) -> Result<HttpResponse> {
        match caller {
            caller::Caller::Person(actor) => self.list(actor, list, asked).await,
            // A page that goes on record is a reading of a file, which only a person is admitted to.
            caller::Caller::Machine(_) if list.records_pages() => Err(Code::Forbidden.into()),
            caller::Caller::Machine(_) => {
                let read = |list: &List, conn: &mut Conn, after: Option<&str>, limit| list.rows(conn, after, limit);
                self.page(list, asked, read).await
            }
        }
    }

    async fn page(
        self,
        list: List,
        asked: PageQuery,
        read: impl Fn(&List, &mut Conn, Option<&str>, i64) -> Result<Vec<Row>> + Send + 'static,
    ) -> Result<HttpResponse> {
        let limit = asked.limit()?;
        let after = asked.after(&self.cipher, list.name())?;
        let list = Arc::new(list);
        let asked = list.clone();
        let work = move |conn: &mut Conn| read(&asked, conn, after.as_deref(), limit + 1);
        let rows = match list.records_pages() {
            true => self.registry.0.write(work).await?,
            false => self.registry.0.read(work).await?,
        };
        self.answer(&list, limit, rows)
    }

    /// Of `limit + 1` rows asked for, the surplus one tells that there is a next page.
    fn answer(&self, list: &List, limit: i64, mut rows: Vec<Row>) -> Result<HttpResponse> {
        let limit = usize::try_from(limit).map_err(Error::internal)?;
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let mut response = HttpResponse::Ok();
        response.append_header((VARY, "Accept"));
        let next_cursor = match rows.last().filter(|_| is_more) {
            Some(last) => {
                let sealed = self.cipher.seal(Use::Cursor, list.name().as_bytes(), last.key.as_bytes())?;
                let cursor = URL_SAFE_NO_PAD.encode(sealed);
                response.insert_header((LINK, format!("<{}>; rel=\"next\"", next_target(&self.request, &cursor))));
                Some(cursor)
            }
            None => None,
        };
        let items = rows.into_iter().map(|row| RawValue::from_string(row.json).map_err(Error::internal));
        Ok(response.json(PageOf { items: items.collect::<Result<Vec<_>>>()?, next_cursor }))
    }

    async fn file(self, actor: Actor, list: List, asked: PageQuery, format: Format) -> Result<HttpResponse> {
        let fault = |name| Fault::parameter(name, Rule::Mismatch { other: "Accept" });
        let faults: Vec<Fault> = asked.given().map(fault).collect();
        if !faults.is_empty() {
            return Err(Error::faults(Code::Malformed, faults));
        }
        let (language, folder) = (self.language, self.config.export_dir.as_path());
        let noun = list.noun().to_owned();
        let order = Order { actor: &actor, format, language, rows_max: ROWS_AT_ONCE_MAX, folder };
        let Whole { file, .. } = exports::write(&self.registry, list, &order, self.now).await?;
        let mut response = HttpResponse::Ok();
        response.append_header((VARY, "Accept")).append_header((VARY, "Accept-Language"));
        sent(response, file, format, language, &disposition(&noun, format, language, self.today()))
    }

    /// Answers a file that was made before, in the language that it was ordered in.
    pub fn kept(self, file: File, format: Format, language: &str, noun: &str) -> Result<HttpResponse> {
        let language = Language::from_tag(language).unwrap_or(self.language);
        let disposition = disposition(noun, format, language, self.today());
        sent(HttpResponse::Ok(), file, format, language, &disposition)
    }
}

/// Sends a file in pieces, for the browser to keep under its name.
fn sent(
    mut response: actix_web::HttpResponseBuilder,
    file: File,
    format: Format,
    language: Language,
    disposition: &str,
) -> Result<HttpResponse> {
    let size = file.metadata().map_err(Error::internal)?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let reading = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
        });
        reading.await.map_err(std::io::Error::other)?
    });
    Ok(response
        .insert_header((CONTENT_TYPE, media_type(format)))
        .insert_header((CONTENT_LANGUAGE, language.as_tag()))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .body(SizedStream::new(size, Box::pin(pieces))))
}

fn media_type(format: Format) -> String {
    match format {
        Format::Csv => format!("{}; charset=utf-8", format.media_type()),
        Format::Ndjson | Format::Xlsx => format.media_type().to_owned(),
    }
}

/// The same request with another cursor, relative to the service: `Host` is never believed.
fn next_target(request: &HttpRequest, cursor: &str) -> String {
    let kept = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("{}?{}{separator}cursor={cursor}", request.path(), query.join("&"))
}

/// The name under which a file is kept: in words of the language, and for old browsers in those of the API.
fn disposition(noun: &str, format: Format, language: Language, today: NaiveDate) -> String {
    let ending = format.as_str();
    let words = named(language, "list", noun).unwrap_or(noun);
    let encoded: String = format!("{words} {today}.{ending}").bytes().map(encoded).collect();
    format!("attachment; filename=\"{noun}-{today}.{ending}\"; filename*=UTF-8''{encoded}")
}

fn encoded(byte: u8) -> String {
    let is_plain = byte.is_ascii_alphanumeric() || PLAIN.contains(&byte);
    if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// The form that `Accept` likes best: none for JSON, which is also for whoever takes none of ours.
fn wished(headers: &HeaderMap) -> Option<Format> {
    let elements = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut best: Option<(u16, Option<Format>)> = None;
    for element in elements {
        let mut parts = element.split(';').map(str::trim);
        let Some(form) = parts.next().and_then(form) else { continue };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        // At most three decimals, so whole thousandths hold every weight.
        let weight = (f32::clamp(weight, 0.0, 1.0) * 1000.0).round() as u16;
        if weight > 0 && best.is_none_or(|(known, _)| weight > known) {
            best = Some((weight, form));
        }
    }
    best.and_then(|(_, form)| form)
}

fn form(media_range: &str) -> Option<Option<Format>> {
    let is = |known: &str| media_range.eq_ignore_ascii_case(known);
    if ["*/*", "application/*", "application/json"].into_iter().any(is) {
        return Some(None);
    }
    Format::ALL.iter().find(|format| is(format.media_type())).map(|format| Some(*format))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_list_is_answered_in_the_form_that_is_liked_best() {
        let xlsx = Format::Xlsx.media_type();
        for (accept, expected) in [
            ("", None),
            ("*/*", None),
            ("text/html", None),
            ("text/csv", Some(Format::Csv)),
            ("Text/CSV; header=present", Some(Format::Csv)),
            ("application/x-ndjson, */*;q=0.1", Some(Format::Ndjson)),
            (xlsx, Some(Format::Xlsx)),
            ("text/csv;q=0.5, application/json", None),
            ("text/csv;q=0", None),
            ("text/csv;q=x, application/x-ndjson;q=0.001", Some(Format::Ndjson)),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(wished(request.headers()), expected, "{accept}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_plain_for_old_browsers_and_in_words_for_others() {
        let today = NaiveDate::from_ymd_opt(2027, 1, 11).unwrap();
        assert_eq!(
            disposition("judges", Format::Csv, Language::Ru, today),
            "attachment; filename=\"judges-2027-01-11.csv\"; \
             filename*=UTF-8''%D0%A1%D1%83%D0%B4%D1%8C%D0%B8%202027-01-11.csv"
        );
    }
}
