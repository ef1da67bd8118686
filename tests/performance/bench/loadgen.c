/* loadgen - replays ready-made HTTP/1.1 requests over keep-alive connections and measures them.
 *
 * Duty: be cheap. Requests arrive signed in a file; heads and small bodies leave in one writev(2), large bodies
 * by sendfile(2), reply bodies are dropped inside the kernel (MSG_TRUNC). One thread, one epoll set.
 * It knows nothing of S3, signatures or what a benchmark is; the Python side next to it does.
 *
 * usage: loadgen ADDRESS PORT CLIENTS SECONDS REQUESTS WRAP SCRIPT BODY
 *   stops after SECONDS, or after REQUESTS requests, or (WRAP = 0) at the end of SCRIPT; WRAP = 1 starts it over
 *   SCRIPT  records of { u32 head_bytes, u32 no_reply_body, u64 body_bytes, i64 reply_bytes (-1: any) } + head
 *   BODY    a file every request body is the beginning of
 * prints one JSON object. Latency is from the first byte sent to the last byte received.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16 * 1024, SCRAP = 1 << 20, GATHER_LIMIT = 64 * 1024, EXCERPT = 300 };

struct record {
    uint32_t head_bytes, no_reply_body;
    uint64_t body_bytes;
    int64_t reply_bytes;
};
struct request {
    struct record record;
    const char *head;
};

enum phase { RESTING, AWAITING_HEAD, IN_BODY, IN_CHUNK_LINE, IN_CHUNK, AFTER_CHUNK, IN_TRAILER };

struct client {
    int fd;
    bool watching_output, sent_all, closes, until_end, connected_once;
    enum phase phase;
    const struct request *request;
    uint64_t sent;            /* bytes of head + body */
    char head[HEAD_LIMIT];    /* the reply's head, or a chunk line */
    size_t head_used;
    char error[EXCERPT];      /* the beginning of an error document */
    size_t error_used;
    int status;
    uint64_t left, received;  /* reply body: bytes to come of it or of the chunk, bytes seen */
    uint64_t replies;
    double started;
};

static struct {
    struct sockaddr_in address;
    struct request *requests;
    size_t count, next;
    bool wrap;
    uint64_t most, begun, done, errors, reconnects, bytes;
    double deadline;
    int epoll, body_fd;
    const char *body;
    double *latencies;
    size_t latencies_used, latencies_room;
    int last_bad_status;
    char excerpt[EXCERPT + 1];
} run;

static char scrap[SCRAP];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void note_error(int status, const char *text, size_t size) {
    run.errors++;
    run.last_bad_status = status;
    if (run.excerpt[0]) return;
    if (size > EXCERPT) size = EXCERPT;
    for (size_t i = 0; i < size; i++) /* JSON needs no escapes for what is left */
        run.excerpt[i] = (isprint((unsigned char)text[i]) && text[i] != '"' && text[i] != '\\') ? text[i] : ' ';
}

static void watch(struct client *c, bool output) {
    if (c->watching_output == output) return;
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(run.epoll, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
    c->watching_output = output;
}

static void connect_client(struct client *c) {
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0) fail("socket");
    if (connect(c->fd, (struct sockaddr *)&run.address, sizeof run.address)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK)) fail("fcntl");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
    c->watching_output = c->closes = c->until_end = false;
    c->replies = 0;
    if (c->connected_once) run.reconnects++;
    c->connected_once = true;
}

/* Sends as much as the socket takes. Returns false when the connection broke. */
static bool send_some(struct client *c) {
    const struct record *r = &c->request->record;
    const uint64_t total = r->head_bytes + r->body_bytes;
    while (c->sent < total) {
        ssize_t n;
        if (c->sent < r->head_bytes || r->body_bytes <= GATHER_LIMIT) {
            struct iovec parts[2];
            int used = 0;
            uint64_t body_from = c->sent > r->head_bytes ? c->sent - r->head_bytes : 0;
            uint64_t body_upto = r->body_bytes < GATHER_LIMIT ? r->body_bytes : GATHER_LIMIT;
            if (c->sent < r->head_bytes)
                parts[used++] = (struct iovec){(void *)(c->request->head + c->sent), r->head_bytes - c->sent};
            if (body_from < body_upto)
                parts[used++] = (struct iovec){(void *)(run.body + body_from), body_upto - body_from};
            struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)used};
            n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        } else {
            off_t from = (off_t)(c->sent - r->head_bytes);
            n = sendfile(c->fd, run.body_fd, &from, total - c->sent);
        }
        if (n < 0) {
            if (errno == EAGAIN) {
                watch(c, true);
                return true;
            }
            if (errno == EINTR) continue;
            return false;
        }
        c->sent += (uint64_t)n;
    }
    c->sent_all = true;
    watch(c, false);
    return true;
}

