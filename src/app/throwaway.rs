//! Fresh stores that are gone with the value, and the settings of services that run on them: for the commands that start
//! the app on stores of their own. A newcomer's usual mistake is to point such a command at a service's own database; it
//! gets a folder and, on PostgreSQL, two schemas of its own.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;

use crate::config::Config;
use crate::credential::encoding::random;
use crate::domain::hex::hex;
use crate::error::{Error, Result};

/// The stores of a registry and a ballot box, removed when the value is dropped.
pub struct ThrowawayStores {
    folder: TempDir,
    registry_url: String,
    ballot_url: String,
    /// The PostgreSQL server and the schemas made there.
    schemas: Option<(String, [String; 2])>,
}

impl ThrowawayStores {
    /// Two SQLite files, or two schemas on a PostgreSQL server where one is given; `name` is part of what they are called.
    pub fn create(name: &str, database_url: Option<&str>) -> Result<ThrowawayStores> {
        let folder = tempfile::Builder::new().prefix(&format!("ejf-{name}-")).tempdir().map_err(Error::internal)?;
        let Some(server) = database_url else {
            let file = |name: &str| format!("sqlite://{}", folder.path().join("data").join(name).display());
            let (registry_url, ballot_url) = (file("registry.db"), file("ballot.db"));
            return Ok(ThrowawayStores { folder, registry_url, ballot_url, schemas: None });
        };
        let mark = hex(&random::<6>()?);
        let schemas = ["registry", "ballot"].map(|store| format!("ejf_{name}_{store}_{mark}"));
        let [registry, ballot] = &schemas;
        let mut admin = PgConnection::establish(server).map_err(Error::internal)?;
        admin.batch_execute(&format!("CREATE SCHEMA {registry}; CREATE SCHEMA {ballot}"))?;
        let separator = if server.contains('?') { '&' } else { '?' };
        let scoped = |schema: &str| format!("{server}{separator}options=-csearch_path%3D{schema}");
        let (registry_url, ballot_url) = (scoped(registry), scoped(ballot));
        Ok(ThrowawayStores { folder, registry_url, ballot_url, schemas: Some((server.to_owned(), schemas)) })
    }

    /// Settings of services on these stores, on free ports of this machine; `more` has what differs from the defaults.
    pub fn config(&self, more: &[(&str, &str)]) -> Result<Config> {
        let key = hex(&random::<32>()?);
        let folder = |name: &str| self.folder.path().join(name).display().to_string();
        let (publication_dir, audit_dir, key_dir) = (folder("public"), folder("audit"), folder("keys"));
        let export_dir = folder("exports");
        let own: [(&str, &str); 9] = [
            ("EJF_DATABASE_URL", &self.registry_url),
            ("EJF_BALLOT_DATABASE_URL", &self.ballot_url),
            ("EJF_BIND", "127.0.0.1:0"),
            ("EJF_BALLOT_BIND", "127.0.0.1:0"),
            ("EJF_COLUMN_KEY", &key),
            ("EJF_PUBLICATION_DIR", &publication_dir),
            ("EJF_AUDIT_DIR", &audit_dir),
            ("EJF_EXPORT_DIR", &export_dir),
            ("EJF_KEY_DIR", &key_dir),
        ];
        let settings = || own.iter().chain(more);
        let names: Vec<String> = settings().map(|(name, _)| (*name).to_owned()).collect();
        let lookup = |wanted: &str| settings().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        Config::from_vars(&names, lookup, |_| Err(std::io::ErrorKind::NotFound.into()))
            .map_err(|faults| Error::internal(faults.join("; ")))
    }

    /// Where the stores are, for a reader.
    pub fn places(&self) -> String {
        let folder = self.folder.path().display();
        match &self.schemas {
            None => format!("{folder}"),
            Some((_, [registry, ballot])) => format!("schemas {registry} and {ballot}, and {folder}"),
        }
    }
}

impl Drop for ThrowawayStores {
    fn drop(&mut self) {
        let Some((server, [registry, ballot])) = &self.schemas else { return };
        // A command that failed because the server went away must show that failure, not this one.
        let Ok(mut admin) = PgConnection::establish(server) else { return };
        let _ = admin.batch_execute(&format!("DROP SCHEMA {registry} CASCADE; DROP SCHEMA {ballot} CASCADE"));
    }
}
