//! The kernel's media engine: settled flows of plain RTP are relayed by a program in the kernel, where their packets
//! arrive, at a fraction of what sockets cost.
//!
//! Floor 5, and nobody depends on it but the program, which may be built without it: the workers of `runtime` know
//! [`media::FastPath`] alone. At the start everything is tried (load, attach, pass a packet); what does not work is said
//! once, with its reason, and the portable engine does all. Packets that the process must touch are brought to it, and
//! taken from it, in memory that it shares with the kernel (`rings`). Enter through [`Kernel::start`].

mod devices;
mod ground;
mod hops;
mod keeper;
mod kernel;
mod layout;
mod memory;
mod netlink;
mod program;
mod rings;
mod table;
mod trial;

pub use kernel::{Kernel, Wish};
pub use program::{Hook, Tried};
