//! User name fragment and password of one side (RFC 8445 §5.3, RFC 8839 §5.4).

use std::fmt;
use zeroize::Zeroizing;

/// Random bytes that [`Credentials::from_random`] takes: 48 bits of fragment, 144 of password (RFC 8445 §5.3
/// asks for 24 and 128).
pub const RANDOM_BYTES: usize = 24;
/// Of them for the fragment.
const UFRAG_BYTES: usize = 6;
/// The longest fragment or password (RFC 8839 §5.4): limit `ice_credentials`.
const LENGTH_MAX: usize = 256;

/// What a side is known by in checks. The password shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    ufrag: Box<str>,
    password: Zeroizing<String>,
}

impl Credentials {
    /// Makes new ones out of random bytes.
    #[must_use]
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Credentials {
        let (ufrag, password) = random.split_at(UFRAG_BYTES);
        let ufrag = letters(ufrag).collect::<String>().into_boxed_str();
        Credentials { ufrag, password: Zeroizing::new(letters(password).collect()) }
    }

    /// Takes those that were said in a session description; `None` when they break its grammar.
    #[must_use]
    pub fn new(ufrag: &str, password: &str) -> Option<Credentials> {
        let right = is_ufrag(ufrag.as_bytes()) && is_password(password.as_bytes());
        right.then(|| Credentials { ufrag: ufrag.into(), password: Zeroizing::new(password.to_owned()) })
    }

    /// The fragment.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.ufrag)
    }
}

/// Whether a value is a user name fragment: 4 to 256 letters, digits, `+` and `/`.
#[must_use]
pub fn is_ufrag(value: &[u8]) -> bool {
    (4..=LENGTH_MAX).contains(&value.len()) && value.iter().all(is_ice_char)
}

/// Whether a value is a password: 22 to 256 of the same.
#[must_use]
pub fn is_password(value: &[u8]) -> bool {
    (22..=LENGTH_MAX).contains(&value.len()) && value.iter().all(is_ice_char)
}

fn is_ice_char(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Three bytes make four letters.
fn letters(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    bytes.chunks_exact(3).flat_map(|three| {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(base::base64::DIGITS[(word >> shift & 63) as usize]))
    })
}
