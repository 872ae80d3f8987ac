/* A libcuda.so.1 of our own: its GPUs are this machine's memory, and it plays our kernels by their names.

   The state file is the NVML stand-in's; of it this reads
     gpu0.uuid=GPU-…              which GPUs there are
     gpu0.cuda.gbs=1478           how fast its memory copies, read and write together, by its own clock
     gpu0.cuda.add=wrong          its sums are wrong; hang: it never ends
     gpu0.cuda.burn=2             from its second pass on it computes one wrong number
     gpu0.cuda.peers=none         it reaches no other; lies: it reads other numbers there
     cuda.init=100                cuInit returns a code */
#include "state.h"

typedef u64 address;
enum { GPUS = 16, EVENTS = 64, FREE_BYTES = 1 << 20 };
static int at;                                  /* the GPU whose context is current */
static double clock_ms[GPUS], events[GPUS * EVENTS];
static int event_count, passes[GPUS];
static const char *kernels[] = {"add", "burn", "differ"};

static double number(int gpu, const char *key, double otherwise) {
    char value[60];
    load();
    return look_at(gpu, key, value, sizeof value) ? atof(value) : otherwise;
}
static int says(int gpu, const char *key, const char *wanted) {
    char value[60];
    load();
    return look_at(gpu, key, value, sizeof value) && !strcmp(value, wanted);
}
static int copied(void *to, const void *from, size_t size, double factor) {
    memcpy(to, from, size);
    clock_ms[at] += factor * (double)size / number(at, "cuda.gbs", 1478) / 1e6;
    return 0;
}

