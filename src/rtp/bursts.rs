//! Whether packets are lost one by one or in bursts (RFC 3611 §4.7.2 and Appendix A.2).
//!
//! A burst is a stretch that begins and ends with a loss, and in which fewer than [`GMIN`] packets in a row arrive; all
//! between two bursts is a gap, in which a loss now and then is well concealed.

/// Packets that must arrive in a row to end a burst (RFC 3611 §4.7.2: 16 is recommended).
pub const GMIN: u8 = 16;

/// Counts the losses of one stream, in the order in which it should have been heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bursts {
    /// Packets that arrived since the last loss.
    since: u64,
    /// The burst that may go on: packets, and those of them that were lost.
    open: (u64, u64),
    /// Bursts that are over: how many, their packets, those of them that were lost.
    closed: (u64, u64, u64),
    packets: u64,
    lost: u64,
    /// Runs of losses without anything between them.
    runs: u64,
}

/// What [`Bursts`] come to. Shares are 0–1; lengths are in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pattern {
    /// Share lost in bursts.
    pub burst_density: f64,
    /// Share lost in gaps.
    pub gap_density: f64,
    /// Mean length of a burst.
    pub burst_length: f64,
    /// Mean length of a gap.
    pub gap_length: f64,
    /// How much longer runs of losses are than if each were independent: 1 or more (ITU-T G.107 §7.2, *BurstR*).
    pub burst_ratio: f64,
}

impl Bursts {
    /// A packet is heard.
    pub fn arrived(&mut self) {
        self.packets += 1;
        self.since += 1;
        if self.since == u64::from(GMIN) {
            self.close();
        }
    }

    /// A packet is not heard, because it was lost or came too late.
    pub fn lost(&mut self) {
        self.runs += u64::from(self.since > 0 || self.lost == 0);
        self.packets += 1;
        self.lost += 1;
        let (packets, lost) = self.open;
        let between = if lost == 0 { 0 } else { self.since };
        self.open = (packets + between + 1, lost + 1);
        self.since = 0;
    }

    /// A lone loss is part of the gap around it.
    fn close(&mut self) {
        let (packets, lost) = std::mem::take(&mut self.open);
        if lost > 1 {
            self.closed.0 += 1;
            self.closed.1 += packets;
            self.closed.2 += lost;
        }
    }

    /// What has been counted so far.
    pub fn pattern(&self) -> Pattern {
        let mut all = *self;
        all.close();
        let (bursts, packets, lost) = all.closed;
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let loss = share(self.lost, self.packets);
        Pattern {
            burst_density: share(lost, packets),
            gap_density: share(self.lost - lost, self.packets - packets),
            burst_length: share(packets, bursts),
            gap_length: share(self.packets - packets, bursts + 1),
            burst_ratio: (share(self.lost, self.runs) * (1.0 - loss)).max(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pattern: &str) -> Pattern {
        let mut bursts = Bursts::default();
        for sign in pattern.chars() {
            if sign == 'x' { bursts.lost() } else { bursts.arrived() }
        }
        bursts.pattern()
    }

    #[test]
    fn losses_far_apart_are_no_burst() {
        let pattern = counted(&format!("{}x", ".".repeat(19)).repeat(10));
        assert_eq!((pattern.burst_length, pattern.gap_density, pattern.burst_ratio), (0.0, 0.05, 1.0));
    }

    #[test]
    fn losses_near_each_other_are() {
        let gap = ".".repeat(45);
        let found = counted(&format!("{gap}xx.x.{gap}x{gap}x.xxx{gap}"));
        assert_eq!((found.burst_length, found.burst_density), (4.5, 7.0 / 9.0));
        assert!((found.gap_length - (4.0 * 45.0 + 2.0) / 3.0).abs() < 0.01, "{found:?}");
        assert!(found.burst_ratio > 1.5 && found.gap_density < 0.006, "{found:?}");
        assert_eq!(counted("").burst_ratio, 1.0);
    }
}
