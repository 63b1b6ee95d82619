//! What must leave, as ordered rules from RFC 3323, RFC 3325 and the documentation of the keys: the
//! first rule that fits holds. Written against texts, numbers and words alone.

use super::{CALLED, Case, PAYER, PILOT};

/// A number with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: String,
    pub(crate) name: String,
}

/// What the provider sees.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// `None` is anonymous.
    pub(crate) from: Option<Line>,
    pub(crate) pai: Option<Line>,
    pub(crate) ppi: Option<Line>,
    /// With `screen=yes` and `privacy=full`.
    pub(crate) rpid: Option<(Line, bool, bool)>,
    pub(crate) privacy: String,
    /// P-Charge-Info, P-Called-Party-ID, Referred-By.
    pub(crate) beside: [Option<String>; 3],
}

impl Case {
    /// RFC 3323 §4.2, RFC 3325 §9.3, the Remote-Party-ID draft, and a From without a name of one's own.
    pub(crate) fn asks_privacy(&self) -> bool {
        let word = |w| self.privacy.split(';').any(|p| p == w);
        let nobody = self.from.is_none() && self.privacy != "none";
        word("id") || word("user") || (self.rpid.is_some() && self.rpid_private) || nobody
    }

    /// The number that routes go by: the first source of the list that names one.
    fn caller(&self) -> &'static str {
        let of = |source: &&str| match *source {
            "pai" if self.trust_in => self.pai,
            "rpid" if self.trust_in => self.rpid,
            "ppi" => self.ppi,
            "from" => self.from.map(|f| f.0),
            _ => None,
        };
        self.read.iter().find_map(of).unwrap_or(self.from.map_or("anonymous", |f| f.0))
    }

    /// The number that is shown: the route's, where it has one.
    fn shown(&self) -> &'static str {
        self.shows.unwrap_or(self.caller())
    }

    /// What a trusted node vouches for (RFC 3325 §5).
    fn believed(&self) -> Option<(&'static str, &'static str)> {
        let pai = self.pai.map(|n| (n, "Pai"));
        pai.or(self.rpid.map(|n| (n, "Rpid"))).filter(|_| self.trust_in)
    }

    fn lists(&self, header: &str) -> bool {
        match self.write {
            Some(list) => list.contains(&header),
            None => match header {
                "pai" => self.trust_in && self.pai.is_some(),
                "rpid" => self.trust_in && self.rpid.is_some(),
                "ppi" => self.trust_in && self.ppi.is_some(),
                _ => true,
            },
        }
    }
}

/// The ranges of the configuration: +493023125000 to +493023125999.
fn owned(number: &str) -> bool {
    number.len() == PILOT.len() && number.starts_with("+493023125")
}