int cuInit(uint flags) { (void)flags; return (int)number(NODE, "cuda.init", 0); }
int cuGetErrorString(int code, const char **said) {
    *said = code == 100 ? "no CUDA-capable device is detected" : code == 802 ? "system not yet initialized" : "unknown error";
    return 0;
}
int cuDeviceGetCount(int *count) {
    char key[32], value[200];
    load();
    for (*count = 0; *count < GPUS; ++*count) {
        snprintf(key, sizeof key, "gpu%d.uuid", *count);
        if (!look(key, value, sizeof value)) break;
    }
    return 0;
}
int cuDeviceGet(int *gpu, int index) { *gpu = index; return 0; }
int cuDeviceGetUuid(unsigned char *out, int gpu) {
    char value[200];
    int digits = 0;
    load();
    if (!look_at(gpu, "uuid", value, sizeof value)) return 101;
    memset(out, 0, 16);
    for (const char *one = value + 4; *one && digits < 32; ++one) {
        const char *hex = strchr("0123456789abcdef", *one);
        if (!hex) continue;
        out[digits / 2] |= (unsigned char)((hex - "0123456789abcdef") << (digits % 2 ? 0 : 4));
        ++digits;
    }
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int gpu) { *context = (void *)(intptr_t)(gpu + 1); return 0; }
int cuCtxSetCurrent(void *context) { at = (int)(intptr_t)context - 1; return 0; }
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) { *free_bytes = *total = FREE_BYTES; return 0; }
static struct { address place; int gpu; } owned[256];
int cuMemAlloc_v2(address *out, size_t size) {
    *out = (address)(uintptr_t)calloc(1, size);
    for (int n = 0; n < 256; ++n)
        if (!owned[n].place || owned[n].place == *out) { owned[n].place = *out; owned[n].gpu = at; break; }
    return *out ? 0 : 2;
}
static int is_here(address place) {
    for (int n = 0; n < 256; ++n)
        if (owned[n].place == place) return owned[n].gpu == at;
    return 1;
}
int cuMemFree_v2(address one) { free((void *)(uintptr_t)one); return 0; }
int cuMemAllocHost_v2(void **out, size_t size) { *out = calloc(1, size); return *out ? 0 : 2; }
int cuMemFreeHost(void *one) { free(one); return 0; }
int cuMemsetD8_v2(address one, unsigned char value, size_t count) { memset((void *)(uintptr_t)one, value, count); return 0; }
int cuMemsetD32_v2(address one, uint value, size_t count) {
    for (size_t n = 0; n < count; ++n) ((uint *)(uintptr_t)one)[n] = value;
    return 0;
}
int cuMemcpyHtoD_v2(address to, const void *from, size_t size) { return copied((void *)(uintptr_t)to, from, size, 25); }
int cuMemcpyDtoH_v2(void *to, address from, size_t size) { return copied(to, (void *)(uintptr_t)from, size, 25); }
int cuMemcpyHtoDAsync_v2(address to, const void *from, size_t size, void *stream) {
    (void)stream;
    return copied((void *)(uintptr_t)to, from, size, 25);
}
int cuMemcpyDtoHAsync_v2(void *to, address from, size_t size, void *stream) {
    (void)stream;
    return copied(to, (void *)(uintptr_t)from, size, 25);
}
int cuMemcpyDtoDAsync_v2(address to, address from, size_t size, void *stream) {
    (void)stream;
    return copied((void *)(uintptr_t)to, (void *)(uintptr_t)from, size, 2);
}
int cuModuleLoadData(void **module, const char *ptx) {
    *module = (void *)1;
    return strstr(ptx, ".visible .entry burn") ? 0 : 218;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
    (void)module;
    for (int n = 0; n < 3; ++n)
        if (!strcmp(name, kernels[n])) { *function = (void *)(intptr_t)(n + 1); return 0; }
    return 500;
}
static uint *array(void *given) { return (uint *)(uintptr_t)*(address *)given; }
static void add(void **given) {
    uint *left = array(given[0]), *right = array(given[1]), *sum = array(given[2]), count = *(uint *)given[3];
    while (says(at, "cuda.add", "hang")) sleep(1);
    for (uint n = 0; n < count; ++n) sum[n] = left[n] + right[n];
    if (says(at, "cuda.add", "wrong") ||
        (says(at, "cuda.peers", "lies") && !is_here((address)(uintptr_t)left))) sum[count / 2] ^= 1u << 20;
}
static void burn(void **given) {
    uint *out = array(given[0]), count = *(uint *)given[1], rounds = *(uint *)given[2];
    int bad = (int)number(at, "cuda.burn", 0);
    for (uint n = 0; n < count; ++n) out[n] = n * 2654435761u + rounds;
    if (bad && ++passes[at] > bad + 2) out[0] ^= 1;
    clock_ms[at] += rounds * 0.01;
    usleep(2000);
}
static void differ(void **given) {
    uint *left = array(given[0]), *right = array(given[1]), *counter = array(given[2]), count = *(uint *)given[3];
    for (uint n = 0; n < count; ++n) *counter += left[n] != right[n];
}
int cuLaunchKernel(void *kernel, uint bx, uint by, uint bz, uint tx, uint ty, uint tz, uint shared, void *stream,
                   void **given, void **extra) {
    (void)by, (void)bz, (void)ty, (void)tz, (void)shared, (void)stream, (void)extra;
    if (!bx || tx > 1024) return 1;
    switch ((intptr_t)kernel) {
    case 1: add(given); return 0;
    case 2: burn(given); return 0;
    case 3: differ(given); return 0;
    default: return 400;
    }
}
int cuCtxSynchronize(void) { return 0; }
int cuEventCreate(void **event, uint flags) {
    (void)flags;
    event_count = event_count % (GPUS * EVENTS - 1) + 1;
    *event = (void *)(intptr_t)event_count;
    return 0;
}
int cuEventRecord(void *event, void *stream) { (void)stream; events[(intptr_t)event] = clock_ms[at]; return 0; }
int cuEventSynchronize(void *event) { (void)event; return 0; }
int cuEventElapsedTime(float *out, void *began, void *ended) {
    *out = (float)(events[(intptr_t)ended] - events[(intptr_t)began]);
    return 0;
}
int cuDeviceCanAccessPeer(int *can, int gpu, int other) {
    *can = gpu != other && !says(gpu, "cuda.peers", "none") && !says(other, "cuda.peers", "none");
    return 0;
}
int cuCtxEnablePeerAccess(void *context, uint flags) { (void)context, (void)flags; return 0; }
