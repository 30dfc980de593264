//! What an operation's `security` demands, and whether a token's scopes meet it.

use cutover_plan::SchemeScopes;

/// Whether an operation takes part in authentication at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone may; a token is not looked at.
    Public,
    /// Everyone may, but a token that is sent must be good.
    Optional,
    /// A good token is needed.
    Token,
}

/// What `security` says about tokens: none of it is public, an empty alternative makes the token optional. Every
/// scheme of the contract is met by a bearer token.
pub fn access(security: &[Vec<SchemeScopes>]) -> Access {
    if security.is_empty() {
        Access::Public
    } else if security.iter().any(Vec::is_empty) {
        Access::Optional
    } else {
        Access::Token
    }
}

/// Whether all scopes of at least one alternative are granted.
pub fn sufficient(security: &[Vec<SchemeScopes>], granted: &[impl AsRef<str>]) -> bool {
    let has = |scope: &str| granted.iter().any(|granted| granted.as_ref() == scope);
    security.iter().any(|alternative| required(alternative).all(has))
}

/// The `scope` attribute of a refusal: what the first alternative with scopes demands (RFC 6750, section 3).
pub fn wanted(security: &[Vec<SchemeScopes>]) -> String {
    let mut wanted: Vec<&str> = Vec::new();
    let first = security.iter().find(|alternative| required(alternative).next().is_some());
    for scope in first.into_iter().flatten().flat_map(|scheme| &scheme.scopes) {
        if !wanted.contains(&scope.as_str()) && scope.bytes().all(is_scope_byte) {
            wanted.push(scope);
        }
    }
    wanted.join(" ")
}

fn required(alternative: &[SchemeScopes]) -> impl Iterator<Item = &str> {
    alternative.iter().flat_map(|scheme| &scheme.scopes).map(String::as_str)
}

/// The characters of a scope (RFC 6749, section 3.3); others would break the quoted string.
fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(scopes: &[&str]) -> SchemeScopes {
        SchemeScopes {
            scheme: "bearerAuth".to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn security_says_whether_a_token_is_needed() {
        assert_eq!(access(&[]), Access::Public);
        assert_eq!(access(&[vec![]]), Access::Optional);
        assert_eq!(access(&[vec![scheme(&["a"])], vec![]]), Access::Optional);
        assert_eq!(access(&[vec![scheme(&[])]]), Access::Token);
    }

    #[test]
    fn one_alternative_is_enough_but_all_of_it() {
        let security = [vec![scheme(&["a", "b"])], vec![scheme(&["c"]), scheme(&["d"])]];
        assert!(sufficient(&security, &["b", "x", "a"]));
        assert!(sufficient(&security, &["c", "d"]));
        assert!(!sufficient(&security, &["a", "c"]));
        assert!(!sufficient(&security, &[""; 0]));
        assert!(sufficient(&[vec![scheme(&[])]], &[""; 0]));
        assert!(!sufficient(&[vec![scheme(&["task:write"])]], &["task:writer", "task"]));
    }

    #[test]
    fn a_refusal_names_what_is_wanted_once() {
        assert_eq!(wanted(&[vec![], vec![scheme(&["a", "b"]), scheme(&["a"])], vec![scheme(&["z"])]]), "a b");
        assert_eq!(wanted(&[vec![scheme(&["a\"", "b"])]]), "b");
    }
}
