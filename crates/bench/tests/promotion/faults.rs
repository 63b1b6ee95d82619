//! What goes wrong under packets that are brought in shared memory: a worker that stands still, a device that goes down,
//! or takes smaller packets, a worker that comes when the map of sockets is full. Nothing hangs, what is lost is
//! counted, and what is not touched by it goes on.

use crate::scene::{PATIENCE, Scene, Stream, end, hear, hear_keyed, is_possible, key};
use base::Time;
use bench::{DEVICES, Host, World, rtp};
use fastpath::{Hook, Kernel, Wish};
use media::{DropReason, FastPath, Home, Lane, Ledger, Opening, Rings, Road, Side};
use std::net::{SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The kernel's engine alone, with workers of the test's own, and who speaks to them.
pub(crate) struct Bare {
    pub(crate) kernel: Kernel,
    speaker: UdpSocket,
    /// A socket to which nothing comes, for waiting.
    idle: UdpSocket,
    pub(crate) world: World,
}

impl Bare {
    pub(crate) fn new(name: &str, workers: usize) -> Bare {
        let world = World::new(name, false).unwrap();
        let speaker = world.socket(Host::Speaker, 4000).unwrap();
        let idle = world.socket(Host::Speaker, 4002).unwrap();
        idle.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        world.enter(Host::Relay).unwrap();
        let addresses = [Host::Speaker, Host::Hearer].map(|host| world.address(Host::Relay, host)).to_vec();
        let wish = Wish { addresses, hook: Some(Hook::Xdp), lanes: 64, touched: true, workers };
        let kernel = Kernel::start(&wish).unwrap();
        Bare { kernel, speaker, idle, world }
    }

    pub(crate) fn until(&self, what: &str, mut is_it: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_it() {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.kernel.status().touched);
            let _ = self.idle.recv(&mut [0; 4]);
        }
    }

    fn port(line: u16) -> u16 {
        20_000 + 2 * line
    }

    /// A direction whose packets are brought to a worker; its first packet has gone up.
    pub(crate) fn open(&self, line: u16, rings: u32) -> u32 {
        let lane = self.try_open(line, rings).unwrap();
        self.say(line, 0);
        let seen = Ledger { highest: 0x1_0000, ..Ledger::default() };
        self.until("the first packet is not seen", || self.kernel.open(lane, &seen) == Opening::Opened);
        lane
    }

    /// The same before any packet, if it can be had.
    pub(crate) fn try_open(&self, line: u16, rings: u32) -> Option<u32> {
        let at = |host, towards, port| SocketAddr::new(self.world.address(host, towards), port);
        let lane = Lane {
            expect: at(Host::Speaker, Host::Speaker, 4000),
            to: at(Host::Hearer, Host::Hearer, 5000),
            payload_types: [0; 2],
            ssrc: 0,
            rate: 0,
            changed: Time::ZERO,
            touched: true,
        };
        let local = at(Host::Relay, Host::Speaker, Bare::port(line));
        let from = at(Host::Relay, Host::Hearer, Bare::port(line));
        let home = Some(Home { rings, token: u64::from(line) });
        self.kernel.watch(&lane, &Road { local, from, dscp: 46, home }, Time::ZERO)
    }

    pub(crate) fn say(&self, line: u16, number: u16) {
        let to = SocketAddr::new(self.world.address(Host::Relay, Host::Speaker), Bare::port(line));
        self.speaker.send_to(&rtp(u32::from(line), number), to).unwrap();
    }

    pub(crate) fn lost(&self) -> u64 {
        self.kernel.status().touched.lost
    }

    /// What some workers have lost at the first device.
    fn lost_of(&self, workers: std::ops::Range<usize>) -> Vec<u64> {
        self.kernel.status().touched.workers[workers].iter().map(|worker| worker.queues[0].lost).collect()
    }
}

