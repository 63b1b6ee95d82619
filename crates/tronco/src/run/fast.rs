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
    judge(&choice, config.media.touched_path)?;
    Ok(choice)
}

/// Whether what must be touched comes as it is wanted.
fn judge(choice: &Choice, wish: TouchedPath) -> Result<(), Lacking> {
    let reason = match choice {
        Ok(path) => path.status().touched.reason,
        Err(reason) => Some(reason.clone()),
    };
    match (reason, wish) {
        (_, TouchedPath::Off) => {}
        (None, _) => tracing::info!("media that must be touched come in shared memory (AF_XDP)"),
        (Some(reason), TouchedPath::Auto) => {
            tracing::info!(%reason, "media that must be touched come by sockets");
        }
        (Some(reason), TouchedPath::Required) => return Err(Lacking::TouchedPath(reason)),
    }
    Ok(())
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

#[cfg(all(test, feature = "fastpath"))]
mod tests {
    use super::*;
    use crate::exit;
    use crate::run::obstacle::Obstacle;
    use fastpath::Kernel;
    use std::sync::Arc;

    #[test]
    fn on_a_kernel_without_af_xdp_plain_media_stay_in_the_kernel_and_who_requires_the_rest_does_not_start() {
        let choice: Choice = match Kernel::load_where(2, Err("no map of sockets".to_owned())) {
            Ok(kernel) => Ok(Arc::new(kernel)),
            Err(reason) => {
                let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
                assert!(!declared, "the kernel's engine is declared to work here: {reason}");
                return println!("skipped, the kernel's engine does not work here: {reason}");
            }
        };
        assert_eq!(choice.as_ref().map(|path| path.status().reason), Ok(None));
        assert!(judge(&choice, TouchedPath::Off).is_ok() && judge(&choice, TouchedPath::Auto).is_ok());
        let lacking = judge(&choice, TouchedPath::Required).unwrap_err();
        let obstacle = Obstacle::from(lacking);
        assert_eq!(obstacle.code(), exit::CONFIG);
        assert!(obstacle.to_string().ends_with("cannot be had: no map of sockets"), "{obstacle}");
    }
}
