// The kernel's media engine: relays the packets of settled flows (media::Lane) where they arrive. One source, two
// programs: `xdp` at the driver, `tcx` behind it. A packet that is not plainly of an open lane goes up to its socket,
// unchanged and uncounted, and the portable engine judges it. Packets that the process must touch are handed to it in
// memory that it shares with the kernel (AF_XDP), by `xdp` alone: they are neither judged nor counted here. With PLAIN
// nothing is handed over: for kernels without AF_XDP, whose map of sockets would have all of it refused.
//
// What is counted is what crates/media/src/reception.rs, half.rs and crates/rtp/src/stats.rs count, step by step: a
// lane's ledger moves between the engines, and crates/fastpath/tests/differential.rs holds them together. Layouts are
// those of crates/fastpath/src/layout.rs and media::Ledger. Rebuild with `cargo run -p xtask -- bpf`.

#include <linux/bpf.h>

#define SECTION(name) __attribute__((section(name), used))
#define INLINE static __attribute__((always_inline)) inline
#define ETHERNET 14
#define IPV4 __builtin_bswap16(0x0800)
#define IPV6 __builtin_bswap16(0x86dd)
#define UDP 17
#define RTP_HEADER 12
// RFC 3550 §A.1, and the limits of rtp::stats and media::reception.
#define DROPOUT_MAX 3000
#define MISORDER_MAX 100
#define TRANSIT_LEAP_SECONDS 10
#define LATE_AFTER_MS 60
#define LEAP_MS 1000
#define NO_RESTART 0x10000
#define QUICKEST_NONE 0x7fffffff
#define SECOND 1000000000ULL
// Where a checksum is looked at whole: chunks of a packet.
#define CHUNK 64
#define CHUNKS 24
// The longest packet that is handed to the process: it and its headers fit into a frame's place.
#define HANDED_MAX 1500
// Instead of a device: the frame goes to the process.
#define TO_PROCESS 0xffffffff
#ifdef PLAIN
#define HANDS_OVER 0
#else
#define HANDS_OVER 1
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the committed object is for little-endian machines"
#endif

// Low byte of a lane's gate. Only in WATCH is there more in it: the last sequence number that was seen (bits 16 to 31)
// and how many packets were (bits 32 to 63).
enum { CLOSED, OPEN, BUSY, WATCH, UNSOUND, HANDED };
// media::Ledger's flags.
enum { HAS_TRANSIT = 1, HAS_ORIGIN = 2 };
enum { IN_ORDER, AFTER_GAP, REORDERED, DUPLICATE, STRAY, RESTARTED };

struct ledger {
    __u64 last;
    __u64 silence_max;
    __u64 heard;
    __u64 packets;
    __u64 bytes;
    __u64 late;
    __u64 gaps;
    __u64 base;
    __u64 highest;
    __u64 window[2];
    __u64 expected_before;
    __u64 received;
    __u64 duplicates;
    __u64 reordered;
    __u64 strays;
    __u64 restarts;
    __u64 jitter_16;
    __u32 jitter_max;
    __u32 timestamp;
    __u32 payload_type;
    __u32 paced_timestamp;
    __u32 clock;
    __u32 transit;
    __u32 flags;
    __u32 restart_at;
    __u32 origin;
    __u32 last_transit;
    __s32 quickest;
    __s32 quickest_before;
    __u32 spans;
    __u32 rest;
};

struct lane {
    __u64 gate;
    __u64 birth;
    __u64 changed;
    __u64 payload_types[2];
    __u32 expect[4];
    __u32 from[4];
    __u32 to[4];
    __u16 expect_port;
    __u16 from_port;
    __u16 to_port;
    __u8 tos;
    __u8 ttl;
    // MAC addresses of an outgoing frame: to, from.
    __u8 hop[12];
    __u32 device;
    __u32 mtu;
    __u32 ssrc;
    __u32 rate;
    // One's complement sums: of an outgoing IPv4 header without its length, and what a UDP checksum gains.
    __u32 head_sum;
    __u32 gain_addresses;
    __u32 gain_ports;
    // Spans of rating that have ended.
    __u32 spans;
    // Where its packets are handed to the process: one more than its first place in SOCKETS, the device that they arrive
    // at, and how many queues of that are served. Of its ledger only the time of the last packet is kept then.
    __u32 hand;
    __u32 arrival;
    __u32 queues;
    struct ledger ledger;
};

