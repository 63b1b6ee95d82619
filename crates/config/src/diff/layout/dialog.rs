//! The keys that fit a call's two dialogs to each other.

use super::{Sheet, length_or_off, list};
use crate::model::{Absorb, Dialog};

impl Sheet<'_> {
    pub(super) fn dialog(&mut self, path: &str, dialog: &Dialog) {
        self.put(path, "update", dialog.update);
        let absorbed = [
            (Absorb::Refresh, dialog.absorb_refresh),
            (Absorb::Hold, dialog.absorb_hold),
            (Absorb::Codec, dialog.absorb_codec),
        ];
        self.put(path, "absorb", list(absorbed.iter().filter(|(_, on)| *on).map(|(what, _)| what)));
        self.put(path, "late_reinvite", dialog.late_reinvite);
        self.put(path, "early_media", dialog.early_media);
        self.put(path, "early_dialogs", dialog.early_dialogs);
        self.put_some(path, "early_dialogs_max", dialog.early_dialogs_max);
        let (inner, ringing) = (format!("{path}.ringing"), dialog.ringing);
        self.put(&inner, "map_180", ringing.map_180);
        self.put(&inner, "map_181", ringing.map_181);
        self.put(&inner, "map_183", ringing.map_183);
        self.put(&inner, "late_180", ringing.late_180);
        self.put(&inner, "after", length_or_off(ringing.after));
    }
}
