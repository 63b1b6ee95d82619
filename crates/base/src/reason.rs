//! Why a call was refused or ended: the product's one table of stable reason ids.
//!
//! Every refusal, failed attempt and call end carries exactly one [`ReasonId`]. The table gives the
//! id that people and records see, who is to blame, whether another try may succeed, the SIP status
//! and Q.850 cause used when *we* generate the refusal, and one sentence of advice. Ids are never
//! renamed or reused; new ones are added. The first letter names the field: R routing, L limit,
//! C the request itself, A access, S signalling, P what a party or peer said, M media,
//! X our own process, O operator. Enter through [`ReasonId`] and [`ReasonId::from_sip_status`].

use std::fmt;

/// Who has to act so that it does not happen again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Blame {
    /// The gateway or provider at the far end of a trunk, or the network to it.
    Peer,
    /// This node, its capacity or its configuration.
    Us,
    /// The side that placed the call: what it dialled or sent.
    Caller,
    /// The called party: busy, declined, hung up.
    Callee,
    /// A person who operates this node.
    Operator,
}

impl Blame {
    /// The word in records (`peer`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Blame::Peer => "peer",
            Blame::Us => "us",
            Blame::Caller => "caller",
            Blame::Callee => "callee",
            Blame::Operator => "operator",
        }
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

struct Row {
    id: &'static str,
    blame: Blame,
    retryable: bool,
    status: u16,
    q850: u8,
    sentence: &'static str,
}

macro_rules! reasons {
    ($($name:ident $id:literal $blame:ident $retry:ident $status:literal $q850:literal $sentence:literal;)*) => {
        /// A stable reason; the text of each variant is its sentence.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum ReasonId {
            $(#[doc = $sentence] $name,)*
        }

        impl ReasonId {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [ReasonId] = &[$(ReasonId::$name,)*];
        }

        const ROWS: [Row; ReasonId::ALL.len()] = [$(Row {
            id: $id,
            blame: Blame::$blame,
            retryable: reasons!(@$retry),
            status: $status,
            q850: $q850,
            sentence: $sentence,
        },)*];
    };
    (@again) => { true };
    (@never) => { false };
}

