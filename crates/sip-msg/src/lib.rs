//! SIP bytes and values: lossless, zero-copy, lazily typed.
//!
//! This crate turns the bytes of one SIP message into a [`Msg`], a table of spans over those bytes, and reads
//! typed values out of it when asked. Nothing is rebuilt: what we do not understand is still there, byte for
//! byte. It also writes messages ([`Writer`]), changes received ones ([`Edit`]) and cuts a byte stream into
//! messages ([`Framer`]).
//!
//! It may never open a socket, read a clock, allocate per message, or panic on input. It knows nothing of
//! transactions and dialogs. Enter at [`parse`] for a datagram, at [`Framer`] for a stream.
//!
//! ```
//! use sip_msg::{Index, Leniency, Limits, Method, parse};
//!
//! let bytes = b"OPTIONS sip:example.com SIP/2.0\r\nv: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n\r\n";
//! let mut index = Index::new();
//! let message = parse(bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
//! assert_eq!(message.method(), Method::Options);
//! assert_eq!(message.via().unwrap().branch, b"z9hG4bK1");
//! ```

mod addr;
mod chars;
mod edit;
mod framing;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod header;
mod limits;
mod list;
mod message;
mod method;
mod name;
mod params;
mod parse;
pub mod refer;
mod rows;
mod salvage;
mod start;
mod status;
mod uri;
mod uri_equal;
mod verify;
mod via;
mod writer;

pub use addr::NameAddr;
pub use chars::{is_token, unquote};
pub use edit::Edit;
pub use framing::{Frame, FrameError, Framer};
pub use header::{CSeq, HeaderError, HeaderErrorKind, RAck, Reason, Refresher, SessionExpires};
pub use limits::{Leniency, Limits};
pub use list::{List, elements};
pub use message::{Header, Msg, Start};
pub use method::Method;
pub use name::Name;
pub use params::{Param, Params};
pub use parse::{Index, ParseError, ParseErrorKind, parse};
pub use refer::{ReferTo, Replaces};
pub use salvage::salvage;
pub use status::reason_phrase;
pub use uri::{Scheme, Uri, UriError, percent_decode};
pub use verify::{Fault, verify};
pub use via::{Rport, Via};
pub use writer::Writer;
