//! The control socket of a server, asked as any HTTP client would.

use crate::await_some;
use crate::place::Place;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// The body of a GET that is answered 200.
///
/// # Panics
/// It is not.
#[must_use]
pub fn get(place: &Place, path: &str) -> String {
    let (head, body) = ask(place, "GET", path);
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
    body
}

/// Head and body of what a request is answered.
///
/// # Panics
/// It is not answered.
#[must_use]
pub fn ask(place: &Place, method: &str, path: &str) -> (String, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: tronco\r\nConnection: close\r\n\r\n");
    let mut page = String::new();
    let asked = UnixStream::connect(place.path("tronco.sock")).and_then(|mut socket| {
        socket.write_all(request.as_bytes())?;
        socket.read_to_string(&mut page)
    });
    assert!(asked.is_ok(), "{path}: {asked:?}");
    let (head, body) = page.split_once("\r\n\r\n").unwrap_or((&page, ""));
    (head.to_owned(), body.to_owned())
}

/// The only live call, whole, once it is as wanted.
///
/// # Panics
/// It never is.
#[must_use]
pub fn await_call(place: &Place, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let found = await_some(|| {
        let list = json(&get(place, "/v1/calls"));
        let key = list.pointer("/calls/0/key")?.as_str()?.to_owned();
        let (head, body) = ask(place, "GET", &format!("/v1/calls/{key}"));
        last = json(&body);
        (head.starts_with("HTTP/1.1 200") && wanted(&last)).then(|| last.clone())
    });
    found.unwrap_or_else(|| panic!("no live call as wanted: {last}"))
}

/// Whether a time that was told as `N s` is so many seconds, or up to two more where the machine was held up.
#[must_use]
pub fn is_about(told: &str, seconds: u64) -> bool {
    let number = told.strip_suffix(" s").and_then(|number| number.parse().ok());
    number.is_some_and(|number: u64| (seconds..=seconds + 2).contains(&number))
}
