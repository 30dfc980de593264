//! Slips of the finger.

/// `did you mean …?` when one known name is close, else all of them.
pub(crate) fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    // Two edits, or a third of the word: more is not a slip of the finger.
    let most = (given.chars().count() / 3).max(2);
    let scored = known.iter().map(|name| {
        let distance = strsim::osa_distance(&given.to_lowercase(), &name.to_lowercase());
        (distance, *name)
    });
    match scored.filter(|(distance, _)| *distance <= most).min() {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "none is defined".to_owned(),
        None => format!("known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_gets_a_suggestion_and_anything_else_the_list() {
        let known = ["timeout", "connect_timeout", "endpoints"];
        assert_eq!(nearest("timout", known), "did you mean `timeout`?");
        assert_eq!(nearest("Endpoint", known), "did you mean `endpoints`?");
        assert_eq!(nearest("colour", known), "known are timeout, connect_timeout, endpoints");
        assert_eq!(nearest("x", []), "none is defined");
    }
}
