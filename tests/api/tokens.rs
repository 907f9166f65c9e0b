//! Tokens that are almost good, of people and of machines. Each is refused exactly as a missing one; a newcomer's usual
//! mistake is to forge with a foreign key alone: most of these are signed by the service's own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ejf::cipher::Use;
use ejf::domain::caller::Scope;
use ejf::domain::policy::StaffRole;
use ejf::store;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::harness::{App, PASSWORD};

/// The parts of a good token, the key that it was signed with, and a request that it is good for.
pub struct Good {
    header: Value,
    claims: Value,
    key: PKey<Private>,
    public_key: Vec<u8>,
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

impl Good {
    pub async fn read(app: &App, token: &str) -> Good {
        let parts: Vec<&str> = token.split('.').collect();
        let since = app.clock.now().naive_utc();
        let rows = app.registry().0.read(move |conn| store::keys::list_since(conn, since)).await.unwrap();
        let row = rows.last().unwrap();
        let der = app.cipher().open(Use::TokenKey, row.id.as_bytes(), &row.wrapped_private_key).unwrap().unwrap();
        let key = PKey::private_key_from_der(&der).unwrap();
        Good { header: decode(parts[0]), claims: decode(parts[1]), key, public_key: row.public_key.clone() }
    }

    fn sign(&self, header: &Value, claims: &Value, key: &PKey<Private>) -> String {
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = Signer::new_without_digest(key).unwrap().sign_oneshot_to_vec(text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.sign(&header, &self.claims, &self.key)
    }

    pub fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.sign(&self.header, &claims, &self.key)
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().unwrap().remove(name).unwrap();
        self.sign(&self.header, &claims, &self.key)
    }

    fn hs256(&self, secret: &[u8]) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!("HS256");
        let text = format!("{}.{}", encode(&header), encode(&self.claims));
        let key = PKey::hmac(secret).unwrap();
        let mut signer = Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn unsigned(&self) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!("none");
        format!("{}.{}.", encode(&header), encode(&self.claims))
    }

    /// Everything that must not get in, by name.
    fn forgeries(&self) -> Vec<(String, String)> {
        let foreign = PKey::generate_ed25519().unwrap();
        let x = URL_SAFE_NO_PAD.encode(foreign.raw_public_key().unwrap());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        let mut with_jwk = self.header.clone();
        with_jwk["jwk"] = jwk;
        let pem = self.key.public_key_to_pem().unwrap();
        let mut cases = vec![
            ("alg none".to_owned(), self.unsigned()),
            ("HS256 with the public key".to_owned(), self.hs256(&self.public_key)),
            ("HS256 with the public key as PEM".to_owned(), self.hs256(&pem)),
            ("a foreign key".to_owned(), self.sign(&self.header, &self.claims, &foreign)),
            ("a foreign key in the header".to_owned(), self.sign(&with_jwk, &self.claims, &foreign)),
            ("typ JWT".to_owned(), self.with_header("typ", json!("JWT"))),
            ("crit".to_owned(), self.with_header("crit", json!(["exp"]))),
            ("another alg over the same signature".to_owned(), self.with_header("alg", json!("ES256"))),
            ("another aud".to_owned(), self.with_claim("aud", json!("other"))),
            ("another iss".to_owned(), self.with_claim("iss", json!("http://other.test"))),
            ("expired".to_owned(), self.with_claim("exp", json!(self.claims["iat"].as_i64().unwrap() - 5))),
            ("not begun".to_owned(), self.with_claim("nbf", json!(self.claims["iat"].as_i64().unwrap() + 6))),
            ("an unknown claim".to_owned(), self.with_claim("staff_role", json!("administrator"))),
            ("another subject".to_owned(), self.with_claim("sub", json!(ejf::domain::ids::random()))),
        ];
        for kid in ["x", "", "../../dev/null", "' OR '1'='1", "https://other.test/key"] {
            cases.push((format!("kid {kid:?}"), self.with_header("kid", json!(kid))));
        }
        for name in self.claims.as_object().unwrap().keys() {
            cases.push((format!("without {name}"), self.without_claim(name)));
        }
        cases
    }
}

