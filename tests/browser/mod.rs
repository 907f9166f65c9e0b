//! A real browser, Chromium without a window, driven by its own protocol over a pipe: no driver, no other program between.
//!
//! What a newcomer would get wrong: looking at the page's code instead of at the page. Controls are found as a reader finds
//! them, by their labels, and every request that the browser makes is written down by the browser itself.
#![allow(dead_code, reason = "each of the test programs that share it uses a part")]

pub mod steps;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};

const CHROMIUM: &str = "chromium must be installed (Debian: chromium), or EJF_TEST_CHROMIUM name it: the reviewer's pages \
                        are tested in a browser";
/// How long anything on a page may take before the test says what it waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// What every page gets besides its own scripts: how a reader finds things.
const READER: &str = include_str!("reader.js");

/// A browser with a profile of its own; it ends with the value.
pub struct Browser {
    child: Child,
    wire: Arc<Wire>,
    folder: TempDir,
}

/// One tab; it closes with the value, and what was open in it is forgotten.
pub struct Tab {
    wire: Arc<Wire>,
    context: Value,
    session: String,
    frame: String,
    downloads: PathBuf,
    clock: Mutex<Option<String>>,
}

/// A request as the browser made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub url: String,
    pub headers: BTreeSet<String>,
}

/// The pipe, what waits for an answer on it, and what the browser told unasked.
struct Wire {
    into: Mutex<ChildStdin>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    told: Mutex<Vec<Value>>,
    bell: Notify,
    next: AtomicU64,
}

