/* The load client: many WebSockets in one thread, for less than the server pays for them.
 *
 *   load <IPv4 address> <port> <path> [answering]
 *
 * One command a line on stdin, one JSON object a line on stdout:
 *   open <n> <at once> <0|1>   n more sockets, so many handshakes at a time, answered when all are
 *                              open (0), or have their first fragment too (1), or have failed
 *   reopen <0|1>               drop every socket and open as many again, all at once
 *   stall <k>                  never read the first k again
 *   start                      count from now on; {"all": m} whenever every socket that is read
 *                              has the newest marker m
 *   stop                       what was counted since `start`
 *
 * A marker is @ and digits and @ in a text frame: the moment it was sent, in µs of this machine's
 * clock, and by it the latency. One that a socket had already is a repeat and no delivery, whether
 * it stands twice in a frame or was sent again; one from before `start` is nothing. `marked` frames
 * had a marker, `bytes` are their payloads. Times are µs.
 *
 * With `answering` each socket says what it would have painted, as a page of ours does: the greatest
 * data-version, at a moment of its own in every second in which something came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, SHAKING, OPEN, CLOSED };
enum { RECENT = 32 };
enum { ROOM = 1 << 20, EVENTS = 1024, GIVE_UP = 60 * 1000000 };

typedef struct {
    int fd, state, settled, stalled, painted, unanswered;
    unsigned char *rest; /* the beginning of a frame whose end has not come */
    size_t rest_len;
    int64_t begun, deliveries, version;
    int64_t recent[RECENT]; /* the markers that came last, in a ring */
    int turn;
} Socket;

typedef struct {
    uint32_t *at;
    size_t n, room;
} Spans;

static Socket *sockets;
static int total, begun, settled, at_once, first_too, opening, readers, counting, answering;
static int64_t opening_since, counting_since, cpu_before;
static int64_t frames, marked, deliveries, repeats, bytes, closed, failed, newest, reached;
static Spans latencies, opened, painted;
static struct sockaddr_in address;
static char request[1024];
static int poll_fd;
static unsigned char buffer[ROOM];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void *grown(void *old, size_t size) {
    void *fresh = realloc(old, size);
    if (!fresh) die("no memory");
    return fresh;
}

static void note(Spans *spans, int64_t span) {
    if (spans->n == spans->room) {
        spans->room = spans->room ? 2 * spans->room : 1024;
        spans->at = grown(spans->at, spans->room * sizeof *spans->at);
    }
    spans->at[spans->n++] = span < 0 ? 0 : span > UINT32_MAX ? UINT32_MAX : (uint32_t)span;
}

static int had(const Socket *s, int64_t moment) {
    for (int i = 0; i < RECENT; i++)
        if (s->recent[i] == moment) return 1;
    return 0;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void say_spans(const char *name, Spans *spans) {
    size_t n = spans->n;
    if (n) qsort(spans->at, n, sizeof *spans->at, by_size);
    printf("\"%s\": {\"n\": %zu, \"p50\": %u, \"p99\": %u, \"max\": %u}", name, n,
           n ? spans->at[n / 2] : 0, n ? spans->at[n * 99 / 100] : 0, n ? spans->at[n - 1] : 0);
}

/* Opening. */

static void watch(int i, uint32_t what, int how) {
    struct epoll_event event = {.events = what, .data.u32 = (uint32_t)i};
    if (epoll_ctl(poll_fd, how, sockets[i].fd, &event)) die("epoll_ctl");
}

static void begin(int i) {
    Socket *s = &sockets[i];
    int one = 1;
    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s->fd < 0) die("socket (ulimit -n?)");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->begun = now();
    if (connect(s->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect");
    watch(i, EPOLLOUT, EPOLL_CTL_ADD);
}

static void begin_more(void) {
    while (begun < total && begun - settled < at_once) begin(begun++);
}

static void end_opening(void) {
    opening = 0;
    printf("{\"sockets\": %d, \"failed\": %lld, \"seconds\": %.3f, ", readers, (long long)failed,
           (double)(now() - opening_since) / 1e6);
    say_spans("opened", &opened);
    printf(", ");
    say_spans("painted", &painted);
    printf("}\n");
}

static void settle(Socket *s) {
    if (s->settled) return;
    s->settled = 1;
    settled++;
    begin_more();
    if (opening && settled == total) end_opening();
}

static void lose(Socket *s) {
    int was = s->state;
    if (was == CLOSED) return;
    close(s->fd);
    free(s->rest);
    s->rest = NULL;
    s->rest_len = 0;
    s->state = CLOSED;
    if (was == OPEN) {
        closed++;
        if (!s->stalled) readers--;
        if (newest && had(s, newest)) reached--;
    }
    if (!s->settled) failed++;
    settle(s);
}

static void open_sockets(int more, int most, int wait_for_first) {
    sockets = grown(sockets, (size_t)(total + more) * sizeof *sockets);
    total += more;
    at_once = most;
    first_too = wait_for_first;
    opening = 1;
    failed = 0;
    opened.n = painted.n = 0;
    opening_since = now();
    begin_more();
    if (settled == total) end_opening();
}

/* Reading. */

/* A frame of at most 125 bytes, under a mask of zeros. */
static void say(Socket *s, int opcode, const void *data, size_t len) {
    unsigned char frame[6 + 125] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | len)};
    if (len > 125) return;
    memcpy(frame + 6, data, len);
    if (send(s->fd, frame, 6 + len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) lose(s);
}

static void note_painted(Socket *s, const unsigned char *text, size_t len) {
    static const char name[] = "data-version=\"";
    const unsigned char *at = text, *end = text + len;
    s->unanswered = 1;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1))) {
        int64_t version = 0;
        for (at += sizeof name - 1; at < end && *at >= '0' && *at <= '9'; at++)
            version = 10 * version + (*at - '0');
        if (version > s->version) s->version = version;
    }
}

