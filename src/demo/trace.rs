//! The calls of the demonstration as curl lines that staff can repeat. A newcomer would print the tokens: a line names
//! `$TOKEN` instead, and the first lines say how to get one.

use std::io::Write;

use serde_json::Value;

/// Whether calls are written down, and where the registry is.
#[derive(Debug, Clone, Copy)]
pub enum Trace {
    /// Nothing is written.
    Off,
    /// One line a call, on standard error.
    On,
}

impl Trace {
    /// Says how the lines are used.
    pub(super) fn open(&self, registry: &str, password: &str) {
        self.remark("Every call to the registry, made as the account beside it. To repeat one: log_in that account, then run it.");
        self.line(&format!("REGISTRY={registry}"));
        self.line(&log_in(password));
    }

    /// Writes one call down.
    pub(super) fn call(&self, who: &str, method: &str, path: &str, body: Option<&Value>, key: Option<&str>) {
        self.line(&curl(who, method, path, body, key));
    }

    /// Writes a remark.
    pub(super) fn remark(&self, text: &str) {
        self.line(&format!("# {text}"));
    }

    fn line(&self, line: &str) {
        match self {
            Trace::Off => {}
            // Whoever closed standard error does not want to read it.
            Trace::On => drop(writeln!(std::io::stderr().lock(), "{line}")),
        }
    }
}

/// A shell function that leaves the token of an account in `$TOKEN`.
fn log_in(password: &str) -> String {
    let body = format!("{{\\\"login\\\":\\\"$1\\\",\\\"password\\\":\\\"{password}\\\"}}");
    let post = format!("curl -s \"$REGISTRY/v1/sessions\" -H 'Content-Type: application/json' -d \"{body}\"");
    format!(
        "log_in() {{ TOKEN=$({post} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); }}  # such as: log_in secretary"
    )
}

fn curl(who: &str, method: &str, path: &str, body: Option<&Value>, key: Option<&str>) -> String {
    let mut line = "curl -s".to_owned();
    if method != "GET" {
        line.push_str(&format!(" -X {method}"));
    }
    line.push_str(&format!(" \"$REGISTRY{path}\" -H \"Authorization: Bearer $TOKEN\""));
    if let Some(key) = key {
        line.push_str(&format!(" -H 'Idempotency-Key: {key}'"));
    }
    if let Some(body) = body {
        line.push_str(&format!(" -H 'Content-Type: application/json' -d {}", quoted(&body.to_string())));
    }
    format!("{line}  # as {who}")
}

/// A text as one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_in_is_a_function_of_the_shell() {
        assert_eq!(
            log_in("demo-x"),
            "log_in() { TOKEN=$(curl -s \"$REGISTRY/v1/sessions\" -H 'Content-Type: application/json' \
             -d \"{\\\"login\\\":\\\"$1\\\",\\\"password\\\":\\\"demo-x\\\"}\" \
             | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); }  # such as: log_in secretary"
        );
    }

    #[test]
    fn a_call_becomes_a_line_that_a_shell_can_run() {
        let body = serde_json::json!({"reason": "it's so"});
        let line = curl("secretary", "POST", "/v1/cycles", Some(&body), Some("k1"));
        assert_eq!(
            line,
            "curl -s -X POST \"$REGISTRY/v1/cycles\" -H \"Authorization: Bearer $TOKEN\" -H 'Idempotency-Key: k1' \
             -H 'Content-Type: application/json' -d '{\"reason\":\"it'\\''s so\"}'  # as secretary"
        );
        let get = curl("member", "GET", "/v1/me", None, None);
        assert_eq!(get, "curl -s \"$REGISTRY/v1/me\" -H \"Authorization: Bearer $TOKEN\"  # as member");
    }
}
