//! What happens in a world: drawn from dice before it begins, so that a plan can be read and, in a
//! regression scenario, written by hand.

use crate::config_text::Hunt;
use crate::dice::Dice;
pub use crate::names::Names;

/// What a peer does inside its call. Times are milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// CANCEL the INVITE as soon as a provisional response allows it.
    Cancel,
    /// BYE, in whatever dialog there is.
    Bye,
    /// re-INVITE with an offer of this direction.
    Reinvite(&'static str),
    /// re-INVITE without an offer.
    LateReinvite,
    /// UPDATE with an offer.
    Update(&'static str),
    /// UPDATE without one.
    BareUpdate,
    /// re-INVITE with an offer of one more stream of this kind.
    Add(&'static str),
    /// REFER of the other party to a further number.
    Refer,
    /// REFER of the other party to that of this call.
    Join(usize),
    /// A request that only has to be answered.
    Ask(&'static str),
    /// From now on nothing is sent or heard.
    Vanish,
}

/// What a called peer does about an INVITE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A provisional response of a fork.
    Ring {
        /// Its status.
        status: u16,
        /// Which fork, from 0.
        fork: usize,
        /// Whether it bears an answer.
        sdp: bool,
        /// Whether it is reliable, should the INVITE allow it.
        reliable: bool,
    },
    /// A final refusal.
    Refuse {
        /// Its status.
        status: u16,
        /// Its Retry-After.
        retry_after: Option<u32>,
    },
    /// A 2xx of a fork.
    Answer {
        /// Which fork, from 0.
        fork: usize,
    },
}

/// How a called peer takes a CANCEL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnCancel {
    /// 200 and 487.
    Obey,
    /// 200, and goes on.
    Ignore,
    /// 200, and answers the call.
    Answer,
}

/// How faithfully something is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Faith {
    /// At once.
    Always,
    /// Only when the message has come so many times.
    After(u32),
    /// Never.
    Never,
}

/// How a peer answers an offer inside a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnOffer {
    /// 200.
    Agree,
    /// This refusal.
    Refuse(u16),
    /// Nothing at all.
    Silence,
}

/// Who a peer is and what it will do.
#[derive(Clone, Debug)]
pub struct Manner {
    /// It names UPDATE in Allow.
    pub update: bool,
    /// It supports 100rel.
    pub reliable: bool,
    /// It supports session timers.
    pub timer: bool,
    /// The session interval that it asks for or puts into its answer, and who is to refresh.
    pub session: Option<(u32, &'static str)>,
    /// It does its refreshes.
    pub refreshes: bool,
    /// Its INVITE has no offer.
    pub late: bool,
    /// Its INVITE takes the place of a leg: of this call's caller, or of its callee.
    pub takes: Option<(usize, bool)>,
    /// How it acknowledges the 2xx to its INVITEs.
    pub ack: Faith,
    /// How it acknowledges reliable provisionals.
    pub prack: Faith,
    /// How it takes CANCEL.
    pub on_cancel: OnCancel,
    /// How it takes offers inside the call.
    pub on_offer: OnOffer,
    /// Time until it answers anything inside the call.
    pub pause: u64,
    /// What it does before the answer, from the INVITE on (a caller).
    pub before: Vec<(u64, Act)>,
    /// What it does about an INVITE, from the INVITE on (a callee).
    pub steps: Vec<(u64, Step)>,
    /// What it does from the answer on.
    pub after: Vec<(u64, Act)>,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            update: true,
            reliable: false,
            timer: false,
            session: None,
            refreshes: true,
            late: false,
            takes: None,
            ack: Faith::Always,
            prack: Faith::Always,
            on_cancel: OnCancel::Obey,
            on_offer: OnOffer::Agree,
            pause: 5,
            before: Vec::new(),
            steps: Vec::new(),
            after: Vec::new(),
        }
    }
}

/// Which side a call comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From the PBX to the world.
    Out,
    /// From a provider to the PBX.
    In,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// When its INVITE leaves, milliseconds.
    pub at: u64,
    /// From where.
    pub way: Way,
    /// Over a stream instead of datagrams.
    pub stream: bool,
    /// The caller.
    pub caller: Manner,
    /// What the first, second … peer that gets its INVITE does; the last goes on for all further.
    pub callees: Vec<Manner>,
}