// Variant            id                       blame    retry status q850 sentence
reasons! {
    NoRoute           "R-NO-ROUTE"             Caller   never 404   3 "No number range and no route matches the called number; add one or correct the number.";
    NotInPolicy       "R-POLICY"               Caller   never 403  21 "A route matches the called number, but none of the usages in the policy of the arriving trunk; add the usage or another route.";
    DeniedPremium     "R-PREMIUM"              Caller   never 403  21 "The called number is a premium number, which `deny` or `deny_unknown` refuses to this caller.";
    DeniedSatellite   "R-SATELLITE"            Caller   never 403  21 "The called number leads to a satellite network, which `deny` or `deny_unknown` refuses to this caller.";
    DeniedSharedCost  "R-SHARED-COST"          Caller   never 403  21 "The called number is a shared-cost number, which `deny` or `deny_unknown` refuses to this caller.";
    DeniedPersonal    "R-PERSONAL"             Caller   never 403  21 "The called number is a personal number, which `deny` or `deny_unknown` refuses to this caller.";
    DeniedInternational "R-INTERNATIONAL"      Caller   never 403  21 "The called number is abroad, which `deny` or `deny_unknown` refuses to this caller.";
    NumberIncomplete  "R-INCOMPLETE"           Caller   never 484  28 "The called number is missing, unreadable or too short to be routed; dial the whole number.";
    NumberInvalid     "R-NUMBER-INVALID"       Caller   never 404  28 "The called number is longer than a number can be or holds characters that no number has.";
    TrunkFull         "R-TRUNK-FULL"           Us       again 503  34 "Every trunk of the route carries as many calls as its calls_max or calls_out_max allows; raise it or add a trunk.";
    TrunkRate         "R-TRUNK-RATE"           Us       again 503  42 "Every trunk of the route has used up its cps_max or cps_out_max for this second; raise it or add a trunk.";
    TrunkDisabled     "R-TRUNK-DISABLED"       Operator again 503  38 "Every trunk of the route is disabled; enable one.";
    TrunkDraining     "R-TRUNK-DRAINING"       Operator again 503  42 "Every trunk of the route is being drained and takes no new calls; wait or add a trunk.";
    NoTrunk           "R-NO-TRUNK"             Us       again 503  34 "No trunk of the route can take a call now, each for its own reason; see the decision trace.";
    Hairpin           "R-HAIRPIN"              Us       never 403  21 "The route leads only back to the trunk that the call came from; name that direct trunk in the route if it is meant.";
    Untranslatable    "R-UNTRANSLATABLE"       Operator never 404  28 "The translations of every trunk of the route leave no number that can be sent; correct their rules.";
    NoRate            "R-NO-RATE"              Operator never 404   3 "No trunk of the route has a rate for the called number, and the route leaves out those without; add a rate or let it try them last.";
    NoUser            "R-NO-USER"              Caller   never 404   1 "No user of the trunk has the called number; give it to one of its users in numbers.";
    NotRegistered     "R-NOT-REGISTERED"       Callee   again 480  20 "The called user has not registered, or its registration has run out.";
    OtherSite         "R-SITE"                 Operator never 403  21 "The trunks of the route, or the one that the call arrived by, are kept to a site (site_only) of which the other is not.";
    LinkFull          "R-LINK-FULL"            Us       again 503  34 "A site's WAN link is full; raise wan_calls_max. Where media between the peers would not cross it, what keeps them here is told beside.";
    AttemptsMax       "R-ATTEMPTS-MAX"         Us       again 503  41 "As many attempts as one call may make have failed; see each attempt's own reason.";

    CallsMax          "L-CALLS-MAX"            Us       again 503  42 "This node carries as many calls as limits.calls_max allows; raise it or add a node.";
    TrunkCallsMax     "L-TRUNK-CALLS"          Us       again 503  34 "The arriving trunk carries as many calls as its calls_max or calls_in_max allows; raise it if the provider agrees.";
    TrunkCpsMax       "L-TRUNK-CPS"            Us       again 503  42 "The arriving trunk placed more calls in this second than its cps_max or cps_in_max allows.";
    TransactionsMax   "L-TRANSACTIONS"         Us       again 503  42 "This node holds as many transactions as limits.transactions_max allows.";
    RtpPorts          "L-RTP-PORTS"            Us       again 503  47 "No RTP port pair is free on the interface; widen its rtp range.";
    MediaSessionsMax  "L-MEDIA-SESSIONS"       Us       again 503  47 "The media workers hold as many sessions as they may.";
    QueueFull         "L-QUEUE"                Us       again 503  42 "An inner queue was full, so the call was refused rather than delayed.";
    UdpSize           "L-UDP-SIZE"             Us       again 513 127 "The request is too large for UDP and the gateway speaks no TCP; allow TCP or shorten it.";
    HopsSpent         "L-MAX-FORWARDS"         Caller   never 483  25 "The request passed too many hops; look for a loop between the systems.";

    BadRequest        "C-BAD-REQUEST"          Caller   never 400 111 "The request breaks the SIP grammar or lacks a header that it must have.";
    BadVersion        "C-VERSION"              Caller   never 505 127 "The request's SIP version is not 2.0.";
    UriScheme         "C-URI-SCHEME"           Caller   never 416 127 "The Request-URI's scheme is none of sip, sips and tel.";
    SipsArrival       "C-SIPS"                 Caller   never 403  21 "The Request-URI demands TLS by sips: but came without; the trunk's policy sips = plain takes it like sip:.";
    BadExtension      "C-EXTENSION"            Caller   never 420 127 "The request requires an extension that is not supported; see the Unsupported header.";
    BodyType          "C-BODY-TYPE"            Caller   never 415  79 "The body's type or encoding is not supported; SDP is expected.";
    LoopDetected      "C-LOOP"                 Caller   never 482  25 "A redirect leads back to a number that was called already; look for a loop between the systems.";
    SequenceStale     "C-CSEQ"                 Caller   never 500 111 "The request's CSeq is lower than one already seen in its dialog.";
    SessionInterval   "C-SESSION-INTERVAL"     Caller   again 422 127 "The session interval asked for is below Min-SE; it is to be raised.";
    ReferRefused      "C-REFER"                Caller   never 603  21 "The policy (refer) refuses REFER, or it asks for something other than a call, or came before the answer.";
    TransferToParty   "C-TRANSFER-TARGET"      Caller   never 603  21 "REFER names a party of the call itself; a transfer needs another target.";
    TransfersMax      "L-TRANSFERS"            Caller   never 603  21 "The call was transferred as often as refer_max of the trunk allows.";
    TransferPending   "C-TRANSFER-PENDING"     Caller   again 491  31 "The call is being transferred already; the next transfer has to wait.";
    TransferForbidden "C-TRANSFER"             Caller   never 403  21 "The dialog that is to be taken over is on another trunk; replaces = any of the trunk allows that.";
    ReplacesRefused   "C-REPLACES"             Caller   never 481  41 "The dialog named by Replaces does not exist here or may not be taken over.";
    CallerNotOwned    "C-CALLER-NOT-OWNED"     Caller   again 403  21 "The caller's number is not among those that the trunk's peer has given us; see caller.screen of the trunk.";
    PrivacyUnmet      "C-PRIVACY"              Caller   again 500 127 "The caller insists on privacy of the session, which media between the peers cannot give; anchor the trunk's media.";

    WrongDigest       "A-CREDENTIALS"          Peer     never 401  21 "The credentials prove no user of the trunk: unknown user, wrong password, or made for another request.";
    LockedOut         "A-LOCKED"               Peer     again 503  21 "Too many wrong credentials came from the source; see authenticate.lock_after and lock_for of the trunk.";
    WrongIdentity     "A-IDENTITY"             Caller   never 403  21 "The user may not call with this number, or register this address; see users and authenticate.caller of the trunk.";
    BadRegister       "A-REGISTER"             Peer     never 400 111 "The REGISTER cannot be acted on: its contacts, their duration or its flow break the rules; see registrar of the trunk.";
    ContactsMax       "A-CONTACTS"             Peer     again 403  21 "The user has registered as many contacts as registrar.contacts_max of the trunk allows.";
    SourceDisabled    "A-TRUNK-DISABLED"       Operator never 403  21 "The trunk that the call came from is disabled.";
    FromRecorder      "A-RECORDER"             Peer     never 403  21 "The call came from a trunk of kind recorder, which is there to record calls and places none.";
    SourceDraining    "A-TRUNK-DRAINING"       Operator again 503  42 "The trunk that the call came from is being drained and takes no new calls.";

    TimerB            "S-TIMEOUT-B"            Peer     again 408 102 "The gateway gave no response to the INVITE in time; check the path and its address filter.";
    TimerF            "S-TIMEOUT-F"            Peer     again 408 102 "The gateway gave no final response to a request in time.";
    NothingBound      "S-NOTHING-BOUND"        Peer     again 480  20 "The registrar took the REGISTER and bound nothing: it granted 0 seconds, or named neither a contact nor a time; ask the provider.";
    TimerC            "S-TIMEOUT-C"            Peer     never 408 102 "The gateway gave a provisional response but no final one in time.";
    FailoverSilent    "S-FAILOVER-SILENT"      Peer     again 504 102 "The gateway made no progress within failover_after, so the next trunk was tried.";
    DnsFailed         "S-DNS"                  Peer     again 503  38 "The gateway's name gave no usable address; check the name and the resolver.";
    NoGateway         "S-NO-GATEWAY"           Us       again 503  38 "The trunk has no gateway that can be reached now.";
    TransportMissing  "S-TRANSPORT"            Us       again 503  38 "The trunk's interface has no socket of the transport that the gateway needs.";
    SipsUnreachable   "S-SIPS"                 Us       again 480  38 "The call demands TLS by sips: and no gateway that is left is reached over TLS; add one with transport=tls.";
    ConnectFailed     "S-CONNECT"              Peer     again 503  38 "The connection to the gateway was refused or not answered; check port and firewall.";
    ConnectionLost    "S-CONNECTION-LOST"      Peer     again 503  38 "The connection to the gateway broke before it answered.";
    TlsHandshake      "S-TLS-HANDSHAKE"        Peer     again 503  38 "The TLS handshake with the gateway failed; check versions and certificates of both sides.";
    TlsVerify         "S-TLS-VERIFY"           Peer     again 503  38 "The gateway's certificate is not trusted or bears another name; check tls.ca and tls.name.";
    SendFailed        "S-SEND"                 Us       again 503  38 "The kernel refused to send the request; check routes and addresses of the interface.";
    NoAck             "S-NO-ACK"               Caller   never 408 102 "The answer was never acknowledged, so the call was ended; check the path back to the caller.";
    NoPrack           "S-NO-PRACK"             Caller   never 504 102 "A reliable provisional response was never acknowledged by PRACK.";
    SessionExpired    "S-SESSION-EXPIRED"      Peer     never 408 102 "The session timer ran out without a refresh, so the call was ended.";
    DialogGone        "S-DIALOG-GONE"          Peer     never 481  41 "The peer no longer knows the call, so it was ended.";
    RefreshFailed     "S-REFRESH"              Peer     never 408 102 "The peer did not answer a request within the call, so the call was ended.";
    BadResponse       "S-BAD-RESPONSE"         Peer     again 502  95 "The gateway's response could not be understood.";

    Cancelled         "P-CANCELLED"            Caller   never 487  16 "The caller gave up before the call was answered.";
    InviteExpired     "P-EXPIRED"              Caller   never 487 102 "The INVITE's Expires ran out before the call was answered; the caller may wait longer.";
    HangupA           "P-HANGUP-A"             Caller   never 487  16 "The caller hung up.";
    HangupB           "P-HANGUP-B"             Callee   never 480  16 "The called party hung up.";
    Elsewhere         "P-ELSEWHERE"            Callee   never 487  26 "The call was answered elsewhere.";
    DeclinedElsewhere "P-DECLINED-ELSEWHERE"   Callee   never 487  21 "The call was declined for all places by another gateway that rang at the same time.";
    NoAnswer          "P-NO-ANSWER"            Callee   never 480  19 "The called party was alerted for ring_timeout and did not answer.";
    Transferred       "P-TRANSFERRED"          Caller   never 487  16 "The call was transferred: its parties are joined in another call, or by other systems.";
    TransferFailed    "P-TRANSFER-FAILED"      Caller   never 480  31 "Whoever transferred the call had hung up, and the target could not be had.";
    Busy              "P-BUSY"                 Callee   never 486  17 "The called party is busy.";
    BusyEverywhere    "P-BUSY-EVERYWHERE"      Callee   never 600  17 "The called party is busy at every place.";
    Declined          "P-DECLINED"             Callee   never 603  21 "The called party declined the call.";
    Unwanted          "P-UNWANTED"             Callee   never 607  21 "The called party marked the call as unwanted.";
    Blocked           "P-BLOCKED"              Peer     never 608  21 "An analytics service at the peer blocked the call.";
    Unavailable       "P-UNAVAILABLE"          Callee   again 480  18 "The called party is not available now.";
    Forbidden         "P-FORBIDDEN"            Peer     never 403  21 "The peer forbids the call; check the caller's number, the subscription and barring.";
    AuthRequired      "P-AUTH-REQUIRED"        Us       again 502  21 "The peer asks for credentials that the trunk does not have.";
    WrongCredentials  "P-CREDENTIALS"          Us       again 502  21 "The peer refuses the trunk's credentials; check username and password.";
    ForeignRealm      "P-REALM"                Us       again 502  21 "The peer asks for credentials of a realm that is not the trunk's; set realm if it is to be answered.";
    PaymentRequired   "P-PAYMENT"              Us       again 402  21 "The peer asks for payment; check the account's balance.";
    NumberUnknown     "P-NUMBER-UNKNOWN"       Caller   never 404   1 "The peer does not know the called number.";
    NumberGone        "P-NUMBER-GONE"          Caller   never 410  22 "The called number is no longer in use.";
    NumberNowhere     "P-NUMBER-NOWHERE"       Caller   never 604   1 "The called number exists nowhere.";
    PeerIncomplete    "P-INCOMPLETE"           Caller   never 484  28 "The peer says that the called number is incomplete; check the trunk's number_format.";
    Ambiguous         "P-AMBIGUOUS"            Caller   never 485   1 "The peer says that the called number is ambiguous.";
    Redirected        "P-REDIRECTED"           Peer     again 480  23 "The peer redirected the call; the trunk's redirect says what becomes of that.";
    PeerBadRequest    "P-BAD-REQUEST"          Us       again 502  41 "The peer says that our request is malformed; compare the ladder with the trunk's profile.";
    PeerTimeout       "P-TIMEOUT"              Peer     again 408 102 "The peer could not reach the called party in time.";
    MediaRefused      "P-MEDIA-REFUSED"        Peer     never 488  88 "The peer does not accept the media that was offered; check codecs and SRTP of the trunk.";
    PeerUnsupported   "P-UNSUPPORTED"          Peer     again 501  79 "The peer does not support the request, its method, body or version.";
    PeerExtension     "P-EXTENSION"            Peer     again 502 127 "The peer refuses or demands an extension; check prack and session_timer of the trunk.";
    PeerInterval      "P-SESSION-INTERVAL"     Peer     again 502 127 "The peer finds the session interval too small; raise session_timer of the trunk.";
    PeerTooLarge      "P-TOO-LARGE"            Peer     again 513 127 "The peer finds the request too large; allow TCP or offer fewer codecs.";
    PeerNoDialog      "P-NO-DIALOG"            Peer     again 481  41 "The peer does not know the call or transaction.";
    PeerLoop          "P-LOOP"                 Peer     again 482  25 "The peer saw a loop or too many hops; look for a route that leads back.";
    PeerTerminated    "P-TERMINATED"           Peer     never 487  16 "The peer ended the request that was not cancelled here.";
    PeerPending       "P-PENDING"              Peer     again 491  31 "The peer has a request of the same dialog pending.";
    IdentityRefused   "P-IDENTITY"             Peer     never 403  21 "The peer refuses the caller's identity or its signature.";
    PeerError         "P-SERVER-ERROR"         Peer     again 500  41 "The peer failed within itself.";
    PeerBadGateway    "P-BAD-GATEWAY"          Peer     again 502  38 "A system behind the peer gave it a bad response.";
    PeerUnavailable   "P-SERVICE-UNAVAILABLE"  Peer     again 503  41 "The peer is overloaded, out of circuits or under maintenance.";
    PeerServerTimeout "P-GATEWAY-TIMEOUT"      Peer     again 504 102 "A system behind the peer did not answer it in time.";
    Precondition      "P-PRECONDITION"         Peer     never 580  47 "The peer could not meet the call's preconditions.";
    PeerOther4xx      "P-4XX"                  Peer     never 480  31 "The peer refused with a 4xx status that has no row of its own.";
    PeerOther5xx      "P-5XX"                  Peer     again 500  41 "The peer failed with a 5xx status that has no row of its own.";
    PeerOther6xx      "P-6XX"                  Callee   never 603  21 "The call was refused everywhere with a 6xx status that has no row of its own.";

    MediaTimeout      "M-TIMEOUT"              Peer     never 480  41 "Neither RTP, RTCP nor ICE checks came from a side for media_timeout, so the call was ended; the decision says which side.";
    NoCodec           "M-NO-CODEC"             Caller   never 488  88 "The offer holds no codec that both sides have.";
    SdpBad            "M-SDP-BAD"              Caller   never 488  95 "The session description cannot be understood.";
    SdpAnswerMissing  "M-ANSWER-MISSING"       Peer     again 502  95 "The peer answered the call without a session description where one is due.";
    SdpAnswerBad      "M-ANSWER-BAD"           Peer     again 502  88 "The peer's answer does not fit the offer.";
    SrtpRequired      "M-SRTP-REQUIRED"        Caller   never 488  88 "SRTP is required on this trunk and the offer has no keys that can be used.";
    SrtpUnsupported   "M-SRTP"                 Caller   never 488  88 "The offer demands SRTP as this trunk does not do it; check srtp and srtp_suites of the trunk, and whether its signalling is TLS.";
    SrtpFax           "M-SRTP-FAX"             Operator never 488  79 "SRTP is required on this trunk and the offer is of T.38 alone, which nothing secures; see srtp_t38 of the trunk.";
    SrtpAnswerBad     "M-SRTP-ANSWER"          Peer     again 488  88 "The peer's answer has no SRTP key that fits the offer; check srtp and srtp_suites of the trunk.";
    DtlsAnswerOpen    "M-DTLS-ANSWER"          Peer     again 488  88 "The peer's answer leaves open who begins the DTLS handshake (a=setup:actpass); dtls_answer of the trunk would take it.";
    SrtpUnkeyed       "M-SRTP-HANDSHAKE"       Peer     never 488  88 "The DTLS handshake for the keys of SRTP did not succeed in time; check the peer's certificate and that its UDP reaches the media ports.";
    MediaAddress      "M-ADDRESS"              Caller   never 488  88 "The media address offered cannot be reached from the interface.";
    MediaStreams      "M-STREAMS"              Caller   never 488  79 "The offer holds no audio stream or more streams than allowed.";
    MediaFax          "M-FAX"                  Operator never 488  79 "The offer is of T.38 fax alone, and the trunk is told to take none: its fax is passthrough.";
    MediaWorkerLost   "M-WORKER"               Us       again 500  41 "A defect in the media worker lost the session of the call; report it with the support bundle.";

    Crashed           "X-CRASHED"              Us       again 500  41 "The process ended during the call; the record was written from the journal at the next start.";
    Draining          "X-DRAINING"             Operator again 503  42 "This node is being drained and takes no new calls.";
    Drained           "X-DRAINED"              Operator again 503  41 "The node stopped and the call outlasted the drain timeout.";
    Hangup            "O-HANGUP"               Operator never 480  31 "An operator ended the call.";
}

