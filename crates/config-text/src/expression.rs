//! Regular expressions of the linear engine, and replacements that name their groups.
//!
//! The engine's time grows with the text alone; what it cannot run (look-around, backreferences) is
//! refused here with its place, and so is what the .NET dialect of vendors' rules reads otherwise (R70).

use crate::Flaw;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, ClassSetBinaryOp, ClassSetItem};

/// Longest expression, in characters (R67).
const LENGTH_MAX: usize = 1024;
/// Longest replacement, in characters (R67).
const REPLACEMENT_MAX: usize = 256;
/// Largest compiled expression, in bytes.
const COMPILED_MAX: usize = 256 * 1024;

/// Finds a control character.
///
/// # Errors
/// Its place.
pub fn no_controls(text: &str) -> Result<(), Flaw> {
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(Flaw::new("a control character").at(at)),
        None => Ok(()),
    }
}

/// Finds the flaw of a replacement.
///
/// # Errors
/// It.
pub fn replacement(text: &str) -> Result<(), Flaw> {
    let length = text.chars().count();
    if length > REPLACEMENT_MAX {
        let flaw = Flaw::new(format!("a replacement of {length} characters"));
        return Err(flaw.expected(format!("at most {REPLACEMENT_MAX} characters")));
    }
    no_controls(text)?;
    groups(text).map(drop)
}

/// Compiles an expression, anchored at both ends.
///
/// # Errors
/// What this engine cannot run, or others read otherwise.
pub fn expression(source: &str) -> Result<Regex, Flaw> {
    if source.is_empty() {
        return Err(Flaw::new("the expression is empty"));
    }
    let length = source.chars().count();
    if length > LENGTH_MAX {
        let flaw = Flaw::new(format!("an expression of {length} characters"));
        return Err(flaw.expected(format!("at most {LENGTH_MAX} characters")));
    }
    regex_syntax::Parser::new().parse(source).map_err(|error| syntax(&error))?;
    if let Ok(tree) = ast::parse::Parser::new().parse(source) {
        ast::visit(&tree, Dialect)?;
    }
    let compiled = RegexBuilder::new(&format!("^(?:{source})$")).size_limit(COMPILED_MAX).build();
    match compiled {
        Ok(regex) => Ok(regex),
        // The one way to be well-formed alone and not inside a group is a comment that hides the `)`.
        Err(regex::Error::Syntax(_)) => {
            Err(Flaw::new("a comment that runs to the end of the expression").expected("no `(?x)` comment"))
        }
        Err(_) => Err(Flaw::new("the expression is too large").expected("at most 256 KiB when compiled")),
    }
}

/// The parser's complaint and its place.
fn syntax(error: &regex_syntax::Error) -> Flaw {
    let (message, at) = match error {
        regex_syntax::Error::Parse(fault) => (fault.kind().to_string(), fault.span().start.offset),
        regex_syntax::Error::Translate(fault) => (fault.kind().to_string(), fault.span().start.offset),
        _ => ("not understood".to_owned(), 0),
    };
    Flaw::new(format!("the expression cannot be run: {message}"))
        .at(at)
        .expected("a regular expression without look-around and backreferences")
}

/// Refuses character classes inside classes: `[a-z-[aeiou]]` takes away in .NET and adds here, `&&` is
/// two characters there and an intersection here.
struct Dialect;

impl Dialect {
    fn flaw(span: &ast::Span) -> Flaw {
        Flaw::new("a character class inside a class, which other dialects read otherwise")
            .at(span.start.offset)
            .expected("single characters and ranges in a class, such as `[0-9*#]`")
    }
}

impl ast::Visitor for Dialect {
    type Output = ();
    type Err = Flaw;

