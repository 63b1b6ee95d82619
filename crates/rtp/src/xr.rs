//! Extended reports (RFC 3611): what a receiver tells of the sound (§4.7), and round trips of those who only hear
//! (§4.4, §4.5).
//!
//! Plain values and their bytes. Whoever measures fills a [`VoipMetrics`]; [`crate::rtcp::build::Builder::extended`]
//! writes it, [`Extension::read`] reads a peer's. Values that a peer may not send are read as not said.

use crate::bytes::{Writer, be16, be32, be64};
use crate::ntp::Ntp;
use crate::rtcp::XrBlock;

/// Types of the blocks that are known here.
const REFERENCE_TIME: u8 = 4;
const LAST_RECEIVED: u8 = 5;
const VOIP_METRICS: u8 = 7;
/// Length of the body of VoIP metrics in bytes: eight words.
const VOIP_LENGTH: usize = 32;
/// Length of one source's part of a DLRR block in bytes.
const SOURCE_LENGTH: usize = 12;
/// How levels, echo, ratings and scores say that they are not known.
const UNKNOWN: u8 = 127;
/// Losses closer together than this many good packets are one burst (§4.7.2: 16 is recommended).
pub const GMIN: u8 = 16;

/// How lost packets are concealed (§4.7.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Concealment {
    /// Not said.
    #[default]
    Unknown,
    /// With silence.
    Silence,
    /// In an enhanced way: interpolation.
    Enhanced,
    /// In the standard way of the codec.
    Standard,
}

/// How the jitter buffer lives (§4.7.6, §4.7.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct JitterBuffer {
    /// Whether it follows the jitter; none: not said.
    pub adaptive: Option<bool>,
    /// How fast it does, 0 to 15.
    pub rate: u8,
    /// Its delay for packets that come as they should, ms.
    pub nominal_ms: u16,
    /// Its largest delay so far, ms.
    pub maximum_ms: u16,
    /// The delay that it never exceeds, ms.
    pub limit_ms: u16,
}

impl JitterBuffer {
    fn read(d: &[u8; VOIP_LENGTH]) -> Option<JitterBuffer> {
        let adaptive = match d[24] >> 4 & 3 {
            2 => Some(false),
            3 => Some(true),
            _ => None,
        };
        let (nominal_ms, maximum_ms, limit_ms) = (be16(d, 26)?, be16(d, 28)?, be16(d, 30)?);
        Some(JitterBuffer { adaptive, rate: d[24] & 0x0f, nominal_ms, maximum_ms, limit_ms })
    }
}

/// What one receiver tells of one source (§4.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VoipMetrics {
    /// The source spoken of.
    pub ssrc: u32,
    /// Packets lost on the network since the beginning, in 1/256 of those expected.
    pub loss_rate: u8,
    /// Packets that came and were thrown away, too late or too early, likewise.
    pub discard_rate: u8,
    /// Packets lost or thrown away within bursts, in 1/256 of those expected there.
    pub burst_density: u8,
    /// Likewise in the gaps between bursts.
    pub gap_density: u8,
    /// Mean length of the bursts, ms.
    pub burst_ms: u16,
    /// Mean length of the gaps, ms.
    pub gap_ms: u16,
    /// The last round trip between the two ends of the stream, ms; 0 while none is known.
    pub round_trip_ms: u16,
    /// The last delay within the receiver, from the network to the ear and from the mouth to the network, ms.
    pub end_system_ms: u16,
    /// Level of speech, dBm0.
    pub signal_dbm0: Option<i8>,
    /// Level of the silence between, dBm0.
    pub noise_dbm0: Option<i8>,
    /// Residual echo return loss, dB.
    pub echo_return_loss_db: Option<u8>,
    /// What counts as a gap: [`GMIN`].
    pub gmin: u8,
    /// The rating of this stretch (G.107), 0 to 100.
    pub r_factor: Option<u8>,
    /// That of another network that the call crosses.
    pub external_r_factor: Option<u8>,
    /// Mean opinion score of listening, in tenths: 10 to 50.
    pub mos_listening: Option<u8>,
    /// Of conversing, with delay and echo.
    pub mos_conversing: Option<u8>,
    /// How losses are concealed.
    pub concealment: Concealment,
    /// Its jitter buffer.
    pub jitter_buffer: JitterBuffer,
}

impl Default for VoipMetrics {
    /// Nothing is known.
    fn default() -> VoipMetrics {
        VoipMetrics {
            ssrc: 0,
            loss_rate: 0,
            discard_rate: 0,
            burst_density: 0,
            gap_density: 0,
            burst_ms: 0,
            gap_ms: 0,
            round_trip_ms: 0,
            end_system_ms: 0,
            signal_dbm0: None,
            noise_dbm0: None,
            echo_return_loss_db: None,
            gmin: GMIN,
            r_factor: None,
            external_r_factor: None,
            mos_listening: None,
            mos_conversing: None,
            concealment: Concealment::Unknown,
            jitter_buffer: JitterBuffer::default(),
        }
    }
}

/// A part of a whole in 1/256, as rates and densities are said (§4.7.1): 255 is the most.
#[must_use]
pub fn rate(part: u64, whole: u64) -> u8 {
    let units = (u128::from(part) << 8).checked_div(u128::from(whole)).unwrap_or_default();
    u8::try_from(units).unwrap_or(u8::MAX)
}

/// A value within its range, or not said.
fn known(value: u8, least: u8, most: u8) -> Option<u8> {
    (least..=most).contains(&value).then_some(value)
}

