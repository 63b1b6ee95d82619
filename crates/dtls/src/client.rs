//! The side that begins (`a=setup:active`): what it expects in which order (RFC 5246 §7.3).

use crate::crypto::{Exchange, Suite, random};
use crate::hello::{ServerHello, client_hello, read_verify_request};
use crate::keys::Secrets;
use crate::messages::{self, Kind, ServerKeyExchange};
use crate::reassembly::Message;
use crate::shake::{Agreed, Wire, check_finished, check_signed};
use crate::trouble::Trouble;
use base::Time;
use srtp::Suite as Profile;

/// What the server has said in its hello.
struct Chosen {
    random: [u8; 32],
    suite: Suite,
    profile: Profile,
    extended: bool,
}

impl Chosen {
    fn read(body: &[u8], wire: &Wire) -> Result<Chosen, Trouble> {
        let hello = ServerHello::read(body)?;
        let profile = hello.extensions.chosen_profile(&wire.terms.suites)?;
        let (random, suite, extended) = (hello.random, hello.suite, hello.extensions.extended);
        Ok(Chosen { random, suite, profile, extended })
    }
}

/// What is expected next, with what is needed for it.
enum Stage {
    /// ServerHello; `asked`: a cookie was asked for before.
    Hello {
        asked: bool,
    },
    Certificate(Chosen),
    KeyExchange(Chosen, Vec<u8>),
    /// CertificateRequest or ServerHelloDone; `asked`: our certificate was asked for.
    Rest {
        chosen: Chosen,
        group: u16,
        public: Vec<u8>,
        asked: bool,
    },
    Finished(Secrets, Profile),
    Over,
}

/// See the module text.
pub(crate) struct Client {
    random: [u8; 32],
    stage: Stage,
}

impl Client {
    pub(crate) fn begin(now: Time, wire: &mut Wire) -> Result<Client, Trouble> {
        let client = Client { random: random()?, stage: Stage::Hello { asked: false } };
        client.greet(now, &[], wire)?;
        Ok(client)
    }

    pub(crate) fn random(&self) -> &[u8; 32] {
        &self.random
    }

    fn greet(&self, now: Time, cookie: &[u8], wire: &mut Wire) -> Result<(), Trouble> {
        let hello = client_hello(&self.random, cookie, &wire.terms.suites);
        wire.transcript.clear();
        wire.begin();
        wire.say(Kind::ClientHello, &hello);
        wire.send(now, true)
    }

    /// Takes the next message; what was agreed, when it was the last. `before`: the transcript's length without it.
    pub(crate) fn take(
        &mut self,
        now: Time,
        message: &Message,
        before: usize,
        wire: &mut Wire,
    ) -> Result<Option<Agreed>, Trouble> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let body = message.body();
        self.stage = match (stage, message.kind) {
            (Stage::Hello { asked: false }, Kind::HelloVerifyRequest) => {
                self.greet(now, &read_verify_request(body)?, wire)?;
                Stage::Hello { asked: true }
            }
            (Stage::Hello { .. }, Kind::ServerHello) => Stage::Certificate(Chosen::read(body, wire)?),
            (Stage::Certificate(chosen), Kind::Certificate) => {
                Stage::KeyExchange(chosen, wire.believed(body)?.to_vec())
            }
            (Stage::KeyExchange(chosen, der), Kind::ServerKeyExchange) => {
                self.exchange(chosen, &der, body)?
            }
            (Stage::Rest { chosen, group, public, asked: false }, Kind::CertificateRequest) => {
                messages::read_certificate_request(body)?;
                Stage::Rest { chosen, group, public, asked: true }
            }
            (Stage::Rest { chosen, group, public, asked }, Kind::ServerHelloDone) => {
                self.answer(now, &chosen, Exchange::new(group)?, &public, asked, wire)?
            }
            (Stage::Finished(secrets, profile), Kind::Finished) => {
                let said = wire.transcript.get(..before).unwrap_or_default();
                check_finished(&secrets.finished(false, said), body)?;
                let [send, receive] = secrets.media(profile)?;
                wire.begin();
                return Ok(Some(Agreed { receive, send }));
            }
            _ => return Err(Trouble::Malformed),
        };
        Ok(None)
    }

    /// The server's half of the exchange, which its certificate must have signed.
    fn exchange(&self, chosen: Chosen, der: &[u8], body: &[u8]) -> Result<Stage, Trouble> {
        let exchange = ServerKeyExchange::read(body)?;
        let said = [&self.random[..], &chosen.random, exchange.params].concat();
        check_signed(der, &said, &exchange.signed)?;
        let public = exchange.public.to_vec();
        Ok(Stage::Rest { chosen, group: exchange.group, public, asked: false })
    }

    /// Our certificate where it was asked for, our half of the exchange, and the proof that the certificate is ours.
    fn answer(
        &self,
        now: Time,
        chosen: &Chosen,
        exchange: Exchange,
        theirs: &[u8],
        asked: bool,
        wire: &mut Wire,
    ) -> Result<Stage, Trouble> {
        wire.begin();
        if asked {
            let own = messages::certificate(wire.certificate.der());
            wire.say(Kind::Certificate, &own);
        }
        wire.say(Kind::ClientKeyExchange, &messages::client_key_exchange(&exchange.public));
        let premaster = exchange.agree(theirs)?;
        let said = chosen.extended.then_some(&*wire.transcript);
        let secrets = Secrets::new(chosen.suite, &premaster, [self.random, chosen.random], said);
        if asked {
            let signature = wire.certificate.sign(&wire.transcript)?;
            wire.say(Kind::CertificateVerify, &messages::signed(&signature));
        }
        wire.seal(&secrets, true)?;
        wire.finish(&secrets, true);
        wire.send(now, true)?;
        Ok(Stage::Finished(secrets, chosen.profile))
    }
}
