//! The built-in reading of numbers that no dial rule has turned into +E.164.
//!
//! A country says what is dialled before foreign and before national numbers; everything else stays
//! as dialled, since it may be a short code of a PBX. Enter through [`read`] and [`is_emergency`].

use crate::decision::Rule;
use config::Country;

/// Most digits of an E.164 number (ITU-T E.164 §6.2.1).
const E164_DIGITS_MAX: usize = 15;
/// Fewest digits, country code included, that are taken for an international number: shorter strings
/// are short codes; the shortest numbers in use (Niue, Saint Helena) have seven.
const E164_DIGITS_MIN: usize = 7;
/// Fewest digits taken for E.164 without a plus on a trunk of that form: extensions are shorter.
const PLAIN_DIGITS_MIN: usize = 8;
/// Fewest digits after a national prefix.
const AFTER_PREFIX_MIN: usize = 5;
/// Fewest digits of a national number in a country that dials none before it.
const UNPREFIXED_MIN: usize = 8;
/// The same when it begins with 0, as in Italy, where no short code does.
const UNPREFIXED_ZERO_MIN: usize = 6;

/// Reads a number that is not +E.164: a foreign number after the international prefix, E.164 without
/// plus when that is the arriving trunk's form (`plain_e164`), or a national number.
pub(crate) fn read(number: &str, country: Option<&Country>, plain_e164: bool) -> Option<(String, Rule)> {
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(foreign) = country.and_then(|c| after(number, c.international_prefix))
        && is_e164(foreign)
    {
        return Some((format!("+{foreign}"), Rule::International));
    }
    if plain_e164 && number.len() >= PLAIN_DIGITS_MIN && is_e164(number) {
        return Some((format!("+{number}"), Rule::TrunkForm));
    }
    let home = country?;
    let national = national(number, home)?;
    let whole = home.calling_code.len() + national.len();
    (whole <= E164_DIGITS_MAX).then(|| (format!("+{}{national}", home.calling_code), Rule::National))
}

/// What a number would begin with, once it is long enough to be read: it has the prefix of a foreign or a national
/// number and digits behind it.
pub(crate) fn begun(number: &str, home: &Country) -> Option<String> {
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rest = |prefix| after(number, prefix).filter(|rest| !rest.is_empty() && !rest.starts_with('0'));
    let foreign = || Some(format!("+{}", rest(home.international_prefix)?));
    let national = || Some(format!("+{}{}", home.calling_code, rest(home.national_prefix)?));
    foreign().or_else(national)
}

/// The number without a prefix; `None` when the prefix is empty or does not begin it.
fn after<'a>(number: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() { None } else { number.strip_prefix(prefix) }
}

fn is_e164(digits: &str) -> bool {
    (E164_DIGITS_MIN..=E164_DIGITS_MAX).contains(&digits.len()) && !digits.starts_with('0')
}

/// The national significant number, when this looks like one dialled in the country.
fn national<'a>(number: &'a str, home: &Country) -> Option<&'a str> {
    if home.national_prefix.is_empty() {
        let least = if number.starts_with('0') { UNPREFIXED_ZERO_MIN } else { UNPREFIXED_MIN };
        return (number.len() >= least).then_some(number);
    }
    if let Some(rest) = after(number, home.national_prefix)
        && rest.len() >= AFTER_PREFIX_MIN
        && !rest.starts_with('0')
    {
        return Some(rest);
    }
    (home.calling_code == "1" && is_north_american(number)).then_some(number)
}

/// Ten digits NXX NXX XXXX with N from 2 to 9, as the North American plan writes a whole number.
fn is_north_american(number: &str) -> bool {
    let bytes = number.as_bytes();
    let from_two = |at: usize| bytes.get(at).is_some_and(|b| (b'2'..=b'9').contains(b));
    bytes.len() == 10 && from_two(0) && from_two(3)
}

