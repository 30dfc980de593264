//! Contracts of several files: each file that a `$ref` names is read and put into the document, under a key of its own.
//!
//! Nothing behind this module knows of files: a reference into another one becomes a reference to that key, taken from the
//! file it stands in. Which file a value came from is kept in its [`Position`], so that mistakes name the right one.

use crate::document::{self, Key, Node, Position, Value};
use crate::mistake::Mistake;

/// Reads a file by its path, which starts where the contract's own does. The error says why it cannot.
pub type Loader<'l> = &'l dyn Fn(&str) -> Result<String, String>;

/// The key under which the other files stand in the document.
const KEY: &str = "x-cutover-files";
/// How many files a contract may have.
const MAX_FILES: usize = 1000;
/// Under these keys nothing is a reference, whatever it is called.
const DATA: &[&str] = &["example", "examples", "default", "enum", "const"];
/// The keys of these maps are names.
const NAMED: &[&str] = &[
    "paths",
    "properties",
    "patternProperties",
    "$defs",
    "dependentSchemas",
    "schemas",
    "parameters",
    "responses",
    "requestBodies",
    "headers",
    "pathItems",
    "callbacks",
    "content",
    "encoding",
];

/// A contract with all its files.
pub(crate) struct Gathered {
    /// The document, with the other files in it.
    pub(crate) root: Node,
    /// The files' names, by [`Position::file`].
    pub(crate) names: Vec<String>,
    /// Files that cannot be read, and references to what is not in them.
    pub(crate) mistakes: Vec<Mistake>,
}

/// A file as it was read.
struct File {
    name: String,
    /// What it is called in the document.
    key: String,
    root: Node,
}

/// Reads the files of a contract.
pub(crate) fn gather(name: &str, root: Node, load: Loader<'_>) -> Gathered {
    let mut files = vec![File { name: name.to_owned(), key: String::new(), root }];
    let mut mistakes = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut next = 0;
    while let Some(file) = files.get_mut(next) {
        let (from, mut wanted, mut ids) = (file.name.clone(), Vec::new(), Vec::new());
        visit(&mut file.root, false, &mut |key, at, text| match key {
            "$id" => ids.push(last(text).to_owned()),
            _ => wanted.extend(path_of(&from, text).map(|path| (at, text.clone(), path))),
        });
        for (at, text, path) in wanted {
            let known = files.iter().any(|file| file.name == path) || failed.contains(&path);
            // What a schema calls itself is no file.
            if known || ids.iter().any(|id| *id == last(&path)) {
                continue;
            }
            match read(&path, load, &files) {
                Ok(file) => files.push(file),
                Err(failure) => {
                    let cannot = |why| Mistake::new(&from, at, format!("`{text}` cannot be followed: {why}"));
                    mistakes.push(failure.unwrap_or_else(cannot));
                    failed.push(path);
                }
            }
        }
        next += 1;
    }
    for index in 0..files.len() {
        rewrite(&mut files, index, &mut mistakes);
    }
    join(files, mistakes)
}

/// Reads one more file.
///
/// # Errors
/// The mistake in it, or why there is nothing to look for mistakes in.
fn read(path: &str, load: Loader<'_>, files: &[File]) -> Result<File, Result<Mistake, String>> {
    if files.len() >= MAX_FILES {
        return Err(Err(format!("a contract has at most {MAX_FILES} files")));
    }
    let text = load(path).map_err(Err)?;
    let mut root = document::parse(&text).map_err(|error| Ok(Mistake::unreadable(path, error)))?;
    root.set_file(files.len());
    let stem = last(path).split('.').next().unwrap_or_default();
    let taken = |key: &str| files.iter().any(|file| file.key == key);
    let key =
        (1..).map(|n| if n == 1 { stem.to_owned() } else { format!("{stem}-{n}") }).find(|key| !taken(key));
    Ok(File { name: path.to_owned(), key: key.unwrap_or_default(), root })
}

/// Turns a file's references into references inside the document.
fn rewrite(files: &mut [File], index: usize, mistakes: &mut Vec<Mistake>) {
    let Some(file) = files.get_mut(index) else { return };
    let nothing = Node { value: Value::Null, at: file.root.at };
    let mut root = std::mem::replace(&mut file.root, nothing);
    let (from, own) = (file.name.clone(), file.key.clone());
    visit(&mut root, false, &mut |key, at, text| {
        let Some((path, fragment)) =
            Some(text.split_once('#').unwrap_or((text, ""))).filter(|_| key != "$id")
        else {
            return;
        };
        let pointer = fragment.is_empty() || fragment.starts_with('/');
        if path.is_empty() {
            if pointer && index > 0 {
                *text = inside(&own, fragment);
            }
            return;
        }
        let Some(path) = path_of(&from, text) else { return };
        let Some((other, target)) = files.iter().enumerate().find(|(_, file)| file.name == path) else {
            return;
        };
        if !pointer {
            let message = format!("`{text}` names a part of another file by an anchor");
            mistakes.push(Mistake::new(&from, at, message).with_hint("use a JSON pointer: `file.yaml#/…`"));
        } else if other != index && target.root.pointer(fragment).is_none() {
            mistakes.push(Mistake::new(&from, at, format!("`{text}` names nothing in {path}")));
        } else {
            *text = inside(&target.key, fragment);
        }
    });
    if let Some(file) = files.get_mut(index) {
        file.root = root;
    }
}

