// Many sleeps at once, each a timer of its own: all cancelled (sleeps), or waited for
// (sleeps_expire). The timers exist before the clock starts, and the time is read once for all.
#include "bench.hpp"

#include <vector>

using namespace std::chrono_literals;
using timer_type = asio::basic_waitable_timer<clock_type, asio::wait_traits<clock_type>, executor>;

constexpr std::uint64_t SLEEPS = 1000000;

// The same in every run, in no order.
static std::uint64_t spread(std::uint64_t i) {
  return i * 2654435761u;
}

struct sleepers {
  context io;
  std::vector<timer_type> timers;
  error_code expected; // of each wait
  std::uint64_t woken = 0;

  explicit sleepers(error_code outcome) : expected(outcome) {
    std::uint64_t n = scaled(SLEEPS);

    timers.reserve(n);
    for (std::uint64_t i = 0; i < n; i++) timers.emplace_back(io.get_executor());
  }

  // For `least`, and less than `range` more.
  void start(std::chrono::milliseconds least, std::chrono::milliseconds range) {
    auto now = clock_type::now();
    auto modulus = static_cast<std::uint64_t>(range.count());

    for (std::uint64_t i = 0; i < timers.size(); i++) {
      timers[i].expires_at(now + least + std::chrono::milliseconds(spread(i) % modulus));
      timers[i].async_wait([this](error_code error) {
        EXPECT(error == expected);
        woken++;
      });
    }
  }
};

void sleeps(const char *name) {
  sleepers all(asio::error::operation_aborted);
  auto start = clock_type::now();

  all.io.run_all([&] {
    all.start(1h, 1h);
    for (timer_type &timer : all.timers) timer.cancel();
  });
  note_since(name, start, all.timers.size());
  EXPECT(all.woken == all.timers.size());
}

// For up to 64 ms, which a million take to start: hardly any time is spent waiting.
void sleeps_expire(const char *name) {
  sleepers all{error_code()};
  auto start = clock_type::now();

  all.io.run_all([&] { all.start(1ms, 64ms); });
  note_since(name, start, all.timers.size());
  EXPECT(all.woken == all.timers.size() && clock_type::now() - start >= 64ms);
}
