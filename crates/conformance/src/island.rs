//! A network of a test's own, for peers that shun loopback addresses, and for IPv6: the test runs itself once more in a
//! namespace, where a [`crate::Place`] has addresses below 10.77, and below fd77 those that it is to have of IPv6.

use std::process::Command;

/// Says to the test within the namespace that it is there.
pub(crate) const MARK: &str = "TRONCO_CONFORMANCE_ISLAND";

/// Last bytes of the addresses that there are, and of those where there are some of IPv6.
const HOSTS: &str = "1 2 10 20 21";
const HOSTS_OF_BOTH: &str = "1 2 10 11 20 40 250 251";

/// Runs `test`, which is the test called `name`, in a network namespace of its own.
///
/// # Panics
/// It fails there, or there is no namespace to be had.
pub fn on_an_island(name: &str, test: impl FnOnce()) {
    on_island(name, HOSTS, "", test);
}

/// The same where every host has an address of IPv4 and one of IPv6.
///
/// # Panics
/// As [`on_an_island`].
pub fn on_an_island_of_both(name: &str, test: impl FnOnce()) {
    // One that is still being judged a duplicate or not cannot be used.
    on_island(name, HOSTS_OF_BOTH, " && ip addr add fd77::1:$host/128 dev lo nodad", test);
}

fn on_island(name: &str, hosts: &str, more: &str, test: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        return test();
    }
    let script = format!(
        "ip link set lo up && for host in {hosts}; do ip addr add 10.77.1.$host/32 dev lo{more} || exit 9; done && exec \"$0\" \"$@\""
    );
    // Out here, where a build finds its way.
    let program = crate::server::program();
    let own = std::env::current_exe().expect("the test's own program");
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", &script]).arg(own).args(["--exact", name, "--nocapture"]);
    let status = command.env(MARK, "1").env("TRONCO_BIN", program).status().expect("unshare");
    assert!(status.success(), "{name} in its namespace: {status}");
}
