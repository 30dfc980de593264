//! Security schemes: which the gateway can check, where their tokens are, and who has scopes.

use cutover_compiler::TokenPlace::{Authorization, Bearer, Cookie, Query};
use cutover_compiler::{Mistake, SecurityScheme, compile, security_schemes};

const SCHEMES: &str = "
components:
  securitySchemes:
    bearer: { type: http, scheme: Bearer }
    oauth: { type: oauth2, flows: {} }
    oidc: { type: openIdConnect, openIdConnectUrl: 'https://issuer.example/' }
    header: { type: apiKey, in: header, name: Authorization }
    cookie: { type: apiKey, in: cookie, name: session }
    query: { $ref: '#/components/x-shared' }
  x-shared: { type: apiKey, in: query, name: access_token }
";

fn contract(version: &str, security: &str) -> String {
    format!(
        "openapi: {version}\ninfo: {{ title: t, version: '1' }}\npaths:\n  /x:\n    get:\n      operationId: x\n      \
         security: {security}\n      responses: {{ '200': {{ description: d }} }}{SCHEMES}"
    )
}

fn mistakes(version: &str, security: &str) -> Vec<String> {
    let found = compile("api.yaml", &contract(version, security)).err().unwrap_or_default();
    found.iter().map(Mistake::to_string).collect()
}

#[test]
fn whatever_carries_a_token_can_be_checked_and_says_where_it_is() {
    let named = |name: &str, place| SecurityScheme { name: name.to_owned(), place };
    assert_eq!(
        security_schemes("api.yaml", &contract("3.1.0", "[]"), &|_| Err(String::new())),
        [
            named("bearer", Bearer),
            named("oauth", Bearer),
            named("oidc", Bearer),
            named("header", Authorization),
            named("cookie", Cookie("session".to_owned())),
            named("query", Query("access_token".to_owned())),
        ]
    );
    assert_eq!(mistakes("3.1.0", "[{ bearer: [], cookie: [] }, { query: [] }, {}]"), [""; 0]);
}

#[test]
fn a_token_in_the_query_is_no_unknown_parameter_of_its_operation() {
    let credentials = |security: &str| {
        let plan = compile("api.yaml", &contract("3.1.0", security)).unwrap();
        plan.operation("x").unwrap().credentials.clone()
    };
    assert_eq!(credentials("[{ query: [] }, { bearer: [], query: [] }]"), ["access_token"]);
    assert_eq!(credentials("[{ bearer: [] }]"), [""; 0]);
}

#[test]
fn openapi_3_0_has_scopes_for_oauth_only_and_3_1_roles_for_all() {
    for scheme in ["bearer", "cookie", "header"] {
        let security = format!("[{{ {scheme}: [admin] }}]");
        assert_eq!(mistakes("3.1.0", &security), [""; 0], "{scheme}");
        let found = mistakes("3.0.3", &security);
        let message = format!("in OpenAPI 3.0 the scheme `{scheme}` has no scopes");
        assert!(found.len() == 1 && found[0].contains(&message), "{found:#?}");
    }
    assert_eq!(mistakes("3.0.3", "[{ oauth: [admin] }, { oidc: [read] }, { bearer: [] }]"), [""; 0]);
}
