/* A server of streaming chat completions that tells the truth: it takes CLOCK_MONOTONIC just before each send,
 * writes it into the chunk, and gives all stamps away at GET /truth. One thread, epoll and timerfd, so that it is
 * cheap beside any client in Python and never the limit of what a client is measured by.
 *
 *   truth PORT first_us gap_us per_chunk role_us cap freeze_every_ms freeze_ms
 *
 * `cap`: requests served at once, others wait in order (0: all). Every `freeze_every_ms` it does nothing at all for
 * `freeze_ms`. Requests say `max_tokens` or `max_completion_tokens`. DELETE /truth forgets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

typedef int64_t ns_t;
enum { MOST_FDS = 65536, IN_BYTES = 1 << 16 };

typedef struct { char id[64]; ns_t received; int tokens, chunks, sent, whole; ns_t *at; } Request;
typedef struct {
    int fd, used, capacity, waiting; /* waiting: for the cap */
    char *in;
    int request; /* index of the one being answered, -1 none */
    ns_t first_byte, due;
    int stage; /* 0 role, 1.. chunks */
    int heap_at;
} Line;

static Line *lines[MOST_FDS];
static Request *requests;
static int request_count, request_room;
static int heap[MOST_FDS], heap_size; /* fds by due */
static int queue[MOST_FDS], queue_from, queue_to, serving, most_serving, connections;
static ns_t first_ns, gap_ns, role_ns, freeze_every_ns, freeze_ns, began;
static int per_chunk, cap, poller;

static ns_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A binary heap of lines by `due`. */
static void place(int at, int fd) { heap[at] = fd; lines[fd]->heap_at = at; }
static void sift(int at) {
    int fd = heap[at];
    while (at && lines[heap[(at - 1) / 2]]->due > lines[fd]->due) { place(at, heap[(at - 1) / 2]); at = (at - 1) / 2; }
    for (;;) {
        int child = 2 * at + 1;
        if (child >= heap_size) break;
        if (child + 1 < heap_size && lines[heap[child + 1]]->due < lines[heap[child]]->due) child++;
        if (lines[heap[child]]->due >= lines[fd]->due) break;
        place(at, heap[child]);
        at = child;
    }
    place(at, fd);
}
static void push(int fd) { place(heap_size, fd); sift(heap_size++); }
static void drop(int fd) {
    int at = lines[fd]->heap_at;
    if (at < 0) return;
    lines[fd]->heap_at = -1;
    if (at == --heap_size) return;
    place(at, heap[heap_size]);
    sift(at);
}

static void put(int fd, const char *raw, size_t size) {
    while (size) {
        ssize_t done = send(fd, raw, size, MSG_NOSIGNAL);
        if (done < 0) {
            if (errno == EAGAIN || errno == EINTR) continue; /* loopback: the reader will come */
            return;
        }
        raw += done;
        size -= done;
    }
}

static void close_line(int fd);

static void answer(int fd, const char *kind, const char *body, size_t size) {
    char head[256];
    int length = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", kind, size);
    put(fd, head, length);
    put(fd, body, size);
}

static void tell_truth(int fd) {
    char *body;
    size_t size;
    FILE *out = open_memstream(&body, &size);
    fprintf(out, "{\"most_serving\": %d, \"connections\": %d, \"requests\": [", most_serving, connections);
    for (int i = 0; i < request_count; i++) {
        Request *r = &requests[i];
        fprintf(out, "%s{\"id\": \"%s\", \"received_ns\": %ld, \"tokens\": %d, \"whole\": %d, \"sent_ns\": [", i ? ",\n" : "",
            r->id, r->received, r->tokens, r->whole);
        for (int c = 0; c < r->sent; c++) fprintf(out, "%s%ld", c ? "," : "", r->at[c]);
        fputs("]}", out);
    }
    fputs("]}", out);
    fclose(out);
    answer(fd, "application/json", body, size);
    free(body);
}