/// The number that identity headers bear, and whether somebody vouches for it.
fn identity(case: &Case) -> (Option<&'static str>, bool) {
    let caller = Some(case.shown()).filter(|number| *number != "anonymous");
    let ours = caller.is_some_and(owned);
    // The route's number stands for all, or for the caller alone: then also where he is named again.
    let told = case
        .believed()
        .map(|b| if case.shows.is_some() && b.0 == case.caller() { case.shown() } else { b.0 });
    let believed = if case.everywhere { case.shows.or(told) } else { told };
    let believed_ours = believed.filter(|number| owned(number));
    let rules: [(bool, Option<&'static str>, bool); 7] = [
        // Nothing is screened: the network's word, else the caller's own on trust.
        (case.screen.0 == "pass" && believed.is_some(), believed, true),
        (case.screen.0 == "pass", caller, case.trust_in),
        // The caller is ours: so must the asserted number be.
        (ours && believed_ours.is_some(), believed_ours, true),
        (ours, caller, true),
        // The caller is not ours: a number of ours that was asserted, else the pilot.
        (case.screen.0 == "pilot-asserted" && believed_ours.is_some(), believed_ours, true),
        (case.screen.0 == "pilot-asserted", Some(PILOT), true),
        (true, Some(PILOT), true),
    ];
    let rule = rules.iter().find(|rule| rule.0).expect("the last always fits");
    (rule.1, rule.2)
}

fn name(case: &Case, own: &str, asserted: &str) -> String {
    match case.display {
        "pass" => own,
        "strip" => "",
        "replace" => "ACME",
        _ if asserted.is_empty() => own,
        _ => asserted,
    }
    .to_owned()
}

fn from(case: &Case) -> Option<Line> {
    let asks = case.asks_privacy();
    let caller = case.shown();
    let rules: [(bool, Option<&str>); 6] = [
        // RFC 3323 §5.3: at the edge of trust the user is made anonymous.
        (asks && !case.trust_out, None),
        // RFC 3323 §4.1: who came anonymous stays so.
        (case.from.is_none(), None),
        (asks && (!case.keep || case.from_anonymous), None),
        (case.screen.0 == "pilot" && !owned(caller), Some(PILOT)),
        (!case.lists("from"), Some(PILOT)),
        (true, Some(caller)),
    ];
    let number = rules.iter().find(|rule| rule.0)?.1?;
    let own = case.from.map_or("", |f| f.1);
    let asserted = case.believed().map_or(own, |b| b.1);
    Some(Line { number: number.to_owned(), name: name(case, own, asserted) })
}

pub(crate) fn expected(case: &Case) -> Expected {
    let asks = case.asks_privacy();
    let (number, vouched) = identity(case);
    // RFC 3325 §7: not beyond the trust domain when privacy is asked; `drop`: not even inside.
    let told = !asks || (case.trust_out && case.keep);
    let known = case.believed().map_or(case.from.map_or("", |f| f.1), |b| b.1);
    let line = |number: Option<&str>, header| {
        let number = number.filter(|_| told && case.lists(header))?;
        Some(Line { number: number.to_owned(), name: name(case, known, known) })
    };
    // RFC 3325 §5: what nobody vouches for is not asserted; the pilot is ours to assert.
    let pilot = case.screen.1.then_some(PILOT);
    let pai = line(if vouched { number } else { pilot }, "pai");
    let wished = case.ppi.map(|ppi| if ppi == case.caller() { case.shown() } else { ppi });
    let wished = if case.everywhere { case.shows.or(wished) } else { wished };
    let preferred = wished.filter(|_| case.screen.0 == "pass").or(number);
    let ppi = line(preferred, "ppi");
    let rpid = line(number, "rpid").map(|line| (line, vouched, asks));
    let privacy = privacy(case, pai.is_some() || ppi.is_some() || rpid.is_some());
    Expected { from: from(case), pai, ppi, rpid, privacy, beside: beside(case) }
}

/// RFC 8496 §4, RFC 7315 §4.2, RFC 3892: between trusted peers alone.
fn beside(case: &Case) -> [Option<String>; 3] {
    let arrived = |number: Option<&'static str>| number.filter(|_| case.trust_in);
    let payer = match case.beside.charge {
        "strip" => None,
        "pass" => arrived(case.beside.payer),
        "pilot" => Some(PILOT),
        _ => Some(PAYER),
    };
    let party = match case.beside.called_party {
        "strip" => None,
        "pass" => arrived(case.beside.party),
        _ => Some(CALLED),
    };
    let referrer = arrived(case.beside.referrer).filter(|_| case.beside.referred == (true, true));
    [payer, party, referrer].map(|number| number.filter(|_| case.trust_out).map(str::to_owned))
}

/// RFC 3323 §5, RFC 3325 §7: passed on to a trusted peer, with `id` beside an identity told in
/// confidence; taken off where it was done; `none` is the user's word and stays.
fn privacy(case: &Case, identified: bool) -> String {
    let mut words: Vec<&str> = case.privacy.split(';').filter(|w| !w.is_empty()).collect();
    if words.len() > 1 {
        words.retain(|w| *w != "none");
    }
    if !case.trust_out {
        words.retain(|w| *w == "none");
    } else if identified && case.asks_privacy() {
        words.retain(|w| *w != "none" && *w != "id");
        words.push("id");
    }
    words.sort_unstable();
    words.join(";")
}
