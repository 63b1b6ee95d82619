//! A device is removed and made again under packets that are brought in shared memory: it serves them again.

use crate::faults::{Bare, Call, apart, numbers, take};
use crate::scene::{PATIENCE, Scene, are_free};
use bench::{DEVICES, Host};
use media::{FastPath, Rings};
use std::time::Duration;

#[test]
fn a_device_that_is_removed_and_made_again_during_a_call_serves_it_again() {
    apart(|| {
        let mut call = Call::new("gone");
        let before = call.scene.engine.status().fast.touched;
        call.relay("ip link delete sb");
        call.until("its direction is lent", |status| status.fast.touched.lanes == 1);
        call.until("it is still served", |status| status.fast.touched.devices.len() == 1);
        let spent = busy();
        call.scene.idle(Duration::from_millis(500));
        assert!(busy() - spent < 40, "a worker spins: {} ticks", busy() - spent);
        call.scene.world.mend(Host::Hearer).unwrap();
        call.until("it is not taken up", |status| status.fast.touched.lanes == 2);
        let touched = call.scene.engine.status().fast.touched;
        assert_eq!((&touched.devices, &touched.without), (&before.devices, &Vec::new()));
        let queues: Vec<&str> = touched.workers[0].queues.iter().map(|at| &*at.device).collect();
        assert_eq!(queues, DEVICES, "{touched:?}");
        call.scene.until_relayed(400);
        let now = call.scene.engine.status();
        call.scene.until_relayed(2_000);
        let then = call.scene.engine.status();
        let passed = then.packets - now.packets;
        for by_rings in [
            then.fast.touched.received - now.fast.touched.received,
            then.fast.touched.sent - now.fast.touched.sent,
        ] {
            assert!(by_rings > passed * 4 / 5, "{by_rings} of {passed}: both directions, in and out");
        }
        let (scene, [said_a, said_b], [at_a, at_b]) = call.end();
        let last = [&at_a, &at_b].map(|heard| heard.last().map_or(0, |last| u64::from(*last) + 1));
        assert_eq!(last, [said_b, said_a]);
        let Scene { engine, world, .. } = scene;
        assert!(world.inside(Host::Relay, "ip link show sa").unwrap().contains("xdp"));
        assert!(engine.shutdown(PATIENCE));
        are_free(&world);
    });
}

#[test]
fn all_workers_have_a_device_that_is_made_again_and_what_was_lost_there_before_stays_counted() {
    apart(|| {
        let bare = Bare::new("served", 2);
        let mut workers = [0, 1].map(|_| bare.kernel.rings().unwrap());
        bare.open(0, 0);
        (1..=1_500).for_each(|number| bare.say(0, number));
        bare.until("its share", || workers[0].waiting() == 1_024 && bare.lost() == 476);
        assert!(workers.iter().all(|worker| !worker.is_stale()));
        bare.world.inside(Host::Relay, "ip link delete sa").unwrap();
        bare.until("it is still there", || bare.kernel.status().devices.len() == 1);
        assert_eq!(bare.kernel.status().touched.devices, [("sb".to_owned(), 1)]);
        assert_eq!(take(&mut *workers[0]).len(), 1_024, "what has come can still be taken");
        bare.world.mend(Host::Speaker).unwrap();
        bare.until("it is not taken up", || bare.kernel.status().devices.len() == 2);
        assert_eq!(bare.kernel.status().touched.devices.len(), 2);
        assert!(workers.iter().all(|worker| worker.is_stale()));
        assert_eq!(bare.try_open(1, 0), None, "nobody takes anything from it yet");
        workers.iter_mut().for_each(|worker| worker.renew());
        assert!(workers.iter().all(|worker| !worker.is_stale() && worker.descriptors().len() == 2));
        assert_eq!(bare.lost(), 476);
        for (line, worker) in (1..).zip(&mut workers) {
            bare.open(line, u32::from(line) - 1);
            (1..=100).for_each(|number| bare.say(line, number));
            bare.until("it does not come", || worker.waiting() == 100);
            assert_eq!(take(&mut **worker), numbers(line.into(), 1..101));
        }
        let mut late = bare.kernel.rings().unwrap();
        bare.open(3, 2);
        bare.say(3, 1);
        bare.until("nor to one that came later", || late.waiting() == 1);
        assert_eq!(take(&mut *late), numbers(3, 1..2));
    });
}

#[test]
fn a_device_that_comes_back_where_not_all_workers_can_have_it_is_named_with_the_reason() {
    apart(|| {
        let bare = Bare::new("crowded", 1);
        let mut workers: Vec<Box<dyn Rings>> = (0..128).map(|_| bare.kernel.rings().unwrap()).collect();
        let touched = || bare.kernel.status().touched;
        bare.world.inside(Host::Relay, "ip link delete sb").unwrap();
        bare.until("it is still served", || touched().devices.len() == 1);
        workers.push(bare.kernel.rings().unwrap());
        bare.world.mend(Host::Hearer).unwrap();
        bare.until("no reason is told", || !touched().without.is_empty());
        let told = touched();
        let (device, reason) = &told.without[0];
        assert!(device == "sb" && reason.starts_with("sb "), "{told:?}");
        assert_eq!((told.reason, told.devices), (None, vec![("sa".to_owned(), 1)]));
        bare.until("it is not taken up", || {
            bare.kernel.status().devices == DEVICES.map(|device| (device.to_owned(), "xdp"))
        });
        workers.iter_mut().for_each(|worker| worker.renew());
        bare.open(0, 128);
        bare.say(0, 1);
        bare.until("the other device works", || workers[128].waiting() == 1);
    });
}

/// Hundredths of a second that the media workers of the test have had.
fn busy() -> u64 {
    // Those on this thread's host alone: other tests have some too.
    let host = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let mut all = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        let there = std::fs::read_link(task.path().join("ns/net")).is_ok_and(|there| there == host);
        if name.contains("(media") && there {
            let spent = rest.split(' ').skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
            all += spent.sum::<u64>();
        }
    }
    all
}
