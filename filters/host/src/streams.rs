//! Acting for a request outside of its own callbacks, and being called at times.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use crate::status::{HostError, check};
use crate::sys;

/// Makes the following calls, until the end of the present callback or the next `act_for`, calls of this context: a
/// paused request's, by the id that it was created with, or the root context's own.
///
/// # Errors
/// `BadArgument` if the context is gone; the calls are then still those of the context before.
pub fn act_for(context: u32) -> Result<(), HostError> {
    // SAFETY: only a number is passed.
    check(unsafe { sys::proxy_set_effective_context(context) })
}

/// Lets the paused request of the present context go on, when the present callback is over. The request's headers cannot
/// be read or changed by this context any more.
///
/// # Errors
/// There is no request.
pub fn continue_request() -> Result<(), HostError> {
    const REQUEST: u32 = 0;
    // SAFETY: only a number is passed.
    check(unsafe { sys::proxy_continue_stream(REQUEST) })
}

/// From now on `on_tick` of the present context's root is called this often; 0 for never.
///
/// # Errors
/// The host has no timer.
pub fn set_tick_period(milliseconds: u32) -> Result<(), HostError> {
    // SAFETY: only a number is passed.
    check(unsafe { sys::proxy_set_tick_period_milliseconds(milliseconds) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{NEW, set_shared, shared};

    #[test]
    fn outside_of_a_host_calls_fail_and_do_not_panic() {
        assert_eq!(act_for(1), Err(HostError::Unimplemented));
        assert_eq!(continue_request(), Err(HostError::Unimplemented));
        assert_eq!(set_tick_period(1), Err(HostError::Unimplemented));
        assert_eq!(shared("key"), Err(HostError::Unimplemented));
        assert_eq!(set_shared("key", b"value", Some(NEW)), Err(HostError::Unimplemented));
    }
}