struct place {
    __u32 address[4];
    __u16 port;
    __u16 family;
};

struct bpf_map_def {
    __u32 type;
    __u32 key_size;
    __u32 value_size;
    __u32 max_entries;
    __u32 map_flags;
};

struct bpf_map_def SECTION("maps") PLACES = { BPF_MAP_TYPE_HASH, sizeof(struct place), 4, 1, 0 };
struct bpf_map_def SECTION("maps") LANES = { BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lane), 1, BPF_F_MMAPABLE };
#ifndef PLAIN
struct bpf_map_def SECTION("maps") SOCKETS = { BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0 };
#endif

static void *(*const map_lookup)(void *, const void *) = (void *)BPF_FUNC_map_lookup_elem;
static __u64 (*const clock_now)(void) = (void *)BPF_FUNC_ktime_get_ns;
static long (*const redirect)(__u32, __u64) = (void *)BPF_FUNC_redirect;
#ifndef PLAIN
static long (*const redirect_map)(void *, __u64, __u64) = (void *)BPF_FUNC_redirect_map;
#endif
static __u64 (*const frame_length)(void *) = (void *)BPF_FUNC_xdp_get_buff_len;
static long (*const xdp_load)(void *, __u32, void *, __u32) = (void *)BPF_FUNC_xdp_load_bytes;
static long (*const skb_load)(void *, __u32, void *, __u32) = (void *)BPF_FUNC_skb_load_bytes;
static long (*const skb_pull)(void *, __u32) = (void *)BPF_FUNC_skb_pull_data;
static long (*const skb_sum)(void *, __u32, __u64, __u64, __u64) = (void *)BPF_FUNC_l4_csum_replace;
static __s64 (*const sum_of)(const void *, __u32, const void *, __u32, __u32) = (void *)BPF_FUNC_csum_diff;

INLINE __u16 swap16(__u16 v) { return __builtin_bswap16(v); }
INLINE __u32 swap32(__u32 v) { return __builtin_bswap32(v); }

