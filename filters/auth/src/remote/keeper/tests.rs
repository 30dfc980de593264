use std::cell::{Cell, RefCell};

use super::*;
use crate::remote::Lease;
use crate::remote::simulation::Shared;

const TIMING: Timing =
    Timing { timeout: 5_000, refresh: 300_000, unknown_key: 5_000, hold: 5_000, hold_requests: 2 };
const T: u64 = 1_700_000_000_000;

fn keeper(owner: u64) -> Keeper {
    Keeper::new(TIMING, owner)
}

/// A VM that has fetched and loaded the set `a` at `T`.
fn settled(store: &Shared) -> Keeper {
    let mut vm = keeper(1);
    assert!(vm.poll(store, T, 0).fetch);
    assert!(vm.fetched(store, T, 0, Some(b"a")));
    vm
}

/// A store in which another VM acts between this VM's reading and writing.
struct Overtaken<'a> {
    store: &'a Shared,
    others: RefCell<Vec<Box<dyn FnOnce() + 'a>>>,
    refused: Cell<usize>,
}

impl Store for Overtaken<'_> {
    fn record(&self) -> Option<(Vec<u8>, u32)> {
        let record = self.store.record();
        let other = self.others.borrow_mut().pop();
        if let Some(other) = other {
            other();
        }
        record
    }

    fn put_record(&self, bytes: &[u8], version: Option<u32>) -> bool {
        let done = self.store.put_record(bytes, version);
        if !done {
            self.refused.set(self.refused.get() + 1);
        }
        done
    }

    fn body(&self) -> Option<Vec<u8>> {
        self.store.body()
    }

    fn put_body(&self, bytes: &[u8]) {
        self.store.put_body(bytes);
    }
}

#[test]
fn the_first_vm_fetches_and_the_others_find_the_result() {
    let store = Shared::default();
    let (mut first, mut second) = (keeper(1), keeper(2));
    assert_eq!(first.poll(&store, T, 0), Poll { load: None, fetch: true });
    assert_eq!(first.poll(&store, T + 20, 0), Poll::default(), "it is asked to fetch once");
    assert_eq!(second.poll(&store, T + 20, 0), Poll::default());
    assert!(first.fetched(&store, T + 50, 0, Some(b"a")));
    assert_eq!(first.poll(&store, T + 60, 0), Poll::default(), "it has the set that it fetched");
    assert_eq!(second.poll(&store, T + 60, 0), Poll { load: Some(b"a".to_vec()), fetch: false });
    assert_eq!(second.poll(&store, T + 80, 0), Poll::default());
}

#[test]
fn of_two_vms_that_read_at_once_one_gets_the_lease() {
    let store = Shared::default();
    let mut other = keeper(2);
    let fetches = Cell::new(0);
    let act = || fetches.set(fetches.get() + u32::from(other.poll(&store, T, 0).fetch));
    let overtaken =
        Overtaken { store: &store, others: RefCell::new(vec![Box::new(act)]), refused: Cell::new(0) };
    let mut vm = keeper(1);
    assert_eq!(vm.poll(&overtaken, T, 0), Poll::default(), "nothing was there, but no more");
    assert_eq!(overtaken.refused.get(), 1);
    drop(overtaken);
    assert_eq!(fetches.get(), 1);
}

#[test]
fn a_vm_that_goes_in_the_middle_of_a_fetch_leaves_it_to_the_others() {
    let store = Shared::default();
    let (mut first, mut second) = (keeper(1), keeper(2));
    assert!(first.poll(&store, T, 0).fetch);
    second.leave(&store, T + 5);
    assert!(!second.poll(&store, T + 10, 0).fetch, "who is not fetching leaves nothing");
    first.leave(&store, T + 10);
    assert!(second.poll(&store, T + 20, 0).fetch);
}

