use std::collections::BTreeMap;

use super::*;
use crate::subscription::Refused;
use crate::{ResourceType, Resources};

struct Given {
    registry: Registry,
    now: Instant,
}

impl Given {
    fn streams(count: u64) -> Self {
        let mut given = Self { registry: Registry::default(), now: Instant::now() };
        (1..=count).for_each(|number| assert_eq!(given.open(), number));
        given
    }

    fn open(&mut self) -> u64 {
        let node = format!("envoy-{}", self.registry.last + 1);
        let peer = Peer { node, cluster: "edge".to_owned(), ..Peer::default() };
        self.registry.open(peer, self.now, Arc::default())
    }

    /// Settles a stream on an epoch, whose revision is ten times that; says whether waiters wake.
    fn settle(&mut self, id: u64, epoch: u64, outcome: Outcome) -> bool {
        let snapshot = Snapshot::build(Resources::default()).unwrap();
        let publication = Publication { epoch, revision: Revision(epoch * 10), snapshot };
        self.registry.settle(id, &publication, outcome)
    }
}

fn refused(message: &str) -> Outcome {
    let content = BTreeMap::from([("edge".into(), None)]);
    let refused = Refused { content, revision: Revision(10), message: message.to_owned() };
    Outcome::Refused(vec![(ResourceType::Listener, refused)])
}

#[test]
fn waiters_wake_when_the_last_stream_settles_and_not_before() {
    let mut given = Given::streams(3);
    assert!(!given.settle(1, 1, Outcome::Confirmed));
    assert!(!given.settle(1, 1, Outcome::Confirmed), "twice is once");
    assert!(!given.settle(2, 1, Outcome::Waiting));
    assert!(!given.settle(2, 1, refused("no")), "a refusal settles, too");
    assert!(!given.registry.all_settled(1));
    assert!(given.settle(3, 1, Outcome::Confirmed));
    assert!(given.registry.all_settled(1));
    assert!(!given.registry.all_settled(2));
}

#[test]
fn a_stream_that_leaves_is_not_waited_for_and_one_that_comes_is() {
    let mut given = Given::streams(2);
    given.settle(1, 1, Outcome::Confirmed);
    assert!(given.registry.close(2));
    assert!(given.registry.all_settled(1));
    given.open();
    assert!(!given.registry.all_settled(1));
    assert!(!given.registry.close(1), "the new one is still waited for");
    assert!(!given.registry.close(99));
}

#[test]
fn a_later_publication_counts_for_an_earlier_one() {
    let mut given = Given::streams(2);
    assert!(!given.settle(1, 1, Outcome::Confirmed));
    assert!(given.settle(2, 2, Outcome::Confirmed));
    assert!(given.registry.all_settled(1));
    assert!(!given.registry.all_settled(2));
}

#[test]
fn a_report_parts_those_who_run_it_those_who_refuse_and_those_who_lag() {
    let mut given = Given::streams(4);
    given.settle(1, 2, Outcome::Confirmed);
    given.settle(2, 1, Outcome::Confirmed);
    given.settle(3, 2, refused("bad listener"));
    let report = given.registry.report(Revision(20), 2, given.now);
    let confirmed: Vec<_> = report.confirmed.iter().map(|one| (one.node.as_str(), one.revision.0)).collect();
    assert_eq!(confirmed, [("envoy-1", 20)]);
    assert_eq!(report.lagging, ["envoy-2", "envoy-4"]);
    assert_eq!(
        (report.refused[0].node.as_str(), report.refused[0].message.as_str()),
        ("envoy-3", "bad listener")
    );
    assert!(!report.is_complete());

    let current = Publication {
        epoch: 2,
        revision: Revision(20),
        snapshot: Snapshot::build(Resources::default()).unwrap(),
    };
    let in_sync = given.registry.envoys(Some(&current)).into_iter().filter(|envoy| envoy.in_sync);
    assert_eq!(in_sync.map(|envoy| envoy.node).collect::<Vec<_>>(), ["envoy-1"]);

    given.settle(3, 3, Outcome::Confirmed);
    let report = given.registry.report(Revision(20), 2, given.now);
    assert!(report.refused.is_empty(), "{report:?}");
}
