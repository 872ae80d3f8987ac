/* A libnvidia-ml.so.1 of our own, driven by a text file that is read again whenever it changes.

   EDGECTL_MOCK_NVML names the file; `scenario.py` writes it and says what its lines mean. What the file does not
   name, this GPU does not have: NOT_SUPPORTED. Which functions exist at all is the linker's business
   (`branches.py`), so that dlsym finds nothing where an older driver has nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef FIELD_LIMIT
#define FIELD_LIMIT 274
#endif
#ifndef FABRIC_VERSION
#define FABRIC_VERSION 3
#endif
enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
       VERSION_MISMATCH = 25, UNKNOWN = 999, GO_ON = -1, NODE = -1, MIG = 0x1000 };
typedef unsigned int uint;
typedef unsigned long long u64;
typedef long long i64;
typedef void *device;

/* ---- the state file ---- */
static char *content;
static struct stat known;

static void load(void) {
    const char *path = getenv("EDGECTL_MOCK_NVML");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (content && now.st_ino == known.st_ino && now.st_size == known.st_size &&
        now.st_mtim.tv_sec == known.st_mtim.tv_sec && now.st_mtim.tv_nsec == known.st_mtim.tv_nsec) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    char *text = calloc(1, (size_t)now.st_size + 2);
    text[0] = '\n';
    if (fread(text + 1, 1, (size_t)now.st_size, file) == 0) text[1] = 0;
    fclose(file);
    free(content);
    content = text;
    known = now;
}

/* Copies the value of a line `key=value`; 0 where there is none. */
static int look(const char *key, char *out, size_t size) {
    char line[160];
    snprintf(line, sizeof line, "\n%s=", key);
    const char *found = content ? strstr(content, line) : NULL;
    if (!found) return 0;
    found += strlen(line);
    size_t length = strcspn(found, "\n");
    if (length >= size) length = size - 1;
    memcpy(out, found, length);
    out[length] = 0;
    return 1;
}

static int look_at(int gpu, const char *key, char *out, size_t size) {
    char whole[140];
    if (gpu == NODE) return look(key, out, size);
    snprintf(whole, sizeof whole, "gpu%d.%s", gpu, key);
    return look(whole, out, size);
}

/* ---- faults ---- */
static void wait_ms(i64 ms) {
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR) {}
}

/* Plays `delay:MS`, `hang`, `abort`, `segfault`, `ret:CODE`, several joined by commas. */
static int play(char *faults) {
    for (char *rest = faults, *fault; (fault = strsep(&rest, ",")); ) {
        if (!strncmp(fault, "delay:", 6)) wait_ms(atoll(fault + 6));
        if (!strcmp(fault, "hang")) for (;;) pause();
        if (!strcmp(fault, "abort")) abort();
        if (!strcmp(fault, "segfault")) raise(SIGSEGV);
        if (!strncmp(fault, "ret:", 4)) return atoi(fault + 4);
    }
    return GO_ON;
}

static int begin(const char *function, int gpu) {
    char key[140], value[120];
    int code;
    load();
    snprintf(key, sizeof key, "fn.%s.delay_ms", function);
    if (look(key, value, sizeof value)) wait_ms(atoll(value));
    snprintf(key, sizeof key, "fn.%s", function);
    if (look(key, value, sizeof value) && (code = play(value)) != GO_ON) return code;
    if (gpu == NODE) return GO_ON;
    if (look_at(gpu, "all", value, sizeof value) && (code = play(value)) != GO_ON) return code;
    if (look_at(gpu, function, value, sizeof value) && (code = play(value)) != GO_ON) return code;
    return GO_ON;
}

/* ---- values ---- */
static int index_of(device gpu) { return (int)((uintptr_t)gpu & 0xff) - 1; }

static int get_text(int gpu, const char *key, char *out, uint size) {
    char value[200];
    if (!look_at(gpu, key, value, sizeof value)) return NOT_SUPPORTED;
    int code = play(strdupa(value));
    if (code != GO_ON) return code;
    if (strlen(value) >= size) return INSUFFICIENT_SIZE;
    strcpy(out, value);
    return SUCCESS;
}

