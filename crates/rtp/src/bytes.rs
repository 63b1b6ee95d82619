//! Big-endian numbers at checked places; every read beyond the end is `None`, never a panic.

/// The 16 bits at `at`.
#[inline]
#[must_use]
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 24 bits at `at`.
#[inline]
#[must_use]
pub fn be24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = *bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// The 32 bits at `at`.
#[inline]
#[must_use]
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 64 bits at `at`.
#[inline]
#[must_use]
pub fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Overwrites the bytes at `at`; does nothing where they do not lie within.
#[inline]
pub(crate) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = value;
    }
}

/// Writes forward into a buffer that may be too small; the first overrun makes it fail for good.
pub(crate) struct Writer<'b> {
    bytes: &'b mut [u8],
    at: usize,
    fits: bool,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(bytes: &'b mut [u8]) -> Writer<'b> {
        Writer { bytes, at: 0, fits: true }
    }

    pub(crate) fn slice(&mut self, value: &[u8]) {
        let end = self.at.saturating_add(value.len());
        match self.bytes.get_mut(self.at..end) {
            Some(place) if self.fits => {
                place.copy_from_slice(value);
                self.at = end;
            }
            _ => self.fits = false,
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.slice(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.slice(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.slice(&value.to_be_bytes());
    }

    /// How many bytes were written; `None` when the buffer was too small.
    pub(crate) fn finish(self) -> Option<usize> {
        self.fits.then_some(self.at)
    }
}
