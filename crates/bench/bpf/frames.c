// A speaker and a hearer in the kernel, for measuring: frames go to the relay as a network card would hand them over, and
// are counted at the other end. `speak` is run by the kernel's test of programs on live frames, over and over; it lets at
// most a window of packets be under way and writes every header anew, for frames come back as the relay has left them.
// `touch` hands what comes to the relay's queue 0 to a socket of the kind AF_XDP. Layouts are those of crates/bench/src/live.rs. Rebuild with `cargo run -p xtask -- bpf`.

#include <linux/bpf.h>

#define SECTION(name) __attribute__((section(name), used))
#define HEADERS 54
#define FRAME (HEADERS + 160)
// Looks at what has arrived before a frame is given up; some 50 ns each.
#define LOOKS 2000

enum { SENT, ARRIVED, WINDOW, CALLS_NOW, DEVICE, NEXT, CELLS_MAX };

struct bpf_map_def {
    __u32 type;
    __u32 key_size;
    __u32 value_size;
    __u32 max_entries;
    __u32 map_flags;
};

struct bpf_map_def SECTION("maps") CELLS = { BPF_MAP_TYPE_ARRAY, 4, 8, CELLS_MAX, 0 };
struct bpf_map_def SECTION("maps") HEAD = { BPF_MAP_TYPE_ARRAY, 4, HEADERS + 2, 1, 0 };
// By call: the relay's port as it is on the wire, and the next sequence number (bits 16 to 31).
struct bpf_map_def SECTION("maps") CALLS = { BPF_MAP_TYPE_ARRAY, 4, 8, 65536, 0 };
struct bpf_map_def SECTION("maps") SOCKETS = { BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0 };

static void *(*const map_lookup)(void *, const void *) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const redirect)(__u32, __u64) = (void *)BPF_FUNC_redirect;
static long (*const redirect_map)(void *, __u64, __u64) = (void *)BPF_FUNC_redirect_map;
static __u64 (*const clock_now)(void) = (void *)BPF_FUNC_ktime_get_ns;

static __attribute__((always_inline)) inline volatile __u64 *cell(__u32 at)
{
    return map_lookup(&CELLS, &at);
}

SECTION("xdp") int speak(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    volatile __u64 *sent = cell(SENT), *arrived = cell(ARRIVED), *window = cell(WINDOW);
    volatile __u64 *calls = cell(CALLS_NOW), *device = cell(DEVICE), *next = cell(NEXT);
    __u32 zero = 0;
    __u8 *head = map_lookup(&HEAD, &zero);
    if (!sent || !arrived || !window || !calls || !device || !next || !head)
        return XDP_ABORTED;
    if (frame + FRAME > (__u8 *)(long)context->data_end)
        return XDP_ABORTED;
    int looks = 0;
    while (*sent - *arrived >= *window) {
        if (++looks > LOOKS)
            return XDP_DROP;
        clock_now();
    }
    __u32 number = *next;
    __u64 *call = map_lookup(&CALLS, &number);
    if (!call)
        return XDP_ABORTED;
    *next = number + 1 < *calls ? number + 1 : 0;
    __u16 sequence = *call >> 16;
    __builtin_memcpy(frame, head, HEADERS);
    *(__u16 *)(frame + 36) = *call;
    *(__u16 *)(frame + 44) = __builtin_bswap16(sequence);
    *(__u32 *)(frame + 46) = __builtin_bswap32(sequence * 160);
    *(__u32 *)(frame + 50) = __builtin_bswap32(number + 1);
    *call = (*call & 0xffff) | (__u64)(__u16)(sequence + 1) << 16;
    *sent += 1;
    return redirect(*device, 0);
}

SECTION("xdp") int hear(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    if (frame + HEADERS > (__u8 *)(long)context->data_end || frame[12] != 8 || frame[23] != 17)
        return XDP_PASS;
    volatile __u64 *arrived = cell(ARRIVED);
    if (!arrived)
        return XDP_ABORTED;
    *arrived += 1;
    return XDP_DROP;
}

SECTION("xdp") int touch(struct xdp_md *context)
{
    __u8 *frame = (void *)(long)context->data;
    if (frame + HEADERS > (__u8 *)(long)context->data_end || frame[12] != 8 || frame[23] != 17)
        return XDP_PASS;
    return redirect_map(&SOCKETS, 0, XDP_PASS);
}

char SECTION("license") terms[] = "MIT";
