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

/// Mean opinion score, 1 (bad) to 4.4 (the best that a telephone line can be).
///
/// `loss` is the share of packets, 0–1, that were lost or came too late, taken as random; `one_way` is mouth to ear.
pub fn mos(loss: f64, one_way: Duration) -> f32 {
    let ms = one_way.as_secs_f64() * 1_000.0;
    let delay_impairment = 0.024 * ms + 0.11 * (ms - DELAY_KNEE_MS).max(0.0);
    let percent = loss.clamp(0.0, 1.0) * 100.0;
    let loss_impairment = G711_IMPAIRMENT + (95.0 - G711_IMPAIRMENT) * percent / (percent + G711_PLC_ROBUSTNESS);
    let r = (R_DEFAULT - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    // G.107 Annex B, equation B-4; below R = 6.5 the polynomial dips under 1.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_the_model() {
        let at = |loss, ms| (mos(loss, Duration::from_millis(ms)) * 100.0).round() / 100.0;
        assert_eq!(at(0.0, 0), 4.41);
        assert_eq!(at(0.0, 100), 4.36);
        assert_eq!(at(0.05, 100), 3.82);
        assert_eq!(at(1.0, 2_000), 1.0);
    }

    #[test]
    fn more_loss_or_delay_is_never_better() {
        for step in 0_u32..50 {
            let (loss, ms) = (f64::from(step) / 50.0, 20 * step as u64);
            assert!(mos(loss + 0.02, Duration::from_millis(ms)) <= mos(loss, Duration::from_millis(ms)));
            assert!(mos(loss, Duration::from_millis(ms + 20)) <= mos(loss, Duration::from_millis(ms)));
        }
    }
}
