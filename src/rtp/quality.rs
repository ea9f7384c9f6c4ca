//! How good a conversation over this line is, as a number people know: the E-model (ITU-T G.107) with its defaults, so
//! that only delay and loss are left.

use std::time::Duration;

/// Transmission rating with all of G.107's defaults (Table 2).
const R_DEFAULT: f64 = 93.2;
/// Delay from which talking gets hard (ms) (G.107 §7.4, as simplified by Cole and Rosenbluth 2001).
const DELAY_KNEE_MS: f64 = 177.3;
/// Packet-loss robustness of G.711 with concealment (G.113 Appendix I, Table I.4).
const G711_PLC_ROBUSTNESS: f64 = 25.1;
/// Equipment impairment of G.711 itself (G.113 Appendix I).
const G711_IMPAIRMENT: f64 = 0.0;

/// Transmission rating R, 0 to 93.2.
///
/// `loss` is the share of packets, 0–1, that were lost or came too late, `burst_ratio` how much longer runs of losses are than
/// independent ones would be (G.107 §7.2; 1 or more); `one_way` is mouth to ear.
pub fn rating(loss: f64, burst_ratio: f64, one_way: Duration) -> f64 {
    let ms = one_way.as_secs_f64() * 1_000.0;
    let delay_impairment = 0.024 * ms + 0.11 * (ms - DELAY_KNEE_MS).max(0.0);
    let percent = loss.clamp(0.0, 1.0) * 100.0;
    // G.107 equation 7-29.
    let robustness = percent / burst_ratio.max(1.0) + G711_PLC_ROBUSTNESS;
    let loss_impairment = G711_IMPAIRMENT + (95.0 - G711_IMPAIRMENT) * percent / robustness;
    (R_DEFAULT - delay_impairment - loss_impairment).clamp(0.0, 100.0)
}

/// Mean opinion score, 1 (bad) to 4.4 (the best that a telephone line can be), of a rating (G.107 Annex B, equation B-4).
pub fn mos(rating: f64) -> f32 {
    let r = rating;
    // Below R = 6.5 the polynomial dips under 1.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_the_model() {
        let at = |loss, ms| (mos(rating(loss, 1.0, Duration::from_millis(ms))) * 100.0).round() / 100.0;
        assert_eq!(at(0.0, 0), 4.41);
        assert_eq!(at(0.0, 100), 4.36);
        assert_eq!(at(0.05, 100), 3.82);
        assert_eq!(at(1.0, 2_000), 1.0);
    }

    #[test]
    fn more_loss_or_delay_is_never_better() {
        for step in 0_u32..50 {
            let (loss, ms) = (f64::from(step) / 50.0, 20 * step as u64);
            let at = |loss, ms| mos(rating(loss, 1.0, Duration::from_millis(ms)));
            assert!(at(loss + 0.02, ms) <= at(loss, ms) && at(loss, ms + 20) <= at(loss, ms));
        }
        let bursty = |ratio| rating(0.05, ratio, Duration::ZERO);
        assert!(bursty(3.0) < bursty(1.0) - 1.5, "{} {}", bursty(3.0), bursty(1.0));
        for ratio in [0.0, 1.0] {
            assert_eq!(bursty(ratio), bursty(1.0));
        }
    }
}
