//! The product's own scanner: checks the bytes where they lie.

#[allow(dead_code, reason = "the product needs more of it than this")]
#[path = "../../../../openapi/plan/src/walk/scan.rs"]
mod scan;

use scan::Scan;

use crate::trade;

pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    let mut scan = Scan::new(bytes);
    root(&mut scan).is_some()
}

fn root(scan: &mut Scan<'_>) -> Option<()> {
    let mut found = false;
    scan.space();
    members(scan, |scan, name| {
        found = true;
        if name == "trades" { items(scan, usize::MAX, is_trade) } else { None }
    })?;
    scan.space();
    (found && scan.is_done()).then_some(())
}

fn is_trade(scan: &mut Scan<'_>) -> Option<()> {
    let mut seen = 0;
    members(scan, |scan, name| {
        let member = trade::member(name)?;
        seen |= 1 << member;
        match trade::list(member) {
            Some(most) => items(scan, most, |scan| text(scan, member)),
            None if scan.peek()? == b'"' => text(scan, member),
            None => trade::number(member, scan.number()??).then_some(()),
        }
    })?;
    (seen & trade::REQUIRED == trade::REQUIRED).then_some(())
}

/// Escapes are left to a slower way.
fn text(scan: &mut Scan<'_>, member: u8) -> Option<()> {
    if scan.peek()? != b'"' {
        return None;
    }
    let text = scan.string()?;
    if !text.plain {
        return (member == 4 && text.raw.len() <= 200).then_some(());
    }
    trade::text(member, std::str::from_utf8(text.raw).ok()?, || text.chars()).then_some(())
}

fn members(scan: &mut Scan<'_>, mut each: impl FnMut(&mut Scan<'_>, &str) -> Option<()>) -> Option<()> {
    if !scan.take(b'{') {
        return None;
    }
    scan.space();
    if scan.take(b'}') {
        return Some(());
    }
    loop {
        if scan.peek()? != b'"' {
            return None;
        }
        let name = scan.string()?;
        scan.space();
        if !name.plain || !scan.take(b':') {
            return None;
        }
        scan.space();
        each(scan, std::str::from_utf8(name.raw).ok()?)?;
        scan.space();
        if !scan.take(b',') {
            return scan.take(b'}').then_some(());
        }
        scan.space();
    }
}

fn items(scan: &mut Scan<'_>, most: usize, mut each: impl FnMut(&mut Scan<'_>) -> Option<()>) -> Option<()> {
    if !scan.take(b'[') {
        return None;
    }
    scan.space();
    if scan.take(b']') {
        return Some(());
    }
    let mut count = 0;
    loop {
        count += 1;
        if count > most {
            return None;
        }
        each(scan)?;
        scan.space();
        if !scan.take(b',') {
            return scan.take(b']').then_some(());
        }
        scan.space();
    }
}
