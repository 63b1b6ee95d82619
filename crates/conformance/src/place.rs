//! Where a test happens: loopback addresses and a folder that no other test has.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

static NEXT: AtomicU8 = AtomicU8::new(1);

/// Addresses 127.A.B.* and a folder, both for one test alone. The folder stays when the test fails.
#[derive(Debug)]
pub struct Place {
    /// The first three bytes.
    net: [u8; 3],
    /// The hosts with addresses of IPv6.
    six: Vec<u8>,
    folder: PathBuf,
}

impl Place {
    /// A new place; `name` shows in the folder's name.
    ///
    /// # Panics
    /// The folder cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Place {
        let process = std::process::id();
        // Two test processes at once differ in the second byte, tests of one process in the third.
        let high = 16 + u8::try_from(process % 220).unwrap_or(0);
        let low = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tronco-conformance-{process}-{low}-{name}"));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let island = std::env::var_os(crate::island::MARK).is_some();
        Place { net: if island { [10, 77, low] } else { [127, high, low] }, six: Vec::new(), folder }
    }

    /// The same, where these hosts have addresses of IPv6: there are some [on an island](crate::island::on_an_island_of_both) alone.
    #[must_use]
    pub fn six(name: &str, hosts: &[u8]) -> Place {
        let mut place = Place::new(name);
        place.six = hosts.to_vec();
        place
    }

    /// The address whose last byte is `host`.
    #[must_use]
    pub fn ip(&self, host: u8) -> String {
        let [a, b, c] = self.net;
        if self.six.contains(&host) { format!("fd77::{c}:{host}") } else { format!("{a}.{b}.{c}.{host}") }
    }

    /// That address as it stands in a URI.
    #[must_use]
    pub fn host(&self, host: u8) -> String {
        let ip = self.ip(host);
        if self.six.contains(&host) { format!("[{ip}]") } else { ip }
    }

    /// Port 5060 at that address.
    #[must_use]
    pub fn sip(&self, host: u8) -> String {
        format!("{}:5060", self.host(host))
    }

    /// The place's network, for a capture filter.
    #[must_use]
    pub fn net(&self) -> String {
        let [a, b, c] = self.net;
        let six = if self.six.is_empty() { "" } else { " or net fd77::/64" };
        format!("{a}.{b}.{c}.0/24{six}")
    }

    /// A port range of its own for addresses that tests share (`::1`): 600 ports from an even one.
    #[must_use]
    pub fn shared_ports(&self) -> u16 {
        let slot = (u16::from(self.net[1]) * 7 + u16::from(self.net[2])) % 40;
        20_000 + slot * 600
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file in the folder.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("write into the test's folder");
        path
    }

    /// A file of this crate, by its path below the crate's folder.
    #[must_use]
    pub fn own(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("left for a look: {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
