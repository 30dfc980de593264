//! That the published schema and the parser agree.

use super::*;

/// Every object of the full configuration with the place of its schema.
const PARTS: [(&str, &str, &str); 12] = [
    ("", "", ""),
    ("/routes/0", "routes[0]", "/properties/routes/items"),
    (
        "/routes/0/security/0/0",
        "routes[0].security[0][0]",
        "/properties/routes/items/properties/security/items/items",
    ),
    ("/issuers/0", "issuers[0]", "/properties/issuers/items"),
    (
        "/issuers/0/require/0",
        "issuers[0].require[0]",
        "/properties/issuers/items/properties/require/items/allOf/0",
    ),
    ("/issuers/1/pem", "issuers[1].pem", "/properties/issuers/items/properties/pem"),
    ("/issuers/2/remote_jwks", "issuers[2].remote_jwks", "/properties/issuers/items/properties/remote_jwks"),
    ("/schemes/bearerAuth", "schemes.bearerAuth", "/properties/schemes/additionalProperties"),
    ("/forward/x-list", "forward.x-list", "/properties/forward/additionalProperties/oneOf/1"),
    ("/token", "token", "/properties/token"),
    ("/cache", "cache", "/properties/cache/oneOf/1"),
    ("/issuers/2", "issuers[2]", "/properties/issuers/items"),
];

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../config.schema.json")).unwrap()
}

fn dotted(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[test]
fn the_published_schema_knows_the_same_fields() {
    for (part, path, place) in PARTS {
        let schema = schema();
        let schema = schema.pointer(place).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false), "{place}");
        let mut published: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let error = error_of(|config| config.pointer_mut(part).unwrap()["unheard-of"] = json!(1));
        let start = format!("{}: unknown field; known are ", dotted(path, "unheard-of"));
        let mut known: Vec<_> = error.strip_prefix(&start).expect(&error).split(", ").collect();
        published.sort();
        known.sort_unstable();
        assert_eq!(published, known, "{path}");
    }
}

#[test]
fn the_published_schema_demands_the_same_fields() {
    for (part, path, place) in PARTS {
        let schema = schema();
        let required = schema.pointer(place).unwrap()["required"].as_array().cloned().unwrap_or_default();
        for (name, _) in testing::full_config().pointer(part).unwrap().as_object().unwrap() {
            let mut config = testing::full_config();
            config.pointer_mut(part).unwrap().as_object_mut().unwrap().remove(name);
            let error = Config::parse(config.to_string().as_bytes()).err().map(|error| error.to_string());
            let missing = error == Some(format!("{}: is missing", dotted(path, name)));
            assert_eq!(missing, required.contains(&json!(name)), "{path}: {name}: {error:?}");
        }
    }
}

#[test]
fn the_published_schema_has_the_same_ranges() {
    let mut ranges = 0;
    for (part, path, place) in PARTS {
        for (name, property) in schema().pointer(place).unwrap()["properties"].as_object().unwrap() {
            let (Some(least), Some(most)) = (property["minimum"].as_i64(), property["maximum"].as_i64())
            else {
                continue;
            };
            ranges += 1;
            let field = dotted(path, name);
            for wrong in [least - 1, most + 1] {
                let error = error_of(|config| config.pointer_mut(part).unwrap()[name] = json!(wrong));
                assert_eq!(error, format!("{field}: must be {least} to {most}"));
            }
            for wrong in [json!(least as f64 + 0.5), json!(least.to_string()), json!(null)] {
                let error = error_of(|config| config.pointer_mut(part).unwrap()[name] = wrong.clone());
                assert_eq!(error, format!("{field}: must be a whole number"), "{wrong}");
            }
            for right in [least, most] {
                let mut config = testing::full_config();
                config.pointer_mut(part).unwrap()[name] = json!(right as f64);
                assert!(Config::parse(config.to_string().as_bytes()).is_ok(), "{field}: {right}");
            }
        }
    }
    assert_eq!(ranges, 9, "the cache's two, the leeway of two issuers, and five about remote keys");
}

#[test]
fn the_published_schema_keeps_the_same_headers_free_of_claims() {
    let schema = schema();
    let taken = &schema["properties"]["forward"]["propertyNames"]["not"]["enum"];
    assert_eq!(taken, &json!(outputs::TAKEN));
    for header in outputs::TAKEN {
        let error = error_of(|config| config["forward"][header] = json!("sub"));
        assert_eq!(error, format!("forward.{header}: must not be a header that has a meaning of its own"));
    }
}

#[test]
fn the_published_schema_names_the_same_algorithms() {
    let issuer = &schema()["properties"]["issuers"]["items"]["properties"];
    let names = json!(Algorithm::ALL.map(Algorithm::name));
    assert_eq!(issuer["algorithms"]["items"]["enum"], names);
    assert_eq!(issuer["algorithms"]["default"], names);
}

/// The table of the README that begins with this heading.
fn table(heading: &str) -> &'static str {
    let (_, rest) = include_str!("../../../README.md").split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

#[test]
fn the_readme_explains_every_field() {
    for (_, path, place) in PARTS {
        for name in schema().pointer(place).unwrap()["properties"].as_object().unwrap().keys() {
            let explained = table("Configuration").lines().filter(|line| line.starts_with("| `"));
            let names =
                |line: &str| line.split('`').any(|part| part.split(['.', '"', '[']).any(|one| one == name));
            assert!(explained.into_iter().any(names), "{path}: {name}");
        }
    }
}

#[test]
fn the_readme_explains_every_reason_that_is_counted() {
    for code in crate::Reason::CODES {
        assert!(table("Metrics").contains(&format!("`refused.{code}`")), "{code}");
    }
}
