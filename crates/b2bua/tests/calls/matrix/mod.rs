//! Identity as a matrix: every pair of settings and headers in some call, and what leaves judged by a
//! table that knows nothing of the house.

mod oracle;

use crate::common::{GW1, OFFER, PBX, Sent, World, invite};
use crate::identity::config;
use base::Rng;
use oracle::{Expected, Line, expected};
use std::collections::BTreeSet;

/// How many calls are made at least.
const CALLS: usize = 1_000;

/// The settings and how many values each has.
const FACTORS: [usize; 21] = [2, 2, 8, 4, 4, 3, 2, 4, 6, 4, 2, 2, 4, 3, 2, 2, 2, 4, 2, 3, 5];

/// One call: what arrives and what the two trunks say, by value of each factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) trust_in: bool,
    pub(crate) trust_out: bool,
    pub(crate) privacy: &'static str,
    /// From: number and name; `None` is anonymous.
    pub(crate) from: Option<(&'static str, &'static str)>,
    pub(crate) pai: Option<&'static str>,
    pub(crate) rpid: Option<&'static str>,
    pub(crate) rpid_private: bool,
    pub(crate) ppi: Option<&'static str>,
    pub(crate) read: &'static [&'static str],
    pub(crate) write: Option<&'static [&'static str]>,
    /// `pass`, `pilot-asserted` or `pilot`, and whether there is a pilot.
    pub(crate) screen: (&'static str, bool),
    pub(crate) keep: bool,
    pub(crate) from_anonymous: bool,
    pub(crate) display: &'static str,
    pub(crate) form: &'static str,
    /// The number that the route shows instead of the caller's.
    pub(crate) shows: Option<&'static str>,
    /// That number stands everywhere, and not in From alone.
    pub(crate) everywhere: bool,
    pub(crate) beside: Beside,
}

/// Whom a call names beside the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    /// P-Charge-Info that arrives, and the policy.
    pub(crate) payer: Option<&'static str>,
    pub(crate) charge: &'static str,
    /// P-Called-Party-ID that arrives, and the policy.
    pub(crate) party: Option<&'static str>,
    pub(crate) called_party: &'static str,
    /// Referred-By that arrives; whether the trunks say `pass`.
    pub(crate) referrer: Option<&'static str>,
    pub(crate) referred: (bool, bool),
}

impl Beside {
    fn of(v: [usize; 5]) -> Beside {
        Beside {
            payer: (v[0] > 0).then_some(CHARGED),
            charge: ["strip", "pass", "pilot", "replace"][v[1]],
            party: (v[2] > 0).then_some(PARTY),
            called_party: ["strip", "pass", "called"][v[3]],
            referrer: (v[4] > 0).then_some(REFERRER),
            referred: (v[4] > 2, v[4].is_multiple_of(2)),
        }
    }
}

pub(crate) const PILOT: &str = "+493023125000";
const OWN: &str = "+493023125100";
const FOREIGN: &str = "+4420111222";
const PAI_OWN: &str = "+493023125111";
const PAI_FOREIGN: &str = "+331234567";
const RPID: &str = "+493023125122";
const PPI: &str = "+493023125133";
/// The number called.
pub(crate) const CALLED: &str = "+4420700000";
/// The number that the configuration names as payer.
pub(crate) const PAYER: &str = "+493023125900";
const SHOWN: &str = "+493023125500";
const CHARGED: &str = "+493023125144";
const PARTY: &str = "+493023125155";
const REFERRER: &str = "+493023125166";

impl Case {
    fn of(v: &[usize; FACTORS.len()]) -> Case {
        let privacies = ["", "none", "id", "user", "user;id", "header", "id;critical", "none;id"];
        let reads: [&[&str]; 4] =
            [&["from"], &["pai", "from"], &["rpid", "pai", "ppi", "from"], &["ppi", "from"]];
        let writes: [Option<&[&str]>; 6] = [
            None,
            Some(&["from"]),
            Some(&["from", "pai"]),
            Some(&["from", "pai", "ppi", "rpid"]),
            Some(&["pai"]),
            Some(&["ppi", "from"]),
        ];
        let screens = [("pass", false), ("pass", true), ("pilot-asserted", true), ("pilot", true)];
        let write = writes[v[8]];
        let mut screen = screens[v[9]];
        // Without From in the list there must be a pilot.
        screen.1 |= write.is_some_and(|list| !list.contains(&"from")) || v[17] == 2;
        Case {
            trust_in: v[0] == 0,
            trust_out: v[1] == 0,
            privacy: privacies[v[2]],
            from: [Some((OWN, "Alice")), Some((FOREIGN, "Foreign")), None, Some((OWN, ""))][v[3]],
            pai: [None, Some(PAI_OWN), Some(OWN), Some(PAI_FOREIGN)][v[4]],
            rpid: (v[5] > 0).then_some(RPID),
            rpid_private: v[5] == 2,
            ppi: (v[6] > 0).then_some(PPI),
            read: reads[v[7]],
            write,
            screen,
            keep: v[10] == 0,
            from_anonymous: v[11] == 1,
            display: ["pass", "strip", "asserted", "replace"][v[12]],
            form: ["sip", "tel", "both"][v[13]],
            shows: (v[14] > 0).then_some(SHOWN),
            everywhere: v[15] == 0,
            beside: Beside::of([v[16], v[17], v[18], v[19], v[20]]),
        }
    }

