//! The configuration of the proxy in front of the box, in nginx's language (`privacy.md` S-5, S-9).
//!
//! What a newcomer would get wrong: a line that stands in a file need not hold. An inner block overrides an outer one, so
//! each server block and whatever is within it is judged by what is in effect there.

use std::path::Path;

use openssl::x509::X509;

use super::{Check, Fault, Unseen, host_of};

/// What has to be in effect for each server: the directive and its words.
const NEEDED: &[(&str, &[&str])] = &[
    ("access_log", &["off"]),
    ("error_log", &["/dev/null", "crit"]),
    ("server_tokens", &["off"]),
    ("keepalive_timeout", &["0"]),
    ("ssl_session_tickets", &["off"]),
    ("ssl_session_cache", &["off"]),
    ("client_max_body_size", &["64k"]),
    ("client_body_buffer_size", &["64k"]),
    ("proxy_max_temp_file_size", &["0"]),
];

/// What asks whether a request tells its length; the body of one that does not may be written to a file.
const CHUNKED: &str = "($http_transfer_encoding)";

/// Directives that keep something of a request, or hand it to somebody else; `include` hides what it brings.
const FORBIDDEN: &[&str] = &[
    "auth_basic",
    "auth_request",
    "http2",
    "http3",
    "include",
    "limit_conn",
    "limit_conn_zone",
    "limit_req",
    "limit_req_zone",
    "load_module",
    "mirror",
    "post_action",
    "proxy_cache",
    "proxy_cache_path",
    "proxy_store",
    "quic_retry",
    "ssl_verify_client",
    "stub_status",
    "userid",
];

/// Families of directives that run programs within the proxy.
const PROGRAMS: &[&str] = &["js_", "perl", "lua_", "otel_", "opentracing"];

/// Variables that name a caller or an instant.
const TELLING: &[&str] = &[
    "$remote_",
    "$binary_remote_addr",
    "$realip_",
    "$proxy_add_x_forwarded_for",
    "$proxy_protocol_",
    "$ssl_",
    "$cookie_",
    "$geoip",
    "$connection",
    "$request_id",
    "$request_time",
    "$msec",
    "$time_",
];

/// Headers by which a browser would come back by another way, or report to somebody.
const HEADERS: &[&str] = &["alt-svc", "nel", "report-to", "reporting-endpoints", "set-cookie"];

/// A directive with its words, and with those of its block where it has one.
#[derive(Debug)]
struct Directive {
    words: Vec<String>,
    block: Vec<Directive>,
}

/// Examines a configuration that is to serve the host of the box's address and nothing else.
pub fn examine(text: &str, address: &str) -> (Vec<Fault>, Vec<Unseen>) {
    let host = host_of(address);
    let mut pieces = pieces(text).into_iter();
    let directives = read_block(&mut pieces);
    let (mut faults, mut unseen) = (Vec::new(), Vec::new());
    let mut servers = 0;
    for server in servers_with_surroundings(&directives, &[]) {
        servers += 1;
        examine_server(&server, &host, &mut faults, &mut unseen);
    }
    if servers == 0 {
        faults.push(Fault::new(Check::ProxyLine, "server", "-", "server { … }"));
    }
    forbid(&directives, &mut faults);
    faults.dedup();
    (faults, unseen)
}

/// A server block, after it the blocks around it from the inside out.
type Surrounded<'a> = Vec<&'a [Directive]>;

