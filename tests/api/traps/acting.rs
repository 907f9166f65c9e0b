//! Whoever asks is who the token says and no other, sends what the document says and no more, by the method that it is.
//! A newcomer's usual mistake is a convenience for support: one header by which staff "see what the judge sees".

use std::collections::BTreeMap;

use ejf::domain::policy::StaffRole;
use reqwest::Method;
use serde_json::{Value, json};

use super::dump;
use super::hidden::answered_names;
use crate::access::{CALLERS, rows};
use crate::harness::{App, Client};
use crate::requests::{Operation, Request, World, body_schema, document, operations, resolve};
use crate::tokens::Good;

/// Headers by which other systems let one act as another.
const DISGUISES: [&str; 16] = [
    "X-User",
    "X-User-Id",
    "X-Remote-User",
    "Remote-User",
    "X-Forwarded-User",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-WebAuth-User",
    "Impersonate-User",
    "X-Impersonate-User",
    "On-Behalf-Of",
    "X-On-Behalf-Of",
    "X-Act-As",
    "Sudo",
    "X-Account-Id",
    "X-Road-UserId",
];

#[tokio::test]
async fn nobody_acts_as_somebody_else() {
    let app = App::start().await;
    let judge = app.judge().await;
    let administrator = app.db_add_account("the-administrator", Some(StaffRole::Administrator), None).await;
    let own = judge.client(&app).await;
    let me = own.get("/v1/me").await.expect(200).body;
    assert_ne!(me["account_id"], json!(administrator));

    for name in DISGUISES {
        for value in [administrator.to_string(), "the-administrator".to_owned(), "administrator".to_owned()] {
            let disguised = own.with_header(name, &value);
            assert_eq!(disguised.get("/v1/me").await.expect(200).body, me, "{name}: {value}");
            disguised.get("/v1/accounts").await.expect_problem(403, "forbidden");
            let nobody = app.anonymous().with_header(name, &value);
            nobody.get("/v1/me").await.expect_problem(401, "unauthenticated");
        }
    }
    for parameter in
        ["as", "act_as", "sudo", "user", "user_id", "account_id", "impersonate", "on_behalf_of", "access_token"]
    {
        own.get(&format!("/v1/me?{parameter}={administrator}")).await.expect_problem(400, "malformed");
    }
    let log_in = json!({"login": judge.login(), "password": crate::harness::PASSWORD, "act_as": "the-administrator"});
    app.anonymous().post("/v1/sessions", log_in).await.expect_problem(400, "malformed");

    let granted = json!({"login": judge.login(), "password": crate::harness::PASSWORD});
    let granted = app.anonymous().post("/v1/sessions", granted).await.expect(201);
    let good = Good::read(&app, granted.body["access_token"].as_str().unwrap()).await;
    // Each of them is signed by the service's own key.
    for (claim, value) in [
        ("sub", json!(administrator)),
        ("act", json!({"sub": administrator})),
        ("may_act", json!({"sub": administrator})),
        ("azp", json!(administrator)),
        ("account_id", json!(administrator)),
        ("staff_role", json!("administrator")),
    ] {
        let token = good.with_claim(claim, value);
        app.anonymous().with_token(&token).get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
}

#[test]
fn no_operation_has_a_word_for_acting_as_somebody_else() {
    let document = document().to_string().to_lowercase();
    for word in ["impersonat", "on_behalf", "act_as", "sudo", "x-user", "x-forwarded-user"] {
        assert!(!document.contains(word), "{word}");
    }
}

/// Whoever gets through to an operation, by the table of access.
fn through(clients: &BTreeMap<&str, Client>, app: &App, operation: &Operation) -> Option<Client> {
    if operation.is_public {
        return Some(app.anonymous());
    }
    let rows = rows();
    let is_through = |(_, letter): &(usize, &str)| !["0", "."].contains(letter);
    let (at, _) = rows[operation.id.as_str()].split(' ').enumerate().find(is_through)?;
    clients.get(CALLERS[at].1).cloned()
}

async fn clients(app: &App, world: &World) -> BTreeMap<&'static str, Client> {
    let mut clients = BTreeMap::new();
    for (role, login) in &world.people {
        clients.insert(*role, app.log_in(login).await);
    }
    clients.extend(world.machines.iter().map(|(scope, client)| (*scope, client.clone())));
    clients
}

/// Sends the body of an operation with one more member, which must be refused as unknown; tells what else happened.
async fn with_member(
    client: &Client,
    request: &Request,
    operation: &Operation,
    name: &str,
    value: &Value,
) -> Option<String> {
    let mut request = request.clone();
    request.body.as_mut().unwrap().as_object_mut().unwrap().insert(name.to_owned(), value.clone());
    let answer = request.send(client).await;
    let is_named = answer.faults().iter().any(|(at, code)| at == &format!("/{name}") && code == "unknown");
    (answer.status != 400 || !is_named)
        .then(|| format!("{} takes {name}: {} {}", operation.id, answer.status, answer.text))
}

