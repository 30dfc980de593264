//! The raw calls of proxy-wasm ABI 0.2.1, declared with a plain `u32` status.
//!
//! The SDK declares them with an enum as the result, which is undefined behaviour for a status it does not know.
//! Outside of Wasm (unit tests, tools) every call answers "unimplemented", so that crates link and run anywhere.
#![allow(unsafe_code)] // declarations only; the callers say why each call is sound

/// `Unimplemented` of the ABI.
#[cfg(not(target_arch = "wasm32"))]
const UNIMPLEMENTED: u32 = 12;

macro_rules! host_calls {
    ($module:literal: $(fn $name:ident($($argument:ident: $kind:ty),* $(,)?);)*) => {
        #[cfg(target_arch = "wasm32")]
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            $(pub(crate) fn $name($($argument: $kind),*) -> u32;)*
        }

        $(
            #[cfg(not(target_arch = "wasm32"))]
            #[allow(clippy::too_many_arguments)]
            pub(crate) unsafe fn $name($($argument: $kind),*) -> u32 {
                let _ = ($($argument),*);
                UNIMPLEMENTED
            }
        )*
    };
}

host_calls! { "env":
    fn proxy_log(level: u32, message: *const u8, size: usize);
    fn proxy_get_log_level(level: *mut u32);
    fn proxy_get_current_time_nanoseconds(time: *mut u64);
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize);
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize);
    fn proxy_get_header_map_value(
        map: u32, name: *const u8, name_size: usize, data: *mut *mut u8, size: *mut usize,
    );
    fn proxy_replace_header_map_value(
        map: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize,
    );
    fn proxy_add_header_map_value(
        map: u32, name: *const u8, name_size: usize, value: *const u8, value_size: usize,
    );
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize);
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize);
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize);
    fn proxy_send_local_response(
        status: u32, details: *const u8, details_size: usize, body: *const u8, body_size: usize,
        headers: *const u8, headers_size: usize, grpc_status: i32,
    );
    fn proxy_call_foreign_function(
        name: *const u8, name_size: usize, argument: *const u8, argument_size: usize,
        data: *mut *mut u8, size: *mut usize,
    );
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32);
    fn proxy_record_metric(id: u32, value: u64);
    fn proxy_increment_metric(id: u32, by: i64);
    fn proxy_get_shared_data(
        key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, version: *mut u32,
    );
    fn proxy_set_shared_data(
        key: *const u8, key_size: usize, value: *const u8, value_size: usize, version: u32,
    );
    fn proxy_set_tick_period_milliseconds(period: u32);
    fn proxy_set_effective_context(context: u32);
    fn proxy_continue_stream(stream: u32);
}

host_calls! { "wasi_snapshot_preview1":
    fn random_get(data: *mut u8, size: usize);
}
