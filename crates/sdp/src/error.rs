//! What can be wrong with a description, and how we say so to the peer.
//!
//! One variant per cause; every variant maps to a SIP Warning here and nowhere else.

/// Why a description was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SDP line {line}: {kind}")]
pub struct SdpError {
    /// Line number, counted from 1; 0 where the description as a whole is meant.
    pub line: u32,
    /// The cause.
    #[source]
    pub kind: SdpErrorKind,
}

/// The cause of a refusal; the text says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpErrorKind {
    /// The description is longer than [`crate::Limits::bytes`].
    #[error("expected at most {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// More lines than [`crate::Limits::lines`].
    #[error("expected at most {max} lines")]
    TooManyLines {
        /// The limit, in lines.
        max: usize,
    },
    /// More m= lines than [`crate::Limits::media`].
    #[error("expected at most {max} m= lines")]
    TooManyMedia {
        /// The limit, in m= lines.
        max: usize,
    },
    /// More formats on one m= line than [`crate::Limits::formats`].
    #[error("expected at most {max} formats on an m= line")]
    TooManyFormats {
        /// The limit, in formats.
        max: usize,
    },
    /// A line that is not `<letter>=<value>`.
    #[error("expected a line of the form <letter>=<value>")]
    NotALine,
    /// A CR or NUL within a line, where another reader may see two lines.
    #[error("expected no CR or NUL within a line")]
    StrayByte,
    /// The description does not begin with `v=0`.
    #[error("expected v=0 as the first line")]
    Version,
    /// A c= line that names no usable address.
    #[error("expected c=IN IP4|IP6 <address>")]
    Connection,
    /// A network type other than IN, or an address type other than IP4 and IP6.
    #[error("expected network type IN with address type IP4 or IP6")]
    NetworkType,
    /// An m= line without media, port and transport.
    #[error("expected m=<media> <port> <transport> <formats>")]
    MediaLine,
    /// An m= port that is not 0 to 65535.
    #[error("expected a port from 0 to 65535")]
    Port,
    /// A format of an RTP m= line that is not a payload type.
    #[error("expected payload types from 0 to 127")]
    PayloadType,

    /// No m= line at all.
    #[error("expected at least one m= line")]
    NoMedia,
    /// The m= line has port 0: there is nothing to carry.
    #[error("expected a port other than 0")]
    Disabled,
    /// A kind of media that we do not carry.
    #[error("expected audio, video or image media")]
    MediaType,
    /// A transport that we do not carry.
    #[error("expected RTP over UDP, plain or secured, or udptl")]
    Transport,
    /// A multicast connection address.
    #[error("expected a unicast address")]
    Multicast,
    /// Active media without any c= line.
    #[error("expected a c= line for the media or the session")]
    NoConnection,
    /// More than one port asked for one m= line.
    #[error("expected a single port")]
    PortCount,
    /// Active media without a format.
    #[error("expected at least one format")]
    NoFormat,
    /// A packet time that no audio uses.
    #[error("expected a ptime and maxptime from 1 to {max} ms")]
    PacketTime {
        /// The limit, in milliseconds.
        max: u32,
    },

    /// The answer's number of m= lines differs from the offer's.
    #[error("expected an answer with {offer} m= lines, found {answer}")]
    AnswerMediaCount {
        /// m= lines offered.
        offer: usize,
        /// m= lines answered.
        answer: usize,
    },
    /// An answered m= line is of another kind than the offered one in its place.
    #[error("expected the media type of the offer in the same place")]
    AnswerMediaType,
    /// An answered m= line has another transport than the offered one.
    #[error("expected the transport of the offer")]
    AnswerTransport,
    /// No format of the answer was offered.
    #[error("expected at least one offered format")]
    AnswerFormat,
}

impl SdpError {
    pub(crate) fn at(line: u32, kind: SdpErrorKind) -> SdpError {
        SdpError { line, kind }
    }

    /// The warn-code and text for a Warning header beside 488 or 606 (RFC 3261 §20.43).
    #[must_use]
    pub fn warning(&self) -> (u16, &'static str) {
        use SdpErrorKind as K;
        match self.kind {
            K::Connection | K::NetworkType | K::NoConnection => (301, "Incompatible network address formats"),
            K::Transport | K::AnswerTransport => (302, "Incompatible transport protocol"),
            K::MediaType | K::NoMedia | K::Disabled | K::AnswerMediaType => (304, "Media type not available"),
            K::PayloadType | K::NoFormat | K::AnswerFormat => (305, "Incompatible media format"),
            K::PacketTime { .. } => (306, "Attribute not understood"),
            K::NotALine | K::StrayByte | K::Version | K::MediaLine | K::Port | K::PortCount => {
                (307, "Session description parameter not understood")
            }
            K::Multicast => (330, "Multicast not available"),
            K::TooLong { .. } => (399, "Session description too long"),
            K::TooManyLines { .. } => (399, "Too many lines in session description"),
            K::TooManyMedia { .. } => (399, "Too many media descriptions"),
            K::TooManyFormats { .. } => (399, "Too many media formats"),
            K::AnswerMediaCount { .. } => (399, "Answer does not match the offer"),
        }
    }
}
