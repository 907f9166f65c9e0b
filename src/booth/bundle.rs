//! The scripts of a page as one text: each module of `assets/booth` in its place, with its imports from those before it.
//!
//! What a newcomer would get wrong: a bundler. The modules are plain files with plain imports, so putting them together
//! is a matter of a few lines, and whoever audits a page reads the very source, comments included.

use super::Side;
use crate::error::{Error, Result};

/// A module by its file's name without ending, and its source.
type Module = (&'static str, &'static str);

macro_rules! modules {
    ($($folder:literal / $name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../assets/booth/", $folder, "/", $name, ".mjs")))),*]
    };
}

/// What both pages are made of, each module after those that it imports.
const SHARED: &[Module] = modules![
    "protocol" / "bytes",
    "protocol" / "signed_json",
    "protocol" / "documents",
    "protocol" / "ed25519",
    "protocol" / "note",
    "protocol" / "blind_rsa",
    "protocol" / "tree",
    "client" / "failure",
    "client" / "shape",
    "client" / "line",
    "client" / "manifest",
    "client" / "ledger",
    "client" / "pinned",
    "client" / "generation",
    "client" / "card",
    "client" / "draft",
    "page" / "words",
    "page" / "dom",
    "page" / "file",
    "page" / "frame",
];

const OF_REGISTRY: &[Module] = modules!["client" / "packs", "client" / "collect", "page" / "collecting"];

const OF_BOX: &[Module] = modules![
    "client" / "review",
    "client" / "sealed",
    "page" / "opened",
    "page" / "form",
    "page" / "sending",
    "page" / "ending",
    "page" / "reviewing",
];

/// The modules of a side, one after the other, each a function of its own so that equal names do not meet.
pub(super) fn bundled(side: Side) -> Result<String> {
    let own = match side {
        Side::Registry => OF_REGISTRY,
        Side::Box => OF_BOX,
    };
    let mut script = String::new();
    let mut known = Vec::new();
    for (name, source) in SHARED.iter().chain(own) {
        script.push_str(&wrapped(name, source, &known)?);
        known.push(*name);
    }
    Ok(script)
}

/// A module as the value of a function: its imports become names of earlier values, its exports what it gives.
fn wrapped(name: &str, source: &str, known: &[&str]) -> Result<String> {
    let mut body = String::with_capacity(source.len());
    let mut exports = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("import ") {
            let mut statement = line.to_owned();
            while !statement.ends_with(';') {
                statement.push_str(lines.next().ok_or_else(|| unfit(name))?);
            }
            body.push_str(&imported(&statement, known).ok_or_else(|| unfit(name))?);
        } else if let Some(exported) = line.strip_prefix("export ") {
            exports.push(declared(exported).ok_or_else(|| unfit(name))?);
            body.push_str(exported);
        } else {
            body.push_str(line);
        }
        body.push('\n');
    }
    Ok(format!("const ${name} = (() => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", ")))
}

/// `import { a, b as c } from '../folder/module.mjs';` as `const { a, b: c } = $module;`.
fn imported(statement: &str, known: &[&str]) -> Option<String> {
    let (names, path) = statement.strip_prefix("import ")?.strip_suffix("';")?.split_once(" from '")?;
    let module = path.rsplit('/').next()?.strip_suffix(".mjs")?;
    known.contains(&module).then(|| format!("const {} = ${module};", names.replace(" as ", ": ")))
}

/// The name that a declaration declares.
fn declared(declaration: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "const ", "class "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

fn unfit(name: &str) -> Error {
    Error::internal(format!("the module {name} of the booth is not written as the bundle needs it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_exports_become_values() {
        let source = "import {\n    a,\n    b as c,\n} from '../client/one.mjs';\nexport const d = a + c;\nexport async function e() {}\n";
        let wrapped = wrapped("two", source, &["one"]).unwrap();
        assert_eq!(
            wrapped,
            "const $two = (() => {\nconst {    a,    b: c,} = $one;\nconst d = a + c;\nasync function e() {}\n\
             return { d, e };\n})();\n"
        );
    }

    #[test]
    fn a_module_that_comes_too_early_or_is_written_otherwise_is_refused() {
        for source in ["import { a } from './three.mjs';", "import a from './one.mjs'", "export default 1;"] {
            assert!(wrapped("two", source, &["one"]).is_err(), "{source}");
        }
    }
}
