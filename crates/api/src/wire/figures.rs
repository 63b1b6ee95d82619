//! How a live call sounds, side by side.

use media::{Report, Side, StreamReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::DirectionRow;

/// What one side has sent so far, in the shape that its record will have, and what only a live call can tell.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// As in the record.
    #[serde(flatten)]
    pub so_far: DirectionRow<'static>,
    /// Bytes of its valid packets, with their headers of RTP.
    pub bytes: u64,
    /// The part of the packets that never came, 0 to 1.
    pub loss: f64,
    /// MOS of the last five seconds.
    pub mos: Option<f64>,
    /// Who relays it: `sockets`, or `xdp` or `tcx` in the kernel.
    pub engine: String,
    /// How many digits were read of it; none where nobody reads them here.
    pub digits: Option<u64>,
    /// Packets from its side that were not passed on, by reason.
    #[serde(default)]
    pub drops: BTreeMap<String, u64>,
    /// Of its packets those of T.38 (UDPTL).
    #[serde(default)]
    pub fax_packets: u64,
}

impl Figures {
    /// Of a session in which the caller has this side; what the caller sends, and what the callee sends.
    pub(crate) fn both(report: &Report, caller: Side, agreed: &str) -> [Figures; 2] {
        [caller, caller.other()].map(|side| Figures::of(report.side(side), agreed))
    }

    fn of(streams: &[StreamReport], agreed: &str) -> Figures {
        let so_far = DirectionRow::of(streams, agreed);
        let last = streams.iter().map(|stream| stream.mos_last).filter(|mos| *mos > 0).min();
        // Counts are far below 2^53.
        let loss = if so_far.expected == 0 { 0.0 } else { so_far.lost as f64 / so_far.expected as f64 };
        Figures {
            bytes: streams.iter().map(|stream| stream.bytes).sum(),
            loss,
            mos: last.map(|mos| f64::from(mos) / 100.0),
            engine: streams.first().and_then(|stream| stream.engine).unwrap_or_default().to_owned(),
            digits: streams.iter().find_map(|stream| stream.digits),
            drops: drops(streams),
            fax_packets: streams.iter().map(|stream| stream.fax_packets).sum(),
            so_far,
        }
    }
}

fn drops(streams: &[StreamReport]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (reason, count) in streams.iter().flat_map(|stream| stream.dropped.iter()) {
        *all.entry(reason.name().to_owned()).or_default() += u64::from(count);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::DropReason;

    #[test]
    fn what_was_dropped_is_told_by_reason_over_all_streams() {
        let mut streams = [stream(10, 0), stream(5, 0)];
        for (at, reason) in
            [(0, DropReason::ForeignSource), (1, DropReason::ForeignSource), (1, DropReason::Ssrc)]
        {
            streams[at].dropped.add(reason);
        }
        streams[1].fax_packets = 4;
        let told = Figures::of(&streams, "PCMA");
        let wanted = [("foreign_source".to_owned(), 2), ("ssrc".to_owned(), 1)];
        assert_eq!((told.drops, told.so_far.dropped, told.fax_packets), (wanted.into(), 3, 4));
    }

    fn stream(packets: u64, lost: u64) -> StreamReport {
        StreamReport {
            packets,
            bytes: packets * 172,
            expected: packets + lost,
            lost,
            mos_last: 412,
            mos_min: 400,
            payload_type: Some(8),
            engine: Some("xdp"),
            ..StreamReport::default()
        }
    }

    #[test]
    fn a_crossed_session_gives_each_side_its_own_figures_and_json_gives_them_back() {
        let report = Report { a: vec![stream(10, 0)], b: vec![stream(90, 10)], ..Report::default() };
        let [caller, callee] = Figures::both(&report, Side::B, "PCMA");
        assert_eq!((caller.so_far.packets, caller.loss, callee.so_far.packets), (90, 0.1, 10));
        assert_eq!((caller.bytes, caller.mos, &*caller.engine), (90 * 172, Some(4.12), "xdp"));
        assert_eq!((&*caller.so_far.codec, &*caller.so_far.recoded_to), ("PCMA", ""));
        let text = serde_json::to_string(&caller).unwrap_or_default();
        assert!(text.contains(r#""packets":90"#) && text.contains(r#""mos_min":4.0"#), "{text}");
        assert_eq!(serde_json::from_str::<Figures>(&text).ok(), Some(caller));
    }
}