/* Each at a moment of its own in every second, as pages do. */
static void answer_due(void) {
    static int64_t done;
    int64_t ms = now() / 1000;
    if (done < ms - 1000) done = ms - 1000;
    while (done < ms) {
        for (int i = (int)(++done % 1000); i < total; i += 1000) {
            Socket *s = &sockets[i];
            char said[64];
            if (s->state != OPEN || s->stalled || !s->unanswered) continue;
            s->unanswered = 0;
            int n = snprintf(said, sizeof said, "{\"painted\":%lld}", (long long)s->version);
            say(s, 1, said, (size_t)n);
        }
    }
}

static void mark(Socket *s, int64_t moment) {
    if (moment < counting_since) return; /* it was under way before */
    if (had(s, moment)) {
        repeats++;
        return;
    }
    s->recent[s->turn++ % RECENT] = moment;
    s->deliveries++;
    deliveries++;
    note(&latencies, now() - moment);
    if (moment > newest) {
        newest = moment;
        reached = 0;
    }
    if (moment == newest && ++reached >= readers) printf("{\"all\": %lld}\n", (long long)moment);
}

static int64_t marker(const unsigned char **from, const unsigned char *end) {
    const unsigned char *at = *from;
    while ((at = memchr(at, '@', (size_t)(end - at)))) {
        int64_t value = 0;
        const unsigned char *digit = ++at;
        while (digit < end && *digit >= '0' && *digit <= '9' && digit - at < 18)
            value = 10 * value + (*digit++ - '0');
        if (digit < end && *digit == '@' && digit > at) {
            *from = digit + 1;
            return value;
        }
    }
    return 0;
}

static void take_text(Socket *s, const unsigned char *text, size_t len) {
    const unsigned char *from = text, *end = text + len;
    int64_t found;
    int markers = 0;
    if (!s->painted && len && *text != '{') { /* the first may be a heartbeat */
        s->painted = 1;
        note(&painted, now() - s->begun);
        settle(s);
    }
    if (answering) note_painted(s, text, len);
    if (!counting || s->state != OPEN) return;
    frames++;
    while ((found = marker(&from, end))) {
        mark(s, found);
        markers++;
    }
    if (!markers) return;
    marked++;
    bytes += (int64_t)len;
}

/* How much of `data` was whole frames. */
static size_t take_frames(Socket *s, const unsigned char *data, size_t len) {
    size_t at = 0;
    while (len - at >= 2 && s->state == OPEN) {
        const unsigned char *head = data + at;
        size_t size = head[1] & 127, skip = 2;
        if (size == 126) {
            if (len - at < 4) break;
            size = (size_t)head[2] << 8 | head[3];
            skip = 4;
        } else if (size == 127) {
            if (len - at < 10) break;
            size = 0;
            for (int i = 2; i < 10; i++) size = size << 8 | head[i];
            skip = 10;
        }
        if (len - at < skip + size) break;
        switch (head[0] & 15) {
        case 1: take_text(s, head + skip, size); break;
        case 8: lose(s); return len;
        case 9: say(s, 10, head + skip, size); break;
        }
        at += skip + size;
    }
    return at;
}

static size_t take_answer(Socket *s, const unsigned char *data, size_t len) {
    const unsigned char *end = memmem(data, len, "\r\n\r\n", 4);
    if (!end) return 0;
    /* The key is always the one of RFC 6455, and so is its answer. */
    if (memcmp(data, "HTTP/1.1 101", 12) ||
        !memmem(data, (size_t)(end - data), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28)) {
        lose(s);
        return len;
    }
    s->state = OPEN;
    readers++;
    note(&opened, now() - s->begun);
    if (!first_too) settle(s);
    return (size_t)(end - data) + 4;
}

static void take(Socket *s) {
    size_t len = s->rest_len, used = 0;
    if (len) memcpy(buffer, s->rest, len);
    ssize_t got = recv(s->fd, buffer + len, ROOM - len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || len + (size_t)got == ROOM) {
        lose(s);
        return;
    }
    len += (size_t)got;
    if (s->state == SHAKING) used = take_answer(s, buffer, len);
    if (s->state == OPEN) used += take_frames(s, buffer + used, len - used);
    if (s->state == CLOSED) return;
    s->rest_len = len - used;
    if (s->rest_len) {
        s->rest = grown(s->rest, s->rest_len);
        memcpy(s->rest, buffer + used, s->rest_len);
    } else {
        free(s->rest);
        s->rest = NULL;
    }
}

