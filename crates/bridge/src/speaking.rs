//! From samples to packets: frames of the receiver's packet time, encoded and numbered.
//!
//! Where a packet of the sender holds more than one of the receiver's, they do not leave together but each at its
//! time, none later than that one packet is long.

use crate::hearing::scaled;
use crate::outgoing::{Outgoing, PACKET_MAX};
use crate::plan::{Codec, Format};
use base::Time;
use codec::{Law, g722, opus};
use std::time::Duration;

/// The state of one codec's encoder.
#[derive(Debug)]
enum Encoder {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(opus::Encoder),
}

/// See the module text.
#[derive(Debug)]
pub(crate) struct Speaking {
    format: Format,
    rate: u32,
    /// Samples of a packet.
    frame: usize,
    encoder: Encoder,
    /// Less than a frame.
    pending: Vec<i16>,
    /// Samples that were spoken beyond what was heard: padding and noise.
    ahead: usize,
    /// When the last packet of several left.
    paced: Option<Time>,
    /// Several packets at one time leave each at its own, also where sound was made up.
    pub(crate) even: bool,
    /// The next packet begins a spurt of talk (RFC 3551 §4.1).
    marker: bool,
}

impl Speaking {
    /// None when the codec cannot work at that rate.
    pub(crate) fn new(format: Format, rate: u32) -> Option<Speaking> {
        let encoder = match format.codec {
            Codec::G711(law) => Encoder::G711(law),
            Codec::G722 => Encoder::G722(Box::default()),
            Codec::Opus(wish) => Encoder::Opus(opus::Encoder::new(rate, wish)?),
        };
        let frame = rate as usize * usize::from(format.ptime_ms) / 1_000;
        Some(Speaking {
            format,
            rate,
            frame,
            encoder,
            pending: Vec::new(),
            ahead: 0,
            paced: None,
            even: false,
            marker: true,
        })
    }

    /// Samples of a packet.
    pub(crate) fn frame(&self) -> usize {
        self.frame
    }

    /// Samples in ticks of the packets' clock.
    fn ticks(&self, samples: usize) -> u32 {
        scaled(samples as u32, self.format.codec.clock(), self.rate) as u32
    }

    /// The timestamp at which what is heard next will be spoken.
    pub(crate) fn timestamp(&self, outgoing: &Outgoing) -> u32 {
        let pending = self.ticks(self.pending.len());
        outgoing.identity.timestamp.wrapping_add(pending).wrapping_sub(self.ticks(self.ahead))
    }

    /// Speaks samples; what does not fill a packet waits.
    pub(crate) fn say(&mut self, samples: &[i16], outgoing: &mut Outgoing) {
        self.say_packet(samples, 0, outgoing);
    }

    /// Speaks samples of which the last so many came in one packet; what was made up before them leaves at once.
    pub(crate) fn say_packet(&mut self, samples: &[i16], heard: usize, outgoing: &mut Outgoing) {
        self.pending.extend_from_slice(samples);
        let made_up = self.pending.len() - heard.min(samples.len());
        let mut done = 0;
        while let Some(frame) = self.pending.get(done..done + self.frame) {
            if heard > self.frame && done + self.frame > made_up {
                let latest = outgoing.now + self.time(heard);
                let next = self.paced.map_or(outgoing.now, |paced| paced + self.time(self.frame));
                outgoing.leaves = next.clamp(outgoing.now, latest);
                self.paced = Some(outgoing.leaves);
            } else if self.even {
                outgoing.leaves = outgoing.now + self.time(done);
            }
            let timestamp = outgoing.identity.timestamp;
            let encoder = &mut self.encoder;
            let (room, head) = (encoder.room(frame.len()), (self.format.payload_type, self.marker));
            let sent = outgoing.push(head, timestamp, room, |payload| encoder.encode(frame, payload));
            self.marker &= !sent;
            let ticks = scaled(self.frame as u32, self.format.codec.clock(), self.rate) as u32;
            outgoing.identity.timestamp = timestamp.wrapping_add(ticks);
            done += self.frame;
        }
        outgoing.leaves = outgoing.now;
        self.pending.drain(..done);
    }

    /// What was spoken ahead stays: all that follows is later by so many samples.
    pub(crate) fn commit(&mut self, samples: usize) {
        self.ahead = self.ahead.saturating_sub(samples);
    }

