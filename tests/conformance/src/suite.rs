//! The suite's files, its remote documents, and the dialect's metaschemas.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cutover_compiler::document::{self, Node};
use cutover_compiler::{CompiledSchema, Formats, compile_schema};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The draft's folder in the suite.
const DRAFT: &str = "draft2020-12";
/// The optional parts that are promised.
const OPTIONAL: &[&str] = &[
    "anchor",
    "bignum",
    "dynamicRef",
    "ecmascript-regex",
    "float-overflow",
    "format-assertion",
    "id",
    "no-schema",
    "non-bmp-regex",
    "refOfUnknownKeyword",
    "unknownKeyword",
    "format/date",
    "format/date-time",
    "format/duration",
    "format/ecmascript-regex",
    "format/email",
    "format/hostname",
    "format/ipv4",
    "format/ipv6",
    "format/json-pointer",
    "format/regex",
    "format/relative-json-pointer",
    "format/time",
    "format/uri",
    "format/uri-reference",
    "format/uuid",
];
/// The metaschemas that schemas may refer to, by the end of their URI.
const METASCHEMAS: &[(&str, &str)] = &[
    ("schema", include_str!("../metaschemas/schema.json")),
    ("meta/core", include_str!("../metaschemas/core.json")),
    ("meta/applicator", include_str!("../metaschemas/applicator.json")),
    ("meta/unevaluated", include_str!("../metaschemas/unevaluated.json")),
    ("meta/validation", include_str!("../metaschemas/validation.json")),
    ("meta/meta-data", include_str!("../metaschemas/meta-data.json")),
    ("meta/format-annotation", include_str!("../metaschemas/format-annotation.json")),
    ("meta/content", include_str!("../metaschemas/content.json")),
];

/// One schema and its tests.
#[derive(Deserialize)]
pub struct Group {
    /// What it is about.
    pub description: String,
    /// The schema, as it is written.
    pub schema: Box<RawValue>,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// One instance.
#[derive(Deserialize)]
pub struct Test {
    /// What it shows.
    pub description: String,
    /// The instance, as it is written.
    pub data: Box<RawValue>,
    /// Whether it is valid.
    pub valid: bool,
}

/// One file of the suite.
pub struct File {
    /// Its path below the draft's folder, without the ending.
    pub name: String,
    /// What it holds.
    pub groups: Vec<Group>,
}

impl File {
    /// Compiles one of the file's schemas. Formats are asserted where the file is about them.
    ///
    /// # Errors
    /// The compiler's mistakes.
    pub fn compile(&self, group: &Group, known: &[(String, Node)]) -> Result<CompiledSchema, String> {
        let formats =
            if self.name.starts_with("optional/format/") { Formats::Full } else { Formats::Annotations };
        compile_schema(&self.name, group.schema.get(), formats, known)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

/// All files: the required ones and the promised ones, in the order of their names.
///
/// # Errors
/// When a file cannot be read.
pub fn files(suite: &Path) -> Result<Vec<File>> {
    let folder = suite.join("tests").join(DRAFT);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    names.extend(OPTIONAL.iter().map(|name| format!("optional/{name}")));
    let read = |name: String| {
        let path = folder.join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let groups = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(File { name, groups })
    };
    names.into_iter().map(read).collect()
}

/// The documents that schemas may refer to: the metaschemas, and the suite's remotes under the address it gives them.
///
/// # Errors
/// When one cannot be read.
pub fn documents(suite: &Path) -> Result<Vec<(String, Node)>> {
    let mut documents = Vec::new();
    for (name, text) in METASCHEMAS {
        let uri = format!("https://json-schema.org/draft/2020-12/{name}");
        documents.push((uri, document::parse(text).context("a metaschema")?));
    }
    let remotes = suite.join("remotes");
    // The folders beside the draft's are of other drafts, but for what all of them share.
    let mut folders = vec![remotes.join(DRAFT), remotes.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                if folder != remotes {
                    folders.push(path);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            let place = path.strip_prefix(&remotes)?.to_string_lossy().into_owned();
            let node = document::parse(&text).with_context(|| place.clone())?;
            documents.push((format!("http://localhost:1234/{place}"), node));
        }
    }
    Ok(documents)
}
