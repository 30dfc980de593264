//! Tokens by name. A recording holds `{{trader}}` where a request had the token of that name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The tokens of a run.
#[derive(Clone, Default)]
pub struct Tokens(BTreeMap<String, String>);

impl std::fmt::Debug for Tokens {
    /// The names only: a token in a log is a token lost.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Tokens {
    /// Takes tokens by name.
    pub fn new(tokens: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(tokens.into_iter().collect())
    }

    /// Reads every `NAME.jwt` of a folder, as `cutover token demo` writes them.
    ///
    /// # Errors
    /// When the folder cannot be read or holds no token.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut tokens = BTreeMap::new();
        let listing = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for file in listing {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "jwt")
                && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                tokens.insert(name.to_owned(), text.trim().to_owned());
            }
        }
        if tokens.is_empty() {
            bail!("{} holds no NAME.jwt; `cutover token demo` writes them", folder.display());
        }
        Ok(Self(tokens))
    }

    /// Puts tokens in place of their `{{name}}`.
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) =
                after.split_once("}}").with_context(|| format!("`{text}`: `{{{{` has no end"))?;
            let Some(token) = self.0.get(name) else {
                let known: Vec<_> = self.0.keys().map(String::as_str).collect();
                bail!("no token `{name}`; there are {}", known.join(", "));
            };
            filled.push_str(before);
            filled.push_str(token);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_from_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trader.jwt"), "a.b.c\n").unwrap();
        fs::write(folder.path().join("README"), "no token").unwrap();
        let tokens = Tokens::read(folder.path()).unwrap();
        assert_eq!(tokens.fill("Bearer {{trader}}, {{trader}}x").unwrap(), "Bearer a.b.c, a.b.cx");
        assert_eq!(tokens.fill("Basic dXNlcg==").unwrap(), "Basic dXNlcg==");
        let message = tokens.fill("Bearer {{reader}}").unwrap_err().to_string();
        assert_eq!(message, "no token `reader`; there are trader");
        assert_eq!(format!("{tokens:?}"), "{\"trader\"}");
    }

    #[test]
    fn a_folder_without_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Tokens::read(folder.path()).unwrap_err().to_string().contains("holds no NAME.jwt"));
    }
}