async fn person_token(app: &App) -> String {
    app.db_add_account("aigul", Some(StaffRole::Secretary), None).await;
    let body = json!({"login": "aigul", "password": PASSWORD});
    let granted = app.anonymous().post("/v1/sessions", body).await.expect(201);
    granted.body["access_token"].as_str().unwrap().to_owned()
}

async fn machine_token(app: &App) -> String {
    let (id, secret) = app.db_add_client("toerelik", &[Scope::FileWrite]).await;
    let granted = app.token_request(&id, &secret, "").await.expect(200);
    granted.body["access_token"].as_str().unwrap().to_owned()
}

/// The status that an empty body gets at an operation that both may call: 400 once they are in.
async fn status(app: &App, token: &str) -> u16 {
    app.anonymous().with_token(token).post("/v1/courts", json!({})).await.status
}

#[tokio::test]
async fn an_almost_good_token_of_a_person_or_a_machine_is_none() {
    let app = App::start().await;
    for token in [person_token(&app).await, machine_token(&app).await] {
        let good = Good::read(&app, &token).await;
        // The key of the test is the service's: unchanged parts get in.
        assert_eq!(status(&app, &good.sign(&good.header, &good.claims, &good.key)).await, 400);
        for (name, forged) in good.forgeries() {
            assert_eq!(status(&app, &forged).await, 401, "{name}: {}", good.claims);
        }
    }
}

#[tokio::test]
async fn a_key_that_a_header_points_to_is_never_fetched_or_believed() {
    let app = App::start().await;
    for token in [person_token(&app).await, machine_token(&app).await] {
        let good = Good::read(&app, &token).await;
        // Known header members that a good signature covers change nothing: they are not looked at.
        for (name, value) in [("jku", "https://other.test/keys"), ("x5u", "https://other.test/chain")] {
            assert_eq!(status(&app, &good.with_header(name, json!(value))).await, 400, "{name}");
        }
    }
}

#[tokio::test]
async fn neither_kind_of_token_can_be_made_to_look_like_the_other() {
    let app = App::start().await;
    let person = Good::read(&app, &person_token(&app).await).await;
    let machine = Good::read(&app, &machine_token(&app).await).await;

    for forged in [
        person.with_claim("client_id", machine.claims["client_id"].clone()),
        person.with_claim("scope", json!("file:write")),
        machine.with_claim("sid", person.claims["sid"].clone()),
        machine.with_claim("client_id", person.claims["sub"].clone()),
        machine.with_claim("sub", person.claims["sub"].clone()),
    ] {
        assert_eq!(status(&app, &forged).await, 401, "{forged}");
    }
    let both = json!({
        "iss": machine.claims["iss"], "aud": machine.claims["aud"], "jti": machine.claims["jti"],
        "iat": machine.claims["iat"], "nbf": machine.claims["nbf"], "exp": machine.claims["exp"],
        "sub": person.claims["sub"], "client_id": person.claims["sub"], "scope": "file:write",
    });
    // An account is no client, though its id has the same form.
    assert_eq!(status(&app, &machine.sign(&machine.header, &both, &machine.key)).await, 401);
}

#[tokio::test]
async fn a_scope_that_the_client_never_had_opens_nothing_though_the_token_names_it() {
    let app = App::start().await;
    let (id, secret) = app.db_add_client("toerelik", &[Scope::EventsRead]).await;
    let granted = app.token_request(&id, &secret, "").await.expect(200);
    let good = Good::read(&app, granted.body["access_token"].as_str().unwrap()).await;

    let court = json!({
        "name_kk": "Алмалы аудандық соты", "name_ru": "Алмалинский районный суд", "level": "district",
        "region": "almaty_city", "posts": 24, "external_id": {"source_system": "toerelik", "value": "1"},
    });
    let machine = app.anonymous().with_token(&good.with_claim("scope", json!("file:write events:read")));
    machine.post("/v1/courts", court).await.expect_problem(403, "forbidden");
}