    /// How long samples last.
    pub(crate) fn time(&self, samples: usize) -> Duration {
        Duration::from_micros(samples as u64 * 1_000_000 / u64::from(self.rate.max(1)))
    }

    /// Speaks samples that nobody has said.
    pub(crate) fn say_ahead(&mut self, samples: &[i16], outgoing: &mut Outgoing) {
        self.ahead += samples.len();
        self.say(samples, outgoing);
    }

    /// Nobody says anything for so long: the timestamps go on, by so many samples.
    pub(crate) fn skip(&mut self, time: Duration, outgoing: &mut Outgoing) -> usize {
        if outgoing.packets == 0 {
            return 0;
        }
        self.flush(outgoing);
        let samples = (time.as_millis() * u128::from(self.rate) / 1_000) as usize;
        let ticks = self.ticks(samples);
        outgoing.identity.timestamp = outgoing.identity.timestamp.wrapping_add(ticks);
        self.ahead += samples;
        self.marker = true;
        samples
    }

    /// Nobody was heard for so long, and whoever speaks now counts by another clock: the timestamps go on as time did
    /// (RFC 3550 §5.1), less what was spoken meanwhile.
    pub(crate) fn rest(&mut self, time: Duration, outgoing: &mut Outgoing) {
        self.marker = true;
        if outgoing.packets == 0 {
            return;
        }
        self.flush(outgoing);
        let samples = (time.as_millis() * u128::from(self.rate) / 1_000) as usize;
        let ahead = std::mem::take(&mut self.ahead);
        let ticks = self.ticks(samples.saturating_sub(ahead));
        outgoing.identity.timestamp = outgoing.identity.timestamp.wrapping_add(ticks);
    }

    /// Samples that were spoken ahead stand for these, which are not spoken; `false`: too few were.
    pub(crate) fn catch_up(&mut self, samples: usize) -> bool {
        let enough = samples > 0 && self.ahead >= samples;
        if enough {
            self.ahead -= samples;
        }
        enough
    }

    /// What waits is filled up with silence and leaves.
    pub(crate) fn flush(&mut self, outgoing: &mut Outgoing) {
        if !self.pending.is_empty() {
            let silence = self.frame - self.pending.len();
            self.ahead += silence;
            self.be_silent(silence, outgoing);
        }
    }

    fn be_silent(&mut self, samples: usize, outgoing: &mut Outgoing) {
        self.pending.resize(self.pending.len() + samples, 0);
        self.say(&[], outgoing);
    }

    /// Nothing was said for so many samples: the timestamps go on, less what was spoken meanwhile.
    pub(crate) fn pause(&mut self, samples: usize, outgoing: &mut Outgoing) {
        let spoken = samples.min(self.ahead);
        self.ahead -= spoken;
        let mut left = samples - spoken;
        let room = (self.frame - self.pending.len()) % self.frame;
        let filled = room.min(left);
        if filled > 0 {
            self.be_silent(filled, outgoing);
            left -= filled;
        }
        if left > 0 {
            let ticks = self.ticks(left);
            outgoing.identity.timestamp = outgoing.identity.timestamp.wrapping_add(ticks);
        }
        self.marker = true;
    }

    /// Sends a payload that is no sound of ours, so many ticks behind the place of what was to be heard next.
    pub(crate) fn tell(&mut self, payload_type: u8, payload: &[u8], ticks: u32, outgoing: &mut Outgoing) {
        self.flush(outgoing);
        // What was filled up stands before it.
        let timestamp = self.timestamp(outgoing).wrapping_add(ticks.max(self.ticks(self.ahead)));
        outgoing.push((payload_type, false), timestamp, payload.len(), |place| {
            place.get_mut(..payload.len())?.copy_from_slice(payload);
            Some(payload.len())
        });
    }
}

impl Encoder {
    /// Bytes that a packet of so many samples has at most.
    fn room(&self, samples: usize) -> usize {
        match self {
            Encoder::G711(_) => samples,
            Encoder::G722(_) => samples / g722::SAMPLES_PER_OCTET,
            Encoder::Opus(_) => PACKET_MAX,
        }
    }

    fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> Option<usize> {
        Some(match self {
            Encoder::G711(law) => law.encode_slice(samples, payload),
            Encoder::G722(encoder) => encoder.encode(samples, payload),
            Encoder::Opus(encoder) => encoder.encode(samples, payload)?,
        })
    }
}
