//! Attacks on the media of a call: strangers who begin before it, packets that are none, forged and old ones. Nothing of
//! theirs arrives, nothing of the call goes to them, and the call does not notice.

mod moved;
mod reports;
mod scene;
mod storms;