static void ready(int i) {
    Socket *s = &sockets[i];
    if (s->state != CONNECTING) {
        take(s);
        return;
    }
    size_t len = strlen(request);
    if (send(s->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) {
        lose(s);
        return;
    }
    s->state = SHAKING;
    watch(i, EPOLLIN, EPOLL_CTL_MOD);
}

/* What was asked for and has not come is given up at last, so that a caller always hears. */
static void give_up(void) {
    if (!opening || now() - opening_since < GIVE_UP) return;
    for (int i = 0; i < begun && opening; i++)
        if (!sockets[i].settled) lose(&sockets[i]);
}

/* Commands. */

static void reopen(int wait_for_first) {
    int wanted = total;
    for (int i = 0; i < total; i++) {
        if (sockets[i].state != CLOSED) close(sockets[i].fd);
        free(sockets[i].rest);
    }
    total = begun = settled = readers = 0;
    newest = reached = 0;
    open_sockets(wanted, wanted, wait_for_first);
}

static void stall(int k) {
    for (int i = 0; i < k && i < total; i++) {
        if (sockets[i].state != OPEN || sockets[i].stalled) continue;
        if (epoll_ctl(poll_fd, EPOLL_CTL_DEL, sockets[i].fd, NULL)) die("epoll_ctl");
        sockets[i].stalled = 1;
        readers--;
    }
    printf("{\"readers\": %d}\n", readers);
}

static void start(void) {
    counting = 1;
    frames = marked = deliveries = repeats = bytes = closed = newest = reached = 0;
    latencies.n = 0;
    for (int i = 0; i < total; i++) {
        sockets[i].deliveries = 0;
        memset(sockets[i].recent, 0, sizeof sockets[i].recent);
    }
    counting_since = now();
    cpu_before = cpu();
    printf("{\"readers\": %d}\n", readers);
}

static void stop(void) {
    int64_t least = INT64_MAX, most = 0, spent = cpu() - cpu_before;
    double seconds = (double)(now() - counting_since) / 1e6;
    counting = 0;
    for (int i = 0; i < total; i++) {
        Socket *s = &sockets[i];
        if (s->state != OPEN || s->stalled) continue;
        if (s->deliveries < least) least = s->deliveries;
        if (s->deliveries > most) most = s->deliveries;
    }
    printf("{\"readers\": %d, \"closed\": %lld, \"frames\": %lld, \"marked\": %lld, "
           "\"deliveries\": %lld, \"repeats\": %lld, \"bytes\": %lld, \"least\": %lld, "
           "\"most\": %lld, \"seconds\": %.3f, \"cpu\": %lld, ",
           readers, (long long)closed, (long long)frames, (long long)marked, (long long)deliveries,
           (long long)repeats, (long long)bytes, (long long)(readers ? least : 0), (long long)most,
           seconds, (long long)spent);
    say_spans("latency", &latencies);
    printf("}\n");
}

static void obey(const char *line) {
    int n, most, first;
    if (sscanf(line, "open %d %d %d", &n, &most, &first) == 3) open_sockets(n, most, first);
    else if (sscanf(line, "stall %d", &n) == 1) stall(n);
    else if (sscanf(line, "reopen %d", &first) == 1) reopen(first);
    else if (!strcmp(line, "start")) start();
    else if (!strcmp(line, "stop")) stop();
    else {
        fprintf(stderr, "no such command: %s\n", line);
        exit(2);
    }
}

static void listen_to_commands(void) {
    static char lines[4096];
    static size_t len;
    ssize_t got = read(0, lines + len, sizeof lines - 1 - len);
    if (got <= 0) exit(0);
    len += (size_t)got;
    lines[len] = 0;
    for (char *end; (end = strchr(lines, '\n'));) {
        *end = 0;
        obey(lines);
        len -= (size_t)(end + 1 - lines);
        memmove(lines, end + 1, len + 1);
    }
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    answering = argc == 5 && !strcmp(argv[4], "answering");
    if (argc != 4 + answering) {
        fprintf(stderr, "load <IPv4 address> <port> <path> [answering]\n");
        return 2;
    }
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) die("the address");
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: %s:%s\r\nOrigin: http://%s:%s\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             argv[3], argv[1], argv[2], argv[1], argv[2]);
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    poll_fd = epoll_create1(0);
    struct epoll_event stdin_event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &stdin_event)) die("epoll_ctl");
    for (;;) {
        int n = epoll_wait(poll_fd, events, EVENTS, answering ? 1 : 1000);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        int told = 0;
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 == UINT32_MAX) told = 1;
            else if (sockets[events[i].data.u32].state != CLOSED) ready((int)events[i].data.u32);
        }
        /* Last: it may put other sockets in the place of those whose events came along. */
        if (told) listen_to_commands();
        give_up();
        if (answering) answer_due();
    }
}
