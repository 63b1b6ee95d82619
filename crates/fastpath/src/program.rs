//! The kernel's program: loaded, tried on a packet, attached to devices. Its source is `bpf/relay.c`; an object that
//! is committed beside it is what is loaded: the whole one, or the one without what needs AF_XDP.

use crate::layout::{Place, RawLane};
use crate::memory::Memory;
use crate::rings::SOCKETS_MAX;
use aya::maps::{HashMap, Map, MapData, MapType, XskMap};
use aya::programs::links::LinkOrder;
use aya::programs::tc::{SchedClassifierLinkId, TcAttachOptions};
use aya::programs::xdp::XdpLinkId;
use aya::programs::{ProgramError, SchedClassifier, TcAttachType, TestRun, TestRunOptions, Xdp, XdpMode};
use aya::{Ebpf, EbpfError, EbpfLoader};
use std::io;
use std::os::fd::AsFd;

/// Longest frame that is tried.
const FRAME_MAX: usize = 2048;

static WHOLE: &[u8] = aya::include_bytes_aligned!("../bpf/relay.o");
/// Without the map of sockets, and without handing over.
static PLAIN: &[u8] = aya::include_bytes_aligned!("../bpf/plain.o");

/// Where on a device the program stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    /// At the driver.
    Xdp,
    /// Behind the driver, before the network stack.
    Tcx,
}

impl Hook {
    /// Its name in status and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Hook::Xdp => "xdp",
            Hook::Tcx => "tcx",
        }
    }
}

/// What a program has done with a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tried {
    /// Up to the stack, with these bytes.
    Up(Vec<u8>),
    /// Out of a device, as these bytes.
    Relayed(Vec<u8>),
}

