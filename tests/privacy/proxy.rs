//! nginx in front of the box, run with the configuration that is shipped; only its placeholders (name, certificate,
//! ports, paths) are ours. Behind it stands a recorder, which sees of the box what the proxy sees.
//!
//! What a newcomer would get wrong: a proxy that is told to keep nothing still has a folder, a process and an output. What
//! lies there counts, and not what the file says.

use std::fs::{File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::analysis::sizes::Sizes;
use crate::caller::{Passed, Recorder};
use crate::evidence::{RawFile, files_of_proxy};
use crate::runs::variable;

const SHIPPED: &str = include_str!("../../deploy/nginx-box.conf");

/// nginx, where `scripts/with-nginx` has found one.
pub fn nginx() -> Option<String> {
    variable("EJF_PRIVACY_NGINX")
}

/// A certificate for `localhost` and the authority that vouches for it, in files.
pub struct Trust {
    folder: PathBuf,
}

impl Trust {
    /// Where the files of another process are.
    pub fn at(folder: &Path) -> Trust {
        Trust { folder: folder.to_owned() }
    }

    /// Makes both, for a day.
    pub fn make(folder: &Path) -> Trust {
        let trust = Trust::at(folder);
        let (authority_key, key) = (ec_key(), ec_key());
        let authority = certificate("An authority of tests", "An authority of tests", &authority_key, |builder| {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
            builder.sign(&authority_key, MessageDigest::sha256()).unwrap();
        });
        let own = certificate("localhost", "An authority of tests", &key, |builder| {
            let mut names = SubjectAlternativeName::new();
            let names = names.dns("localhost").build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
            builder.sign(&authority_key, MessageDigest::sha256()).unwrap();
        });
        std::fs::write(trust.authority(), authority.to_pem().unwrap()).unwrap();
        std::fs::write(trust.certificate(), own.to_pem().unwrap()).unwrap();
        std::fs::write(trust.key(), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        trust
    }

    /// What a client has to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("box.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("box.key")
    }
}

fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn certificate(name: &str, issuer: &str, key: &PKey<Private>, finish: impl FnOnce(&mut X509Builder)) -> X509 {
    let called = |name: &str| {
        let mut builder = X509Name::builder().unwrap();
        builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
        builder.build()
    };
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&called(name)).unwrap();
    builder.set_issuer_name(&called(issuer)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    finish(&mut builder);
    builder.build()
}

/// What is to stand before a box.
pub struct Front {
    pub nginx: String,
    pub trust: Trust,
    /// Lines of the shipped file that are changed, each with what takes its place; none where it is run as shipped.
    pub changed: Vec<(&'static str, String)>,
}

/// A running nginx.
pub struct Proxy {
    /// Where it listens, by TLS.
    pub base: String,
    pub port: u16,
    pub folder: TempDir,
    child: Child,
    recorder: Recorder,
}

impl Proxy {
    /// Starts nginx in front of a box, and waits until it listens.
    pub fn start(front: &Front, ballot: &str) -> Proxy {
        let folder = tempfile::Builder::new().prefix("ejf-nginx-").tempdir().unwrap();
        // Started by root it works as somebody else, who must not be kept from leaving something here.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let recorder = Recorder::before(ballot);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = folder.path().join("nginx-box.conf");
        std::fs::write(&file, configuration(front, folder.path(), port, &recorder.base)).unwrap();
        let output = |name: &str| File::create(folder.path().join(name)).unwrap();
        let mut child = Command::new(&front.nginx)
            .args(["-e", "/dev/null", "-g", "daemon off;", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                let said = std::fs::read_to_string(folder.path().join("stderr")).unwrap();
                panic!("nginx ended ({status}): {said}");
            }
            std::thread::yield_now();
        }
        Proxy { base: format!("https://localhost:{port}"), port, folder, child, recorder }
    }

    /// Ends it: what is left of it, and what passed between it and the box.
    pub fn stop(mut self) -> (Vec<RawFile>, Vec<Passed>) {
        // Its number is gone when it ends; what it held back it writes then.
        let mut files = files_of_proxy(self.folder.path());
        files.retain(|file| file.name.ends_with("/pid"));
        self.end();
        files.extend(files_of_proxy(self.folder.path()));
        (files, self.recorder.passed())
    }

    fn end(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // One that is gone already needs no signal.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.end();
        }
    }
}

/// The shipped file with our own in place of each placeholder.
fn configuration(front: &Front, folder: &Path, port: u16, target: &str) -> String {
    let own = |path: PathBuf| path.display().to_string();
    let has_second = TcpListener::bind("[::1]:0").is_ok();
    let second = if has_second { format!("listen [::1]:{port} ssl;") } else { String::new() };
    let placeholders = [
        ("/run/nginx-box.pid", own(folder.join("pid"))),
        ("/run/nginx-box-body", own(folder.join("body"))),
        ("listen 443 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
        ("listen [::]:443 ssl;", second),
        ("server_name box.example;", "server_name localhost;".to_owned()),
        ("/etc/ejf/box.example.pem", own(front.trust.certificate())),
        ("/etc/ejf/box.example.key", own(front.trust.key())),
        ("http://127.0.0.1:8081", target.to_owned()),
    ];
    let mut text = SHIPPED.to_owned();
    for (placeholder, ours) in placeholders.iter().chain(&front.changed) {
        assert_eq!(text.matches(placeholder).count(), 1, "{placeholder}");
        text = text.replace(placeholder, ours);
    }
    text
}

/// What there was of the proxy of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proxied {
    /// Its files and folders, and the bytes in them.
    pub places: usize,
    pub bytes: usize,
    pub sizes: Sizes,
}
