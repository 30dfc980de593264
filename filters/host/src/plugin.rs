//! The callback side of proxy-wasm ABI 0.2.1: what a plugin implements, and the exports by which the host calls it.
//!
//! The usual SDK is not used: it panics on contexts that it does not know, keeps its tables borrowed while a callback
//! runs, and its contexts carry every call of the ABI along (50 KB of the module, which V8 compiles at each start).
#![cfg_attr(not(any(target_arch = "wasm32", test)), allow(dead_code))] // only a host calls the exports

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whether a message goes on after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// It goes on.
    Continue = 0,
    /// It waits for a later callback to let it go on, or was answered.
    Pause = 1,
}

/// A plugin, made once for each configuration in each VM.
pub trait RootContext {
    /// Takes the configuration ([`crate::plugin_configuration`]). `false` refuses it, and with it the whole update.
    fn on_configure(&mut self) -> bool;

    /// Makes the filter of one request. A plugin that could not be configured must make one that lets nothing pass.
    fn create_http_context(&self) -> Box<dyn HttpContext>;
}

/// The filter of one request.
pub trait HttpContext {
    /// The request's headers are there.
    fn on_http_request_headers(&mut self, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// More of the request's body is there; `size` is what the host holds of it.
    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }

    /// The request's trailers are there, and with them the end of the request.
    fn on_http_request_trailers(&mut self) -> Action {
        Action::Continue
    }

    /// The response's headers are there, be it the upstream's or a local reply's.
    fn on_http_response_headers(&mut self, _end_of_stream: bool) -> Action {
        Action::Continue
    }
}

/// Makes the plugin whose `root_id` the host gives as the property `plugin_root_id`.
pub type NewRoot = fn() -> Box<dyn RootContext>;

/// A context is held by itself, so that a callback inside of another's callback finds its own.
type Held<T> = Rc<RefCell<Box<T>>>;

struct Contexts {
    new_root: Option<NewRoot>,
    roots: BTreeMap<u32, Held<dyn RootContext>>,
    streams: BTreeMap<u32, Held<dyn HttpContext>>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        const { RefCell::new(Contexts { new_root: None, roots: BTreeMap::new(), streams: BTreeMap::new() }) };
}

/// Says which plugins this module has; [`crate::start!`] calls it.
pub fn register(new_root: NewRoot) {
    with(|contexts| contexts.new_root = Some(new_root));
}

/// Nobody holds the tables while another runs, so this is `None` at the end of a thread only.
fn with<R>(work: impl FnOnce(&mut Contexts) -> R) -> Option<R> {
    CONTEXTS
        .try_with(|contexts| contexts.try_borrow_mut().ok().map(|mut contexts| work(&mut contexts)))
        .ok()?
}

fn create(id: u32, root_id: u32) {
    if root_id == 0 {
        // The plugin's own code may call the host, so it runs outside of the tables.
        if let Some(new_root) = with(|contexts| contexts.new_root).flatten() {
            let root = new_root();
            with(|contexts| contexts.roots.insert(id, Rc::new(RefCell::new(root))));
        }
        return;
    }
    let root = with(|contexts| contexts.roots.get(&root_id).cloned()).flatten();
    let stream = root.and_then(|root| root.try_borrow().ok().map(|root| root.create_http_context()));
    match stream {
        Some(stream) => {
            with(|contexts| contexts.streams.insert(id, Rc::new(RefCell::new(stream))));
        }
        None => log::error!("no plugin {root_id} for the request {id}"),
    }
}

fn configure(id: u32) -> bool {
    let root = with(|contexts| contexts.roots.get(&id).cloned()).flatten();
    root.is_some_and(|root| root.try_borrow_mut().is_ok_and(|mut root| root.on_configure()))
}

