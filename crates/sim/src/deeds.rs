//! What operators, the network, the DNS and strangers do to a world.

use crate::dice::Dice;
use crate::peer::Letter;
use crate::plan::Deed;
use crate::text::Message;
use crate::world::{World, host, house_of, snapshot};
use b2bua::{Command, Duty, Input};
use base::TrunkId;
use media::Reply;
use std::net::SocketAddr;
use std::time::Duration;

impl World {
    pub(crate) fn perform(&mut self, deed: Deed) {
        self.note(|| format!("** {deed:?}"));
        match deed {
            Deed::Apply(edition) => self.apply(edition, self.plan.config.options),
            Deed::Drain => {
                self.reference.drained = true;
                self.input(Input::Command(Command::Drain));
            }
            Deed::EndAll => {
                self.reference.drained = true;
                self.input(Input::Command(Command::EndAll));
            }
            Deed::HangUp(chance) => {
                let calls = self.board.calls();
                if let Some(call) = calls.get(chance as usize % calls.len().max(1)) {
                    self.reference.operator = true;
                    self.input(Input::Command(Command::HangUp(call.key)));
                }
            }
            Deed::Enable(enabled) => self.enable(enabled),
            Deed::Silence(chance) => self.silence(chance),
            Deed::Cut(name, millis) => self.cut(name, millis),
            Deed::Names(names) => self.net.names = Some(names),
            Deed::Stranger(chance) => self.stranger(chance),
            Deed::Garbage(chance) => {
                let mut dice = Dice::new(chance);
                let bytes: Vec<u8> = (0..dice.below(300)).map(|_| dice.roll() as u8).collect();
                let from = SocketAddr::new(host("10.0.0.21"), 5060);
                self.post(Letter { from, to: house_of(from), stream: false, bytes });
            }
        }
    }

    /// The engine tells that a side of a call says nothing any more.
    fn silence(&mut self, chance: u64) {
        let open = self.engine.open_sessions();
        if let Some(session) = open.get(chance as usize % open.len().max(1)).copied() {
            self.reference.silence = true;
            let (side, silence) = (media::Side::A, media::Silence::default());
            self.input(Input::Media(Reply::Timeout { session, side, silence }));
        }
    }

    fn enable(&mut self, enabled: bool) {
        let duty = if enabled { Duty::Enabled } else { Duty::Disabled };
        self.input(Input::Command(Command::SetDuty { trunk: TrunkId(1), gateway: None, duty }));
    }

    fn cut(&mut self, name: &str, millis: u64) {
        self.disturbed = true;
        let there = self.agents.iter().filter(|a| a.addr.ip() == host(name));
        self.judge.forgiven.extend(there.map(|a| a.call_id.clone()));
        self.net.kill(host(name), self.now, self.now + Duration::from_millis(millis));
    }

    fn stranger(&mut self, chance: u64) {
        let mut dice = Dice::new(chance);
        let from = SocketAddr::new(host(dice.pick(&["10.0.0.99", "192.0.2.99"])), 5060);
        let method = dice.pick(&["INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "SUBSCRIBE"]);
        let message = Message {
            first: format!("{method} sip:+4420700000@{} SIP/2.0", house_of(from)),
            rows: Vec::new(),
            body: String::new(),
        }
        .with("Via", format!("SIP/2.0/UDP {from};rport;branch=z9hG4bKstranger{chance}"))
        .with("Max-Forwards", "70")
        .with("From", format!("<sip:x@{}>;tag=s{chance}", from.ip()))
        .with("To", format!("<sip:+4420700000@{}>", from.ip()))
        .with("Call-ID", format!("stranger{chance}"))
        .with("CSeq", format!("1 {method}"))
        .with("Contact", format!("<sip:x@{from}>"));
        self.post(Letter { from, to: house_of(from), stream: false, bytes: message.write() });
    }

    fn apply(&mut self, edition: usize, options: u32) {
        self.removed = edition == 2;
        self.revision += 1;
        let snapshot = snapshot(&self.plan.config, edition, options, self.revision);
        self.input(Input::Command(Command::Apply(snapshot)));
    }

    pub(crate) fn close(&mut self) {
        self.note(|| "** everything is ended".to_owned());
        self.reference.drained = true;
        self.apply(0, 0);
        self.input(Input::Command(Command::EndAll));
    }
}
