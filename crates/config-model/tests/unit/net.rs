//! Tests of `config-model/src/net.rs`, which need its private parts.

use super::*;

#[test]
fn gateways_are_read() {
    let check = |text: &str, host: &str, port: Option<u16>, transport: Option<Transport>| {
        let target = gateway(text).unwrap();
        assert_eq!(
            (target.host.to_string().as_str(), target.port, target.transport),
            (host, port, transport)
        );
    };
    check("sip.Elastic.example", "sip.elastic.example", None, None);
    check("sip.elastic.example.:5070", "sip.elastic.example", Some(5070), None);
    check("192.0.2.7:5060;transport=tcp", "192.0.2.7", Some(5060), Some(Transport::Tcp));
    check("[2001:db8::1]:5061;transport=tls", "[2001:db8::1]", Some(5061), Some(Transport::Tls));
    check("2001:db8::1", "[2001:db8::1]", None, None);
    check("[2001:db8::1]", "[2001:db8::1]", None, None);
}

#[test]
fn hosts_and_networks_keep_to_their_rules() {
    assert!(host("256.1.1.1").is_err());
    assert!(host("-a.example").is_err());
    assert!(host("a..b").is_err());
    assert!(host(&"a".repeat(64)).is_err());
    assert!(host("").is_err());
    assert_eq!(network("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
    assert_eq!(network("10.0.0.1/8").unwrap_err().nearest.as_deref(), Some("10.0.0.0/8"));
}
