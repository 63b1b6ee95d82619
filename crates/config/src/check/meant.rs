//! What may have been meant by a value of the wrong type: always one that the check takes.

use crate::forms::Form;
use crate::forms::time::duration;
use crate::keys::Shape;
use crate::names::Names;
use crate::text::What;

/// A value of this shape near to what is written, as it would be written.
pub(super) fn meant(shape: &Shape, what: &What, names: &Names<'_>) -> Option<String> {
    match (shape, what) {
        (Shape::List { of, .. }, What::Text(_) | What::Integer(_)) => {
            meant(of, what, names).map(|item| format!("[{item}]"))
        }
        (Shape::OneOrMore { of, .. }, _) => meant(of, what, names),
        (Shape::Each { section, .. }, What::Table(_)) => Some(format!("[{}]", section.title)),
        (Shape::Integer { min, max }, What::Text(text)) => {
            text.parse::<i64>().ok().filter(|number| (*min..=*max).contains(number)).map(|n| n.to_string())
        }
        (Shape::Integer { min, max }, What::Integer(number)) => {
            (*min..=*max).contains(number).then(|| number.to_string())
        }
        (Shape::Bool, What::Text(text)) => ["true", "false"].contains(&text.as_str()).then(|| text.clone()),
        (Shape::Text(form), What::Text(text)) => string(form, text),
        (Shape::Text(form), What::Integer(number)) => string(form, &number.to_string()),
        (Shape::Word { now, .. }, What::Text(text)) => now.contains(&text.as_str()).then(|| quoted(text)),
        (Shape::Name(family) | Shape::NameOr(family, _), What::Text(text)) => {
            names.index(*family, text).map(|_| quoted(text))
        }
        (Shape::Duration { .. }, What::Text(text)) => duration(text).ok().map(|_| quoted(text)),
        _ => None,
    }
}

/// A string of this form: the text itself, else what is nearest to it.
fn string(form: &Form, text: &str) -> Option<String> {
    let near = match (form.check)(text) {
        Ok(()) => text.to_owned(),
        Err(flaw) => flaw.nearest.filter(|near| (form.check)(near).is_ok())?,
    };
    Some(quoted(&near))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
