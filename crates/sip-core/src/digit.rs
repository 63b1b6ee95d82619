//! Digits in the body of an INFO request: `application/dtmf-relay` and `application/dtmf`.
//!
//! Neither form is standard (INFO itself is RFC 6086, these are its legacy usage, §9.3.2); both are as
//! peers write them. Values only: whoever sends the INFO decides to whom. Enter through [`InfoDigit::read`]
//! and [`InfoDigit::write`].
//!
//! What is read leniently, for peers write it so: spaces around `=`, `:` in its place, names in any case and
//! order, unknown lines, a bare LF, no end of the last line; a signal as the event code of RFC 4733 (`10`
//! for `*`, `11` for `#`, `12` to `15` for the letters, `16` for a flash) or as `star`, `pound`, `hash`,
//! `flash`; a duration that is missing, 0 or too long; either form under either type.

use std::fmt;

/// The length of a digit whose body names none, milliseconds.
const DURATION_MS: u16 = 160;
/// No digit is longer, milliseconds.
const DURATION_MAX_MS: u16 = 10_000;
/// Bodies beyond this hold no digit, bytes.
const BODY_MAX: usize = 1_024;
/// The event code of a hook flash (RFC 4733 §7, RFC 4734).
pub const FLASH: u8 = 16;

/// Which body an INFO has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InfoForm {
    /// `application/dtmf-relay`: lines `Signal=` and `Duration=`.
    #[default]
    Relay,
    /// `application/dtmf`: the digit alone.
    Plain,
}

impl InfoForm {
    /// The form that a Content-Type names; its parameters do not matter.
    #[must_use]
    pub fn of(content_type: &[u8]) -> Option<InfoForm> {
        let name = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let forms = [InfoForm::Relay, InfoForm::Plain];
        forms.into_iter().find(|form| name.eq_ignore_ascii_case(form.content_type()))
    }

    /// Its Content-Type.
    #[must_use]
    pub const fn content_type(self) -> &'static [u8] {
        match self {
            InfoForm::Relay => b"application/dtmf-relay",
            InfoForm::Plain => b"application/dtmf",
        }
    }
}

/// One digit, or a flash. It does not show itself: digits are secrets of callers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InfoDigit {
    /// The event code of RFC 4733: 0 to 15, or [`FLASH`].
    pub event: u8,
    /// How long it is, milliseconds.
    pub duration_ms: u16,
}

impl fmt::Debug for InfoDigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InfoDigit(…)")
    }
}

/// The characters of the event codes.
const SIGNALS: &[u8; 16] = b"0123456789*#ABCD";

impl InfoDigit {
    /// Reads a body; `None`: it holds no digit.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<InfoDigit> {
        if body.len() > BODY_MAX {
            return None;
        }
        let mut digit = InfoDigit { event: u8::MAX, duration_ms: DURATION_MS };
        for line in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
            let Some(at) = line.iter().position(|byte| matches!(byte, b'=' | b':')) else { continue };
            let (name, value) = line.split_at(at);
            let (name, value) = (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
            if name.eq_ignore_ascii_case(b"signal") {
                digit.event = event_of(value)?;
            } else if name.eq_ignore_ascii_case(b"duration") {
                digit.duration_ms = duration_of(value);
            }
        }
        if digit.event == u8::MAX {
            digit.event = event_of(body.trim_ascii())?;
        }
        Some(digit)
    }

    /// Writes a body.
    pub fn write(self, form: InfoForm, out: &mut Vec<u8>) {
        let mut signal = [0; 3];
        let signal = match SIGNALS.get(usize::from(self.event)) {
            Some(character) => std::slice::from_ref(character),
            None => number(self.event, &mut signal),
        };
        if form == InfoForm::Plain {
            return out.extend_from_slice(signal);
        }
        out.extend_from_slice(b"Signal=");
        out.extend_from_slice(signal);
        out.extend_from_slice(b"\r\nDuration=");
        crate::text::push_number(out, u64::from(self.duration_ms));
        out.extend_from_slice(b"\r\n");
    }
}

