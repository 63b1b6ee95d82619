//! Whether a side says anything at all, as far as that can be told of packets that nobody decodes.
//!
//! Of G.711 the codes themselves tell how loud they are: one packet of [`EVERY`] is looked at, and most of those only as
//! far as the first sample that is not silent. Comfort noise (RFC 3389) is counted by its payload type.

use rtp::{Header, Packet};

/// Of so many packets one is looked at, by its sequence number; a power of two.
const EVERY: u16 = 64;
/// The payload types of µ-law and A-law, and of comfort noise (RFC 3551 §6).
const PCMU: u8 = 0;
const PCMA: u8 = 8;
pub(crate) const COMFORT_NOISE: u8 = 13;
/// G.729 (RFC 3551 §4.5.6): frames of ten bytes, and behind the last one perhaps two that describe silence. What remains
/// of such a packet with its header of twelve bytes.
const G729: u8 = 18;
const G729_FRAME: usize = 10;
const G729_SILENCE: usize = (12 + 2) % G729_FRAME;
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
    /// The last packet of G.729 ended in a frame that describes silence (annex B): there may be no other for long.
    pub(crate) pausing: bool,
    /// The next packet is looked at, whatever its number.
    asked: bool,
    /// What that was: its payload type, and how its payload begins.
    head: Option<(u8, [u8; 2])>,
}

impl Sound {
    /// A good packet, opened.
    #[inline]
    pub(crate) fn hear(&mut self, header: &Header, packet: &[u8]) {
        self.noise += u64::from(header.payload_type == COMFORT_NOISE);
        self.pausing = header.payload_type == G729 && packet.len() % G729_FRAME == G729_SILENCE;
        if header.sequence.is_multiple_of(EVERY) | self.asked {
            self.look(header, packet);
        }
    }

    /// How the packet began that was asked for the last time, if one has come since; asks for another one.
    pub(crate) fn take_head(&mut self) -> Option<(u8, [u8; 2])> {
        self.asked = true;
        self.head.take()
    }

    #[cold]
    fn look(&mut self, header: &Header, packet: &[u8]) {
        if std::mem::take(&mut self.asked)
            && let Ok(packet) = Packet::parse(packet)
            && let [first, rest @ ..] = packet.payload()
        {
            self.head = Some((header.payload_type, [*first, rest.first().copied().unwrap_or(0)]));
        }
        if !header.sequence.is_multiple_of(EVERY) {
            return;
        }
        // Neither padding, extension nor contributing sources.
        let Some((&0x80, rest)) = packet.split_first() else { return };
        let Some(codes) = rest.get(11..).filter(|codes| !codes.is_empty()) else { return };
        let silent = match header.payload_type {
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
        assert_eq!(sound, Sound { noise: 1, ..Sound::default() });
    }

    #[test]
    fn a_packet_that_is_asked_for_tells_how_it_begins() {
        let mut sound = Sound::default();
        hear(&mut sound, 111, 1, &[0x18, 1, 2]);
        assert_eq!(sound.take_head(), None);
        hear(&mut sound, 111, 2, &[0x18, 1, 2]);
        hear(&mut sound, 101, 3, &[0; 4]);
        assert_eq!((sound.take_head(), sound.take_head()), (Some((111, [0x18, 1])), None));
        hear(&mut sound, 111, 4, &[]);
        assert_eq!(sound.take_head(), None);
        hear(&mut sound, 111, 5, &[0x08]);
        assert_eq!(sound.take_head(), Some((111, [0x08, 0])));
    }

    #[test]
    fn a_frame_of_g729_that_describes_silence_begins_a_pause() {
        let mut sound = Sound::default();
        for (length, pauses) in [(20, false), (22, true), (12, true), (2, true), (10, false), (40, false)] {
            hear(&mut sound, 18, 1, &vec![0; length]);
            assert_eq!(sound.pausing, pauses, "{length}");
        }
        hear(&mut sound, 18, 1, &[0; 2]);
        hear(&mut sound, 8, 1, &[0; 162]);
        assert!(!sound.pausing);
    }
}
