//! Torture messages, and whether a server did with them what it may.

use conformance::Place;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What may come back to one message.
pub(crate) struct Verdict {
    /// The message's name in the RFC.
    pub(crate) name: &'static str,
    /// Final statuses; 0 stands for no answer.
    pub(crate) may: &'static [u16],
    /// The section and why.
    pub(crate) why: &'static str,
}

pub(crate) const fn verdict(name: &'static str, may: &'static [u16], why: &'static str) -> Verdict {
    Verdict { name, may, why }
}

/// The messages of an RFC by name.
pub(crate) fn messages(rfc: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Place::own("../sip-msg/testdata").join(rfc);
    let files = std::fs::read_dir(&folder).expect("the messages' folder").flatten();
    let read = |e: std::fs::DirEntry| {
        let name = e.file_name().to_string_lossy().trim_end_matches(".dat").to_owned();
        (name, std::fs::read(e.path()).expect("a message"))
    };
    files.map(read).collect()
}

/// Fails when an answer is none that may be. `closed`: what cannot be framed on a stream.
pub(crate) fn judge(
    transport: &str,
    verdicts: &[Verdict],
    answers: &BTreeMap<String, Vec<u16>>,
    closed: &[&str],
) {
    let mut table = String::new();
    let mut wrong = 0;
    for verdict in verdicts {
        let seen = answers.get(verdict.name).cloned().unwrap_or_default();
        let finals: Vec<u16> = seen.iter().copied().filter(|s| *s >= 200).collect();
        let last = finals.last().copied().unwrap_or(0);
        // On a stream what follows such a message is another one, with an answer of its own.
        let unframed = closed.contains(&verdict.name);
        let first = finals.first().is_none_or(|status| verdict.may.contains(status));
        let good = verdict.may.contains(&last) || (unframed && first);
        wrong += usize::from(!good);
        let mark = if good { ' ' } else { '!' };
        let _ =
            writeln!(table, "{mark} {:<11} {seen:?} may {:?}: {}", verdict.name, verdict.may, verdict.why);
    }
    println!("{transport}\n{table}");
    assert_eq!(wrong, 0, "over {transport}:\n{table}");
}
