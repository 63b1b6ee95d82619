//! Countries and how numbers are dialled in them.

/// How numbers are written and dialled in one country.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country {
    /// ISO 3166-1 alpha-2 code, `DE`.
    pub iso: &'static str,
    /// E.164 country code without plus, `49`.
    pub calling_code: &'static str,
    /// What is dialled before a foreign number, `00` or `011`.
    pub international_prefix: &'static str,
    /// What is dialled before a national number and dropped in +E.164, `0`, `1`, or nothing
    /// (as in Italy, where a leading 0 belongs to the number).
    pub national_prefix: &'static str,
}
