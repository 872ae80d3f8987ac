/* A libnvidia-ml.so.1 of our own: two RTX PRO 6000, of which the second is lost, or a failing start.
   What is not defined here is really missing, as with an older driver: dlsym finds nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUCCESS 0
#define NOT_SUPPORTED 3
#define GPU_IS_LOST 15
typedef unsigned int uint;
typedef unsigned long long ulong64;

static int say(char *out, uint size, const char *text) { strncpy(out, text, size); return SUCCESS; }
static int num(uint *out, uint value) { *out = value; return SUCCESS; }

int nvmlInitWithFlags(uint flags) {
    const char *fault = getenv("EDGECTL_TEST_NVML");
    (void)flags;
    if (fault && !strcmp(fault, "hang")) sleep(60);
    if (fault && !strcmp(fault, "crash")) abort();
    return fault && *fault ? atoi(fault) : SUCCESS;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == GPU_IS_LOST ? "GPU is lost" : "an error"; }
int nvmlSystemGetDriverVersion(char *out, uint size) { return say(out, size, "580.105.08"); }
int nvmlDeviceGetCount_v2(uint *count) { return num(count, 2); }
int nvmlDeviceGetHandleByIndex_v2(uint index, void **gpu) {
    *gpu = (void *)1;
    return index == 0 ? SUCCESS : GPU_IS_LOST;
}
int nvmlDeviceGetUUID(void *gpu, char *out, uint size) { (void)gpu; return say(out, size, "GPU-1c8e"); }
int nvmlDeviceGetName(void *gpu, char *out, uint size) {
    (void)gpu;
    return say(out, size, "NVIDIA RTX PRO 6000 Blackwell Server Edition");
}
int nvmlDeviceGetSerial(void *gpu, char *out, uint size) { (void)gpu; (void)out; (void)size; return NOT_SUPPORTED; }
int nvmlDeviceGetTemperature(void *gpu, int sensor, uint *out) { (void)gpu; (void)sensor; return num(out, 36); }
int nvmlDeviceGetTotalEccErrors(void *gpu, int type, int counter, ulong64 *out) {
    (void)gpu;
    *out = (ulong64)(10 * type + counter + 1);
    return SUCCESS;
}
int nvmlDeviceGetRemappedRows(void *gpu, uint *corr, uint *unc, uint *pending, uint *failure) {
    (void)gpu;
    *corr = 7; *unc = 2; *pending = 1; *failure = 0;
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(void *gpu, uint *out) { (void)gpu; (void)out; return 999; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *gpu, ulong64 *out) { (void)gpu; *out = 0x48; return SUCCESS; }

struct field { uint id, scope; long long timestamp, latency; int type, code; ulong64 value; };
int nvmlDeviceGetFieldValues(void *gpu, int count, struct field *fields) {
    (void)gpu;
    for (int i = 0; i < count; i++) {
        fields[i].code = NOT_SUPPORTED;
        if (fields[i].id == 230) { fields[i].code = SUCCESS; fields[i].type = 1; fields[i].value = 2; }
        if (fields[i].id == 194) { fields[i].code = SUCCESS; fields[i].type = 5; fields[i].value = (uint)-2; }
        if (fields[i].id == 270) { fields[i].code = SUCCESS; fields[i].type = 3; fields[i].value = 5000000; }
    }
    return SUCCESS;
}
