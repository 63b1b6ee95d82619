//! Hundreds of streams that are opened, protected and turned into another law, brought in shared memory and taken back
//! while all talk: every packet is heard once, in order, and as it must be, and none that nobody said.

use crate::crowd::{Crowd, judge};
use crate::scene::{PATIENCE, are_free, is_possible};
use bench::{DEVICES, Host};
use media::Side;

/// Both sides of so many calls talk while all are taken back and lent again.
fn talks_through_it(name: &'static str, calls: u64, (workers, queues): (usize, u32), turns: u8) {
    if !is_possible() {
        return;
    }
    let inside = move || {
        let mut crowd = Crowd::new(name, calls, (workers, queues));
        crowd.describe(20);
        let talks = [Side::A, Side::B].map(|side| crowd.talk(side));
        for turn in 1..=turns {
            crowd.until_brought(20 * calls);
            crowd.describe(if turn % 2 == 1 { 30 } else { 20 });
        }
        crowd.until_brought(20 * calls);
        let said = talks.map(|talk| talk.stop());
        judge(&crowd.close(), said);
        every_socket_was_used(&crowd, workers, queues);
        let Crowd { engine, world, .. } = crowd;
        assert!(engine.shutdown(PATIENCE));
        are_free(&world);
    };
    std::thread::spawn(inside).join().unwrap();
}

/// Each worker has its socket at each queue of each device, by copies as these devices want it; packets came to all, and
/// none was lost.
fn every_socket_was_used(crowd: &Crowd, workers: usize, queues: u32) {
    let touched = crowd.engine.status().fast.touched;
    assert_eq!((touched.lost, touched.full, touched.unsound, touched.lanes), (0, 0, 0, 0), "{touched:?}");
    assert_eq!(touched.devices, DEVICES.map(|device| (device.to_owned(), queues)));
    assert_eq!(touched.workers.len(), workers, "{touched:?}");
    let all = DEVICES.iter().flat_map(|device| (0..queues).map(move |queue| (*device, queue)));
    let all: Vec<(&str, u32)> = all.collect();
    let mut received = 0;
    for worker in &touched.workers {
        let has: Vec<(&str, u32)> = worker.queues.iter().map(|at| (&*at.device, at.queue)).collect();
        assert_eq!((has, &worker.reason), (all.clone(), &None));
        for at in &worker.queues {
            assert!(at.received > 0 && !at.zero_copy, "{touched:?}");
            received += at.received;
        }
    }
    assert_eq!(received, touched.received);
}

#[test]
fn hundreds_of_secured_and_transcoded_streams_go_by_the_rings_and_back() {
    talks_through_it("load", 150, (1, 1), 3);
}

#[test]
fn what_arrives_at_any_queue_comes_to_the_worker_whose_call_it_is() {
    talks_through_it("queues", 40, (2, 2), 2);
}

/// Both ends send by this queue alone from now on, from whatever processor: it arrives at the queue of the same number.
fn send_by(crowd: &Crowd, queue: usize) {
    for (host, device) in [(Host::Speaker, "va"), (Host::Hearer, "vb")] {
        let queues = format!("/sys/class/net/{device}/queues");
        let all = "sed -n 's/^Cpus_allowed:[[:space:]]*//p' /proc/self/status";
        let command =
            format!("{all} > {queues}/tx-{queue}/xps_cpus && echo 0 > {queues}/tx-{}/xps_cpus", 1 - queue);
        crowd.world.inside(host, &command).unwrap();
    }
}

/// Packets that were brought at each of two queues.
fn by_queue(crowd: &Crowd) -> [u64; 2] {
    let touched = crowd.engine.status().fast.touched;
    let at = |queue| touched.workers.iter().flat_map(|w| &w.queues).filter(move |at| at.queue == queue);
    [0, 1].map(|queue| at(queue).map(|at| at.received).sum())
}

#[test]
fn calls_whose_packets_arrive_at_another_queue_from_now_on_go_on_and_none_is_lost() {
    const CALLS: u64 = 20;
    if !is_possible() {
        return;
    }
    let inside = || {
        let mut crowd = Crowd::new("change", CALLS, (2, 2));
        send_by(&crowd, 0);
        crowd.describe(20);
        let talks = [Side::A, Side::B].map(|side| crowd.talk(side));
        crowd.until_brought(20 * CALLS);
        for queue in [1, 0, 1] {
            send_by(&crowd, queue);
            // What was under way is heard by then.
            crowd.until_brought(10 * CALLS);
            let before = by_queue(&crowd);
            crowd.until_brought(20 * CALLS);
            let after = by_queue(&crowd);
            assert_eq!(after[1 - queue], before[1 - queue], "{before:?} {after:?}");
            assert!(after[queue] > before[queue] + 10 * CALLS, "{before:?} {after:?}");
        }
        let said = talks.map(|talk| talk.stop());
        judge(&crowd.close(), said);
        every_socket_was_used(&crowd, 2, 2);
        assert!(crowd.engine.shutdown(PATIENCE));
    };
    std::thread::spawn(inside).join().unwrap();
}