    fn policies(&self) -> (String, String) {
        // Beside an untrusted peer these say nothing, and the configuration may not say otherwise.
        let beside = |trust: bool, text: String| if trust { text } else { String::new() };
        let word = |pass: bool| if pass { "pass" } else { "strip" };
        let referred = beside(self.trust_in, format!(", referred_by = \"{}\"", word(self.beside.referred.0)));
        let pbx = format!("caller = {{ trust = {}, read = {:?}{referred} }}", self.trust_in, self.read);
        let beside = beside(
            self.trust_out,
            format!(
                "charge = \"{}\", charge_number = \"{PAYER}\", called_party = \"{}\", referred_by = \"{}\", ",
                self.beside.charge,
                self.beside.called_party,
                word(self.beside.referred.1)
            ),
        );
        let write = self.write.map_or_else(String::new, |list| format!("write = {list:?}, "));
        let pilot = if self.screen.1 { format!("pilot = \"{PILOT}\", ") } else { String::new() };
        let one = format!(
            "caller = {{ trust = {}, {write}{beside}replaced = \"{}\", pai = \"{}\", withheld = \"{}\", withheld_from = \"{}\", display = \"{}\", display_name = \"ACME\", screen = {{ {pilot}not_owned = \"{}\" }} }}",
            self.trust_out,
            if self.everywhere { "everywhere" } else { "from" },
            self.form,
            if self.keep { "keep" } else { "drop" },
            if self.from_anonymous { "anonymous" } else { "as-arrived" },
            self.display,
            self.screen.0,
        );
        (pbx, one)
    }

    fn invite(&self) -> String {
        let from = match self.from {
            Some((number, "")) => format!("<sip:{number}@10.0.0.21>"),
            Some((number, name)) => format!("\"{name}\" <sip:{number}@10.0.0.21>"),
            None => "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned(),
        };
        let mut rows = String::new();
        if let Some(number) = self.pai {
            rows.push_str(&format!(
                "P-Asserted-Identity: \"Pai\" <sip:{number}@10.0.0.21>, <tel:{number}>\r\n"
            ));
        }
        if let Some(number) = self.rpid {
            let privacy = if self.rpid_private { "full" } else { "off" };
            rows.push_str(&format!(
                "Remote-Party-ID: \"Rpid\" <sip:{number}@10.0.0.21>;party=calling;screen=yes;privacy={privacy}\r\n"
            ));
        }
        if let Some(number) = self.ppi {
            rows.push_str(&format!("P-Preferred-Identity: <sip:{number}@10.0.0.21>\r\n"));
        }
        for (name, number, params) in [
            ("p-charge-info", self.beside.payer, ";noa=3"),
            ("P-Called-Party-ID", self.beside.party, ""),
            ("b", self.beside.referrer, ";cid=\"1@x\""),
        ] {
            if let Some(number) = number {
                rows.push_str(&format!("{name}: <sip:{number}@10.0.0.21>{params}\r\n"));
            }
        }
        if !self.privacy.is_empty() {
            rows.push_str(&format!("Privacy: {}\r\n", self.privacy));
        }
        invite("+4420700000", OFFER, &rows).replace("\"Alice\" <sip:+493023125100@10.0.0.21>", &from)
    }

    fn call(&self) -> Sent {
        let (pbx, one) = self.policies();
        let mut text = config(&pbx, &one);
        if let Some(number) = self.shows {
            text = text.replacen(
                "name = \"world\"\n",
                &format!("name = \"world\"\ncaller_id = \"{number}\"\n"),
                1,
            );
        }
        let mut world = World::new(&text);
        world.receive(PBX, &self.invite());
        world.expect(&[(GW1, "INVITE")]).remove(0)
    }
}

