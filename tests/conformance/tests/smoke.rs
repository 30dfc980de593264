//! A few tests in the suite's form, for runs that do not fetch the suite itself (`make conformance`).

use cutover_compiler::{Formats, compile_schema};
use cutover_conformance::suite::Group;
use cutover_conformance::verdict;

#[test]
fn keywords_mean_what_the_dialect_says() {
    let groups: Vec<Group> = serde_json::from_str(include_str!("../data/smoke.json")).unwrap();
    for group in &groups {
        let compiled = compile_schema("smoke.json", group.schema.get(), Formats::Annotations, &[])
            .unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", group.description));
        for test in &group.tests {
            let found = verdict(&compiled.tables, compiled.root, test.data.get());
            assert_eq!(found, Ok(test.valid), "{}: {}", group.description, test.description);
        }
    }
}
