//! The kernel's media engine, as far as it is wanted, built in, and possible here.

use config::{Config, FastPath, TouchedPath};
use media::fast::Choice;

/// What is required and cannot be had.
#[derive(Debug)]
pub(crate) enum Lacking {
    FastPath(String),
    TouchedPath(String),
}

/// Starts it; why there is none. Said once in the log.
///
/// # Errors
/// It is required and cannot be had.
pub(super) fn start(config: &Config) -> Result<Choice, Lacking> {
    let choice = plain(config).map_err(Lacking::FastPath)?;
    let reason = match &choice {
        Ok(path) => path.status().touched.reason,
        Err(reason) => Some(reason.clone()),
    };
    match (reason, config.media.touched_path) {
        (_, TouchedPath::Off) => {}
        (None, _) => tracing::info!("media that must be touched come in shared memory (AF_XDP)"),
        (Some(reason), TouchedPath::Auto) => {
            tracing::info!(%reason, "media that must be touched come by sockets");
        }
        (Some(reason), TouchedPath::Required) => return Err(Lacking::TouchedPath(reason)),
    }
    Ok(choice)
}

fn plain(config: &Config) -> Result<Choice, String> {
    let wish = config.media.fast_path;
    if wish == FastPath::Off {
        return Ok(Err("switched off".to_owned()));
    }
    let choice = engine(config);
    match &choice {
        Ok(path) => {
            let devices = path.status().devices;
            let devices: Vec<String> = devices.iter().map(|(name, hook)| format!("{name} {hook}")).collect();
            tracing::info!(devices = devices.join(", "), "settled media are relayed in the kernel");
        }
        Err(reason) if wish == FastPath::Auto => {
            tracing::info!(%reason, "all media are relayed by sockets, nothing in the kernel");
        }
        Err(reason) => return Err(reason.clone()),
    }
    Ok(choice)
}

#[cfg(feature = "fastpath")]
fn engine(config: &Config) -> Choice {
    use fastpath::{Hook, Kernel, Wish};
    let carrying = config.listens.iter().filter_map(|listen| Some((listen.media_bind(), listen.rtp?)));
    let (mut addresses, mut lanes) = (Vec::new(), 0);
    for (address, ports) in carrying {
        addresses.push(address);
        // A pair of ports hears one direction of a stream. One that is given back rests a while.
        lanes += usize::from(ports.last.saturating_sub(ports.first)) / 2 + 1;
    }
    let hook = match config.media.fast_path {
        FastPath::Xdp => Some(Hook::Xdp),
        FastPath::Tcx => Some(Hook::Tcx),
        _ => None,
    };
    let touched = config.media.touched_path != TouchedPath::Off;
    let workers = config.media.workers.unwrap_or_else(runtime::default_workers);
    let kernel = Kernel::start(&Wish { addresses, hook, lanes, touched, workers })?;
    Ok(std::sync::Arc::new(kernel))
}

#[cfg(not(feature = "fastpath"))]
fn engine(_config: &Config) -> Choice {
    Err("this program was built without it".to_owned())
}
