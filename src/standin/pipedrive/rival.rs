//! The customer's other tools: they spend the same day's tokens and, with the same token, the same two seconds.
//!
//! What they do in a span of time depends on the seed and on that span alone, so that looking more often changes nothing.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::settings::Settings;
use crate::clock::Moment;

/// Spans in which the requests of others are drawn.
const SPAN: Duration = Duration::from_secs(2);

/// Spans of the day in which the tokens of others are drawn.
pub(super) const MINUTES: i64 = 1_440;

/// When others send requests between two moments, ascending: on average their share of `limit` in two seconds, and
/// anything from none to twice that. Only the last two spans matter to a window of two seconds.
pub(super) fn requests(settings: &Settings, limit: usize, after: Moment, until: Moment) -> Vec<Moment> {
    if settings.rival_window_share <= 0.0 {
        return Vec::new();
    }
    let span = |moment: Moment| u64::try_from(moment.elapsed().as_nanos() / SPAN.as_nanos()).unwrap_or(u64::MAX);
    let last = span(until);
    let mut moments = Vec::new();
    for number in span(after).max(last.saturating_sub(2))..=last {
        let mut random = ChaCha8Rng::seed_from_u64(settings.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let most = 2.0 * settings.rival_window_share * limit as f64;
        let count = (random.random::<f64>() * (most + 1.0)) as usize;
        let start = Moment::default() + SPAN.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        let mut own: Vec<Moment> = (0..count).map(|_| start + SPAN.mul_f64(random.random::<f64>())).collect();
        own.sort_unstable();
        moments.extend(own.into_iter().filter(|moment| *moment > after && *moment <= until));
    }
    moments
}

/// Tokens that others spend in one minute of a day: over the day their share of the budget on average.
pub(super) fn tokens(settings: &Settings, day: i64, minute: i64) -> u64 {
    let number = day.wrapping_mul(MINUTES).wrapping_add(minute).cast_unsigned();
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mean = settings.rival_day_share.max(0.0) * settings.daily_tokens() as f64 / MINUTES as f64;
    (2.0 * mean * random.random::<f64>()).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_spend_their_share_and_the_same_whoever_looks() {
        let settings = Settings { rival_window_share: 0.3, rival_day_share: 0.2, ..Settings::default() };
        let at = |ms: u64| Moment::default() + Duration::from_millis(ms);
        let whole: usize =
            (0..500).map(|span| requests(&settings, 40, at(span * 2_000), at(span * 2_000 + 2_000)).len()).sum();
        assert!((4_800..7_200).contains(&whole), "{whole} of 500 × 40 requests are about 30 %");
        let halves =
            [requests(&settings, 40, at(4_000), at(5_000)), requests(&settings, 40, at(5_000), at(5_900))].concat();
        assert_eq!(halves, requests(&settings, 40, at(4_000), at(5_900)));
        let day: u64 = (0..MINUTES).map(|minute| tokens(&settings, 7, minute)).sum();
        assert!((57_000..63_000).contains(&day), "{day} of 300,000 tokens are about 20 %");
    }
}