fn servers_with_surroundings<'a>(block: &'a [Directive], around: &[&'a [Directive]]) -> Vec<Surrounded<'a>> {
    let mut around_inner = vec![block];
    around_inner.extend_from_slice(around);
    let mut found = Vec::new();
    for directive in block.iter().filter(|directive| !directive.block.is_empty()) {
        if directive.is("server") {
            let mut surrounded = vec![directive.block.as_slice()];
            surrounded.extend_from_slice(&around_inner);
            found.push(surrounded);
        } else {
            found.extend(servers_with_surroundings(&directive.block, &around_inner));
        }
    }
    found
}

fn examine_server(server: &Surrounded<'_>, host: &str, faults: &mut Vec<Fault>, unseen: &mut Vec<Unseen>) {
    let Some((own, around)) = server.split_first() else { return };
    let missing =
        |name: &str, found: &str, words: &str| Fault::new(Check::ProxyLine, name, found, format!("{name} {words};"));
    for (name, words) in NEEDED {
        let mut within = Vec::new();
        collect(own, name, &mut within);
        let is_direct = own.iter().any(|directive| directive.is(name));
        let inherited = around.iter().find_map(|block| block.iter().find(|directive| directive.is(name)));
        let outer = inherited.filter(|_| !is_direct);
        let wrong = within.iter().copied().chain(outer).find(|directive| !directive.says(words));
        if let Some(wrong) = wrong {
            faults.push(missing(name, &wrong.words.join(" "), &words.join(" ")));
        } else if within.is_empty() && outer.is_none() {
            faults.push(missing(name, "-", &words.join(" ")));
        }
    }
    let mut conditions = Vec::new();
    collect(own, "if", &mut conditions);
    if !conditions.iter().any(|condition| condition.says(&[CHUNKED]) && condition.block.iter().any(Directive::refuses))
    {
        faults.push(Fault::new(Check::ProxyLine, "if", "-", format!("if {CHUNKED} {{ return 411; }}")));
    }
    let mut names = own.iter().filter(|directive| directive.is("server_name"));
    let named = names.next();
    if !named.is_some_and(|named| named.says(&[host])) || names.next().is_some() {
        let found = named.map_or_else(|| "-".to_owned(), |named| named.words.join(" "));
        faults.push(missing("server_name", &found, host));
    }
    let listens: Vec<&Directive> = own.iter().filter(|directive| directive.is("listen")).collect();
    let open = listens.iter().find(|listen| !listen.words.iter().any(|word| word == "ssl"));
    if let Some(open) = open {
        faults.push(missing("listen", &open.words.join(" "), "… ssl"));
    } else if listens.is_empty() {
        faults.push(missing("listen", "-", "… ssl"));
    }
    let mut passes = Vec::new();
    collect(own, "proxy_pass", &mut passes);
    if passes.is_empty() {
        faults.push(missing("proxy_pass", "-", "http://…"));
    }
    let certificate =
        std::iter::once(own).chain(around).find_map(|block| block.iter().find(|d| d.is("ssl_certificate")));
    match certificate.and_then(|directive| directive.words.get(1)) {
        None => faults.push(missing("ssl_certificate", "-", "…")),
        Some(path) => match names_of_certificate(Path::new(path)) {
            None => unseen.push(Unseen::Certificate),
            Some(names) if names == [host.to_owned()] => {}
            Some(names) => faults.push(Fault::new(Check::ProxyCertificate, path, names.join(", "), host)),
        },
    }
}

/// The names that a certificate is for; `None` where it cannot be read here.
fn names_of_certificate(path: &Path) -> Option<Vec<String>> {
    // What is not here, or is for other eyes, is said to be unseen.
    let certificate = X509::from_pem(&std::fs::read(path).ok()?).ok()?;
    let names = certificate.subject_alt_names()?;
    Some(names.iter().map(|name| name.dnsname().unwrap_or("?").to_owned()).collect())
}

/// All directives of a name, in the block and in the blocks within.
fn collect<'a>(block: &'a [Directive], name: &str, found: &mut Vec<&'a Directive>) {
    for directive in block {
        if directive.is(name) {
            found.push(directive);
        }
        collect(&directive.block, name, found);
    }
}

fn forbid(block: &[Directive], faults: &mut Vec<Fault>) {
    for directive in block {
        let name = directive.words.first().map(String::as_str).unwrap_or_default();
        let turned_off = directive.words.get(1).is_some_and(|word| word == "off");
        let speaks = |word: &String| TELLING.iter().any(|telling| word.replace(['{', '}'], "").contains(telling));
        let is_header = name == "add_header"
            && directive.words.get(1).is_some_and(|header| HEADERS.contains(&header.to_ascii_lowercase().as_str()));
        let is_other_protocol =
            name == "listen" && directive.words.iter().any(|word| ["http2", "quic", "spdy"].contains(&word.as_str()));
        let keeps_body = name == "client_body_in_file_only" && !turned_off;
        let is_forbidden = FORBIDDEN.contains(&name) && !turned_off
            || PROGRAMS.iter().any(|family| name.starts_with(family))
            || name.contains("_by_lua")
            || is_header
            || is_other_protocol
            || keeps_body
            || directive.words.iter().any(speaks);
        if is_forbidden {
            faults.push(Fault::new(Check::ProxyForbidden, name, directive.words.join(" "), "-"));
        }
        forbid(&directive.block, faults);
    }
}

