//! E5: the box as it is deployed, behind nginx with the shipped configuration, by TLS. What the proxy leaves is evidence
//! like all else; with an access log it must be caught.
//!
//! What a newcomer would get wrong: the released client has no switch for tests. It trusts the authority of the tests as it
//! would that of a state's network: by the file that `SSL_CERT_FILE` names, which a process finds when it starts. So
//! this test starts itself again.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use openssl::ssl::{SslConnector, SslMethod};

use crate::controls::tell;
use crate::measured::Measured;
use crate::population::Manner;
use crate::proxy::{Front, Proxy, Trust, nginx};
use crate::runs::{SMALL, Scale, engines, prepared, run_from, run_whole, variable};
use crate::stage::Engine;

const FOLDER: &str = "EJF_PRIVACY_TRUST";
const SEED: u64 = 2028;

#[test]
fn behind_the_shipped_proxy_nothing_is_kept_and_an_access_log_is_caught() {
    let Some(nginx) = nginx() else { return };
    let Some(folder) = variable(FOLDER) else { return again() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        for engine in engines() {
            run_both(&nginx, &engine, Path::new(&folder)).await;
        }
    });
}

/// Runs this test in a process that trusts the authority of the tests.
fn again() {
    let folder = tempfile::Builder::new().prefix("ejf-trust-").tempdir().unwrap();
    let trust = Trust::make(folder.path());
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "proxied::behind_the_shipped_proxy_nothing_is_kept_and_an_access_log_is_caught",
            "--exact",
            "--nocapture",
        ])
        .env("SSL_CERT_FILE", trust.authority())
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

async fn run_both(nginx: &str, engine: &Engine, trust: &Path) {
    let scale = Scale::of_this_run();
    let front = |changed| Front { nginx: nginx.to_owned(), trust: Trust::at(trust), changed };
    let as_shipped = front(Vec::new());
    let logging = front(vec![("access_log off;", "access_log access.log;".to_owned())]);
    let mut measured = Vec::new();
    match engine {
        Engine::Sqlite => {
            let prepared = prepared(SMALL).await;
            for front in [&as_shipped, &logging] {
                measured.push(run_from(&prepared, Manner::Careless, None, Some(front), SEED).await);
            }
        }
        // The proxy does not know the engine; the fast subset has seen it on the other.
        Engine::Postgres { .. } if !scale.is_whole() => return,
        Engine::Postgres { .. } => {
            for front in [&as_shipped, &logging] {
                measured.push(run_whole(engine, SMALL, Manner::Careless, None, Some(front), SEED).await);
            }
        }
    }
    let [clean, logged] = <[Measured; 2]>::try_from(measured).unwrap();
    let faults = tell(&scale, &Measured { run: "behind the proxy".to_owned(), ..clean });
    assert!(faults.is_empty(), "{faults:?}");
    let run = "control 13 access log of the proxy".to_owned();
    let faults = tell(&scale, &Measured { run, is_control: true, ..logged });
    for test in ["counters", "L-7"] {
        assert!(faults.iter().any(|fault| fault.starts_with(test)), "not by {test}: {faults:?}");
    }
}

#[test]
fn a_request_that_does_not_tell_its_length_is_refused_and_never_written() {
    let Some(nginx) = nginx() else { return };
    let folder = tempfile::Builder::new().prefix("ejf-trust-").tempdir().unwrap();
    let trust = Trust::make(folder.path());
    // What stands between two chunks fills any buffer.
    let mut body = Vec::new();
    for _ in 0..200 {
        body.extend(format!("1;{}\r\nx\r\n", "e".repeat(1000)).bytes());
    }
    body.extend(b"0\r\n\r\n");
    let ask = |front: &Front| {
        // Nobody answers behind it: the request gets no further than the proxy.
        let proxy = Proxy::start(front, "http://127.0.0.1:9");
        let folder = proxy.folder.path().join("body");
        let before = written(&folder);
        let answer = chunked(&front.trust, proxy.port, &body);
        (answer, written(&folder) != before)
    };

    let (answer, is_written) =
        ask(&Front { nginx: nginx.clone(), trust: Trust::at(folder.path()), changed: Vec::new() });

    assert!(answer.starts_with("HTTP/1.1 411 ") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(!is_written);
    let changed = vec![("if ($http_transfer_encoding)", "if ($http_nothing)".to_owned())];
    let (answer, is_written) = ask(&Front { nginx, trust, changed });
    assert!(answer.starts_with("HTTP/1.1 502 ") && is_written, "without the line it is written: {answer}");
}

/// When something in a folder last came or went.
fn written(folder: &Path) -> SystemTime {
    std::fs::metadata(folder).unwrap().modified().unwrap()
}

/// Posts a body in chunks, by TLS; the answer.
fn chunked(trust: &Trust, port: u16, body: &[u8]) -> String {
    use std::io::{Read, Write};
    let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
    builder.set_ca_file(trust.authority()).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut stream = builder.build().connect("localhost", stream).unwrap();
    let head = "POST /v1/anon/reviews HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    // A peer that closes without a farewell has still answered.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
