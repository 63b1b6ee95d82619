//! What a configuration names and this machine does not have, or has in a form that cannot be used: files, keys,
//! passwords, addresses. Each fault names the key that is to blame.
//!
//! Reads what a start would read and starts nothing. Enter through [`faults`].

use super::sounds::{SoundError, load_sounds};
use config::{Config, Places, nearest::nearest};
use runtime::{PasswordError, SecretError, Secrets, StartError, TlsError};
use std::path::Path;

/// Names that are compared with a wrong one, at most.
const NAMES_MAX: usize = 10_000;

/// Something that a configuration names and that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// The key that names it, such as `trunk.flex.tls.ca`.
    pub(super) key: String,
    /// What is wrong, with the key.
    pub(super) message: String,
    /// What would be right.
    pub(super) expected: String,
    /// What may have been meant.
    pub(super) nearest: Option<String>,
    /// Stable name of the kind of fault.
    pub(super) code: &'static str,
}

/// All faults of the files and secrets that a configuration names, in no order; none when a start would find none.
pub(super) fn faults(config: &Config, places: &Places, secrets: &Secrets) -> Vec<Fault> {
    let passwords = secrets.passwords(config);
    let tls = runtime::tls_faults(config, secrets);
    let (_, sounds) = load_sounds(config, places);
    let sounds = sounds.iter().map(of_sound);
    passwords.iter().map(of_password).chain(tls.iter().map(of_tls)).chain(sounds).collect()
}

/// A sound as a fault of the configuration.
pub(crate) fn of_sound(error: &SoundError) -> Fault {
    let path = Path::new(&error.file);
    let near = near_file(path, true);
    let expected = "a WAV file of one channel, 16-bit linear at 8, 16 or 48 kHz, or G.711";
    let code = if path.exists() { "unusable" } else { "unreadable" };
    Fault {
        key: error.key.clone(),
        message: error.to_string(),
        expected: expected.to_owned(),
        nearest: near,
        code,
    }
}

/// A password as a fault of the configuration.
pub(crate) fn of_password(error: &PasswordError) -> Fault {
    of_secret(&error.error, error.key.clone(), error.to_string())
}

/// TLS as a fault of the configuration.
pub(crate) fn of_tls(error: &TlsError) -> Fault {
    let (key, message) = (error.place().to_owned(), error.to_string());
    let expected = match error {
        TlsError::Unreadable { error, .. } => return of_secret(error, key, message),
        TlsError::NoCertificate { .. } => "a certificate chain in PEM form",
        TlsError::NoKey { .. } => "a private key in PEM form",
        TlsError::Mismatch { .. } => "the key that the certificate was made for",
        TlsError::Unusable { .. } => "a certificate and its key for TLS 1.2 or 1.3",
        TlsError::NoAuthority { .. } => "certificates of authorities in PEM form",
        TlsError::BadName { .. } => "a domain name or an IP address",
    };
    Fault { key, message, expected: expected.to_owned(), nearest: None, code: "unusable" }
}

/// What the start of a node failed by, when the configuration is to blame.
pub(crate) fn of_start(error: &StartError) -> Option<Fault> {
    match error {
        StartError::Tls(error) => Some(of_tls(error)),
        StartError::AddressNotOurs { listen, address, error } => {
            let why = format!("{} is no address of this machine: {error}", address.ip());
            Some(Fault::new(&format!("listen.{listen}.address"), &why, "an address of this machine"))
        }
        _ => None,
    }
}

impl Fault {
    /// Something that `key` names and that cannot be used.
    pub(crate) fn new(key: &str, why: &str, expected: &str) -> Fault {
        let message = format!("{key}: {why}");
        Fault { key: key.to_owned(), message, expected: expected.to_owned(), nearest: None, code: "unusable" }
    }
}

fn of_secret(error: &SecretError, key: String, message: String) -> Fault {
    let credential = "a credential that the service manager passes on (`LoadCredential=`)";
    let (expected, near) = match error {
        SecretError::NoVariable { name } => ("a variable of the server's environment", near_variable(name)),
        SecretError::Credential { path, .. } => (credential, near_file(path, false)),
        SecretError::NoCredentials { .. } | SecretError::CredentialName { .. } => (credential, None),
        SecretError::File { path, .. } => ("a file that this user can read", near_file(path, true)),
        SecretError::TooLong { .. } => ("a shorter file", None),
        SecretError::NotText => ("a password in UTF-8", None),
    };
    Fault { key, message, expected: expected.to_owned(), nearest: near, code: "unreadable" }
}

fn near_variable(name: &str) -> Option<String> {
    let names: Vec<String> =
        std::env::vars_os().take(NAMES_MAX).filter_map(|(name, _)| name.into_string().ok()).collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// A file beside one that is missing; `whole` gives its path, else its name.
fn near_file(path: &Path, whole: bool) -> Option<String> {
    let wrong = path.file_name()?.to_str().filter(|_| !path.exists())?;
    let entries = std::fs::read_dir(path.parent()?).ok()?.take(NAMES_MAX).filter_map(Result::ok);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let near = nearest(wrong, names.iter().map(String::as_str))?;
    Some(if whole { path.with_file_name(near).display().to_string() } else { near.to_owned() })
}
