//! Scenarios of SIPp put together by a test, where the same few steps come in many dresses: what a peer
//! sends and what it must find in what it receives. Enter through [`Script`].

use std::fmt::Write as _;

/// A header of a received message, and a regular expression (of SIPp: POSIX extended) that its value must
/// match; empty: the header must not be there.
pub type Check<'a> = (&'a str, &'a str);

/// The offer or answer of a peer.
pub const SDP: &str = "v=0\no=- 1 1 IN IP[media_ip_type] [media_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n\
                       m=audio [audio] RTP/AVP 8 0 101\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
                       a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\na=sendrecv\n";

const VIA: &str = "Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]\n";
const SDP_TYPE: &str = "Content-Type: application/sdp\n";
const TAG: &str = "[pid]t[call_number]";
const ALLOW: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE\n";

/// A scenario in the making.
#[derive(Debug, Clone)]
pub struct Script {
    steps: String,
    /// Variables of SIPp that are taken, from 10.
    variables: u32,
    /// The dialogs begun as caller; each has a Call-ID of its own.
    dialogs: u32,
    from: String,
    to: String,
    sequence: u32,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            steps: String::new(),
            variables: 10,
            dialogs: 0,
            from: String::new(),
            to: String::new(),
            sequence: 1,
        }
    }
}

impl Script {
    /// Whoever answers an INVITE with this description.
    #[must_use]
    pub fn answers(description: &str) -> Script {
        Script::default().receive("INVITE", &[]).answer("200 OK", "", description).receive("ACK", &[])
    }

    /// A BYE of the other side, which is answered.
    #[must_use]
    pub fn hung_up(self) -> Script {
        self.receive("BYE", &[]).agree("")
    }

    /// Calls `number`; `from` is the value of From without its tag, `rows` further rows, each ended by a
    /// line feed; a row that is folded begins its further lines with `\x20`.
    #[must_use]
    pub fn call(mut self, number: &str, from: &str, rows: &str, body: &str) -> Script {
        self.dialogs += 1;
        self.sequence = 1;
        self.from = format!("{from};tag=[pid]f{}", self.dialogs);
        self.to = format!("<sip:{number}@[remote_ip]:[remote_port]>");
        let uri = format!("sip:{number}@[remote_ip]:[remote_port]");
        let head = format!(
            "To: {}\nContact: <sip:peer@[local_ip]:[local_port];transport=[transport]>\n{ALLOW}",
            self.to
        );
        self.request("INVITE", &uri, &format!("{head}{rows}"), body)
    }

    /// A request inside the dialog that [`Script::call`] began.
    #[must_use]
    pub fn inside(mut self, method: &str, rows: &str, body: &str) -> Script {
        self.sequence += u32::from(method != "ACK");
        let head = format!(
            "[routes]\nTo: {}[peer_tag_param]\nContact: <sip:peer@[local_ip]:[local_port];transport=[transport]>\n",
            self.to
        );
        self.request(method, "[next_url]", &format!("{head}{rows}"), body)
    }

    fn request(mut self, method: &str, uri: &str, rows: &str, body: &str) -> Script {
        let again = if method == "ACK" { "" } else { " retrans=\"3000\"" };
        let (from, dialog, number) = (&self.from, self.dialogs, self.sequence);
        let text = format!(
            "{method} {uri} SIP/2.0\n{VIA}Max-Forwards: 70\nFrom: {from}\nCall-ID: d{dialog}///[call_id]\nCSeq: {number} {method}\n{rows}{}",
            ending(body)
        );
        self.send(again, &text);
        self
    }

    /// An INFO inside the dialog with a body of its own type.
    #[must_use]
    pub fn info(mut self, content_type: &str, body: &str) -> Script {
        self = self.inside("INFO", "", body);
        // The body's type is that of the last request.
        if let Some(at) = self.steps.rfind(SDP_TYPE) {
            self.steps.replace_range(at..at + SDP_TYPE.len(), &format!("Content-Type: {content_type}\n"));
        }
        self
    }

    /// Waits for so many milliseconds.
    #[must_use]
    pub fn pause(mut self, ms: u32) -> Script {
        let _ = writeln!(self.steps, "<pause milliseconds=\"{ms}\"/>");
        self
    }

    /// Plays a recording of packets to where the peer wants its audio.
    #[must_use]
    pub fn play(mut self, recording: &str) -> Script {
        let _ = writeln!(self.steps, "<nop><action><exec play_pcap_audio=\"{recording}\"/></action></nop>");
        self
    }

