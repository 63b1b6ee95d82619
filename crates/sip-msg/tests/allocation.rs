//! Parsing, typed reading and stream framing allocate nothing once their buffers have grown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "a global allocator that counts cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sip_msg::{Frame, Framer, Index, Leniency, Limits, Name, NameAddr, Uri, parse, verify};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system allocator unchanged; counting touches only a thread's own cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

const INVITE: &[u8] = include_bytes!("../testdata/trunk_invite.sip");

fn read_everything(bytes: &[u8], index: &mut Index) {
    let message = parse(bytes, index, &Limits::default(), Leniency::default()).unwrap();
    verify(message, Leniency::default()).unwrap();
    let (via, from, to) = (message.via().unwrap(), message.from().unwrap(), message.to().unwrap());
    assert_eq!((via.branch.len() > 8, from.tag().is_some(), to.tag()), (true, true, None));
    let contact = message.contact().unwrap().unwrap();
    assert_eq!(Uri::parse(contact.uri).unwrap().port, Some(5080));
    for element in message.list(Name::RecordRoute) {
        NameAddr::parse(element).unwrap();
    }
    assert_eq!((message.cseq().unwrap().number, message.call_id().is_ok()), (102, true));
    assert_eq!((message.min_se(), message.session_expires().unwrap().unwrap().seconds), (Ok(Some(90)), 1800));
    assert!(message.has_token(Name::Supported, "100rel") && message.is_sdp());
    assert_eq!(message.row_named("x-carrier-call").count(), 1);
}

#[test]
fn parsing_and_typed_reading_allocate_nothing() {
    let mut index = Index::new();
    read_everything(INVITE, &mut index);
    assert_eq!(allocations(|| read_everything(INVITE, &mut index)), 0);
}

#[test]
fn framing_a_warm_stream_allocates_nothing() {
    let mut framer = Framer::new(&Limits::default(), Leniency::default());
    let mut turn = || {
        framer.push(INVITE).unwrap();
        assert!(matches!(framer.next(), Ok(Some(Frame::Message(message))) if message.len() == INVITE.len()));
        assert_eq!(framer.next(), Ok(None));
    };
    turn();
    assert_eq!(allocations(turn), 0);
}
