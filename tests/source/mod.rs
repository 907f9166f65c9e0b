//! Reads the source as text, for the tests that look after its structure. Comments and texts in quotes are blanked
//! before anything is looked for: a doc comment that names a forbidden module, or a test with a bad sample in a string,
//! is no breach.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file of this repository.
pub struct SourceFile {
    /// Its path from the top of the repository, with `/` on every system.
    pub path: String,
    /// Its text as it stands.
    pub text: String,
}

/// The top of the repository.
pub fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, in the order of their paths; none where there is no such folder.
pub fn rust_files(folder: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(&top().join(folder), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    if !folder.is_dir() {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(top()).unwrap();
            let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            files.push(SourceFile { path: parts.join("/"), text: fs::read_to_string(&path).unwrap() });
        }
    }
}

/// The code of a Rust text: comments and the insides of quotes become blanks, lines keep their numbers.
pub fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_blank(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` itself where none starts.
fn end_of_blank(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => end_of_block_comment(chars, at),
        ['"', ..] => end_of_string(chars, at),
        ['\'', '\\', _, more @ ..] => at + 3 + more.iter().position(|&c| c == '\'').map_or(more.len(), |i| i + 1),
        ['\'', _, '\'', ..] => at + 3,
        ['r', '"' | '#', ..] if at == 0 || !is_name(chars[at - 1]) || is_byte_prefix(chars, at - 1) => {
            end_of_raw_string(chars, at)
        }
        _ => at,
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the character is the `b` or `c` of `br"…"` or `cr"…"` rather than the end of a name.
fn is_byte_prefix(chars: &[char], at: usize) -> bool {
    matches!(chars[at], 'b' | 'c') && (at == 0 || !is_name(chars[at - 1]))
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// A raw name such as `r#type` is no string: `start` comes back.
fn end_of_raw_string(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return start;
    }
    let mut at = open + 1;
    while at < chars.len() {
        if chars[at] == '"' && chars[at + 1..].iter().take_while(|&&c| c == '#').count() >= hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    chars.len()
}

/// Parts a file's code into what ships and what is compiled for tests alone.
pub fn shipped_and_test_code(file: &SourceFile) -> (String, String) {
    const MARK: &str = "#[cfg(test)]";
    let whole = code(&file.text);
    if file.path.starts_with("tests/") || file.path.ends_with("/tests.rs") {
        return (String::new(), whole);
    }
    let (mut shipped, mut tests, mut rest) = (String::new(), String::new(), whole.as_str());
    while let Some(start) = rest.find(MARK) {
        let end = start + end_of_item(&rest[start..]);
        shipped.push_str(&rest[..start]);
        tests.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    shipped.push_str(rest);
    (shipped, tests)
}

/// Where the first item of the code ends: at its semicolon, or at the brace that closes its first one.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return at + 1;
        }
    }
    code.len()
}