/// Takes what waits: whose packets, and their numbers.
pub(crate) fn take(rings: &mut dyn Rings) -> Vec<(u64, u16)> {
    let (mut taken, mut buffer) = (Vec::new(), [0; 2048]);
    while let Some(arrived) = rings.receive(&mut buffer) {
        assert!(arrived.sound && arrived.length == 172);
        taken.push((arrived.token, u16::from_be_bytes([buffer[2], buffer[3]])));
    }
    rings.flush();
    taken
}

pub(crate) fn numbers(line: u64, numbers: std::ops::Range<u16>) -> Vec<(u64, u16)> {
    numbers.map(|number| (line, number)).collect()
}

pub(crate) fn apart(test: impl FnOnce() + Send + 'static) {
    if is_possible() {
        std::thread::spawn(test).join().unwrap();
    }
}

#[test]
fn a_worker_that_stands_still_loses_what_is_beyond_its_share_and_nobody_else_loses_any() {
    apart(|| {
        let bare = Bare::new("still", 2);
        let [mut still, mut other] = [0, 1].map(|_| bare.kernel.rings().unwrap());
        for line in [0, 1] {
            bare.open(line, u32::from(line));
        }
        (1..=1_500).for_each(|number| bare.say(0, number));
        // Half of the queue's places are its share.
        bare.until("its share", || still.waiting() == 1_024 && bare.lost() == 476);
        let mut heard = Vec::new();
        for first in (1..=600).step_by(100) {
            (first..first + 100).for_each(|number| bare.say(1, number));
            bare.until("the other's", || {
                heard.append(&mut take(&mut *other));
                heard.len() == usize::from(first) + 99
            });
        }
        assert_eq!((heard, bare.lost()), (numbers(1, 1..601), 476));
        assert_eq!(take(&mut *still), numbers(0, 1..1_025));
        (2_000..2_100).for_each(|number| bare.say(0, number));
        bare.until("goes on", || still.waiting() == 100);
        assert_eq!((take(&mut *still), bare.lost()), (numbers(0, 2_000..2_100), 476));
        assert_eq!(bare.lost_of(0..2), [476, 0]);
    });
}

#[test]
fn where_no_place_is_left_for_what_comes_it_is_counted_and_comes_again_when_one_is() {
    apart(|| {
        // The share of each of sixteen is the least, and more than all places if more than eight stand still.
        let bare = Bare::new("empty", 16);
        let mut workers: Vec<Box<dyn Rings>> = (0..16).map(|_| bare.kernel.rings().unwrap()).collect();
        (0..9).for_each(|line| _ = bare.open(line, u32::from(line)));
        for line in 0..8 {
            (1..=256).for_each(|number| bare.say(line, number));
            bare.until("a share", || workers[usize::from(line)].waiting() == 256);
        }
        assert_eq!(bare.lost(), 0);
        (1..=10).for_each(|number| bare.say(8, number));
        bare.until("no place is left", || bare.lost() == 10);
        assert_eq!(workers[8].waiting(), 0);
        assert_eq!(take(&mut *workers[3]).len(), 256);
        (11..=20).for_each(|number| bare.say(8, number));
        bare.until("it goes on", || workers[8].waiting() == 10);
        assert_eq!((take(&mut *workers[8]), bare.lost()), (numbers(8, 11..21), 10));
        assert_eq!(bare.lost_of(7..10), [0, 10, 0]);
    });
}

#[test]
fn a_worker_that_comes_when_the_map_is_full_says_so_and_hides_nobody() {
    apart(|| {
        let bare = Bare::new("late", 1);
        let mut workers = Vec::new();
        while let Some(worker) = bare.kernel.rings() {
            workers.push(worker);
        }
        // Sixteen places for each at each of two devices, of 4,096.
        assert_eq!(workers.len(), 128);
        let told = bare.kernel.status().touched;
        assert_eq!((told.reason, told.devices.len(), told.workers.len()), (None, 2, 129));
        let (has, lacks) = (&told.workers[127], &told.workers[128]);
        assert_eq!((has.number, has.queues.len(), &has.reason), (127, 2, &None));
        let reason = lacks.reason.as_deref().unwrap_or_default();
        assert!(lacks.number == 128 && lacks.queues.is_empty() && reason.starts_with("sa "), "{lacks:?}");
        bare.open(0, 127);
        bare.say(0, 1);
        bare.until("the last one works", || workers[127].waiting() == 1);
        drop(workers);
        assert_eq!(
            bare.kernel.status().touched.workers.len(),
            1,
            "they have ended, but for the one that has none"
        );
    });
}

