//! A prefix tree as one sorted list: which entries begin a given text.
//!
//! Each node knows its parent, the longest other entry that begins it. A lookup is one binary search
//! (on the first eight bytes as an integer, so that it touches little memory) and a walk up the
//! parents. Any bytes may be stored: digits, names of users, the empty text.

use std::cmp::Ordering;

/// No parent.
const NONE: u32 = u32::MAX;

struct Node {
    /// Where its text lies in the arena.
    start: u32,
    len: u32,
    /// The longest entry that is a proper prefix of this one.
    parent: u32,
    /// Where its values lie.
    first: u32,
    count: u32,
}

/// Texts with the ascending values filed under each.
#[derive(Default)]
pub(crate) struct PrefixTree {
    /// First eight bytes of each node's text, big-endian, padded with zeros.
    heads: Vec<u64>,
    nodes: Vec<Node>,
    arena: Vec<u8>,
    values: Vec<u32>,
}

fn head(text: &[u8]) -> u64 {
    let mut bytes = [0_u8; 8];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX - 1)
}

impl PrefixTree {
    /// Files the values; a text may come several times.
    pub(crate) fn build(mut entries: Vec<(Vec<u8>, u32)>) -> PrefixTree {
        entries.sort_unstable();
        entries.dedup();
        let mut tree = PrefixTree::default();
        // Nodes that begin the one being added, outermost first.
        let mut open: Vec<u32> = Vec::new();
        for (text, value) in entries {
            if let Some(last) = tree.nodes.len().checked_sub(1)
                && tree.text(last) == text.as_slice()
            {
                tree.nodes[last].count += 1;
                tree.values.push(value);
                continue;
            }
            while open.last().is_some_and(|&top| !text.starts_with(tree.text(top as usize))) {
                open.pop();
            }
            tree.heads.push(head(&text));
            tree.nodes.push(Node {
                start: narrow(tree.arena.len()),
                len: narrow(text.len()),
                parent: open.last().copied().unwrap_or(NONE),
                first: narrow(tree.values.len()),
                count: 1,
            });
            tree.arena.extend_from_slice(&text);
            tree.values.push(value);
            open.push(narrow(tree.nodes.len() - 1));
        }
        tree
    }

    fn text(&self, node: usize) -> &[u8] {
        self.nodes
            .get(node)
            .and_then(|n| self.arena.get(n.start as usize..(n.start + n.len) as usize))
            .unwrap_or_default()
    }

    /// How many nodes sort before or equal to `text`.
    fn upper_bound(&self, text: &[u8]) -> usize {
        let key = head(text);
        let from = self.heads.partition_point(|&h| h < key);
        let to = from + self.heads.get(from..).unwrap_or_default().partition_point(|&h| h == key);
        let mut low = from;
        let mut high = to;
        while low < high {
            let middle = low + (high - low) / 2;
            if self.text(middle).cmp(text) == Ordering::Greater {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// The values of every entry that begins `text`, longest entry first; each list ascends.
    pub(crate) fn beginning<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [u32]> + 'a {
        // Every entry between the longest prefix and `text` begins with that prefix, so it is the
        // predecessor of `text` or one of its ancestors.
        let mut at = self.upper_bound(text).checked_sub(1);
        std::iter::from_fn(move || {
            while let Some(index) = at {
                let node = self.nodes.get(index)?;
                at = (node.parent != NONE).then_some(node.parent as usize);
                if text.starts_with(self.text(index)) {
                    return self.values.get(node.first as usize..(node.first + node.count) as usize);
                }
            }
            None
        })
    }

    /// Whether some entry is longer than `text` and begins with it.
    pub(crate) fn has_longer(&self, text: &[u8]) -> bool {
        self.nodes.get(self.upper_bound(text)).is_some()
            && self.text(self.upper_bound(text)).starts_with(text)
    }

    /// How many different texts are filed.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn longest_first_and_the_empty_entry_last() {
        let entries =
            [("", 9), ("+", 1), ("+49", 2), ("+4930", 3), ("+49", 0), ("+44", 7), ("+493023125100", 8)];
        let tree = PrefixTree::build(entries.map(|(t, v)| (t.as_bytes().to_vec(), v)).to_vec());
        assert_eq!(tree.len(), 6);
        let found: Vec<&[u32]> = tree.beginning(b"+493023").collect();
        assert_eq!(found, [&[3_u32][..], &[0, 2], &[1], &[9]]);
        assert_eq!(tree.beginning(b"alice").collect::<Vec<_>>(), [&[9_u32][..]]);
        assert!(tree.has_longer(b"+49302312510") && !tree.has_longer(b"+493023125100"));
        assert!(PrefixTree::default().beginning(b"x").next().is_none());
        assert!(!PrefixTree::default().has_longer(b""));
    }

    proptest! {
        #[test]
        fn same_as_a_scan(texts in prop::collection::vec("[+01\0]{0,11}", 0..60), wanted in "[+01\0]{0,14}") {
            let entries: Vec<(Vec<u8>, u32)> =
                texts.iter().enumerate().map(|(i, t)| (t.clone().into_bytes(), i as u32)).collect();
            let tree = PrefixTree::build(entries);
            let mut found: Vec<u32> = tree.beginning(wanted.as_bytes()).flatten().copied().collect();
            found.sort_unstable();
            let scan: Vec<u32> = texts
                .iter()
                .enumerate()
                .filter(|(_, t)| wanted.starts_with(t.as_str()))
                .map(|(i, _)| i as u32)
                .collect();
            prop_assert_eq!(found, scan);
            let longer = texts.iter().any(|t| t.len() > wanted.len() && t.starts_with(&wanted));
            prop_assert_eq!(tree.has_longer(wanted.as_bytes()), longer);
        }
    }
}
