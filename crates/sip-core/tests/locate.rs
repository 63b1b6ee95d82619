//! Which questions are asked of the DNS, and in which order its answers are tried (RFC 3263).

use base::Transport::{self, Tcp, Tls, Udp};
use sip_core::locate::*;

#[test]
fn what_the_configuration_settles_is_not_asked() {
    let ours = [Udp, Tcp];
    assert_eq!(first_step(Some(5080), Some(Tls), &ours), Step::Addresses(Tls, 5080));
    assert_eq!(first_step(Some(5080), None, &ours), Step::Addresses(Udp, 5080));
    assert_eq!(first_step(Some(5080), None, &[Tls]), Step::Addresses(Tls, 5080));
    assert_eq!(first_step(None, Some(Tcp), &ours), Step::Services(Tcp));
    assert_eq!(first_step(None, None, &ours), Step::Everything);
    assert_eq!(service_name("example.com", Tls), "_sips._tcp.example.com");
    assert_eq!(service_transport(b"sips+d2t"), Some(Tls));
    assert_eq!(service_transport(b"E2U+sip"), None);
}

#[test]
fn pointers_of_the_lowest_order_that_we_speak() {
    let pointer = |order, preference, transport| Pointer {
        order,
        preference,
        transport,
        replacement: format!("{order}-{preference}"),
    };
    let all = vec![pointer(20, 1, Udp), pointer(10, 50, Tcp), pointer(10, 20, Udp), pointer(5, 1, Tls)];
    let names = |ours: &[Transport]| -> Vec<String> {
        sort_pointers(all.clone(), ours).into_iter().map(|p| p.replacement).collect()
    };
    assert_eq!(names(&[Udp, Tcp]), ["10-20", "10-50"]);
    assert_eq!(names(&[Tls]), ["5-1"]);
    assert_eq!(names(&[Udp]), ["10-20"]);
}

#[test]
fn services_stand_by_priority() {
    let service =
        |priority, weight, target: &str| Service { priority, weight, port: 5060, target: target.into() };
    let all = vec![service(2, 100, "late"), service(1, 25, "small"), service(1, 75, "big")];
    let names: Vec<String> = sort_services(all).into_iter().map(|s| s.target).collect();
    assert_eq!(names, ["big", "small", "late"]);
}