/// The reference to a place in a file, as it is in the document.
fn inside(key: &str, fragment: &str) -> String {
    if key.is_empty() { format!("#{fragment}") } else { format!("#/{KEY}/{}{fragment}", encoded(key)) }
}

/// A key as a step of a JSON pointer in a URI.
fn encoded(key: &str) -> String {
    key.replace('%', "%25").replace('~', "~0").replace('/', "~1")
}

fn join(files: Vec<File>, mistakes: Vec<Mistake>) -> Gathered {
    let names = files.iter().map(|file| file.name.clone()).collect();
    let mut files = files.into_iter();
    let mut root =
        files.next().map_or(Node { value: Value::Null, at: Position::default() }, |file| file.root);
    let at = root.at;
    let others: Vec<(Key, Node)> =
        files.map(|file| (Key { text: file.key, at: file.root.at }, file.root)).collect();
    if let (Value::Map(entries), false) = (&mut root.value, others.is_empty()) {
        entries.push((Key { text: KEY.to_owned(), at }, Node { value: Value::Map(others), at }));
    }
    Gathered { root, names, mistakes }
}

/// Shows every `$ref`, every `$id` and what a discriminator's mapping refers to. `named`: this map's keys are names.
fn visit(node: &mut Node, named: bool, show: &mut dyn FnMut(&str, Position, &mut String)) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| visit(item, false, show)),
        Value::Map(entries) => {
            for (key, value) in entries {
                let key = key.text.as_str();
                match &mut value.value {
                    Value::String(text) if !named && matches!(key, "$ref" | "$id") => {
                        show(key, value.at, text);
                    }
                    Value::Map(fields) if !named && key == "discriminator" => mapping(fields, show),
                    Value::Map(examples) if !named && key == "examples" => {
                        examples.iter_mut().for_each(|(_, example)| reference(example, show));
                    }
                    _ if !named && (DATA.contains(&key) || key.starts_with("x-")) => {}
                    _ => visit(value, !named && NAMED.contains(&key), show),
                }
            }
        }
        _ => {}
    }
}

fn mapping(fields: &mut [(Key, Node)], show: &mut dyn FnMut(&str, Position, &mut String)) {
    let mapping = fields.iter_mut().find(|(key, _)| key.text == "mapping");
    let Some(Value::Map(targets)) = mapping.map(|(_, node)| &mut node.value) else { return };
    for (_, target) in targets {
        if let Value::String(text) = &mut target.value
            && (text.contains('#') || [".yaml", ".yml", ".json"].iter().any(|end| text.ends_with(end)))
        {
            show("mapping", target.at, text);
        }
    }
}

fn reference(node: &mut Node, show: &mut dyn FnMut(&str, Position, &mut String)) {
    let Value::Map(fields) = &mut node.value else { return };
    for (key, value) in fields.iter_mut().filter(|(key, _)| key.text == "$ref") {
        if let Value::String(text) = &mut value.value {
            show(&key.text, value.at, text);
        }
    }
}

/// The file that a reference names, seen from the file it stands in; `None` when it names none.
fn path_of(from: &str, reference: &str) -> Option<String> {
    let path = reference.split('#').next().unwrap_or_default();
    let scheme = path.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if path.is_empty() || scheme || path.starts_with("//") {
        return None;
    }
    let path = document::percent_decoded(path);
    let folder = from.rsplit_once('/').map(|(folder, _)| folder).filter(|_| !path.starts_with('/'));
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.into_iter().flat_map(|folder| folder.split('/')).chain(path.split('/')) {
        match step {
            "." => {}
            ".." if steps.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                steps.pop();
            }
            "" if !steps.is_empty() => {}
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_at_the_file_it_stands_in() {
        for (from, reference, path) in [
            ("api.yaml", "pet.yaml#/a", Some("pet.yaml")),
            ("api/v1/api.yaml", "./pet.yaml", Some("api/v1/pet.yaml")),
            ("api/v1/api.yaml", "../common/a%20b.yaml#/x", Some("api/common/a b.yaml")),
            ("/work/api.yaml", "common/pet.yaml", Some("/work/common/pet.yaml")),
            ("api.yaml", "../pet.yaml", Some("../pet.yaml")),
            ("../a/api.yaml", "../../pet.yaml", Some("../../pet.yaml")),
            ("api.yaml", "/etc/pet.yaml", Some("/etc/pet.yaml")),
            ("api.yaml", "#/a", None),
            ("api.yaml", "https://example.test/pet.yaml", None),
            ("api.yaml", "urn:pet", None),
            ("api.yaml", "//example.test/pet.yaml", None),
        ] {
            assert_eq!(path_of(from, reference).as_deref(), path, "{from} {reference}");
        }
    }
}