INLINE __u16 fold(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

INLINE long load(void *context, const int behind, __u32 at, void *to, __u32 length)
{
    return behind ? skb_load(context, at, to, length) : xdp_load(context, at, to, length);
}

// rtp::Reception::count.
INLINE int count(struct ledger *l, __u16 sequence)
{
    __u16 ahead = sequence - (__u16)l->highest;
    __u16 behind = -ahead;
    if (!ahead) {
        l->duplicates++;
        return DUPLICATE;
    }
    if (ahead < DROPOUT_MAX) {
        l->highest += ahead;
        if (ahead >= 128) {
            l->window[0] = l->window[1] = 0;
        } else if (ahead >= 64) {
            l->window[1] = l->window[0] << (ahead - 64);
            l->window[0] = 0;
        } else {
            l->window[1] = l->window[1] << ahead | l->window[0] >> (64 - ahead);
            l->window[0] <<= ahead;
        }
        l->window[0] |= 1;
        l->restart_at = NO_RESTART;
        return ahead == 1 ? IN_ORDER : AFTER_GAP;
    }
    if (behind < MISORDER_MAX) {
        __u64 bit = 1ULL << (behind & 63);
        __u64 low = behind < 64 ? bit : 0;
        __u64 high = behind < 64 ? 0 : bit;
        if ((l->window[0] & low) | (l->window[1] & high)) {
            l->duplicates++;
            return DUPLICATE;
        }
        l->window[0] |= low;
        l->window[1] |= high;
        l->reordered++;
        __u64 number = l->highest - behind;
        if (number < l->base)
            l->base = number;
        return REORDERED;
    }
    if (l->restart_at == sequence) {
        l->expected_before += l->highest - l->base + 1;
        l->restarts++;
        l->highest = 1 << 16 | (__u64)sequence;
        // The stray before this one was the first of the new run after all.
        l->base = l->highest - 1;
        l->window[0] = 3;
        l->window[1] = 0;
        l->restart_at = NO_RESTART;
        l->strays--;
        l->received++;
        return RESTARTED;
    }
    l->restart_at = (__u16)(sequence + 1);
    l->strays++;
    return STRAY;
}

// rtp::Reception::time: interarrival jitter (RFC 3550 §A.8).
INLINE void pace(struct ledger *l, __u64 now, __u32 timestamp, __u32 rate)
{
    __u32 arrival = now / SECOND * rate + now % SECOND * rate / SECOND;
    __u32 transit = arrival - timestamp;
    int known = (l->flags & HAS_TRANSIT) && l->clock == rate;
    if (known && timestamp == l->paced_timestamp)
        return;
    __u32 before = l->transit;
    l->clock = rate;
    l->paced_timestamp = timestamp;
    l->transit = transit;
    l->flags |= HAS_TRANSIT;
    if (!known)
        return;
    __s32 signed_change = transit - before;
    __u32 change = signed_change < 0 ? -(__u32)signed_change : (__u32)signed_change;
    if (change > (__u64)rate * TRANSIT_LEAP_SECONDS)
        return;
    l->jitter_16 += change - ((l->jitter_16 + 8) >> 4);
    __u64 jitter = l->jitter_16 >> 4;
    if (jitter > 0xffffffff)
        jitter = 0xffffffff;
    if (jitter > l->jitter_max)
        l->jitter_max = jitter;
}

// media::reception::Transit::is_late.
INLINE int is_late(struct ledger *l, __u64 now, __u32 timestamp, __u32 rate)
{
    __u32 arrival = now / 1000 * rate / 1000000;
    __u32 transit = arrival - timestamp;
    __s64 change = (__s32)(transit - l->last_transit);
    if (change < 0)
        change = -change;
    if (!(l->flags & HAS_ORIGIN) || change * 1000 > (__s64)LEAP_MS * rate) {
        l->flags |= HAS_ORIGIN;
        l->origin = l->last_transit = transit;
        l->quickest = 0;
        l->quickest_before = QUICKEST_NONE;
        return 0;
    }
    l->last_transit = transit;
    __s32 relative = transit - l->origin;
    if (relative < l->quickest)
        l->quickest = relative;
    __s64 quickest = l->quickest < l->quickest_before ? l->quickest : l->quickest_before;
    return ((__s64)relative - quickest) * 1000 > (__s64)LATE_AFTER_MS * rate;
}

// media::Half::hear and media::Reception::hear.
INLINE void hear(struct lane *lane, __u64 now, const __u8 *rtp, __u32 bytes)
{
    struct ledger *l = &lane->ledger;
    __u32 ended = lane->spans - l->spans;
    if (ended) {
        l->quickest_before = ended == 1 ? l->quickest : QUICKEST_NONE;
        l->quickest = QUICKEST_NONE;
        l->spans += ended;
    }
    __u64 since = l->last > lane->changed ? l->last : lane->changed;
    if (now > since && now - since > l->silence_max)
        l->silence_max = now - since;
    l->last = now;
    l->heard++;
    __u32 type = rtp[1] & 0x7f;
    __u32 timestamp = swap32(*(__u32 *)(rtp + 4));
    int pacing = type == l->payload_type && timestamp != l->timestamp;
    l->payload_type = type;
    l->timestamp = timestamp;
    l->packets++;
    l->bytes += bytes;
    int heard = count(l, swap16(*(__u16 *)(rtp + 2)));
    if (heard == DUPLICATE || heard == STRAY)
        return;
    if (heard == RESTARTED) {
        l->flags &= ~HAS_TRANSIT;
        l->transit = 0;
    }
    l->received++;
    if (pacing)
        pace(l, now, timestamp, lane->rate);
    if (heard == REORDERED)
        return;
    if (heard == AFTER_GAP)
        l->gaps++;
    if (heard == RESTARTED) {
        l->flags &= ~HAS_ORIGIN;
        l->last_transit = l->origin = 0;
        l->quickest = l->quickest_before = QUICKEST_NONE;
    }
    if (pacing && is_late(l, now, timestamp, lane->rate))
        l->late++;
}

// rtp::Packet's options (RFC 3550 §A.1): contributing sources, extension and padding fit. `at`: of the RTP header.
INLINE int options_fit(void *context, const int behind, __u32 at, __u32 bytes, __u8 first)
{
    __u32 start = RTP_HEADER + 4 * (first & 0x0f);
    if (start > bytes)
        return 0;
    if (first & 0x10) {
        __u16 words;
        if (start + 4 > bytes || load(context, behind, at + start + 2, &words, 2))
            return 0;
        start += 4 + 4 * (__u32)swap16(words);
        if (start > bytes)
            return 0;
    }
    if (first & 0x20) {
        __u8 padding;
        if (load(context, behind, at + bytes - 1, &padding, 1) || !padding || padding > bytes - start)
            return 0;
    }
    return 1;
}

// Whether the sum over a UDP datagram at `at` is right, given that of its addresses. One that a sender left to a device
// that is not there (a veth) is not, and must not leave this machine.
INLINE int is_sound(void *context, __u32 at, __u32 length, __u32 addresses)
{
    __u64 sum = addresses + swap16(UDP) + swap16(length);
    for (int n = 0; n < CHUNKS; n++) {
        __u8 chunk[CHUNK] = { 0 };
        __u32 left = length - n * CHUNK;
        __u32 some = left > CHUNK ? CHUNK : left;
        if (some < 1 || some > CHUNK || xdp_load(context, at + n * CHUNK, chunk, some))
            return 0;
        sum += (__u32)sum_of(0, 0, chunk, CHUNK, 0);
        if (left <= CHUNK)
            return fold(sum) == 0xffff;
    }
    return 0;
}

// Writes the frame that leaves.
INLINE void rewrite(const struct lane *lane, __u8 *frame, const int six, __u32 total)
{
    __builtin_memcpy(frame, lane->hop, sizeof(lane->hop));
    __u8 *ip = frame + ETHERNET;
    if (six) {
        *(__u32 *)ip = swap32(6u << 28 | (__u32)lane->tos << 20);
        ip[7] = lane->ttl;
        __builtin_memcpy(ip + 8, lane->from, 16);
        __builtin_memcpy(ip + 24, lane->to, 16);
        ip += 40;
    } else {
        ip[1] = lane->tos;
        *(__u16 *)(ip + 4) = 0;
        *(__u16 *)(ip + 6) = swap16(0x4000);
        ip[8] = lane->ttl;
        *(__u16 *)(ip + 10) = ~fold((__u64)lane->head_sum + swap16(total));
        *(__u32 *)(ip + 12) = lane->from[0];
        *(__u32 *)(ip + 16) = lane->to[0];
        ip += 20;
    }
    *(__u16 *)ip = lane->from_port;
    *(__u16 *)(ip + 2) = lane->to_port;
}

// Takes the gate for one packet: OPEN when it may be relayed, HANDED when it goes to the process. While it is watched the
// packet is noted and goes up.
INLINE int enter(struct lane *lane, __u16 sequence, int sound)
{
    for (int n = 0; n < 8; n++) {
        __u64 gate = *(volatile __u64 *)&lane->gate;
        __u64 next;
        switch (gate & 0xff) {
        case OPEN:
        case HANDED:
            next = BUSY;
            break;
        case WATCH:
            next = sound ? WATCH | (__u64)sequence << 16 | ((gate >> 32) + 1) << 32 : UNSOUND;
            break;
        case BUSY:
            continue;
        default:
            return CLOSED;
        }
        if (__sync_val_compare_and_swap(&lane->gate, gate, next) == gate)
            return gate & 0xff;
    }
    return CLOSED;
}

#ifndef PLAIN
// Hands a frame to the process, which finds the lane in the place of the hardware addresses. Where nobody takes it, it
// goes up as it came.
INLINE __u32 hand_over(struct lane *lane, __u8 *frame, __u32 number, __u32 place)
{
    lane->ledger.last = clock_now() - lane->birth;
    __sync_lock_test_and_set(&lane->gate, HANDED);
    if (redirect_map(&SOCKETS, place, XDP_PASS) != XDP_REDIRECT)
        return 0;
    *(__u32 *)frame = number;
    return TO_PROCESS;
}
#endif

// What the headers below RTP say of a packet.
struct seen {
    struct place place;
    __u32 source[4];
    __u32 total;
};

// Relays one frame of one family, `length` long: its device, TO_PROCESS, or 0 where it goes up. All offsets into the frame are
// constant: others are for those who may see addresses of the kernel (CAP_PERFMON).
INLINE __u32 pass(void *context, __u8 *frame, struct seen *seen, __u32 length, const int behind, const int six)
{
    const __u32 head = six ? 40 : 20;
    __u8 *udp = frame + ETHERNET + head;
    __u8 *rtp = udp + 8;
    __u32 datagram = swap16(*(__u16 *)(udp + 4));
    if (seen->total + ETHERNET > length || datagram + head != seen->total || datagram < 8 + RTP_HEADER)
        return 0;
    seen->place.port = *(__u16 *)(udp + 2);
    __u32 *index = map_lookup(&PLACES, &seen->place);
    struct lane *lane = index ? map_lookup(&LANES, index) : 0;
    if (!lane)
        return 0;
    if (*(__u16 *)udp != lane->expect_port || seen->source[0] != lane->expect[0])
        return 0;
    if (six && (seen->source[1] != lane->expect[1] || seen->source[2] != lane->expect[2] ||
                seen->source[3] != lane->expect[3]))
        return 0;
    __u8 first = rtp[0];
    __u8 second = rtp[1];
    // Version 2, not RTCP (RFC 5761 §4).
    if (first >> 6 != 2 || (second >= 192 && second <= 223))
        return 0;
    __u32 bytes = datagram - 8;
    const __u32 at = ETHERNET + head + 8;
    __u32 hand = lane->hand;
    // Only the driver's hook hands over: behind it the gate stays as it is.
    if (hand && (behind || !HANDS_OVER))
        return 0;
    if (hand) {
        // All else is the process's to judge.
        struct xdp_md *arrived = context;
        __u32 queue = arrived->rx_queue_index;
        if (seen->total > HANDED_MAX || arrived->ingress_ifindex != lane->arrival || queue >= lane->queues)
            return 0;
        hand += queue - 1;
    } else {
        // Of a payload type that passes, of the source that was heard before. Both halves are read: an address that
        // depends on the packet is for those with CAP_PERFMON again.
        __u64 low = *(volatile __u64 *)&lane->payload_types[0];
        __u64 high = *(volatile __u64 *)&lane->payload_types[1];
        if (*(__u32 *)(rtp + 8) != lane->ssrc || !((second & 64 ? high : low) >> (second & 63) & 1))
            return 0;
        if (seen->total > lane->mtu || (first != 0x80 && !options_fit(context, behind, at, bytes, first)))
            return 0;
    }
    __u16 sum = *(__u16 *)(udp + 6);
    if (six && !sum)
        return 0;
    int sound = 1;
    if (!behind && sum && (*(volatile __u64 *)&lane->gate & 0xff) == WATCH) {
        __u64 addresses = 0;
        for (int n = 0; n < 4; n++)
            addresses += (__u64)seen->source[n] + seen->place.address[n];
        sound = is_sound(context, at - 8, datagram, fold(addresses));
    }
    int mode = enter(lane, swap16(*(__u16 *)(rtp + 2)), sound);
#ifndef PLAIN
    if (!behind && mode == HANDED)
        return hand_over(lane, frame, *index, hand);
#endif
    if (mode != OPEN)
        return 0;
    hear(lane, clock_now() - lane->birth, rtp, bytes);
    __sync_lock_test_and_set(&lane->gate, OPEN);
    rewrite(lane, frame, six, seen->total);
    __u32 device = lane->device;
    if (behind) {
        // The kernel knows whether the sender has left the sum to a device; it stays so, or stays right.
        const __u32 field = at - 2;
        __u32 gain = lane->gain_ports;
        skb_sum(context, field, 0, lane->gain_addresses, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0);
        skb_sum(context, field, 0, gain, BPF_F_MARK_MANGLED_0);
    } else if (sum) {
        // RFC 1624; a sum of 0 would say that there is none (RFC 768).
        sum = ~fold((__u64)(__u16)~sum + lane->gain_addresses + lane->gain_ports);
        *(__u16 *)(udp + 6) = sum ? sum : 0xffff;
    }
    return device;
}

// Relays one frame: its device, or 0 where it goes up.
INLINE __u32 relay(void *context, void *data, void *end, __u32 length, const int behind)
{
    __u8 *frame = data;
    struct seen seen = {};
    if (frame + ETHERNET + 20 + 8 + RTP_HEADER > (__u8 *)end)
        return 0;
    __u16 kind = *(__u16 *)(frame + 12);
    __u8 *ip = frame + ETHERNET;
    if (kind == IPV4) {
        // No options, no fragments, and not at the end of its life.
        if (ip[0] != 0x45 || (*(__u16 *)(ip + 6) & swap16(0xbfff)) || ip[8] <= 1 || ip[9] != UDP)
            return 0;
        seen.total = swap16(*(__u16 *)(ip + 2));
        seen.source[0] = *(__u32 *)(ip + 12);
        seen.place.address[0] = *(__u32 *)(ip + 16);
        seen.place.family = 4;
        return pass(context, frame, &seen, length, behind, 0);
    }
    if (kind == IPV6 && frame + ETHERNET + 40 + 8 + RTP_HEADER <= (__u8 *)end) {
        if (ip[0] >> 4 != 6 || ip[6] != UDP || ip[7] <= 1)
            return 0;
        seen.total = 40 + swap16(*(__u16 *)(ip + 4));
        __builtin_memcpy(seen.source, ip + 8, 16);
        __builtin_memcpy(seen.place.address, ip + 24, 16);
        seen.place.family = 6;
        return pass(context, frame, &seen, length, behind, 1);
    }
    return 0;
}

SECTION("xdp") int relay_xdp(struct xdp_md *context)
{
    void *data = (void *)(long)context->data;
    void *end = (void *)(long)context->data_end;
    __u32 device = relay(context, data, end, frame_length(context), 0);
    if (device == TO_PROCESS)
        return XDP_REDIRECT;
    return device ? redirect(device, 0) : XDP_PASS;
}

// -1, TC_ACT_UNSPEC: on to the next program and the stack.
SECTION("classifier") int relay_tcx(struct __sk_buff *context)
{
    // Of a packet that was joined from several each would have to be counted.
    if (context->gso_segs > 1)
        return -1;
    void *data = (void *)(long)context->data;
    void *end = (void *)(long)context->data_end;
    __u32 most = ETHERNET + 40 + 8 + RTP_HEADER;
    if (data + most > end) {
        if (skb_pull(context, context->len < most ? context->len : most))
            return -1;
        data = (void *)(long)context->data;
        end = (void *)(long)context->data_end;
    }
    __u32 device = relay(context, data, end, context->len, 1);
    return device ? redirect(device, 0) : -1;
}

char SECTION("license") terms[] = "MIT";
