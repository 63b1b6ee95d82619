//! NTP timestamps and the round trip they measure (RFC 3550 §4, §6.4.1).

/// Seconds from the NTP epoch (1900) to the Unix epoch (1970).
const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;
const NANOS: u64 = 1_000_000_000;

/// Seconds since 1900 in the upper 32 bits, fractions of 2^-32 s in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ntp(pub u64);

impl Ntp {
    /// The timestamp of a Unix time in nanoseconds; wraps with the NTP era in 2036.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Ntp {
        let seconds = (nanos / NANOS).wrapping_add(UNIX_EPOCH_SECONDS) & 0xffff_ffff;
        let fraction = ((nanos % NANOS) << 32) / NANOS;
        Ntp((seconds << 32) | fraction)
    }

    /// Unix time in nanoseconds, in the first NTP era; 0 for times before 1970.
    #[must_use]
    pub const fn to_unix_nanos(self) -> u64 {
        let seconds = (self.0 >> 32).saturating_sub(UNIX_EPOCH_SECONDS);
        let fraction = ((self.0 & 0xffff_ffff) * NANOS + (1 << 31)) >> 32;
        seconds * NANOS + fraction
    }

    /// The middle 32 bits, in units of 1/65536 s: the form of LSR.
    #[must_use]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// A duration of nanoseconds in units of 1/65536 s, the form of DLSR; stops at the largest.
#[must_use]
pub const fn short_from_nanos(nanos: u64) -> u32 {
    let units = ((nanos as u128) << 16) / NANOS as u128;
    if units > u32::MAX as u128 { u32::MAX } else { units as u32 }
}

/// Nanoseconds of a duration in units of 1/65536 s.
#[must_use]
pub const fn nanos_from_short(units: u32) -> u64 {
    ((units as u64) * NANOS) >> 16
}

/// The round trip in nanoseconds from a report block that arrived at `arrival`
/// (RFC 3550 §6.4.1).
///
/// None where the peer has had no report of ours (LSR 0), or where the sum is absurd: negative
/// beyond the clock's grain, or beyond a minute.
#[must_use]
pub fn round_trip_nanos(arrival: Ntp, lsr: u32, dlsr: u32) -> Option<u64> {
    const GRAIN: u32 = 66;
    const MINUTE: u32 = 60 << 16;
    if lsr == 0 {
        return None;
    }
    let units = arrival.middle().wrapping_sub(lsr).wrapping_sub(dlsr);
    if units > u32::MAX - GRAIN {
        return Some(0);
    }
    (units <= MINUTE).then(|| nanos_from_short(units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_3550() {
        // RFC 3550 §6.4.1, figure 2: A - LSR - DLSR = 6.125 s.
        let arrival = Ntp(0xb44d_b705_2000_0000);
        let rtt = round_trip_nanos(Ntp(0xb710_8000 << 16), 0xb705_2000, 0x0005_4000).unwrap();
        assert_eq!(rtt, 6_125_000_000);
        assert_eq!(arrival.middle(), 0xb705_2000);
    }

    #[test]
    fn unix_times_come_back() {
        for nanos in [0, 1, 999_999_999, 1_767_225_600_123_456_789] {
            assert_eq!(Ntp::from_unix_nanos(nanos).to_unix_nanos(), nanos);
        }
        assert_eq!(Ntp::from_unix_nanos(0).0 >> 32, UNIX_EPOCH_SECONDS);
    }

    #[test]
    fn absurd_round_trips_are_none() {
        let arrival = Ntp::from_unix_nanos(1_000_000_000);
        assert_eq!(round_trip_nanos(arrival, 0, 0), None);
        assert_eq!(round_trip_nanos(arrival, arrival.middle().wrapping_add(3), 0), Some(0));
        assert_eq!(round_trip_nanos(arrival, arrival.middle().wrapping_add(9_000), 0), None);
        assert_eq!(round_trip_nanos(arrival, arrival.middle().wrapping_sub(100 << 16), 0), None);
    }

    #[test]
    fn short_durations_stop_at_the_largest() {
        assert_eq!(short_from_nanos(1_000_000_000), 65_536);
        assert_eq!(short_from_nanos(u64::MAX), u32::MAX);
        assert_eq!(nanos_from_short(65_536), 1_000_000_000);
    }
}