/// What an operator or the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// A configuration is applied: a variant of the first.
    Apply(usize),
    /// No new calls.
    Drain,
    /// All calls end.
    EndAll,
    /// Some live call ends.
    HangUp(u64),
    /// The first provider takes no calls, or does so again.
    Enable(bool),
    /// The media engine reports silence for some session.
    Silence(u64),
    /// A host is cut off for this long, milliseconds.
    Cut(&'static str, u64),
    /// A stranger sends something.
    Stranger(u64),
    /// Bytes that are no message.
    Garbage(u64),
    /// The name of the first provider's second gateway stands for this from now on.
    Names(Names),
}

/// A whole world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of everything that is not in the plan.
    pub seed: u64,
    /// The network.
    pub weather: crate::net::Weather,
    /// Rows of the configuration that differ from the plain one.
    pub config: crate::config_text::Variant,
    /// `Open` commands that fail, of a hundred.
    pub media_fail: u64,
    /// Of a thousand datagrams to the house, so many come with a mutated copy.
    pub mutate: u64,
    /// The calls.
    pub calls: Vec<Call>,
    /// Deeds and when, milliseconds.
    pub deeds: Vec<(u64, Deed)>,
    /// When every call is ended, milliseconds.
    pub end: u64,
}

const DIRECTIONS: &[&str] = &["sendrecv", "sendonly", "recvonly", "inactive"];
const REFUSALS: &[u16] = &[
    300, 302, 401, 403, 404, 407, 408, 410, 415, 420, 422, 480, 481, 482, 484, 486, 487, 488, 491, 500, 501,
    502, 503, 503, 503, 504, 513, 580, 600, 603, 604, 606,
];

impl Plan {
    /// The world of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Plan {
        let mut dice = Dice::new(seed);
        let calm = dice.percent(40);
        let weather = crate::net::Weather {
            loss: if calm { 0 } else { dice.between(0, 30) },
            twice: if calm { 0 } else { dice.between(0, 20) },
            delay: if calm { dice.between(1, 30) } else { dice.between(1, 400) },
            dawdle: if calm { 0 } else { dice.between(0, 10) },
        };
        let long = dice.percent(15);
        let span = if long { 400_000 } else { dice.between(5_000, 40_000) };
        let count = dice.between(1, 6);
        let calls = (0..count).map(|_| draw_call(&mut dice, span)).collect();
        let mut deeds = Vec::new();
        while dice.percent(45) && deeds.len() < 6 {
            deeds.push((dice.below(span), draw_deed(&mut dice)));
        }
        let mut config = crate::config_text::Variant::draw(&mut dice);
        config.hunt = Dice::new(seed ^ 0x666f_726b).pick(&[Hunt::Order, Hunt::Order, Hunt::First, Hunt::All]);
        config.link =
            Dice::new(seed ^ 0x6c69_6e6b).pick(&[None, None, None, Some(0), Some(1), Some(2), Some(4)]);
        Plan {
            seed,
            weather,
            config,
            media_fail: if dice.percent(10) { 30 } else { 0 },
            mutate: if dice.percent(20) { dice.between(10, 300) } else { 0 },
            calls,
            deeds,
            end: span + 20_000,
        }
    }
}

fn draw_deed(dice: &mut Dice) -> Deed {
    match dice.below(21) {
        0..=3 => Deed::Apply(dice.below(4) as usize),
        4 => Deed::Drain,
        5 => Deed::EndAll,
        6..=8 => Deed::HangUp(dice.roll()),
        9..=10 => Deed::Enable(dice.percent(50)),
        11..=12 => Deed::Silence(dice.roll()),
        13..=15 => {
            let host = dice.pick(&["10.0.0.21", "192.0.2.7", "192.0.2.8"]);
            Deed::Cut(host, dice.between(500, 60_000))
        }
        16..=18 => Deed::Stranger(dice.roll()),
        19 => Deed::Garbage(dice.roll()),
        _ => Deed::Names(dice.pick(&[Names::Fickle, Names::Both, Names::One, Names::Away, Names::Denied])),
    }
}