/* Reads `wanted` numbers joined by commas; a single one that is missing makes the line unsupported. */
static int get_numbers(int gpu, const char *key, i64 *out, int wanted) {
    char value[200];
    if (!look_at(gpu, key, value, sizeof value)) return NOT_SUPPORTED;
    int code = play(strdupa(value));
    if (code != GO_ON) return code;
    char *rest = value, *word;
    for (int i = 0; i < wanted; i++) {
        if (!(word = strsep(&rest, ","))) return NOT_SUPPORTED;
        out[i] = strtoll(word, NULL, 0);
    }
    return SUCCESS;
}

static int get_uint(int gpu, const char *key, uint *out) {
    i64 value = 0;
    int code = get_numbers(gpu, key, &value, 1);
    if (code == SUCCESS) *out = (uint)value;
    return code;
}

#define BEGIN(gpu) int begun = begin(__func__, gpu); if (begun != GO_ON) return begun
#define TEXT(function, key) \
    int function(device gpu, char *out, uint size) { BEGIN(index_of(gpu)); return get_text(index_of(gpu), key, out, size); }
#define NUMBER(function, key) \
    int function(device gpu, uint *out) { BEGIN(index_of(gpu)); return get_uint(index_of(gpu), key, out); }

/* ---- the library and its devices ---- */
int nvmlInitWithFlags(uint flags) {
    (void)flags;
    BEGIN(NODE);
    char value[60];
    if (!look("init", value, sizeof value)) return SUCCESS;
    if (value[0] >= '0' && value[0] <= '9') return atoi(value);
    int code = play(value);
    return code == GO_ON ? SUCCESS : code;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { BEGIN(NODE); return SUCCESS; }
const char *nvmlErrorString(int code) {
    switch (code) {
    case 3: return "Not Supported";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}
int nvmlSystemGetDriverVersion(char *out, uint size) { BEGIN(NODE); return get_text(NODE, "driver", out, size); }
int nvmlSystemGetNVMLVersion(char *out, uint size) { BEGIN(NODE); return get_text(NODE, "nvml", out, size); }
int nvmlDeviceGetCount_v2(uint *count) {
    BEGIN(NODE);
    char key[32], value[200];
    for (*count = 0; ; ++*count) {
        snprintf(key, sizeof key, "gpu%u.uuid", *count);
        if (!look(key, value, sizeof value)) return SUCCESS;
    }
}
int nvmlDeviceGetHandleByIndex_v2(uint index, device *gpu) {
    BEGIN((int)index);
    *gpu = (device)(uintptr_t)(index + 1);
    return SUCCESS;
}

/* ---- identity and versions ---- */
TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetSerial, "serial")
TEXT(nvmlDeviceGetBoardPartNumber, "board_part")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")
TEXT(nvmlDeviceGetInforomImageVersion, "inforom")
NUMBER(nvmlDeviceGetArchitecture, "architecture")
int nvmlDeviceGetGspFirmwareVersion(device gpu, char *out) {
    BEGIN(index_of(gpu));
    return get_text(index_of(gpu), "gsp_firmware", out, 64);
}
int nvmlDeviceValidateInforom(device gpu) {
    BEGIN(index_of(gpu));
    uint valid = 0;
    int code = get_uint(index_of(gpu), "inforom_valid", &valid);
    return code != SUCCESS ? code : valid ? SUCCESS : 14;
}
struct pci { char legacy[16]; uint domain, bus, device, id, subsystem; char address[32]; };
int nvmlDeviceGetPciInfo_v3(device gpu, struct pci *out) {
    BEGIN(index_of(gpu));
    memset(out, 0, sizeof *out);
    return get_text(index_of(gpu), "bus_id", out->address, sizeof out->address);
}

/* ---- memory, ECC, remapping ---- */
struct memory { u64 total, free, used; };
int nvmlDeviceGetMemoryInfo(device gpu, struct memory *out) {
    BEGIN(index_of(gpu));
    i64 mib[2];
    int code = get_numbers(index_of(gpu), "memory_mib", mib, 2);
    if (code == SUCCESS) *out = (struct memory){(u64)mib[0] << 20, (u64)(mib[0] - mib[1]) << 20, (u64)mib[1] << 20};
    return code;
}
struct memory_v2 { uint version; u64 total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(device gpu, struct memory_v2 *out) {
    BEGIN(index_of(gpu));
    if (out->version != 0x02000028) return VERSION_MISMATCH;
    struct memory plain;
    int code = nvmlDeviceGetMemoryInfo(gpu, &plain);
    if (code == SUCCESS) { out->total = plain.total; out->used = plain.used; out->free = plain.free; out->reserved = 0; }
    return code;
}
static int pair(int gpu, const char *key, uint *first, uint *second) {
    i64 values[2];
    int code = get_numbers(gpu, key, values, 2);
    if (code == SUCCESS) { *first = (uint)values[0]; *second = (uint)values[1]; }
    return code;
}
int nvmlDeviceGetEccMode(device gpu, uint *now, uint *next) {
    BEGIN(index_of(gpu));
    return pair(index_of(gpu), "ecc_mode", now, next);
}
int nvmlDeviceGetMigMode(device gpu, uint *now, uint *next) {
    BEGIN(index_of(gpu));
    return pair(index_of(gpu), "mig_mode", now, next);
}
int nvmlDeviceGetTotalEccErrors(device gpu, int type, int counter, u64 *out) {
    BEGIN(index_of(gpu));
    i64 value = 0;
    char key[40];
    snprintf(key, sizeof key, "ecc.%s.%s", counter ? "aggregate" : "volatile", type ? "uncorrected" : "corrected");
    int code = get_numbers(index_of(gpu), key, &value, 1);
    if (code == SUCCESS) *out = (u64)value;
    return code;
}
struct sram { uint version; u64 parity, secded, corrected, now_parity, now_secded, now_corrected, buckets[5]; uint exceeded; };
int nvmlDeviceGetSramEccErrorStatus(device gpu, struct sram *out) {
    BEGIN(index_of(gpu));
    if (out->version != 0x1000068) return VERSION_MISMATCH;
    i64 values[2]; /* uncorrected over the card's life, threshold exceeded */
    int code = get_numbers(index_of(gpu), "ecc.sram", values, 2);
    if (code == SUCCESS) { out->parity = 0; out->secded = (u64)values[0]; out->exceeded = (uint)values[1]; }
    return code;
}
int nvmlDeviceGetRemappedRows(device gpu, uint *corrected, uint *uncorrected, uint *pending, uint *failure) {
    BEGIN(index_of(gpu));
    i64 values[4];
    int code = get_numbers(index_of(gpu), "remapped_rows", values, 4);
    if (code != SUCCESS) return code;
    *corrected = (uint)values[0]; *uncorrected = (uint)values[1];
    *pending = (uint)values[2]; *failure = (uint)values[3];
    return SUCCESS;
}
int nvmlDeviceGetRowRemapperHistogram(device gpu, uint *out) {
    BEGIN(index_of(gpu));
    i64 values[5];
    int code = get_numbers(index_of(gpu), "remap_banks", values, 5);
    for (int i = 0; code == SUCCESS && i < 5; i++) out[i] = (uint)values[i];
    return code;
}
struct versioned { uint version; int value; };
int nvmlDeviceGetUnrepairableMemoryFlag_v1(device gpu, struct versioned *out) {
    BEGIN(index_of(gpu));
    if (out->version != 0x1000008) return VERSION_MISMATCH;
    return get_uint(index_of(gpu), "unrepairable", (uint *)&out->value);
}
int nvmlDeviceGetRetiredPages(device gpu, int cause, uint *count, u64 *pages) {
    BEGIN(index_of(gpu));
    uint retired = 0, room = *count;
    int code = get_uint(index_of(gpu), cause ? "retired.double" : "retired.single", &retired);
    if (code != SUCCESS) return code;
    *count = retired;
    if (!pages || room < retired) return retired ? INSUFFICIENT_SIZE : SUCCESS;
    for (uint i = 0; i < retired; i++) pages[i] = i;
    return SUCCESS;
}
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, "retired.pending")

/* ---- heat, power, clocks ---- */
int nvmlDeviceGetTemperature(device gpu, int sensor, uint *out) {
    (void)sensor;
    BEGIN(index_of(gpu));
    return get_uint(index_of(gpu), "temperature", out);
}
struct heat { uint version; int sensor, value; };
int nvmlDeviceGetTemperatureV(device gpu, struct heat *out) {
    BEGIN(index_of(gpu));
    if (out->version != 0x100000C) return VERSION_MISMATCH;
    return get_uint(index_of(gpu), "temperature", (uint *)&out->value);
}
int nvmlDeviceGetMarginTemperature(device gpu, struct versioned *out) {
    BEGIN(index_of(gpu));
    if (out->version != 0x1000008) return VERSION_MISMATCH;
    return get_uint(index_of(gpu), "margin", (uint *)&out->value);
}
int nvmlDeviceGetTemperatureThreshold(device gpu, int kind, uint *out) {
    BEGIN(index_of(gpu));
    char key[24];
    snprintf(key, sizeof key, "threshold.%d", kind);
    return get_uint(index_of(gpu), key, out);
}
NUMBER(nvmlDeviceGetPowerUsage, "power_mw")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw")
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, "power_default_mw")
int nvmlDeviceGetClockInfo(device gpu, int kind, uint *out) {
    BEGIN(index_of(gpu));
    return get_uint(index_of(gpu), kind == 2 ? "clock_memory" : "clock_sm", out);
}
int nvmlDeviceGetMaxClockInfo(device gpu, int kind, uint *out) {
    BEGIN(index_of(gpu));
    return get_uint(index_of(gpu), kind == 2 ? "clock_memory_max" : "clock_sm_max", out);
}
NUMBER(nvmlDeviceGetPerformanceState, "performance_state")
NUMBER(nvmlDeviceGetPersistenceMode, "persistence")
int nvmlDeviceGetUtilizationRates(device gpu, uint *out) {
    BEGIN(index_of(gpu));
    out[1] = 0;
    return get_uint(index_of(gpu), "utilization", out);
}
static int reasons(int gpu, u64 *out) {
    i64 value = 0;
    int code = get_numbers(gpu, "event_reasons", &value, 1);
    if (code == SUCCESS) *out = (u64)value;
    return code;
}
int nvmlDeviceGetCurrentClocksEventReasons(device gpu, u64 *out) { BEGIN(index_of(gpu)); return reasons(index_of(gpu), out); }
int nvmlDeviceGetCurrentClocksThrottleReasons(device gpu, u64 *out) { BEGIN(index_of(gpu)); return reasons(index_of(gpu), out); }

