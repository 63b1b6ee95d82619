//! The devices that the program stands on: those that have addresses of ours, also one that is made, made again, or gets
//! such an address, while we run.

use crate::devices::{Device, Places, name_of, places_of};
use crate::hops;
use crate::program::{Hook, Program};
use crate::rings::Hall;
use crate::trial::whole;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// See the module text.
#[derive(Debug)]
pub(crate) struct Ground {
    // Locked before what is said of it: to attach to a device may take long, and nobody else waits for that.
    program: Mutex<Program>,
    standing: Mutex<Standing>,
    /// What brings packets to the process, where something does.
    hall: OnceLock<Arc<Hall>>,
}

/// What is said of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// None: it stands nowhere, at least not for long.
    pub(crate) hook: Option<Hook>,
    addresses: Vec<IpAddr>,
    pub(crate) devices: Vec<Device>,
    pub(crate) places: Places,
    /// Devices with addresses of ours, by number, on which it cannot stand, and why. They are not tried again.
    refused: BTreeMap<u32, String>,
}

impl Ground {
    pub(crate) fn new(program: Program) -> Ground {
        Ground { program: Mutex::new(program), standing: Mutex::default(), hall: OnceLock::new() }
    }

    pub(crate) fn program(&self) -> MutexGuard<'_, Program> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Attaches to all of these devices or to none.
    pub(crate) fn attach(&self, hook: Hook, devices: &[Device]) -> Result<(), String> {
        let mut program = self.program();
        let attached = devices.iter().try_for_each(|device| stand(&mut program, hook, device));
        if attached.is_err() {
            program.leave_all();
        }
        attached
    }

    /// Packets are brought to the process from its devices.
    pub(crate) fn bring(&self, hall: &Arc<Hall>) {
        // It is said once.
        let _ = self.hall.set(Arc::clone(hall));
    }

    /// It stays there, and where these addresses will be.
    pub(crate) fn stay(&self, hook: Hook, addresses: &[IpAddr], (devices, places): (Vec<Device>, Places)) {
        let (hook, addresses, refused) = (Some(hook), addresses.to_vec(), BTreeMap::new());
        *self.standing() = Standing { hook, addresses, devices, places, refused };
    }

    /// Devices or addresses have changed.
    pub(crate) fn review(&self) {
        let mut program = self.program();
        let mut now = self.standing().clone();
        let Some(hook) = now.hook else { return };
        now.devices.retain_mut(|device| {
            let name = name_of(device.number);
            if name.is_none() {
                program.leave(device.number);
                self.hall.get().iter().for_each(|hall| hall.leave(device.number));
            }
            name.map(|name| device.name = name).is_some()
        });
        let (found, places) = places_of(&now.addresses);
        now.refused.retain(|number, _| found.iter().any(|device| device.number == *number));
        for device in &found {
            if now.has(device.number) || now.refused.contains_key(&device.number) {
                continue;
            }
            match stand(&mut program, hook, device) {
                Ok(()) => {
                    tracing::info!(
                        device = device.name,
                        hook = hook.name(),
                        "media are relayed at a device that came"
                    );
                    now.devices.push(device.clone());
                }
                Err(reason) => {
                    tracing::warn!(%reason, "media are not relayed at a device that came");
                    now.refused.insert(device.number, reason);
                }
            }
        }
        if let Some(hall) = self.hall.get() {
            now.devices.iter().for_each(|device| hall.come(device));
        }
        now.place(&found, places);
        *self.standing() = now;
    }

    /// Leaves all devices, and comes to none any more.
    pub(crate) fn leave(&self) {
        let mut program = self.program();
        self.standing().hook = None;
        program.leave_all();
    }
}

impl Standing {
    /// Whether it stands on a device.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.devices.iter().any(|device| device.number == number)
    }

    /// The device at which media to an address arrive.
    pub(crate) fn device_at(&self, address: IpAddr) -> Option<&Device> {
        let (_, place) = self.places.iter().find(|(place, _)| *place == address)?;
        let name = place.as_ref().ok()?;
        self.devices.iter().find(|device| device.name == *name)
    }

    /// Says where the addresses are, and why nothing is done there.
    fn place(&mut self, found: &[Device], places: Places) {
        let refusal = |name: &str| {
            let device = found.iter().find(|device| device.name == name)?;
            self.refused.get(&device.number).cloned()
        };
        let placed = |place: Result<String, String>| match place {
            Ok(name) => refusal(&name).map_or(Ok(name), Err),
            none => none,
        };
        self.places = places.into_iter().map(|(address, place)| (address, placed(place))).collect();
    }
}

/// Has the program stand on a device, if frames may be redirected to it there.
fn stand(program: &mut Program, hook: Hook, device: &Device) -> Result<(), String> {
    let name = &device.name;
    program.attach(hook, device.number, name).map_err(|error| format!("{name}: {}", whole(&error)))?;
    // A device may say so only when a program stands on it.
    if hook == Hook::Xdp && !hops::takes_frames(device.number).unwrap_or(false) {
        program.leave(device.number);
        return Err(format!("{name} takes no redirected frames"));
    }
    Ok(())
}
