//! All filters in one Wasm module: one VM per Envoy worker instead of three. A plugin's `root_id` says which it is.

use cutover_filter_host::sdk::{Context, RootContext, set_root_context};
use cutover_filter_host::{install_logger, property};

#[allow(missing_docs)] // the macro makes the module's start function
mod start {
    use super::*;

    cutover_filter_host::sdk::main! {{
        // Most host calls trap here (Envoy: "restricted_callback"); they come with the first context.
        set_root_context(new_root);
    }}
}

/// Makes the plugin that the host is about to configure; the number is its context's.
fn new_root(context: u32) -> Box<dyn RootContext> {
    install_logger();
    let _ = context; // not every filter needs it
    let root_id = property(&["plugin_root_id"]).ok().flatten().unwrap_or_default();
    let root_id = String::from_utf8_lossy(&root_id).into_owned();
    match root_id.as_str() {
        #[cfg(feature = "request-id")]
        cutover_request_id_filter::filter::ROOT_ID => {
            Box::new(cutover_request_id_filter::filter::RequestIdRoot)
        }
        #[cfg(feature = "auth")]
        cutover_auth_filter::filter::ROOT_ID => Box::new(cutover_auth_filter::filter::AuthRoot::new(context)),
        #[cfg(feature = "validation")]
        cutover_validation_filter::filter::ROOT_ID => {
            Box::new(cutover_validation_filter::filter::ValidationRoot::default())
        }
        _ => Box::new(UnknownRoot { root_id }),
    }
}

/// Refuses its configuration, so that a mistyped `root_id` is an error when it is configured and not a filter that
/// lets everything pass.
struct UnknownRoot {
    root_id: String,
}

const KNOWN: &[&str] = &[
    #[cfg(feature = "request-id")]
    cutover_request_id_filter::filter::ROOT_ID,
    #[cfg(feature = "auth")]
    cutover_auth_filter::filter::ROOT_ID,
    #[cfg(feature = "validation")]
    cutover_validation_filter::filter::ROOT_ID,
];

impl Context for UnknownRoot {}

impl RootContext for UnknownRoot {
    fn on_configure(&mut self, _size: usize) -> bool {
        log::error!("root_id `{}` is no filter of this module; it has {}", self.root_id, KNOWN.join(", "));
        false
    }
}