static bool begin(struct client *c) {
    if (run.begun >= run.most || now() >= run.deadline || (run.next == run.count && !run.wrap)) {
        c->phase = RESTING;
        return false;
    }
    if (run.next == run.count) run.next = 0;
    c->request = &run.requests[run.next++];
    run.begun++;
    c->phase = AWAITING_HEAD;
    c->sent = c->received = c->left = 0;
    c->head_used = c->error_used = 0;
    c->sent_all = false;
    c->started = now();
    return true;
}

static void remember_latency(double seconds) {
    if (run.latencies_used == run.latencies_room) {
        run.latencies_room = run.latencies_room ? run.latencies_room * 2 : 1 << 16;
        run.latencies = realloc(run.latencies, run.latencies_room * sizeof *run.latencies);
        if (!run.latencies) fail("realloc");
    }
    run.latencies[run.latencies_used++] = seconds;
}

/* The reply is whole. */
static void finish(struct client *c) {
    const struct record *r = &c->request->record;
    c->phase = RESTING;
    c->replies++;
    if (c->status < 200 || c->status > 299) {
        note_error(c->status, c->error, c->error_used);
    } else if (r->reply_bytes >= 0 && !r->no_reply_body && (uint64_t)r->reply_bytes != c->received) {
        char text[80];
        int size = snprintf(text, sizeof text, "%llu bytes of %lld", (unsigned long long)c->received, (long long)r->reply_bytes);
        note_error(c->status, text, (size_t)size);
    } else {
        run.done++;
        run.bytes += r->body_bytes + c->received;
        remember_latency(now() - c->started);
    }
    if (!c->sent_all) c->closes = true; /* answered before the body was read: the connection is out of step */
}

static const char *header(struct client *c, const char *name) {
    size_t size = strlen(name);
    for (char *line = strstr(c->head, "\r\n"); line && line[2] && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, size) && line[2 + size] == ':') return line + 3 + size + strspn(line + 3 + size, " ");
    return NULL;
}

/* The head is whole and ends with a zero byte. */
static void read_head(struct client *c) {
    c->status = atoi(c->head + 9);
    if (c->status == 100) {
        c->head_used = 0;
        return;
    }
    const char *connection = header(c, "connection"), *length = header(c, "content-length"), *coding = header(c, "transfer-encoding");
    if (connection && !strncasecmp(connection, "close", 5)) c->closes = true;
    if (c->request->record.no_reply_body || c->status == 204 || c->status == 304) {
        finish(c);
    } else if (coding && !strncasecmp(coding, "chunked", 7)) {
        c->phase = IN_CHUNK_LINE;
        c->head_used = 0;
    } else if (length) {
        c->left = strtoull(length, NULL, 10);
        c->phase = IN_BODY;
        if (c->left == 0) finish(c);
    } else {
        c->left = UINT64_MAX;
        c->phase = IN_BODY;
        c->until_end = c->closes = true;
    }
}

/* Takes one line into c->head; returns the bytes used of data, and sets *whole. */
static size_t take_line(struct client *c, const char *data, size_t size, bool *whole) {
    const char *end = memchr(data, '\n', size);
    size_t used = end ? (size_t)(end - data) + 1 : size;
    if (c->head_used + used >= HEAD_LIMIT) {
        errno = EMSGSIZE;
        fail("a reply line is too long");
    }
    memcpy(c->head + c->head_used, data, used);
    c->head_used += used;
    c->head[c->head_used] = 0;
    *whole = end != NULL;
    return used;
}

static void consume(struct client *c, const char *data, size_t size) {
    while (size && c->phase != RESTING) {
        size_t used = 0;
        bool whole = false;
        switch (c->phase) {
        case AWAITING_HEAD:
            used = take_line(c, data, size, &whole);
            if (whole && c->head_used >= 4 && !memcmp(c->head + c->head_used - 4, "\r\n\r\n", 4)) read_head(c);
            break;
        case IN_BODY:
        case IN_CHUNK:
            used = size < c->left ? size : (size_t)c->left;
            if (c->status > 299 && c->error_used < EXCERPT) {
                size_t kept = used < EXCERPT - c->error_used ? used : EXCERPT - c->error_used;
                memcpy(c->error + c->error_used, data, kept);
                c->error_used += kept;
            }
            c->received += used;
            c->left -= used;
            if (c->left == 0) {
                if (c->phase == IN_BODY) finish(c);
                else c->phase = AFTER_CHUNK, c->left = 2;
            }
            break;
        case AFTER_CHUNK:
            used = size < c->left ? size : (size_t)c->left;
            c->left -= used;
            if (c->left == 0) c->phase = IN_CHUNK_LINE, c->head_used = 0;
            break;
        case IN_CHUNK_LINE:
            used = take_line(c, data, size, &whole);
            if (!whole) break;
            c->left = strtoull(c->head, NULL, 16);
            c->phase = c->left ? IN_CHUNK : IN_TRAILER;
            c->head_used = 0;
            break;
        case IN_TRAILER:
            used = take_line(c, data, size, &whole);
            if (!whole) break;
            if (!strcmp(c->head, "\r\n")) finish(c);
            c->head_used = 0;
            break;
        case RESTING: break;
        }
        data += used;
        size -= used;
    }
}