/* ---- links ---- */
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie.gen")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie.gen_max")
NUMBER(nvmlDeviceGetGpuMaxPcieLinkGeneration, "pcie.gen_max")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie.width")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "pcie.width_max")
NUMBER(nvmlDeviceGetPcieReplayCounter, "pcie.replays")
int nvmlDeviceGetNvLinkState(device gpu, uint link, uint *out) {
    BEGIN(index_of(gpu));
    i64 links[2]; /* how many there are, how many are up */
    int code = get_numbers(index_of(gpu), "nvlinks", links, 2);
    if (code != SUCCESS) return code;
    if (link >= links[0]) return INVALID_ARGUMENT;
    *out = link < links[1];
    return SUCCESS;
}
struct fabric { unsigned char cluster[16]; int status; uint clique; unsigned char state; };
struct fabric_v { uint version; unsigned char cluster[16]; int status; uint clique; unsigned char state; uint health; unsigned char summary; };
int nvmlDeviceGetGpuFabricInfo(device gpu, struct fabric *out) {
    BEGIN(index_of(gpu));
    i64 values[3];
    int code = get_numbers(index_of(gpu), "fabric", values, 3);
    if (code == SUCCESS) { out->state = (unsigned char)values[0]; out->status = (int)values[1]; }
    return code;
}
int nvmlDeviceGetGpuFabricInfoV(device gpu, struct fabric_v *out) {
    BEGIN(index_of(gpu));
    if (out->version >> 24 > FABRIC_VERSION) return VERSION_MISMATCH;
    i64 values[3];
    int code = get_numbers(index_of(gpu), "fabric", values, 3);
    if (code == SUCCESS) { out->state = (unsigned char)values[0]; out->status = (int)values[1]; out->health = (uint)values[2]; }
    return code;
}

