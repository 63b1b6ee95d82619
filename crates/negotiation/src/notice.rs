//! What a peer is told of the recording of its call, and what it prefers (RFC 7866 §7.1.2, §7.1.3).

use crate::plan::Standing;
use config::RecordPreference;

/// How a recording stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Notice {
    /// There is none.
    #[default]
    Off,
    /// It is under way.
    On,
    /// It pauses.
    Paused,
}

/// What a peer wants of recordings; of two peers the greater one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Prefers {
    /// Nothing in particular, or that there is one.
    #[default]
    Nothing,
    /// That it pauses.
    Pause,
    /// That there is none.
    Off,
}

/// What a description says of its peer's wishes; the strictest of its streams.
fn preference(text: &[u8]) -> Prefers {
    let lines = lines(text).filter_map(|line| line.strip_prefix(b"a=recordpref:"));
    let of = |value: &[u8]| match value.trim_ascii() {
        b"off" => Prefers::Off,
        b"pause" => Prefers::Pause,
        _ => Prefers::Nothing,
    };
    lines.map(of).max().unwrap_or_default()
}

/// What two peers want, each as far as its trunk lets it.
#[must_use]
pub fn preferred(sides: &[Standing<'_>; 2]) -> Prefers {
    let honoured = |side: &&Standing<'_>| side.policy.recording.preference == RecordPreference::Honour;
    sides.iter().filter(honoured).map(|side| preference(side.theirs)).max().unwrap_or_default()
}

/// Says for the whole session how the recording stands. What the other peer has said of a recording of its own
/// goes where ours says more; `fresh`: the description was just made, and says nothing of ours.
pub(crate) fn weave(notice: Option<Notice>, fresh: bool, text: &mut Vec<u8>) {
    let Some(notice) = notice else { return };
    let is = |line: &[u8]| line.starts_with(b"a=record:");
    if notice == Notice::Off && fresh && lines(text).any(is) {
        return;
    }
    let word: &[u8] = match notice {
        Notice::Off => b"a=record:off\r\n",
        Notice::On => b"a=record:on\r\n",
        Notice::Paused => b"a=record:paused\r\n",
    };
    let (mut made, mut said) = (Vec::with_capacity(text.len() + word.len()), false);
    for line in text.split_inclusive(|c| *c == b'\n') {
        if line.starts_with(b"m=") && !std::mem::replace(&mut said, true) {
            made.extend_from_slice(word);
        }
        if !is(line) || (said && notice == Notice::Off) {
            made.extend_from_slice(line);
        }
    }
    *text = made;
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|c| matches!(c, b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=record:on\r\nm=audio 4002 RTP/AVP 8\r\n";

    fn woven(notice: Notice, fresh: bool, text: &str) -> String {
        let mut text = text.as_bytes().to_vec();
        weave(Some(notice), fresh, &mut text);
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn ours_stands_before_the_first_stream_and_instead_of_what_the_other_peer_says() {
        let on = woven(Notice::On, true, TEXT);
        assert!(on.contains("t=0 0\r\na=record:on\r\nm=audio 4000 RTP/AVP 8\r\nm=audio 4002"), "{on}");
        let paused = woven(Notice::Paused, false, &on);
        assert_eq!(paused.matches("a=record").count(), 1, "{paused}");
        assert!(paused.contains("a=record:paused\r\nm="), "{paused}");
        let off = woven(Notice::Off, false, &paused);
        assert!(off.contains("t=0 0\r\na=record:off\r\nm=") && !off.contains("paused"), "{off}");
        assert_eq!(woven(Notice::Off, true, TEXT), TEXT, "the other peer records");
    }

    #[test]
    fn the_strictest_wish_counts() {
        for (text, wanted) in [
            ("a=recordpref:on\r\n", Prefers::Nothing),
            ("a=recordpref:nopreference\r\n", Prefers::Nothing),
            ("a=recordpref:pause\r\n", Prefers::Pause),
            ("a=recordpref:pause\r\nm=audio 1 RTP/AVP 0\r\na=recordpref:off\r\n", Prefers::Off),
            ("a=recordprefix:off\r\n", Prefers::Nothing),
        ] {
            assert_eq!(preference(text.as_bytes()), wanted, "{text}");
        }
    }
}