/// The event code that a signal names.
fn event_of(signal: &[u8]) -> Option<u8> {
    if let [one] = signal {
        let at = SIGNALS.iter().position(|known| known.eq_ignore_ascii_case(one));
        return at.and_then(|at| u8::try_from(at).ok());
    }
    const WORDS: [(&[u8], u8); 6] = [
        (b"star", 10),
        (b"pound", 11),
        (b"hash", 11),
        (b"flash", FLASH),
        (b"hf", FLASH),
        (b"hookflash", FLASH),
    ];
    if let Some((_, event)) = WORDS.iter().find(|(word, _)| signal.eq_ignore_ascii_case(word)) {
        return Some(*event);
    }
    let code = decimal(signal).filter(|code| *code <= u32::from(FLASH))?;
    u8::try_from(code).ok()
}

fn duration_of(value: &[u8]) -> u16 {
    match decimal(value).and_then(|ms| u16::try_from(ms.min(u32::from(DURATION_MAX_MS))).ok()) {
        None | Some(0) => DURATION_MS,
        Some(ms) => ms,
    }
}

fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

fn number(value: u8, out: &mut [u8; 3]) -> &[u8] {
    *out = [b'0' + value / 100, b'0' + value / 10 % 10, b'0' + value % 10];
    let first = out.iter().position(|digit| *digit != b'0').unwrap_or(2);
    out.get(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<(u8, u16)>) {
        let found = InfoDigit::read(body.as_bytes()).map(|digit| (digit.event, digit.duration_ms));
        assert_eq!(found, expected, "{body:?}");
    }

    #[test]
    fn bodies_are_read_as_peers_write_them() {
        for (body, expected) in [
            ("Signal=5\r\nDuration=160\r\n", (5, 160)),
            ("Signal= 5\r\nDuration= 250", (5, 250)),
            ("signal:*\nDURATION : 90\n", (10, 90)),
            ("Duration=100\r\nX-Other=1\r\nSignal=#\r\n", (11, 100)),
            ("Signal=11\r\n", (11, 160)),
            ("Signal=d\r\nDuration=0\r\n", (15, 160)),
            ("Signal=flash\r\nDuration=99999\r\n", (FLASH, 10_000)),
            ("Signal=1\r\nDuration=soon\r\n", (1, 160)),
            ("5", (5, 160)),
            (" * \r\n", (10, 160)),
            ("10", (10, 160)),
            ("16", (FLASH, 160)),
            ("Pound", (11, 160)),
        ] {
            check(body, Some(expected));
        }
    }

    #[test]
    fn what_holds_no_digit_is_none() {
        let long = format!("Signal=1\r\n{}", "x".repeat(BODY_MAX));
        for body in
            ["", "\r\n", "Signal=\r\n", "Signal=17\r\n", "Signal=x", "123", "E", "-1", "Duration=3", &long]
        {
            check(body, None);
        }
    }

    #[test]
    fn every_digit_is_read_back_in_both_forms() {
        for form in [InfoForm::Relay, InfoForm::Plain] {
            assert_eq!(InfoForm::of(form.content_type()), Some(form));
            for event in 0..=FLASH {
                let mut body = Vec::new();
                InfoDigit { event, duration_ms: 160 }.write(form, &mut body);
                check(std::str::from_utf8(&body).unwrap(), Some((event, 160)));
            }
        }
        assert_eq!(InfoForm::of(b"Application/DTMF-Relay ; charset=x"), Some(InfoForm::Relay));
        assert_eq!(InfoForm::of(b"application/dtmf-relays"), None);
    }

    #[test]
    fn a_digit_does_not_show_itself() {
        assert_eq!(format!("{:?}", InfoDigit { event: 7, duration_ms: 160 }), "InfoDigit(…)");
    }
}