impl ReasonId {
    fn row(self) -> &'static Row {
        // The table is built from the same list as the enum, so the index is always inside.
        &ROWS[self as usize]
    }

    /// The stable id in records, API and logs (`R-NO-ROUTE`).
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().id
    }

    /// Who has to act.
    #[must_use]
    pub fn blame(self) -> Blame {
        self.row().blame
    }

    /// Whether the same call, placed through another trunk or later, may succeed.
    ///
    /// This is a property of the reason; whether an attempt *is* retried follows the trunk's
    /// `retry_on`.
    #[must_use]
    pub fn retryable(self) -> bool {
        self.row().retryable
    }

    /// The SIP status (400–699) to refuse an INVITE with when this reason is ours to tell.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().status
    }

    /// The Q.850 cause (1–127) for a Reason header (RFC 3326).
    #[must_use]
    pub fn q850(self) -> u8 {
        self.row().q850
    }

    /// What happened and what to do, in one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.row().sentence
    }

    /// The reason with this stable id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<ReasonId> {
        ReasonId::ALL.iter().copied().find(|r| r.id() == id)
    }

    /// The reason that a peer's final response (300–699) to our INVITE gives.
    ///
    /// Statuses are those of RFC 3261 §21 and the IANA registry of SIP response codes.
    #[must_use]
    pub fn from_sip_status(status: u16) -> ReasonId {
        match status {
            300..=399 => ReasonId::Redirected,
            401 | 407 => ReasonId::AuthRequired,
            402 => ReasonId::PaymentRequired,
            403 => ReasonId::Forbidden,
            404 => ReasonId::NumberUnknown,
            405 | 415 | 416 | 501 | 505 => ReasonId::PeerUnsupported,
            408 => ReasonId::PeerTimeout,
            410 => ReasonId::NumberGone,
            413 | 414 | 513 => ReasonId::PeerTooLarge,
            420 | 421 => ReasonId::PeerExtension,
            422 | 423 => ReasonId::PeerInterval,
            428 | 436 | 437 | 438 => ReasonId::IdentityRefused,
            480 => ReasonId::Unavailable,
            481 => ReasonId::PeerNoDialog,
            482 | 483 => ReasonId::PeerLoop,
            484 => ReasonId::PeerIncomplete,
            485 => ReasonId::Ambiguous,
            486 => ReasonId::Busy,
            487 => ReasonId::PeerTerminated,
            406 | 488 | 606 => ReasonId::MediaRefused,
            491 => ReasonId::PeerPending,
            400 | 493 => ReasonId::PeerBadRequest,
            500 => ReasonId::PeerError,
            502 => ReasonId::PeerBadGateway,
            503 => ReasonId::PeerUnavailable,
            504 => ReasonId::PeerServerTimeout,
            580 => ReasonId::Precondition,
            600 => ReasonId::BusyEverywhere,
            603 => ReasonId::Declined,
            604 => ReasonId::NumberNowhere,
            607 => ReasonId::Unwanted,
            608 => ReasonId::Blocked,
            _ => match status / 100 {
                5 => ReasonId::PeerOther5xx,
                6 => ReasonId::PeerOther6xx,
                _ => ReasonId::PeerOther4xx,
            },
        }
    }
}

