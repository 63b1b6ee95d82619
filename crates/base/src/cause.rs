//! Q.850 causes and SIP statuses, each turned into the other as gateways to the telephone network do.
//!
//! Pure tables; enter through [`sip_to_q850`] and [`q850_to_sip`]. Reasons of our own carry their
//! cause in [`crate::reason`]; this room is for what a peer said.

/// The Q.850 cause that says what a final SIP response says (RFC 3398 §8.2.6.1; RFC 4497 §8.4.4
/// for the private networks behind PBXs agrees where it has a row).
///
/// 488 and 606 follow the Warning header in RFC 3398; without one they are "normal, unspecified".
/// 487 is the answer to our own CANCEL and reads as normal clearing. Codes that no table names fall
/// to their class: 4xx and 5xx interworking (127) or temporary failure (41), 6xx rejected (21).
#[must_use]
pub fn sip_to_q850(status: u16) -> u8 {
    match status {
        401 | 402 | 403 | 407 | 603 | 607 | 608 => 21,
        404 | 485 | 604 => 1,
        405 => 63,
        406 | 415 | 501 => 79,
        408 | 504 => 102,
        410 => 22,
        400 | 481 | 500 | 503 => 41,
        480 => 18,
        482 | 483 => 25,
        484 => 28,
        486 | 600 => 17,
        487 => 16,
        488 | 491 | 606 => 31,
        502 => 38,
        300..=399 => 23,
        500..=599 if status != 505 && status != 513 && status != 580 => 41,
        600..=699 => 21,
        _ => 127,
    }
}

/// The SIP status that says what a Q.850 cause says (RFC 3398 §7.2.4.1).
///
/// Cause 16 has no row there (it is a BYE or CANCEL); where a final response is needed it is 480.
/// Causes without a row fall to the default of their Q.850 class (ITU-T Q.850 table 1): 1–31 are
/// 480, resource 503, service 501 or 503, invalid message and protocol error 500.
#[must_use]
pub fn q850_to_sip(cause: u8) -> u16 {
    match cause {
        1..=3 | 26 => 404,
        17 => 486,
        18 => 408,
        21 | 55 | 57 | 87 => 403,
        22 | 23 => 410,
        25 => 483,
        27 => 502,
        28 => 484,
        29 | 79 => 501,
        65 | 70 => 488,
        102 => 504,
        0..=31 => 480,
        32..=63 => 503,
        64..=86 => 501,
        88 => 503,
        _ => 500,
    }
}

/// The short English name of a cause, for a Reason header's `text` (RFC 3326 §2, ITU-T Q.850).
#[must_use]
pub fn q850_text(cause: u8) -> &'static str {
    match cause {
        1 => "Unallocated number",
        2 => "No route to transit network",
        3 => "No route to destination",
        16 => "Normal call clearing",
        17 => "User busy",
        18 => "No user responding",
        19 => "No answer from user",
        20 => "Subscriber absent",
        21 => "Call rejected",
        22 => "Number changed",
        23 => "Redirection to new destination",
        25 => "Exchange routing error",
        26 => "Non-selected user clearing",
        27 => "Destination out of order",
        28 => "Invalid number format",
        29 => "Facility rejected",
        31 => "Normal, unspecified",
        34 => "No circuit available",
        38 => "Network out of order",
        41 => "Temporary failure",
        42 => "Switching equipment congestion",
        47 => "Resource unavailable, unspecified",
        50 => "Requested facility not subscribed",
        55 => "Incoming calls barred within CUG",
        57 => "Bearer capability not authorized",
        58 => "Bearer capability not presently available",
        63 => "Service or option not available",
        65 => "Bearer capability not implemented",
        69 => "Requested facility not implemented",
        79 => "Service or option not implemented",
        88 => "Incompatible destination",
        95 => "Invalid message, unspecified",
        102 => "Recovery on timer expiry",
        111 => "Protocol error, unspecified",
        127 => "Interworking, unspecified",
        _ => "Unspecified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3398 §8.2.6.1, row by row.
    const SIP_TO_ISUP: &[(u16, u8)] = &[
        (400, 41),
        (401, 21),
        (402, 21),
        (403, 21),
        (404, 1),
        (405, 63),
        (406, 79),
        (407, 21),
        (408, 102),
        (410, 22),
        (413, 127),
        (414, 127),
        (415, 79),
        (416, 127),
        (420, 127),
        (421, 127),
        (423, 127),
        (480, 18),
        (481, 41),
        (482, 25),
        (483, 25),
        (484, 28),
        (485, 1),
        (486, 17),
        (500, 41),
        (501, 79),
        (502, 38),
        (503, 41),
        (504, 102),
        (505, 127),
        (513, 127),
        (600, 17),
        (603, 21),
        (604, 1),
    ];

    /// RFC 3398 §7.2.4.1, row by row (21 and 22 in the form without location and diagnostic).
    const ISUP_TO_SIP: &[(u8, u16)] = &[
        (1, 404),
        (2, 404),
        (3, 404),
        (17, 486),
        (18, 408),
        (19, 480),
        (20, 480),
        (21, 403),
        (22, 410),
        (23, 410),
        (26, 404),
        (27, 502),
        (28, 484),
        (29, 501),
        (31, 480),
        (34, 503),
        (38, 503),
        (41, 503),
        (42, 503),
        (47, 503),
        (55, 403),
        (57, 403),
        (58, 503),
        (65, 488),
        (70, 488),
        (79, 501),
        (87, 403),
        (88, 503),
        (102, 504),
        (111, 500),
        (127, 500),
    ];

    #[test]
    fn rows_of_rfc_3398() {
        for &(status, cause) in SIP_TO_ISUP {
            assert_eq!(sip_to_q850(status), cause, "{status}");
        }
        for &(cause, status) in ISUP_TO_SIP {
            assert_eq!(q850_to_sip(cause), status, "{cause}");
        }
    }

    #[test]
    fn every_value_has_an_answer() {
        for status in 0..=u16::MAX {
            assert!((1..=127).contains(&sip_to_q850(status)));
        }
        for cause in 0..=u8::MAX {
            assert!((400..=699).contains(&q850_to_sip(cause)));
        }
    }
}