/* The same stamps as vLLM's own histograms would have them. */
static void tell_metrics(int fd) {
    char body[1024];
    double ttft = 0, itl = 0;
    long gaps = 0, started = 0, tokens = 0;
    for (int i = 0; i < request_count; i++) {
        Request *r = &requests[i];
        if (!r->sent) continue;
        started++;
        ttft += (r->at[0] - r->received) / 1e9;
        itl += (r->at[r->sent - 1] - r->at[0]) / 1e9;
        gaps += r->sent * per_chunk > 1 ? r->sent * per_chunk - 1 : 0;
        tokens += r->sent * per_chunk;
    }
    int size = snprintf(body, sizeof body,
        "vllm:time_to_first_token_seconds_sum{model_name=\"truth\"} %.9f\n"
        "vllm:time_to_first_token_seconds_count{model_name=\"truth\"} %ld\n"
        "vllm:inter_token_latency_seconds_sum{model_name=\"truth\"} %.9f\n"
        "vllm:inter_token_latency_seconds_count{model_name=\"truth\"} %ld\n"
        "vllm:generation_tokens_total{model_name=\"truth\"} %ld\n", ttft, started, itl, gaps, tokens);
    answer(fd, "text/plain", body, size);
}

static void begin(int fd) {
    Line *line = lines[fd];
    serving++;
    if (serving > most_serving) most_serving = serving;
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    put(fd, head, sizeof head - 1);
    line->stage = 0;
    line->due = cap ? now() + role_ns : line->first_byte + role_ns;
    push(fd);
}

static void forget(void) {
    for (int i = 0; i < request_count; i++) free(requests[i].at);
    request_count = most_serving = connections = 0;
}

static int number_after(const char *body, const char *name) {
    const char *found = strstr(body, name);
    if (!found) return 0;
    found += strlen(name);
    while (*found == '"' || *found == ':' || *found == ' ') found++;
    return atoi(found);
}

/* Take one whole request out of what was read; tell whether there was one. */
static int take(int fd) {
    Line *line = lines[fd];
    line->in[line->used] = 0;
    char *end = memmem(line->in, line->used, "\r\n\r\n", 4);
    if (!end) return 0;
    char *length = strcasestr(line->in, "\r\ncontent-length:");
    int body = length && length < end ? atoi(length + 17) : 0;
    int whole = end + 4 - line->in + body;
    if (line->used < whole) {
        if (whole + 1 > line->capacity) line->in = realloc(line->in, line->capacity = whole + IN_BYTES);
        return 0;
    }
    if (!strncmp(line->in, "GET /truth", 10)) tell_truth(fd);
    else if (!strncmp(line->in, "DELETE /truth", 13)) { forget(); answer(fd, "text/plain", "ok", 2); }
    else if (!strncmp(line->in, "GET /metrics", 12)) tell_metrics(fd);
    else if (!strncmp(line->in, "GET", 3) || !strncmp(line->in, "HEAD", 4)) {
        static const char models[] = "{\"object\": \"list\", \"data\": [{\"id\": \"truth\", \"object\": \"model\"}]}";
        answer(fd, "application/json", models, sizeof models - 1);
    } else {
        if (request_count == request_room)
            requests = realloc(requests, sizeof *requests * (request_room = request_room ? request_room * 2 : 4096));
        Request *r = &requests[request_count];
        memset(r, 0, sizeof *r);
        char *id = strcasestr(line->in, "\r\nx-request-id: ");
        if (id && id < end) sscanf(id + 16, "%63[^\r]", r->id);
        char *text = end + 4, last = text[body];
        text[body] = 0;
        r->tokens = number_after(text, "\"max_tokens");
        if (!r->tokens) r->tokens = number_after(text, "\"max_completion_tokens");
        if (!r->tokens) r->tokens = 16;
        text[body] = last;
        r->chunks = (r->tokens + per_chunk - 1) / per_chunk;
        r->at = malloc(sizeof(ns_t) * r->chunks);
        r->received = line->first_byte;
        line->request = request_count++;
        if (cap && serving >= cap) { queue[queue_to++ % MOST_FDS] = fd; line->waiting = 1; }
        else begin(fd);
    }
    memmove(line->in, line->in + whole, line->used - whole);
    line->used -= whole;
    return 1;
}

static void end_request(int fd) {
    lines[fd]->request = -1;
    serving--;
    while (cap && serving < cap && queue_from < queue_to) {
        int next = queue[queue_from++ % MOST_FDS];
        if (!lines[next] || !lines[next]->waiting) continue;
        lines[next]->waiting = 0;
        begin(next);
    }
}

static void close_line(int fd) {
    Line *line = lines[fd];
    int was_served = line->request >= 0 && !line->waiting;
    drop(fd);
    line->waiting = 0;
    if (was_served) end_request(fd);
    lines[fd] = NULL;
    free(line->in);
    free(line);
    close(fd);
}