#[test]
fn a_vm_that_does_not_come_back_loses_the_lease_and_its_late_result_does_not_count() {
    let store = Shared::default();
    let (mut first, mut second) = (keeper(1), keeper(2));
    assert!(first.poll(&store, T, 0).fetch);
    assert!(!second.poll(&store, T + 5_999, 0).fetch);
    assert!(!second.poll(&store, T + 6_000, 0).fetch, "it counts as a failure, with its pause");
    assert_eq!(second.record().failures, 1);
    assert!(second.poll(&store, T + 6_200, 0).fetch);
    assert!(!first.fetched(&store, T + 6_201, 0, Some(b"old")));
    assert!(second.fetched(&store, T + 6_300, 0, Some(b"new")));
    assert_eq!(first.poll(&store, T + 6_400, 0).load.as_deref(), Some(b"new".as_slice()));
}

#[test]
fn a_result_that_is_late_but_nobody_else_has_taken_over_counts() {
    let store = Shared::default();
    let mut vm = keeper(1);
    assert!(vm.poll(&store, T, 0).fetch);
    assert!(vm.fetched(&store, T + 100_000, 0, Some(b"a")));
}

#[test]
fn a_failure_keeps_the_last_good_set() {
    let store = Shared::default();
    let mut vm = settled(&store);
    let due = vm.record().next_due;
    assert!(!vm.poll(&store, due - 1, 0).fetch);
    assert!(vm.poll(&store, due, 0).fetch);
    assert!(!vm.fetched(&store, due + 100, 0, None));
    assert_eq!(keeper(2).poll(&store, due + 200, 0).load.as_deref(), Some(b"a".as_slice()));
    assert!(!vm.poll(&store, due + 500, 0).fetch);
    assert!(vm.poll(&store, due + 1_100, 0).fetch);
}

#[test]
fn the_same_set_again_is_not_loaded_again() {
    let store = Shared::default();
    let (mut vm, mut other) = (settled(&store), keeper(2));
    assert!(other.poll(&store, T, 0).load.is_some());
    let due = vm.record().next_due;
    assert!(vm.poll(&store, due, 0).fetch);
    assert!(!vm.fetched(&store, due + 1, 0, Some(b"a")));
    assert_eq!(other.poll(&store, due + 2, 0), Poll::default());
    assert_eq!(other.record().fetched_at, due + 1, "but it is young again");
}

#[test]
fn junk_is_as_good_as_nothing() {
    let store = Shared::default();
    assert!(store.put_record(b"junk", None));
    let mut vm = keeper(1);
    assert!(vm.poll(&store, T, 0).fetch);
    assert!(vm.fetched(&store, T, 0, Some(b"a")));
    // In the middle of its life: it is fetched again, and what the VM was fetching before does not count.
    let mut vm = settled(&Shared::default());
    let store = Shared::default();
    assert!(store.put_record(b"", None));
    assert!(vm.poll(&store, T, 0).fetch);
    let (bytes, version) = store.record().unwrap();
    assert!(Record::decode(&bytes).is_some());
    assert!(store.put_record(b"junk", Some(version)));
    assert!(!vm.fetched(&store, T + 1, 0, Some(b"b")));
    assert!(vm.poll(&store, T + 2, 0).fetch);
    assert!(vm.fetched(&store, T + 3, 0, Some(b"b")));
}

#[test]
fn a_record_without_its_set_is_fetched_again() {
    let (full, store) = (Shared::default(), Shared::default());
    settled(&full);
    assert!(store.put_record(&full.record().unwrap().0, None));
    let mut vm = keeper(2);
    assert_eq!(vm.poll(&store, T + 1, 0), Poll::default());
    assert!(vm.poll(&store, T + 2, 0).fetch);
}

#[test]
fn a_set_that_a_vm_cannot_use_is_fetched_again_at_the_rate_of_unknown_keys() {
    let store = Shared::default();
    settled(&store);
    let mut vm = keeper(2);
    assert!(vm.poll(&store, T + 1, 0).load.is_some());
    vm.refuse_load();
    assert!(vm.poll(&store, T + 2, 0).fetch);
    vm.fetched(&store, T + 3, 0, None);
    vm.refuse_load();
    assert!(!vm.poll(&store, T + 400, 0).fetch);
}

