//! Whom transactions and deadlines of a switchboard belong to.

use base::Time;
use media::Side;
use peers::{EnrolmentRef, GatewayRef, TargetRef};
use records::tag::CallRef;
use sip_core::ClientTxn;

/// Whom a transaction belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum User {
    /// The INVITE that began a call.
    Arrived(CallRef),
    /// Our INVITE of an attempt, by its number.
    Invite(CallRef, u16),
    /// A peer's request inside a dialog.
    Inner(CallRef, Side),
    /// A request passed on to a side.
    Relay(CallRef, Side),
    /// A request of our own to a side.
    Own(CallRef, Side, Own),
    /// REGISTER of an account.
    Register(EnrolmentRef),
    /// OPTIONS to an address of a gateway.
    Options(TargetRef),
    /// A request to or of the recorder of a call.
    Recorder(CallRef),
    /// A request whose answer changes nothing.
    Nobody,
}

/// Requests of our own inside a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// BYE.
    Bye,
    /// PRACK.
    Prack,
    /// INFO with a digit, in this turn of its line.
    Digit(u16),
    /// A session refresh by UPDATE.
    RefreshUpdate,
    /// A session refresh by INVITE.
    RefreshInvite,
    /// A re-INVITE that moves a party's media to another one.
    Move,
    /// NOTIFY of the transfer with this number.
    Notify(u16),
}

/// A deadline of a call or gateway; whoever fires checks whether it still means anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// `failover_after` of an attempt.
    Silence(CallRef, u16),
    /// `ring_timeout` of an attempt.
    Ring(CallRef, u16),
    /// `ringing.after` of the caller's trunk.
    Ringback(CallRef),
    /// The caller's invitation runs out at this time.
    Expires(CallRef, Time),
    /// A session timer of a side.
    Session(CallRef, Side),
    /// An INVITE inside a call has been under way for long.
    Unanswered(CallRef, ClientTxn),
    /// A session refresh is tried again after glare.
    Refresh(CallRef, Side),
    /// The media report of an ended call is overdue.
    Report(CallRef),
    /// An announcement before a refusal has taken too long.
    Parting(CallRef),
    /// A party of a transfer was busy with its session: it is asked again.
    Transfer(CallRef),
    /// The recording of a call wants to act.
    Recording(CallRef),
    /// OPTIONS to an address of a gateway is due.
    Liveness(TargetRef),
    /// A REGISTER is due.
    Register(EnrolmentRef),
    /// The flow of a registration is to be pinged, or its pong is overdue.
    Keepalive(EnrolmentRef),
    /// Bindings of users run out.
    Bindings,
    /// A gateway's name is to be resolved again.
    Resolve(GatewayRef),
}
