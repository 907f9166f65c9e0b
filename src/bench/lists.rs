//! What a page of a list costs in a large table beside the same page in a small one. What a newcomer would get wrong: to ask
//! for the first page alone, which is warm in any table; pages far down, in two orders, are among those that are asked for.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;

use super::load::Load;
use super::records::Staff;
use super::report::Comparison;
use super::wire::{Extras, Line, request};
use super::{Extent, Options, compare};
use crate::app::{NewStaff, RunningRegistry, ThrowawayStores, add_account, serve_registry};
use crate::clock::Clock;
use crate::credential::encoding::{random, sha256, to_base64url};
use crate::credential::key_source::KeySource;
use crate::db::Conn;
use crate::domain::ids;
use crate::domain::policy::StaffRole;
use crate::error::{Error, Result};
use crate::on;

/// Rows of one statement that fills a table.
const ROWS_PER_STATEMENT: usize = 500;
/// Statements of one commit.
const STATEMENTS_PER_COMMIT: usize = 20;

/// The first day in office of every judge.
const APPOINTED_ON: NaiveDate = match NaiveDate::from_yo_opt(2010, 60) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

diesel::table! {
    judges (id) {
        id -> Text,
        iin_sealed -> Binary,
        iin_hash -> Binary,
        full_name_kk -> Text,
        full_name_ru -> Text,
        first_appointed_on -> Date,
        version -> BigInt,
    }
}

/// A service whose registry holds so many judges.
struct Table {
    registry: RunningRegistry,
    token: String,
    // Dropped last: the stores go with it.
    stores: ThrowawayStores,
}

impl Table {
    async fn of(count: usize, database_url: Option<&str>) -> Result<Table> {
        let stores = ThrowawayStores::create("lists", database_url)?;
        let config = stores.config(&[])?;
        let registry = serve_registry(&config, Clock::System, KeySource::Generate).await?;
        let password: Arc<str> = format!("bench-{}", to_base64url(&random::<15>()?)).into();
        let secretary =
            NewStaff { login: "secretary", role: StaffRole::Secretary, full_name: None, password: &password };
        add_account(&registry.registry, &config, secretary, Clock::System.now()).await?;
        let mut next = 0;
        while next < count {
            let end = count.min(next + ROWS_PER_STATEMENT * STATEMENTS_PER_COMMIT);
            registry
                .registry
                .0
                .write(move |conn| {
                    for first in (next..end).step_by(ROWS_PER_STATEMENT) {
                        insert(conn, first..end.min(first + ROWS_PER_STATEMENT))?;
                    }
                    Ok(())
                })
                .await?;
            next = end;
        }
        let token = Staff::at(registry.address, &password).token("secretary").await?;
        Ok(Table { registry, token, stores })
    }

    /// Pages from the beginning to far down, in the order of arrival and in that of names.
    async fn pages(&self, depth: usize) -> Result<Vec<Vec<u8>>> {
        let mut line = Line::to(self.registry.address);
        let mut pages = Vec::new();
        for sort in ["added", "full_name_ru"] {
            let first = format!("/v1/judges?sort={sort}&limit=50");
            let mut target = first.clone();
            for _ in 0..depth {
                let asked = request("GET", &target, Extras { token: Some(&self.token), ..Extras::default() });
                let page = line.ask(&asked, 200).await?;
                pages.push(asked);
                let Some(cursor) = page.get("next_cursor").and_then(|cursor| cursor.as_str()) else { break };
                target = format!("{first}&cursor={cursor}");
            }
        }
        Ok(pages)
    }

    async fn close(self) {
        self.registry.stop().await;
        drop(self.stores);
    }
}

/// Adds the judges with these numbers, whose names stand in no order that the ids have.
fn insert(conn: &mut Conn, numbers: Range<usize>) -> Result<()> {
    let begin = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let rows = numbers.map(|number| {
        let added_at = begin + TimeDelta::milliseconds(i64::try_from(number).map_err(Error::internal)?);
        let name = number.wrapping_mul(2_654_435_761) % 10_000_019;
        Ok((
            judges::id.eq(ids::new_at(added_at).to_string()),
            judges::iin_sealed.eq(vec![7_u8; 40]),
            judges::iin_hash.eq(sha256(&[&number.to_be_bytes()]).0.to_vec()),
            judges::full_name_kk.eq(format!("Әлімов Асқар Серікұлы {name:08}")),
            judges::full_name_ru.eq(format!("Алимов Аскар Серикович {name:08}")),
            judges::first_appointed_on.eq(APPOINTED_ON),
            judges::version.eq(1_i64),
        ))
    });
    let rows: Vec<_> = rows.collect::<Result<_>>()?;
    on!(conn, |c| { diesel::insert_into(judges::table).values(rows).execute(c) })?;
    Ok(())
}

/// Rounds of pages of the large table and of the small one in turn.
pub(super) async fn pages(
    options: &Options,
    requests: usize,
    connections: usize,
    tell: impl Fn(&str),
) -> Result<Comparison> {
    let (small, large, depth, what) = match options.extent {
        Extent::Whole => (10_000, 1_000_000, 100, "the same pages of 10,000 judges, where the service has 1,000,000"),
        Extent::Quick => (100, 1_000, 2, "the same pages of 100 judges, where the service has 1,000"),
    };
    tell("filling two lists");
    let database_url = options.database_url.as_deref();
    let (small, large) = (Table::of(small, database_url).await?, Table::of(large, database_url).await?);
    tell("list page, large table");
    let load = async |table: &Table| {
        let requests = Arc::new(table.pages(depth).await?);
        Ok::<_, Error>(Load { address: table.registry.address, requests, expected: 200, connections })
    };
    let (of_large, of_small) = (load(&large).await?, load(&small).await?);
    let compared = compare("list page, large", requests, &of_large, vec![(of_small, what)]).await?;
    small.close().await;
    large.close().await;
    Ok(compared)
}
