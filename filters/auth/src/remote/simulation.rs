//! Many VMs with one shared store, one issuer and one clock, none of them real.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Call, Called, Keeper, Poll, Record, Refused, Store, Timing, WaitingRoom};

/// The shared data of the host, as proxy-wasm has it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    inside: RefCell<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    record: Option<(Vec<u8>, u32)>,
    body: Option<Vec<u8>>,
    writes: u32,
}

impl Store for Shared {
    fn record(&self) -> Option<(Vec<u8>, u32)> {
        self.inside.borrow().record.clone()
    }

    fn put_record(&self, bytes: &[u8], version: Option<u32>) -> bool {
        let mut inside = self.inside.borrow_mut();
        if inside.record.as_ref().map(|(_, version)| *version) != version {
            return false;
        }
        inside.writes += 1;
        inside.record = Some((bytes.to_vec(), inside.writes));
        true
    }

    fn body(&self) -> Option<Vec<u8>> {
        self.inside.borrow().body.clone()
    }

    fn put_body(&self, bytes: &[u8]) {
        self.inside.borrow_mut().body = Some(bytes.to_vec());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accepted,
    Unauthorized,
    Unavailable,
}

/// A VM. Its keys are bytes: each is the name of a key.
struct Vm {
    keeper: Keeper,
    keys: Vec<u8>,
    room: WaitingRoom,
    next_tick: u64,
    /// When the answer to its fetch comes.
    answer_at: Option<u64>,
    alive: bool,
}

struct Request {
    vm: usize,
    key: u8,
    arrived: u64,
    answered: Option<(u64, Answer)>,
}

struct World {
    timing: Timing,
    now: u64,
    store: Shared,
    vms: Vec<Vm>,
    requests: BTreeMap<u32, Request>,
    /// What the issuer publishes; nothing while it is down.
    published: Option<Vec<u8>>,
    latency: u64,
    /// When each fetch started.
    fetches: Vec<u64>,
    most_at_once: usize,
    random: u64,
}

const START: u64 = 1_700_000_000_000;
const TIMING: Timing =
    Timing { timeout: 5_000, refresh: 300_000, unknown_key: 5_000, hold: 5_000, hold_requests: 1_000 };

impl World {
    fn new(vms: usize, timing: Timing) -> Self {
        let vm = |number: usize| Vm {
            keeper: Keeper::new(timing, number as u64 + 1),
            keys: Vec::new(),
            room: WaitingRoom::default(),
            next_tick: START + number as u64 * 7 % 40,
            answer_at: None,
            alive: true,
        };
        Self {
            timing,
            now: START,
            store: Shared::default(),
            vms: (0..vms).map(vm).collect(),
            requests: BTreeMap::new(),
            published: Some(b"a".to_vec()),
            latency: 30,
            fetches: Vec::new(),
            most_at_once: 0,
            random: 1,
        }
    }

    fn random(&mut self) -> u64 {
        // Knuth's MMIX numbers.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 16
    }

    fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while self.now < end {
            self.now += 5;
            for vm in 0..self.vms.len() {
                self.act(vm);
            }
            let at_once = self.vms.iter().filter(|vm| vm.alive && vm.answer_at.is_some()).count();
            self.most_at_once = self.most_at_once.max(at_once);
        }
    }

    fn act(&mut self, number: usize) {
        let random = self.random();
        let Self { now, store, vms, published, latency, timing, .. } = self;
        let vm = &mut vms[number];
        if !vm.alive {
            return;
        }
        if vm.answer_at.is_some_and(|at| at <= *now) {
            vm.answer_at = None;
            if vm.keeper.fetched(store, *now, random, published.as_deref()) {
                vm.keys = published.clone().unwrap();
            }
        } else if vm.next_tick > *now {
            return;
        }
        let Poll { load, fetch } = vm.keeper.poll(store, *now, random);
        if let Some(keys) = load {
            vm.keys = keys;
        }
        if fetch {
            vm.answer_at = Some(*now + (*latency).min(timing.timeout));
            self.fetches.push(*now);
        }
        let called = vm.room.called(0, &vm.keeper, *now);
        for Called { request, why, generation } in called {
            self.decide(request, why != Call::Try);
            self.vms[number].room.wait_on(request, generation);
        }
        let vm = &mut self.vms[number];
        let hurry = vm.keys.is_empty() || !vm.room.is_empty();
        vm.next_tick = self.now + if hurry { 20 } else { 1_000 };
    }

    fn decide(&mut self, id: u32, finally: bool) {
        let request = self.requests.get_mut(&id).unwrap();
        let vm = &mut self.vms[request.vm];
        let answer = match () {
            () if vm.keys.contains(&request.key) => Answer::Accepted,
            () if !finally => return,
            () if vm.keys.is_empty() => Answer::Unavailable,
            () => Answer::Unauthorized,
        };
        vm.room.leave(id);
        assert_eq!(request.answered.replace((self.now, answer)), None, "answered twice");
    }