/// Runs a callback of a request; one that is not known does not go on.
fn call(id: u32, callback: impl FnOnce(&mut dyn HttpContext) -> Action) -> Action {
    let stream = with(|contexts| contexts.streams.get(&id).cloned()).flatten();
    match stream.as_ref().map(|stream| stream.try_borrow_mut()) {
        Some(Ok(mut stream)) => callback(stream.as_mut()),
        Some(Err(_)) | None => {
            log::error!("no filter for the request {id}");
            Action::Pause
        }
    }
}

fn delete(id: u32) {
    // Dropped outside of the tables, as it was made.
    let _dropped = with(|contexts| (contexts.streams.remove(&id), contexts.roots.remove(&id)));
}

/// Makes the module's start function: `start!(new_root)` with a [`NewRoot`], once in the module.
#[macro_export]
macro_rules! start {
    ($new_root:expr) => {
        #[cfg(target_os = "wasi")]
        unsafe extern "C" {
            fn __wasm_call_ctors();
        }

        /// What the host calls first. Most host calls are refused in it (Envoy: "restricted_callback").
        #[unsafe(no_mangle)]
        pub extern "C" fn _initialize() {
            // SAFETY: the linker makes this function, and it must be called once, before anything else.
            #[cfg(target_os = "wasi")]
            unsafe {
                __wasm_call_ctors();
            }
            $crate::plugin::register($new_root);
        }
    };
}

/// The exports, by the names and signatures that ABI 0.2.1 gives them. What is not exported the host does not call.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)] // symbol names that the host looks for; no other module defines them
mod exports {
    use std::mem::MaybeUninit;

    use super::Action;

    #[unsafe(no_mangle)]
    extern "C" fn proxy_abi_version_0_2_1() {}

    /// A block for the host to put an answer into; `calls::receive` takes it over as the boxed slice that it is.
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
        Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast::<MaybeUninit<u8>>().cast()
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_context_create(id: u32, root_id: u32) {
        super::create(id, root_id);
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_configure(id: u32, _size: u32) -> u32 {
        super::configure(id).into()
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_headers(id: u32, _count: u32, end_of_stream: u32) -> Action {
        super::call(id, |stream| stream.on_http_request_headers(end_of_stream != 0))
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_body(id: u32, size: usize, end_of_stream: u32) -> Action {
        super::call(id, |stream| stream.on_http_request_body(size, end_of_stream != 0))
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_request_trailers(id: u32, _count: u32) -> Action {
        super::call(id, |stream| stream.on_http_request_trailers())
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_response_headers(id: u32, _count: u32, end_of_stream: u32) -> Action {
        super::call(id, |stream| stream.on_http_response_headers(end_of_stream != 0))
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_delete(id: u32) {
        super::delete(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root {
        configured: bool,
    }

    struct Stream;

    impl RootContext for Root {
        fn on_configure(&mut self) -> bool {
            self.configured = true;
            true
        }

        fn create_http_context(&self) -> Box<dyn HttpContext> {
            assert!(self.configured);
            Box::new(Stream)
        }
    }

    impl HttpContext for Stream {
        fn on_http_request_headers(&mut self, _end_of_stream: bool) -> Action {
            // Another request comes and goes, and even this one's callbacks, while this one runs.
            create(8, 1);
            assert_eq!(call(8, |other| other.on_http_request_body(1, true)), Action::Continue);
            assert_eq!(call(7, |itself| itself.on_http_request_body(1, true)), Action::Pause);
            delete(8);
            Action::Continue
        }
    }

    #[test]
    fn contexts_live_from_their_creation_to_their_deletion() {
        register(|| Box::new(Root { configured: false }));
        create(1, 0);
        assert!(configure(1));
        create(7, 1);
        assert_eq!(call(7, |stream| stream.on_http_request_headers(true)), Action::Continue);
        delete(7);
        assert_eq!(call(7, |stream| stream.on_http_request_headers(true)), Action::Pause);
    }

    #[test]
    fn what_is_not_known_is_refused_and_does_not_panic() {
        assert!(!configure(99));
        create(98, 97);
        assert_eq!(call(98, |stream| stream.on_http_response_headers(true)), Action::Pause);
        delete(98);
    }
}