    /// Waits for a final response; 100, 180 and 183 may come before.
    #[must_use]
    pub fn expect(mut self, status: u16, checks: &[Check<'_>]) -> Script {
        for early in [100, 180, 183] {
            let _ = writeln!(self.steps, "<recv response=\"{early}\" optional=\"true\"/>");
        }
        self.received(&format!("response=\"{status}\" rrs=\"true\""), checks);
        self
    }

    /// Waits for a provisional response other than 100.
    #[must_use]
    pub fn hears(mut self, status: u16, checks: &[Check<'_>]) -> Script {
        let _ = writeln!(self.steps, "<recv response=\"100\" optional=\"true\"/>");
        self.received(&format!("response=\"{status}\""), checks);
        self
    }

    /// Waits for a request.
    #[must_use]
    pub fn receive(mut self, method: &str, checks: &[Check<'_>]) -> Script {
        self.received(&format!("request=\"{method}\" rrs=\"true\""), checks);
        self
    }

    /// The ACK to a refusal of our INVITE.
    #[must_use]
    pub fn refused(mut self) -> Script {
        let (from, dialog, number) = (&self.from, self.dialogs, self.sequence);
        let text = format!(
            "ACK sip:[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\nMax-Forwards: 70\nFrom: {from}\n[last_To:]\nCall-ID: d{dialog}///[call_id]\nCSeq: {number} ACK\n{}",
            ending("")
        );
        self.send("", &text);
        self
    }

    /// A callee whose calls begin with `method` and go on as `first` says, or go as this script says.
    #[must_use]
    pub fn unless(mut self, method: &str, first: &Script) -> Script {
        let (own, end) = (&self.steps, "<label id=\"2\"/>\n<pause milliseconds=\"1\"/>\n");
        self.steps = format!(
            "<recv request=\"{method}\" optional=\"true\" next=\"1\"/>\n{own}<nop next=\"2\"/>\n<label id=\"1\"/>\n{}{end}",
            first.steps
        );
        self
    }

    /// Answers the last request; `line` is status and words.
    #[must_use]
    pub fn answer(self, line: &str, rows: &str, body: &str) -> Script {
        self.answer_as(TAG, line, rows, body)
    }

    /// The same for one of several forks, by its tag.
    #[must_use]
    pub fn answer_as(mut self, tag: &str, line: &str, rows: &str, body: &str) -> Script {
        // Provisional responses, and what only REGISTER gets, are said once.
        let again = if line.starts_with('1') || line.starts_with("401") { "" } else { " retrans=\"3000\"" };
        let text = format!(
            "SIP/2.0 {line}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:];tag={tag}\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>\n{ALLOW}{rows}{}",
            ending(body)
        );
        self.send(again, &text);
        self
    }

    /// Accepts the REGISTER that was received, for 300 seconds.
    #[must_use]
    pub fn register(mut self) -> Script {
        let text = format!(
            "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag={TAG}\n[last_Call-ID:]\n[last_CSeq:]\n\
             [last_Contact:];expires=300\n{}",
            ending("")
        );
        self.send("", &text);
        self
    }

    /// Answers the last request inside a dialog.
    #[must_use]
    pub fn agree(mut self, body: &str) -> Script {
        let contact = if body.is_empty() {
            ""
        } else {
            "Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>\n"
        };
        let text = format!(
            "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{contact}{}",
            ending(body)
        );
        self.send("", &text);
        self
    }

    /// Refuses the last request inside a dialog; `line` is status and words.
    #[must_use]
    pub fn refuse_inside(mut self, line: &str) -> Script {
        let text = format!(
            "SIP/2.0 {line}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{}",
            ending("")
        );
        self.send(" retrans=\"3000\"", &text);
        self
    }

    /// The scenario file.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<scenario name=\"script\">\n{}</scenario>\n",
            self.steps
        )
    }

    fn send(&mut self, again: &str, text: &str) {
        let _ = writeln!(self.steps, "<send{again}><![CDATA[\n{text}\n]]></send>");
    }

    fn received(&mut self, what: &str, checks: &[Check<'_>]) {
        let mut actions = String::new();
        let mut seen = String::new();
        for (header, wanted) in checks {
            let (expression, right) =
                if wanted.is_empty() { (".+", "check_it_inverse") } else { (*wanted, "check_it") };
            let expression = expression.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            let _ = writeln!(
                actions,
                "<ereg regexp=\"{expression}\" search_in=\"{}\" {right}=\"true\" assign_to=\"{}\"/>",
                if header.is_empty() { "msg".to_owned() } else { format!("hdr\" header=\"{header}:") },
                self.variables
            );
            let _ = write!(seen, "{}{}", if seen.is_empty() { "" } else { "," }, self.variables);
            self.variables += 1;
        }
        if actions.is_empty() {
            let _ = writeln!(self.steps, "<recv {what}/>");
        } else {
            let _ = writeln!(
                self.steps,
                "<recv {what}><action>\n{actions}</action></recv>\n<Reference variables=\"{seen}\"/>"
            );
        }
    }
}

fn ending(body: &str) -> String {
    if body.is_empty() {
        "Content-Length: 0\n".to_owned()
    } else {
        format!("{SDP_TYPE}Content-Length: [len]\n\n{body}")
    }
}
