// What the workloads of asio_bench share: checks, figures, a context of their own for each round.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace asio = boost::asio;
namespace experimental = boost::asio::experimental;
using boost::system::error_code;
using clock_type = std::chrono::steady_clock;

// For one thread: this kind of channel has no locks. The executor is the context's own, not
// any_io_executor, which is slower.
using executor = asio::io_context::executor_type;
using channel = experimental::channel<executor, void(error_code, std::uint64_t)>;

// A context without locks, for one thread.
struct context : asio::io_context {
  context() : asio::io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE) {}

  // Runs `start`, and what it starts, until nothing is left to do. It is called from inside because
  // what is posted from there takes the short way.
  template <typename Start> void run_all(Start start) {
    asio::post(*this, start);
    run();
  }
};

// A wrong result ends the program with status 1.
#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) fail(__FILE__, __LINE__, #condition);                                        \
  } while (0)
[[noreturn]] void fail(const char *file, int line, const char *condition);

// n, scaled: `scaled` to a multiple of 64 and at least that, `scaled_exactly` to at least 1.
std::uint64_t scaled(std::uint64_t n);
std::uint64_t scaled_exactly(std::uint64_t n);

// Notes a figure of this round: `name` and `unit` are literals. `note_since`: the nanoseconds since
// `start` for each of n.
void note(const char *name, const char *unit, double value);
void note_since(const char *name, clock_type::time_point start, std::uint64_t n);
double milliseconds_since(clock_type::time_point start);

// Workloads, with the name of the figure first.
void stream(const char *name, std::size_t capacity, bool eager);
void pairs(const char *name, std::size_t count);
void range(const char *name);
void try_empty(const char *name);
void select_over(const char *name, std::size_t channels, std::size_t active, bool eager);
void pipeline(const char *name, std::size_t stages, std::uint64_t values);
void fan_in(const char *name, std::size_t inputs);
void sieves(const char *name);
void ring(const char *name);
void skynets(const char *name);
void sleeps(const char *name);
void sleeps_expire(const char *name);
void across(const char *name, std::size_t senders, std::size_t receivers, std::size_t capacity);