#[test]
fn on_a_kernel_without_af_xdp_plain_media_are_relayed_at_the_driver_and_status_says_why_no_others_are() {
    apart(|| {
        let world = World::new("without", false).unwrap();
        world.enter(Host::Relay).unwrap();
        let addresses = [Host::Speaker, Host::Hearer].map(|host| world.address(Host::Relay, host)).to_vec();
        let wish = Wish { addresses, hook: None, lanes: 64, touched: true, workers: 1 };
        let kernel = Kernel::start_where(&wish, || Err("no such map".to_owned())).unwrap();
        let told = kernel.status();
        assert_eq!(told.devices, DEVICES.map(|device| (device.to_owned(), "xdp")));
        assert_eq!((told.reason, told.touched.reason), (None, Some("no such map".to_owned())));
        assert!(told.touched.devices.is_empty() && kernel.rings().is_none());
        // Behind the driver too.
        drop(kernel);
        let wish = Wish { hook: Some(Hook::Tcx), ..wish };
        let kernel = Kernel::start_where(&wish, || Err("no such map".to_owned())).unwrap();
        assert_eq!(kernel.status().devices, DEVICES.map(|device| (device.to_owned(), "tcx")));
    });
}

#[test]
fn a_device_that_comes_back_as_one_where_the_program_cannot_stand_is_named_with_the_reason() {
    apart(|| {
        let bare = Bare::new("lesser", 1);
        let relay = |command: &str| bare.world.inside(Host::Relay, command).map(drop).unwrap();
        let places = || bare.kernel.status().places.into_iter().map(|(_, place)| place);
        relay("ip link delete sb");
        let address = bare.world.address(Host::Relay, Host::Hearer);
        // This kind has no hook at its driver.
        relay(&format!(
            "ip link add sb type bridge && ip address add {address}/24 dev sb && ip link set sb up"
        ));
        let reason = || places().nth(1).and_then(Result::err).unwrap_or_default();
        bare.until("no reason is told", || reason().starts_with("sb: "));
        assert_eq!(places().next(), Some(Ok("sa".to_owned())));
        assert_eq!(bare.kernel.status().devices, [("sa".to_owned(), "xdp")]);
        relay("ip link delete sb");
        bare.world.mend(Host::Hearer).unwrap();
        bare.until("it is not taken up", || places().nth(1) == Some(Ok("sb".to_owned())));
        assert_eq!(bare.kernel.status().devices, DEVICES.map(|device| (device.to_owned(), "xdp")));
    });
}

/// A call of which both sides speak, by the rings.
pub(crate) struct Call {
    pub(crate) scene: Scene,
    streams: [Stream; 2],
    /// At A and at B.
    heard: [JoinHandle<Vec<(SocketAddr, u16)>>; 2],
}

impl Call {
    pub(crate) fn new(name: &str) -> Call {
        let mut scene = Scene::with(name, Hook::Xdp, false, (true, true));
        scene.describe(20);
        let heard = [hear(&scene.a), hear_keyed(&scene.b, Some(key(2)))];
        let pace = Duration::from_millis(2);
        let forth = Stream::start(&scene.a, scene.ours(Side::A), 1, pace);
        let back = Stream::keyed(&scene.b, scene.ours(Side::B), (2, Some(key(1))), pace);
        scene.until_relayed(400);
        Call { scene, streams: [forth, back], heard }
    }

