//! ClientHellos that come in several datagrams, as those with keys against quantum computers do: their pieces wait here
//! for each other, of sources alone that have shown a cookie of ours.

use crate::cookie::first_fragment;
use crate::messages::Kind;
use crate::reader::Reader;
use crate::reassembly::Reassembly;
use crate::record::{self, Content, Record};
use std::net::SocketAddr;

/// Sources of which pieces are held on one port: limit `dtls_pieces`.
const SOURCES_MAX: usize = 4;

/// A ClientHello of which something has come.
struct Pieces {
    source: SocketAddr,
    random: [u8; 32],
    incoming: Reassembly,
}

/// What a datagram was to those that wait.
pub(crate) enum Piece {
    /// No piece of theirs.
    Foreign,
    /// One, and others are missing.
    More,
    /// The last one: a datagram with the whole.
    Whole(Vec<u8>),
}

/// See the module text.
#[derive(Default)]
pub(crate) struct Gathering(Vec<Pieces>);

impl Gathering {
    /// A source that has shown its cookie begins with this datagram, unless it has.
    pub(crate) fn begin(&mut self, source: SocketAddr, random: [u8; 32], datagram: &[u8]) {
        let Some((_, fragment)) = first_fragment(datagram) else { return };
        // Nothing could follow the last number that there is.
        let last = fragment.number == u16::MAX;
        if last || self.0.iter().any(|one| one.source == source && one.random == random) {
            return;
        }
        self.0.retain(|one| one.source != source);
        if self.0.len() >= SOURCES_MAX {
            self.0.remove(0);
        }
        self.0.push(Pieces { source, random, incoming: Reassembly::from(fragment.number) });
    }

    /// Takes a datagram, if it holds a piece.
    pub(crate) fn take(&mut self, source: SocketAddr, datagram: &[u8]) -> Piece {
        let at = self.0.iter().position(|one| one.source == source);
        let (Some(at), Some(_)) = (at, first_fragment(datagram)) else { return Piece::Foreign };
        let Some(one) = self.0.get_mut(at) else { return Piece::Foreign };
        let (mut reader, mut number) = (Reader(datagram), 0);
        while let Some(record) = Record::next(&mut reader) {
            if record.content == Content::Handshake && record.epoch == 0 {
                one.incoming.take(0, record.body);
                number = record.sequence;
            }
        }
        let Some(message) = one.incoming.next().filter(|message| message.kind == Kind::ClientHello) else {
            return Piece::More;
        };
        self.0.remove(at);
        let mut whole = Vec::with_capacity(message.whole.len() + record::HEADER);
        match record::write(Content::Handshake, (0, number), &message.whole, None, &mut whole) {
            Ok(()) => Piece::Whole(whole),
            Err(_) => Piece::More,
        }
    }
}