/// What stands in the way of loading.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("{0}")]
    Object(#[from] EbpfError),
    #[error("{0}")]
    Program(#[from] ProgramError),
    #[error("{0}")]
    Map(#[from] aya::maps::MapError),
    #[error("the memory of the lanes: {0}")]
    Memory(#[from] io::Error),
    #[error("the object has no `{0}`")]
    Missing(&'static str),
}

/// The loaded object; what it is attached to is freed with it.
#[derive(Debug)]
pub(crate) struct Program {
    ebpf: Ebpf,
    sockets: Option<Map>,
    /// By number of the device that it stands on.
    links: Vec<(u32, Link)>,
}

#[derive(Debug)]
enum Link {
    AtDriver(XdpLinkId),
    Behind(SchedClassifierLinkId),
}

/// Where the program sees packets of lanes.
#[derive(Debug)]
pub(crate) struct Doors(HashMap<MapData, Place, u32>);

impl Doors {
    /// Lets the program see packets for a place.
    pub(crate) fn add(&mut self, place: &Place, lane: u32) -> Result<(), aya::maps::MapError> {
        // Not over another: two flows of one port would be an error of ours.
        const NO_EXIST: u64 = 1;
        self.0.insert(place, lane, NO_EXIST)
    }

    pub(crate) fn remove(&mut self, place: &Place) {
        // It can only fail where it is not there.
        let _ = self.0.remove(place);
    }
}

/// Whether the kernel has what handing frames to a process needs: a map of sockets of the kind AF_XDP.
pub(crate) fn hands_over() -> Result<(), String> {
    match aya::sys::is_map_supported(MapType::XskMap) {
        Ok(true) => Ok(()),
        Ok(false) => Err("the kernel makes no map of sockets (AF_XDP)".to_owned()),
        Err(error) => Err(format!("a map of sockets (AF_XDP): {error}")),
    }
}

impl Program {
    /// Loads both programs with room for `count` lanes; the verifier judges them here. `whole`: with what hands over.
    pub(crate) fn load(count: u32, whole: bool) -> Result<(Program, Doors, Memory), LoadError> {
        let mut loader = EbpfLoader::new();
        loader.btf(None).map_max_entries("LANES", count).map_max_entries("PLACES", count);
        loader.map_max_entries("SOCKETS", SOCKETS_MAX);
        let mut ebpf = loader.load(if whole { WHOLE } else { PLAIN })?;
        let program = |name: &'static str| LoadError::Missing(name);
        let xdp: &mut Xdp = ebpf.program_mut("relay_xdp").ok_or(program("relay_xdp"))?.try_into()?;
        xdp.load()?;
        let tcx: &mut SchedClassifier =
            ebpf.program_mut("relay_tcx").ok_or(program("relay_tcx"))?.try_into()?;
        tcx.load()?;
        let places = HashMap::try_from(ebpf.take_map("PLACES").ok_or(program("PLACES"))?)?;
        let Some(Map::Array(lanes)) = ebpf.take_map("LANES") else { return Err(program("LANES")) };
        if lanes.info()?.value_size() as usize != size_of::<RawLane>() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "lanes of another layout").into());
        }
        let memory = Memory::map(lanes.fd().as_fd(), count)?;
        let sockets = ebpf.take_map("SOCKETS");
        Ok((Program { ebpf, sockets, links: Vec::new() }, Doors(places), memory))
    }

    /// The map of sockets that frames are handed to, once.
    pub(crate) fn take_sockets(&mut self) -> Option<XskMap<MapData>> {
        XskMap::try_from(self.sockets.take()?).ok()
    }

    fn xdp(&mut self) -> Result<&mut Xdp, LoadError> {
        Ok(self.ebpf.program_mut("relay_xdp").ok_or(LoadError::Missing("relay_xdp"))?.try_into()?)
    }

    fn tcx(&mut self) -> Result<&mut SchedClassifier, LoadError> {
        Ok(self.ebpf.program_mut("relay_tcx").ok_or(LoadError::Missing("relay_tcx"))?.try_into()?)
    }

    /// Attaches to a device.
    pub(crate) fn attach(&mut self, hook: Hook, number: u32, name: &str) -> Result<(), LoadError> {
        let link = match hook {
            Hook::Xdp => Link::AtDriver(self.xdp()?.attach_to_if_index(number, XdpMode::Driver)?),
            Hook::Tcx => {
                let order = TcAttachOptions::TcxOrder(LinkOrder::default());
                Link::Behind(self.tcx()?.attach_with_options(name, TcAttachType::Ingress, order)?)
            }
        };
        self.links.push((number, link));
        Ok(())
    }

    /// Detaches from a device, which may be gone.
    pub(crate) fn leave(&mut self, number: u32) {
        let (left, links) = std::mem::take(&mut self.links).into_iter().partition(|(at, _)| *at == number);
        self.links = links;
        self.detach(left);
    }

    /// Detaches from all devices.
    pub(crate) fn leave_all(&mut self) {
        let left = std::mem::take(&mut self.links);
        self.detach(left);
    }

    fn detach(&mut self, links: Vec<(u32, Link)>) {
        for (_, link) in links {
            // It fails where the device is gone, and the link with it.
            let _ = match link {
                Link::AtDriver(link) => self.xdp().map(|xdp| xdp.detach(link)),
                Link::Behind(link) => self.tcx().map(|tcx| tcx.detach(link)),
            };
        }
    }

    /// Runs the program on a frame that is on no wire.
    pub(crate) fn attempt(&mut self, hook: Hook, frame: &[u8]) -> Result<Tried, LoadError> {
        const REDIRECTED: [u32; 2] = [4, 7];
        let mut out = [0; FRAME_MAX];
        let options =
            TestRunOptions { data_in: Some(frame), data_out: Some(&mut out), ..TestRunOptions::new() };
        let result = match hook {
            Hook::Xdp => self.xdp()?.test_run(options)?,
            Hook::Tcx => self.tcx()?.test_run(options)?,
        };
        let bytes = out.get(..result.data_size_out as usize).unwrap_or_default().to_vec();
        let relayed = REDIRECTED.contains(&result.return_value);
        Ok(if relayed { Tried::Relayed(bytes) } else { Tried::Up(bytes) })
    }
}
