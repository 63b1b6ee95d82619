//! Bytes read one after the other, and vectors with their lengths written (RFC 5246 §4).

use crate::trouble::Trouble;

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Trouble> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Trouble::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Trouble::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Trouble> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn short(&mut self) -> Result<u16, Trouble> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn three(&mut self) -> Result<usize, Trouble> {
        self.array().map(|[a, b, c]| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    /// A vector whose length stands in one byte before it.
    pub(crate) fn vector8(&mut self) -> Result<&'a [u8], Trouble> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    /// A vector whose length stands in two bytes before it.
    pub(crate) fn vector16(&mut self) -> Result<&'a [u8], Trouble> {
        let length = self.short()?;
        self.take(usize::from(length))
    }

    /// A vector whose length stands in three bytes before it.
    pub(crate) fn vector24(&mut self) -> Result<&'a [u8], Trouble> {
        let length = self.three()?;
        self.take(length)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), Trouble> {
        if self.is_empty() { Ok(()) } else { Err(Trouble::Malformed) }
    }
}

/// The numbers of two bytes in a vector.
pub(crate) fn shorts(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Appends a number of three bytes.
pub(crate) fn put_three(value: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[(value >> 16) as u8, (value >> 8) as u8, value as u8]);
}

/// Appends a vector with its length in two bytes before it; ours are never longer.
pub(crate) fn put_vector16(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a vector with its length in one byte before it; ours are never longer.
pub(crate) fn put_vector8(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}
