//! A telephone that speaks, one that listens, and the bridge between them.

use base::Time;
use bridge::{Bridge, Codec, Format, Passage, Plan};
use codec::opus::Wish;
use codec::{Law, Tone, g722, opus};
use rtp::{Header, Packet};

pub(crate) const A: Codec = Codec::G711(Law::A);
pub(crate) const MU: Codec = Codec::G711(Law::Mu);
pub(crate) const OPUS: Codec = Codec::Opus(Wish { bitrate_max: 0, fec: false, constant: false });

pub(crate) fn type_of(codec: Codec) -> u8 {
    match codec {
        Codec::G711(Law::Mu) => 0,
        Codec::G711(Law::A) => 8,
        Codec::G722 => 9,
        Codec::Opus(_) => 96,
    }
}

pub(crate) fn plan(from: Codec, from_ms: u8, to: Codec, to_ms: u8) -> Plan {
    Plan::between(vec![(type_of(from), from)], from_ms, Format::new(type_of(to), to, to_ms))
}

/// The rate at which a codec's sound is made and heard here.
pub(crate) fn rate_of(codec: Codec) -> u32 {
    codec.rate().unwrap_or(16_000)
}

enum Coder {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(opus::Encoder),
}

/// A telephone that says a tone.
pub(crate) struct Speaker {
    codec: Codec,
    coder: Coder,
    ms: usize,
    tone: Tone,
    pub(crate) header: Header,
}

impl Speaker {
    pub(crate) fn new(codec: Codec, ms: u8, hz: f64, dbm0: f64) -> Speaker {
        let coder = match codec {
            Codec::G711(law) => Coder::G711(law),
            Codec::G722 => Coder::G722(Box::default()),
            Codec::Opus(wish) => Coder::Opus(opus::Encoder::new(rate_of(codec), wish).unwrap()),
        };
        let payload_type = type_of(codec);
        let header =
            Header { marker: true, payload_type, sequence: 65_530, timestamp: 4_294_960_000, ssrc: 7 };
        Speaker { codec, coder, ms: usize::from(ms), tone: Tone::sine(hz, dbm0, rate_of(codec)), header }
    }

    /// The next packet.
    pub(crate) fn packet(&mut self) -> Vec<u8> {
        let mut samples = vec![0i16; rate_of(self.codec) as usize * self.ms / 1_000];
        self.tone.fill(&mut samples);
        let mut payload = vec![0u8; 2_000];
        let length = match &mut self.coder {
            Coder::G711(law) => law.encode_slice(&samples, &mut payload),
            Coder::G722(coder) => coder.encode(&samples, &mut payload),
            Coder::Opus(coder) => coder.encode(&samples, &mut payload).unwrap(),
        };
        let packet = self.around(&payload[..length]);
        self.header.timestamp =
            self.header.timestamp.wrapping_add(self.codec.clock() / 1_000 * self.ms as u32);
        packet
    }

    /// A packet with a payload of another kind; the clock stands still.
    pub(crate) fn around(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 12 + payload.len()];
        self.header.write(payload, &mut packet).unwrap();
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        packet
    }
}

/// A packet as it left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Left {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn read(bytes: &[u8]) -> Left {
    let packet = Packet::parse(bytes).unwrap();
    Left { header: packet.header(), payload: packet.payload().to_vec() }
}

/// Gives a packet to a bridge and takes what leaves.
pub(crate) fn give(bridge: &mut Bridge, ms: u64, mut packet: Vec<u8>) -> Vec<Left> {
    match bridge.on_packet(Time::from_millis(ms), &mut packet) {
        Passage::InPlace => vec![read(&packet)],
        Passage::Taken => fetch(bridge),
        Passage::Cut(less) => vec![read(&packet[..packet.len() - less])],
        Passage::Silence | Passage::Refused => Vec::new(),
    }
}

pub(crate) fn fetch(bridge: &mut Bridge) -> Vec<Left> {
    let mut buffer = [0; 2_000];
    std::iter::from_fn(|| bridge.pop(&mut buffer).map(|length| read(&buffer[..length]))).collect()
}

/// What a telephone of the format hears.
pub(crate) fn listen(codec: Codec, packets: &[Left]) -> Vec<i16> {
    let mut heard = Vec::new();
    let mut g722 = g722::Decoder::new();
    let mut opus = opus::Decoder::new(rate_of(codec)).unwrap();
    for packet in packets.iter().filter(|packet| packet.header.payload_type == type_of(codec)) {
        let mut samples = [0i16; 4_000];
        let count = match codec {
            Codec::G711(law) => law.decode_slice(&packet.payload, &mut samples),
            Codec::G722 => g722.decode(&packet.payload, &mut samples),
            Codec::Opus(_) => opus.decode(&packet.payload, &mut samples).unwrap(),
        };
        heard.extend(&samples[..count]);
    }
    heard
}

/// Every packet after the first follows the one before it: by one, and by the samples that it held.
pub(crate) fn assert_continuous(packets: &[Left], ticks: u32) {
    for pair in packets.windows(2) {
        let [before, after] = [pair[0].header, pair[1].header];
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(ticks), "{before:?} {after:?}");
        assert_eq!((after.ssrc, after.marker), (before.ssrc, false));
    }
}