#[test]
fn a_request_with_an_unknown_key_waits_for_the_end_of_a_fetch_that_starts_after_it() {
    let store = Shared::default();
    let mut vm = settled(&store);
    let request = vm.admit(true, 0, T + 100).unwrap();
    assert_eq!(request.want, Want::FetchAfter(1));
    assert!(vm.poll(&store, T + 120, 0).fetch);
    assert_eq!(vm.outlook(&request, T + 130), Outlook::Hope);
    // The next one comes when that fetch is under way already.
    let next = vm.admit(true, 1, T + 140).unwrap();
    assert_eq!(next.want, Want::FetchAfter(2));
    assert!(!vm.fetched(&store, T + 150, 0, Some(b"a")));
    assert_eq!(vm.outlook(&request, T + 160), Outlook::Come);
    assert_eq!(vm.outlook(&next, T + 160), Outlook::Hope);
    assert!(!vm.poll(&store, T + 5_119, 0).fetch);
    assert!(vm.poll(&store, T + 5_120, 0).fetch);
    vm.fetched(&store, T + 5_130, 0, None);
    assert_eq!(vm.outlook(&next, T + 5_139), Outlook::Come, "the fetch has ended, if with nothing");
    assert_eq!(vm.outlook(&next, T + 5_140), Outlook::Late);
}

#[test]
fn a_request_that_could_not_be_helped_in_time_is_refused_at_once() {
    let store = Shared::default();
    let mut vm = Keeper::new(Timing { hold: 1_000, ..TIMING }, 1);
    assert!(vm.poll(&store, T, 0).fetch);
    assert!(vm.admit(false, 0, T).is_ok(), "somebody is fetching");
    assert!(vm.fetched(&store, T, 0, Some(b"a")));
    assert!(vm.admit(true, 0, T + 10).is_ok());
    assert!(vm.poll(&store, T + 20, 0).fetch);
    assert!(vm.admit(true, 0, T + 30).is_ok(), "what is under way may bring it");
    vm.fetched(&store, T + 40, 0, Some(b"a"));
    assert_eq!(vm.admit(true, 0, T + 50), Err(Refused::TooLate));
    assert!(vm.admit(true, 0, T + 4_050).is_ok(), "the next is permitted at 5020");
    assert_eq!(vm.admit(true, 2, T + 4_050), Err(Refused::TooMany));
    let mut never = Keeper::new(Timing { hold: 0, ..TIMING }, 2);
    assert_eq!(never.admit(false, 0, T), Err(Refused::TooLate));
}

#[test]
fn a_request_that_was_refused_at_once_has_the_keys_fetched_all_the_same() {
    let store = Shared::default();
    let mut vm = Keeper::new(Timing { hold: 0, ..TIMING }, 1);
    assert!(vm.poll(&store, T, 0).fetch);
    assert!(vm.fetched(&store, T, 0, Some(b"a")));
    assert!(vm.admit(true, 0, T + 10).is_err());
    assert!(vm.poll(&store, T + 20, 0).fetch);
}

#[test]
fn another_vms_fetch_that_started_after_the_request_serves_it_too() {
    let store = Shared::default();
    let mut vm = settled(&store);
    let request = vm.admit(true, 0, T + 10).unwrap();
    let mut other = keeper(2);
    other.admit(true, 0, T + 10).unwrap();
    let _ = other.poll(&store, T + 15, 0);
    other.admit(true, 0, T + 16).unwrap();
    assert!(other.poll(&store, T + 17, 0).fetch);
    assert_eq!(vm.poll(&store, T + 20, 0), Poll::default());
    other.fetched(&store, T + 30, 0, Some(b"b"));
    assert_eq!(vm.poll(&store, T + 40, 0).load.as_deref(), Some(b"b".as_slice()));
    assert_eq!(vm.outlook(&request, T + 40), Outlook::Come);
    assert_eq!(vm.poll(&store, T + 10_000, 0), Poll::default(), "and no other fetch follows");
}

