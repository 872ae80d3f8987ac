/* The state file of the stand-in library: its lines, and the faults they ask for. */
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
    if (!path) path = "/etc/fake-nvml";
    if (stat(path, &now)) return;
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
