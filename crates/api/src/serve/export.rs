//! Exports: records streamed while they are read, however many there are.
//!
//! A thread reads pages from the store and puts chunks into a short channel; the connection takes
//! them. Whoever stops reading is cut off by `io`, which ends the thread too.

use super::refused::Refused;
use axum::body::{Body, Bytes};
use http_body::Frame;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use store::{Format, Query, Store};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes of a chunk, about.
const CHUNK: usize = 32 * 1024;
/// Chunks that wait for the connection.
const WAITING: usize = 4;

/// What the connection takes.
struct Chunks(Receiver<Result<Bytes, Cut>>);

/// The export could not be finished; the connection is cut so that nobody takes a part for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the export could not be finished")]
struct Cut;

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// What the store writes to.
struct Chunked {
    buffer: Vec<u8>,
    sender: Sender<Result<Bytes, Cut>>,
}

impl Chunked {
    fn send(&mut self) -> std::io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK)));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Chunked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.send()
    }
}

/// Begins an export; what goes wrong before the first chunk is a clean refusal.
pub(super) async fn begin(
    store: Arc<Store>,
    query: Query,
    format: Format,
    permit: OwnedSemaphorePermit,
) -> Result<Body, Refused> {
    let (sender, mut receiver) = channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = Chunked { buffer: Vec::with_capacity(CHUNK), sender };
        let done = store.export(&query, format, &mut out).and_then(|_| {
            let flushed = out.flush();
            flushed.map_err(store::StoreError::Export)
        });
        if let Err(error) = done {
            tracing::debug!(%error, "export");
            let _ = out.sender.blocking_send(Err(Cut));
        }
        drop(permit);
    });
    // An early failure is told by status, not by a cut connection.
    match receiver.recv().await {
        Some(Err(Cut)) => Err(Refused::fault()),
        None => Ok(Body::empty()),
        Some(Ok(first)) => {
            let (replay, rest) = (first, receiver);
            Ok(Body::new(Begun { first: Some(replay), rest: Chunks(rest) }))
        }
    }
}

/// The first chunk, which was looked at, and the rest.
struct Begun {
    first: Option<Bytes>,
    rest: Chunks,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.first.take() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}