    /// A request with a token of this key comes to a VM.
    fn request(&mut self, number: usize, key: u8) -> u32 {
        let id = u32::try_from(self.requests.len()).unwrap();
        self.requests.insert(id, Request { vm: number, key, arrived: self.now, answered: None });
        let vm = &mut self.vms[number];
        if !vm.keys.contains(&key) {
            if let Some(keys) = vm.keeper.look(&self.store, self.now) {
                vm.keys = keys;
            }
            if !vm.keys.contains(&key) {
                match vm.keeper.admit(!vm.keys.is_empty(), vm.room.count(0), self.now) {
                    Ok(waiting) => {
                        vm.room.enter(id, 0, waiting, &vm.keeper);
                        vm.next_tick = vm.next_tick.min(self.now + 20);
                        return id;
                    }
                    Err(Refused::TooMany | Refused::TooLate) => {}
                }
            }
        }
        self.decide(id, true);
        id
    }

    fn answer(&self, id: u32) -> Option<Answer> {
        self.requests[&id].answered.map(|(_, answer)| answer)
    }

    fn waited(&self, id: u32) -> u64 {
        let request = &self.requests[&id];
        request.answered.unwrap().0 - request.arrived
    }

    /// Every request has been answered, none later than it may be held (with the time to the next look).
    fn assert_nobody_waited_too_long(&self) {
        for id in self.requests.keys() {
            assert!(self.answer(*id).is_some(), "request {id} was never answered");
            assert!(self.waited(*id) <= self.timing.hold + 25, "request {id} waited {}", self.waited(*id));
        }
    }
}

#[test]
fn the_first_requests_of_all_workers_wait_for_one_fetch() {
    for vms in [1, 2, 4, 32] {
        let mut world = World::new(vms, TIMING);
        world.latency = 700;
        let requests: Vec<_> =
            (0..vms).flat_map(|vm| [world.request(vm, b'a'), world.request(vm, b'a')]).collect();
        world.run(2_000);
        assert_eq!(world.fetches.len(), 1, "{vms} VMs");
        for id in requests {
            assert_eq!(world.answer(id), Some(Answer::Accepted));
            assert!(world.waited(id) < 800);
        }
    }
}

#[test]
fn there_is_one_fetch_for_each_refresh_whatever_the_number_of_vms() {
    let mut counts = Vec::new();
    for vms in [1, 4, 64] {
        let mut world = World::new(vms, Timing { refresh: 10_000, ..TIMING });
        world.run(200_000);
        // 200 s of at most 10 s and at least 8 s each (and up to a tick of a second to notice).
        assert!((18..=26).contains(&world.fetches.len()), "{vms} VMs: {}", world.fetches.len());
        assert_eq!(world.most_at_once, 1);
        counts.push(world.fetches.len());
    }
    assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 4, "{counts:?}");
}

#[test]
fn an_issuer_that_is_down_from_the_start_is_not_stormed_and_is_noticed_when_it_comes() {
    let mut world = World::new(8, TIMING);
    world.published = None;
    let mut requests = Vec::new();
    for round in 0..60 {
        requests.extend((0..8).map(|vm| world.request((vm + round) % 8, b'a')));
        world.run(1_000);
    }
    // 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 seconds, or half of each.
    assert!((12..=30).contains(&world.fetches.len()), "{}", world.fetches.len());
    assert_eq!(world.most_at_once, 1);
    world.published = Some(b"a".to_vec());
    world.run(6_000);
    assert!(world.vms.iter().all(|vm| vm.keys == b"a"));
    world.assert_nobody_waited_too_long();
    assert_eq!(world.answer(requests[0]), Some(Answer::Unavailable));
    assert_eq!(world.answer(*requests.last().unwrap()), Some(Answer::Accepted));
}

#[test]
fn an_issuer_that_goes_down_leaves_its_last_keys_and_is_not_stormed() {
    let mut world = World::new(8, Timing { refresh: 10_000, ..TIMING });
    world.run(1_000);
    world.published = None;
    let before = world.fetches.len();
    for _ in 0..600 {
        let id = world.request(3, b'a');
        assert_eq!(world.answer(id), Some(Answer::Accepted));
        world.run(1_000);
    }
    // The pause grows to the refresh time, or half of it.
    assert!(world.fetches.len() - before <= 130, "{}", world.fetches.len() - before);
}

