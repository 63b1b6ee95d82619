//! The lines of a trunk's codecs, digits, sounds and recordings.

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
        self.put(path, "payload_types", codecs.payload_types);
        self.put(path, "dtmf", policy.digits.by);
        self.put(path, "dtmf_info", policy.digits.info);
        let sounds = &policy.sounds;
        self.put(path, "ringback", sounds.ringing);
        self.put(path, "ringback_of", &sounds.country);
        for one in &sounds.announce {
            self.put(&format!("{path}.announce"), &one.status.to_string(), &one.file);
        }
        self.put_some(path, "hold_music", sounds.hold_music.as_ref());
        self.put(path, "record_notice", policy.recording.notice);
        self.put(path, "record_preference", policy.recording.preference);
    }
}
