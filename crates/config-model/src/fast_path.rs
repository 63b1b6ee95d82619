//! Whether settled media are relayed in the kernel.

use super::words::words;

words! {
    /// Where settled flows of plain RTP are relayed.
    pub enum FastPath {
        /// In the kernel where that works, by the best hook.
        Auto = "auto",
        /// Never in the kernel.
        Off = "off",
        /// In the kernel, by the best hook; else the node does not start.
        Required = "required",
        /// In the kernel, at the driver; else the node does not start.
        Xdp = "xdp",
        /// In the kernel, behind the driver; else the node does not start.
        Tcx = "tcx",
    }
}

words! {
    /// Whether packets that must be touched come to the process in memory that it shares with the kernel.
    pub enum TouchedPath {
        /// Where that works.
        Auto = "auto",
        /// Never.
        Off = "off",
        /// Yes; else the node does not start.
        Required = "required",
    }
}
