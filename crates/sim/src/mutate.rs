//! Copies of messages with faults in them, as broken and hostile peers send.

use crate::dice::Dice;

const NASTY: &[&str] = &[
    "4294967296",
    "-1",
    "999999999999999999999",
    "0",
    "",
    "%00",
    "\r\n\r\n",
    "\"",
    "<<>>",
    "sips:",
    ";;;=",
    ":::",
    "SIP/3.0",
    "z9hG4bK",
    "[::1",
    "\t",
    ",,,,",
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "PRACK",
    "200",
];

/// A faulty copy.
pub(crate) fn mutate(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..dice.between(1, 4) {
        once(&mut out, dice);
    }
    out
}

fn once(out: &mut Vec<u8>, dice: &mut Dice) {
    if out.is_empty() {
        return;
    }
    let at = dice.below(out.len() as u64) as usize;
    let end = (at + dice.between(1, 40) as usize).min(out.len());
    match dice.below(9) {
        0 => out[at] ^= 1 << dice.below(8),
        1 => drop(out.drain(at..end)),
        2 => {
            let piece = out[at..end].to_vec();
            out.splice(at..at, piece);
        }
        3 => out.truncate(at),
        4 => drop(out.splice(at..end.min(at + 6), dice.pick(NASTY).bytes())),
        5 | 6 => lines(out, dice),
        7 => {
            for digit in out.iter_mut().filter(|c| c.is_ascii_digit()).skip(dice.below(60) as usize).take(1) {
                *digit = b'0' + dice.below(10) as u8;
            }
        }
        _ => drop(out.splice(at..at, std::iter::repeat_n(b'A', dice.below(3_000) as usize))),
    }
}

/// Header rows dropped, repeated or exchanged.
fn lines(out: &mut Vec<u8>, dice: &mut Dice) {
    let text = String::from_utf8_lossy(out).into_owned();
    let mut rows: Vec<&str> = text.split("\r\n").collect();
    if rows.len() < 3 {
        return;
    }
    let (a, b) = (dice.below(rows.len() as u64) as usize, dice.below(rows.len() as u64) as usize);
    match dice.below(3) {
        0 => drop(rows.remove(a)),
        1 => rows.insert(b, rows[a]),
        _ => rows.swap(a, b),
    }
    *out = rows.join("\r\n").into_bytes();
}
