//! How sure a proposal is: the share of right answers among such proposals, as counted on labelled fields of other CRMs.

/// Likelihoods nearer to 0 or 1 than this say no more.
const EDGE: f64 = 1e-4;

/// What is added to the log odds of a likelihood, and what they weigh: of names that went to the same place elsewhere, and
/// of others.
const SEEN: (f64, f64) = (1.04, 0.66);
const OTHERS: (f64, f64) = (-0.67, 0.82);

/// What a name is believed at most that no other CRM has. On a half that nobody had looked at, one in eleven of those that
/// were likeliest was wrong, and the likeliest of these not less often than others.
const UNSEEN: f64 = 0.89;

/// Confidence, 0 to 1, of an answer that is so likely ([`super::weights`]) beside the others of its column; `is_seen` says
/// that the same name went to the same place elsewhere ([`super::seen`]).
#[must_use]
pub fn confidence(likely: f64, is_seen: bool) -> f64 {
    let likely = likely.clamp(EDGE, 1.0 - EDGE);
    let odds = (likely / (1.0 - likely)).ln();
    let (base, slope) = if is_seen { SEEN } else { OTHERS };
    let confidence = 1.0 / (1.0 + (-(base + slope * odds)).exp());
    if is_seen { confidence } else { confidence.min(UNSEEN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelier_the_surer_and_nothing_is_certain() {
        for is_seen in [false, true] {
            let likely = [0.0, 0.2, 0.5, 0.9, 0.99, 1.0];
            let sure: Vec<f64> = likely.into_iter().map(|likely| confidence(likely, is_seen)).collect();
            assert!(sure.is_sorted(), "{sure:?}");
            assert!(sure.iter().all(|sure| (0.0..1.0).contains(sure)), "{sure:?}");
        }
    }

    #[test]
    fn a_name_that_no_other_crm_has_is_never_sure() {
        assert!(confidence(1.0, false) < 0.9);
        assert!(confidence(1.0, true) > 0.9);
    }
}