/* Reads what is there. Returns false when the connection ended or broke. */
static bool receive_some(struct client *c) {
    for (;;) {
        bool drop = c->phase == IN_BODY && c->status <= 299;
        size_t room = drop && c->left < SCRAP ? (size_t)c->left : SCRAP;
        ssize_t n = recv(c->fd, scrap, room, drop ? MSG_TRUNC : 0);
        if (n < 0) {
            if (errno == EAGAIN) return true;
            if (errno == EINTR) continue;
            return false;
        }
        if (n == 0) {
            if (c->phase == IN_BODY && c->until_end) finish(c);
            return false;
        }
        consume(c, scrap, (size_t)n);
        if (c->phase == RESTING) return !c->closes;
    }
}

static void reopen(struct client *c) {
    close(c->fd);
    connect_client(c);
}

/* Does what can be done now; returns whether the client still has a request in flight. */
static bool step(struct client *c, uint32_t events) {
    for (;;) {
        bool alive = true;
        if (c->phase != RESTING && !c->sent_all) alive = send_some(c);
        if (alive && c->phase != RESTING && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) alive = receive_some(c);
        if (!alive || (c->phase == RESTING && c->closes)) {
            if (c->phase != RESTING) {
                bool stale = c->replies > 0 && c->phase == AWAITING_HEAD && c->head_used == 0;
                if (stale) { /* an idle connection was closed under us: that request was never taken, send it again */
                    reopen(c);
                    c->sent = 0;
                    c->sent_all = false;
                    events = 0;
                    continue;
                }
                note_error(0, "connection closed early", 23);
                c->phase = RESTING;
            }
            reopen(c);
        }
        if (c->phase != RESTING) return true;
        if (!begin(c)) return false;
        events = 0;
    }
}

static void load_script(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat info;
    if (fd < 0 || fstat(fd, &info)) fail(path);
    const char *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED) fail(path);
    size_t room = 0;
    for (const char *at = data, *end = data + info.st_size; at < end;) {
        if (run.count == room) {
            room = room ? room * 2 : 1024;
            run.requests = realloc(run.requests, room * sizeof *run.requests);
            if (!run.requests) fail("realloc");
        }
        struct request *r = &run.requests[run.count++];
        memcpy(&r->record, at, sizeof r->record);
        r->head = at + sizeof r->record;
        at = r->head + r->record.head_bytes;
    }
    if (!run.count) {
        errno = EINVAL;
        fail("the script is empty");
    }
}

static void open_body(const char *path) {
    struct stat info;
    run.body_fd = open(path, O_RDONLY);
    if (run.body_fd < 0 || fstat(run.body_fd, &info)) fail(path);
    if (!info.st_size) return;
    run.body = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, run.body_fd, 0);
    if (run.body == MAP_FAILED) fail(path);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(double share) {
    if (!run.latencies_used) return 0;
    size_t at = (size_t)(share * (double)(run.latencies_used - 1) + 0.5);
    return run.latencies[at] * 1e3;
}

static void report(double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(run.latencies, run.latencies_used, sizeof *run.latencies, by_value);
    printf("{\"requests\": %llu, \"errors\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, "
           "\"client_cpu_seconds\": %.4f, \"reconnects\": %llu, \"last_bad_status\": %d, \"excerpt\": \"%s\"}\n",
           (unsigned long long)run.done, (unsigned long long)run.errors, (unsigned long long)run.bytes, seconds,
           percentile_ms(0.5), percentile_ms(0.99), cpu, (unsigned long long)run.reconnects, run.last_bad_status, run.excerpt);
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fprintf(stderr, "usage: loadgen ADDRESS PORT CLIENTS SECONDS REQUESTS WRAP SCRIPT BODY\n");
        return 2;
    }
    run.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &run.address.sin_addr) != 1) {
        errno = EINVAL;
        fail(argv[1]);
    }
    int count = atoi(argv[3]), in_flight = 0;
    run.most = strtoull(argv[5], NULL, 10);
    run.wrap = atoi(argv[6]) != 0;
    load_script(argv[7]);
    open_body(argv[8]);
    run.epoll = epoll_create1(0);
    struct client *clients = calloc((size_t)count, sizeof *clients);
    if (run.epoll < 0 || !clients) fail("start");
    for (int i = 0; i < count; i++) connect_client(&clients[i]);

    double started = now();
    run.deadline = started + atof(argv[4]);
    for (int i = 0; i < count; i++) in_flight += begin(&clients[i]) && step(&clients[i], 0);
    while (in_flight > 0) {
        struct epoll_event events[64];
        int n = epoll_wait(run.epoll, events, 64, 120000);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            errno = ETIMEDOUT;
            fail("no reply for 120 s");
        }
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c->phase == RESTING) { /* finished; the server may close it */
                epoll_ctl(run.epoll, EPOLL_CTL_DEL, c->fd, NULL);
                continue;
            }
            in_flight -= !step(c, events[i].events);
        }
    }
    report(now() - started);
    return 0;
}