/// The operations that take JSON, with the names of what they take.
fn taking_json(document: &Value) -> Vec<(Operation, Vec<String>)> {
    let takes = |operation: Operation| {
        let schema = resolve(document, body_schema(document, &operation)?);
        let names =
            schema["properties"].as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default();
        Some((operation, names))
    };
    operations(document).into_iter().filter_map(takes).collect()
}

#[tokio::test]
async fn a_field_that_only_the_service_sets_is_refused() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let clients = clients(&app, &world).await;
    let of_the_service = [
        "id",
        "version",
        "created_at",
        "state",
        "phase",
        "is_closed",
        "decided_by",
        "staff_role",
        "role",
        "is_admin",
        "cycle_ref",
        "manifest_digest",
        "seed_commitment",
        "confirmed_by",
        "sequence",
        "password_hash",
    ];
    let (mut asked, mut faults) = (0, Vec::new());
    for (operation, taken) in taking_json(&document) {
        let client = through(&clients, &app, &operation).unwrap_or_else(|| panic!("nobody gets to {}", operation.id));
        let request = world.request(&document, &operation);
        let mut names = answered_names(&document, &operation);
        names.extend(of_the_service.map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        for name in names.iter().filter(|name| !taken.contains(name)) {
            asked += 1;
            faults.extend(with_member(&client, &request, &operation, name, &json!("1")).await);
        }
    }
    assert!(asked > 600, "only {asked} were asked");
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn no_mark_and_no_statement_can_be_left_with_the_registry() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let clients = clients(&app, &world).await;
    let canary = "canary-2b77d1";
    let of_a_review = ["marks", "review", "draft", "body", "sig", "epk", "nonce", "receipt", "comment", "pad"];
    let mut faults = Vec::new();
    for (operation, taken) in taking_json(&document) {
        let client = through(&clients, &app, &operation).unwrap_or_else(|| panic!("nobody gets to {}", operation.id));
        let request = world.request(&document, &operation);
        for name in of_a_review {
            if taken.iter().any(|known| known == name) {
                faults.push(format!("{} takes {name}", operation.id));
            }
            let value = json!({"k1": 4, "text": canary});
            faults.extend(with_member(&client, &request, &operation, name, &value).await);
        }
        // A methodology has the statements that a form offers; nothing else has any.
        let is_of_rules = operation.id.ends_with("_methodology");
        if taken.iter().any(|known| known == "statements") != is_of_rules && operation.id != "publish_methodology" {
            faults.push(format!("{} takes statements", operation.id));
        }
        let path = format!("{}?marks={canary}", request.path);
        let answer = client.send(operation.method.clone(), &path, Some(b"{}".to_vec())).await;
        if answer.status < 400 {
            faults.push(format!("{path}: {}", answer.status));
        }
    }
    for path in ["/v1/me/reviews", "/v1/me/drafts", "/v1/me/assignments/x/draft", "/v1/anon/reviews"] {
        for method in [Method::PUT, Method::POST] {
            let answer =
                clients["judge"].send(method, path, Some(json!({"marks": canary}).to_string().into_bytes())).await;
            answer.expect_problem(404, "not_found");
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    for (table, rows) in dump::registry(&app).await {
        assert!(!rows.join("\n").contains(canary), "{table} has kept it");
    }
}

#[tokio::test]
async fn a_method_in_disguise_is_the_method_that_it_is() {
    let app = App::start().await;
    let judge = app.judge().await;
    let own = judge.client(&app).await;
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
        let disguised = own.with_header(name, "DELETE");
        disguised.get("/v1/me/session").await.expect_problem(405, "method_not_allowed");
        disguised.post("/v1/me/session", json!({})).await.expect_problem(405, "method_not_allowed");
        disguised.get("/v1/me").await.expect(200);
        own.with_header(name, "GET").post("/v1/accounts", json!({})).await.expect_problem(400, "malformed");
    }
    own.get("/v1/me?_method=DELETE").await.expect_problem(400, "malformed");
    own.get("/v1/me").await.expect(200);
    for method in ["TRACE", "PROPFIND", "LOCK", "SEARCH", "QUERY", "FOO"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        own.send(method, "/v1/me", None).await.expect_problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn no_answer_opens_itself_to_another_origin() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let administrator = app.staff(StaffRole::Administrator).await;
    for operation in operations(&document) {
        let request = world.request(&document, &operation);
        let path = request.target();
        let foreign = administrator.with_header("Origin", "https://evil.test");
        let foreign = foreign.with_header("Access-Control-Request-Method", operation.method.as_str());
        let answer = foreign.send_unchecked(Method::OPTIONS, &path, None).await;
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        // Public documents are compared by programs of other hosts; they carry no credentials.
        let is_public_document = path.starts_with("/v1/public/");
        let allows = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
        assert!(is_public_document || !allows, "{path}");
        for name in ["server", "x-powered-by", "set-cookie"] {
            assert!(!answer.headers.contains_key(name), "{path}: {name}");
        }
    }
}
