//! Costs by row and variant over many rounds, and tables of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::load::{Load, Requests};
use crate::{cpu_us, median};

/// Measured microseconds per request, one for each round.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<(&'static str, &'static str), Vec<f64>>);

/// What a cell shows of its rounds.
pub type Statistic = fn(Vec<f64>) -> f64;

/// The least: what else the machine does can only add to a round.
#[must_use]
pub fn quietest(rounds: Vec<f64>) -> f64 {
    rounds.into_iter().fold(f64::INFINITY, f64::min)
}

impl Samples {
    /// Adds a round's.
    pub fn add(&mut self, row: &'static str, variant: &'static str, cost: f64) {
        self.0.entry((row, variant)).or_default().push(cost);
    }

    /// One number for all rounds of a cell; not a number when there were none.
    #[must_use]
    pub fn cell(&self, row: &'static str, variant: &'static str, statistic: Statistic) -> f64 {
        self.0.get(&(row, variant)).map_or(f64::NAN, |rounds| statistic(rounds.clone()))
    }

    /// The median of the differences between two variants of the same round: a burst of something else hits both.
    #[must_use]
    pub fn difference(&self, row: &'static str, variant: &'static str, base: &'static str) -> f64 {
        let rounds = |variant| self.0.get(&(row, variant)).map(Vec::as_slice).unwrap_or_default();
        median(rounds(variant).iter().zip(rounds(base)).map(|(cost, base)| cost - base).collect())
    }

    /// A table of all cells, a line for each variant.
    #[must_use]
    pub fn table(&self, rows: &[&'static str], variants: &[&'static str], statistic: Statistic) -> String {
        let head: String = rows.iter().map(|row| format!("{row:>14}")).collect();
        let line = |variant: &&'static str| {
            let cells: String =
                rows.iter().map(|row| format!("{:>14.1}", self.cell(row, variant, statistic))).collect();
            format!("\n{variant:<22}{cells}")
        };
        format!("{:<22}{head}{}", "", variants.iter().map(line).collect::<String>())
    }

    /// How far the rounds of the most restless cell lie apart: the distance of the quartiles as a share of the median.
    #[must_use]
    pub fn widest_spread(&self) -> f64 {
        let spread = |rounds: &Vec<f64>| {
            let mut sorted = rounds.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |part: usize| sorted.get(sorted.len() * part / 4).copied().unwrap_or_default();
            (at(3) - at(1)) / median(sorted.clone())
        };
        self.0.values().map(spread).fold(0.0, f64::max)
    }

    /// The medians as `{row: {variant: µs}}`.
    #[must_use]
    pub fn medians(&self) -> Value {
        let mut all = json!({});
        for ((row, variant), rounds) in &self.0 {
            all[row][variant] = json!((median(rounds.clone()) * 10.0).round() / 10.0);
        }
        all
    }
}

/// Microseconds of CPU time of the process for each of so many requests over these connections; some more are sent
/// before, which do not count.
///
/// # Errors
/// At the first answer that is not 200.
pub async fn cpu_per_request(
    pid: u32,
    load: &mut Load,
    count: u64,
    requests: &Arc<impl Requests>,
) -> Result<f64> {
    load.run(0..count.div_ceil(10), requests).await?;
    let before = cpu_us(pid)?;
    load.run(0..count, requests).await?;
    #[allow(clippy::cast_precision_loss, reason = "few requests")]
    Ok((cpu_us(pid)? - before) / count as f64)
}

#[cfg(test)]
mod tests {
    use super::{Samples, quietest};
    use crate::median;

    #[test]
    fn variants_are_compared_within_a_round() {
        let mut samples = Samples::default();
        for (noise, extra) in [(0.0, 3.0), (100.0, 4.0), (10.0, 5.0)] {
            samples.add("row", "base", 10.0 + noise);
            samples.add("row", "more", 10.0 + noise + extra);
        }
        assert!((samples.difference("row", "more", "base") - 4.0).abs() < 1e-9);
        assert!((samples.cell("row", "more", quietest) - 13.0).abs() < 1e-9);
        assert!((samples.cell("row", "base", median) - 20.0).abs() < 1e-9);
        assert!(samples.cell("row", "none", median).is_nan());
    }
}
