//! What an operation's `security` demands, and whether a token's issuer and scopes meet it.

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

/// Whether a good token opens an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Open,
    /// Its scopes do not suffice.
    Scopes,
    /// No alternative takes tokens of its issuer.
    Issuer,
}

/// Whose tokens meet which of the contract's schemes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemes {
    /// Each scheme with the places of its issuers; `None` when any issuer's tokens meet every scheme.
    admitted: Option<Vec<(String, Vec<usize>)>>,
}

impl Schemes {
    /// Every scheme is met by a token of any issuer.
    pub fn any() -> Self {
        Self { admitted: None }
    }

    /// Each scheme is met by tokens of these issuers, given by their places in the configuration; no other is.
    pub fn new(admitted: Vec<(String, Vec<usize>)>) -> Self {
        Self { admitted: Some(admitted) }
    }

    /// Whether the issuer's tokens meet every scheme of an alternative.
    fn admit(&self, alternative: &[SchemeScopes], issuer: usize) -> bool {
        let Some(admitted) = &self.admitted else { return true };
        alternative.iter().all(|used| {
            admitted.iter().any(|(scheme, issuers)| *scheme == used.scheme && issuers.contains(&issuer))
        })
    }

    /// Whether tokens of the issuer open an operation at all. An empty alternative lets in who has no token, and does not
    /// make another issuer's token one of the operation's: its bearer would go on under a name that is not theirs to use.
    pub fn admit_any(&self, security: &[Vec<SchemeScopes>], issuer: usize) -> bool {
        let mut schemes = security.iter().filter(|alternative| !alternative.is_empty()).peekable();
        schemes.peek().is_none() || schemes.any(|alternative| self.admit(alternative, issuer))
    }

    /// What becomes of a good token of this issuer with these scopes: it opens the operation if it meets all schemes of
    /// one alternative and has all scopes of it.
    pub fn judge(
        &self,
        security: &[Vec<SchemeScopes>],
        issuer: usize,
        granted: &[impl AsRef<str>],
    ) -> Verdict {
        let has = |scope: &str| granted.iter().any(|granted| granted.as_ref() == scope);
        if !self.admit_any(security, issuer) {
            return Verdict::Issuer;
        }
        let mut admitted = security.iter().filter(|alternative| self.admit(alternative, issuer));
        if admitted.any(|alternative| required(alternative).all(has)) {
            Verdict::Open
        } else {
            Verdict::Scopes
        }
    }

    /// The `scope` attribute of a refusal: what the first alternative with scopes demands of this issuer's tokens
    /// (RFC 6750, section 3).
    pub fn wanted(&self, security: &[Vec<SchemeScopes>], issuer: usize) -> String {
        let mut wanted: Vec<&str> = Vec::new();
        let first = security
            .iter()
            .filter(|alternative| self.admit(alternative, issuer))
            .find(|alternative| required(alternative).next().is_some());
        for scope in first.into_iter().flatten().flat_map(|scheme| &scheme.scopes) {
            if !wanted.contains(&scope.as_str()) && scope.bytes().all(is_scope_byte) {
                wanted.push(scope);
            }
        }
        wanted.join(" ")
    }
}

/// What `security` says about tokens: none of it is public, an empty alternative makes the token optional.
pub fn access(security: &[Vec<SchemeScopes>]) -> Access {
    if security.is_empty() {
        Access::Public
    } else if security.iter().any(Vec::is_empty) {
        Access::Optional
    } else {
        Access::Token
    }
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

    fn of(name: &str, scopes: &[&str]) -> SchemeScopes {
        SchemeScopes { scheme: name.to_owned(), scopes: scopes.iter().map(ToString::to_string).collect() }
    }

    fn scheme(scopes: &[&str]) -> SchemeScopes {
        of("bearerAuth", scopes)
    }

    fn two() -> Schemes {
        Schemes::new(vec![("people".to_owned(), vec![0]), ("machines".to_owned(), vec![1, 2])])
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
        let judge = |granted: &[&str]| Schemes::any().judge(&security, 0, granted);
        assert_eq!(judge(&["b", "x", "a"]), Verdict::Open);
        assert_eq!(judge(&["c", "d"]), Verdict::Open);
        assert_eq!(judge(&["a", "c"]), Verdict::Scopes);
        assert_eq!(judge(&[]), Verdict::Scopes);
        assert_eq!(Schemes::any().judge(&[vec![scheme(&[])]], 0, &[""; 0]), Verdict::Open);
        let write = [vec![scheme(&["task:write"])]];
        assert_eq!(Schemes::any().judge(&write, 0, &["task:writer", "task"]), Verdict::Scopes);
    }

    #[test]
    fn a_token_meets_the_schemes_of_its_issuer_only() {
        let security = [vec![of("people", &["a"])], vec![of("machines", &["b"])]];
        let judge = |issuer, granted: &[&str]| two().judge(&security, issuer, granted);
        assert_eq!((judge(0, &["a"]), judge(0, &["b"])), (Verdict::Open, Verdict::Scopes));
        assert_eq!((judge(2, &["a"]), judge(2, &["b"])), (Verdict::Scopes, Verdict::Open));
        assert_eq!(judge(3, &["a", "b"]), Verdict::Issuer);
        let both = [vec![of("people", &[]), of("machines", &[])]];
        assert_eq!(two().judge(&both, 0, &["a"]), Verdict::Issuer, "one token cannot be of two issuers");
        let unknown = [vec![of("robots", &[])]];
        assert_eq!(two().judge(&unknown, 0, &["a"]), Verdict::Issuer);
    }

    #[test]
    fn an_operation_that_works_without_a_token_takes_none_of_another_issuer() {
        let security = [vec![of("people", &["a"])], vec![]];
        let judge = |issuer| two().judge(&security, issuer, &[""; 0]);
        assert_eq!((judge(0), judge(1), judge(3)), (Verdict::Open, Verdict::Issuer, Verdict::Issuer));
        assert_eq!((two().admit_any(&security, 0), two().admit_any(&security, 1)), (true, false));
        assert_eq!(two().judge(&[vec![]], 3, &[""; 0]), Verdict::Open, "where no scheme is named, any may");
        assert_eq!(Schemes::any().judge(&security, 1, &[""; 0]), Verdict::Open);
    }

    #[test]
    fn a_refusal_names_what_is_wanted_once_and_of_an_alternative_for_that_issuer() {
        let security = [vec![], vec![scheme(&["a", "b"]), scheme(&["a"])], vec![scheme(&["z"])]];
        assert_eq!(Schemes::any().wanted(&security, 0), "a b");
        assert_eq!(Schemes::any().wanted(&[vec![scheme(&["a\"", "b"])]], 0), "b");
        let security = [vec![of("people", &["a"])], vec![of("machines", &["b"])]];
        assert_eq!((two().wanted(&security, 0), two().wanted(&security, 1)), ("a".into(), "b".into()));
    }
}
