//! A stream gives the same frames however it was cut, and no second message out of one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use sip_msg::{Frame, FrameError, Framer, Leniency, Limits, ParseErrorKind as Kind};

#[derive(Clone, PartialEq, Debug)]
enum Seen {
    Message(Vec<u8>),
    Ping,
    Pong,
    Failed(FrameError),
}

fn drain(framer: &mut Framer, seen: &mut Vec<Seen>) -> bool {
    loop {
        let frame = match framer.next() {
            Ok(Some(Frame::Message(bytes))) => Seen::Message(bytes.to_vec()),
            Ok(Some(Frame::Ping)) => Seen::Ping,
            Ok(Some(Frame::Pong)) => Seen::Pong,
            Ok(None) => return true,
            Err(error) => {
                seen.push(Seen::Failed(error));
                return false;
            }
        };
        seen.push(frame);
    }
}

fn feed<'a>(pieces: impl Iterator<Item = &'a [u8]>, leniency: Leniency) -> Vec<Seen> {
    let mut framer = Framer::new(&Limits::default(), leniency);
    let mut seen = Vec::new();
    for piece in pieces {
        framer.push(piece).unwrap();
        if !drain(&mut framer, &mut seen) {
            assert!(framer.push(b"x").is_err(), "after a failure nothing more is taken");
            break;
        }
    }
    seen
}

fn whole(stream: &[u8]) -> Vec<Seen> {
    feed(std::iter::once(stream), Leniency::default())
}

fn with_length(rows: &str, body: &str) -> Vec<u8> {
    format!("MESSAGE sip:a SIP/2.0\r\n{rows}\r\n{body}").into_bytes()
}

/// A body that looks like a message: if framing slips, it comes out as one.
const INNER: &str = "BYE sip:victim SIP/2.0\r\nContent-Length: 0\r\n\r\n";

#[test]
fn uncertain_lengths_close_the_connection() {
    let broken = |kind| vec![Seen::Failed(FrameError::Broken(kind))];
    for value in ["-1", "+5", "0x10", "five", "", "5 5", "5,5", "5;x", "1e3", "\r\n 5x"] {
        let rows = format!("Content-Length: {value}\r\n");
        assert_eq!(whole(&with_length(&rows, INNER)), broken(Kind::ContentLengthMalformed), "{value:?}");
    }
    for value in ["2147483648", "4294967328", "4294967296", "18446744073709551616", "99999999999999999999999"]
    {
        let rows = format!("Content-Length: {value}\r\n");
        assert_eq!(whole(&with_length(&rows, INNER)), broken(Kind::BodyTooLarge), "{value}");
    }
    for rows in [
        "l: 5\r\nContent-Length: 6\r\n",
        "l: 5\r\nL: 5\r\n",
        "Content-Length: 0\r\nX: y\r\ncontent-length\t: 5\r\n",
    ] {
        assert_eq!(whole(&with_length(rows, INNER)), broken(Kind::ContentLengthRepeated), "{rows:?}");
    }
    for rows in
        ["", "X: y\r\n", "Content-Lengt: 5\r\n", "Content-Length-X: 5\r\n", "X: a\r\n Content-Length: 5\r\n"]
    {
        assert_eq!(
            whole(&with_length(rows, INNER)),
            vec![Seen::Failed(FrameError::LengthMissing)],
            "{rows:?}"
        );
    }
    assert_eq!(whole(&with_length("l 5\r\n", INNER)), broken(Kind::ColonMissing));
    assert_eq!(whole(&with_length("X: a\nl: 5\r\n", INNER)), broken(Kind::BareLineFeed));
    assert_eq!(whole(&with_length("X: a\rl: 5\r\n", INNER)), broken(Kind::BareCarriageReturn));
}

#[test]
fn certain_lengths_in_odd_spelling_hold() {
    for rows in [
        "l:00045\r\n",
        "CONTENT-LENGTH \t:\r\n 45\r\n",
        "Content-Length:45 \t\r\n",
        "L: 45\r\nX: l\r\n l: 3\r\n",
    ] {
        assert_eq!(INNER.len(), 45);
        let message = with_length(rows, INNER);
        let twice = [message.clone(), message.clone()].concat();
        assert_eq!(whole(&twice), vec![Seen::Message(message.clone()), Seen::Message(message)], "{rows:?}");
    }
}

