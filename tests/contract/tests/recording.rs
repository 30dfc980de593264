//! The committed recording: complete, current, and without secrets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cutover_contract::har::Entry;
use cutover_contract::{Allowed, Har, cases};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn it_covers_every_operation_and_status() {
    let har = Har::read(&file("exchanges.har")).unwrap();
    let operations: BTreeSet<_> = har.log.entries.iter().map(|entry| entry.operation.as_str()).collect();
    assert_eq!(operations.len(), 12, "11 operations and `unmatched`, got {operations:?}");
    let statuses: BTreeSet<_> = har.log.entries.iter().map(|entry| entry.response.status).collect();
    for status in [200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 502, 503, 504] {
        assert!(statuses.contains(&status), "no exchange with {status}");
    }
}

#[test]
fn it_is_of_the_case_list_as_it_stands() {
    let har = Har::read(&file("exchanges.har")).unwrap();
    let recorded: Vec<_> =
        har.log.entries.iter().map(|entry| (entry.name.clone(), entry.request.clone())).collect();
    let listed: Vec<_> = cases().iter().map(|case| (case.name.clone(), case.request())).collect();
    for (recorded, listed) in recorded.iter().zip(&listed) {
        assert_eq!(
            recorded, listed,
            "the list has changed since the recording; `make record` records it anew"
        );
    }
    assert_eq!(recorded.len(), listed.len(), "`make record` records the list anew");
}

#[test]
fn it_holds_no_token() {
    let path = file("exchanges.har");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("eyJ"), "the base64url of `{{\"` begins every JWT");
    let bearer = |entry: &Entry| {
        let headers = entry.request.headers.iter();
        headers.filter(|pair| pair.name == "authorization").map(|pair| pair.value.clone()).collect::<Vec<_>>()
    };
    let values: BTreeSet<_> = Har::read(&path).unwrap().log.entries.iter().flat_map(bearer).collect();
    let plain: Vec<_> = values.iter().filter(|value| !value.contains("{{")).map(String::as_str).collect();
    assert_eq!(plain, ["Basic dXNlcjpwYXNz", "Bearer", "Bearer not-a-token"]);
}

#[test]
fn the_allowed_differences_can_be_read() {
    Allowed::read(&file("allowed-differences.json")).unwrap();
}
