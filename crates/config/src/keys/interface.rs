//! `[listen.NAME]`.

use super::Effect::Restart;
use super::Need::{Absent, Default, Required};
use super::Preset::{Bool as Truth, Integer as Int};
use super::{Key, Section, Shape};
use crate::forms::{net, plain};

pub(crate) static LISTEN: Section = Section {
    title: "listen.NAME",
    doc: "An interface: a named inner or outer side of this node. A trunk lives on exactly one.",
    keys: &[
        Key {
            name: "address",
            shape: Shape::Text(&net::ADDRESS),
            need: Required,
            effect: Restart,
            doc: "The address that sockets are bound to.",
        },
        Key {
            name: "advertise",
            shape: Shape::Text(&net::HOST),
            need: Absent("`address`"),
            effect: Restart,
            doc: "Address or name that peers are told in Via and Contact, and in SDP when it is an address; for a node behind a static NAT.",
        },
        Key {
            name: "sip",
            shape: Shape::List { of: &Shape::Text(&net::SIP_PORT), min: 1, max: 64 },
            need: Required,
            effect: Restart,
            doc: "Open SIP ports. TLS ports stay closed to callers until `tls` names a certificate; TLS is dialled out all the same.",
        },
        Key {
            name: "rtp",
            shape: Shape::Text(&net::PORTS),
            need: Absent("no media is anchored on this interface"),
            effect: Restart,
            doc: "Ports for RTP and RTCP, two for each media stream.",
        },
        Key {
            name: "media_address",
            shape: Shape::Text(&net::ADDRESS),
            need: Absent("`address`"),
            effect: Restart,
            doc: "The address that media sockets are bound to.",
        },
        Key {
            name: "media_advertise",
            shape: Shape::Text(&net::ADDRESS),
            need: Absent("`media_address`, an `advertise` address, or `address`"),
            effect: Restart,
            doc: "Address that peers are told in SDP.",
        },
        Key {
            name: "dns",
            shape: Shape::List { of: &Shape::Text(&net::DNS_SERVER), min: 1, max: 8 },
            need: Absent("the system's"),
            effect: Restart,
            doc: "DNS servers that are asked for the names of this interface's gateways: a provider's own on its private access line.",
        },
        Key {
            name: "tls",
            shape: Shape::Table(&LISTEN_TLS),
            need: Absent("no TLS is accepted"),
            effect: Restart,
            doc: "Certificate and key of the TLS ports.",
        },
        Key {
            name: "dscp_media",
            shape: Shape::Integer { min: 0, max: 63 },
            need: Default(Int(46)),
            effect: Restart,
            doc: "DSCP of media; 46 is expedited forwarding (RFC 3246).",
        },
        Key {
            name: "dscp_sip",
            shape: Shape::Integer { min: 0, max: 63 },
            need: Default(Int(24)),
            effect: Restart,
            doc: "DSCP of signalling; 24 is class selector 3.",
        },
        Key {
            name: "udp_max",
            shape: Shape::Integer { min: 512, max: 65_507 },
            need: Default(Int(1_300)),
            effect: Restart,
            doc: "Largest request sent over UDP, in bytes. Larger ones go over TCP when the gateway speaks it (RFC 3261 §18.1.1).",
        },
    ],
};

pub(crate) static LISTEN_TLS: Section = Section {
    title: "listen.NAME.tls",
    doc: "Certificate and key of the TLS ports.",
    keys: &[
        Key {
            name: "cert",
            shape: Shape::Text(&plain::PATH),
            need: Required,
            effect: Restart,
            doc: "Certificate chain, PEM.",
        },
        Key { name: "key", shape: Shape::Secret, need: Required, effect: Restart, doc: "Private key, PEM." },
        Key {
            name: "client_ca",
            shape: Shape::Text(&plain::PATH),
            need: Absent("the system's authorities"),
            effect: Restart,
            doc: "Authorities that sign the certificates of peers that connect, PEM.",
        },
        Key {
            name: "require_client_cert",
            shape: Shape::Bool,
            need: Default(Truth(false)),
            effect: Restart,
            doc: "Whether a peer that connects must show a certificate (mutual TLS).",
        },
    ],
};