/// Emergency numbers per country, beside 112 and 911, which hold everywhere (3GPP TS 22.101 §10.1.1).
const EMERGENCY: &[(&str, &[&str])] = &[
    ("AE", &["997", "998", "999"]),
    ("AT", &["122", "133", "144"]),
    ("AU", &["000", "106"]),
    ("BE", &["100", "101"]),
    ("BR", &["190", "192", "193"]),
    ("CH", &["117", "118", "144"]),
    ("CN", &["110", "119", "120", "122"]),
    ("CZ", &["150", "155", "158"]),
    ("DE", &["110"]),
    ("ES", &["061", "062", "080", "085", "091", "092"]),
    ("FR", &["15", "17", "18", "114", "115", "119", "196"]),
    ("GB", &["999"]),
    ("GR", &["100", "166", "199"]),
    ("HK", &["999"]),
    ("HU", &["104", "105", "107"]),
    ("IE", &["999"]),
    ("IL", &["100", "101", "102"]),
    ("IN", &["100", "101", "102", "108"]),
    ("IT", &["113", "115", "118"]),
    ("JP", &["110", "118", "119"]),
    ("KR", &["119"]),
    ("MY", &["999"]),
    ("NO", &["110", "113"]),
    ("NZ", &["111"]),
    ("PL", &["997", "998", "999"]),
    ("RU", &["101", "102", "103", "104"]),
    ("SG", &["995", "999"]),
    ("TW", &["110", "119"]),
    ("UA", &["101", "102", "103", "104"]),
    ("ZA", &["10111", "10177"]),
];

/// Whether the number, with or without a plus (`+911`, as some PBXs write it), calls an emergency
/// service of the country.
pub(crate) fn is_emergency(number: &str, country: Option<&Country>) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if matches!(digits, "112" | "911") {
        return true;
    }
    country
        .and_then(|c| EMERGENCY.iter().find(|(iso, _)| *iso == c.iso))
        .is_some_and(|(_, codes)| codes.contains(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn country(
        iso: &'static str,
        calling_code: &'static str,
        international_prefix: &'static str,
        national_prefix: &'static str,
    ) -> Country {
        Country { iso, calling_code, international_prefix, national_prefix }
    }

    const DE: Country = country("DE", "49", "00", "0");
    const IT: Country = country("IT", "39", "00", "");
    const US: Country = country("US", "1", "011", "1");
    const HU: Country = country("HU", "36", "00", "06");
    const RU: Country = country("RU", "7", "810", "8");

    #[test]
    fn what_people_dial() {
        for (home, dialled, read_as) in [
            (Some(&DE), "00441632960001", Some("+441632960001")),
            (Some(&DE), "03023125100", Some("+493023125100")),
            (Some(&DE), "112", None),
            (Some(&DE), "11833", None),
            (Some(&DE), "100", None),
            (Some(&DE), "23125100", None),
            (Some(&DE), "0012", None),
            (Some(&DE), "000", None),
            (Some(&DE), "*31#0302312", None),
            (Some(&DE), "alice", None),
            (Some(&DE), "01234567890123456789", None),
            (Some(&IT), "0612345678", Some("+390612345678")),
            (Some(&IT), "3471234567", Some("+393471234567")),
            (Some(&IT), "00493023125100", Some("+493023125100")),
            (Some(&IT), "118", None),
            (Some(&US), "14255550100", Some("+14255550100")),
            (Some(&US), "4255550100", Some("+14255550100")),
            (Some(&US), "1255550100", Some("+1255550100")),
            (Some(&US), "5550100", None),
            (Some(&US), "01191445550100", Some("+91445550100")),
            (Some(&HU), "0611234567", Some("+3611234567")),
            (Some(&RU), "84951234567", Some("+74951234567")),
            (Some(&RU), "810493023125", Some("+493023125")),
            (None, "00441632960001", None),
            (None, "03023125100", None),
        ] {
            let got = read(dialled, home, false);
            assert_eq!(got.as_ref().map(|(n, _)| n.as_str()), read_as, "{dialled} in {home:?}");
        }
    }

    #[test]
    fn e164_without_plus_only_on_trunks_of_that_form() {
        assert_eq!(read("493023125100", Some(&DE), false), None);
        assert_eq!(read("493023125100", None, true), Some(("+493023125100".into(), Rule::TrunkForm)));
        assert_eq!(read("1234567", None, true), None, "an extension stays");
        assert_eq!(read("00493023125100", Some(&DE), true).map(|r| r.1), Some(Rule::International));
        assert_eq!(read("03023125100", Some(&DE), true).map(|r| r.1), Some(Rule::National));
    }

    #[test]
    fn emergency_numbers_by_country() {
        assert!(is_emergency("112", None) && is_emergency("911", None) && is_emergency("+911", Some(&US)));
        assert!(is_emergency("110", Some(&DE)) && !is_emergency("110", Some(&US)));
        assert!(!is_emergency("1120", Some(&DE)) && !is_emergency("", Some(&DE)));
    }
}
