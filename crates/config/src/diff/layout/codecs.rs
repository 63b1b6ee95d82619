//! The lines of a trunk's codecs and digits.

use super::{Sheet, list};
use crate::model::Policy;

impl Sheet<'_> {
    pub(super) fn codecs(&mut self, path: &str, policy: &Policy) {
        let codecs = &policy.codecs;
        self.put(path, "offer_codecs", list(&policy.offer_codecs));
        self.put(path, "codecs", list(&codecs.allowed));
        self.put(path, "codecs_locked", codecs.locked);
        self.put_some(path, "ptime", codecs.ptime_ms.as_ref());
        self.put(path, "gain", codecs.gain_db);
        self.put(path, "transcode", codecs.transcode);
        self.put(path, "dtmf", policy.digits.by);
        self.put(path, "dtmf_info", policy.digits.info);
    }
}
