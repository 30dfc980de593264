use cutover_domain::Weights;

use super::*;
use crate::fixture::{gateway, upstream};
use crate::model::Gateway;
use crate::render;

fn snapshot(gateway: &Gateway) -> Snapshot {
    render(gateway, &Weights::new()).unwrap()
}

/// What a response says: its type, names, and removed names after a minus.
fn words(response: &Response) -> String {
    let names = response.resources.iter().map(|resource| resource.name().to_owned());
    let removed = response.removed.iter().map(|name| format!("-{name}"));
    format!("{} {}", response.kind, names.chain(removed).collect::<Vec<_>>().join(" "))
}

#[derive(Default)]
struct Client {
    session: Session,
}

impl Client {
    /// A client that runs a snapshot.
    fn running(snapshot: &Snapshot) -> Self {
        let mut client = Self::default();
        client.says(ResourceType::Cluster, &[]);
        client.takes(snapshot);
        let clusters: Vec<&str> =
            snapshot.resources(ResourceType::Endpoints).map(crate::Resource::name).collect();
        client.says(ResourceType::Endpoints, &clusters);
        client.says(ResourceType::Listener, &[]);
        client.says(ResourceType::Routes, &["edge"]);
        client.takes(snapshot);
        assert_eq!(client.session.outcome(snapshot), Outcome::Confirmed);
        client
    }

    fn says(&mut self, kind: ResourceType, subscribe: &[&str]) {
        let subscribe = subscribe.iter().map(|name| (*name).to_owned()).collect();
        self.session.request(kind, Request { subscribe, ..Request::default() }).unwrap();
    }

    /// The first request of a type on a new stream, by a client that still runs a snapshot.
    fn comes_back(&mut self, kind: ResourceType, subscribe: &[&str], running: &Snapshot) {
        let held = running.resources(kind);
        let initial_versions = held.map(|held| (held.name().to_owned(), held.version().to_owned())).collect();
        let subscribe = subscribe.iter().map(|name| (*name).to_owned()).collect();
        self.session.request(kind, Request { subscribe, initial_versions, ..Request::default() }).unwrap();
    }

    fn answers(&mut self, response: &Response, refusal: Option<&str>) {
        let refusal = refusal.map(str::to_owned);
        let request = Request { nonce: response.nonce.clone(), refusal, ..Request::default() };
        self.session.request(response.kind, request).unwrap();
    }

    /// Everything that may go out now.
    fn offered(&mut self, snapshot: &Snapshot) -> Vec<Response> {
        std::iter::from_fn(|| self.session.next(snapshot, Revision(1))).collect()
    }

    /// Accepts everything, one batch after the other; the words of each response in order.
    fn takes(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            let batch = self.offered(snapshot);
            if batch.is_empty() {
                return said;
            }
            said.extend(batch.iter().map(words));
            batch.iter().for_each(|response| self.answers(response, None));
        }
    }
}

#[test]
fn a_weight_change_is_routes_only() {
    let gateway = gateway("service");
    let mut client = Client::running(&snapshot(&gateway));
    let weights = [("op".parse().unwrap(), "50".parse().unwrap())].into_iter().collect();
    assert_eq!(client.takes(&render(&gateway, &weights).unwrap()), ["RDS edge"]);
}

#[test]
fn listeners_and_routes_wait_for_clusters_and_endpoints_but_these_for_nothing() {
    let first = snapshot(&gateway("service"));
    let mut client = Client::default();
    client.says(ResourceType::Routes, &["edge"]);
    client.says(ResourceType::Listener, &[]);
    client.says(ResourceType::Cluster, &[]);
    let clusters = client.offered(&first);
    assert_eq!(clusters.iter().map(words).collect::<Vec<_>>(), ["CDS answer node service"]);
    // Envoy acknowledges clusters once they are warm, and they warm when it has their endpoints.
    client.says(ResourceType::Endpoints, &["node", "service"]);
    let endpoints = client.offered(&first);
    assert_eq!(endpoints.iter().map(words).collect::<Vec<_>>(), ["EDS node service"]);
    client.answers(&endpoints[0], None);
    assert!(client.offered(&first).is_empty());
    client.answers(&clusters[0], None);
    let rest: Vec<String> = client.offered(&first).iter().map(words).collect();
    assert_eq!(rest, ["LDS answer edge", "RDS edge"]);
}

#[test]
fn a_service_is_there_before_it_is_named_and_goes_when_nobody_names_it() {
    let mut client = Client::running(&snapshot(&gateway("old")));
    let next = snapshot(&gateway("new"));
    let clusters = client.offered(&next);
    assert_eq!(clusters.iter().map(words).collect::<Vec<_>>(), ["CDS new"]);
    client.says(ResourceType::Endpoints, &["new"]);
    client.answers(&clusters[0], None);
    assert_eq!(client.takes(&next), ["EDS new", "RDS edge", "EDS -old", "CDS -old"]);
    assert_eq!(client.session.outcome(&next), Outcome::Confirmed);
}

