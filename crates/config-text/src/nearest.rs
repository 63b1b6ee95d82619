//! The valid name nearest to a wrong one.

/// Names longer than this are not compared.
const LENGTH_MAX: usize = 64;

/// The nearest of the names, if one is near enough to have been meant: case aside, the same words in another order, or
/// at most one slip for every three characters.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let words = words(wrong);
    let wrong: Vec<char> = wrong.chars().take(LENGTH_MAX + 1).flat_map(char::to_lowercase).collect();
    if wrong.is_empty() || wrong.len() > LENGTH_MAX {
        return None;
    }
    let slips_max = (wrong.len() / 3).max(1);
    names
        .into_iter()
        .filter(|name| name.len() <= LENGTH_MAX)
        .map(|name| (slips(&wrong, &name.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()), name))
        .filter(|(count, name)| {
            *count <= slips_max && *count < name.chars().count() || self::words(name) == words
        })
        .min_by_key(|(count, name)| (self::words(name) != words, *count))
        .map(|(_, name)| name)
}

/// The words of a name, whatever their order.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name.split(['_', '-']).map(str::to_lowercase).collect();
    words.sort_unstable();
    words
}

/// Insertions, deletions, changes and swaps of neighbours between two words (optimal string alignment).
fn slips(a: &[char], b: &[char]) -> usize {
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut new = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let change = at(&old, j) + usize::from(from != to);
            let mut best = change.min(at(&old, j + 1) + 1).min(at(&new, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&older, j - 1) + 1);
            }
            new.push(best);
        }
        older = std::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(usize::MAX)
}

/// `` `a` `` or ``one of `a`, `b` ``.
pub fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    if quoted.len() == 1 { quoted.concat() } else { format!("one of {}", quoted.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let names = ["gateways", "listen", "kind", "sources", "cps_max", "calls_max"];
        let near = |wrong| nearest(wrong, names);
        assert_eq!(near("gatways"), Some("gateways"));
        assert_eq!(near("Listen"), Some("listen"));
        assert_eq!(near("calls-max"), Some("calls_max"));
        assert_eq!(near("knid"), Some("kind"));
        assert_eq!(near("max_calls"), Some("calls_max"));
        let suites = ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"];
        assert_eq!(nearest("AES_CM_256_HMAC_SHA1_80", suites), Some(suites[1]), "not half the key");
        assert_eq!(near("colour"), None);
        assert_eq!(near(""), None);
        assert_eq!(nearest("x", ["y"]), None, "a single letter is not near");
    }
}