#[test]
fn a_rotation_is_noticed_by_the_first_token_of_the_new_key_and_refuses_none() {
    let mut world = World::new(4, TIMING);
    world.run(10_000);
    world.published = Some(b"ab".to_vec());
    let before = world.fetches.len();
    let mut requests = Vec::new();
    for round in 0..400 {
        requests.push(world.request(round % 4, if round % 2 == 0 { b'a' } else { b'b' }));
        world.run(5);
    }
    world.published = Some(b"b".to_vec());
    world.run(1_000);
    for id in requests {
        assert_eq!(world.answer(id), Some(Answer::Accepted));
        assert!(world.waited(id) < 100);
    }
    assert_eq!(world.fetches.len() - before, 1, "one fetch for all of them");
}

#[test]
fn keys_that_a_new_request_finds_serve_those_that_wait_already() {
    let mut world = World::new(2, Timing { refresh: 10_000, ..TIMING });
    world.latency = 500;
    world.run(1_000);
    world.request(0, b'x');
    world.run(100);
    // The second VM's request comes when the fetch that brings its key is under way.
    world.published = Some(b"ab".to_vec());
    let waiting = world.request(1, b'b');
    assert_eq!(world.answer(waiting), None);
    while world.store.body().is_none_or(|body| !body.ends_with(b"ab")) {
        let quiet = world.now + 1_000;
        world.vms[1].next_tick = quiet;
        world.run(5);
    }
    let other = world.request(1, b'b');
    assert_eq!(world.answer(other), Some(Answer::Accepted));
    world.vms[1].next_tick = world.now;
    world.run(30);
    assert_eq!(world.answer(waiting), Some(Answer::Accepted));
}

#[test]
fn tokens_of_keys_that_do_not_exist_cost_a_fetch_each_five_seconds_and_wait_in_bounds() {
    let mut world = World::new(4, TIMING);
    world.run(1_000);
    let before = world.fetches.len();
    for round in 0..12_000 {
        world.request(round % 4, b'x');
        world.run(5);
    }
    world.run(10_000);
    assert!(world.fetches.len() - before <= 14, "{} in a minute", world.fetches.len() - before);
    assert_eq!(world.most_at_once, 1);
    world.assert_nobody_waited_too_long();
    assert!(world.requests.values().all(|request| request.answered.unwrap().1 == Answer::Unauthorized));
    let good = world.request(0, b'a');
    assert_eq!(world.answer(good), Some(Answer::Accepted));
}

#[test]
fn an_unknown_key_is_answered_within_one_fetch() {
    let mut world = World::new(4, TIMING);
    world.run(1_000);
    let id = world.request(2, b'x');
    world.run(100);
    assert_eq!(world.answer(id), Some(Answer::Unauthorized));
    assert_eq!(world.fetches.len(), 2);
}

#[test]
fn no_more_requests_wait_than_may() {
    let mut world = World::new(1, Timing { hold_requests: 3, ..TIMING });
    world.published = None;
    let requests: Vec<_> = (0..5).map(|_| world.request(0, b'a')).collect();
    let now: Vec<_> = requests.iter().map(|id| world.answer(*id)).collect();
    assert_eq!(now, [None, None, None, Some(Answer::Unavailable), Some(Answer::Unavailable)]);
}

#[test]
fn a_fetcher_that_dies_is_replaced_when_its_lease_ends() {
    let mut world = World::new(4, TIMING);
    world.latency = 2_000;
    world.run(100);
    let fetcher = world.vms.iter().position(|vm| vm.answer_at.is_some()).unwrap();
    world.vms[fetcher].alive = false;
    world.run(5_800);
    assert_eq!(world.fetches.len(), 1, "the lease lasts for the timeout and a second");
    world.run(5_000);
    assert_eq!(world.fetches.len(), 2);
    assert!(world.vms.iter().all(|vm| !vm.alive || vm.keys == b"a"));
}

#[test]
fn vms_that_trap_on_what_they_fetch_do_not_all_die_at_once() {
    let mut world = World::new(16, TIMING);
    world.latency = 10_000;
    for _ in 0..600 {
        world.run(100);
        // Whoever has an answer coming dies of it.
        let dying = world.vms.iter_mut().filter(|vm| vm.answer_at.is_some());
        dying.for_each(|vm| vm.alive = false);
    }
    assert!(world.fetches.len() <= 10, "{} of 16 in a minute", world.fetches.len());
}

#[test]
fn a_new_configuration_finds_the_last_good_set_at_once() {
    let mut world = World::new(2, TIMING);
    world.run(1_000);
    world.published = None;
    let mut late = Keeper::new(TIMING, 99);
    assert_eq!(late.poll(&world.store, world.now, 0), Poll { load: Some(b"a".to_vec()), fetch: false });
    assert_eq!(Record::decode(&world.store.record().unwrap().0).unwrap().failures, 0);
}
