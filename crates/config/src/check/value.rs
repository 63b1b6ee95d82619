//! Single values: type, bounds, form, reference.

use super::meant::meant;
use super::{Check, Step};
use crate::forms::time::{duration, written};
use crate::forms::{Flaw, Form, plain};
use crate::keys::{ANNOUNCEMENT, Family, Section, Shape};
use crate::names::one_of;
use crate::nearest::nearest;
use crate::phrase;
use crate::report::Finding;
use crate::text::{Entry, Table, Value, What};
use std::time::Duration;

/// Most tiers of a route.
const TIERS_MAX: usize = 16;
/// Most trunks in a tier.
const TIER_MAX: usize = 64;

impl<'a> Check<'a, '_, '_> {
    /// `key_at` is where the value's key stands; tables are reported there.
    pub(super) fn value(&mut self, shape: &Shape, value: &'a Value, key_at: usize) {
        match (shape, &value.what) {
            (Shape::Bool, What::Bool(_)) => {}
            (Shape::Integer { min, max }, What::Integer(number)) => {
                if !(*min..=*max).contains(number) {
                    self.out_of_range(shape, value, &number.to_string());
                }
            }
            (Shape::Duration { min, max, off }, What::Integer(_) | What::Text(_)) => {
                self.duration(shape, value, (*min, *max, *off));
            }
            (Shape::Word { now, later }, What::Text(text)) => self.word(now, later, value, text),
            (Shape::Text(form), What::Text(text)) => self.form(form, value, text),
            (Shape::NameOr(_, word), What::Text(text)) if text == word => {}
            (Shape::Name(family) | Shape::NameOr(family, _), What::Text(text)) => {
                self.name(*family, value.span.start, text);
            }
            (Shape::Tiers, What::Text(_) | What::List(_)) => self.tiers(value),
            (Shape::Secret, What::Text(_) | What::Table(_)) => self.secret(shape, value),
            (Shape::List { of, min, max }, What::List(items)) => self.list(of, items, *min..=*max, value),
            (Shape::OneOrMore { of, max }, What::List(items)) => self.list(of, items, 1..=*max, value),
            (Shape::OneOrMore { of, .. }, What::Text(_)) => self.value(of, value, key_at),
            (Shape::Table(section), What::Table(table)) => self.table(section, table, key_at),
            (Shape::Named { section, max }, What::Table(table)) => self.named(section, table, *max, key_at),
            (Shape::Each { section, max }, What::List(items)) => self.each(section, items, *max, key_at),
            _ => self.wrong_type(shape, value),
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &Value) {
        let message = format!("`{}` is {}", self.subject(), value.what.noun());
        let finding = Finding::new(value.span.start, self.path(), "wrong-type", message);
        self.report.error(finding.expected(phrase::shape(shape)).nearest(meant(
            shape,
            &value.what,
            self.names,
        )));
    }

    fn out_of_range(&mut self, shape: &Shape, value: &Value, shown: &str) {
        let message = format!("`{}` is {shown}", self.subject());
        let finding = Finding::new(value.span.start, self.path(), "out-of-range", message);
        self.report.error(finding.expected(phrase::shape(shape)));
    }

    fn flaw(&mut self, flaw: Flaw, value: &Value, phrase: &str) {
        // A flaw of the whole string is told at its opening quote.
        let at = if flaw.at == 0 { value.span.start } else { self.report.source.inside(value.span, flaw.at) };
        let message = format!("`{}`: {}", self.subject(), flaw.message);
        let expected = if flaw.expected.is_empty() { phrase.to_owned() } else { flaw.expected };
        let finding = Finding::new(at, self.path(), "bad-value", message);
        self.report.error(finding.expected(expected).nearest(flaw.nearest));
    }

    fn form(&mut self, form: &Form, value: &Value, text: &str) {
        if let Err(flaw) = (form.check)(text) {
            self.flaw(flaw, value, form.phrase);
        }
    }

    fn duration(&mut self, shape: &Shape, value: &Value, (min, max, off): (Duration, Duration, bool)) {
        let read = match &value.what {
            What::Integer(number) => Ok(u64::try_from(*number).ok().map(Duration::from_secs)),
            other => duration(if let What::Text(text) = other { text } else { "" }).map(Some),
        };
        match read {
            Err(flaw) => self.flaw(flaw, value, &phrase::shape(shape)),
            Ok(Some(length)) if (min..=max).contains(&length) || (off && length.is_zero()) => {}
            Ok(length) => {
                let shown = length.map_or_else(|| "negative".to_owned(), written);
                self.out_of_range(shape, value, &shown);
            }
        }
    }

    fn word(&mut self, now: &'static [&'static str], later: &[&str], value: &Value, text: &str) {
        if now.contains(&text) {
            return;
        }
        let shown = text.escape_debug();
        let finding = if later.contains(&text) {
            let message = format!("`{} = \"{shown}\"` is not supported by this version", self.subject());
            Finding::new(value.span.start, self.path(), "not-supported-yet", message)
        } else {
            let message = format!("`{}`: unknown value `{shown}`", self.subject());
            Finding::new(value.span.start, self.path(), "bad-value", message)
                .nearest(nearest(text, now.iter().copied()).map(str::to_owned))
        };
        self.report.error(finding.expected(one_of(now.iter().copied())));
    }

