#!/usr/bin/env python3
"""Reads the lines that bench/side_by_side wrote and prints the ratios for BENCHMARKS.md (medians)."""
import re
import statistics
import sys

folder = sys.argv[1]


def lines(name):
    try:
        with open(f"{folder}/{name}") as f:
            return f.read().splitlines()
    except OSError:
        return []


def fields(line):
    return dict(re.findall(r"(\S+?)=(\S+)", line))


cost, latency, top, packet = {}, {}, {}, {}
for line in lines("sip.txt"):
    d = fields(line)
    if line.startswith("cps ") and float(d["bad%"]) <= 1:
        cost.setdefault((d["label"], int(d["rate"])), []).append(float(d["cpu_s_per_1000"]))
        p99 = re.search(r"lat180_us_p50=\d+ p99=(\d+)", line)
        latency.setdefault((d["label"], int(d["rate"])), []).append(float(p99.group(1)))
    elif line.startswith("max "):
        top[d["label"]] = float(d["max_cps"])
    elif line.startswith("hold "):
        print(f"memory per held call: {int(d['bytes_per_call']) / 1024:.1f} KiB")
for line in lines("rtp.txt"):
    d = fields(line)
    if line.startswith("rtp "):
        packet.setdefault(d["label"], []).append((float(d["sut_us_per_pkt"]), float(d["loss%"])))

median = {k: statistics.median(v) for k, v in cost.items()}
for ours, theirs in (("tronco-udp", "kamailio-udp"), ("tronco-tcp", "kamailio-tcp"), ("tronco-tls", "kamailio-tls"),
                     ("tronco-anchored", "kamailio+rtpengine")):
    for label, rate in sorted(median):
        if label == ours and (theirs, rate) in median:
            a, b = median[ours, rate], median[theirs, rate]
            print(f"{ours} / {theirs} at {rate} calls/s: {a:.3f} / {b:.3f} CPU-s per 1,000 calls = {a / b:.2f}; "
                  f"p99 INVITE-180 {statistics.median(latency[ours, rate]) / 1000:.2f} ms / {statistics.median(latency[theirs, rate]) / 1000:.2f} ms")
        elif label == ours:
            print(f"{ours} at {rate} calls/s: {median[ours, rate]:.3f} CPU-s per 1,000 calls; {theirs} did not carry it")
if "tronco-udp" in top and top.get("kamailio-udp"):
    print(f"highest rate per core: {top['tronco-udp']:.0f} / {top['kamailio-udp']:.0f} calls/s = {top['tronco-udp'] / top['kamailio-udp']:.2f}")
for n in (200, 500, 1000):
    us = {k: statistics.median(x for x, _ in packet[f"{k}-{n}"]) for k in ("bare", "tronco", "rtpengine") if f"{k}-{n}" in packet}
    if len(us) == 3:
        loss = max(x for _, x in packet[f"tronco-{n}"])
        print(f"relay, {n} calls: tronco {us['tronco']:.2f}, bare {us['bare']:.2f}, rtpengine {us['rtpengine']:.2f} us per packet: "
              f"{us['tronco'] / us['bare']:.2f} of bare, {us['tronco'] / us['rtpengine']:.2f} of rtpengine; loss {loss} %")
for kind, n in (("secure", 200), ("secure", 400), ("pcma", 100), ("g722", 100), ("opus", 50)):
    ours, theirs = packet.get(f"tronco-{kind}-{n}"), packet.get(f"rtpengine-{kind}-{n}")
    if ours and theirs:
        a, b = (statistics.median(x for x, _ in v) for v in (ours, theirs))
        print(f"{kind}, {n} calls: tronco {a:.2f}, rtpengine {b:.2f} us per packet: {a / b:.2f}, {b / a:.1f} times the calls; "
              f"loss {max(x for _, x in ours)} and {max(x for _, x in theirs)} %")
late = {}
for line in lines("delay.txt"):
    d = fields(line)
    if line.startswith("delay "):
        late.setdefault(d["label"], []).append(d)
if "bare" in late:
    of = lambda label, what: statistics.median(float(d[what]) for d in late[label])
    for label in late:
        added = [of(label, what) - of("bare", what) for what in ("us_p50", "us_p99")]
        jitter = of(label, "jitter_out_us") - of(label, "jitter_in_us")
        print(f"delay, {late[label][0]['calls']} calls, {label}: median {of(label, 'us_p50'):.0f}, p99 {of(label, 'us_p99'):.0f} us; "
              f"beyond the bare relay {added[0]:+.0f}, {added[1]:+.0f} us; jitter {of(label, 'jitter_in_us'):.0f} us in, {jitter:+.0f} us added; "
              f"loss {max(float(d['loss%']) for d in late[label])} %")
