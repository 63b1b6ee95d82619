//! Which extended reports of RTCP a peer wants to hear (RFC 3611 §5).

use crate::line::tokens;
use crate::media::Media;
use crate::session::Session;

/// Who answers the reference times of receivers (RFC 3611 §5.1, `rcvr-rtt`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoundTripMode {
    /// Whoever sends media.
    Sender,
    /// Everybody.
    All,
}

/// What `a=rtcp-xr` names of what is known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExtendedReports {
    /// Metrics of voice (§4.7).
    pub voip_metrics: bool,
    /// Reference times and their answers (§4.4, §4.5).
    pub round_trip: Option<RoundTripMode>,
}

impl Session<'_> {
    /// The formats that `a=rtcp-xr` names for a stream, as written; that of the session holds where the stream has none
    /// of its own. Empty: none are wanted.
    #[must_use]
    pub fn rtcp_xr<'s>(&'s self, media: &'s Media<'_>) -> Option<&'s [u8]> {
        media.attributes("rtcp-xr").next().or_else(|| self.attributes("rtcp-xr").next())
    }

    /// What a peer wants to hear of a stream; by default nothing.
    #[must_use]
    pub fn extended_reports(&self, media: &Media<'_>) -> ExtendedReports {
        let mut wanted = ExtendedReports::default();
        for format in tokens(self.rtcp_xr(media).unwrap_or_default()) {
            let name = format.split(|byte| *byte == b'=').next().unwrap_or_default();
            let mode = format.get(name.len() + 1..).unwrap_or_default();
            // A size of answers may follow; ours has one source and fits any.
            let mode = mode.split(|byte| *byte == b':').next().unwrap_or_default();
            match name {
                b"voip-metrics" => wanted.voip_metrics = true,
                b"rcvr-rtt" => {
                    wanted.round_trip = match mode {
                        b"all" => Some(RoundTripMode::All),
                        b"sender" => Some(RoundTripMode::Sender),
                        _ => wanted.round_trip,
                    }
                }
                _ => {}
            }
        }
        wanted
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    fn wanted(session: &str, media: &str) -> ExtendedReports {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{session}m=audio 4000 RTP/AVP 0\r\n{media}"
        );
        let session = parse(text.as_bytes(), &Limits::default()).unwrap();
        session.extended_reports(&session.media()[0])
    }

    #[test]
    fn a_peer_names_the_reports_that_it_wants() {
        let all = Some(RoundTripMode::All);
        for (line, voip_metrics, round_trip) in [
            ("a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\n", true, all),
            ("a=rtcp-xr:pkt-loss-rle=27 rcvr-rtt=sender\r\n", false, Some(RoundTripMode::Sender)),
            ("a=rtcp-xr:rcvr-rtt=some voip-metrics\r\n", true, None),
            ("a=rtcp-xr:voip-metricsx rcvr-rtt\r\n", false, None),
            ("a=rtcp-xr\r\n", false, None),
            ("", false, None),
        ] {
            assert_eq!(wanted("", line), ExtendedReports { voip_metrics, round_trip }, "{line}");
        }
    }

    #[test]
    fn what_a_stream_says_holds_before_what_the_session_says() {
        let session = "a=rtcp-xr:voip-metrics\r\n";
        assert!(wanted(session, "").voip_metrics);
        assert!(!wanted(session, "a=rtcp-xr:\r\n").voip_metrics);
    }
}
