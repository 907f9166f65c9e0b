//! What is hidden must not be told from what does not exist: by status, text, header, length, method, condition or work.
//! A newcomer's usual mistake is to compare the status alone; the other ways leak as well.

use ejf::domain::ids;
use ejf::domain::policy::StaffRole;
use reqwest::Method;
use serde_json::{Value, json};

use super::statements;
use crate::access::{CALLERS, rows};
use crate::harness::{Answer, App, Client};
use crate::requests::{Operation, Request, World, document, operations};
use crate::results::Sealed;

/// All that a caller gets of an answer, but for the id of the request and the time of day.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

impl Seen {
    fn of(answer: &Answer) -> Seen {
        let request_id = answer.header("x-request-id");
        let is_kept = |name: &str| !["date", "x-request-id"].contains(&name);
        let headers = answer.headers.iter().filter(|(name, _)| is_kept(name.as_str()));
        let mut headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort_unstable();
        Seen { status: answer.status, headers, text: answer.text.replace(request_id, "-") }
    }
}

/// The same request for things that do not exist.
fn elsewhere(app: &App, request: &Request) -> Request {
    let is_id = |part: &&str| part.len() == 36 && part.contains('-');
    let parts = request.path.split('/').map(|part| match is_id(&part) {
        true => ids::new_at(app.clock.now()).to_string(),
        false => part.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    assert_ne!(path, request.path);
    Request { path, ..request.clone() }
}

/// The least number of statements that the two requests were seen to cost. What the service does by itself every minute adds
/// to what is seen, and never takes from it; so a difference counts once it has outlasted that.
async fn work(app: &App, client: &Client, [hidden, absent]: [&Request; 2]) -> (u64, u64) {
    let (mut of_hidden, mut of_absent) = (u64::MAX, u64::MAX);
    for round in 1..=20 {
        of_hidden = of_hidden.min(cost(app, client, hidden).await);
        of_absent = of_absent.min(cost(app, client, absent).await);
        if round >= 2 && of_hidden == of_absent {
            break;
        }
    }
    (of_hidden, of_absent)
}

async fn cost(app: &App, client: &Client, request: &Request) -> u64 {
    let before = statements::count(app);
    request.send(client).await;
    statements::count(app) - before
}

/// What tells a thing that is hidden from one that is absent; empty where nothing does.
async fn differences(app: &App, client: &Client, hidden: &Request) -> Vec<String> {
    let absent = elsewhere(app, hidden);
    let mut found = Vec::new();
    let mut compare = |way: &str, hidden: &Answer, absent: &Answer| {
        let (hidden, absent) = (Seen::of(hidden), Seen::of(absent));
        if hidden != absent {
            found.push(format!("{way}: hidden {hidden:?}\nabsent {absent:?}"));
        }
        if hidden.headers.iter().any(|(name, _)| ["etag", "location", "link", "last-modified"].contains(&name.as_str()))
        {
            found.push(format!("{way}: a refusal carries {:?}", hidden.headers));
        }
    };
    compare("as it is", &hidden.send(client).await, &absent.send(client).await);
    // A HEAD asks about the reading at this path, whose own turn comes.
    let methods =
        if hidden.method == Method::GET { vec![Method::HEAD, Method::OPTIONS] } else { vec![Method::OPTIONS] };
    for method in methods {
        let hidden = client.send_unchecked(method.clone(), &hidden.target(), None).await;
        let absent = client.send_unchecked(method.clone(), &absent.target(), None).await;
        compare(method.as_str(), &hidden, &absent);
    }
    for (name, value) in
        [("If-None-Match", "\"1\""), ("If-None-Match", "*"), ("Range", "bytes=0-0"), ("If-Match", "\"7\"")]
    {
        let with = |request: &Request| {
            let mut request = request.clone();
            request.headers.retain(|(known, _)| known != name);
            request.headers.push((name.to_owned(), value.to_owned()));
            request
        };
        compare(name, &with(hidden).send(client).await, &with(&absent).send(client).await);
    }
    let costs = work(app, client, [hidden, &absent]).await;
    if costs.0 != costs.1 {
        found.push(format!("{} statements for what is hidden, {} for what is absent", costs.0, costs.1));
    }
    found
}

#[tokio::test]
async fn what_is_hidden_looks_and_costs_like_what_does_not_exist() {
    statements::watch();
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let rows = rows();
    let (mut compared, mut faults) = (0, Vec::new());
    for (at, (_, role)) in CALLERS.into_iter().enumerate() {
        let client = match world.people.iter().find(|(known, _)| *known == role) {
            Some((_, login)) => app.log_in(login).await,
            None => world.machines[role].clone(),
        };
        // The log-in is looked up once and then believed for a while.
        client.get("/v1/nothing-here").await;
        for operation in operations(&document).iter().filter(|operation| operation.path.contains("_id}")) {
            let letter = rows[operation.id.as_str()].split(' ').nth(at);
            if matches!(letter, Some("0" | ".")) {
                let request = world.request(&document, operation);
                let told = differences(&app, &client, &request).await;
                faults.extend(told.iter().map(|told| format!("{} as {role}, {told}", operation.id)));
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "only {compared} were compared");
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}

#[tokio::test]
async fn a_result_a_draw_and_a_job_are_hidden_as_if_there_were_none() {
    statements::watch();
    let sealed = Sealed::computed().await;
    let (app, plan) = (&sealed.app, &sealed.round.plan);
    let job = plan.work(app, "/results", "again").await;
    let evaluation = app.secretary().await.get(&format!("/v1/evaluations/{}", sealed.evaluations[0])).await.expect(200);
    let subject = plan.judges().find(|judge| evaluation.body["judge_id"] == json!(judge.id)).unwrap();
    let other = plan.judges().find(|judge| judge.id != subject.id).unwrap();
    let mut callers = vec![("subject", subject.client(app).await), ("other judge", other.client(app).await)];
    for role in [StaffRole::Administrator, StaffRole::Member, StaffRole::AppealMember] {
        callers.push((role.as_str(), app.staff(role).await));
    }
    callers.push(("machine", app.machine("hr", &[ejf::domain::caller::Scope::ResultsRead]).await));
    let result = sealed.result_path(0);
    let figure = format!("{result}/figure");
    let paths = [result, figure, plan.path("/draw-record"), format!("/v1/jobs/{}", job["id"].as_str().unwrap())];
    let mut faults = Vec::new();
    for (who, client) in &callers {
        client.get("/v1/nothing-here").await;
        for path in &paths {
            let request = Request {
                method: Method::GET,
                path: path.clone(),
                query: String::new(),
                headers: Vec::new(),
                body: None,
                is_real: true,
            };
            let status = request.send(client).await.status;
            assert!(matches!(status, 403 | 404), "{path} as {who}: {status}");
            let told = differences(app, client, &request).await;
            faults.extend(told.iter().map(|told| format!("{path} as {who}, {told}")));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}

/// Names that a caller would try in a query.
const PROBES: [&str; 24] = [
    "sort",
    "order",
    "order_by",
    "filter",
    "fields",
    "include",
    "expand",
    "embed",
    "q",
    "search",
    "where",
    "offset",
    "page",
    "per_page",
    "count",
    "group_by",
    "mark",
    "n",
    "score",
    "rank",
    "reviewer_id",
    "subject_id",
    "panel",
    "format",
];

/// Every name of a member anywhere below a schema.
fn member_names(document: &Value, schema: &Value, depth: usize, names: &mut Vec<String>) {
    let schema = crate::requests::resolve(document, schema);
    if depth == 0 {
        return;
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        names.push(name.clone());
        member_names(document, member, depth - 1, names);
    }
    member_names_of_parts(document, schema, depth, names);
}

fn member_names_of_parts(document: &Value, schema: &Value, depth: usize, names: &mut Vec<String>) {
    if schema["items"].is_object() {
        member_names(document, &schema["items"], depth - 1, names);
    }
    for parts in ["oneOf", "anyOf", "allOf"] {
        for part in schema[parts].as_array().into_iter().flatten() {
            member_names(document, part, depth - 1, names);
        }
    }
}

/// The names of all members of what an operation answers with when it goes well.
pub fn answered_names(document: &Value, operation: &Operation) -> Vec<String> {
    let mut names = Vec::new();
    let good = operation.item["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
    for (_, response) in good {
        for content in response["content"].as_object().into_iter().flatten().map(|(_, content)| content) {
            member_names(document, &content["schema"], 6, &mut names);
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[tokio::test]
async fn nothing_can_be_searched_filtered_or_sorted_by_but_what_the_document_names() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let document = document();
    let rows = rows();
    let (mut asked, mut faults) = (0, Vec::new());
    let mut clients = std::collections::BTreeMap::new();
    for (role, login) in &world.people {
        clients.insert(*role, app.log_in(login).await);
    }
    for operation in operations(&document).iter().filter(|operation| operation.method == Method::GET) {
        let is_through = |(_, letter): &(usize, &str)| !["0", "."].contains(letter);
        let caller = match operation.is_public {
            true => app.anonymous(),
            // Where nobody gets through yet, whoever will is still refused by the query first.
            false => {
                let at = rows[operation.id.as_str()].split(' ').enumerate().find(is_through).map_or(4, |(at, _)| at);
                clients[CALLERS[at].1].clone()
            }
        };
        let parameters = operation.item["parameters"].to_string();
        let mut names: Vec<String> = PROBES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(answered_names(&document, operation));
        for name in names.iter().filter(|name| !parameters.contains(&format!("\"name\":\"{name}\""))) {
            let request = Request { query: format!("{name}=1"), ..world.request(&document, operation) };
            let answer = request.send(&caller).await;
            asked += 1;
            if answer.status != 400 || answer.faults() != [(name.clone(), "unknown".to_owned())] {
                faults.push(format!("{}?{name}=1: {} {}", request.path, answer.status, answer.text));
            }
        }
    }
    assert!(asked > 1_000, "only {asked} were asked");
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// The words of a closed list, wherever in a schema they stand.
fn words(document: &Value, schema: &Value) -> Vec<String> {
    let schema = crate::requests::resolve(document, schema);
    let own = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let parts =
        ["oneOf", "anyOf", "allOf"].into_iter().flat_map(|parts| schema[parts].as_array().into_iter().flatten());
    own.chain(parts.flat_map(|part| words(document, part))).collect()
}

#[tokio::test]
async fn a_list_is_never_counted_or_ordered_by_what_the_caller_may_not_see() {
    let document = document();
    let mut faults = Vec::new();
    for operation in operations(&document).iter().filter(|operation| operation.id.starts_with("list_")) {
        let names = answered_names(&document, operation);
        for name in names.iter().filter(|name| ["total", "total_count", "rank", "position"].contains(&name.as_str())) {
            faults.push(format!("{} answers with {name}", operation.id));
        }
        for parameter in operation.item["parameters"].as_array().into_iter().flatten() {
            let parameter = crate::requests::resolve(&document, parameter);
            if !["sort", "order", "order_by"].contains(&parameter["name"].as_str().unwrap_or_default()) {
                continue;
            }
            let orders = words(&document, &parameter["schema"]);
            if orders.is_empty() {
                faults.push(format!("{} can be ordered: by what, and who sees that?", operation.id));
            }
            // What everybody who lists it sees of each row may be its order, and that in which rows were added.
            let hidden = orders.iter().filter(|order| *order != "added" && !names.contains(order));
            faults
                .extend(hidden.map(|order| format!("{} can be ordered by {order}, which is not shown", operation.id)));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
