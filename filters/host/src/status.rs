//! What a host call can answer.

/// Why the host refused a call. The words are the names of the proxy-wasm status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is no such header map, property, function or buffer.
    #[error("the host has no such thing")]
    NotFound,
    /// The host did not accept an argument.
    #[error("the host refused an argument")]
    BadArgument,
    /// The host could not encode or decode a value.
    #[error("the host could not convert a value")]
    Conversion,
    /// A shared value was changed by someone else in the meantime.
    #[error("the shared value has changed in the meantime")]
    Changed,
    /// The host answered with bytes that break its own protocol.
    #[error("the host's answer is malformed")]
    Malformed,
    /// The host failed.
    #[error("the host failed inside")]
    Internal,
    /// The host does not have this call.
    #[error("the host does not have this call")]
    Unimplemented,
    /// A status that proxy-wasm ABI 0.2.1 does not name.
    #[error("the host answered with status {0}")]
    Other(u32),
}

/// Turns a raw status into a result; `Empty` (7) counts as "no such thing".
pub(crate) fn check(status: u32) -> Result<(), HostError> {
    match status {
        0 => Ok(()),
        1 | 7 => Err(HostError::NotFound),
        2 => Err(HostError::BadArgument),
        3 | 4 => Err(HostError::Conversion),
        8 => Err(HostError::Changed),
        10 => Err(HostError::Internal),
        12 => Err(HostError::Unimplemented),
        other => Err(HostError::Other(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_a_value() {
        assert_eq!(check(0), Ok(()));
        assert_eq!(check(1), Err(HostError::NotFound));
        assert_eq!(check(u32::MAX), Err(HostError::Other(u32::MAX)));
    }
}
