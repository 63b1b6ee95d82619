//! The client's side: one request for one connection, answers as values of [`crate::wire`].
//!
//! Blocking, over a unix socket, with a time limit for each read; it follows RFC 9112 as far as our own
//! server speaks it. Enter through [`Client`].

mod body;

pub use body::Answer;

use crate::wire::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest JSON answer that is taken, bytes.
const JSON_MAX: u64 = 1 << 30;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody serves the socket.
    #[error("{}: {source}: is `tronco run` up?", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{}: no answer within {} s", path.display(), limit.as_secs_f64())]
    Slow {
        /// The socket.
        path: PathBuf,
        /// The time limit.
        limit: Duration,
    },
    /// The connection broke.
    #[error("{}: {source}", path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon refused.
    #[error("{}", problem.error)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Why.
        problem: Problem,
    },
    /// The answer is not what this version understands.
    #[error("the daemon's answer is not understood: {0}")]
    Strange(String),
}

/// A way to one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    timeout: Duration,
}

impl Client {
    /// For the daemon at `socket`; it has `timeout` for each part of an answer.
    #[must_use]
    pub fn new(socket: &Path, timeout: Duration) -> Client {
        Client { socket: socket.to_path_buf(), timeout }
    }

    /// Asks for a value.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, ClientError> {
        self.json("GET", &with_query(path, query)?, Duration::ZERO)
    }

    /// As [`Client::get`], of an endpoint that may wait for `wait` before it answers.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn wait<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        wait: Duration,
    ) -> Result<T, ClientError> {
        self.json("GET", &with_query(path, query)?, wait)
    }

    /// Orders something.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn order<T: DeserializeOwned>(&self, method: &str, path: &str) -> Result<T, ClientError> {
        self.json(method, path, Duration::ZERO)
    }

    /// As [`Client::order`], with a query.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn order_with<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.json(method, &with_query(path, query)?, Duration::ZERO)
    }

    /// Asks for an answer of any length and form.
    ///
    /// # Errors
    /// See [`ClientError`]; later reads tell theirs.
    pub fn stream(&self, path: &str, query: &impl Serialize) -> Result<Answer<UnixStream>, ClientError> {
        self.send("GET", &with_query(path, query)?, Duration::ZERO)
    }

    fn json<T: DeserializeOwned>(&self, method: &str, path: &str, wait: Duration) -> Result<T, ClientError> {
        let answer = self.send(method, path, wait)?;
        let mut text = Vec::new();
        answer.take(JSON_MAX).read_to_end(&mut text).map_err(|error| self.broken(error, wait))?;
        serde_json::from_slice(&text).map_err(|error| ClientError::Strange(error.to_string()))
    }

    fn send(&self, method: &str, path: &str, wait: Duration) -> Result<Answer<UnixStream>, ClientError> {
        let mut stream = UnixStream::connect(&self.socket)
            .map_err(|source| ClientError::Unreachable { path: self.socket.clone(), source })?;
        let limit = self.timeout.saturating_add(wait);
        let request = format!("{method} {path} HTTP/1.1\r\nHost: tronco\r\nConnection: close\r\n\r\n");
        let sent = stream
            .set_read_timeout(Some(limit))
            .and_then(|()| stream.set_write_timeout(Some(limit)))
            .and_then(|()| stream.write_all(request.as_bytes()));
        // A server at its limit answers without reading; its answer is worth more than our error.
        let head = body::head(stream);
        let (status, mut answer) = match (sent, head) {
            (_, Ok(head)) => head,
            (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(self.broken(error, wait)),
        };
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let mut text = Vec::new();
        let read = answer.by_ref().take(JSON_MAX).read_to_end(&mut text);
        read.map_err(|error| self.broken(error, wait))?;
        match serde_json::from_slice(&text) {
            Ok(problem) => Err(ClientError::Refused { status, problem }),
            Err(_) => Err(ClientError::Strange(format!("status {status}"))),
        }
    }

    fn broken(&self, source: io::Error, wait: Duration) -> ClientError {
        let path = self.socket.clone();
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ClientError::Slow { path, limit: self.timeout.saturating_add(wait) }
            }
            io::ErrorKind::InvalidData => ClientError::Strange(source.to_string()),
            _ => ClientError::Broken { path, source },
        }
    }
}

/// A name as one segment of a path (RFC 3986 §3.3).
#[must_use]
pub fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    escape(name, &mut text);
    text
}

fn escape(value: &str, into: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// Appends the fields of `query` that are set.
fn with_query(path: &str, query: &impl Serialize) -> Result<String, ClientError> {
    let fields = serde_json::to_value(query).map_err(|error| ClientError::Strange(error.to_string()))?;
    let mut text = path.to_owned();
    let mut mark = '?';
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push(std::mem::replace(&mut mark, '&'));
        text.push_str(name);
        text.push('=');
        escape(&value, &mut text);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::{RecordQuery, TailQuery};

    #[test]
    fn queries_are_escaped() {
        let query = RecordQuery {
            number: Some("+49 30*".into()),
            status: Some(486),
            newest: Some(true),
            ..RecordQuery::default()
        };
        assert_eq!(with_query("/r", &query).unwrap(), "/r?newest=true&number=%2B49%2030%2A&status=486");
        assert_eq!(with_query("/r", &TailQuery::default()).unwrap(), "/r");
        assert_eq!(with_query("/r", &()).unwrap(), "/r");
        assert_eq!(segment("a/b?ü"), "a%2Fb%3F%C3%BC");
    }
}
