//! A recording session with a recorder (SIPREC: RFC 7866, its metadata RFC 7865), seen from the side that records.
//!
//! Pure: who takes part and what is heard of whom comes in as a [`Cast`], descriptions of media as text, messages as
//! they come; what leaves goes into the transactions that are lent. A [`Scene`] knows what the recorder was told and
//! writes what is new as XML, a [`Session`] is the dialog with the recorder. Nothing here knows a call, a socket or a
//! media engine: whoever records says what changed, and hears by [`News`] what became of it.

mod body;
mod id;
mod moment;
mod scene;
mod session;

pub use body::{MULTIPART, multipart, sdp_of, wants_snapshot};
pub use id::Id;
pub use scene::{Cast, Party, Scene, label};
pub use session::{Env, News, Session, Way};
