//! The streams (SSRCs) of one direction: which packets of each were sent or received, as long as the key is used.
//!
//! The few that speak are looked at one after the other, the one that spoke last first. Those that fell silent keep
//! the numbers that they reached: whoever comes back, no key stream is used twice (RFC 3711 §9.1), nothing is
//! received twice (RFC 3711 §3.3.2), and the rollover counter goes on.

use crate::error::SrtpError;
use crate::replay::Window;
use crate::state::StreamState;
use smallvec::SmallVec;

/// Streams at hand; one more puts the one that has been silent longest among the silent.
pub(crate) const AT_HAND: usize = 8;
/// Streams under one key, in one direction; no further one is taken: limit `srtp_streams`.
pub(crate) const STREAMS_MAX: usize = 4_096;

/// A stream at hand.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stream {
    pub(crate) ssrc: u32,
    pub(crate) rtp: Window,
    /// Of what is received; all that is sent under one key is counted by its protector.
    pub(crate) rtcp: Window,
    /// Of what is sent for another: how its numbers were moved.
    pub(crate) moved: Moved,
}

/// How the numbers of a stream that another has numbered were moved.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Moved {
    /// What is added to an index, modulo 2^32; settled with the first packet.
    pub(crate) by: Option<u32>,
    /// The number that would follow the last one that lay far away: with it the source begins anew.
    pub(crate) anew: Option<u16>,
}

/// A stream that fell silent: one above the newest index of each kind.
struct Silent {
    ssrc: u32,
    rtcp: u32,
    rtp: u64,
    by: Option<u32>,
}

/// See the module text.
#[derive(Default)]
pub(crate) struct Streams {
    /// The one that spoke last first.
    at_hand: SmallVec<[Stream; 2]>,
    /// In the order of their names.
    silent: Vec<Silent>,
}

impl Streams {
    /// The place of a stream at hand.
    #[inline]
    pub(crate) fn place(&self, ssrc: u32) -> Option<usize> {
        self.at_hand.iter().position(|stream| stream.ssrc == ssrc)
    }

    /// A part of a stream, by its place, else by what is left of it in memory, else a new one.
    ///
    /// # Errors
    /// [`SrtpError::Exhausted`]: it would be a stream too many.
    #[inline]
    pub(crate) fn part<T>(
        &self,
        place: Option<usize>,
        ssrc: u32,
        part: impl Fn(&Stream) -> T,
    ) -> Result<T, SrtpError> {
        match place.and_then(|place| self.at_hand.get(place)) {
            Some(stream) => Ok(part(stream)),
            None => self.remembered(ssrc).map(|stream| part(&stream)),
        }
    }

    #[cold]
    fn remembered(&self, ssrc: u32) -> Result<Stream, SrtpError> {
        let woken = self.silent.binary_search_by_key(&ssrc, |silent| silent.ssrc);
        match woken.ok().and_then(|at| self.silent.get(at)) {
            Some(silent) => Ok(silent.woken()),
            None if self.at_hand.len() + self.silent.len() < STREAMS_MAX => {
                Ok(Stream { ssrc, ..Stream::default() })
            }
            None => Err(SrtpError::Exhausted),
        }
    }

    /// A stream whose packet is sent, or had a right tag: the first of those at hand from now on.
    #[inline]
    pub(crate) fn speaks(&mut self, place: Option<usize>, ssrc: u32) -> Option<&mut Stream> {
        match place {
            Some(0) => {}
            Some(place) => self.at_hand.get_mut(..=place)?.rotate_right(1),
            None => self.begin(ssrc),
        }
        self.at_hand.first_mut()
    }

    #[cold]
    fn begin(&mut self, ssrc: u32) {
        let mut stream = Stream { ssrc, ..Stream::default() };
        if let Ok(at) = self.silent.binary_search_by_key(&ssrc, |silent| silent.ssrc) {
            stream = self.silent.remove(at).woken();
        }
        if self.at_hand.len() >= AT_HAND
            && let Some(last) = self.at_hand.pop()
            && let Err(at) = self.silent.binary_search_by_key(&last.ssrc, |silent| silent.ssrc)
        {
            self.silent.insert(at, Silent::of(&last));
        }
        self.at_hand.insert(0, stream);
    }

    /// The same streams of another key: of what was sent or received nothing is known.
    pub(crate) fn moved_as(former: &Streams) -> Streams {
        let moved = |stream: &Stream| Stream { ssrc: stream.ssrc, moved: stream.moved, ..Stream::default() };
        Streams { at_hand: former.at_hand.iter().map(moved).collect(), silent: Vec::new() }
    }

    /// A stream by its place.
    pub(crate) fn at(&mut self, place: Option<usize>) -> Option<&mut Stream> {
        self.at_hand.get_mut(place?)
    }

    /// All of them, those that spoke last first.
    pub(crate) fn export(&self) -> Vec<StreamState> {
        let silent = self.silent.iter().map(Silent::woken);
        self.at_hand.iter().copied().chain(silent).map(|stream| stream.state()).collect()
    }

    /// As they were exported; those above the bound are left out.
    pub(crate) fn import(states: &[StreamState]) -> Streams {
        let mut streams = Streams::default();
        for state in states.iter().take(STREAMS_MAX).rev() {
            if let Some(stream) = streams.speaks(streams.place(state.ssrc), state.ssrc) {
                let moved = Moved { by: state.moved_by, anew: state.anew };
                *stream = Stream { ssrc: state.ssrc, rtp: state.rtp, rtcp: state.rtcp, moved };
            }
        }
        streams
    }

    /// Those at hand.
    pub(crate) fn at_hand(&self) -> impl Iterator<Item = &Stream> {
        self.at_hand.iter()
    }
}

impl Stream {
    fn state(&self) -> StreamState {
        StreamState {
            ssrc: self.ssrc,
            rtp: self.rtp,
            rtcp: self.rtcp,
            moved_by: self.moved.by,
            anew: self.moved.anew,
        }
    }
}

impl Silent {
    fn of(stream: &Stream) -> Silent {
        let rtcp = u32::try_from(stream.rtcp.next()).unwrap_or(u32::MAX);
        Silent { ssrc: stream.ssrc, rtcp, rtp: stream.rtp.next(), by: stream.moved.by }
    }

    /// All that is not newer than the newest counts as received.
    fn woken(&self) -> Stream {
        let (rtp, rtcp) = (Window::after(self.rtp), Window::after(u64::from(self.rtcp)));
        Stream { ssrc: self.ssrc, rtp, rtcp, moved: Moved { by: self.by, anew: None } }
    }
}