    fn name(&mut self, family: Family, at: usize, text: &str) {
        if self.names.index(family, text).is_some() {
            return;
        }
        let shown = text.escape_debug();
        let message = format!("`{}`: unknown {} `{shown}`", self.subject(), family.noun());
        let finding = Finding::new(at, self.path(), "unknown-name", message)
            .expected(self.names.phrase(family))
            .nearest(nearest(text, self.names.all(family)).map(str::to_owned));
        self.report.error(finding);
    }

    fn list(
        &mut self,
        of: &Shape,
        items: &'a [Value],
        count: std::ops::RangeInclusive<usize>,
        whole: &Value,
    ) {
        if !count.contains(&items.len()) {
            let message = format!("`{}` has {} items", self.subject(), items.len());
            let finding = Finding::new(whole.span.start, self.path(), "out-of-range", message);
            self.report.error(finding.expected(format!("{} to {} items", count.start(), count.end())));
            return;
        }
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            self.value(of, item, item.span.start);
            if items.iter().take(index).any(|before| before.what == item.what) {
                let message = format!("`{}` repeats an item of the list", self.subject());
                self.report.error(Finding::new(item.span.start, self.path(), "duplicate", message));
            }
            self.path.pop();
        }
    }

    fn named(&mut self, section: &Section, table: &'a Table, max: usize, at: usize) {
        if table.entries.is_empty() || table.entries.len() > max {
            let message = format!("`{}` has {} tables", self.subject(), table.entries.len());
            let finding = Finding::new(at, self.path(), "out-of-range", message);
            self.report.error(finding.expected(format!("1 to {max} tables `[{}]`", section.title)));
        }
        for entry in &table.entries {
            self.path.push(Step::Key(&entry.key));
            self.named_one(section, entry);
            self.path.pop();
        }
    }

    fn named_one(&mut self, section: &Section, entry: &'a Entry) {
        let at = entry.key_span.start;
        if let Err(flaw) = (plain::NAME.check)(&entry.key) {
            let finding = Finding::new(at, self.path(), "bad-value", flaw.message);
            self.report.error(finding.expected(plain::NAME.phrase));
        }
        match &entry.value.what {
            What::Table(table) => self.table(section, table, at),
            other => {
                let message = format!("`{}` is {}", self.path(), other.noun());
                let finding = Finding::new(entry.value.span.start, self.path(), "wrong-type", message);
                self.report.error(finding.expected(format!("a table: `[{}]`", section.title)));
            }
        }
    }

    /// Of two announcements for one status the second would never be heard.
    fn announced(&mut self, section: &Section, table: &Table, before: &[Value]) {
        let Some(status) = table.value("status").filter(|_| section.title == ANNOUNCEMENT.title) else {
            return;
        };
        let same = |item: &Value| {
            item.table().and_then(|t| t.value("status")).is_some_and(|s| s.what == status.what)
        };
        if before.iter().any(same) {
            let message = format!("`{}` has an announcement for this status already", self.subject());
            let finding = Finding::new(status.span.start, self.path(), "duplicate", message);
            self.report.error(finding.expected("one file for each status"));
        }
    }

    fn each(&mut self, section: &Section, items: &'a [Value], max: usize, at: usize) {
        if items.len() > max {
            let message = format!("`{}` has {} tables", self.subject(), items.len());
            let finding = Finding::new(at, self.path(), "out-of-range", message);
            self.report.error(finding.expected(format!("at most {max}")));
        }
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            match &item.what {
                What::Table(table) => {
                    self.table(section, table, item.span.start);
                    self.announced(section, table, items.get(..index).unwrap_or_default());
                }
                other => {
                    let message = format!("`{}` is {}", self.subject(), other.noun());
                    let finding = Finding::new(item.span.start, self.path(), "wrong-type", message);
                    self.report.error(finding.expected(format!("a table: `[{}]`", section.title)));
                }
            }
            self.path.pop();
        }
    }

    fn tiers(&mut self, value: &'a Value) {
        let tiers = value.items();
        if tiers.is_empty() || tiers.len() > TIERS_MAX {
            let message = format!("`{}` has {} tiers", self.subject(), tiers.len());
            let finding = Finding::new(value.span.start, self.path(), "out-of-range", message);
            self.report.error(finding.expected(format!("1 to {TIERS_MAX} tiers")));
        }
        for (index, tier) in tiers.iter().enumerate() {
            self.path.push(Step::Index(index));
            self.tier(tier);
            self.path.pop();
        }
    }

    fn tier(&mut self, tier: &'a Value) {
        let shares = tier.items();
        if shares.is_empty() || shares.len() > TIER_MAX {
            let message = format!("`{}` has {} trunks", self.subject(), shares.len());
            let finding = Finding::new(tier.span.start, self.path(), "out-of-range", message);
            self.report.error(finding.expected(format!("1 to {TIER_MAX} trunks in a tier")));
            return;
        }
        self.percentages(tier);
        let mut seen: Vec<&str> = Vec::new();
        for share in shares {
            let Some(text) = share.text() else {
                self.wrong_type(&Shape::Name(Family::Trunk), share);
                continue;
            };
            match plain::share(text) {
                Err(flaw) => self.flaw(flaw, share, "a trunk such as `flex`, or with a weight `flex:80`"),
                Ok((name, _)) => {
                    self.name(Family::Trunk, share.span.start, name);
                    if seen.contains(&name) {
                        let message = format!("trunk `{name}` is twice in the tier `{}`", self.subject());
                        self.report.error(Finding::new(share.span.start, self.path(), "duplicate", message));
                    }
                    seen.push(name);
                }
            }
        }
    }

    /// Shares written as percentages make a whole, and stand beside nothing else.
    fn percentages(&mut self, tier: &Value) {
        let texts = || tier.items().iter().filter_map(Value::text);
        let (shares, others): (Vec<&str>, Vec<&str>) = texts().partition(|text| text.ends_with('%'));
        let sum: u32 =
            shares.iter().filter_map(|text| plain::share(text).ok()).map(|(_, weight)| weight).sum();
        let fault = match (shares.is_empty(), others.is_empty()) {
            (true, _) => return,
            (false, true) if sum == 100 => return,
            (false, true) => format!("the shares of tier `{}` make {sum}%", self.subject()),
            (false, false) => format!("tier `{}` has shares in percent and others", self.subject()),
        };
        let finding = Finding::new(tier.span.start, self.path(), "bad-value", fault);
        self.report.error(finding.expected("shares of 100% together, or weights without `%`"));
    }

    fn secret(&mut self, shape: &Shape, value: &Value) {
        let table = match &value.what {
            What::Table(table) => table,
            _ => {
                let message = format!("`{}` holds the secret itself", self.subject());
                let finding = Finding::new(value.span.start, self.path(), "inline-secret", message);
                self.report.warning(finding.expected(phrase::shape(shape)));
                return;
            }
        };
        let sources = ["credential", "file", "env"];
        for entry in &table.entries {
            let fault = match (sources.contains(&entry.key.as_str()), entry.value.text()) {
                (false, _) => format!("unknown key `{}` in [{}]", entry.key.escape_debug(), self.path()),
                (true, None) => format!("`{}.{}` is {}", self.subject(), entry.key, entry.value.what.noun()),
                (true, Some("")) => format!("`{}.{}` is empty", self.subject(), entry.key),
                _ => continue,
            };
            let near = nearest(&entry.key, sources).filter(|n| *n != entry.key).map(str::to_owned);
            let finding = Finding::new(entry.key_span.start, self.path(), "bad-value", fault);
            self.report.error(finding.expected(phrase::shape(shape)).nearest(near));
        }
        if table.entries.len() != 1 {
            let message = format!("`{}` names {} sources", self.subject(), table.entries.len());
            let finding = Finding::new(value.span.start, self.path(), "bad-value", message);
            self.report.error(finding.expected(phrase::shape(shape)));
        }
    }
}
