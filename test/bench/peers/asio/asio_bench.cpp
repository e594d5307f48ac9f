// asio_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]
//
// The workloads of weir_bench with the channels of Boost.Asio 1.81 (Debian: libboost1.81-dev), with
// the same options and output. To build:
//
//   g++ -std=c++20 -O2 -DNDEBUG -pthread -o asio_bench test/bench/peers/asio/*.cpp
//
// It is in callbacks, the fastest form. A rendezvous in C++20 coroutines takes more than twice as
// long with use_awaitable, and half as long again or more with deferred. A binary of its own with
// BOOST_ASIO_DISABLE_THREADS is no faster than BOOST_ASIO_CONCURRENCY_HINT_UNSAFE, which leaves the
// locks out as well.
//
// Names that end in _try have no like in weir_bench: each end tries first without waiting
// (try_send, try_receive), and starts an asynchronous operation only when it would have to wait.
// That saves turns through the queue, and lets nobody else run as long as there is something to do.
//
// A close drops what is in a channel's buffer, so that streams with a buffer end in another way.
#include "bench.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

struct workload {
  const char *name;
  std::function<void(const char *)> run;
};

static auto streaming(std::size_t capacity, bool eager = false) {
  return [=](const char *name) { stream(name, capacity, eager); };
}

static auto pairing(std::size_t count) {
  return [=](const char *name) { pairs(name, count); };
}

static auto selecting(std::size_t channels, std::size_t active, bool eager = false) {
  return [=](const char *name) { select_over(name, channels, active, eager); };
}

static auto piping(std::size_t stages, std::uint64_t values) {
  return [=](const char *name) { pipeline(name, stages, values); };
}

static auto fanning(std::size_t inputs) {
  return [=](const char *name) { fan_in(name, inputs); };
}

static auto crossing(std::size_t senders, std::size_t receivers, std::size_t capacity) {
  return [=](const char *name) { across(name, senders, receivers, capacity); };
}

static const workload workloads[] = {
    {"rendezvous", streaming(0)},
    {"rendezvous_try", streaming(0, true)},
    {"rendezvous10", pairing(10)},
    {"rendezvous100", pairing(100)},
    {"rendezvous1000", pairing(1000)},
    {"rendezvous10000", pairing(10000)},
    {"buffered1", streaming(1)},
    {"buffered128", streaming(128)},
    {"buffered128_try", streaming(128, true)},
    {"buffered4096", streaming(4096)},
    {"range", range},
    {"try_empty", try_empty},
    {"select2", selecting(2, 2)},
    {"select4", selecting(4, 4)},
    {"select4_try", selecting(4, 4, true)},
    {"select32", selecting(32, 32)},
    {"select32_try", selecting(32, 32, true)},
    {"select128", selecting(128, 128)},
    {"select128_try", selecting(128, 128, true)},
    {"select4_one", selecting(4, 1)},
    {"select4_one_try", selecting(4, 1, true)},
    {"pipeline3", piping(3, 1000000)},
    {"pipeline10", piping(10, 300000)},
    {"fan_in8", fanning(8)},
    {"fan_in1000", fanning(1000)},
    {"sieve", sieves},
    {"ring", ring},
    {"skynet", skynets},
    {"sleeps", sleeps},
    {"sleeps_expire", sleeps_expire},
    {"thread0", crossing(1, 1, 0)},
    {"thread1", crossing(1, 1, 1)},
    {"thread128", crossing(1, 1, 128)},
    {"thread1024", crossing(1, 1, 1024)},
    {"thread41_0", crossing(4, 1, 0)},
    {"thread41_1", crossing(4, 1, 1)},
    {"thread41_128", crossing(4, 1, 128)},
    {"thread41_1024", crossing(4, 1, 1024)},
    {"thread14_0", crossing(1, 4, 0)},
    {"thread14_1", crossing(1, 4, 1)},
    {"thread14_128", crossing(1, 4, 128)},
    {"thread14_1024", crossing(1, 4, 1024)},
    {"thread44_0", crossing(4, 4, 0)},
    {"thread44_1", crossing(4, 4, 1)},
    {"thread44_128", crossing(4, 4, 128)},
    {"thread44_1024", crossing(4, 4, 1024)},
};

// Checks and figures.

void fail(const char *file, int line, const char *condition) {
  std::fprintf(stderr, "%s:%d: wrong result: %s\n", file, line, condition);
  std::exit(1);
}

struct figure {
  const char *name, *unit;
  std::vector<double> values; // of the rounds
};

static std::vector<figure> figures; // of one workload
static double scale = 1;

std::uint64_t scaled(std::uint64_t n) {
  auto multiple = static_cast<std::uint64_t>(static_cast<double>(n) * scale) / 64 * 64;
  return std::max<std::uint64_t>(multiple, 64);
}

std::uint64_t scaled_exactly(std::uint64_t n) {
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(n) * scale), 1);
}

void note(const char *name, const char *unit, double value) {
  for (figure &f : figures) {
    if (std::strcmp(f.name, name) == 0) {
      f.values.push_back(value);
      return;
    }
  }
  figures.push_back({name, unit, {value}});
}

void note_since(const char *name, clock_type::time_point start, std::uint64_t n) {
  note(name, "ns", milliseconds_since(start) * 1e6 / static_cast<double>(n));
}

double milliseconds_since(clock_type::time_point start) {
  return std::chrono::duration<double, std::milli>(clock_type::now() - start).count();
}

static double median(std::vector<double> &values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

static void print_figures(bool json) {
  const char *format = json ? "{\"name\":\"%s\",\"%s\":%.2f}\n" : "%-28s %12.2f %s\n";
  for (figure &f : figures) {
    double value = median(f.values);
    if (json)
      std::printf(format, f.name, f.unit, value);
    else
      std::printf(format, f.name, value, f.unit);
  }
  std::fflush(stdout);
  figures.clear();
}

// The command line.

static int usage() {
  std::fprintf(stderr,
               "usage: asio_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]\n");
  return 2;
}

static const workload *find(const char *name) {
  for (const workload &w : workloads)
    if (std::strcmp(w.name, name) == 0) return &w;
  return nullptr;
}

static void run(const workload &workload, int rounds, bool json) {
  for (int i = 0; i < rounds; i++) workload.run(workload.name);
  print_figures(json);
}

int main(int, char **argv) {
  bool list = false, json = false;
  int rounds = 1;

  for (argv++; *argv && **argv == '-'; argv++) {
    std::string option = *argv;
    if (option == "--list")
      list = true;
    else if (option == "--json")
      json = true;
    else if (option == "--rounds" && argv[1])
      rounds = std::atoi(*++argv);
    else if (option == "--scale" && argv[1])
      scale = std::atof(*++argv);
    else
      return usage();
  }
  if (rounds <= 0 || scale <= 0) return usage();
  for (char **name = argv; *name; name++)
    if (!find(*name)) return usage();
  if (list)
    for (const workload &w : workloads) std::puts(w.name);
  else if (!*argv)
    for (const workload &w : workloads) run(w, rounds, json);
  else
    for (; *argv; argv++) run(*find(*argv), rounds, json);
  return 0;
}
