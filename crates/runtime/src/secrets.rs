//! Secrets: turns the names of secrets in a configuration into their texts, and reads key files.
//!
//! What is read here is never logged. Enter through [`Secrets::resolve`].

use config::{Config, Hidden, Secret, Trunk};
use std::fmt;
use std::path::{Path, PathBuf};

/// A secret file, or a certificate file, is at most this long, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Where secrets come from.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Directory of systemd credentials (`$CREDENTIALS_DIRECTORY`).
    credentials: Option<PathBuf>,
}

impl Secrets {
    /// As the process's environment says.
    #[must_use]
    pub fn from_env() -> Secrets {
        Secrets { credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) }
    }

    /// With this directory of credentials.
    #[must_use]
    pub fn with_credentials(directory: impl Into<PathBuf>) -> Secrets {
        Secrets { credentials: Some(directory.into()) }
    }

    /// The secret's bytes; a trailing line end of a file is kept (PEM does not mind, see
    /// [`Secrets::resolve_text`] for passwords).
    ///
    /// # Errors
    /// It does not exist or cannot be read.
    pub fn resolve(&self, secret: &Secret) -> Result<Vec<u8>, SecretError> {
        match secret {
            Secret::Inline(text) => Ok(text.reveal().as_bytes().to_vec()),
            Secret::Env(name) => std::env::var(name)
                .map(String::into_bytes)
                .map_err(|_| SecretError::NoVariable { name: name.clone() }),
            Secret::File(path) => read_file(Path::new(path)),
            Secret::Credential(name) => self.credential(name),
        }
    }

    /// The secret as text, without trailing line ends.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or is not UTF-8.
    pub fn resolve_text(&self, secret: &Secret) -> Result<String, SecretError> {
        let text = String::from_utf8(self.resolve(secret)?).map_err(|_| SecretError::NotText)?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Puts the texts of all passwords into a configuration: the pure house uses no others.
    ///
    /// # Errors
    /// A password cannot be had.
    pub fn open(&self, config: &mut Config) -> Result<(), PasswordError> {
        for trunk in &mut config.trunks {
            let keys = password_keys(trunk);
            let accounts = trunk.login.accounts.iter_mut().chain(&mut trunk.users.all);
            for (account, key) in accounts.zip(keys) {
                let text =
                    self.resolve_text(&account.password).map_err(|error| PasswordError { key, error })?;
                account.password = Secret::Inline(Hidden::new(text));
            }
        }
        Ok(())
    }

    /// What stands in the way of each password of a configuration.
    #[must_use]
    pub fn passwords(&self, config: &Config) -> Vec<PasswordError> {
        let of_trunk = |trunk: &Trunk| {
            let accounts = trunk.login.accounts.iter().chain(&trunk.users.all).zip(password_keys(trunk));
            let failed = accounts.filter_map(|(account, key)| {
                let error = self.resolve_text(&account.password).err()?;
                Some(PasswordError { key, error })
            });
            failed.collect::<Vec<_>>()
        };
        config.trunks.iter().flat_map(of_trunk).collect()
    }

    fn credential(&self, name: &str) -> Result<Vec<u8>, SecretError> {
        let safe = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        if !safe {
            return Err(SecretError::CredentialName { name: name.to_owned() });
        }
        match &self.credentials {
            Some(directory) => read_file(&directory.join(name)).map_err(|error| match error {
                SecretError::File { path, error } => SecretError::Credential { path, error },
                other => other,
            }),
            None => Err(SecretError::NoCredentials { name: name.to_owned() }),
        }
    }
}

/// The keys of a trunk's passwords, in the order of its accounts and then its users.
fn password_keys(trunk: &Trunk) -> Vec<String> {
    let (name, login) = (&trunk.name, &trunk.login);
    let own = login.own.then(|| format!("trunk.{name}.password"));
    let further = login.accounts.len() - usize::from(login.own && !login.accounts.is_empty());
    let accounts = (0..further).map(|index| format!("trunk.{name}.accounts[{index}].password"));
    let users = (0..trunk.users.all.len()).map(|index| format!("trunk.{name}.users[{index}].password"));
    own.into_iter().chain(accounts).chain(users).collect()
}

/// Reads a whole small file.
///
/// # Errors
/// It cannot be read or is longer than a key or certificate can be.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, SecretError> {
    let read = || -> std::io::Result<Option<Vec<u8>>> {
        if std::fs::metadata(path)?.len() > FILE_MAX {
            return Ok(None);
        }
        std::fs::read(path).map(Some)
    };
    match read() {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(SecretError::TooLong { path: path.to_owned() }),
        Err(error) => Err(SecretError::File { path: path.to_owned(), error }),
    }
}

/// Why a trunk's password could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {error}")]
pub struct PasswordError {
    /// The key in the configuration.
    pub key: String,
    /// Why.
    #[source]
    pub error: SecretError,
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such environment variable, or it is not UTF-8.
    #[error("the environment has no variable `{name}`")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The process was started without systemd credentials.
    #[error("credential `{name}`: the environment names no CREDENTIALS_DIRECTORY")]
    NoCredentials {
        /// The credential's name.
        name: String,
    },
    /// The name would leave the directory of credentials.
    #[error("`{name}` is no name of a credential")]
    CredentialName {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The credential cannot be read.
    #[error("{}: {error}", path.display())]
    Credential {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is longer than any key or certificate chain.
    #[error("{} is longer than {FILE_MAX} bytes", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// A password that is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
}

/// Shown without what it could reveal.
impl fmt::Display for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.credentials {
            Some(directory) => write!(f, "credentials in {}", directory.display()),
            None => f.write_str("no credentials directory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_cannot_leave_its_directory() {
        let secrets = Secrets::with_credentials("/nonexistent");
        for name in ["../etc/passwd", "..", ".", "", "a/b"] {
            let error = secrets.resolve(&Secret::Credential(name.into())).unwrap_err();
            assert!(matches!(error, SecretError::CredentialName { .. }), "{name}: {error}");
        }
        assert!(matches!(
            secrets.resolve(&Secret::Credential("a".into())),
            Err(SecretError::Credential { .. })
        ));
    }

    #[test]
    fn a_password_file_loses_its_line_end() {
        let path = std::env::temp_dir().join(format!("tronco-secret-{}", std::process::id()));
        std::fs::write(&path, "geheim\n").unwrap();
        let secret = Secret::File(path.display().to_string());
        assert_eq!(Secrets::default().resolve_text(&secret).unwrap(), "geheim");
        std::fs::remove_file(path).unwrap();
    }
}