#[test]
fn a_clock_that_jumps_does_not_hold_a_request_for_ever() {
    let store = Shared::default();
    let mut vm = keeper(1);
    assert!(vm.poll(&store, T, 0).fetch);
    let request = vm.admit(false, 0, T).unwrap();
    assert_eq!(vm.outlook(&request, T - 900), Outlook::Hope);
    assert_eq!(vm.outlook(&request, T - 1_001), Outlook::Late);
    assert_eq!(vm.outlook(&request, T + 5_000), Outlook::Late);
}

#[test]
fn a_lease_of_another_time_is_not_waited_for_longer_than_any_lease_lasts() {
    let store = Shared::default();
    let record =
        Record { started: 1, lease: Some(Lease { owner: 9, until: T + 3_600_000 }), ..Record::default() };
    assert!(store.put_record(&record.encode(), None));
    let mut vm = keeper(1);
    assert_eq!(vm.poll(&store, T, 0), Poll::default());
    assert!(!vm.poll(&store, T + 61_000, 0).fetch, "a failure and its pause");
    assert!(vm.poll(&store, T + 61_200, 0).fetch);
}

#[test]
fn a_clock_that_was_set_back_does_not_stop_the_refresh() {
    let store = Shared::default();
    let mut vm = settled(&store);
    let back = T - 86_400_000;
    assert!(!vm.poll(&store, back, 0).fetch);
    assert!(!vm.poll(&store, back + 200_000, 0).fetch);
    assert!(vm.poll(&store, back + 300_000, 0).fetch);
    // And the same in the middle of a fetch.
    assert!(!vm.poll(&store, back - 86_400_000, 0).fetch);
    assert!(!vm.poll(&store, back - 86_400_000 + 61_000, 0).fetch, "a failure and its pause");
    assert!(vm.poll(&store, back - 86_400_000 + 62_000, 0).fetch);
}

#[test]
fn a_set_whose_record_was_written_at_the_second_try_is_new_all_the_same() {
    let shared = Shared::default();
    let (mut vm, mut other) = (settled(&shared), keeper(2));
    assert!(other.poll(&shared, T, 0).load.is_some());
    let at = T + TIMING.refresh;
    assert!(vm.poll(&shared, at, 0).fetch);
    // As another configuration does that cuts the record's times.
    let rewrite = || {
        let (bytes, version) = shared.record().unwrap();
        assert!(shared.put_record(&bytes, Some(version)));
    };
    let others: RefCell<Vec<Box<dyn FnOnce()>>> = RefCell::new(vec![Box::new(rewrite)]);
    let store = Overtaken { store: &shared, others, refused: Cell::default() };
    assert!(vm.fetched(&store, at, 0, Some(b"b")));
    assert_eq!(store.refused.get(), 1);
    assert_eq!(other.poll(&shared, at + 1, 0).load.as_deref(), Some(b"b".as_slice()));
}

#[test]
fn a_set_of_which_a_vm_died_before_it_wrote_the_record_is_new_for_the_next() {
    let shared = Shared::default();
    let (mut vm, mut dying) = (settled(&shared), keeper(2));
    assert!(dying.poll(&shared, T, 0).load.is_some());
    let at = T + TIMING.refresh;
    assert!(dying.poll(&shared, at, 0).fetch);
    shared.put_body(&[&(at + 1).to_le_bytes(), b"b".as_slice()].concat());
    assert_eq!(vm.poll(&shared, at + 7_000, 0), Poll::default());
    assert!(vm.poll(&shared, at + 12_000, 0).fetch);
    assert!(vm.fetched(&shared, at + 12_000, 0, Some(b"b")));
}