fn level(value: u8) -> Option<i8> {
    (value != UNKNOWN).then_some(i8::from_be_bytes([value]))
}

impl VoipMetrics {
    /// Reads the body of a block.
    fn read(data: &[u8]) -> Option<VoipMetrics> {
        let d: &[u8; VOIP_LENGTH] = data.try_into().ok()?;
        Some(VoipMetrics {
            ssrc: be32(d, 0)?,
            loss_rate: d[4],
            discard_rate: d[5],
            burst_density: d[6],
            gap_density: d[7],
            burst_ms: be16(d, 8)?,
            gap_ms: be16(d, 10)?,
            round_trip_ms: be16(d, 12)?,
            end_system_ms: be16(d, 14)?,
            signal_dbm0: level(d[16]),
            noise_dbm0: level(d[17]),
            echo_return_loss_db: Some(d[18]).filter(|value| *value != UNKNOWN),
            gmin: d[19],
            r_factor: known(d[20], 0, 100),
            external_r_factor: known(d[21], 0, 100),
            mos_listening: known(d[22], 10, 50),
            mos_conversing: known(d[23], 10, 50),
            concealment: match d[24] >> 6 {
                0 => Concealment::Unknown,
                1 => Concealment::Silence,
                2 => Concealment::Enhanced,
                _ => Concealment::Standard,
            },
            jitter_buffer: JitterBuffer::read(d)?,
        })
    }

    /// Writes the body of a block.
    fn write(&self, out: &mut Writer<'_>) {
        let rated = |value: Option<u8>, least, most| value.map_or(UNKNOWN, |v| v.clamp(least, most));
        let said = |level: Option<i8>| level.map_or(UNKNOWN, |level| level.to_be_bytes()[0]);
        let buffer = &self.jitter_buffer;
        let concealment = match self.concealment {
            Concealment::Unknown => 0,
            Concealment::Silence => 1,
            Concealment::Enhanced => 2,
            Concealment::Standard => 3,
        };
        let adaptive = buffer.adaptive.map_or(0, |adaptive| 2 | u8::from(adaptive));
        out.u32(self.ssrc);
        out.slice(&[self.loss_rate, self.discard_rate, self.burst_density, self.gap_density]);
        for ms in [self.burst_ms, self.gap_ms, self.round_trip_ms, self.end_system_ms] {
            out.u16(ms);
        }
        let echo = self.echo_return_loss_db.unwrap_or(UNKNOWN);
        out.slice(&[said(self.signal_dbm0), said(self.noise_dbm0), echo, self.gmin]);
        out.slice(&[rated(self.r_factor, 0, 100), rated(self.external_r_factor, 0, 100)]);
        out.slice(&[rated(self.mos_listening, 10, 50), rated(self.mos_conversing, 10, 50)]);
        out.slice(&[concealment << 6 | adaptive << 4 | buffer.rate.min(15), 0]);
        for ms in [buffer.nominal_ms, buffer.maximum_ms, buffer.limit_ms] {
            out.u16(ms);
        }
    }
}

/// When somebody's reference time came (§4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LastReceived {
    /// Whose.
    pub ssrc: u32,
    /// The middle 32 bits of it.
    pub lrr: u32,
    /// How long ago it came, in 1/65536 s.
    pub dlrr: u32,
}

impl LastReceived {
    fn read(bytes: &[u8; SOURCE_LENGTH]) -> Option<LastReceived> {
        Some(LastReceived { ssrc: be32(bytes, 0)?, lrr: be32(bytes, 4)?, dlrr: be32(bytes, 8)? })
    }
}

/// A block of an extended report that is known here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extension {
    /// The sender's clock, to be answered by [`Extension::LastReceived`] (§4.4).
    ReferenceTime(Ntp),
    /// When the reference time of one source came (§4.5). Of a peer's block with several the first is read.
    LastReceived(LastReceived),
    /// How one source sounds (§4.7).
    Voip(VoipMetrics),
}

impl Extension {
    /// Reads a peer's block; none where it is of another type or of the wrong length.
    #[must_use]
    pub fn read(block: &XrBlock<'_>) -> Option<Extension> {
        match block.kind {
            REFERENCE_TIME if block.data.len() == 8 => {
                Some(Extension::ReferenceTime(Ntp(be64(block.data, 0)?)))
            }
            LAST_RECEIVED => {
                block.data.first_chunk().and_then(LastReceived::read).map(Extension::LastReceived)
            }
            VOIP_METRICS => VoipMetrics::read(block.data).map(Extension::Voip),
            _ => None,
        }
    }

    /// Its type, and the length of its body in words.
    fn shape(&self) -> (u8, u16) {
        match self {
            Extension::ReferenceTime(_) => (REFERENCE_TIME, 2),
            Extension::LastReceived(_) => (LAST_RECEIVED, 3),
            Extension::Voip(_) => (VOIP_METRICS, 8),
        }
    }

    /// Length with the block's header, bytes.
    pub(crate) fn length(&self) -> usize {
        4 + 4 * usize::from(self.shape().1)
    }

    /// Writes the block.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        let (kind, words) = self.shape();
        out.slice(&[kind, 0]);
        out.u16(words);
        match self {
            Extension::ReferenceTime(ntp) => out.slice(&ntp.0.to_be_bytes()),
            Extension::LastReceived(LastReceived { ssrc, lrr, dlrr }) => {
                for word in [ssrc, lrr, dlrr] {
                    out.u32(*word);
                }
            }
            Extension::Voip(metrics) => metrics.write(out),
        }
    }
}
