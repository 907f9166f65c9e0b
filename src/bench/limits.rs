//! The raw limits: what the same machine does with the bytes and rows alone. A newcomer's usual mistake is to compare with
//! an empty handler; each limit writes the same columns, with the same indexes and foreign keys, through the same group
//! commit on stores of the same settings, and leaves out only what the service does besides.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::http::header::LOCATION;
use actix_web::{App, HttpResponse, HttpServer, web};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use tokio::sync::Semaphore;

use super::ballots::Review;
use super::files::{RawFiles, read_file};
use super::records::Values;
use crate::app::ThrowawayStores;
use crate::clock::Clock;
use crate::config::Config;
use crate::credential::encoding::random;
use crate::db::{BallotBox, Conn, Db, Location, Purpose, Registry, migrate};
use crate::domain::ids;
use crate::error::{Error, Result};
use crate::on;

diesel::table! {
    audit_entries (sequence) {
        sequence -> BigInt,
        id -> Text,
        occurred_at -> Timestamp,
        account_id -> Nullable<Text>,
        act -> Text,
        object_type -> Text,
        object_id -> Text,
        judge_id -> Nullable<Text>,
        purpose -> Nullable<Text>,
        digest -> Nullable<Text>,
    }
}

diesel::table! {
    observations (id) {
        id -> Text,
        judge_id -> Text,
        indicator_code -> Text,
        category -> Text,
        period_start -> Date,
        period_end -> Date,
        numerator -> BigInt,
        denominator -> Nullable<BigInt>,
        source_system -> Text,
        source_record_id -> Nullable<Text>,
        as_of -> Date,
        received_at -> Timestamp,
        recorded_by -> Nullable<Text>,
        status -> Text,
        supersedes_id -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (caller_id, operation, key) {
        caller_id -> Text,
        operation -> Text,
        key -> Text,
        request_digest -> Binary,
        status -> Integer,
        location -> Nullable<Text>,
        version -> Nullable<BigInt>,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    review (epk) {
        epk -> Binary,
        cycle_ref -> Binary,
        round -> Integer,
        subject_ref -> Binary,
        seq -> Integer,
        body -> Binary,
        sig -> Binary,
        credentials -> Binary,
        leaf -> Binary,
    }
}

/// A value as the limit of imports writes it.
#[derive(Insertable)]
#[diesel(table_name = observations, treat_none_as_default_value = false)]
struct ValueRow {
    id: String,
    judge_id: String,
    indicator_code: String,
    category: String,
    period_start: NaiveDate,
    period_end: NaiveDate,
    numerator: i64,
    denominator: Option<i64>,
    source_system: String,
    source_record_id: Option<String>,
    as_of: NaiveDate,
    received_at: NaiveDateTime,
    recorded_by: Option<String>,
    status: String,
    supersedes_id: Option<String>,
}

/// Rows of one statement, as the service puts in.
const STATEMENT_ROWS: usize = 500;

/// What the limits answer with and write besides the row's own key.
pub(super) struct Samples {
    /// A file's summary, as the service answered it.
    pub summary: Vec<u8>,
    /// A whole file, likewise.
    pub full: Vec<u8>,
    /// The service's answer to a value written.
    pub observation: String,
    /// An answer of the box.
    pub receipt: Vec<u8>,
    /// A review as it is stored.
    pub review: ReviewRow,
    /// How many judges there are.
    pub judge_count: usize,
}

/// The columns of a stored review but its key.
pub(super) struct ReviewRow {
    cycle_ref: Vec<u8>,
    subject_ref: Vec<u8>,
    body: Vec<u8>,
    sig: Vec<u8>,
    credentials: Vec<u8>,
    leaf: Vec<u8>,
}

impl ReviewRow {
    /// The columns that the box stores of a review.
    pub fn of(review: &Review) -> Result<ReviewRow> {
        let envelope = &review.envelope;
        let credentials = envelope.credentials.iter();
        let credentials = credentials.flat_map(|one| [&one.key_id.0[..], &one.prefix.0, &one.sig.0].concat());
        Ok(ReviewRow {
            cycle_ref: envelope.body.cycle_ref.0.to_vec(),
            subject_ref: envelope.body.subject_ref.0.to_vec(),
            body: envelope.body.to_bytes()?,
            sig: envelope.sig.0.to_vec(),
            credentials: credentials.collect(),
            leaf: envelope.leaf()?.0.to_vec(),
        })
    }

    fn insert(&self, conn: &mut Conn, epk: &[u8; 32]) -> Result<()> {
        on!(conn, |c| {
            diesel::insert_into(review::table)
                .values((
                    review::epk.eq(&epk[..]),
                    review::cycle_ref.eq(&self.cycle_ref),
                    review::round.eq(1),
                    review::subject_ref.eq(&self.subject_ref),
                    review::seq.eq(1),
                    review::body.eq(&self.body),
                    review::sig.eq(&self.sig),
                    review::credentials.eq(&self.credentials),
                    review::leaf.eq(&self.leaf),
                ))
                .execute(c)
        })?;
        Ok(())
    }
}

/// The box's store of the limits; a type of its own, as nothing here holds both connections, not even where nothing is
/// at stake.
struct BoxFloor {
    store: BallotBox,
}

impl BoxFloor {
    async fn open(location: &Location) -> Result<BoxFloor> {
        let store = Db::open_ballot_box(location)?;
        store.0.maintain(|conn, _| migrate(conn, Purpose::BallotBox)).await?;
        Ok(BoxFloor { store })
    }
}

/// The stores of the limits, which have the service's own schema, and what is written there.
pub(super) struct Floor {
    registry: Registry,
    ballot_box: BoxFloor,
    /// The settings, which tell where the stores are.
    pub config: Config,
    account_id: String,
    judge_ids: Vec<String>,
    values: Values,
    samples: Arc<Samples>,
    sequence: AtomicI64,
    value_number: AtomicUsize,
    /// As many reviews as may be on their way into the store at once, of which one commit takes about half.
    writing: Semaphore,
    today: NaiveDate,
    clock: Clock,
    // Dropped last: the stores go with it.
    _stores: ThrowawayStores,
}

impl Floor {
    /// Makes the stores.
    pub async fn open(database_url: Option<&str>, samples: Arc<Samples>, now: DateTime<Utc>) -> Result<Arc<Floor>> {
        let stores = ThrowawayStores::create("bench", database_url)?;
        let config = stores.config(&[])?;
        let registry = Db::open_registry(&config.database, config.pool_size)?;
        let ballot_box = BoxFloor::open(&config.ballot_database).await?;
        registry.0.maintain(|conn, _| migrate(conn, Purpose::Registry)).await?;
        let today = now.date_naive();
        let values = Values::of(samples.judge_count, today)?;
        let account_id = ids::new_at(now).to_string();
        let judge_ids: Vec<String> = (0..samples.judge_count).map(|_| ids::new_at(now).to_string()).collect();
        let (account, judges, codes) = (account_id.clone(), judge_ids.clone(), values.indicator_codes().to_vec());
        registry.0.write(move |conn| seed(conn, &account, &judges, &codes)).await?;
        let (sequence, value_number) = (AtomicI64::new(1), AtomicUsize::new(0));
        Ok(Arc::new(Floor {
            registry,
            ballot_box,
            config,
            account_id,
            judge_ids,
            values,
            samples,
            sequence,
            value_number,
            writing: Semaphore::new(Semaphore::MAX_PERMITS),
            today,
            clock: Clock::System,
            _stores: stores,
        }))
    }

    /// From now on a commit takes about so many reviews: as many gather while as many are being committed. Called while
    /// none is on its way.
    pub fn commit_about(&self, rows: usize) {
        self.writing.forget_permits(self.writing.available_permits().saturating_sub(2 * rows));
    }

    /// Inserts one review under a random key and returns after the commit.
    pub async fn put_review(self: &Arc<Floor>) -> Result<()> {
        let _on_its_way = self.writing.acquire().await.map_err(Error::internal)?;
        let epk: [u8; 32] = random()?;
        let floor = self.clone();
        self.ballot_box.store.0.write(move |conn| floor.samples.review.insert(conn, &epk)).await
    }

    /// Inserts so many values from a number on, in one transaction.
    pub async fn put_values(self: &Arc<Floor>, first: usize, count: usize) -> Result<()> {
        let (floor, now) = (self.clone(), self.clock.now());
        self.registry
            .0
            .write(move |conn| {
                for start in (first..first + count).step_by(STATEMENT_ROWS) {
                    let numbers = start..(start + STATEMENT_ROWS).min(first + count);
                    let rows = numbers.map(|number| floor.value_row(number, now)).collect::<Result<Vec<_>>>()?;
                    on!(conn, |c| { diesel::insert_into(observations::table).values(&rows).execute(c) })?;
                }
                Ok(())
            })
            .await
    }

    fn value_row(&self, number: usize, now: DateTime<Utc>) -> Result<ValueRow> {
        let value = self.values.nth(number).ok_or_else(|| Error::internal("the values are used up"))?;
        let judge_id = self.judge(value.judge);
        let record = format!("{}/{}/{}/{judge_id}", value.period, value.indicator_code, value.category);
        Ok(ValueRow {
            id: ids::new_at(now).to_string(),
            judge_id,
            indicator_code: value.indicator_code,
            category: value.category,
            period_start: value.period.starts_on(),
            period_end: value.period.ends_on(),
            numerator: 42,
            denominator: None,
            source_system: "bench".to_owned(),
            source_record_id: Some(record),
            as_of: self.today,
            received_at: now.naive_utc(),
            recorded_by: Some(self.account_id.clone()),
            status: "active".to_owned(),
            supersedes_id: None,
        })
    }

    /// The id of the judge with this number, from the first again after the last.
    fn judge(&self, number: usize) -> String {
        self.judge_ids.get(number % self.judge_ids.len().max(1)).cloned().unwrap_or_default()
    }

    fn insert_entry(
        &self,
        conn: &mut Conn,
        act: &str,
        object: (&str, &str),
        judge: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let purpose = (object.0 == "judge").then_some("personnel");
        on!(conn, |c| {
            diesel::insert_into(audit_entries::table)
                .values((
                    audit_entries::sequence.eq(self.sequence.fetch_add(1, Ordering::Relaxed)),
                    audit_entries::id.eq(ids::new_at(now).to_string()),
                    audit_entries::occurred_at.eq(now.naive_utc()),
                    audit_entries::account_id.eq(Some(&self.account_id)),
                    audit_entries::act.eq(act),
                    audit_entries::object_type.eq(object.0),
                    audit_entries::object_id.eq(object.1),
                    audit_entries::judge_id.eq(Some(judge)),
                    audit_entries::purpose.eq(purpose),
                    audit_entries::digest.eq(None::<String>),
                ))
                .execute(c)
        })?;
        Ok(())
    }

    fn insert_value(&self, conn: &mut Conn, number: usize, now: DateTime<Utc>) -> Result<()> {
        let value = self.values.nth(number).ok_or_else(|| Error::internal("the values are used up"))?;
        let (judge, id) = (self.judge(value.judge), ids::new_at(now).to_string());
        let record = format!("{}/{}/{}", value.period, value.indicator_code, value.category);
        on!(conn, |c| {
            diesel::insert_into(observations::table)
                .values((
                    observations::id.eq(&id),
                    observations::judge_id.eq(&judge),
                    observations::indicator_code.eq(&value.indicator_code),
                    observations::category.eq(&value.category),
                    observations::period_start.eq(value.period.starts_on()),
                    observations::period_end.eq(value.period.ends_on()),
                    observations::numerator.eq(42),
                    observations::denominator.eq(None::<i64>),
                    observations::source_system.eq("bench"),
                    observations::source_record_id.eq(Some(&record)),
                    observations::as_of.eq(self.today),
                    observations::received_at.eq(now.naive_utc()),
                    observations::recorded_by.eq(Some(&self.account_id)),
                    observations::status.eq("active"),
                    observations::supersedes_id.eq(None::<String>),
                ))
                .execute(c)
        })?;
        self.insert_entry(conn, "create_observation", ("observation", &id), &judge, now)?;
        on!(conn, |c| {
            diesel::insert_into(idempotency_keys::table)
                .values((
                    idempotency_keys::caller_id.eq(&self.account_id),
                    idempotency_keys::operation.eq("create_observation"),
                    idempotency_keys::key.eq(format!("{judge}/{record}")),
                    idempotency_keys::request_digest.eq(&[7u8; 32][..]),
                    idempotency_keys::status.eq(201),
                    idempotency_keys::location.eq(Some(format!("/v1/judges/{judge}/observations"))),
                    idempotency_keys::version.eq(None::<i64>),
                    idempotency_keys::body.eq(&self.samples.observation),
                    idempotency_keys::created_at.eq(now.naive_utc()),
                ))
                .execute(c)
        })?;
        Ok(())
    }
}

/// The rows that others refer to.
fn seed(conn: &mut Conn, account_id: &str, judge_ids: &[String], indicator_codes: &[String]) -> Result<()> {
    let account =
        "INSERT INTO accounts VALUES ($1, 'bench', 'none', 'secretary', NULL, false, 1, '2027-01-01 00:00:00', NULL)";
    on!(conn, |c| { diesel::sql_query(account).bind::<Text, _>(account_id).execute(c) })?;
    let judge = "INSERT INTO judges VALUES ($1, $2, $3, 'x', 'x', NULL, '2010-03-01', 1, NULL)";
    for id in judge_ids {
        on!(conn, |c| {
            let query = diesel::sql_query(judge).bind::<Text, _>(id);
            query.bind::<Binary, _>(id.as_bytes()).bind::<Binary, _>(id.as_bytes()).execute(c)
        })?;
    }
    let indicator = "INSERT INTO indicators VALUES ($1, 'x', 'x', NULL, 'case', 0, 0, 30000, 'none', false, 'x', \
                     'count', '2000-01-01', NULL)";
    for code in indicator_codes {
        on!(conn, |c| { diesel::sql_query(indicator).bind::<Text, _>(code).execute(c) })?;
    }
    Ok(())
}

/// The handlers of the limits, at work.
pub(super) struct FloorServer {
    /// Where connections are kept.
    pub address: SocketAddr,
    /// Where each connection serves one request, as at the box.
    pub box_address: SocketAddr,
    handles: [ServerHandle; 2],
}

impl FloorServer {
    /// Starts the handlers.
    pub fn start(floor: &Arc<Floor>, files: RawFiles) -> Result<FloorServer> {
        let files = web::Data::new(files);
        let (address, registry) = listen(floor, &files, KeepAlive::Os)?;
        let (box_address, ballot_box) = listen(floor, &files, KeepAlive::Disabled)?;
        Ok(FloorServer { address, box_address, handles: [registry, ballot_box] })
    }

    /// Stops them.
    pub async fn stop(self) {
        for handle in self.handles {
            handle.stop(true).await;
        }
    }
}

fn listen(
    floor: &Arc<Floor>,
    files: &web::Data<RawFiles>,
    keep_alive: KeepAlive,
) -> Result<(SocketAddr, ServerHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Error::internal)?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let (shared, files) = (web::Data::from(floor.clone()), files.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(files.clone())
            .service(web::resource("/rows").to(read_file))
            .service(web::resource("/summary").to(read_summary))
            .service(web::resource("/full").to(read_full))
            .service(web::resource("/observations").to(write_value))
            .service(web::resource("/reviews").to(put_review))
    })
    .keep_alive(keep_alive)
    .listen(listener)
    .map_err(Error::internal)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((address, handle))
}