/// The number and name that a header's value bears, by text alone.
fn line(value: &str) -> Option<Line> {
    let (name, rest) = value.split_once('<')?;
    let uri = rest.split('>').next()?;
    let number = uri.trim_start_matches("sip:").trim_start_matches("tel:").split('@').next()?;
    Some(Line { number: number.to_owned(), name: name.trim().trim_matches('"').to_owned() })
}

fn seen(sent: &Sent) -> Expected {
    let line_of = |name| Some(sent.header(name)).filter(|v| !v.is_empty()).and_then(line);
    let anonymous = sent.header("From").starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    let rpid = sent.header("Remote-Party-ID");
    let mut privacy: Vec<String> = sent.header("Privacy").split(';').map(str::to_owned).collect();
    privacy.sort();
    Expected {
        from: if anonymous { None } else { line_of("From") },
        pai: line_of("P-Asserted-Identity"),
        ppi: line_of("P-Preferred-Identity"),
        rpid: line_of("Remote-Party-ID")
            .map(|l| (l, rpid.contains(";screen=yes"), rpid.contains(";privacy=full"))),
        privacy: privacy.join(";"),
        beside: ["P-Charge-Info", "P-Called-Party-ID", "Referred-By"]
            .map(|name| line_of(name).map(|l| l.number)),
    }
}

/// Draws cases until every value of every factor has met every value of every other one.
fn cases() -> Vec<[usize; FACTORS.len()]> {
    let mut rng = Rng::new((14, 1_000));
    let mut draw = |of: usize| usize::try_from(rng.below(of as u64)).expect("small");
    let mut missing: BTreeSet<(usize, usize, usize, usize)> = BTreeSet::new();
    for (a, &of_a) in FACTORS.iter().enumerate() {
        for (b, &of_b) in FACTORS.iter().enumerate().skip(a + 1) {
            missing.extend((0..of_a).flat_map(|x| (0..of_b).map(move |y| (a, x, b, y))));
        }
    }
    let mut cases = Vec::new();
    while cases.len() < CALLS || !missing.is_empty() {
        let mut case = FACTORS.map(&mut draw);
        if let Some(&(a, x, b, y)) = missing.first() {
            (case[a], case[b]) = (x, y);
        }
        missing.retain(|&(a, x, b, y)| case[a] != x || case[b] != y);
        cases.push(case);
    }
    cases
}

/// Each row once, P-Asserted-Identity in the form that the trunk wants.
fn assert_forms(case: &Case, sent: &Sent) {
    for name in ["P-Charge-Info", "P-Called-Party-ID", "Referred-By"] {
        assert!(sent.text.matches(&format!("\r\n{name}: ")).count() <= 1, "{case:?}\n{}", sent.text);
        assert!(!sent.header(name).contains("cid="), "{}", sent.text);
    }
    let forms = sent.header("P-Asserted-Identity");
    let (sip, tel) = (forms.contains("<sip:"), forms.contains("<tel:"));
    let form_fits = match case.form {
        "sip" => !tel,
        "tel" => !sip,
        _ => sip == tel,
    };
    assert!(form_fits, "{case:?}\n{forms}");
}

#[test]
fn a_thousand_calls_are_shown_as_the_table_says() {
    let mut faults = Vec::new();
    let cases = cases();
    for values in &cases {
        let case = Case::of(values);
        let sent = case.call();
        let (seen, wanted) = (seen(&sent), expected(&case));
        if seen != wanted {
            faults.push(format!("{case:?}\nseen   {seen:?}\nwanted {wanted:?}\n{}", sent.text));
        }
        assert_forms(&case, &sent);
        if case.asks_privacy() && !case.trust_out {
            let secrets = [
                OWN,
                FOREIGN,
                PAI_OWN,
                PAI_FOREIGN,
                RPID,
                PPI,
                CHARGED,
                PARTY,
                REFERRER,
                "Alice",
                "Foreign",
                "Pai",
                "Rpid",
            ];
            let told = secrets.iter().find(|secret| sent.text.contains(secret.trim_start_matches('+')));
            assert_eq!(told, None, "{case:?}\n{}", sent.text);
        }
        assert!(!sent.text.contains("10.0.0."), "{}", sent.text);
    }
    assert!(cases.len() >= CALLS);
    assert!(faults.is_empty(), "{} of {} calls\n{}", faults.len(), cases.len(), faults[0]);
}