    pub(crate) fn relay(&self, command: &str) {
        self.scene.world.inside(Host::Relay, command).unwrap();
    }

    pub(crate) fn until(&mut self, what: &str, is_it: impl Fn(&media::Status) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_it(&self.scene.engine.status()) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.scene.engine.status());
            let _ = self.scene.bell.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Ends it: how much each side said, and the numbers of what each heard, of one port of ours, none late, doubled or
    /// before its turn.
    pub(crate) fn end(self) -> (Scene, [u64; 2], [Vec<u16>; 2]) {
        let said = self.streams.map(Stream::stop);
        self.scene.idle(Duration::from_millis(500));
        [&self.scene.a, &self.scene.b].into_iter().for_each(end);
        let heard = self.heard.map(|heard| heard.join().unwrap());
        let numbers = [(Side::A, &heard[0]), (Side::B, &heard[1])].map(|(side, heard)| {
            let ours = self.scene.ours(side);
            assert!(heard.iter().all(|(source, _)| *source == ours));
            let late = heard.windows(2).find(|two| two[0].1 >= two[1].1);
            assert_eq!(late, None, "overtaken or late, at {side:?}");
            heard.iter().map(|(_, number)| *number).collect()
        });
        (self.scene, said, numbers)
    }
}

#[test]
fn a_device_that_takes_smaller_packets_from_now_on_gets_them_whole_by_sockets_and_again_by_rings() {
    apart(|| {
        let mut call = Call::new("mtu");
        // 172 bytes of RTP are 182 protected, and 210 with headers: in fragments from here on. What comes may be longer.
        call.relay("ip link set sb mtu 208");
        let now = call.scene.engine.status().packets;
        call.until("nothing goes on", |status| status.packets > now + 1_000);
        let before = call.scene.engine.status();
        call.until("nothing goes on", |status| status.packets > before.packets + 1_000);
        let after = call.scene.engine.status();
        let [passed, by_rings] =
            [after.packets - before.packets, after.fast.touched.sent - before.fast.touched.sent];
        assert!(by_rings < passed * 3 / 4, "{by_rings} of {passed}: one of two directions goes by sockets");
        call.relay("ip link set sb mtu 1500");
        call.scene.until_relayed(1_000);
        let (scene, [said_a, said_b], [at_a, at_b]) = call.end();
        let touched = scene.engine.status().fast.touched;
        assert_eq!((touched.lost, touched.full, touched.unsound), (0, 0, 0));
        assert_eq!([at_b.len() as u64, at_a.len() as u64], [said_a, said_b]);
        assert!(scene.engine.shutdown(PATIENCE));
    });
}

#[test]
fn a_device_that_goes_down_loses_what_leaves_by_it_alone_and_has_it_again_when_it_is_up() {
    apart(|| {
        let mut call = Call::new("down");
        let before = call.scene.engine.status();
        call.relay("ip link set sb down");
        let lost =
            |status: &media::Status| status.fast.touched.full + status.drops[DropReason::SendFailed as usize];
        call.until("nothing is lost", |status| lost(status) > 100);
        call.until("its direction is lent", |status| status.fast.touched.lanes == 1);
        call.relay("ip link set sb up");
        let mac = call.scene.world.mac(Host::Hearer, "vb").unwrap();
        call.scene.world.neighbour(Host::Hearer, DEVICES[1], &mac).unwrap();
        call.scene.until_relayed(1_000);
        let (scene, [said_a, said_b], [at_a, at_b]) = call.end();
        let status = scene.engine.status();
        let (missing, counted) = (said_a - at_b.len() as u64, lost(&status) - lost(&before));
        assert!(missing.abs_diff(counted) <= 50, "{missing} are missing, {counted} are counted: {status:?}");
        let last = [&at_a, &at_b].map(|heard| heard.last().map_or(0, |last| u64::from(*last) + 1));
        assert_eq!(last, [said_b, said_a]);
        assert!(scene.engine.shutdown(PATIENCE));
    });
}
