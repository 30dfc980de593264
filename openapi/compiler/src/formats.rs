//! The formats that are asserted.
//!
//! In full they are what their RFCs say. The legacy validator's (ajv-formats 3, mode `fast`) are looser in places; with
//! them both sides of a cutover refuse the same texts. Case-insensitive ones are written out, and the two
//! with look-ahead rewritten without.

use cutover_plan::schema::{NumberFormat, TextRule};

/// How formats are asserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Formats {
    /// As their RFCs say.
    Full,
    /// As the legacy validator asserts them.
    #[default]
    Legacy,
    /// Not at all: JSON Schema's own default.
    Annotations,
}

/// What a format asserts.
pub(crate) enum Format {
    /// Nothing: it tells how a value is meant, or the type says it all.
    Nothing,
    /// Numbers.
    Number(NumberFormat),
    /// Texts of this pattern.
    Text(String),
    /// Texts that this rule takes.
    Rule(TextRule),
    /// Host names: this pattern up to 253 characters, or the other (which ends in a dot) up to 254.
    HostName(String, String),
}

/// The format of that name; `None` when it is not known.
pub(crate) fn find(name: &str, formats: Formats) -> Option<Format> {
    match formats {
        Formats::Full => full(name).or_else(|| common(name)),
        Formats::Legacy => legacy(name).or_else(|| common(name)),
        Formats::Annotations => Some(Format::Nothing),
    }
}

/// The formats there are, for messages.
pub(crate) const NAMES: &str = "date-time, date, time, duration, uuid, email, hostname, ipv4, ipv6, uri, uri-reference, \
     json-pointer, relative-json-pointer, regex, byte, binary, password, int32, int64, float, double";

fn common(name: &str) -> Option<Format> {
    let text = match name {
        "int32" => return Some(Format::Number(NumberFormat::Int32)),
        "float" | "double" | "password" | "binary" | "media-range" => return Some(Format::Nothing),
        "regex" => return Some(Format::Rule(TextRule::Regex)),
        "ipv4" => IPV4,
        "json-pointer" => r"^(?:\/(?:[^~\/]|~0|~1)*)*$",
        "relative-json-pointer" => r"^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~\/]|~0|~1)*)*)$",
        _ => return None,
    };
    Some(Format::Text(text.to_owned()))
}

fn legacy(name: &str) -> Option<Format> {
    let text = match name {
        "int64" => return Some(Format::Number(NumberFormat::Whole)),
        "date" => r"^\d\d\d\d-[0-1]\d-[0-3]\d$".to_owned(),
        "time" => r"^(?:[0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.\d+)?(?:[zZ]|[+-]\d\d(?::?\d\d)?)$".to_owned(),
        "date-time" => r"^\d\d\d\d-[0-1]\d-[0-3]\d[tT](?:[0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.\d+)?(?:[zZ]|[+-]\d\d(?::?\d\d)?)$".to_owned(),
        "duration" => LOOSE_DURATION.to_owned(),
        "uuid" => r"^(?:[uU][rR][nN]:[uU][uU][iI][dD]:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$".to_owned(),
        "email" => LOOSE_EMAIL.to_owned(),
        "hostname" => {
            return Some(Format::HostName(format!(r"^{LABELS}$"), format!(r"^{LABELS}\.$")));
        },
        "ipv6" => format!("^{}$", IPV6.replace("V4", V4)),
        "uri" => r"^[a-zA-Z][a-zA-Z0-9+\-.]*:(?:\/?\/)?[^\s]*$".to_owned(),
        "uri-reference" => r"^(?:(?:[a-zA-Z][a-zA-Z0-9+\-.]*:)?\/?\/)?(?:[^\\\s#][^\s#]*)?(?:#[^\\\s]*)?$".to_owned(),
        // The legacy pattern has the flag `m`: one line of base64 is enough.
        "byte" => r"(?:^|[\n\r\u2028\u2029])(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=)?(?:$|[\n\r\u2028\u2029])".to_owned(),
        _ => return None,
    };
    Some(Format::Text(text))
}

