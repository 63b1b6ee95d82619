//! What of the other side's network a trunk's peer may see, beside what is always hidden.

use super::words::words;

words! {
    /// Something that the other side wrote and that can name its hosts and addresses.
    pub enum Reveal {
        /// Alert-Info with a URL of any host.
        AlertInfo = "alert-info",
        /// The texts of Reason and Warning, whatever they say.
        Text = "text",
        /// `s=`, `i=`, `u=`, `e=`, `p=` and the attributes that describe a session in words.
        Session = "session",
        /// SDP attributes that nobody here knows, whatever they say.
        Attributes = "attributes",
    }
}

/// What a trunk's peer is shown as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Topology {
    /// [`Reveal::AlertInfo`].
    pub alert_info: bool,
    /// [`Reveal::Text`].
    pub text: bool,
    /// [`Reveal::Session`].
    pub session: bool,
    /// [`Reveal::Attributes`].
    pub attributes: bool,
}
