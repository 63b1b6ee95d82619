//! The RFCs' own examples, and what an answer of ours proves to our own server half.

use super::*;
use base::Time;
use sip_msg::{Index, Leniency, Limits, Msg};
use std::time::Duration;

fn proves(row: &str, password: &str, method: &str, body: &str) -> bool {
    let answer = Answer::parse(row.as_bytes()).expect("an answer");
    answer.proves(Password(password), method.as_bytes(), body.as_bytes())
}

#[test]
fn the_examples_of_rfc_7616_hold() {
    let row = |algorithm: &str, response: &str| {
        format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    let md5 = row("MD5", "8ca523f5e9506fed4657c9700eebdbec");
    let sha = row("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    for good in [&md5, &sha] {
        assert!(proves(good, "Circle of Life", "GET", ""), "{good}");
        assert!(!proves(good, "Circle of life", "GET", ""), "{good}");
        assert!(!proves(good, "Circle of Life", "POST", ""), "{good}");
    }
}

/// What RFC 7616 §3.9.2 gives, with the digest that OpenSSL's SHA-512/256 makes of it: the page's own was made
/// with another function.
#[test]
fn the_example_with_sha_512_256_and_a_name_beyond_ascii_holds() {
    let row = "Digest username=\"J\u{e4}s\u{f8}n Doe\", realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm\", qop=auth, response=\"7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c\", opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\"";
    assert!(proves(row, "Secret, or not?", "GET", ""));
}

#[test]
fn the_examples_of_rfc_2617_and_2069_hold() {
    let row = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    assert!(proves(row, "Circle Of Life", "GET", ""));
    let old = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", response=\"670fd8c2df070c60b045671b8b24ff02\"";
    assert!(proves(old, "Circle Of Life", "GET", ""));
}

fn answered(challenge: &str, body: &str) -> String {
    let challenge = Challenge::parse(Asker::Proxy, challenge.as_bytes()).expect("a challenge");
    let mut session = Session::new(challenge, (0x0a4f_113b, 7));
    let mut row = Vec::new();
    let who = Credentials { username: "bo\"b", password: "zanzibar" };
    session.answer(&who, b"INVITE", b"sip:alice@example.com", body.as_bytes(), &mut row);
    let text = String::from_utf8(row).expect("text");
    let value = text.strip_prefix("Proxy-Authorization: ").and_then(|t| t.strip_suffix("\r\n"));
    value.expect("one row").to_owned()
}

#[test]
fn every_algorithm_and_quality_is_answered_and_proven() {
    for algorithm in ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "sha-512-256-SESS"] {
        for qop in ["", ", qop=\"auth\"", ", qop=\"auth-int\"", ", qop=\"auth-int,auth\""] {
            let challenge =
                format!("Digest realm=\"example.com\", nonce=\"n\\\"1\", algorithm={algorithm}{qop}");
            let row = answered(&challenge, "v=0\r\n");
            assert!(proves(&row, "zanzibar", "INVITE", "v=0\r\n"), "{row}");
            assert!(!proves(&row, "zanzibaR", "INVITE", "v=0\r\n"), "{row}");
            let covers_body = qop.ends_with("\"auth-int\"");
            assert_eq!(proves(&row, "zanzibar", "INVITE", "v=1\r\n"), !covers_body, "{row}");
        }
    }
}

#[test]
fn an_answer_names_what_the_challenge_named() {
    let row = answered("Digest realm=\"r\", nonce=\"n\"", "");
    assert!(!row.contains("algorithm") && !row.contains("qop") && !row.contains("cnonce"), "{row}");
    let row = answered("Digest realm=\"r\", nonce=\"n\", opaque=\"\", qop=auth, algorithm=MD5", "");
    assert!(row.contains("opaque=\"\", algorithm=MD5, qop=auth, nc=00000001"), "{row}");
    assert!(row.starts_with("Digest username=\"bo\\\"b\", realm=\"r\", nonce=\"n\","), "{row}");
}

#[test]
fn each_use_of_a_nonce_counts() {
    let challenge = Challenge::parse(Asker::Server, b"Digest realm=r, nonce=n, qop=auth").unwrap();
    let mut session = Session::new(challenge, (1, 2));
    let who = Credentials { username: "u", password: "p" };
    let mut window = Window::default();
    for count in 1..=3u32 {
        let mut row = Vec::new();
        session.answer(&who, b"REGISTER", b"sip:r", b"", &mut row);
        let value = row.strip_prefix(b"Authorization: ").unwrap();
        let answer = Answer::parse(value.trim_ascii()).unwrap();
        assert_eq!(answer.qop, Some((Qop::Auth, count)));
        assert!(window.accept(count) && !window.accept(count));
    }
}

