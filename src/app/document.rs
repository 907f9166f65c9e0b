//! The API document: made from the very list of routes that is served, and read at `/openapi.json` and `/docs`.

use std::sync::Arc;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{App, HttpRequest, HttpResponse, web};
use utoipa::Modify;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, Object, SchemaFormat, Type};
use utoipa::openapi::security::{ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme};
use utoipa::openapi::server::{Server, ServerBuilder, ServerVariableBuilder};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Required,
    SecurityRequirement,
};
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::Config as ReaderConfig;

use crate::api;
use crate::auth::Auth;
use crate::ballot;
use crate::clock::Clock;
use crate::config::{Config, Docs};
use crate::db::Registry;
use crate::domain::caller::Scope;
use crate::domain::exports::Format;
use crate::error::{Code, Error, Result};
use crate::problem::responses::declare;

mod events;

/// More bytes than the file of a list ever has.
const FILE_BYTES_MAX: usize = 1 << 30;

/// The document of both listeners, without starting either.
///
/// A path that both serve stands once, with both as its servers; the box's own operations name the box as theirs.
pub fn document() -> OpenApi {
    with_box(registry_document())
}

/// The document of both, made of the registry's part.
fn with_box(mut document: OpenApi) -> OpenApi {
    let (_, of_box) = App::new().into_utoipa_app().configure(ballot::routes).split_for_parts();
    let components = ComponentsBuilder::new().schema_from::<ballot::documents::BallotProblem>().build();
    document.components.get_or_insert_default().schemas.extend(components.schemas);
    for path in of_box.paths.paths.keys() {
        if let Some(shared) = document.paths.paths.get_mut(path) {
            shared.servers = Some(vec![Server::new("/"), box_server()]);
        }
    }
    document.merge(of_box);
    for item in document.paths.paths.values_mut() {
        for operation in item.post.iter_mut().filter(|operation| is_of_box(operation)) {
            operation.servers = Some(vec![box_server()]);
        }
    }
    document
}

/// The registry's part of the document.
pub(super) fn registry_document() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Electronic Judge File")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("document.md")))
        .license(Some(license))
        .build();
    let components = ComponentsBuilder::new()
        .schema_from::<crate::problem::Problem>()
        .schema_from::<crate::problem::FieldProblem>()
        .build();
    let base = OpenApiBuilder::new().info(info).components(Some(components)).build();
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .openapi(base)
        .configure(|cfg| api::public_routes(cfg))
        .service(utoipa_actix_web::scope("/v1").configure(|cfg| api::routes(cfg)))
        .split_for_parts();
    Security.modify(&mut document);
    Completion.modify(&mut document);
    events::describe(&mut document);
    document
}

fn is_of_box(operation: &Operation) -> bool {
    operation.tags.iter().flatten().any(|tag| tag == "ballot")
}

/// The ballot box as a server; where it is, only whoever runs it knows.
fn box_server() -> Server {
    let address =
        ServerVariableBuilder::new().default_value("http://127.0.0.1:8081").description(Some("EJF_BALLOT_PUBLIC_URL"));
    ServerBuilder::new()
        .url("{ballot_public_url}")
        .description(Some("The ballot box: another host, which nobody logs in to."))
        .parameter("ballot_public_url", address)
        .build()
}

/// Every operation needs a person's bearer token but those that say that they need none, or that a machine client's will
/// do.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access token of `POST /v1/sessions`."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let scopes = Scope::ALL.iter().map(|scope| (scope.as_str(), scope_meaning(*scope)));
        let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth2/token", Scopes::from_iter(scopes)));
        let words = "Machine clients. An operation that does not name a scope is closed to them.";
        let oauth2 = OAuth2::with_description([flow], words);
        components.add_security_scheme("oauth2", SecurityScheme::OAuth2(oauth2));
        document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    }
}

/// What a scope stands for, for the reader of the document.
fn scope_meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::FileWrite => {
            "Add courts, judges, posts, observations, reviewed acts and records of the client's own system; read none back."
        }
        Scope::ResultsRead => "Fetch the extracts that were issued to the client.",
        Scope::EventsRead => "Read the events that the client is told, and acknowledge withdrawals.",
        Scope::Scim => "Keep accounts by SCIM; no operation takes it yet.",
    }
}

/// Says what the handlers leave out because it is the same everywhere: the ids in paths, and what a success means.
struct Completion;

