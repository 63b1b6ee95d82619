//! The streams (SSRCs) of one direction: which packets of each were sent or received, as long as the key is used.
//!
//! The few that speak are looked at one after the other, the one that spoke last first. Those that fell silent keep
//! the numbers that they reached: whoever comes back, no key stream is used twice (RFC 3711 §9.1), nothing is
//! received twice (RFC 3711 §3.3.2), and the rollover counter goes on.

use crate::error::SrtpError;
use crate::replay::Window;
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
}

/// A stream that fell silent: one above the newest index of each kind.
struct Silent {
    ssrc: u32,
    rtcp: u32,
    rtp: u64,
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

    /// One of a stream's windows, by its place, else by what is left of it in memory, else a new one.
    ///
    /// # Errors
    /// [`SrtpError::Exhausted`]: it would be a stream too many.
    #[inline]
    pub(crate) fn window(
        &self,
        place: Option<usize>,
        ssrc: u32,
        kind: fn(&Stream) -> &Window,
    ) -> Result<Window, SrtpError> {
        match place.and_then(|place| self.at_hand.get(place)) {
            Some(stream) => Ok(*kind(stream)),
            None => self.remembered(ssrc).map(|stream| *kind(&stream)),
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

    /// Those at hand.
    pub(crate) fn at_hand(&self) -> impl Iterator<Item = &Stream> {
        self.at_hand.iter()
    }
}

impl Silent {
    fn of(stream: &Stream) -> Silent {
        let rtcp = u32::try_from(stream.rtcp.next()).unwrap_or(u32::MAX);
        Silent { ssrc: stream.ssrc, rtcp, rtp: stream.rtp.next() }
    }

    /// All that is not newer than the newest counts as received.
    fn woken(&self) -> Stream {
        let (rtp, rtcp) = (Window::after(self.rtp), Window::after(u64::from(self.rtcp)));
        Stream { ssrc: self.ssrc, rtp, rtcp }
    }
}
