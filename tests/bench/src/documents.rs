//! JSON bodies of given lengths, the same ones in every run: lists of trades, dense and without white space, as programs
//! write them. Some have an escape, some a character that is not ASCII.

use std::fmt::Write as _;

/// A body that is posted.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Its name in tables and results.
    pub name: &'static str,
    /// About how long it is, in bytes.
    pub bytes: usize,
    /// How many of them are sent for one measurement.
    pub requests: u64,
}

/// What is posted: a single trade, a page of them, a night's worth.
pub const SIZES: [Size; 3] = [
    Size { name: "post_150B", bytes: 150, requests: 3_000 },
    Size { name: "post_10KB", bytes: 10_000, requests: 1_500 },
    Size { name: "post_1MB", bytes: 1_000_000, requests: 40 },
];

/// `{"trades":[…]}` of about that length.
#[must_use]
pub fn trades(bytes: usize) -> String {
    let mut text = "{\"trades\":[".to_owned();
    let mut number = 0;
    loop {
        trade(&mut text, number);
        number += 1;
        if text.len() + 100 > bytes {
            text.push_str("]}");
            return text;
        }
        text.push(',');
    }
}

fn trade(text: &mut String, number: usize) {
    const NOTES: [&str; 4] =
        ["limit order", "auf Zuruf, bitte bestätigen", "said: \\\"now\\\"", "for the pension fund, see mail"];
    let side = if number.is_multiple_of(3) { "sell" } else { "buy" };
    let note = NOTES.get(number % NOTES.len()).copied().unwrap_or_default();
    let (quantity, price) = (1 + number * 7 % 900, number * 131 % 100_000);
    let (whole, cents) = (price / 100, price % 100);
    // Writing to a text never fails.
    let _ = write!(
        text,
        "{{\"id\":\"trd_{number:012}\",\"side\":\"{side}\",\"quantity\":{quantity},\"price\":{whole}.{cents:02},\
         \"note\":\"{note}\",\"tags\":[\"otc\",\"desk-{}\"]}}",
        number % 9
    );
}

/// A POST with this body.
#[must_use]
pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: gateway.example\r\naccept: application/json\r\nuser-agent: cutover-bench\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{SIZES, trades};

    #[test]
    fn bodies_are_json_of_about_the_length_asked_for() {
        for size in SIZES {
            let text = trades(size.bytes);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            assert!(text.len().abs_diff(size.bytes) < 160, "{}", text.len());
        }
    }
}
