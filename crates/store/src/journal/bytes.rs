//! The alphabet of the journal: numbers and text as compact bytes, and back.
//!
//! Numbers are little-endian base 128 (seven bits a byte, high bit: more follows); signed ones
//! are zigzag; text is its length and its UTF-8 bytes. Reading is total: any bytes give a value
//! or [`Malformed`].

use std::borrow::Cow;

/// Longest text that is stored in one field, bytes; longer ones are cut.
pub(crate) const TEXT_MAX: usize = 4_096;

/// The bytes are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// Appends values to a buffer.
pub(crate) struct Put<'b> {
    pub(crate) out: &'b mut Vec<u8>,
    /// Fields cut at [`TEXT_MAX`].
    pub(crate) cut: usize,
}

impl Put<'_> {
    pub(crate) fn byte(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn number(&mut self, value: impl Into<u64>) {
        let mut value: u64 = value.into();
        while value >= 0x80 {
            self.out.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub(crate) fn text(&mut self, text: &str) {
        let mut end = text.len();
        if end > TEXT_MAX {
            self.cut += 1;
            end = TEXT_MAX;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
        }
        self.number(end as u64);
        self.out.extend_from_slice(&text.as_bytes()[..end]);
    }

    /// Text from a value that is shown, without an allocation (at most 127 bytes).
    pub(crate) fn shown(&mut self, value: impl std::fmt::Display) {
        use std::io::Write as _;
        let at = self.out.len();
        self.out.push(0);
        // Writing to a Vec does not fail.
        let _ = write!(self.out, "{value}");
        let length = self.out.len() - at - 1;
        debug_assert!(length < 0x80, "only for short values");
        if let (Ok(length), Some(slot)) = (u8::try_from(length), self.out.get_mut(at)) {
            *slot = length & 0x7f;
        }
    }

    pub(crate) fn fixed64(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn option(&mut self, value: Option<u64>) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                self.number(value);
            }
        }
    }

    /// A moment as its distance from another.
    pub(crate) fn near(&mut self, value: u64, from: u64) {
        let distance = value.wrapping_sub(from) as i64;
        self.number((distance.wrapping_shl(1) ^ (distance >> 63)) as u64);
    }

    pub(crate) fn near_option(&mut self, value: Option<u64>, from: u64) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                self.near(value, from);
            }
        }
    }
}

/// Takes values from the front of bytes.
#[derive(Clone, Copy)]
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn wide(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(Malformed);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn number<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.wide()?).map_err(|_| Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let length = self.number::<usize>()?;
        std::str::from_utf8(self.bytes(length)?).map(Cow::Borrowed).map_err(|_| Malformed)
    }

    /// A text at the end that older programs did not write; empty then.
    pub(crate) fn later_text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        if self.0.is_empty() { Ok(Cow::Borrowed("")) } else { self.text() }
    }

    pub(crate) fn fixed64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn option<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, Malformed> {
        if self.flag()? { self.number().map(Some) } else { Ok(None) }
    }

    pub(crate) fn near(&mut self, from: u64) -> Result<u64, Malformed> {
        let zigzag = self.wide()?;
        let distance = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        Ok(from.wrapping_add(distance as u64))
    }

    pub(crate) fn near_option(&mut self, from: u64) -> Result<Option<u64>, Malformed> {
        if self.flag()? { self.near(from).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_come_back() {
        let mut out = Vec::new();
        let mut put = Put { out: &mut out, cut: 0 };
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
        for n in numbers {
            put.number(n);
            put.near(n, 1_000);
            put.near_option(Some(n), u64::MAX);
        }
        put.text("Łódź");
        put.text(&"ß".repeat(TEXT_MAX));
        put.shown("10.0.0.1:5060");
        assert_eq!(put.cut, 1);
        let mut take = Take(&out);
        for n in numbers {
            assert_eq!(take.wide(), Ok(n));
            assert_eq!(take.near(1_000), Ok(n));
            assert_eq!(take.near_option(u64::MAX), Ok(Some(n)));
        }
        assert_eq!(take.text().unwrap(), "Łódź");
        assert_eq!(take.text().unwrap().len(), TEXT_MAX);
        assert_eq!(take.text().unwrap(), "10.0.0.1:5060");
        assert_eq!(take.byte(), Err(Malformed));
    }

    #[test]
    fn overlong_numbers_are_refused() {
        assert_eq!(Take(&[0xff; 11]).wide(), Err(Malformed));
        assert_eq!(
            Take(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).wide(),
            Err(Malformed)
        );
        assert_eq!(Take(&[0xff, 0x7f]).number::<u8>(), Err(Malformed));
    }
}
