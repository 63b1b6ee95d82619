//! SIP as text: a reader that is strict about what the house writes, and a writer.
//!
//! This is on purpose neither `sip-msg` nor made from it: an independent judge must not share the
//! mistakes of what it judges. It knows only what the peers and the judge of this crate need.

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Request line or status line.
    pub first: String,
    /// Header rows in order, names as written.
    pub rows: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Message {
    /// Reads one message; says what is wrong with one that is not as RFC 3261 §7 and §25 want it.
    ///
    /// # Errors
    /// The first fault found.
    pub fn read(bytes: &[u8]) -> Result<Message, String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no empty line after the head")?;
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        check_first(&first)?;
        let mut rows = Vec::new();
        for line in lines {
            if line.contains('\r') || line.contains('\n') || line.contains('\0') {
                return Err(format!("a stray line end in {line:?}"));
            }
            let (name, value) = line.split_once(':').ok_or(format!("no colon in {line:?}"))?;
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(format!("a header's name is no token: {line:?}"));
            }
            rows.push((name.to_owned(), value.trim().to_owned()));
        }
        let message = Message { first, rows, body: body.to_owned() };
        let length = message.row("Content-Length").ok_or("no Content-Length")?;
        let head_length = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(0) + 4;
        if length.parse() != Ok(bytes.len() - head_length) {
            return Err(format!("Content-Length {length}, body {}", bytes.len() - head_length));
        }
        Ok(message)
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        !self.first.starts_with("SIP/2.0 ")
    }

    /// The method of a request, or of the CSeq of a response.
    #[must_use]
    pub fn method(&self) -> &str {
        if self.is_request() { self.first.split(' ').next().unwrap_or_default() } else { self.cseq().1 }
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of a response; 0 for a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.is_request() { 0 } else { self.uri().parse().unwrap_or(0) }
    }

    /// The first value of a header.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a header.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.rows.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(&name)).map(|(_, v)| v.as_str())
    }

    /// Whether a comma-separated header holds a token.
    #[must_use]
    pub fn has(&self, name: &str, token: &str) -> bool {
        self.all(name).flat_map(|v| v.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
    }

    /// Number and method of CSeq.
    #[must_use]
    pub fn cseq(&self) -> (u32, &str) {
        let (number, method) = self.row("CSeq").and_then(|v| v.split_once(' ')).unwrap_or_default();
        (number.parse().unwrap_or(0), method.trim())
    }

    /// The branch of the top Via.
    #[must_use]
    pub fn branch(&self) -> &str {
        parameter(self.row("Via").unwrap_or_default(), "branch").unwrap_or_default()
    }

    /// The tag of From or To; empty when it has none.
    #[must_use]
    pub fn tag(&self, name: &str) -> &str {
        let value = self.row(name).unwrap_or_default();
        let after = value.rsplit_once('>').map_or(value, |(_, p)| p);
        parameter(after, "tag").unwrap_or_default()
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.row("Call-ID").unwrap_or_default()
    }

    /// The URI in Contact.
    #[must_use]
    pub fn contact(&self) -> Option<&str> {
        self.row("Contact").and_then(|v| v.split_once('<')?.1.split_once('>')).map(|(uri, _)| uri)
    }

    /// Writes it; Content-Length is added.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.rows {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        text.into_bytes()
    }

    /// Adds a row.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Message {
        self.rows.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a session description, unless it is empty.
    #[must_use]
    pub fn with_sdp(mut self, body: &str) -> Message {
        if !body.is_empty() {
            self = self.with("Content-Type", "application/sdp");
            self.body = body.to_owned();
        }
        self
    }

    /// A response to this request with Via, From, To, Call-ID and CSeq copied (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn reply(&self, status: u16, to_tag: &str) -> Message {
        let mut rows = Vec::new();
        for (name, value) in &self.rows {
            let known = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"]
                .iter()
                .find(|n| n.eq_ignore_ascii_case(name));
            let Some(known) = known else { continue };
            let mut value = value.clone();
            if *known == "To" && self.tag("To").is_empty() && !to_tag.is_empty() {
                value = format!("{value};tag={to_tag}");
            }
            rows.push(((*known).to_owned(), value));
        }
        Message { first: format!("SIP/2.0 {status} {}", phrase(status)), rows, body: String::new() }
    }
}

/// A parameter of a header value.
#[must_use]
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|p| {
        let (n, v) = p.split_once('=').unwrap_or((p, ""));
        n.trim().eq_ignore_ascii_case(name).then_some(v.trim())
    })
}

fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        486 => "Busy Here",
        _ => "So Be It",
    }
}

fn is_token(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&c)
}

fn check_first(first: &str) -> Result<(), String> {
    let parts: Vec<&str> = first.split(' ').collect();
    if first.starts_with("SIP/2.0 ") {
        let status: u16 = parts.get(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        return if (100..700).contains(&status) { Ok(()) } else { Err(format!("status line {first:?}")) };
    }
    let good = parts.len() == 3 && parts[2] == "SIP/2.0" && parts[0].bytes().all(is_token);
    if good { Ok(()) } else { Err(format!("request line {first:?}")) }
}