impl Modify for Completion {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for operation in operations(item) {
                declare_ids(path, operation);
                declare_files(operation);
                describe_successes(operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// Declares every `{…_id}` of the path as the UUID that it is; other parts of a path are the handler's to declare, and
/// the test of the document asks for them.
fn declare_ids(path: &str, operation: &mut Operation) {
    for part in path.split('/') {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else { continue };
        let parameters = operation.parameters.get_or_insert_default();
        let is_declared = parameters.iter().any(|known| matches!(known, RefOr::T(known) if known.name == name));
        if is_declared || !name.ends_with("_id") {
            continue;
        }
        let schema = Object::builder()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .min_length(Some(36))
            .max_length(Some(36))
            .build();
        let thing = name.trim_end_matches("_id").replace('_', " ");
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(format!("The id of the {thing}.")))
            .schema(Some(schema));
        parameters.push(RefOr::T(parameter.build()));
    }
}

/// A list is a page, or a file of the whole, as `Accept` asks: the handlers declare the page.
fn declare_files(operation: &mut Operation) {
    let Some(RefOr::T(found)) = operation.responses.responses.get_mut("200") else { return };
    let is_list = found.content.values().any(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => schema.ref_location.contains("/PageOf_"),
        RefOr::T(_) | RefOr::Ref(_) => false,
    });
    if !is_list {
        return;
    }
    for format in Format::ALL {
        let file = Object::builder()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .max_length(Some(FILE_BYTES_MAX))
            .build();
        let content = ContentBuilder::new().schema(Some(file)).build();
        found.content.insert(format.media_type().to_owned(), RefOr::T(content));
    }
    let words = "As asked: a page, or by `Accept` the whole list as a file of at most 10,000 rows, with the same rows and \
                 members in the same order; then neither `limit` nor `cursor` is taken.";
    words.clone_into(&mut found.description);
    let text = Object::builder().schema_type(Type::String).max_length(Some(1024)).build();
    let name = HeaderBuilder::new().schema(Some(text)).description(Some("The name of the file, where it is one."));
    found.headers.insert("Content-Disposition".to_owned(), RefOr::T(name.build()));
    operation.responses.responses.extend(declare(&[422]));
}

/// OpenAPI wants words with every answer.
fn describe_successes(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            let meaning = match status.as_str() {
                "201" => "Made; `Location` tells where it is, if it can be asked for.",
                "202" => "Taken on, not done yet; `Location` tells where it stands.",
                "204" => "Done; there is nothing to answer.",
                _ => "As asked.",
            };
            meaning.clone_into(&mut response.description);
        }
    }
}

/// Serves the document and its reader; the reader's files are in the program, no other host is asked.
#[derive(Clone)]
pub(super) struct Reader {
    document: web::Data<Document>,
    reader: web::Data<ReaderConfig<'static>>,
}

/// The document as it is answered.
struct Document(web::Bytes);

impl Reader {
    /// Made once, of the registry's part of the document, and shared by the server's threads.
    pub(super) fn of(registry_part: OpenApi) -> Result<Reader> {
        let text = with_box(registry_part).to_json().map_err(Error::internal)?;
        Ok(Reader {
            document: web::Data::new(Document(text.into())),
            reader: web::Data::new(ReaderConfig::from("/openapi.json")),
        })
    }

    /// Adds the routes.
    pub(super) fn serve(&self, cfg: &mut web::ServiceConfig) {
        cfg.app_data(self.document.clone())
            .app_data(self.reader.clone())
            .service(web::resource("/openapi.json").get(get_document))
            .service(web::resource("/docs").get(get_docs))
            .service(web::resource("/docs/{file:.*}").get(get_docs));
    }
}

async fn get_document(
    request: HttpRequest,
    document: web::Data<Document>,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
) -> Result<HttpResponse> {
    admit(&request, &auth, &registry, &clock, &config).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(document.0.clone()))
}

async fn get_docs(
    request: HttpRequest,
    reader: web::Data<ReaderConfig<'static>>,
    auth: web::Data<Auth>,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    config: web::Data<Config>,
) -> Result<HttpResponse> {
    admit(&request, &auth, &registry, &clock, &config).await?;
    let file = request.match_info().query("file");
    let file = if file.is_empty() { "index.html" } else { file };
    let reader: Arc<ReaderConfig<'static>> = reader.into_inner();
    let found = utoipa_swagger_ui::serve(file, reader).map_err(|error| Error::internal(error.to_string()))?;
    let found = found.ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(found.content_type)
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; \
             base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        ))
        .body(found.bytes.into_owned()))
}

/// Lets in whom the configuration lets in: everybody, or whoever holds a token.
async fn admit(request: &HttpRequest, auth: &Auth, registry: &Registry, clock: &Clock, config: &Config) -> Result<()> {
    match config.docs {
        Docs::Public => Ok(()),
        Docs::SignedIn => {
            let token = crate::auth::bearer_token(request).ok_or(Code::Unauthenticated)?;
            auth.caller(registry, token, clock.now()).await.map(drop)
        }
        Docs::Off => Err(Code::NotFound.into()),
    }
}

/// The document as it is committed: indented JSON with a line end.
pub fn document_text() -> Result<String> {
    let text = document().to_pretty_json().map_err(Error::internal)?;
    Ok(format!("{text}\n"))
}