/* ---- MIG and processes ---- */
NUMBER(nvmlDeviceGetMaxMigDeviceCount, "mig_most")
int nvmlDeviceGetMigDeviceHandleByIndex(device gpu, uint index, device *out) {
    BEGIN(index_of(gpu));
    uint instances = 0;
    if (get_uint(index_of(gpu), "mig_instances", &instances) != SUCCESS || index >= instances) return NOT_FOUND;
    *out = (device)((uintptr_t)gpu + MIG + 0x100 * index);
    return SUCCESS;
}
struct process { uint pid; u64 used; uint gpu_instance, compute_instance; };
int nvmlDeviceGetComputeRunningProcesses_v3(device gpu, uint *count, struct process *out) {
    BEGIN(index_of(gpu));
    char value[200], *rest = value, *word;
    uint room = *count, found = 0;
    if (!look_at(index_of(gpu), "processes", value, sizeof value)) return NOT_SUPPORTED;
    while (rest && (word = strsep(&rest, ","))) { /* pid:MiB,pid:MiB */
        uint pid = 0;
        u64 mib = 0;
        if (sscanf(word, "%u:%llu", &pid, &mib) < 1) continue;
        if (out && found < room) out[found] = (struct process){pid, mib << 20, ~0u, ~0u};
        found++;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

/* ---- field values: each with its own type and return code ---- */
struct field { uint id, scope; i64 timestamp, latency; uint type; int code; union { double d; uint u; i64 s; u64 l; int i; unsigned short h; } value; };
static void set_field(struct field *field, const char *text) {
    static const struct { const char *prefix; uint type; } TYPES[] = {
        {"double:", 0}, {"uint:", 1}, {"ulong:", 2}, {"ull:", 3}, {"sll:", 4}, {"int:", 5}, {"ushort:", 6}};
    u64 number = strtoull(text, NULL, 0);
    field->type = text[0] == '-' ? 5 : number > 0xffffffffu ? 3 : 1;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        size_t length = strlen(TYPES[i].prefix);
        if (!strncmp(text, TYPES[i].prefix, length)) { field->type = TYPES[i].type; text += length; break; }
    }
    field->value.l = 0;
    if (field->type == 0) field->value.d = strtod(text, NULL);
    else if (field->type == 5) field->value.i = (int)strtoll(text, NULL, 0);
    else if (field->type == 6) field->value.h = (unsigned short)strtoul(text, NULL, 0);
    else if (field->type == 1) field->value.u = (uint)strtoull(text, NULL, 0);
    else field->value.l = strtoull(text, NULL, 0);
    field->code = SUCCESS;
}
int nvmlDeviceGetFieldValues(device gpu, int count, struct field *fields) {
    BEGIN(index_of(gpu));
    char key[48], value[100];
    for (int i = 0; i < count; i++) {
        struct field *field = &fields[i];
        if (field->id >= FIELD_LIMIT) { field->code = INVALID_ARGUMENT; continue; }
        snprintf(key, sizeof key, "field.%u.%u", field->id, field->scope);
        int found = field->scope && look_at(index_of(gpu), key, value, sizeof value);
        snprintf(key, sizeof key, "field.%u", field->id);
        if (!found && !look_at(index_of(gpu), key, value, sizeof value)) { field->code = NOT_SUPPORTED; continue; }
        char copy[100];
        int code = play(strcpy(copy, value));
        if (code != GO_ON) field->code = code; else set_field(field, value);
    }
    return SUCCESS;
}
