//! Whether a side says anything at all, as far as that can be told of packets that nobody decodes.
//!
//! Of G.711 the codes themselves tell how loud they are: one packet of [`EVERY`] is looked at, and most of those only as
//! far as the first sample that is not silent. Comfort noise (RFC 3389) is counted by its payload type.

use rtp::Header;

/// Of so many packets one is looked at, by its sequence number; a power of two.
const EVERY: u16 = 64;
/// The payload types of µ-law and A-law, and of comfort noise (RFC 3551 §6).
const PCMU: u8 = 0;
const PCMA: u8 = 8;
pub(crate) const COMFORT_NOISE: u8 = 13;
/// Magnitudes of codes, without their sign, that are no louder than −50 dB below full scale: 103 of 32767.
const PCMU_SILENT: u8 = 12;
const PCMA_SILENT: u8 = 5;

/// See the module text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sound {
    /// Packets looked at.
    pub(crate) looked: u32,
    /// Those without a sample louder than −50 dB.
    pub(crate) silent: u32,
    /// Packets of comfort noise.
    pub(crate) noise: u64,
}

impl Sound {
    /// A good packet, opened.
    #[inline]
    pub(crate) fn hear(&mut self, header: &Header, packet: &[u8]) {
        self.noise += u64::from(header.payload_type == COMFORT_NOISE);
        if header.sequence.is_multiple_of(EVERY) {
            self.look(header.payload_type, packet);
        }
    }

    #[cold]
    fn look(&mut self, payload_type: u8, packet: &[u8]) {
        // Neither padding, extension nor contributing sources.
        let Some((&0x80, rest)) = packet.split_first() else { return };
        let Some(codes) = rest.get(11..).filter(|codes| !codes.is_empty()) else { return };
        let silent = match payload_type {
            PCMU => codes.iter().all(|code| !code & 0x7f <= PCMU_SILENT),
            PCMA => codes.iter().all(|code| (code ^ 0x55) & 0x7f <= PCMA_SILENT),
            _ => return,
        };
        self.looked = self.looked.saturating_add(1);
        self.silent += u32::from(silent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(sound: &mut Sound, payload_type: u8, sequence: u16, codes: &[u8]) {
        let mut packet = vec![0x80, payload_type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        packet.extend_from_slice(codes);
        let header = Header { payload_type, marker: false, sequence, timestamp: 0, ssrc: 1 };
        sound.hear(&header, &packet);
    }

    #[test]
    fn codes_tell_silence_from_speech() {
        for (payload_type, silence, faint, speech) in
            [(0, 0xff, 0x7f - 12, 0x7f - 13), (8, 0xd5, 0x55 ^ 5, 0x55 ^ 6)]
        {
            let mut sound = Sound::default();
            hear(&mut sound, payload_type, 0, &[silence; 160]);
            hear(&mut sound, payload_type, 64, &[faint; 160]);
            assert_eq!((sound.looked, sound.silent), (2, 2));
            let mut spoken = [silence; 160];
            spoken[159] = speech;
            hear(&mut sound, payload_type, 128, &spoken);
            hear(&mut sound, payload_type, 129, &[silence; 160]);
            hear(&mut sound, payload_type, 192, &[]);
            assert_eq!((sound.looked, sound.silent), (3, 2));
        }
    }

    #[test]
    fn other_codecs_are_not_judged_and_noise_is_counted() {
        let mut sound = Sound::default();
        hear(&mut sound, 9, 0, &[0; 160]);
        hear(&mut sound, 13, 1, &[60]);
        assert_eq!(sound, Sound { looked: 0, silent: 0, noise: 1 });
    }
}
