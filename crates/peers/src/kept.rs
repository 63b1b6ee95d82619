//! What users have registered, as it outlives the process.
//!
//! Only what came over UDP is kept: a connection ends with its process, and who registered over it registers anew.

use crate::Bindings;
use base::time::WallClock;
use base::{Time, Transport};
use sip_core::Flow;
use sip_core::registrar::Binding;
use std::net::SocketAddr;
use std::time::Duration;

/// A registered contact as it outlives the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptBinding {
    /// The trunk's name.
    pub trunk: String,
    /// The user's name.
    pub user: String,
    /// The registered URI.
    pub contact: String,
    /// The instance that registered it.
    pub instance: Option<String>,
    /// Which of the instance's flows it is.
    pub reg_id: Option<u32>,
    /// Its preference in thousandths.
    pub q: u16,
    /// It stands for all numbers of a PBX.
    pub bulk: bool,
    /// Until when it stands, microseconds of wall time.
    pub until: u64,
    /// Where its REGISTER came from, by UDP.
    pub remote: SocketAddr,
    /// The way back, values of Route.
    pub path: Vec<String>,
    /// Who registered.
    pub agent: String,
    /// Of the REGISTER that made or refreshed it.
    pub call_id: String,
    /// Of the REGISTER that made or refreshed it.
    pub cseq: u32,
}

impl<K: Ord + Copy> Bindings<K> {
    /// Those that a later process can use; `named` gives a gateway's trunk and user.
    pub fn kept(&self, clock: WallClock, named: impl Fn(K) -> (String, String)) -> Vec<KeptBinding> {
        let all = self.users().flat_map(|at| self.of(at).iter().map(move |binding| (at, binding)));
        let lasting = all.filter(|(_, binding)| binding.flow.transport == Transport::Udp);
        lasting.map(|(at, binding)| kept(binding, named(at), clock)).collect()
    }
}

fn kept(binding: &Binding, (trunk, user): (String, String), clock: WallClock) -> KeptBinding {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    KeptBinding {
        trunk,
        user,
        contact: text(&binding.contact),
        instance: binding.instance.as_deref().map(text),
        reg_id: binding.reg_id,
        q: binding.q,
        bulk: binding.bulk,
        until: clock.at(binding.until).0,
        remote: binding.flow.remote,
        path: binding.path.iter().map(|value| text(value)).collect(),
        agent: text(&binding.agent),
        call_id: text(&binding.call_id),
        cseq: binding.cseq,
    }
}

impl KeptBinding {
    /// The binding, reached over a flow; `None` when it has run out.
    #[must_use]
    pub fn revive(self, flow: Flow, now: Time, clock: WallClock) -> Option<Binding> {
        let left = self.until.checked_sub(clock.at(now).0).filter(|left| *left > 0)?;
        let bytes = |text: String| text.into_bytes().into_boxed_slice();
        Some(Binding {
            place: 0,
            contact: bytes(self.contact),
            instance: self.instance.map(bytes),
            reg_id: self.reg_id,
            q: self.q,
            bulk: self.bulk,
            until: now + Duration::from_micros(left),
            refreshed: now,
            flow,
            path: self.path.into_iter().map(bytes).collect(),
            agent: bytes(self.agent),
            call_id: bytes(self.call_id),
            cseq: self.cseq,
        })
    }
}