fn draw_call(dice: &mut Dice, span: u64) -> Call {
    let mut caller = draw_manner(dice, span);
    caller.late = dice.percent(15);
    for _ in 0..2 {
        if dice.percent(12) {
            let act = match dice.below(5) {
                0 => Act::Bye,
                1 => Act::Update("sendrecv"),
                2 => Act::BareUpdate,
                _ => Act::Cancel,
            };
            caller.before.push({
                let within = if dice.percent(50) { 1_000 } else { 15_000 };
                (dice.below(within), act)
            });
        }
    }
    let callees = (0..3).map(|_| draw_callee(dice, span)).collect();
    Call {
        at: dice.below(5_000.min(span)),
        way: if dice.percent(70) { Way::Out } else { Way::In },
        stream: dice.percent(15),
        caller,
        callees,
    }
}

fn draw_manner(dice: &mut Dice, span: u64) -> Manner {
    let timer = dice.percent(40);
    let who = dice.pick(&["", "uac", "uas"]);
    let faith = |dice: &mut Dice| match dice.below(30) {
        0 => Faith::Never,
        1..=4 => Faith::After(dice.between(1, 3) as u32),
        _ => Faith::Always,
    };
    let mut manner = Manner {
        update: dice.percent(60),
        reliable: dice.percent(40),
        timer,
        session: (timer && dice.percent(60)).then(|| (dice.between(90, 180) as u32, who)),
        refreshes: !dice.percent(5),
        ack: faith(dice),
        prack: faith(dice),
        on_offer: match dice.below(20) {
            0 => OnOffer::Refuse(dice.pick(&[488, 491, 500, 481, 403])),
            1 => OnOffer::Silence,
            _ => OnOffer::Agree,
        },
        pause: if dice.percent(80) { dice.below(50) } else { dice.below(3_000) },
        ..Manner::default()
    };
    let life = dice.between(100, span);
    while dice.percent(35) && manner.after.len() < 6 {
        let act = draw_act(dice);
        let within = if dice.percent(70) { life.min(8_000) } else { life };
        manner.after.push((dice.below(within), act));
    }
    if dice.percent(70) {
        let soon = if dice.percent(30) { dice.below(400) } else { dice.below(life) };
        manner.after.push((soon, Act::Bye));
    }
    if dice.percent(3) {
        manner.after.push((dice.below(life), Act::Vanish));
    }
    manner
}

fn draw_act(dice: &mut Dice) -> Act {
    match dice.below(12) {
        0..=3 => Act::Reinvite(dice.pick(DIRECTIONS)),
        4 => Act::LateReinvite,
        5..=6 => Act::Update(dice.pick(DIRECTIONS)),
        7 => Act::BareUpdate,
        _ => Act::Ask(dice.pick(&["INFO", "OPTIONS", "MESSAGE", "REFER", "NOTIFY", "SUBSCRIBE", "FROB"])),
    }
}

fn draw_callee(dice: &mut Dice, span: u64) -> Manner {
    let mut manner = draw_manner(dice, span);
    manner.on_cancel = match dice.below(10) {
        0 => OnCancel::Ignore,
        1 => OnCancel::Answer,
        _ => OnCancel::Obey,
    };
    let forks = if dice.percent(25) { dice.between(2, 4) } else { 1 };
    let fork = |dice: &mut Dice| dice.below(forks) as usize;
    let first = if dice.percent(80) { 300 } else { 8_000 };
    let mut at = dice.below(first);
    let rings = dice.below(5);
    for _ in 0..rings {
        let status = dice.pick(&[100, 180, 180, 181, 182, 183, 183, 199]);
        let (sdp, reliable) = (dice.percent(50), dice.percent(50));
        manner.steps.push((at, Step::Ring { status, fork: fork(dice), sdp, reliable }));
        let next = if dice.percent(80) { 1_500 } else { 20_000 };
        at += dice.below(next);
    }
    match dice.below(10) {
        0..=5 => {
            manner.steps.push((at, Step::Answer { fork: fork(dice) }));
            if forks > 1 && dice.percent(50) {
                let more = dice.below(2_000);
                manner.steps.push((at + more, Step::Answer { fork: fork(dice) }));
            }
        }
        6..=8 => {
            let status = dice.pick(REFUSALS);
            let retry_after = dice.percent(20).then(|| dice.between(1, 30) as u32);
            manner.steps.push((at, Step::Refuse { status, retry_after }));
        }
        _ => {}
    }
    manner
}
