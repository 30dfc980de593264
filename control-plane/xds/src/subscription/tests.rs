//! Each rule of the incremental protocol that a server must obey, at the level of messages.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::google::protobuf::Duration;

use super::*;
use crate::{Resources, Snapshot};

/// Clusters by name and version; a version is a second of connect timeout.
fn desired(clusters: &[(&str, i64)]) -> ByName {
    let clusters = clusters.iter().map(|(name, version)| Cluster {
        name: (*name).to_owned(),
        connect_timeout: Some(Duration { seconds: *version, nanos: 0 }),
        ..Cluster::default()
    });
    let resources = Resources { clusters: clusters.collect(), ..Resources::default() };
    Snapshot::build(resources).unwrap().of(ResourceType::Cluster).unwrap().clone()
}

fn version(desired: &ByName, name: &str) -> String {
    desired[name].version().to_owned()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn subscribe(to: &[&str]) -> Request {
    Request { subscribe: names(to), ..Request::default() }
}

fn unsubscribe(from: &[&str]) -> Request {
    Request { unsubscribe: names(from), ..Request::default() }
}

/// A client and the server's state of it.
struct Client {
    subscription: Subscription,
    nonces: u32,
}

impl Client {
    fn of(kind: ResourceType, first: Request) -> Self {
        Self { subscription: Subscription::open(kind, first).unwrap(), nonces: 0 }
    }

    fn named(to: &[&str]) -> Self {
        Self::of(ResourceType::Endpoints, subscribe(to))
    }

    fn wildcard() -> Self {
        Self::of(ResourceType::Cluster, Request::default())
    }

    fn says(&mut self, request: Request) -> Verdict {
        self.subscription.request(request).unwrap()
    }

    fn answers(&mut self, response: &Response, refusal: Option<&str>) -> Verdict {
        let refusal = refusal.map(str::to_owned);
        self.says(Request { nonce: response.nonce.clone(), refusal, ..Request::default() })
    }

    fn offered(&mut self, desired: &ByName, phase: Phase) -> Option<Response> {
        let nonces = &mut self.nonces;
        self.subscription.next(desired, phase, Revision(1), || {
            *nonces += 1;
            nonces.to_string()
        })
    }

    /// Takes everything there is and accepts it; what was sent and what was removed.
    fn takes(&mut self, desired: &ByName) -> (Vec<String>, Vec<String>) {
        let (mut sent, mut removed) = (Vec::new(), Vec::new());
        for phase in [Phase::Updates, Phase::Removals] {
            let Some(response) = self.offered(desired, phase) else { continue };
            assert_eq!(self.answers(&response, None), Verdict::Ack);
            sent.extend(response.resources.iter().map(|resource| resource.name().to_owned()));
            removed.extend(response.removed.iter().map(ToString::to_string));
        }
        (sent, removed)
    }
}

fn nothing() -> (Vec<String>, Vec<String>) {
    (Vec::new(), Vec::new())
}

fn sent(to: &[&str]) -> (Vec<String>, Vec<String>) {
    (names(to), Vec::new())
}

fn removed(from: &[&str]) -> (Vec<String>, Vec<String>) {
    (Vec::new(), names(from))
}

// ACK/NACK

#[test]
fn one_response_is_under_way_at_a_time_and_the_latest_state_wins() {
    let mut client = Client::wildcard();
    let first = client.offered(&desired(&[("a", 1)]), Phase::Updates).unwrap();
    assert!(client.offered(&desired(&[("a", 2)]), Phase::Updates).is_none());
    assert_eq!(client.subscription.standing(&desired(&[("a", 1)])), Standing::Waiting);
    client.answers(&first, None);
    let last = desired(&[("a", 3)]);
    let second = client.offered(&last, Phase::Updates).unwrap();
    assert_eq!(second.resources[0].version(), version(&last, "a"));
    assert_ne!(second.nonce, first.nonce);
    client.answers(&second, None);
    assert_eq!(client.subscription.standing(&last), Standing::Confirmed);
}

#[test]
fn a_refusal_is_what_carries_an_error_and_is_not_sent_again_unchanged() {
    let bad = desired(&[("a", 1)]);
    let mut client = Client::wildcard();
    let response = client.offered(&bad, Phase::Updates).unwrap();
    assert_eq!(client.answers(&response, Some("no such thing")), Verdict::Nack);
    assert!(client.offered(&bad, Phase::Updates).is_none());
    let standing = client.subscription.standing(&bad);
    assert!(
        matches!(standing, Standing::Refused(refused) if refused.message == "no such thing"),
        "{standing:?}"
    );
    assert_eq!(client.takes(&desired(&[("a", 2)])), sent(&["a"]));
}

#[test]
fn after_a_refusal_the_old_content_is_sent_again_and_so_are_valid_siblings() {
    let (good, bad) = (desired(&[("a", 1), ("b", 1)]), desired(&[("a", 2), ("b", 2)]));
    let mut client = Client::wildcard();
    client.takes(&good);
    let response = client.offered(&bad, Phase::Updates).unwrap();
    client.answers(&response, Some("a is bad"));
    // b may have been applied or not (#32880): with a mended, both go.
    assert_eq!(client.takes(&desired(&[("a", 3), ("b", 2)])), sent(&["a", "b"]));

    let response = client.offered(&bad, Phase::Updates).unwrap();
    client.answers(&response, Some("a is bad"));
    assert_eq!(client.takes(&good), sent(&["a", "b"]));
    assert_eq!(client.subscription.standing(&good), Standing::Confirmed);
}

#[test]
fn a_stale_nonce_acknowledges_nothing_but_its_subscriptions_count() {
    let state = desired(&[("a", 1), ("b", 1)]);
    let mut client = Client::named(&["a"]);
    let response = client.offered(&state, Phase::Updates).unwrap();
    let stale = Request { nonce: "of another stream".to_owned(), ..subscribe(&["b"]) };
    assert_eq!(client.says(stale), Verdict::None);
    assert!(client.subscription.is_waiting());
    assert_eq!(client.answers(&response, None), Verdict::Ack);
    assert_eq!(client.answers(&response, None), Verdict::None, "a nonce answers once");
    assert_eq!(client.takes(&state), sent(&["b"]));
}

#[test]
fn a_nonce_of_an_earlier_stream_in_a_first_request_is_accepted() {
    let first = Request { nonce: "old".to_owned(), ..subscribe(&["a"]) };
    let mut client = Client::of(ResourceType::Endpoints, first);
    assert_eq!(client.takes(&desired(&[("a", 1)])), sent(&["a"]));
}

// How the client specifies what resources to return

#[test]
fn a_first_request_without_names_is_a_wildcard_for_clusters_and_listeners_only() {
    let state = desired(&[("a", 1), ("b", 1)]);
    for (kind, expected) in [
        (ResourceType::Cluster, sent(&["a", "b"])),
        (ResourceType::Listener, sent(&["a", "b"])),
        (ResourceType::Endpoints, nothing()),
        (ResourceType::Routes, nothing()),
    ] {
        assert_eq!(Client::of(kind, Request::default()).takes(&state), expected, "{kind}");
    }
}

#[test]
fn an_explicit_wildcard_works_for_every_type_and_ends_when_unsubscribed() {
    let mut client = Client::named(&["*", "a"]);
    assert_eq!(client.takes(&desired(&[("a", 1), ("b", 1)])), sent(&["a", "b"]));
    client.says(unsubscribe(&["*"]));
    // b is forgotten by the client itself; a stays.
    assert_eq!(client.takes(&desired(&[("a", 2), ("b", 2)])), sent(&["a"]));
    assert_eq!(client.takes(&desired(&[])), removed(&["a"]));
}

#[test]
fn a_first_request_with_names_is_no_wildcard_and_an_empty_one_later_changes_nothing() {
    let state = desired(&[("a", 1), ("b", 1)]);
    let mut client = Client::of(ResourceType::Cluster, subscribe(&["a"]));
    assert_eq!(client.takes(&state), sent(&["a"]));
    client.says(Request::default());
    assert_eq!(client.takes(&state), nothing());
}

// Subscribing and unsubscribing

#[test]
fn a_name_is_answered_each_time_it_is_asked_for_even_when_unchanged() {
    let state = desired(&[("a", 1)]);
    for mut client in [Client::named(&["a"]), Client::wildcard()] {
        assert_eq!(client.takes(&state), sent(&["a"]));
        assert_eq!(client.takes(&state), nothing());
        client.says(subscribe(&["a"]));
        assert_eq!(client.takes(&state), sent(&["a"]));
    }
}

#[test]
fn who_asks_again_for_what_it_refused_is_answered() {
    let state = desired(&[("a", 1)]);
    let mut client = Client::named(&["a"]);
    let response = client.offered(&state, Phase::Updates).unwrap();
    client.answers(&response, Some("not now"));
    client.says(subscribe(&["a"]));
    assert_eq!(client.takes(&state), sent(&["a"]));
}

#[test]
fn an_unsubscribed_name_is_not_sent_and_not_removed() {
    let mut client = Client::named(&["a", "b"]);
    client.takes(&desired(&[("a", 1), ("b", 1)]));
    client.says(unsubscribe(&["a", "never had"]));
    assert_eq!(client.takes(&desired(&[("a", 2), ("b", 2)])), sent(&["b"]));
    assert_eq!(client.takes(&desired(&[("b", 2)])), nothing());
}

#[test]
fn unsubscribing_a_name_under_a_wildcard_is_answered() {
    let state = desired(&[("a", 1)]);
    let mut client = Client::named(&["*", "a", "gone"]);
    client.takes(&state);
    client.says(unsubscribe(&["a", "gone"]));
    assert_eq!(client.takes(&state), (names(&["a"]), names(&["gone"])));
    client.says(unsubscribe(&["never had"]));
    assert_eq!(client.takes(&state), nothing());
}

#[test]
fn names_are_bounded() {
    let many: Vec<String> = (0..=MAX_NAMES).map(|number| number.to_string()).collect();
    let request = Request { subscribe: many, ..Request::default() };
    let error = Subscription::open(ResourceType::Endpoints, request).unwrap_err();
    assert_eq!(error, TooManyNames(ResourceType::Endpoints));
    let mut client = Client::named(&["a"]);
    let told = (0..=MAX_NAMES).map(|number| (number.to_string(), String::new())).collect();
    let request = Request { initial_versions: told, ..Request::default() };
    assert!(client.subscription.request(request).is_err());
    // Many small requests come to the same as one large one.
    let mut client = Client::wildcard();
    let mut tells = |from: usize| {
        let told = (from..from + MAX_NAMES / 2).map(|number| (number.to_string(), String::new())).collect();
        client.subscription.request(Request { initial_versions: told, ..Request::default() })
    };
    assert!(tells(0).is_ok() && tells(MAX_NAMES).is_ok());
    assert!(tells(2 * MAX_NAMES).is_err());
}

// Deleting, and names that do not exist

#[test]
fn what_goes_is_removed_once_and_only_in_its_phase() {
    let mut client = Client::wildcard();
    client.takes(&desired(&[("a", 1), ("b", 1)]));
    let state = desired(&[("a", 1)]);
    assert!(client.offered(&state, Phase::Updates).is_none());
    assert_eq!(client.subscription.standing(&state), Standing::Surplus);
    assert_eq!(client.takes(&state), removed(&["b"]));
    assert_eq!(client.takes(&state), nothing());
    assert_eq!(client.subscription.standing(&state), Standing::Confirmed);
}

#[test]
fn a_name_that_does_not_exist_is_removed_at_once_and_sent_when_it_comes() {
    let mut client = Client::named(&["late"]);
    let response = client.offered(&desired(&[]), Phase::Updates).unwrap();
    assert_eq!(response.removed, ["late".into()]);
    client.answers(&response, None);
    assert_eq!(client.takes(&desired(&[])), nothing());
    assert_eq!(client.takes(&desired(&[("late", 1)])), sent(&["late"]));
}

// Incremental: reconnecting

#[test]
fn a_client_that_comes_back_gets_what_changed_and_loses_what_went() {
    let state = desired(&[("same", 1), ("changed", 2), ("new", 1)]);
    let versions = vec![
        ("same".to_owned(), version(&state, "same")),
        ("changed".to_owned(), "older".to_owned()),
        ("gone".to_owned(), "older".to_owned()),
    ];
    let first = Request { initial_versions: versions.clone(), ..Request::default() };
    let mut client = Client::of(ResourceType::Cluster, first);
    assert_eq!(client.takes(&state), (names(&["changed", "new"]), names(&["gone"])));

    let first = Request { initial_versions: versions, ..subscribe(&["same", "changed", "gone"]) };
    let mut client = Client::of(ResourceType::Endpoints, first);
    assert_eq!(client.takes(&state), (names(&["changed"]), names(&["gone"])));
}

#[test]
fn a_client_that_holds_everything_is_confirmed_without_a_word() {
    let state = desired(&[("a", 1)]);
    let versions = vec![("a".to_owned(), version(&state, "a"))];
    let first = Request { initial_versions: versions, ..subscribe(&["a"]) };
    let mut client = Client::of(ResourceType::Routes, first);
    assert_eq!(client.subscription.standing(&state), Standing::Confirmed);
    assert_eq!(client.takes(&state), nothing());
}

// Eventual consistency

#[test]
fn what_is_made_due_is_sent_again_unless_nobody_wants_it() {
    let state = desired(&[("a", 1), ("b", 1)]);
    let mut client = Client::named(&["a"]);
    client.takes(&state);
    client.subscription.make_due(&"a".into());
    client.subscription.make_due(&"b".into());
    assert_eq!(client.takes(&state), sent(&["a"]));
}

#[test]
fn progress_counts_what_is_wanted_and_what_is_acknowledged() {
    let mut client = Client::named(&["a", "b"]);
    client.takes(&desired(&[("a", 1), ("b", 1)]));
    assert_eq!(client.subscription.progress(&desired(&[("a", 2), ("b", 1), ("c", 1)])), (2, 1));
}