impl Browser {
    /// Starts a browser for which these host names lie at these addresses, such as `127.0.0.1:4711`.
    pub async fn start(hosts: &[(&str, &str)]) -> Browser {
        let folder = TempDir::new().unwrap();
        let rules: Vec<String> =
            hosts.iter().map(|(name, base)| format!("MAP {name} {}", base.trim_start_matches("http://"))).collect();
        let program = std::env::var_os("EJF_TEST_CHROMIUM").unwrap_or_else(|| "chromium".into());
        // The browser reads commands from descriptor 3 and answers on 4; a shell puts the pipes there.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
            .arg(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-extensions", "--disable-dev-shm-usage", "--lang=en"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--host-resolver-rules={}", rules.join(", ")))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(CHROMIUM);
        let wire = Arc::new(Wire {
            into: Mutex::new(child.stdin.take().unwrap()),
            waiting: Mutex::default(),
            told: Mutex::default(),
            bell: Notify::new(),
            next: AtomicU64::new(1),
        });
        let from = BufReader::new(child.stdout.take().unwrap());
        let hearing = wire.clone();
        std::thread::spawn(move || {
            for message in from.split(0) {
                let Ok(message) = message else { break };
                hearing.hear(serde_json::from_slice(&message).unwrap());
            }
        });
        Browser { child, wire, folder }
    }

    /// A new tab in which nothing is open yet.
    pub async fn tab(&self) -> Tab {
        // A context of its own, so that no tab finds what another one left.
        let context = self.wire.ask(None, "Target.createBrowserContext", json!({})).await["browserContextId"].clone();
        let new = json!({"url": "about:blank", "browserContextId": context});
        let target = self.wire.ask(None, "Target.createTarget", new).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.wire.ask(None, "Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().expect(CHROMIUM).to_owned();
        let frame = target["targetId"].as_str().expect(CHROMIUM).to_owned();
        let downloads = self.folder.path().join(&frame);
        fs::create_dir_all(&downloads).unwrap();
        let behaviour =
            json!({"behavior": "allow", "browserContextId": context, "downloadPath": downloads, "eventsEnabled": true});
        self.wire.ask(None, "Browser.setDownloadBehavior", behaviour).await;
        let tab = Tab { wire: self.wire.clone(), context, session, frame, downloads, clock: Mutex::default() };
        for domain in ["Page", "Network", "Runtime", "Log", "DOM"] {
            tab.ask(&format!("{domain}.enable"), json!({})).await;
        }
        tab.ask("Page.setLifecycleEventsEnabled", json!({"enabled": true})).await;
        // Keys go to the page whichever tab the browser takes for the one in front.
        tab.ask("Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
        tab.ask("Page.addScriptToEvaluateOnNewDocument", json!({"source": READER})).await;
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // The browser may have ended before its tabs.
        self.wire.write(None, "Target.disposeBrowserContext", json!({"browserContextId": self.context}));
    }
}

impl Wire {
    fn hear(&self, message: Value) {
        match message["id"].as_u64() {
            Some(id) => {
                if let Some(waiting) = self.waiting.lock().unwrap().remove(&id) {
                    // Whoever asked may have given up.
                    let _ = waiting.send(message);
                }
            }
            None => self.told.lock().unwrap().push(message),
        }
        self.bell.notify_waiters();
    }

    /// Sends a command; where its answer will be, unless the browser has ended.
    fn write(&self, session: Option<&str>, method: &str, params: Value) -> Option<oneshot::Receiver<Value>> {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let (answered, answer) = oneshot::channel();
        self.waiting.lock().ok()?.insert(id, answered);
        let mut command = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.into.lock().ok()?.write_all(&bytes).ok()?;
        Some(answer)
    }

    async fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let answer = self.write(session, method, params).expect(CHROMIUM);
        let answer =
            tokio::time::timeout(2 * PATIENCE, answer).await.unwrap_or_else(|_| panic!("no answer to {method}"));
        let answer = answer.expect(CHROMIUM);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// What `find` finds in all that was told, as soon as it finds something.
    async fn found<T>(&self, what: &str, find: impl Fn(&[Value]) -> Option<T>) -> T {
        let looking = async {
            loop {
                let bell = self.bell.notified();
                tokio::pin!(bell);
                bell.as_mut().enable();
                // The lock ends with the statement: `find` looks at what it is given and at nothing else.
                let found = find(&self.told.lock().unwrap());
                match found {
                    Some(found) => return found,
                    None => bell.await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }
}

impl Tab {
    async fn ask(&self, method: &str, params: Value) -> Value {
        self.wire.ask(Some(&self.session), method, params).await
    }

    /// From the next page on the tab's clock shows this moment, and goes on from it.
    pub async fn set_clock(&self, now: DateTime<Utc>) {
        let source = format!(
            "{{ const Real = Date; const shift = {} - Real.now(); globalThis.Date = class extends Real {{ \
             constructor(...given) {{ super(...(given.length > 0 ? given : [Real.now() + shift])); }} \
             static now() {{ return Real.now() + shift; }} }}; }}",
            now.timestamp_millis()
        );
        let before = self.clock.lock().unwrap().take();
        if let Some(before) = before {
            self.ask("Page.removeScriptToEvaluateOnNewDocument", json!({"identifier": before})).await;
        }
        let added = self.ask("Page.addScriptToEvaluateOnNewDocument", json!({"source": source})).await;
        *self.clock.lock().unwrap() = added["identifier"].as_str().map(str::to_owned);
    }

    /// Runs a script before those of every page from the next one on, as another browser would differ.
    pub async fn add_before(&self, source: &str) {
        self.ask("Page.addScriptToEvaluateOnNewDocument", json!({"source": source})).await;
    }

    /// Keeps a cookie for an address from now on, as whoever serves it could have set one.
    pub async fn keep_cookie(&self, url: &str) {
        let kept = self.ask("Network.setCookie", json!({"url": url, "name": "reader", "value": "one"})).await;
        assert_eq!(kept["success"], true);
    }

    /// Opens an address and waits until it is there.
    pub async fn open(&self, url: &str) {
        let answer = self.ask("Page.navigate", json!({"url": url})).await;
        assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        // This very document and not the one before it, whose end may be told late.
        let is_loaded = |event: &Value| {
            event["method"] == "Page.lifecycleEvent"
                && event["sessionId"] == self.session.as_str()
                && event["params"]["loaderId"] == answer["loaderId"]
                && event["params"]["name"] == "load"
        };
        self.wire.found(url, |told| told.iter().any(is_loaded).then_some(())).await;
        self.wait_for("document.querySelector('h2') !== null").await;
    }

    /// The value of an expression, whatever time it takes.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let params =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let answer = self.ask("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn wait_for(&self, expression: &str) {
        let waiting = format!("reader.until(() => {expression}, {})", PATIENCE.as_millis());
        let found = self.evaluate(&waiting).await;
        assert_eq!(found, true, "waited in vain for {expression}; the page says:\n{}", self.text().await);
    }

    /// Presses the button of this name, once it is there.
    pub async fn press(&self, name: &str) {
        self.wait_for(&format!("reader.button({}) !== undefined", json!(name))).await;
        self.evaluate(&format!("reader.button({}).click()", json!(name))).await;
    }

    /// Presses whichever of two buttons is there.
    pub async fn press_either(&self, one: &str, other: &str) {
        let button = format!("(reader.button({}) ?? reader.button({}))", json!(one), json!(other));
        self.wait_for(&format!("{button} !== undefined")).await;
        self.evaluate(&format!("{button}.click()")).await;
    }

    /// Types into the field of this label.
    pub async fn fill(&self, label: &str, text: &str) {
        self.evaluate(&format!("reader.fill({}, {})", json!(label), json!(text))).await;
    }

    /// Ticks the box, or chooses the answer, of this label.
    pub async fn choose(&self, label: &str) {
        self.evaluate(&format!("reader.control({}).click()", json!(label))).await;
    }

    /// Picks a file for the field of this label.
    pub async fn pick(&self, label: &str, file: &Path) {
        let expression = format!("reader.control({})", json!(label));
        let found = self.ask("Runtime.evaluate", json!({"expression": expression})).await;
        let object = &found["result"]["objectId"];
        self.ask("DOM.setFileInputFiles", json!({"files": [file], "objectId": object})).await;
    }

    /// Waits for the view with this heading.
    pub async fn see(&self, heading: &str) {
        self.wait_for(&format!("document.querySelector('h2')?.textContent.startsWith({})", json!(heading))).await;
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        self.evaluate("document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// The file of this name, once the browser has written it.
    pub async fn downloaded(&self, name: &str) -> PathBuf {
        let begun = |event: &&Value| {
            event["method"] == "Browser.downloadWillBegin"
                && event["params"]["frameId"] == self.frame.as_str()
                && event["params"]["suggestedFilename"] == name
        };
        let guid = self.wire.found(name, |told| Some(told.iter().find(begun)?["params"]["guid"].clone())).await;
        let is_done = |event: &Value| {
            event["method"] == "Browser.downloadProgress"
                && event["params"]["guid"] == guid
                && event["params"]["state"] == "completed"
        };
        self.wire.found(name, |told| told.iter().any(is_done).then_some(())).await;
        self.downloads.join(name)
    }

    /// Presses a key of the keyboard, such as `Tab` or `Enter`.
    pub async fn key(&self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let params = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }});
            self.ask("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Every request that the tab has made over a network, in the browser's own words.
    pub fn asked(&self) -> Vec<Asked> {
        let told = self.wire.told.lock().unwrap();
        let of_tab = told.iter().filter(|event| event["sessionId"] == self.session.as_str());
        of_tab
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| &event["params"]["request"])
            .filter(|request| !request["url"].as_str().is_some_and(|url| url.starts_with("blob:")))
            .map(|request| Asked {
                method: request["method"].as_str().unwrap_or_default().to_owned(),
                url: request["url"].as_str().unwrap_or_default().to_owned(),
                headers: request["headers"].as_object().unwrap().keys().map(|name| name.to_lowercase()).collect(),
            })
            .collect()
    }

    /// The headers that were really sent, of all requests together; what the browser adds by itself is among them.
    pub fn headers_sent(&self) -> BTreeSet<String> {
        let told = self.wire.told.lock().unwrap();
        told.iter()
            .filter(|event| event["method"] == "Network.requestWillBeSentExtraInfo")
            .filter(|event| event["sessionId"] == self.session.as_str())
            .flat_map(|event| event["params"]["headers"].as_object().unwrap().keys().map(|name| name.to_lowercase()))
            .collect()
    }

    /// What the browser complained of, such as a request that the page's policy forbids.
    pub fn complaints(&self) -> Vec<String> {
        let told = self.wire.told.lock().unwrap();
        told.iter()
            .filter(|event| event["method"] == "Log.entryAdded" && event["sessionId"] == self.session.as_str())
            .map(|event| event["params"]["entry"]["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