impl fmt::Display for ReasonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = BTreeSet::new();
        for &reason in ReasonId::ALL {
            let id = reason.id();
            assert!(seen.insert(id), "{id} twice");
            let (field, name) = id.split_once('-').expect("a field letter and a name");
            assert!("RLCASPMXO".contains(field) && field.len() == 1, "{id}");
            assert!(name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-'), "{id}");
            assert_eq!(ReasonId::from_id(id), Some(reason));
        }
        assert_eq!(ReasonId::from_id("R-NO-SUCH"), None);
    }

    #[test]
    fn every_row_can_be_sent() {
        for &reason in ReasonId::ALL {
            assert!((400..=699).contains(&reason.status()), "{reason}");
            assert!((1..=127).contains(&reason.q850()), "{reason}");
            let sentence = reason.sentence();
            assert!(sentence.ends_with('.') && sentence.len() < 140, "{reason}");
            assert!(sentence.starts_with(char::is_uppercase), "{reason}");
        }
    }

    #[test]
    fn a_peers_status_keeps_its_meaning() {
        for status in 300..=699 {
            let reason = ReasonId::from_sip_status(status);
            assert!(reason.id().starts_with("P-"), "{status} {reason}");
        }
        for (status, id) in [(486, "P-BUSY"), (503, "P-SERVICE-UNAVAILABLE"), (499, "P-4XX"), (699, "P-6XX")]
        {
            assert_eq!(ReasonId::from_sip_status(status).id(), id);
        }
    }
}
