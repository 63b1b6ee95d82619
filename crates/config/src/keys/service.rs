//! The tables of the node's own parts: records, media engine, limits, control, log, signalling.

use super::Effect::{Reload, Restart};
use super::Need::{Absent, Default};
use super::Preset::{Integer as Int, Text as Word};
use super::{Key, Section, Shape, seconds};
use crate::forms::plain;
use crate::model::{Bypass, FastPath, Level, LogFormat, TouchedPath, Words};
use std::time::Duration;

pub(crate) static RECORDS: Section = Section {
    title: "records",
    doc: "Call records and the journal.",
    keys: &[
        Key {
            name: "path",
            shape: Shape::Text(&plain::PATH_OR_OFF),
            need: Default(Word("/var/lib/tronco")),
            effect: Restart,
            doc: "Directory of the record database and the journal of live calls. `off` keeps neither.",
        },
        Key {
            name: "jsonl",
            shape: Shape::Text(&plain::PATH),
            need: Absent("none"),
            effect: Restart,
            doc: "File that gets one JSON line for each record.",
        },
        Key {
            name: "keep_days",
            shape: Shape::Integer { min: 1, max: 2562 },
            need: Default(Int(60)),
            effect: Restart,
            doc: "Days until a record is deleted.",
        },
        Key {
            name: "sync",
            shape: Shape::Duration { min: Duration::from_millis(100), max: seconds(10), off: true },
            need: Default(Word("1s")),
            effect: Restart,
            doc: "How often the journal is brought from the system's memory to the disk. A loss of power costs at most that long and the sync itself; 0 is off and leaves it to the system (about 30 s).",
        },
    ],
};

pub(crate) static MEDIA: Section = Section {
    title: "media",
    doc: "The media engine.",
    keys: &[
        Key {
            name: "workers",
            shape: Shape::Integer { min: 1, max: 256 },
            need: Absent("as many as the machine suggests"),
            effect: Restart,
            doc: "Threads that relay media.",
        },
        Key {
            name: "bypass",
            shape: Shape::Word { now: Bypass::TOKENS, later: &[] },
            need: Default(Word("always")),
            effect: Reload,
            doc: "Which calls have their media between the peers, of those whose trunks both say `media = \"direct\"`. `always`: all. `match`: those whose trunks share an id of `bypass` (a trunk without has its site for one), and those that leave by the trunk that they came by. `off`: none.",
        },
        Key {
            name: "fast_path",
            shape: Shape::Word { now: FastPath::TOKENS, later: &[] },
            need: Default(Word("auto")),
            effect: Restart,
            doc: "Whether settled flows of plain RTP are relayed in the kernel, where their packets arrive. `auto`: where this machine and this user can have it (CAP_BPF, CAP_NET_ADMIN), at the driver (XDP), else behind it (tcx); else by sockets, which `tronco status` explains. `off`: by sockets. `required`: as `auto`, but the node does not start without. `xdp`, `tcx`: by this hook, or the node does not start.",
        },
        Key {
            name: "touched_path",
            shape: Shape::Word { now: TouchedPath::TOKENS, later: &[] },
            need: Default(Word("off")),
            effect: Restart,
            doc: "Whether settled flows that must be touched (SRTP, transcoding, digits, recording) come to the process and leave it in memory that it shares with the kernel (AF_XDP, CAP_NET_RAW), past the sockets. `auto`: where `fast_path` has the program at the driver and the kernel allows it; else by sockets, which `tronco status` explains. `off`: by sockets. `required`: the node does not start without.",
        },
    ],
};

pub(crate) static LIMITS: Section = Section {
    title: "limits",
    doc: "Named limits of the whole node. Whoever meets one is refused with 503 and Retry-After, and counted.",
    keys: &[
        Key {
            name: "calls_max",
            shape: Shape::Integer { min: 1, max: 1_000_000 },
            need: Default(Int(20_000)),
            effect: Reload,
            doc: "Calls at a time.",
        },
        Key {
            name: "early_dialogs_max",
            shape: Shape::Integer { min: 1, max: 100 },
            need: Default(Int(20)),
            effect: Reload,
            doc: "Early dialogs of one outgoing INVITE.",
        },
        Key {
            name: "transactions_max",
            shape: Shape::Integer { min: 100, max: 10_000_000 },
            need: Default(Int(200_000)),
            effect: Restart,
            doc: "Transactions at a time, for each role (server and client).",
        },
        Key {
            name: "message_max",
            shape: Shape::Integer { min: 2_048, max: 1_048_576 },
            need: Default(Int(65_535)),
            effect: Restart,
            doc: "Bytes of one SIP message on a stream.",
        },
    ],
};

pub(crate) static API: Section = Section {
    title: "api",
    doc: "The control socket.",
    keys: &[Key {
        name: "socket",
        shape: Shape::Text(&plain::PATH),
        need: Default(Word("/run/tronco/tronco.sock")),
        effect: Restart,
        doc: "Path of the unix socket that `tronco status` and the other commands use.",
    }],
};

pub(crate) static LOG: Section = Section {
    title: "log",
    doc: "Logging.",
    keys: &[
        Key {
            name: "level",
            shape: Shape::Word { now: Level::TOKENS, later: &[] },
            need: Default(Word("info")),
            effect: Restart,
            doc: "How much is logged.",
        },
        Key {
            name: "format",
            shape: Shape::Word { now: LogFormat::TOKENS, later: &[] },
            need: Default(Word("text")),
            effect: Restart,
            doc: "Lines for people, or JSON objects.",
        },
    ],
};

pub(crate) static SIGNALLING: Section = Section {
    title: "signalling",
    doc: "SIP timers and threads.",
    keys: &[
        Key {
            name: "shards",
            shape: Shape::Later("signalling on more than one thread"),
            need: Absent(""),
            effect: Restart,
            doc: "Threads that carry signalling.",
        },
        Key {
            name: "drain_timeout",
            shape: Shape::Duration { min: seconds(0), max: seconds(86_400), off: false },
            need: Default(Word("30s")),
            effect: Restart,
            doc: "Longest wait for running calls at shutdown; then they are ended.",
        },
        Key {
            name: "max_forwards",
            shape: Shape::Integer { min: 1, max: 255 },
            need: Default(Int(70)),
            effect: Restart,
            doc: "Max-Forwards of requests that start here (RFC 3261 §8.1.1.6).",
        },
        Key {
            name: "t1_ms",
            shape: Shape::Integer { min: 50, max: 5_000 },
            need: Default(Int(500)),
            effect: Restart,
            doc: "T1 in milliseconds: first retransmission over UDP (RFC 3261 §17.1.1.1).",
        },
        Key {
            name: "t2_ms",
            shape: Shape::Integer { min: 500, max: 60_000 },
            need: Default(Int(4_000)),
            effect: Restart,
            doc: "T2 in milliseconds: longest gap between retransmissions (RFC 3261 §17.1.2.2). At least T1.",
        },
        Key {
            name: "t4_ms",
            shape: Shape::Integer { min: 500, max: 60_000 },
            need: Default(Int(5_000)),
            effect: Restart,
            doc: "T4 in milliseconds: how long a message may live in the network (RFC 3261 §17.1.2.2).",
        },
    ],
};
