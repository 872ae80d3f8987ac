/* For LD_PRELOAD: the clock on the wall is stepped back by five seconds, one second after the process began. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

static int (*real)(clockid_t, struct timespec *);
static struct timespec began;

__attribute__((constructor)) static void begin(void) {
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real(CLOCK_MONOTONIC, &began);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!real) begin();
    int code = real(clock, at);
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    if (clock == CLOCK_REALTIME && now.tv_sec - began.tv_sec >= 1) at->tv_sec -= 5;
    return code;
}

int gettimeofday(struct timeval *at, void *zone) {
    (void)zone;
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return code;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