#[test]
fn leniencies_name_what_they_allow() {
    let missing = Leniency { missing_content_length_on_stream: true, ..Leniency::default() };
    let message = with_length("X: y\r\n", "");
    assert_eq!(feed(std::iter::once(&message[..]), missing), vec![Seen::Message(message.clone())]);
    let bare = Leniency { bare_lf: true, ..Leniency::default() };
    let message = b"MESSAGE sip:a SIP/2.0\nl: 2\n\nab";
    assert_eq!(feed(message.chunks(1), bare), vec![Seen::Message(message.to_vec())]);
}

#[test]
fn keepalives_stand_between_messages() {
    let message = with_length("l: 4\r\n", "\r\n\r\n");
    let stream = [b"\r\n\r\n".as_slice(), &message, b"\r\n", &message, b"\r\n\r\n\r\n\r\n"].concat();
    let seen = whole(&stream);
    let m = Seen::Message(message);
    use Seen::{Ping, Pong};
    assert_eq!(seen, vec![Pong, Ping, m.clone(), Pong, m, Pong, Ping, Pong, Ping]);
    assert_eq!(feed(stream.chunks(1), Leniency::default()), seen);
}

#[test]
fn endless_heads_and_floods_are_bounded() {
    let limits = Limits {
        message: 4_096,
        header_line: 512,
        start_line: 128,
        stream_buffer: 8_192,
        ..Limits::default()
    };
    let run = |head: &[u8], filler: &[u8]| {
        let mut framer = Framer::new(&limits, Leniency::default());
        framer.push(head).unwrap();
        for _ in 0..100_000 {
            if let Err(error) = framer.next() {
                return (error, framer.pending().len());
            }
            framer.push(filler).unwrap();
        }
        panic!("never refused");
    };
    let broken = |kind| FrameError::Broken(kind);
    assert_eq!(run(b"", b"x").0, broken(Kind::StartLineTooLong));
    assert_eq!(run(b"BYE sip:a SIP/2.0\r\nX: ", b"x").0, broken(Kind::HeaderTooLong));
    let (error, held) = run(b"BYE sip:a SIP/2.0\r\n", b"X: y\r\n");
    assert_eq!(error, broken(Kind::MessageTooLarge));
    assert!(held <= limits.message + 6);
    let mut framer = Framer::new(&limits, Leniency::default());
    assert_eq!(framer.push(&[b'x'; 8_193]), Err(FrameError::BufferFull));
    framer.push(&[b'x'; 8_192]).unwrap();
    assert_eq!(framer.push(b"x"), Err(FrameError::BufferFull));
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let row = prop_oneof![
        "[A-Za-z-]{1,12}[ \t]{0,2}:[ -~]{0,30}\r\n",
        "X: a\r\n [ -~]{0,10}\r\n",
        Just("Contact: <sip:c@d>\r\n".to_string()),
        Just("Call-ID: x\r\n".to_string()),
    ];
    let body = prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n')], 0..60);
    (prop::collection::vec(row, 0..5), body, "(l|L|Content-Length)[ \t]{0,1}:[ ]{0,2}").prop_map(
        |(rows, body, name)| {
            let kept = rows.into_iter().filter(|row| {
                let name = row.split(':').next().unwrap_or("").trim();
                !name.eq_ignore_ascii_case("l") && !name.eq_ignore_ascii_case("content-length")
            });
            let rows: String = kept.collect();
            let mut bytes = format!("INFO sip:a SIP/2.0\r\n{rows}{name}{}\r\n\r\n", body.len()).into_bytes();
            bytes.extend(body);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        messages in prop::collection::vec(message(), 1..6),
        keepalives in prop::collection::vec(0usize..3, 6),
        cuts in prop::collection::vec(1usize..40, 1..40),
    ) {
        let mut stream = Vec::new();
        for (message, lines) in messages.iter().zip(&keepalives) {
            stream.extend(b"\r\n".repeat(*lines));
            stream.extend(message);
        }
        let seen = whole(&stream);
        let framed: Vec<_> = seen.iter().filter_map(|seen| match seen {
            Seen::Message(bytes) => Some(bytes.clone()),
            _ => None,
        }).collect();
        prop_assert_eq!(&framed, &messages);
        let mut rest = &stream[..];
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, tail) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        prop_assert_eq!(feed(pieces.into_iter(), Leniency::default()), seen);
    }
}
