//! Real databases for one test: two SQLite files in a temporary folder, or two schemas of a real PostgreSQL when
//! `EJF_TEST_DATABASE_URL` names one. Both are gone when the test ends.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use ejf::db::Location;
use ejf::domain::ids;
use tempfile::TempDir;

pub struct TestDb {
    pub registry: Location,
    pub ballot: Location,
    folder: TempDir,
    schemas: Vec<String>,
}

impl TestDb {
    pub fn create() -> TestDb {
        let folder = tempfile::tempdir().unwrap();
        match server_url() {
            None => TestDb {
                registry: Location::Sqlite(folder.path().join("registry.db")),
                ballot: Location::Sqlite(folder.path().join("ballot.db")),
                folder,
                schemas: Vec::new(),
            },
            Some(url) => {
                let schemas: Vec<String> = ["registry", "ballot"]
                    .iter()
                    .map(|name| format!("test_{name}_{}", ids::random().simple()))
                    .collect();
                let mut admin = PgConnection::establish(&url).unwrap();
                for schema in &schemas {
                    admin.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
                }
                let scoped = |schema: &str| {
                    let separator = if url.contains('?') { '&' } else { '?' };
                    Location::Postgres(format!("{url}{separator}options=-csearch_path%3D{schema}"))
                };
                TestDb { registry: scoped(&schemas[0]), ballot: scoped(&schemas[1]), folder, schemas }
            }
        }
    }

    /// A folder for what the service writes besides.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let Some(url) = server_url().filter(|_| !self.schemas.is_empty()) else { return };
        // A test that failed because the server went away must show that failure, not this one.
        let Ok(mut admin) = PgConnection::establish(&url) else { return };
        for schema in &self.schemas {
            let _ = admin.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the tests' own variable, which the product never reads")]
pub fn server_url() -> Option<String> {
    std::env::var("EJF_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}
