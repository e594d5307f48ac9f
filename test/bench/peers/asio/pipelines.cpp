// Stages in a row (pipeline), and inputs that come together in one channel (fan_in).
#include "ends.hpp"

#include <deque>

constexpr std::uint64_t VALUES = 1000000;

// Passes on what it receives, with something added, until the input is closed.
struct stage {
  channel &in, &out;
  std::uint64_t added;
  std::size_t &running; // stages with this output: the last one closes it

  void start() {
    in.async_receive([this](error_code error, std::uint64_t value) {
      if (!error)
        out.async_send(error_code(), value + added, [this](error_code failed) {
          EXPECT(!failed);
          start();
        });
      else if (--running == 0)
        out.close();
    });
  }
};

void pipeline(const char *name, std::size_t count, std::uint64_t values) {
  std::uint64_t n = scaled(values);
  context io;
  std::deque<channel> chans;
  std::deque<stage> stages;
  std::deque<std::size_t> running(count, 1);

  chans.emplace_back(io.get_executor());
  for (std::size_t i = 0; i < count; i++) {
    chans.emplace_back(io.get_executor());
    stages.push_back({chans[i], chans[i + 1], 1, running[i]});
  }
  sender from{chans.front(), n, true};
  receiver to{chans.back(), UINT64_MAX, count};
  auto start = clock_type::now();
  io.run_all([&] {
    from.start();
    for (stage &stage : stages) stage.start();
    to.start();
  });
  note_since(name, start, n);
  EXPECT(to.closed && to.count == n && to.in_order);
}

// What comes from several senders is in no order.
struct adder {
  channel &in;
  std::uint64_t count = 0, sum = 0;
  bool closed = false;

  void start() {
    in.async_receive([this](error_code error, std::uint64_t value) {
      closed = static_cast<bool>(error);
      if (closed) return;
      sum += value;
      count++;
      start();
    });
  }
};

void fan_in(const char *name, std::size_t inputs) {
  std::uint64_t each = scaled_exactly(VALUES / inputs);
  std::size_t running = inputs;
  context io;
  channel out(io.get_executor());
  std::deque<channel> chans;
  std::deque<sender> senders;
  std::deque<stage> forwarders;
  adder to{out};

  for (std::size_t i = 0; i < inputs; i++) {
    channel &ch = chans.emplace_back(io.get_executor());
    senders.push_back({ch, each, true});
    forwarders.push_back({ch, out, 0, running});
  }
  auto start = clock_type::now();
  io.run_all([&] {
    for (stage &forwarder : forwarders) forwarder.start();
    for (sender &from : senders) from.start();
    to.start();
  });
  note_since(name, start, inputs * each);
  EXPECT(to.closed && to.count == inputs * each && to.sum == inputs * (each * (each - 1) / 2));
}