async fn read_summary(floor: web::Data<Floor>) -> Result<HttpResponse> {
    record_reading(&floor).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(floor.samples.summary.clone()))
}

async fn read_full(floor: web::Data<Floor>) -> Result<HttpResponse> {
    record_reading(&floor).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(floor.samples.full.clone()))
}

async fn record_reading(floor: &web::Data<Floor>) -> Result<()> {
    let now = floor.clock.now();
    let shared = floor.clone();
    floor
        .registry
        .0
        .write(move |conn| {
            let place = usize::try_from(shared.sequence.load(Ordering::Relaxed)).unwrap_or(0);
            let judge = shared.judge(place);
            shared.insert_entry(conn, "get_judge_file", ("judge", &judge), &judge, now)
        })
        .await
}

async fn write_value(floor: web::Data<Floor>, _body: web::Bytes) -> Result<HttpResponse> {
    let number = floor.value_number.fetch_add(1, Ordering::Relaxed);
    let now = floor.clock.now();
    let shared = floor.clone();
    floor.registry.0.write(move |conn| shared.insert_value(conn, number, now)).await?;
    let body = floor.samples.observation.clone();
    Ok(HttpResponse::Created().insert_header((LOCATION, "/x")).content_type("application/json").body(body))
}

async fn put_review(floor: web::Data<Floor>, _body: web::Bytes) -> Result<HttpResponse> {
    floor.clone().into_inner().put_review().await?;
    Ok(HttpResponse::Accepted().content_type("application/json").body(floor.samples.receipt.clone()))
}