fn full(name: &str) -> Option<Format> {
    let text = match name {
        "int64" => return Some(Format::Number(NumberFormat::Int64)),
        "float" => return Some(Format::Number(NumberFormat::Float)),
        "double" => return Some(Format::Number(NumberFormat::Double)),
        "date" => return Some(Format::Rule(TextRule::Date)),
        "time" => return Some(Format::Rule(TextRule::Time)),
        "date-time" => return Some(Format::Rule(TextRule::DateTime)),
        "ipv6" => return Some(Format::Rule(TextRule::Ipv6)),
        "hostname" => return Some(Format::Rule(TextRule::Hostname)),
        "duration" => DURATION.to_owned(),
        "uuid" => r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$".to_owned(),
        "email" => email(),
        "uri" => format!("^{SCHEME}:(?:{}|{PATH})(?:\\?{QUERY})?(?:#{QUERY})?$", authority()),
        "uri-reference" => {
            let absolute = format!("{SCHEME}:(?:{}|{PATH})", authority());
            let relative = format!("(?:{}|{RELATIVE_PATH})", authority());
            format!("^(?:{absolute}|{relative})(?:\\?{QUERY})?(?:#{QUERY})?$")
        }
        "byte" => r"^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=)?$".to_owned(),
        _ => return None,
    };
    Some(Format::Text(text))
}

/// RFC 5321, section 4.1.2: `Mailbox`.
fn email() -> String {
    let atom = r"[A-Za-z0-9!#$%&'*+\/=?^_`{|}~\-]+";
    let quoted = r#""(?:[ !#-\[\]-~]|\\[ -~])*""#;
    let literal = format!(r"\[(?:{V4}|[iI][pP][vV]6:{})\]", IPV6.replace("V4", V4));
    format!(r"^(?:{atom}(?:\.{atom})*|{quoted})@(?:{LABELS}|{literal})$")
}

/// RFC 3986, section 3.2, with the slashes before it and the path after it.
fn authority() -> String {
    let of_name = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*";
    let of_user = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*";
    let future = r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+";
    let literal = format!(r"\[(?:{}|{future})\]", IPV6.replace("V4", V4));
    format!(r"\/\/(?:{of_user}@)?(?:{literal}|{of_name})(?::[0-9]*)?(?:\/{PCHAR}*)*")
}

const SCHEME: &str = r"[A-Za-z][A-Za-z0-9+\-.]*";
const PCHAR: &str = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})";
/// `path-absolute`, `path-rootless` or `path-empty`: none of them begins with two slashes.
const PATH: &str = r"(?:\/?(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*)?)";
/// The same, but that a first segment without a slash before it has no colon.
const RELATIVE_PATH: &str = r"(?:\/(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*)?|(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|%[0-9A-Fa-f]{2})+(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*)?";
const QUERY: &str = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@\/?]|%[0-9A-Fa-f]{2})*";
/// RFC 3339, appendix A.
const DURATION: &str = r"^P(?:(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)|\d+W)$";
const LOOSE_DURATION: &str = r"^P(?:(?:\d+Y(?:\d+M)?(?:\d+D)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M)?(?:\d+S)?|\d+M(?:\d+S)?|\d+S)|\d+W)$";
const LOOSE_EMAIL: &str = r"^[a-zA-Z0-9.!#$%&'*+\/=?^_`{|}~\-]+@[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)*$";
const LABELS: &str =
    r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?)*";
const V4: &str = r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3})";
const IPV4: &str = r"^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$";
const IPV6: &str = concat!(
    r"(?:(?:(?:[0-9a-fA-F]{1,4}:){7}(?:[0-9a-fA-F]{1,4}|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){6}(?::[0-9a-fA-F]{1,4}|V4|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){5}(?:(?:(?::[0-9a-fA-F]{1,4}){1,2})|:V4|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){4}(?:(?:(?::[0-9a-fA-F]{1,4}){1,3})|(?:(?::[0-9a-fA-F]{1,4})?:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){3}(?:(?:(?::[0-9a-fA-F]{1,4}){1,4})|(?:(?::[0-9a-fA-F]{1,4}){0,2}:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){2}(?:(?:(?::[0-9a-fA-F]{1,4}){1,5})|(?:(?::[0-9a-fA-F]{1,4}){0,3}:V4)|:))",
    r"|(?:(?:[0-9a-fA-F]{1,4}:){1}(?:(?:(?::[0-9a-fA-F]{1,4}){1,6})|(?:(?::[0-9a-fA-F]{1,4}){0,4}:V4)|:))",
    r"|(?::(?:(?:(?::[0-9a-fA-F]{1,4}){1,7})|(?:(?::[0-9a-fA-F]{1,4}){0,5}:V4)|:)))"
);
