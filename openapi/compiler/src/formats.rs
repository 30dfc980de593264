//! The formats that are asserted, as patterns.
//!
//! They are those of the legacy validator (ajv-formats 3, mode `fast`), so that both sides refuse the same texts: looser
//! than their RFCs in places. Case-insensitive ones are written out, and the two with look-ahead rewritten without.

/// What a format asserts.
pub(crate) enum Format {
    /// Nothing: it tells how a value is meant, or the type says it all.
    Nothing,
    /// Whole numbers of 32 bits.
    Int32,
    /// Whole numbers of 64 bits.
    Int64,
    /// Texts of this pattern.
    Text(String),
    /// Host names: this pattern up to 253 characters, or the other (which ends in a dot) up to 254.
    HostName(String, String),
}

/// The format of that name; `None` when it is not known.
pub(crate) fn find(name: &str) -> Option<Format> {
    let text = match name {
        "int32" => return Some(Format::Int32),
        "int64" => return Some(Format::Int64),
        "float" | "double" | "password" | "binary" | "media-range" => return Some(Format::Nothing),
        "date" => r"^\d\d\d\d-[0-1]\d-[0-3]\d$".to_owned(),
        "time" => r"^(?:[0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.\d+)?(?:[zZ]|[+-]\d\d(?::?\d\d)?)$".to_owned(),
        "date-time" => r"^\d\d\d\d-[0-1]\d-[0-3]\d[tT](?:[0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.\d+)?(?:[zZ]|[+-]\d\d(?::?\d\d)?)$".to_owned(),
        "duration" => DURATION.to_owned(),
        "uuid" => r"^(?:[uU][rR][nN]:[uU][uU][iI][dD]:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$".to_owned(),
        "email" => EMAIL.to_owned(),
        "hostname" => {
            return Some(Format::HostName(format!(r"^{LABELS}$"), format!(r"^{LABELS}\.$")));
        },
        "ipv4" => IPV4.to_owned(),
        "ipv6" => IPV6.replace("V4", V4),
        "uri" => r"^[a-zA-Z][a-zA-Z0-9+\-.]*:(?:\/?\/)?[^\s]*$".to_owned(),
        "uri-reference" => r"^(?:(?:[a-zA-Z][a-zA-Z0-9+\-.]*:)?\/?\/)?(?:[^\\\s#][^\s#]*)?(?:#[^\\\s]*)?$".to_owned(),
        // The legacy pattern has the flag `m`: one line of base64 is enough.
        "byte" => r"(?:^|[\n\r\u2028\u2029])(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=)?(?:$|[\n\r\u2028\u2029])".to_owned(),
        "json-pointer" => r"^(?:\/(?:[^~\/]|~0|~1)*)*$".to_owned(),
        "relative-json-pointer" => r"^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~\/]|~0|~1)*)*)$".to_owned(),
        _ => return None,
    };
    Some(Format::Text(text))
}

/// The formats there are, for messages.
pub(crate) const NAMES: &str = "date-time, date, time, duration, uuid, email, hostname, ipv4, ipv6, uri, uri-reference, \
     json-pointer, relative-json-pointer, byte, binary, password, int32, int64, float, double";

const DURATION: &str = r"^P(?:(?:\d+Y(?:\d+M)?(?:\d+D)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S)|\d+W)$";
const EMAIL: &str = r"^[a-zA-Z0-9.!#$%&'*+\/=?^_`{|}~\-]+@[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)*$";
const LABELS: &str =
    r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)*";
const V4: &str = r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3})";
const IPV4: &str = r"^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$";
const IPV6: &str = concat!(
    r"^(?:(?:(?:[0-9a-fA-F]{1,4}:){7}(?:[0-9a-fA-F]{1,4}|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){6}(?::[0-9a-fA-F]{1,4}|V4|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){5}(?:(?:(?::[0-9a-fA-F]{1,4}){1,2})|:V4|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){4}(?:(?:(?::[0-9a-fA-F]{1,4}){1,3})|(?:(?::[0-9a-fA-F]{1,4})?:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){3}(?:(?:(?::[0-9a-fA-F]{1,4}){1,4})|(?:(?::[0-9a-fA-F]{1,4}){0,2}:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){2}(?:(?:(?::[0-9a-fA-F]{1,4}){1,5})|(?:(?::[0-9a-fA-F]{1,4}){0,3}:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){1}(?:(?:(?::[0-9a-fA-F]{1,4}){1,6})|(?:(?::[0-9a-fA-F]{1,4}){0,4}:V4)|:))",
    r"|(?::(?:(?:(?::[0-9a-fA-F]{1,4}){1,7})|(?:(?::[0-9a-fA-F]{1,4}){0,5}:V4)|:)))$"
);
