//! What the host calls: plugins and requests, and the functions that a module exports.
//!
//! A host calls what a module exports and nothing else, and with Envoy every call costs about as much as a whole decision.
//! So what not every filter needs is a feature of this crate: a filter names in its `Cargo.toml` what it is to be
//! called for, and a module has what its filters need together.
#![allow(unsafe_code)] // the exported names; each says why it is sound

use std::cell::RefCell;
use std::collections::BTreeMap;

/// What becomes of the part of a message that a callback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// It goes on.
    Continue = 0,
    /// It stays.
    Pause = 1,
}

/// A plugin: one configuration of one filter. It is dropped when another has taken its place, or the host ends; what it
/// then still has to say to the host it can say in `drop`.
pub trait RootContext {
    /// Reads [`plugin_configuration`](crate::plugin_configuration); false refuses it.
    fn on_configure(&mut self, size: usize) -> bool;

    /// A new request, by its number.
    fn create_http_context(&self, context: u32) -> Box<dyn HttpContext>;

    /// The time has come that [`set_tick_period`](crate::set_tick_period) has set.
    #[cfg(feature = "ticks")]
    fn on_tick(&mut self) {}

    /// The answer to a [`http_get`](crate::http_get) of this plugin, with the sizes of what it has.
    #[cfg(feature = "http-calls")]
    fn on_http_call_response(&mut self, call: u32, headers: usize, body: usize, trailers: usize) {
        let _ = (call, headers, body, trailers);
    }
}

/// A request. It is dropped when it is over.
pub trait HttpContext {
    /// Its head has come.
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action;

    /// A piece of its body has come; `size` is how much the host holds.
    #[cfg(feature = "request-bodies")]
    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let _ = (size, end_of_stream);
        Action::Continue
    }

    /// Its trailers have come.
    #[cfg(feature = "request-bodies")]
    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        let _ = count;
        Action::Continue
    }

    /// The head of its answer has come.
    #[cfg(feature = "response-headers")]
    fn on_http_response_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        let _ = (count, end_of_stream);
        Action::Continue
    }
}

/// Makes the plugin that the host is about to configure, from its context's number.
pub type NewRoot = fn(u32) -> Box<dyn RootContext>;

/// Everything that the host knows by a number. Outside of Wasm nobody calls.
#[derive(Default)]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
struct Contexts {
    new_root: Option<NewRoot>,
    roots: BTreeMap<u32, Box<dyn RootContext>>,
    requests: BTreeMap<u32, Box<dyn HttpContext>>,
}

/// What was known by a number.
type Gone = (Option<Box<dyn HttpContext>>, Option<Box<dyn RootContext>>);

thread_local! {
    static CONTEXTS: RefCell<Contexts> = RefCell::default();
}

#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
impl Contexts {
    /// A plugin, whose `root` is 0, or a request of a plugin.
    fn create(&mut self, context: u32, root: u32) {
        if root == 0 {
            let made = self.new_root.map(|new_root| new_root(context));
            self.roots.extend(made.map(|made| (context, made)));
        } else if let Some(root) = self.roots.get(&root) {
            self.requests.insert(context, root.create_http_context(context));
        }
    }

    fn root<T>(&mut self, context: u32, call: impl FnOnce(&mut dyn RootContext) -> T) -> Option<T> {
        self.roots.get_mut(&context).map(|root| call(root.as_mut()))
    }

    /// A part of a request that nobody knows of does not go on.
    fn request(&mut self, context: u32, call: impl FnOnce(&mut dyn HttpContext) -> Action) -> Action {
        self.requests.get_mut(&context).map_or(Action::Pause, |request| call(request.as_mut()))
    }

    /// What is over, to be dropped when nothing is borrowed any more.
    fn remove(&mut self, context: u32) -> Gone {
        (self.requests.remove(&context), self.roots.remove(&context))
    }
}

/// From now on plugins are made so. For [`module!`](crate::module).
pub fn set_new_root(new_root: NewRoot) {
    CONTEXTS.with_borrow_mut(|contexts| contexts.new_root = Some(new_root));
}