#[test]
fn a_changed_cluster_gets_its_endpoints_again() {
    let mut gateway = gateway("service");
    let mut client = Client::running(&snapshot(&gateway));
    gateway.upstreams.insert("service".to_owned(), upstream(4000, 20));
    assert_eq!(client.takes(&snapshot(&gateway)), ["CDS service", "EDS service"]);
}

#[test]
fn a_cluster_that_changed_while_the_client_was_away_gets_its_endpoints_again() {
    let mut gateway = gateway("service");
    let before = snapshot(&gateway);
    gateway.upstreams.insert("service".to_owned(), upstream(4000, 20));
    let after = snapshot(&gateway);
    let mut client = Client::default();
    client.comes_back(ResourceType::Cluster, &["*"], &before);
    let clusters = client.offered(&after);
    assert_eq!(clusters.iter().map(words).collect::<Vec<_>>(), ["CDS service"]);
    // Its second request is on the way before it has read the answer to the first.
    client.comes_back(ResourceType::Endpoints, &["node", "service"], &before);
    assert_eq!(client.offered(&after).iter().map(words).collect::<Vec<_>>(), ["EDS service"]);
}

#[test]
fn who_never_asks_for_endpoints_is_not_remembered_twice() {
    let snapshot = snapshot(&gateway("service"));
    let mut client = Client::default();
    for _ in 0..3 {
        client.says(ResourceType::Cluster, &["service"]);
        assert_eq!(client.takes(&snapshot), ["CDS service"]);
    }
    assert_eq!(client.session.warming.len(), 1);
}

#[test]
fn a_refused_type_holds_back_removals_and_nothing_else() {
    let mut client = Client::running(&snapshot(&gateway("old")));
    let next = snapshot(&gateway("new"));
    client.says(ResourceType::Endpoints, &["new"]);
    let mut routes = None;
    while routes.is_none() {
        for response in client.offered(&next) {
            let refused = response.kind == ResourceType::Routes;
            client.answers(&response, refused.then_some("bad route"));
            routes = routes.or(refused.then_some(response));
        }
    }
    // The old routes are what it runs; what they need must stay.
    assert!(client.offered(&next).is_empty());
    let outcome = client.session.outcome(&next);
    assert!(
        matches!(&outcome, Outcome::Refused(refused) if refused[0].1.message == "bad route"),
        "{outcome:?}"
    );
    // A listener can still change.
    let other = Gateway { max_body_bytes: 2048, ..gateway("new") };
    assert_eq!(client.takes(&snapshot(&other)), ["LDS edge"]);
}

#[test]
fn a_client_is_not_done_before_it_has_asked_for_all_that_it_needs() {
    let snapshot = snapshot(&gateway("service"));
    let mut client = Client::default();
    assert_eq!(client.session.outcome(&snapshot), Outcome::Waiting);
    client.says(ResourceType::Cluster, &[]);
    client.takes(&snapshot);
    assert_eq!(client.session.outcome(&snapshot), Outcome::Waiting, "clusters have endpoints");
    client.says(ResourceType::Endpoints, &["node", "service"]);
    client.says(ResourceType::Listener, &[]);
    client.takes(&snapshot);
    assert_eq!(client.session.outcome(&snapshot), Outcome::Waiting, "listeners have routes");
    client.says(ResourceType::Routes, &["edge"]);
    client.takes(&snapshot);
    assert_eq!(client.session.outcome(&snapshot), Outcome::Confirmed);
}

#[test]
fn a_client_that_comes_back_is_not_done_before_it_has_asked_for_routes() {
    let gateway = gateway("service");
    let before = snapshot(&gateway);
    let weights = [("op".parse().unwrap(), "50".parse().unwrap())].into_iter().collect();
    let after = render(&gateway, &weights).unwrap();
    let mut client = Client::default();
    client.comes_back(ResourceType::Cluster, &["*"], &before);
    client.comes_back(ResourceType::Endpoints, &["node", "service"], &before);
    assert!(client.offered(&after).is_empty());
    assert_eq!(client.session.outcome(&after), Outcome::Waiting, "it may still run the old weights");
    client.comes_back(ResourceType::Listener, &["*"], &before);
    client.comes_back(ResourceType::Routes, &["edge"], &before);
    assert_eq!(client.takes(&after), ["RDS edge"]);
    assert_eq!(client.session.outcome(&after), Outcome::Confirmed);
}

#[test]
fn who_wants_routes_only_is_done_with_routes() {
    let snapshot = snapshot(&gateway("service"));
    let mut client = Client::default();
    client.says(ResourceType::Routes, &["edge"]);
    assert_eq!(client.takes(&snapshot), ["RDS edge"]);
    assert_eq!(client.session.outcome(&snapshot), Outcome::Confirmed);
}
