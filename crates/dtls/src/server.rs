//! The side that is called on (`a=setup:passive`): what it expects in which order (RFC 5246 §7.3). The client's
//! certificate is demanded (RFC 5763 §5).

use crate::crypto::{Exchange, OWN_SCHEME, Suite, random};
use crate::hello::{ClientHello, common_profile, server_hello};
use crate::keys::Secrets;
use crate::messages::{self, Kind, Signed};
use crate::reader::Reader;
use crate::reassembly::Message;
use crate::shake::{Agreed, Wire, check_finished, check_signed};
use crate::trouble::Trouble;
use base::Time;
use srtp::Suite as Profile;

/// What is expected next, with what is needed for it.
enum Stage {
    Certificate(Exchange),
    KeyExchange(Exchange, Vec<u8>),
    Verify(Secrets, Vec<u8>),
    Finished(Secrets),
    Over,
}

/// See the module text.
pub(crate) struct Server {
    /// Of client and server.
    randoms: [[u8; 32]; 2],
    suite: Suite,
    profile: Profile,
    extended: bool,
    stage: Stage,
}

impl Server {
    /// Answers a ClientHello, which stands in the transcript.
    pub(crate) fn begin(now: Time, hello: &ClientHello, wire: &mut Wire) -> Result<Server, Trouble> {
        let (number, suite) = hello.suite()?;
        let profile = common_profile(&hello.extensions.profiles, &wire.terms.suites)?;
        if !hello.extensions.believes(OWN_SCHEME) {
            return Err(Trouble::NothingInCommon);
        }
        let exchange = Exchange::new(hello.group()?)?;
        let randoms = [hello.random, random()?];
        wire.begin();
        wire.say(Kind::ServerHello, &server_hello(&randoms[1], number, profile, &hello.extensions));
        let own = messages::certificate(wire.certificate.der());
        wire.say(Kind::Certificate, &own);
        let params = messages::exchange_params(exchange.group, &exchange.public);
        let signature = wire.certificate.sign(&[&randoms[0][..], &randoms[1], &params].concat())?;
        wire.say(Kind::ServerKeyExchange, &messages::server_key_exchange(&params, &signature));
        wire.say(Kind::CertificateRequest, &messages::certificate_request());
        wire.say(Kind::ServerHelloDone, &[]);
        wire.send(now, true)?;
        let extended = hello.extensions.extended;
        Ok(Server { randoms, suite, profile, extended, stage: Stage::Certificate(exchange) })
    }

    pub(crate) fn client_random(&self) -> &[u8; 32] {
        &self.randoms[0]
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
        let said = wire.transcript.get(..before).unwrap_or_default();
        self.stage = match (stage, message.kind) {
            (Stage::Certificate(exchange), Kind::Certificate) => {
                Stage::KeyExchange(exchange, wire.believed(body)?.to_vec())
            }
            (Stage::KeyExchange(exchange, der), Kind::ClientKeyExchange) => {
                let premaster = exchange.agree(messages::read_client_key_exchange(body)?)?;
                let bound = self.extended.then_some(&*wire.transcript);
                Stage::Verify(Secrets::new(self.suite, &premaster, self.randoms, bound), der)
            }
            (Stage::Verify(secrets, der), Kind::CertificateVerify) => {
                check_signed(&der, said, &Signed::read(Reader(body))?)?;
                wire.seal(&secrets, false)?;
                Stage::Finished(secrets)
            }
            (Stage::Finished(secrets), Kind::Finished) => {
                check_finished(&secrets.finished(true, said), body)?;
                wire.begin();
                wire.finish(&secrets, false);
                wire.send(now, false)?;
                let [receive, send] = secrets.media(self.profile)?;
                return Ok(Some(Agreed { receive, send }));
            }
            _ => return Err(Trouble::Malformed),
        };
        Ok(None)
    }
}