#[test]
fn challenges_that_cannot_be_answered_are_passed_over() {
    for bad in [
        "Digest realm=\"r\"",
        "Digest nonce=\"n\"",
        "Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5",
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf\"",
        "Digest realm=\"r\", nonce=\"n\", qop=\"\"",
        "Basic realm=\"r\"",
        "Digest realm=\"r, nonce=n",
        "\u{0}\u{ff}",
    ] {
        assert_eq!(Challenge::parse(Asker::Server, bad.as_bytes()), None, "{bad}");
    }
}

fn with_msg(rows: &str, look: impl Fn(Msg<'_>)) {
    let text = format!(
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n{rows}Content-Length: 0\r\n\r\n"
    );
    let mut index = Index::new();
    let msg = sip_msg::parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap();
    look(msg);
}

#[test]
fn the_strongest_of_several_challenges_of_the_realm_is_taken() {
    let row = |realm: &str, nonce: &str, algorithm: &str| {
        format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}\r\n")
    };
    let rows = [
        row("a", "1", "MD5"),
        row("a", "2", "SHA-256"),
        row("b", "3", "SHA-512-256"),
        row("a", "4", "SHA-256-sess"),
        row("a", "5", "AKAv2-MD5"),
    ];
    with_msg(&rows.concat(), |msg| {
        let all = challenges(msg);
        assert_eq!(all.len(), 4);
        let nonce = |realm: &str| strongest(&all, Asker::Server, realm.as_bytes()).map(|c| c.nonce.to_vec());
        assert_eq!(nonce("a"), Some(b"2".to_vec()));
        assert_eq!(nonce("b"), Some(b"3".to_vec()));
        assert_eq!(nonce("c"), None);
        assert!(strongest(&all, Asker::Proxy, b"a").is_none());
    });
    with_msg(&row("a", "1", "MD5").repeat(40), |msg| assert_eq!(challenges(msg).len(), ROWS_MAX));
}

#[test]
fn nonces_are_known_again_until_they_are_old() {
    let nonces = Nonces::new((5, 6), Duration::from_secs(30));
    let nonce = nonces.issue(Time::from_millis(1_000), 1, b"r");
    let at = |millis| nonces.judge(nonce.as_bytes(), Time::from_millis(millis), b"r");
    assert_eq!((at(1_000), at(31_000), at(31_001)), (Freshness::Fresh, Freshness::Fresh, Freshness::Stale));
    assert_eq!(at(999), Freshness::Foreign, "from the time to come");
    assert_eq!(nonces.judge(nonce.as_bytes(), Time::from_millis(2_000), b"s"), Freshness::Foreign);
    let other = Nonces::new((5, 7), Duration::from_secs(30));
    assert_eq!(other.judge(nonce.as_bytes(), Time::from_millis(2_000), b"r"), Freshness::Foreign);
    for bad in ["", "zz", &nonce.to_uppercase(), &nonce[1..], "\u{e4}".repeat(24).as_str()] {
        assert_eq!(nonces.judge(bad.as_bytes(), Time::from_millis(2_000), b"r"), Freshness::Foreign, "{bad}");
    }
}

#[test]
fn a_count_serves_once_and_not_long_after() {
    let mut window = Window::default();
    assert!(!window.accept(0));
    assert!(window.accept(1) && window.accept(3) && window.accept(2));
    assert!(!window.accept(2) && !window.accept(3));
    assert!(window.accept(100) && window.accept(37) && !window.accept(36));
    assert!(window.accept(u32::MAX) && !window.accept(u32::MAX) && !window.accept(100));
}

#[test]
fn what_a_server_asks_a_client_can_answer() {
    let nonces = Nonces::new((5, 6), Duration::from_secs(30));
    let nonce = nonces.issue(Time::ZERO, 7, b"pbx");
    let offer = Offer {
        asker: Asker::Server,
        realm: b"pbx",
        nonce: &nonce,
        algorithm: Algorithm { hash: Hash::Sha256, session: false },
        qops: &[Qop::Auth, Qop::AuthInt],
        stale: true,
    };
    let mut rows = Vec::new();
    offer.write(&mut rows);
    with_msg(std::str::from_utf8(&rows).unwrap(), |msg| {
        let all = challenges(msg);
        let challenge = strongest(&all, Asker::Server, b"pbx").unwrap();
        assert!(challenge.stale && challenge.qop == Some(Qop::Auth));
        let mut row = Vec::new();
        let who = Credentials { username: "10", password: "secret" };
        Session::new(challenge.clone(), (1, 1)).answer(&who, b"REGISTER", b"sip:pbx", b"", &mut row);
        with_msg(std::str::from_utf8(&row).unwrap(), |request| {
            let answer = Answer::find(request, Asker::Server, b"pbx").unwrap();
            assert!(answer.proves(Password("secret"), b"REGISTER", b""));
            assert_eq!(nonces.judge(answer.nonce, Time::ZERO, b"pbx"), Freshness::Fresh);
            assert_eq!((answer.username, answer.uri), (&b"10"[..], &b"sip:pbx"[..]));
        });
    });
}
