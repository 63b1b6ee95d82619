//! What a server that carries calls, keeps no registrar and knows none of the called names may do with
//! each message of RFC 4475.

use crate::judge::{Verdict, verdict};

/// Understood; that the callee is unknown here is routing's word.
const ROUTED: &[u16] = &[404, 480, 484, 488, 503, 603];
const REGISTER: &[u16] = &[403, 405, 501];
const SILENT: &[u16] = &[0];

/// All 49.
pub(super) const VERDICTS: &[Verdict] = &[
    // §3.1.1: valid messages.
    verdict("wsinv", &[481], "§3.1.1.1 a short tortuous INVITE is valid; its To tag names no dialog of ours"),
    verdict("intmeth", &[405, 501], "§3.1.1.2 a method of odd characters is unknown, not wrong"),
    verdict("esc01", ROUTED, "§3.1.1.3 escapes in the user part are valid"),
    verdict("escnull", REGISTER, "§3.1.1.4 escaped nulls in URIs are valid"),
    verdict("esc02", &[405, 501], "§3.1.1.5 an escaped method name is another method"),
    verdict("lwsdisp", &[200, 404], "§3.1.1.6 no space between display name and bracket is valid"),
    verdict("longreq", ROUTED, "§3.1.1.7 long values are valid"),
    verdict("dblreq", REGISTER, "§3.1.1.8 what follows a message in its datagram is no part of it"),
    verdict("semiuri", &[200, 404], "§3.1.1.9 semicolon parameters in the user part are valid"),
    verdict("transports", &[200, 404], "§3.1.1.10 unknown transports in Via are valid"),
    verdict("mpart01", &[404, 405, 415, 481], "§3.1.1.11 a multipart MESSAGE is valid"),
    verdict("unreason", SILENT, "§3.1.1.12 a response that belongs to nothing"),
    verdict("noreason", SILENT, "§3.1.1.13 a response that belongs to nothing"),
    // §3.1.2: invalid messages.
    verdict("badinv01", &[0, 400], "§3.1.2.1 extraneous separators in headers"),
    verdict("clerr", &[0, 400], "§3.1.2.2 Content-Length is larger than the message"),
    verdict("ncl", &[0, 400], "§3.1.2.3 a negative Content-Length"),
    verdict("scalar02", &[0, 400], "§3.1.2.4 numbers out of range"),
    verdict("scalarlg", SILENT, "§3.1.2.5 numbers out of range in a response"),
    verdict("quotbal", &[0, 400], "§3.1.2.6 an open quoted string"),
    verdict("ltgtruri", &[0, 400], "§3.1.2.7 a Request-URI in brackets"),
    verdict("lwsruri", &[0, 400], "§3.1.2.8 spaces within the Request-URI"),
    verdict("lwsstart", &[0, 400], "§3.1.2.9 more than one space in the start line"),
    verdict("trws", &[0, 200, 400, 404], "§3.1.2.10 spaces at the end of the start line"),
    verdict("escruri", &[0, 400, 404, 480, 484], "§3.1.2.11 headers escaped in the Request-URI"),
    verdict("baddate", &[0, 400, 404, 480, 484, 488], "§3.1.2.12 Date in a zone other than GMT"),
    verdict("regbadct", &[400, 403, 405, 501], "§3.1.2.13 a Contact URI with headers, not in brackets"),
    verdict("badaspec", &[0, 200, 400, 404], "§3.1.2.14 spaces within an addr-spec"),
    verdict("baddn", &[0, 200, 400, 404], "§3.1.2.15 a display name of other than tokens, not quoted"),
    verdict("badvers", &[0, 400, 505], "§3.1.2.16 an unknown version of SIP"),
    verdict("mismatch01", &[400], "§3.1.2.17 start line and CSeq differ in method"),
    verdict("mismatch02", &[400, 501], "§3.1.2.18 the same with an unknown method"),
    verdict("bigcode", SILENT, "§3.1.2.19 a status beyond all classes"),
    // §3.2 and §3.3: transactions and applications.
    verdict("badbranch", &[200, 400, 404], "§3.2.1 a branch of the magic cookie alone"),
    verdict("insuf", &[0, 400], "§3.3.1 required headers are missing"),
    verdict("unkscm", &[416], "§3.3.2 a Request-URI of an unknown scheme"),
    verdict("novelsc", &[416], "§3.3.3 a Request-URI of a known scheme that is not SIP's"),
    verdict("unksm2", &[400, 403, 405, 416, 501], "§3.3.4 unknown schemes in headers"),
    verdict("bext01", &[420], "§3.3.5 required extensions that are unknown"),
    verdict("invut", &[404, 415], "§3.3.6 a body of an unknown type"),
    verdict("regaut01", REGISTER, "§3.3.7 an unknown authentication scheme"),
    verdict("multi01", &[400], "§3.3.8 single headers that come more than once"),
    verdict("mcl01", &[0, 400], "§3.3.9 two Content-Length that differ"),
    verdict("bcast", SILENT, "§3.3.10 a response whose Via is a broadcast address"),
    verdict("zeromf", &[200, 483], "§3.3.11 Max-Forwards 0: answered by whom it reaches"),
    verdict("cparam01", REGISTER, "§3.3.12 REGISTER with a Contact parameter"),
    verdict("cparam02", REGISTER, "§3.3.13 REGISTER with a URL parameter"),
    verdict("regescrt", REGISTER, "§3.3.14 REGISTER with an escaped Route"),
    verdict("sdp01", &[404, 406, 480, 484, 488], "§3.3.15 an INVITE that accepts no SDP"),
    verdict(
        "inv2543",
        &[400, 404, 480, 484, 488, 503],
        "§3.4.1 an INVITE of RFC 2543 that gives no Contact to answer to",
    ),
];

/// Messages that end a stream: what follows their framing cannot be told apart any more (RFC 3261
/// §18.3). There a closed connection is an answer, too, and only the first answer is the message's own.
pub(super) const UNFRAMED: &[&str] = &["dblreq", "inv2543"];
