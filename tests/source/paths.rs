//! Reads from Rust text which paths it names, with `use` trees written out. A newcomer would search for `crate::x` as
//! text and miss `use super::{a, b::c}`.

/// The modules that a file lies in, outermost first: `src/api/courts.rs` is `api`, `courts`.
pub fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_start_matches("src/").trim_end_matches(".rs");
    stem.split('/').filter(|part| *part != "mod").map(String::from).collect()
}

/// Words, `::` and single signs, in their order.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Whether a token is a word.
pub fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Every path that the code names, written out: `use super::{a, b::c}` in `src/api/courts.rs` gives `crate::api::a` and
/// `crate::api::b::c`.
pub fn paths(file: &str, code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let here: Vec<String> = if file == "src/lib.rs" { vec![] } else { module_of(file) };
    let mut found = Vec::new();
    let mut blocks: Vec<Option<&str>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (token, next) = (tokens[at], tokens.get(at + 1).copied().unwrap_or(""));
        let is_visibility = token == "in" && at > 0 && tokens[at - 1] == "(";
        if is_visibility {
            while at < tokens.len() && tokens[at] != ")" {
                at += 1;
            }
        } else if token == "mod" && tokens.get(at + 2) == Some(&"{") {
            blocks.push(Some(next));
            at += 3;
        } else if token == "{" {
            blocks.push(None);
            at += 1;
        } else if token == "}" {
            blocks.pop();
            at += 1;
        } else if is_name(token) && (next == "::" || (matches!(token, "crate" | "super" | "ejf") && next == "as")) {
            let mut start = vec!["crate".to_owned()];
            if matches!(token, "self" | "super") {
                start.extend(here.iter().cloned());
                start.extend(blocks.iter().flatten().map(|&name| name.to_owned()));
            }
            match token {
                // `ejf` is how the binary calls the crate.
                "crate" | "self" | "ejf" => {}
                "super" => drop(start.pop()),
                _ => start = vec![token.to_owned()],
            }
            at = if next == "::" {
                read_tree(&tokens, at + 2, start, &mut found)
            } else {
                push(&mut found, start, at + 1)
            };
        } else {
            at += 1;
        }
    }
    found
}

fn push(found: &mut Vec<Vec<String>>, path: Vec<String>, next: usize) -> usize {
    found.push(path);
    next
}

/// Reads what follows `prefix::`, which may be a group, and tells where it ends.
fn read_tree(tokens: &[&str], mut at: usize, mut prefix: Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    while at < tokens.len() {
        match tokens[at] {
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at] != "}" {
                    at = if is_name(tokens[at]) || tokens[at] == "*" {
                        read_tree(tokens, at, prefix.clone(), found)
                    } else {
                        at + 1
                    };
                }
                return at + 1;
            }
            "self" => return push(found, prefix, at + 1),
            "super" => drop(prefix.pop()),
            name if is_name(name) => prefix.push(name.to_owned()),
            "*" => return push(found, prefix, at + 1),
            // The turbofish of a call.
            _ => return push(found, prefix, at),
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            return push(found, prefix, skip_alias(tokens, at));
        }
        at += 1;
    }
    at
}

/// In `{a as b, c}` the `b` names nothing.
fn skip_alias(tokens: &[&str], at: usize) -> usize {
    if tokens.get(at) == Some(&"as") { at + 2 } else { at }
}
