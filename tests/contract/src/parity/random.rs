//! Random numbers, the same for the same seed everywhere, and texts that fit simple patterns.

/// `SplitMix64`.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// A number from `low` to `high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or_default())
    }

    pub(super) fn one_in(&mut self, share: usize) -> bool {
        self.below(share) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// A text that fits a pattern of literals and classes with `{n}`, `{n,m}`, `*` and `+`; what a contract for
    /// people has mostly. `None` for any other.
    pub(super) fn matching(&mut self, pattern: &str) -> Option<String> {
        let mut rest = pattern.strip_prefix('^')?.strip_suffix('$')?;
        let mut text = String::new();
        while let Some(first) = rest.chars().next() {
            let letters;
            if first == '[' {
                let (class, after) = rest.get(1..)?.split_once(']')?;
                (letters, rest) = (letters_of(class)?, after);
            } else if first.is_ascii_alphanumeric() || "_-:/".contains(first) {
                (letters, rest) = (vec![first], rest.get(1..)?);
            } else {
                return None;
            }
            let (low, high, after) = repetitions(rest)?;
            rest = after;
            for _ in 0..self.between(low, high) {
                text.push(*self.pick(&letters)?);
            }
        }
        Some(text)
    }
}

fn letters_of(class: &str) -> Option<Vec<char>> {
    let class: Vec<char> = class.chars().collect();
    let mut letters = Vec::new();
    let mut rest = class.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let [dash, last, after @ ..] = after
            && *dash == '-'
        {
            letters.extend(*first..=*last);
            rest = after;
        } else {
            letters.push(*first);
            rest = after;
        }
    }
    (!letters.is_empty() && !letters.contains(&'^') && !letters.contains(&'\\')).then_some(letters)
}

/// How often a thing may be there by the quantifier in front of `rest`, and what follows that.
fn repetitions(rest: &str) -> Option<(i64, i64, &str)> {
    if let Some(after) = rest.strip_prefix('{') {
        let (bounds, after) = after.split_once('}')?;
        let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
        return Some((low.parse().ok()?, high.parse().ok()?, after));
    }
    match rest.chars().next() {
        Some('*') => Some((0, 6, rest.get(1..)?)),
        Some('+') => Some((1, 6, rest.get(1..)?)),
        _ => Some((1, 1, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_the_contracts_patterns() {
        let mut random = Random::new(1);
        for _ in 0..100 {
            let id = random.matching("^trd_[0-9a-f]{12}$").unwrap();
            assert!(id.len() == 16 && id.starts_with("trd_"), "{id}");
            let label = random.matching("^[a-z][a-z0-9-]*$").unwrap();
            assert!(
                label.starts_with(|first: char| first.is_ascii_lowercase()) && label.len() <= 7,
                "{label}"
            );
            assert!((1..=8).contains(&random.matching("^[A-Z]{1,8}$").unwrap().len()));
        }
        assert_eq!(random.matching("^(a|b)$"), None);
    }
}
