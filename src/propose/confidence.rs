//! How sure a proposal is: the share of right answers among such proposals, as counted on labelled fields of other CRMs.

/// Likelihoods nearer to 0 or 1 than this say no more.
const EDGE: f64 = 1e-4;

/// What the log odds of a likelihood weigh, and what is added to them.
const SLOPE: f64 = 0.92;
const BASE: f64 = -0.56;

/// Confidence, 0 to 1, of an answer that is so likely ([`super::weights`]) beside the others of its column.
#[must_use]
pub fn confidence(likely: f64) -> f64 {
    let likely = likely.clamp(EDGE, 1.0 - EDGE);
    let odds = (likely / (1.0 - likely)).ln();
    1.0 / (1.0 + (-(BASE + SLOPE * odds)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelier_the_surer_and_nothing_is_certain() {
        let sure: Vec<f64> = [0.0, 0.2, 0.5, 0.9, 0.99, 1.0].into_iter().map(confidence).collect();
        assert!(sure.is_sorted_by(|a, b| a < b), "{sure:?}");
        assert!(sure.iter().all(|sure| (0.0..1.0).contains(sure)), "{sure:?}");
    }
}
