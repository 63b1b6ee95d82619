//! Number forms: ranges and patterns.

use super::{Flaw, Form, each, expression};
use crate::{CallerId, Pattern};

/// Longest number (RFC 3966 allows more, E.164 does not: ITU-T E.164 §6).
const DIGITS_MAX: usize = 15;
/// Longest pattern.
const PATTERN_MAX: usize = 255;

/// A number, or a range of numbers.
pub static RANGE: Form = Form {
    phrase: "a number such as `+493023125000`, or two of equal length: `+493023125000..+493023125999`",
    check: |t| range(t).map(drop),
    schema_pattern: "^\\+?[0-9]{1,15}(\\.\\.\\+?[0-9]{1,15})?$",
};

/// A number.
pub static NUMBER: Form = Form {
    phrase: "a number such as `+493023125000`",
    check: |t| number(t, 0),
    schema_pattern: "^\\+?[0-9]{1,15}$",
};

/// A pattern of numbers.
pub static PATTERN: Form = Form {
    phrase: "a number, a prefix such as `+49*`, or an expression such as `/\\+49(30|40).*/`",
    check: |t| pattern(t).map(drop),
    schema_pattern: "",
};

/// Longest external prefix (R60).
const EXTERNAL_MAX: usize = 4;
/// Most digits of an extension.
const EXTENSION_MAX: u8 = 7;

/// What is dialled to get an outside line.
pub static EXTERNAL_PREFIX: Form = Form {
    phrase: "1 to 4 of `0` to `9`, `*` and `#`",
    check: external_prefix,
    schema_pattern: "^[0-9*#]{1,4}$",
};

/// The number that stands before extensions.
pub static PILOT: Form =
    Form { phrase: "a number such as `+493023125`", check: pilot, schema_pattern: "^\\+[0-9]{1,15}$" };

/// How many digits extensions have.
pub static LENGTHS: Form = Form {
    phrase: "a count of digits such as `3`, or the least and the most such as `2..4`",
    check: |t| lengths(t).map(drop),
    schema_pattern: "^[1-7](\\.\\.[1-7])?$",
};

/// What is dialled to get an outside line.
fn external_prefix(text: &str) -> Result<(), Flaw> {
    if text.is_empty() || text.len() > EXTERNAL_MAX {
        return Err(Flaw::new(format!("a prefix of {} characters", text.chars().count())));
    }
    each(text, |c| c.is_ascii_digit() || "*#".contains(c), "cannot be dialled")
}

/// The number that stands before extensions.
fn pilot(text: &str) -> Result<(), Flaw> {
    if text.starts_with('+') { number(text, 0) } else { Err(Flaw::new("a pilot number without its `+`")) }
}

/// How many digits extensions have.
///
/// # Errors
/// No counts, or the most before the least.
pub fn lengths(text: &str) -> Result<(u8, u8), Flaw> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let count = |text: &str, at: usize| {
        let read = text.parse::<u8>().ok().filter(|n| (1..=EXTENSION_MAX).contains(n) && text.len() == 1);
        read.ok_or_else(|| Flaw::new(format!("`{}` is no count of digits", text.escape_debug())).at(at))
    };
    let (least, most) = (count(least, 0)?, count(most, text.len() - most.len())?);
    if least > most {
        return Err(Flaw::new("the least is more than the most").nearest(Some(format!("{most}..{least}"))));
    }
    Ok((least, most))
}

/// An alternate calling number.
pub static CALLER_ID: Form = Form {
    phrase: "a number such as `+493023125000`, with an extension `;ext=17` where it has one",
    check: |t| caller_id(t).map(drop),
    schema_pattern: "^\\+?[1-9][0-9]*(;ext=[1-9][0-9]*)?$",
};

fn number(text: &str, at: usize) -> Result<(), Flaw> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let skipped = text.len() - digits.len();
    if let Some((inner, c)) = digits.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        // A plus within counts as a separator, so that what is left is digits alone.
        let plus = text.get(..skipped).unwrap_or_default();
        let bare = plus.chars().chain(digits.chars().filter(char::is_ascii_digit)).collect::<String>();
        let near = (number(&bare, 0).is_ok() && !c.is_alphabetic()).then_some(bare);
        return Err(Flaw::new(format!("`{}` is no digit", c.escape_debug()))
            .at(at + skipped + inner)
            .nearest(near));
    }
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return Err(Flaw::new(format!("a number of {} digits", digits.len()))
            .at(at)
            .expected("1 to 15 digits, with or without `+`"));
    }
    Ok(())
}

/// Reads a range of numbers, or a single one.
///
/// # Errors
/// No number, or ends that make no range.
pub fn range(text: &str) -> Result<(String, String), Flaw> {
    let Some((first, last)) = text.split_once("..") else {
        number(text, 0)?;
        return Ok((text.to_owned(), text.to_owned()));
    };
    number(first, 0).map_err(|flaw| flaw.nearest(None))?;
    number(last, first.len() + 2).map_err(|flaw| flaw.nearest(None))?;
    if first.len() != last.len() || first.starts_with('+') != last.starts_with('+') {
        return Err(Flaw::new("the two ends of the range differ in length"));
    }
    if first > last {
        return Err(Flaw::new("the range ends before it starts").nearest(Some(format!("{last}..{first}"))));
    }
    Ok((first.to_owned(), last.to_owned()))
}

/// Reads an alternate calling number: `(\+)?[1-9]\d*(;ext=[1-9]\d*)?`.
///
/// # Errors
/// No number, or no extension.
pub fn caller_id(text: &str) -> Result<CallerId, Flaw> {
    let no_zero = |digits: &str, at: usize| match digits.starts_with('0') {
        true => Err(Flaw::new("a number that starts with 0").at(at).expected("a first digit from 1 to 9")),
        false => Ok(()),
    };
    let (main, extension) = match text.split_once(";ext=") {
        Some((main, extension)) => (main, Some(extension)),
        None => (text, None),
    };
    number(main, 0).map_err(|flaw| flaw.nearest(None))?;
    no_zero(main.trim_start_matches('+'), 0)?;
    if let Some(extension) = extension {
        let at = main.len() + ";ext=".len();
        if extension.starts_with('+') {
            return Err(Flaw::new("an extension has no `+`").at(at));
        }
        number(extension, at).map_err(|flaw| flaw.nearest(None))?;
        no_zero(extension, at)?;
    }
    Ok(CallerId { number: main.to_owned(), extension: extension.map(str::to_owned) })
}

/// Reads a pattern: `/expression/`, `prefix*`, or the number itself.
///
/// # Errors
/// What stands where it may not.
pub fn pattern(text: &str) -> Result<Pattern, Flaw> {
    if let Some(rest) = text.strip_prefix('/') {
        let Some(source) = rest.strip_suffix('/') else {
            return Err(Flaw::new("an expression without its closing `/`").nearest(Some(format!("{text}/"))));
        };
        let read = expression::expression(source);
        return read.map(Pattern::Expression).map_err(|flaw| Flaw { at: flaw.at + 1, ..flaw });
    }
    if text.is_empty() || text.len() > PATTERN_MAX {
        return Err(Flaw::new(format!("a pattern of {} bytes", text.len())));
    }
    let may = |c: char| c.is_ascii_alphanumeric() || "+*#-_.!~'()&=$,;?".contains(c);
    each(text, may, "may not stand in a pattern")?;
    Ok(match text.strip_suffix('*') {
        Some(prefix) => Pattern::Prefix(prefix.to_owned()),
        None => Pattern::Exact(text.to_owned()),
    })
}

#[cfg(test)]
#[path = "../../tests/unit/number.rs"]
mod tests;
