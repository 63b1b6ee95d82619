//! The server: connections in, each with its limits, requests to `answers`.
//!
//! At most [`CONNECTIONS_MAX`] connections; a client that sends its request slowly or does not read
//! its answer is cut off. No endpoint takes a body. Enter through [`Server::start`].

mod answers;
mod export;
mod io;
mod refused;
mod reload;

pub(crate) use answers::status::Picture;
pub use reload::{ConfigText, ReloadState};

use crate::metrics::Tally;
use crate::socket::Socket;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http_body::Body as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use io::Impatient;
use refused::Refused;
use runtime::NodeHandle;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Store;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// Connections at a time; further ones are answered 503 and closed.
pub(crate) const CONNECTIONS_MAX: usize = 64;
/// Exports at a time.
pub(crate) const EXPORTS_MAX: usize = 4;
/// Time for a client to send a request's head, also the next one of a kept connection.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Time for an answer to begin. Longer than any tail waits.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// At a stop, running requests have this long to end.
const STOP_MAX: Duration = Duration::from_secs(2);
/// After the system refused a connection, the next is awaited this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The answer beyond [`CONNECTIONS_MAX`].
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
Retry-After: 1\r\nConnection: close\r\nContent-Length: 65\r\n\r\n\
{\"error\":\"too many connections\",\"reason\":\"too-many-connections\"}\n";

/// What is shown and changed.
#[derive(Clone)]
pub struct Subject {
    /// The node.
    pub node: NodeHandle,
    /// Its records; `None` when it keeps none.
    pub store: Option<Arc<Store>>,
    /// The configuration file, for people.
    pub config: String,
    /// How reloads went.
    pub reload: ReloadState,
}

/// What requests share.
pub(crate) struct House {
    pub(crate) subject: Subject,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) exports: Arc<Semaphore>,
    pub(crate) looking: Mutex<()>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Who is at the other end, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    pub(crate) pid: i32,
}

/// A running server.
pub struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the socket from here on; within a tokio runtime.
    ///
    /// # Errors
    /// The socket cannot be given to the runtime.
    pub fn start(socket: Socket, subject: Subject) -> std::io::Result<Server> {
        let listener = UnixListener::from_std(socket.listener()?)?;
        let (stop, stopping) = watch::channel(false);
        let house = House {
            subject,
            tally: Mutex::default(),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            looking: Mutex::default(),
            stopping: stopping.clone(),
        };
        let router = answers::router(Arc::new(house)).layer(from_fn(guard));
        let task = tokio::spawn(accept(socket, listener, router, stopping));
        Ok(Server { stop, task })
    }

    /// Takes no new connections, gives running requests 2 s, and removes the socket.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.task.await.is_err() {
            tracing::error!("the control socket's server panicked");
        }
    }
}

async fn accept(socket: Socket, listener: UnixListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "control socket");
                    let _ = tokio::time::timeout(ACCEPT_PAUSE, asked_to_stop(&mut stopping)).await;
                    continue;
                }
            },
            () = asked_to_stop(&mut stopping) => break,
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            // A client that cannot take even this at once gets nothing.
            let _ = stream.try_write(TOO_MANY);
            continue;
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        tokio::spawn(async move {
            serve(stream, router, stopping).await;
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_MAX, permits.acquire_many(all)).await;
    drop(socket);
}

async fn asked_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error says that the server itself is gone, which is the same.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn serve(stream: UnixStream, router: Router, mut stopping: watch::Receiver<bool>) {
    let peer = stream.peer_cred().map_or(Peer { uid: u32::MAX, pid: 0 }, |cred| Peer {
        uid: cred.uid(),
        pid: cred.pid().unwrap_or(0),
    });
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(HEAD_BYTES_MAX);
    let connection = builder.serve_connection(TokioIo::new(Impatient::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = asked_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "control connection");
    }
}

/// No bodies, and an answer in time.
async fn guard(request: Request<Body>, next: Next) -> Response {
    if !request.body().is_end_stream() {
        return Refused::body().into_response();
    }
    match tokio::time::timeout(ANSWER_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused::too_slow().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::TOO_MANY;

    #[test]
    fn the_canned_answer_says_its_length() {
        let text = String::from_utf8_lossy(TOO_MANY);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head} {}", body.len());
    }
}
