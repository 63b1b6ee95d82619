//! Dial rules that work but probably do not do what their author meant (REQUIREMENTS §13.8).

use config::{Config, DialRule};

/// A doubtful dial rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleDoubt {
    /// Index into the configuration's `dialplan`.
    pub rule: usize,
    /// What is doubtful, in one sentence.
    pub sentence: String,
    /// What was probably meant.
    pub expected: &'static str,
}

/// Finds doubtful dial rules: a national prefix taken off without a country code put on, a blank that
/// no cleaned number holds, a quantifier that repeats an anchor instead of a plus.
#[must_use]
pub fn doubtful_rules(config: &Config) -> Vec<RuleDoubt> {
    let mut doubts = Vec::new();
    for (rule, dial) in config.dialplan.iter().enumerate() {
        let found = [
            (country_lost(config, dial), "the country code between the plus and the group"),
            (blank(dial), "numbers without blanks"),
            (bare_plus(dial), "`\\+`"),
        ];
        let told = |(sentence, expected): (Option<String>, _)| {
            sentence.map(|sentence| RuleDoubt { rule, sentence, expected })
        };
        doubts.extend(found.into_iter().filter_map(told));
    }
    doubts
}

/// `1(\d{10})` to `+$1` makes +2145550100 of 12145550100.
fn country_lost(config: &Config, dial: &DialRule) -> Option<String> {
    if !matches!(dial.to.as_str(), "+$1" | "+${1}") {
        return None;
    }
    let source = dial.pattern.source().trim_start_matches('^');
    let (prefix, _) = source.split_once('(')?;
    let home = config.country.map(|c| c.national_prefix).filter(|p| !p.is_empty());
    let national = home.map_or(matches!(prefix, "0" | "1"), |p| p == prefix);
    national.then(|| {
        format!(
            "dial rule `{}` takes the national prefix `{prefix}` off and puts a plus on, so the country code is lost",
            dial.name
        )
    })
}

fn blank(dial: &DialRule) -> Option<String> {
    let stray = dial.pattern.source().contains(' ') || dial.to.contains(' ');
    stray.then(|| format!("dial rule `{}` holds a blank, which no number has after cleaning", dial.name))
}

/// `^+1(\d{10})` repeats the anchor; the plus that was meant is `\+`.
fn bare_plus(dial: &DialRule) -> Option<String> {
    let bare = dial.pattern.source().starts_with("^+");
    bare.then(|| {
        format!("dial rule `{}` starts with an unescaped plus, which repeats the beginning", dial.name)
    })
}
