//! Who the peers of trunks are, and how they do: credentials in both directions, users that register with us, the
//! addresses of gateways and their health, the quality of their calls, the links of sites and what is on them.
//!
//! Values and judgements only: nothing here knows a call, sends a message or keeps a timer. How all of them do is kept
//! in [`Runs`], which outlives configurations. A call's credentials are signed by a [`Wallet`]; a peer's are judged by a
//! [`Desk`]; what users registered is kept in [`Bindings`], what we registered in [`Enrolment`]s; an address of a gateway
//! is a [`TargetRun`].

mod bindings;
mod desk;
mod duty;
mod enrol;
mod enrolment;
mod kept;
mod links;
mod order;
mod quality;
mod rate;
mod runs;
mod sources;
mod targets;
mod view;
mod wallet;
mod way;

pub use bindings::Bindings;
pub use desk::{Desk, Refused, Voucher, user_named};
pub use duty::Duty;
pub use enrol::{Denied, Enrolled, enrol};
pub use enrolment::{Enrolment, EnrolmentRef};
pub use kept::KeptBinding;
pub use links::{Held, LinkRef, LinkRun, Links, Load, cover};
pub use order::{Order, Serial, route_rows, verify_rows};
pub use quality::Quality;
pub use rate::Rate;
pub use runs::{GatewayRef, GatewayRun, Runs, TargetRef, TrunkRef, TrunkRun};
pub use sources::{Networks, Sources};
pub use targets::{Choice, Resolution, Rhythm, Target, TargetRun, WATCHED_MAX, draw};
pub use view::{BindingView, GatewayView, QualityView, RegistrationView, TargetView};
pub use wallet::{Purse, Signed, Wallet};
pub use way::push_path;
