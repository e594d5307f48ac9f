// One sender, one receiver: stream, range; many such pairs: pairs; and what a try costs in vain.
#include "ends.hpp"

#include <deque>

constexpr std::uint64_t VALUES = 1000000, TRIES = 50000000;

// The same two, which try first.

struct eager_sender : sender {
  void start() {
    while (value < n && out.try_send(error_code(), value)) value++;
    if (value < n)
      out.async_send(error_code(), value, [this](error_code error) {
        EXPECT(!error);
        value++;
        start();
      });
  }
};

struct eager_receiver : receiver {
  void accept(error_code error, std::uint64_t value) {
    EXPECT(!error);
    in_order &= value == count++;
  }

  void start() {
    auto on_value = [this](error_code error, std::uint64_t value) { accept(error, value); };

    while (count < n && in.try_receive(on_value)) continue;
    if (count < n)
      in.async_receive([this](error_code error, std::uint64_t value) {
        accept(error, value);
        start();
      });
  }
};

template <typename Sender, typename Receiver>
static void stream_between(const char *name, std::size_t capacity) {
  std::uint64_t n = scaled(VALUES);
  context io;
  channel ch(io.get_executor(), capacity);
  Sender from{ch, n};
  Receiver to{ch, n};
  auto start = clock_type::now();

  io.run_all([&] {
    from.start();
    to.start();
  });
  note_since(name, start, n);
  EXPECT(from.value == n && to.count == n && to.in_order);
}

void stream(const char *name, std::size_t capacity, bool eager) {
  if (eager)
    stream_between<eager_sender, eager_receiver>(name, capacity);
  else
    stream_between<sender, receiver>(name, capacity);
}

void range(const char *name) {
  std::uint64_t n = scaled(VALUES);
  context io;
  channel ch(io.get_executor());
  sender from{ch, n, true};
  receiver to{ch};
  auto start = clock_type::now();

  io.run_all([&] {
    from.start();
    to.start();
  });
  note_since(name, start, n);
  EXPECT(to.closed && to.count == n && to.in_order);
}

void pairs(const char *name, std::size_t count) {
  std::uint64_t each = scaled_exactly(VALUES / count);
  context io;
  std::deque<channel> chans;
  std::deque<sender> senders;
  std::deque<receiver> receivers;

  for (std::size_t i = 0; i < count; i++) {
    channel &ch = chans.emplace_back(io.get_executor());
    senders.push_back({ch, each});
    receivers.push_back({ch, each});
  }
  auto start = clock_type::now();
  io.run_all([&] {
    for (std::size_t i = 0; i < count; i++) {
      senders[i].start();
      receivers[i].start();
    }
  });
  note_since(name, start, count * each);
  for (receiver &to : receivers) EXPECT(to.count == each && to.in_order);
}

// The compiler sees all of the channel, and must not see that it stays empty.
void try_empty(const char *name) {
  std::uint64_t n = scaled(TRIES), empty = 0;
  context io;
  channel ch(io.get_executor(), 128);
  auto start = clock_type::now();

  for (std::uint64_t i = 0; i < n; i++) {
    empty += !ch.try_receive([](error_code, std::uint64_t) {});
    asm volatile("" : : "r"(&ch) : "memory");
  }
  note_since(name, start, n);
  EXPECT(empty == n);
}
