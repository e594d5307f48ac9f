/*
 * The client blocks in its system calls, and has nothing else to do: of what a round trip takes its
 * own part is small, and the same for every server. It sends back to back.
 */
#include "latency.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string.h>

enum { TRIPS = 10000, WORDS = MESSAGE_BYTES / sizeof(uint64_t) };

static int connect_to(int port) {
  struct sockaddr_in address;
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

  bench_expect(fd >= 0 && uv_ip4_addr("127.0.0.1", port, &address) == 0);
  bench_expect(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
  bench_expect(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
  return fd;
}

/* No two messages are the same. */
static void exchange(int fd, uint64_t number) {
  uint64_t sent[WORDS], received[WORDS];

  for (size_t i = 0; i < WORDS; i++) sent[i] = number * WORDS + i;
  bench_expect(send(fd, sent, MESSAGE_BYTES, 0) == MESSAGE_BYTES);
  bench_expect(recv(fd, received, MESSAGE_BYTES, MSG_WAITALL) == MESSAGE_BYTES);
  bench_expect(memcmp(sent, received, MESSAGE_BYTES) == 0);
}

/* The first message, which waits for the connection to be accepted, does not count. */
static void drive(const bench_t *bench, void *arg) {
  latency_t *latency = arg;
  uint64_t number = 0;
  int fd;

  bench_meet(bench);
  fd = connect_to(latency->port);
  exchange(fd, number);
  trips_start(&latency->trips);
  do {
    exchange(fd, ++number);
  } while (trips_next(&latency->trips));
  bench_expect(close(fd) == 0);
}

int latency_bind(uv_tcp_t *listener) {
  struct sockaddr_in address;
  int length = sizeof(address);

  bench_expect(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
  bench_expect(uv_tcp_bind(listener, (const struct sockaddr *)&address, 0) == 0);
  bench_expect(uv_tcp_getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  return ntohs(address.sin_port);
}

void latency_measure(const bench_t *bench, bench_part serve, latency_t *server,
                     trips_figures_t figures) {
  trips_init(&server->trips, bench_scaled(bench, TRIPS));
  bench_beside(bench, drive, serve, server);
  trips_finish(&server->trips, &figures);
}
