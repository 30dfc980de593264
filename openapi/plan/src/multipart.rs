//! `multipart/form-data` (RFC 7578), read strictly: where parsers are known to differ, the body is malformed.
//!
//! One pass over the body: a delimiter can only begin behind a line feed, and has none inside.

/// More parts than a form has reason for are refused.
const MAX_PARTS: usize = 1000;
/// The longest header section of a part, in bytes.
const MAX_HEADER_BYTES: usize = 8 << 10;
/// RFC 2046, section 5.1.1.
const MAX_BOUNDARY: usize = 70;

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawPart<'b> {
    /// The form field's name.
    pub(crate) name: String,
    /// It has a file name.
    pub(crate) file: bool,
    /// Its `content-type`, where it has one.
    pub(crate) content_type: Option<String>,
    /// Its bytes.
    pub(crate) content: &'b [u8],
}

/// The boundary that a `content-type` names; `None` when it names none that is allowed, or several.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (_, rest) = content_type.split_once(';')?;
    let mut found = Parameters(rest)
        .filter(|parameter| parameter.as_ref().is_none_or(|(name, _)| name.eq_ignore_ascii_case("boundary")));
    let (_, boundary) = found.next()??;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let proper = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(allowed)
        && !boundary.ends_with(' ');
    (proper && found.next().is_none()).then_some(boundary)
}

/// The parts of a body.
///
/// # Errors
/// What is malformed.
pub(crate) fn parts<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<RawPart<'b>>, &'static str> {
    let delimiter = format!("--{boundary}").into_bytes();
    let first = if body.starts_with(&delimiter) { Some(0) } else { next(body, 0, &delimiter)? };
    let mut at = first.ok_or("its boundary is not in it")? + delimiter.len();
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            let ends = epilogue.is_empty() || after_padding(epilogue).is_some();
            let again = next(epilogue, 0, &delimiter)?.is_some();
            return if ends && !again { Ok(parts) } else { Err("something stands behind its last boundary") };
        }
        let content = after_padding(rest).ok_or("a boundary does not end its line")?;
        let start = body.len() - content.len();
        // From the line feed before: a part may not be so short that there is nothing of it.
        let end = next(body, start - 1, &delimiter)?.ok_or("its last boundary is missing")?;
        let region = body.get(start..end.saturating_sub(2)).ok_or("a part has no header")?;
        if parts.len() == MAX_PARTS {
            return Err("it has too many parts");
        }
        parts.push(part(region)?);
        at = end + delimiter.len();
    }
}

/// Where the next delimiter stands, from the line feed at or behind `from`.
fn next(body: &[u8], from: usize, delimiter: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut at = from;
    while let Some(found) = body.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
        let feed = at + found;
        at = feed + 1;
        if body.get(at..).is_some_and(|rest| rest.starts_with(delimiter)) {
            let carriage = feed.checked_sub(1).and_then(|before| body.get(before)) == Some(&b'\r');
            return if carriage { Ok(Some(at)) } else { Err("a line break before a boundary is not CR LF") };
        }
    }
    Ok(None)
}

/// What follows the line's end, before which there may be blanks.
fn after_padding(rest: &[u8]) -> Option<&[u8]> {
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    rest.get(blanks..)?.strip_prefix(b"\r\n")
}

fn part(region: &[u8]) -> Result<RawPart<'_>, &'static str> {
    let head = region.get(..MAX_HEADER_BYTES.min(region.len())).unwrap_or_default();
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").ok_or("a part's header does not end")?;
    let head =
        head.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or("a header is not UTF-8")?;
    let (mut disposition, mut content_type, mut encoding) = (None, None, None);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
        if line.contains(['\r', '\n', '\0']) || name.is_empty() || name.contains([' ', '\t']) {
            return Err("a header is malformed");
        }
        let slot = match name.to_ascii_lowercase().as_str() {
            "content-disposition" => &mut disposition,
            "content-type" => &mut content_type,
            "content-transfer-encoding" => &mut encoding,
            _ => continue,
        };
        if slot.replace(value.trim_matches([' ', '\t']).to_owned()).is_some() {
            return Err("a header is repeated");
        }
    }
    // RFC 7578, section 4.7: deprecated; what would have to be decoded is refused.
    if encoding.is_some_and(|text| !["7bit", "8bit", "binary"].contains(&text.to_ascii_lowercase().as_str()))
    {
        return Err("a part is encoded");
    }
    let (name, file) = form_data(&disposition.ok_or("a part has no content-disposition")?)?;
    Ok(RawPart { name, file, content_type, content: region.get(end + 4..).unwrap_or_default() })
}

/// The name in a `content-disposition`, and whether it names a file.
fn form_data(disposition: &str) -> Result<(String, bool), &'static str> {
    let (kind, rest) = disposition.split_once(';').ok_or("a part has no name")?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("a part is no form-data");
    }
    let (mut name, mut file, mut extended) = (None, None, None);
    for parameter in Parameters(rest) {
        let (key, value) = parameter.ok_or("a content-disposition is malformed")?;
        let slot = match key.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut file,
            "filename*" => &mut extended,
            "name*" => return Err("a name is encoded"),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err("a content-disposition says one thing twice");
        }
    }
    if extended.as_deref().is_some_and(|text| !is_extended(text)) {
        return Err("a file name is malformed");
    }
    Ok((name.ok_or("a part has no name")?, file.is_some() || extended.is_some()))
}

/// RFC 8187, section 3.2: `UTF-8'en'%e2%82%ac`.
fn is_extended(text: &str) -> bool {
    let mut pieces = text.splitn(3, '\'');
    let charset = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
    let value = pieces.nth(1);
    charset && value.is_some_and(|value| crate::percent::decode_strict(value).is_some())
}

