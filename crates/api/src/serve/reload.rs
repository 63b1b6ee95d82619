//! The configuration that runs, and how the last reload went.

use config::Format;
use std::sync::{Arc, Mutex, PoisonError};

/// A configuration as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigText {
    /// The text.
    pub text: String,
    /// The file's name.
    pub name: String,
    /// Its language.
    pub format: Format,
}

/// The configuration that runs and how the last reload went; told by whoever reloads.
#[derive(Clone, Debug)]
pub struct ReloadState(Arc<Mutex<Told>>);

#[derive(Debug)]
struct Told {
    running: Arc<ConfigText>,
    failure: Option<String>,
}

impl ReloadState {
    /// A node has started with this configuration.
    #[must_use]
    pub fn new(running: ConfigText) -> ReloadState {
        ReloadState(Arc::new(Mutex::new(Told { running: Arc::new(running), failure: None })))
    }

    /// A configuration was taken over, or not, and why.
    pub fn tell(&self, outcome: Result<ConfigText, String>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(text) => *told = Told { running: Arc::new(text), failure: None },
            Err(why) => told.failure = Some(why),
        }
    }

    /// Why the last reload failed, when it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }

    /// The configuration that runs.
    #[must_use]
    pub fn running(&self) -> Arc<ConfigText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running.clone()
    }
}
