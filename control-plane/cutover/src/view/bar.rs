//! A weight as a bar.

use cutover_domain::Weight;

const CELLS: u32 = 20;

/// Twenty cells, filled from the left; anything above zero shows, and only 100 % fills all.
pub(super) fn bar(weight: Weight) -> String {
    let points = u32::from(weight.basis_points());
    let full = u32::from(Weight::FULL.basis_points());
    let filled = match points {
        0 => 0,
        _ if points == full => CELLS,
        _ => (points * CELLS / full).clamp(1, CELLS - 1),
    };
    (0..CELLS).map(|cell| if cell < filled { '█' } else { '·' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_everything_are_told_from_almost() {
        let filled = |text: &str| bar(text.parse().unwrap()).chars().filter(|cell| *cell == '█').count();
        let table = [("0", 0), ("0.01", 1), ("4.99", 1), ("10", 2), ("50", 10), ("99.99", 19), ("100", 20)];
        for (weight, cells) in table {
            assert_eq!(filled(weight), cells, "{weight}");
            assert_eq!(bar(weight.parse().unwrap()).chars().count(), 20);
        }
    }
}