/// Parameters `; name=value; name="value"`; `None` in place of one that is malformed, which ends them.
struct Parameters<'a>(&'a str);

impl Iterator for Parameters<'_> {
    type Item = Option<(String, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        let blank = |c: char| c == ' ' || c == '\t' || c == ';';
        self.0 = self.0.trim_start_matches(blank);
        if self.0.is_empty() {
            return None;
        }
        let parsed = parameter(self.0);
        self.0 = parsed.as_ref().map_or("", |(_, _, rest)| rest);
        Some(parsed.map(|(name, value, _)| (name, value)))
    }
}

fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let token = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
        !text.is_empty() && text.bytes().all(plain)
    };
    if !token(name) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let value = value.trim_end_matches([' ', '\t']);
        let plain = !value.is_empty() && !value.contains([' ', '\t', '"']);
        return plain.then(|| (name.to_owned(), value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let rest = quoted.get(at + 1..)?.trim_start_matches([' ', '\t']);
                return (rest.is_empty() || rest.starts_with(';')).then(|| (name.to_owned(), value, rest));
            }
            // Browsers escape nothing but the quote, so that a lone backslash stands for itself.
            '\\' if matches!(chars.peek(), Some((_, '"' | '\\'))) => {
                value.extend(chars.next().map(|(_, escaped)| escaped));
            }
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    type Shown = (String, bool, Option<String>, String);

    fn read(body: &str) -> Result<Vec<Shown>, &'static str> {
        let text = |part: RawPart<'_>| {
            let content = String::from_utf8_lossy(part.content).into_owned();
            (part.name, part.file, part.content_type, content)
        };
        Ok(parts(body.as_bytes(), "x")?.into_iter().map(text).collect())
    }

    fn field(name: &str, content: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    }

    #[test]
    fn parts_have_names_types_and_bytes() {
        let body = "preamble\r\n--x \r\ncontent-disposition: FORM-DATA; name=a\r\n\r\n\r\nline\n\r\n--x\r\n\
                    Content-Type: image/png\r\nX-Other: 1\r\nContent-Disposition: form-data; name=\"f\\\"\"; \
                    filename=\"C:\\x.png\"; filename*=UTF-8''%e2%82%ac.png\r\n\r\n\r\n--x--\r\nepilogue";
        let found = read(body).unwrap();
        assert_eq!(found[0], ("a".to_owned(), false, None, "\r\nline\n".to_owned()));
        assert_eq!(found[1], ("f\"".to_owned(), true, Some("image/png".to_owned()), String::new()));
        assert_eq!(read("--x--").unwrap(), []);
    }

    #[test]
    fn what_parsers_disagree_about_is_malformed() {
        let ok = field("a", "1");
        for (body, why) in [
            (String::new(), "its boundary is not in it"),
            (ok.clone(), "its last boundary is missing"),
            (format!("{ok}--xy\r\n"), "a boundary does not end its line"),
            (format!("{ok}--x\r\n--x--"), "a part has no header"),
            (format!("{ok}--x-"), "a boundary does not end its line"),
            (format!("{}--x--", field("a", "1\n--x--\r\n")), "a line break before a boundary is not CR LF"),
            (format!("{ok}--x--\r\n{ok}--x--"), "something stands behind its last boundary"),
            (format!("{ok}--x--junk"), "something stands behind its last boundary"),
            ("--x\r\n\r\nno header\r\n--x--".to_owned(), "a part's header does not end"),
            ("--x\r\na: b\r\n\r\n1\r\n--x--".to_owned(), "a part has no content-disposition"),
            ("--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--".to_owned(), "a part has no name"),
            (
                "--x\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--x--".to_owned(),
                "a part is no form-data",
            ),
            (ok.replace("\r\n\r\n", "\r\n folded\r\n\r\n") + "--x--", "a header has no colon"),
            (ok.replace("\"a\"", "\"a\"; name=b") + "--x--", "a content-disposition says one thing twice"),
            (ok.replace("\"a\"", "\"a") + "--x--", "a content-disposition is malformed"),
            (ok.replace("name=", "name*=") + "--x--", "a name is encoded"),
            (ok.replace("\"a\"", "\"a\"; filename*=UTF-8''%zz") + "--x--", "a file name is malformed"),
            (
                ok.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n") + "--x--",
                "a part is encoded",
            ),
            (
                ok.replace("\r\n\r\n", &format!("\r\nx: {}\r\n\r\n", "y".repeat(9000))) + "--x--",
                "a part's header does not end",
            ),
        ] {
            assert_eq!(read(&body).err(), Some(why), "{body:?}");
        }
    }

    #[test]
    fn hostile_bodies_take_linear_time() {
        let many = field("a", "1").repeat(10_000) + "--x--";
        assert_eq!(read(&many).err(), Some("it has too many parts"));
        let boundary = "-".repeat(69) + "x";
        for line in ["\r\n", "\r\n-----------------------------------", "-", "\n"] {
            let body = format!("--{boundary}\r\n{}", line.repeat(4_000_000 / line.len()));
            assert_eq!(parts(body.as_bytes(), &boundary).err(), Some("its last boundary is missing"));
        }
    }

    #[test]
    fn the_boundary_is_named_once_and_properly() {
        for (content_type, found) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/form-data; charset=utf-8; Boundary=\"a b;c\"", None),
            ("multipart/form-data; boundary=\"a b\"; x=y", Some("a b")),
            ("multipart/form-data; boundary=\"a \"", None),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=a; boundary=b", None),
            ("multipart/form-data; boundary=a b", None),
        ] {
            assert_eq!(boundary(content_type).as_deref(), found, "{content_type}");
        }
        assert_eq!(boundary(&format!("a/b; boundary={}", "x".repeat(71))), None);
    }
}
