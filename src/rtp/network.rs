//! A network that can be had anywhere: seeded, in virtual time. What a buffer must bear is tested and measured on it.
//!
//! ```text
//!  packets, one each interval ─► Network { loss, bursts, jitter, twice, … } ─► (when it arrives, which)…
//! ```
//!
//! The same seed brings the same packets at the same times, on every machine.

use std::time::Duration;

/// What happens to packets on their way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Share that does not arrive, 0–1.
    pub loss: f64,
    /// How many packets are lost in a row, in the mean (a Gilbert channel); 1 for losses that know nothing of each other.
    pub burst: f64,
    /// Each packet is late by up to this, evenly spread.
    pub jitter: Duration,
    /// Share that comes twice, 0–1.
    pub twice: f64,
    /// Whether a packet may overtake another; otherwise what is late holds up those behind it, as one queue does.
    pub overtakes: bool,
    /// Every three seconds nothing gets through for this long; then what has waited comes at once. So stalls a busy machine.
    pub stall: Duration,
    /// By how much the sender's clock is slow (parts of one; negative: fast).
    pub drift: f64,
    /// Which of all such networks it is.
    pub seed: u64,
}

/// From one stall to the next.
const STALL_EVERY: Duration = Duration::from_secs(3);

impl Network {
    /// Brings everything at once and in order.
    pub const PERFECT: Self = Self {
        loss: 0.0,
        burst: 1.0,
        jitter: Duration::ZERO,
        twice: 0.0,
        overtakes: true,
        stall: Duration::ZERO,
        drift: 0.0,
        seed: 1,
    };

    /// When each of `packets` arrives, sent one each `interval` from 0 on: in the order of arrival, with its number.
    pub fn carry(&self, packets: u32, interval: Duration) -> Vec<(Duration, u32)> {
        let mut dice = Dice(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (mut arrivals, mut is_losing, mut newest) = (Vec::with_capacity(packets as usize), false, Duration::ZERO);
        // Of a Gilbert channel: it leaves a burst with 1 ∕ burst, and enters one so that its share of the time is the loss.
        let leave = 1.0 / self.burst.max(1.0);
        let enter = leave * self.loss / (1.0 - self.loss).max(1e-9);
        for n in 0..packets {
            let turn = dice.roll();
            is_losing = if is_losing { turn >= leave } else { turn < enter };
            let is_lost = if self.burst > 1.0 { is_losing } else { turn < self.loss };
            let sent = (interval * n).mul_f64(1.0 + self.drift);
            let copies = if dice.roll() < self.twice { 2 } else { 1 };
            for _ in 0..copies {
                let late = self.jitter.mul_f64(dice.roll());
                if is_lost {
                    continue;
                }
                let at = self.after_stall(sent + late);
                let at = if self.overtakes { at } else { newest.max(at) };
                newest = newest.max(at);
                arrivals.push((at, n));
            }
        }
        arrivals.sort_unstable();
        arrivals
    }

    fn after_stall(&self, at: Duration) -> Duration {
        let since = Duration::from_nanos((at.as_nanos() % STALL_EVERY.as_nanos()) as u64);
        if at < STALL_EVERY || since >= self.stall { at } else { at - since + self.stall }
    }
}

/// xorshift64* (Vigna 2016)
struct Dice(u64);

impl Dice {
    /// 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    #[test]
    fn it_does_what_it_says_and_the_same_each_time() {
        let network =
            Network { loss: 0.1, jitter: Duration::from_millis(60), twice: 0.05, seed: 9, ..Network::PERFECT };
        for network in [network, Network { burst: 4.0, ..network }] {
            let arrivals = network.carry(20_000, TICK);
            assert_eq!(arrivals, network.carry(20_000, TICK));
            let mut here: Vec<u32> = arrivals.iter().map(|&(_, n)| n).collect();
            here.sort_unstable();
            let copies = here.len();
            here.dedup();
            let lost = 20_000 - here.len();
            assert!((1_700..2_300).contains(&lost), "{lost}");
            assert!((800..1_000).contains(&(copies - here.len())));
            let bursts = here.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
            let mean = lost as f64 / bursts as f64;
            assert!((mean - if network.burst > 1.0 { 4.0 } else { 1.1 }).abs() < 0.4, "{mean}");
            assert!(arrivals.iter().all(|&(at, n)| (TICK * n..TICK * n + network.jitter).contains(&at)));
        }
    }

    #[test]
    fn one_queue_keeps_the_order() {
        let network = Network { jitter: Duration::from_millis(200), overtakes: false, ..Network::PERFECT };
        let arrivals = network.carry(1_000, TICK);
        assert!(arrivals.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 <= pair[1].0));
        let overtaking = Network { overtakes: true, ..network }.carry(1_000, TICK);
        assert!(overtaking.windows(2).any(|pair| pair[0].1 > pair[1].1));
    }
}
