//! Counts the statements that a database is asked: what a request costs, measured without a clock. What a newcomer would
//! get wrong: only connections made after [`watch`] are counted, so it comes before the service starts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use ejf::db::Location;

use crate::harness::App;

/// The counters of all databases, by the text that connections are made with.
static COUNTERS: Mutex<BTreeMap<String, Arc<AtomicU64>>> = Mutex::new(BTreeMap::new());

/// The counter of one connection, once it is known where it leads.
struct Counting(Option<Arc<AtomicU64>>);

impl Instrumentation for Counting {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.0 = Some(counter(url)),
            InstrumentationEvent::StartQuery { .. } => {
                if let Some(counter) = &self.0 {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

fn counter(url: &str) -> Arc<AtomicU64> {
    COUNTERS.lock().unwrap().entry(url.to_owned()).or_default().clone()
}

/// Counts what is asked over every connection made from now on.
pub fn watch() {
    set_default_instrumentation(|| Some(Box::new(Counting(None)))).unwrap();
}

/// How many statements the registry of a service was asked.
pub fn count(app: &App) -> u64 {
    let url = match &app.db.registry {
        Location::Sqlite(path) => path.to_str().unwrap(),
        Location::Postgres(url) => url,
    };
    counter(url).load(Ordering::Relaxed)
}
