//! What a service manager is told (sd_notify(3)): ready, reloading, stopping, alive.

use sd_notify::NotifyState;
use std::time::Duration;
use tracing::warn;

/// While stopping, the manager is asked for this much patience at a time.
const PATIENCE: Duration = Duration::from_secs(30);
/// A watchdog is fed this many times in its interval.
const FEEDINGS: u32 = 3;

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("the service manager cannot be told: {error}");
    }
}

/// Calls are taken.
pub(super) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// A reload begins; [`ready`] ends it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// The end begins.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
    still_stopping();
}

/// The end takes longer; calls are being waited for.
pub(super) fn still_stopping() {
    notify(&[NotifyState::ExtendTimeoutUsec(u32::try_from(PATIENCE.as_micros()).unwrap_or(u32::MAX))]);
}

/// The node answers.
pub(super) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// How often the manager's watchdog wants to hear [`alive`]; `None` when there is none.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|interval| interval / FEEDINGS).filter(|every| !every.is_zero())
}