static void send_next(int fd) {
    Line *line = lines[fd];
    Request *r = &requests[line->request];
    char text[4096], out[8192];
    int size;
    drop(fd);
    if (line->stage == 0) {
        size = snprintf(text, sizeof text, "data: {\"id\":\"truth\",\"object\":\"chat.completion.chunk\",\"created\":1,"
            "\"model\":\"truth\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
            "\"finish_reason\":null}]}\n\n");
        size = snprintf(out, sizeof out, "%x\r\n%s\r\n", size, text);
        put(fd, out, size);
        line->stage = 1;
        line->due = (line->due - role_ns) + first_ns;
        push(fd);
        return;
    }
    int count = r->tokens - r->sent * per_chunk < per_chunk ? r->tokens - r->sent * per_chunk : per_chunk;
    char words[1024];
    int words_size = 0;
    for (int i = 0; i < count && words_size < 1000; i++) words_size += sprintf(words + words_size, " the");
    ns_t at = now();
    size = snprintf(text, sizeof text, "data: {\"id\":\"truth\",\"object\":\"chat.completion.chunk\",\"created\":1,"
        "\"model\":\"truth\",\"sent_ns\":%ld,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
        "\"finish_reason\":null}]}\n\n", at, words);
    size = snprintf(out, sizeof out, "%x\r\n%s\r\n", size, text);
    r->at[r->sent++] = at;
    put(fd, out, size);
    if (r->sent < r->chunks) {
        line->due += gap_ns;
        push(fd);
        return;
    }
    size = snprintf(text, sizeof text, "data: {\"id\":\"truth\",\"object\":\"chat.completion.chunk\",\"created\":1,"
        "\"model\":\"truth\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
        "data: {\"id\":\"truth\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"truth\",\"choices\":[],"
        "\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
        r->tokens, r->tokens + 8);
    size = snprintf(out, sizeof out, "%x\r\n%s\r\n0\r\n\r\n", size, text);
    r->whole = 1;
    put(fd, out, size);
    end_request(fd);
}

static void read_line(int fd) {
    Line *line = lines[fd];
    if (line->capacity - line->used < 4096) line->in = realloc(line->in, line->capacity += IN_BYTES * 4);
    ssize_t got = recv(fd, line->in + line->used, line->capacity - line->used - 1, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { close_line(fd); return; }
    if (!line->used) line->first_byte = now();
    line->used += got;
    while (lines[fd] && line->request < 0 && take(fd)) {}
}

static void freeze_if_due(void) {
    if (!freeze_every_ns) return;
    ns_t at = (now() - began) % freeze_every_ns;
    if (at < freeze_every_ns - freeze_ns) return;
    ns_t left = freeze_every_ns - at;
    struct timespec pause = {left / 1000000000, left % 1000000000};
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv) {
    if (argc < 9) return 2;
    first_ns = atoll(argv[2]) * 1000; gap_ns = atoll(argv[3]) * 1000; per_chunk = atoi(argv[4]);
    role_ns = atoll(argv[5]) * 1000; cap = atoi(argv[6]);
    freeze_every_ns = atoll(argv[7]) * 1000000; freeze_ns = atoll(argv[8]) * 1000000;
    struct rlimit files = {MOST_FDS, MOST_FDS};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < MOST_FDS ? files.rlim_max : MOST_FDS;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = timer;
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    began = now();
    for (;;) {
        struct itimerspec when = {{0, 0}, {0, 0}};
        if (heap_size) {
            ns_t due = lines[heap[0]]->due;
            when.it_value.tv_sec = due / 1000000000;
            when.it_value.tv_nsec = due % 1000000000;
            if (due <= 0) when.it_value.tv_nsec = 1;
        }
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        int count = epoll_wait(poller, ready, 256, freeze_every_ns ? 50 : -1);
        freeze_if_due();
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == timer) { uint64_t ticks; if (read(timer, &ticks, 8) < 0) {} continue; }
            if (fd != listener) { if (lines[fd]) read_line(fd); continue; }
            int made;
            while ((made = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (made >= MOST_FDS) { close(made); continue; }
                setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                Line *line = calloc(1, sizeof *line);
                line->fd = made; line->request = line->heap_at = -1;
                line->in = malloc(line->capacity = IN_BYTES);
                lines[made] = line;
                connections++;
                event.events = EPOLLIN;
                event.data.fd = made;
                epoll_ctl(poller, EPOLL_CTL_ADD, made, &event);
            }
        }
        for (int sends = 0; sends < 256 && heap_size && lines[heap[0]]->due <= now(); sends++) {
            int fd = heap[0];
            send_next(fd);
            if (lines[fd] && lines[fd]->request < 0) while (lines[fd] && lines[fd]->request < 0 && take(fd)) {}
        }
    }
}