/// Makes a crate a module whose plugins are made by this function, a [`NewRoot`](crate::callbacks::NewRoot). Hosts refuse
/// most calls while the module starts; they come with the first context.
#[macro_export]
macro_rules! module {
    ($new_root:expr) => {
        #[cfg(target_family = "wasm")]
        unsafe extern "C" {
            fn __wasm_call_ctors();
        }

        /// The host's first call. A module that does not run its constructors here has them run by the linker around
        /// each of its functions.
        #[cfg(target_family = "wasm")]
        #[unsafe(no_mangle)]
        pub extern "C" fn _initialize() {
            // SAFETY: the linker makes this function; it is called once, before everything else.
            unsafe { __wasm_call_ctors() };
            $crate::callbacks::set_new_root($new_root);
        }
    };
}

/// The functions of proxy-wasm ABI 0.2.1, by their names. While a callback runs the host makes no other one (what a call
/// brings about, it does when the callback is over) but asks for memory, which borrows nothing.
// SAFETY of the names: no other crate of the module has them, and the host calls them with the types that the ABI says.
#[cfg(target_family = "wasm")]
mod exports {
    use super::{Action, CONTEXTS};

    #[unsafe(no_mangle)]
    extern "C" fn proxy_abi_version_0_2_1() {}

    /// A block of exactly `size` bytes for an answer; [`receive`](crate::calls::receive) takes it over.
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
        let block: Box<[std::mem::MaybeUninit<u8>]> = Box::new_uninit_slice(size);
        Box::into_raw(block).cast()
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_context_create(context: u32, root: u32) {
        CONTEXTS.with_borrow_mut(|contexts| contexts.create(context, root));
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_delete(context: u32) {
        drop(CONTEXTS.with_borrow_mut(|contexts| contexts.remove(context)));
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_configure(context: u32, size: usize) -> bool {
        let done =
            CONTEXTS.with_borrow_mut(|contexts| contexts.root(context, |root| root.on_configure(size)));
        done == Some(true)
    }

    #[cfg(feature = "ticks")]
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_tick(context: u32) {
        CONTEXTS.with_borrow_mut(|contexts| contexts.root(context, |root| root.on_tick()));
    }

    /// The context is the one that made the call.
    #[cfg(feature = "http-calls")]
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_http_call_response(
        context: u32,
        call: u32,
        headers: usize,
        body: usize,
        trailers: usize,
    ) {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.root(context, |root| root.on_http_call_response(call, headers, body, trailers))
        });
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_headers(context: u32, count: usize, end_of_stream: bool) -> Action {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.request(context, |request| request.on_http_request_headers(count, end_of_stream))
        })
    }

    #[cfg(feature = "request-bodies")]
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_body(context: u32, size: usize, end_of_stream: bool) -> Action {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.request(context, |request| request.on_http_request_body(size, end_of_stream))
        })
    }

    #[cfg(feature = "request-bodies")]
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_trailers(context: u32, count: usize) -> Action {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.request(context, |request| request.on_http_request_trailers(count))
        })
    }

    #[cfg(feature = "response-headers")]
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_response_headers(context: u32, count: usize, end_of_stream: bool) -> Action {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.request(context, |request| request.on_http_response_headers(count, end_of_stream))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root;

    struct Request;

    impl RootContext for Root {
        fn on_configure(&mut self, size: usize) -> bool {
            size > 0
        }

        fn create_http_context(&self, _context: u32) -> Box<dyn HttpContext> {
            Box::new(Request)
        }
    }

    impl HttpContext for Request {
        fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
            Action::Continue
        }
    }

    fn head(contexts: &mut Contexts, context: u32) -> Action {
        contexts.request(context, |request| request.on_http_request_headers(1, true))
    }

    #[test]
    fn a_request_belongs_to_its_plugin_until_it_is_over() {
        let mut contexts = Contexts { new_root: Some(|_| Box::new(Root)), ..Contexts::default() };
        contexts.create(1, 0);
        assert_eq!(contexts.root(1, |root| root.on_configure(2)), Some(true));
        contexts.create(2, 1);
        assert_eq!(head(&mut contexts, 2), Action::Continue);
        contexts.remove(2);
        assert_eq!(head(&mut contexts, 2), Action::Pause);
        assert_eq!(contexts.root(2, |root| root.on_configure(2)), None);
    }

    #[test]
    fn a_request_of_no_known_plugin_does_not_go_on() {
        let mut contexts = Contexts::default();
        contexts.create(1, 0);
        contexts.create(2, 1);
        assert_eq!(contexts.root(1, |root| root.on_configure(2)), None);
        assert_eq!(head(&mut contexts, 2), Action::Pause);
    }
}
