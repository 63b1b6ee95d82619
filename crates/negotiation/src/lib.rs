//! What one peer's session description means: for the other peer, and for the media engine.
//!
//! Values and judgements only: nothing here knows a call, and what must be remembered is handed in and out. Our end
//! toward a peer is an [`End`]; what was told to the peer is a [`LocalSdp`]. A description of the other peer becomes
//! ours with [`describe`], a late offer is made early with [`make_offer`], an answer is judged with [`judge`], and
//! [`each_stream`] says what a peer's description asks of the engine. Where the peers agreed on different codecs or
//! packet times, or speak of digits differently, [`plans`] says how the engine joins them; digits in signalling are
//! judged in [`info_fate`].

mod absorb;
mod codecs;
mod describe;
mod direct;
mod dtls;
mod dtmf;
mod early;
mod end;
mod fax;
mod growth;
mod ice;
mod joining;
mod judge;
mod local;
mod notice;
mod numbers;
mod plan;
mod recorded;
mod remote;
mod repair;
mod secure;
mod shown;
mod trouble;
mod xr;

pub use absorb::answerable;
pub use describe::{Draws, describe, make_offer};
pub use dtls::Ran;
pub use dtmf::{InfoFate, info_fate, info_form};
pub use early::{Unheard, answer_early, ringing};
pub use end::{End, Rules, Seat};
pub use fax::{bars_fax, codec_kept, codec_noted, codec_of_fax, is_fax};
pub use growth::growth;
pub use ice::IceTold;
pub use joining::{Joining, Stage};
pub use judge::{count_streams, judge, judge_across, lines};
pub use local::{LocalSdp, Taken};
pub use notice::{Notice, Prefers, preferred};
pub use numbers::Numbers;
pub use plan::{Pair, Standing, can_join, plans};
pub use recorded::{each_recorded, offer_recorded, spoken};
pub use remote::{check_offer, each_stream};
pub use shown::Shown;
pub use srtp::Mint;
pub use trouble::{SdpTrouble, met, parse};
