//! What a bridge says of its packets.

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passage {
    /// It was changed where it lies: send it.
    InPlace,
    /// It was taken. What leaves, now or later, comes out of [`Bridge::pop`].
    Taken,
    /// The same, and it is shorter by so many bytes.
    Cut(usize),
    /// It describes silence of G.729 (annex B) to a receiver that has refused such.
    Silence,
    /// Its payload type was not agreed, or it is not what it claims to be.
    Refused,
}

/// What a bridge has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Packets that never came.
    pub lost: u64,
    /// Packets too late or repeated.
    pub late: u64,
    /// Milliseconds of sound that were made up for lost packets.
    pub concealed_ms: u64,
    /// Milliseconds of sound that were decoded.
    pub heard_ms: u64,
    /// Of these, those of packets without a sample louder than 50 dB below full scale.
    pub silent_ms: u64,
    /// Packets whose payload could not be decoded or was not agreed, or of sources that were not believed.
    pub refused: u64,
    /// Packets that the engine did not take in time.
    pub overflowed: u64,
    /// How long sound is held so that it goes on evenly, beyond the packets that come fastest, and how long it was at
    /// the most; milliseconds.
    pub held_ms: u32,
    /// See `held_ms`.
    pub held_max_ms: u32,
    /// Milliseconds of sound, each times how many milliseconds it was held.
    pub held_sum: u64,
    /// Times that the time it is held was made longer or shorter.
    pub adapted: u32,
    /// Packets that were spoken before their time, for no more may wait, or another plan came.
    pub early: u64,
    /// Milliseconds of sound that were put in while nothing came, and that were left out of it afterwards.
    pub put_in_ms: u64,
    /// See `put_in_ms`.
    pub left_out_ms: u64,
}

impl Tally {
    /// What this bridge and an earlier one of the same stream have counted. How long sound is held is this one's to say.
    #[must_use]
    pub fn after(self, earlier: Tally) -> Tally {
        Tally {
            lost: self.lost + earlier.lost,
            late: self.late + earlier.late,
            concealed_ms: self.concealed_ms + earlier.concealed_ms,
            heard_ms: self.heard_ms + earlier.heard_ms,
            silent_ms: self.silent_ms + earlier.silent_ms,
            refused: self.refused + earlier.refused,
            overflowed: self.overflowed + earlier.overflowed,
            held_ms: self.held_ms,
            held_max_ms: self.held_max_ms.max(earlier.held_max_ms),
            held_sum: self.held_sum + earlier.held_sum,
            adapted: self.adapted.saturating_add(earlier.adapted),
            early: self.early + earlier.early,
            put_in_ms: self.put_in_ms + earlier.put_in_ms,
            left_out_ms: self.left_out_ms + earlier.left_out_ms,
        }
    }

    /// How long sound was held on the average, milliseconds; none where none was decoded: nothing is held then.
    #[must_use]
    pub fn held_mean_ms(&self) -> Option<f64> {
        (self.heard_ms > 0).then(|| self.held_sum as f64 / self.heard_ms as f64)
    }
}