    fn finish(self) -> Result<(), Flaw> {
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Flaw> {
        match item {
            ClassSetItem::Bracketed(inner) => Err(Dialect::flaw(&inner.span)),
            ClassSetItem::Ascii(inner) => Err(Dialect::flaw(&inner.span)),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, both: &ClassSetBinaryOp) -> Result<(), Flaw> {
        Err(Dialect::flaw(&both.span))
    }
}

/// A group that a replacement names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Offset of its `$`.
    pub at: usize,
    /// Number or name.
    pub name: String,
}

/// Reads a replacement and lists the groups it names. `$$` is a dollar; `$name` takes as many letters,
/// digits and `_` as it can, as the engine does.
///
/// # Errors
/// Where it names none.
pub fn groups(text: &str) -> Result<Vec<Group>, Flaw> {
    if text.is_empty() {
        return Err(Flaw::new("the replacement is empty"));
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find('$')) {
        let dollar = at + offset;
        let rest = text.get(dollar + 1..).unwrap_or("");
        if rest.starts_with('$') {
            at = dollar + 2;
            continue;
        }
        let (name, written) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or_else(|| Flaw::new("`${` without `}`").at(dollar))?;
                (inner.get(..end).unwrap_or(""), end + 2)
            }
            None => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                (rest.get(..end).unwrap_or(""), end)
            }
        };
        if name.is_empty() {
            return Err(Flaw::new("`$` without a group")
                .at(dollar)
                .expected("`$1`, `${1}`, or `$$` for a dollar"));
        }
        found.push(Group { at: dollar, name: name.to_owned() });
        at = dollar + 1 + written;
    }
    Ok(found)
}

/// Whether the expression has this group.
///
/// # Errors
/// It has not; the nearest writing that names one.
pub fn has_group(regex: &Regex, group: &str) -> Result<(), Option<String>> {
    let count = regex.captures_len();
    let numbered = group.parse::<usize>().is_ok_and(|n| n < count);
    if numbered || regex.capture_names().flatten().any(|name| name == group) {
        return Ok(());
    }
    let digits: String = group.chars().take_while(char::is_ascii_digit).collect();
    let prefix =
        (1..digits.len() + usize::from(digits.len() < group.len())).rev().filter_map(|len| digits.get(..len));
    let meant = prefix.into_iter().find(|d| d.parse::<usize>().is_ok_and(|n| n < count));
    Err(meant.map(|d| format!("${{{d}}}{}", group.get(d.len()..).unwrap_or(""))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_their_place() {
        let at = |source| expression(source).unwrap_err().at;
        assert_eq!(at("0(?=1)"), 1);
        assert_eq!(at(r"(a)\1"), 3);
        assert_eq!(at("0["), 1);
        assert!(expression("((a{100}){100}){100}").is_err());
        assert_eq!(at("[0-9-[5]]"), 5);
        assert_eq!(at("[[:digit:]]+"), 1);
        assert_eq!(at("[0-9&&5]"), 1);
        assert_eq!(at("0(?>1)"), 3);
        assert!(expression("(?x)a#").is_err());
        assert!(expression(&"é".repeat(1024)).is_ok() && expression(&"1".repeat(1025)).is_err());
        assert!(expression("").is_err());
    }

    #[test]
    fn expressions_match_the_whole_string() {
        let e = expression("0([1-9]+)|112").unwrap();
        assert!(e.is_match("030") || e.is_match("03"));
        assert!(e.is_match("112"));
        assert!(!e.is_match("1120") && !e.is_match("9112"));
    }

    #[test]
    fn replacements_list_their_groups() {
        let names = |t| groups(t).unwrap().into_iter().map(|g| g.name).collect::<Vec<_>>();
        assert_eq!(names("+49$1"), ["1"]);
        assert_eq!(names("${1}0$$x$tail"), ["1", "tail"]);
        assert!(replacement(&"1".repeat(256)).is_ok() && replacement(&"1".repeat(257)).is_err());
        assert_eq!(replacement("+49\n$1").unwrap_err().at, 3);
        assert!(groups("a$").is_err());
        assert!(groups("${1").is_err());
        let e = expression("0(.*)").unwrap();
        assert_eq!(has_group(&e, "1"), Ok(()));
        assert_eq!(has_group(&e, "10"), Err(Some("${1}0".into())));
        assert_eq!(has_group(&e, "2"), Err(None));
    }
}