impl Directive {
    fn is(&self, name: &str) -> bool {
        self.words.first().is_some_and(|word| word == name)
    }

    fn refuses(&self) -> bool {
        self.says(&["411"]) && self.is("return")
    }

    /// Whether these words, and no others, follow its name.
    fn says(&self, words: &[&str]) -> bool {
        self.words.iter().skip(1).map(String::as_str).eq(words.iter().copied())
    }
}

/// A piece of the text: a word, or one of `;`, `{`, `}`.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Word(String),
    Mark(char),
}

/// Reads directives up to the end of their block.
fn read_block(pieces: &mut impl Iterator<Item = Piece>) -> Vec<Directive> {
    let (mut block, mut words) = (Vec::new(), Vec::new());
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Word(word) => words.push(word),
            Piece::Mark('{') => {
                let inner = read_block(pieces);
                block.push(Directive { words: std::mem::take(&mut words), block: inner });
            }
            Piece::Mark('}') => break,
            Piece::Mark(_) => block.push(Directive { words: std::mem::take(&mut words), block: Vec::new() }),
        }
    }
    block
}

fn pieces(text: &str) -> Vec<Piece> {
    let (mut found, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // `${name}` is a variable within a word, and no block.
        if letter == '$' && letters.peek() == Some(&'{') {
            letters.next();
            is_word = true;
            word.push('$');
            word.extend(letters.by_ref().take_while(|letter| *letter != '}'));
            continue;
        }
        let ends = letter.is_whitespace() || matches!(letter, ';' | '{' | '}');
        if ends || (letter == '#' && !is_word) {
            if std::mem::take(&mut is_word) {
                found.push(Piece::Word(std::mem::take(&mut word)));
            }
            if letter == '#' {
                letters.by_ref().take_while(|letter| *letter != '\n').for_each(drop);
            } else if !letter.is_whitespace() {
                found.push(Piece::Mark(letter));
            }
            continue;
        }
        is_word = true;
        match letter {
            '"' | '\'' if word.is_empty() => word.extend(letters.by_ref().take_while(|inner| *inner != letter)),
            '\\' => word.extend(letters.next()),
            other => word.push(other),
        }
    }
    if is_word {
        found.push(Piece::Word(word));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../deploy/nginx-box.conf");
    const HOST: &str = "https://box.example:8443";

    fn found(text: &str) -> Vec<(Check, String)> {
        examine(text, HOST).0.into_iter().map(|fault| (fault.check, fault.name)).collect()
    }

    #[test]
    fn the_shipped_file_has_no_fault_and_its_certificate_is_not_here() {
        assert_eq!(examine(SHIPPED, HOST), (Vec::new(), vec![Unseen::Certificate]));
        assert_eq!(found(&SHIPPED.replace("\n", "\r\n")), []);
    }

    #[test]
    fn every_needed_line_is_missed_when_it_is_gone_or_says_something_else() {
        for (name, words) in NEEDED {
            let line = format!("{name} {};", words.join(" "));
            assert!(SHIPPED.contains(&line), "{line}");
            let expected = [(Check::ProxyLine, (*name).to_owned())];
            assert_eq!(found(&SHIPPED.replace(&line, "")), expected, "{line}");
            assert_eq!(found(&SHIPPED.replace(&line, &format!("# {line}"))), expected, "{line}");
            assert_eq!(found(&SHIPPED.replace(&line, &format!("{name} 1m;"))), expected, "{line}");
            // An inner block overrides what stands outside.
            let overridden = SHIPPED.replace("location / {", &format!("location / {{ {name} 1m;"));
            assert_eq!(found(&overridden), expected, "{line}");
        }
        for (line, name) in [
            ("server_name box.example;", "server_name"),
            ("ssl_certificate /etc/ejf/box.example.pem;", "ssl_certificate"),
            ("proxy_pass http://127.0.0.1:8081;", "proxy_pass"),
        ] {
            assert_eq!(found(&SHIPPED.replace(line, "")), [(Check::ProxyLine, name.to_owned())]);
        }
        for (line, other) in
            [("return 411;", ""), ("return 411;", "break;"), ("if ($http_transfer_encoding)", "if ($http_dnt)")]
        {
            assert_eq!(found(&SHIPPED.replace(line, other)), [(Check::ProxyLine, "if".to_owned())], "{line}");
        }
        let both = SHIPPED.replace("server_name box.example;", "server_name box.example file.example;");
        assert_eq!(found(&both), [(Check::ProxyLine, "server_name".to_owned())]);
        let open = SHIPPED.replace("listen 443 ssl;", "listen 80;");
        assert_eq!(found(&open), [(Check::ProxyLine, "listen".to_owned())]);
        assert_eq!(found("worker_processes 1;"), [(Check::ProxyLine, "server".to_owned())]);
    }

    #[test]
    fn a_second_server_is_judged_like_the_first() {
        let second = "server { listen 443 ssl; server_name box.example; ssl_certificate /x; access_log /var/log/x; \
                      location / { if ($http_transfer_encoding) { return 411; } proxy_pass http://127.0.0.1:8081; \
                      proxy_max_temp_file_size 0; } }\n}\n";
        let text = format!("{}{second}", SHIPPED.trim_end().strip_suffix('}').unwrap());
        assert_eq!(found(&text), [(Check::ProxyLine, "access_log".to_owned())]);
    }

    #[test]
    fn a_line_that_keeps_or_passes_on_who_sent_when_is_found_wherever_it_stands() {
        for line in [
            "proxy_set_header X-Real-IP $remote_addr;",
            "proxy_set_header X-Real-IP \"${remote_addr}\";",
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
            "proxy_set_header X-Request-Id $request_id;",
            "limit_req zone=box;",
            "mirror /copy;",
            "add_header Alt-Svc 'h3=\":443\"';",
            "include /etc/nginx/snippets/*.conf;",
            "client_body_in_file_only clean;",
            "js_content box.count;",
            "load_module modules/ngx_http_js_module.so;",
            "rewrite_by_lua_file /etc/ejf/count.lua;",
            "header_filter_by_lua_file /etc/ejf/count.lua;",
            "proxy_cache box;",
        ] {
            for place in ["location / {", "server {", "http {"] {
                let text = SHIPPED.replace(place, &format!("{place}\n{line}"));
                let name = line.split(' ').next().unwrap().to_owned();
                assert_eq!(found(&text), [(Check::ProxyForbidden, name)], "{line}");
            }
        }
        for line in ["proxy_cache off;", "http2 off;", "client_body_in_file_only off;"] {
            assert_eq!(found(&SHIPPED.replace("server {", &format!("server {{ {line}"))), [], "{line}");
        }
    }

    #[test]
    fn a_certificate_for_other_names_as_well_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.pem");
        let text = SHIPPED.replace("/etc/ejf/box.example.pem", path.to_str().unwrap());
        std::fs::write(&path, certificate(&["box.example"])).unwrap();
        assert_eq!(examine(&text, HOST), (Vec::new(), Vec::new()));
        std::fs::write(&path, certificate(&["box.example", "file.example"])).unwrap();
        let (faults, _) = examine(&text, HOST);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!((faults[0].check, faults[0].found.as_str()), (Check::ProxyCertificate, "box.example, file.example"));
    }

    /// A certificate of one day for these names, signed by itself.
    fn certificate(names: &[&str]) -> Vec<u8> {
        use openssl::asn1::Asn1Time;
        use openssl::hash::MessageDigest;
        use openssl::pkey::PKey;
        use openssl::x509::X509Builder;
        use openssl::x509::extension::SubjectAlternativeName;
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        let mut own = SubjectAlternativeName::new();
        for name in names {
            own.dns(name);
        }
        let own = own.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(own).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build().to_pem().unwrap()
    }
}
