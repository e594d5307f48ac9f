// Senders on one thread, receivers on another, over one concurrent_channel; each thread runs a
// context of its own. From when both are ready until the receivers have seen the end.
//
// The end is in band, an error for each receiver in place of a value: closing the channel would
// drop what is in its buffer.
#include "bench.hpp"

#include <boost/asio/experimental/concurrent_channel.hpp>

#include <barrier>
#include <deque>
#include <thread>

constexpr std::uint64_t VALUES = 2000000, FEWER_VALUES = 50000;

using shared_channel = experimental::concurrent_channel<executor, void(error_code, std::uint64_t)>;

struct shared_stream {
  asio::io_context there{1}, here{1}; // for the senders, and for the receivers
  shared_channel ch;
  std::uint64_t each;             // values, of every sender
  std::size_t sending, receivers; // senders that are not done; all receivers

  shared_stream(std::size_t capacity, std::uint64_t values, std::size_t from, std::size_t to)
      : ch(here.get_executor(), capacity), each(values / from), sending(from), receivers(to) {}

  void end() {
    for (std::size_t i = 0; i < receivers; i++)
      ch.async_send(asio::error::eof, 0, asio::bind_executor(there.get_executor(), on_end_sent));
  }

  static void on_end_sent(error_code error) {
    EXPECT(!error);
  }
};

// The last one ends the stream.
struct shared_sender {
  shared_stream &stream;
  std::uint64_t value = 0;

  void start() {
    auto on_sent = [this](error_code error) {
      EXPECT(!error);
      if (++value < stream.each)
        start();
      else if (--stream.sending == 0)
        stream.end();
    };
    stream.ch.async_send(error_code(), value,
                         asio::bind_executor(stream.there.get_executor(), on_sent));
  }
};

struct shared_receiver {
  shared_stream &stream;
  std::uint64_t count = 0, sum = 0;
  error_code end{};

  void start() {
    auto on_received = [this](error_code error, std::uint64_t value) {
      end = error;
      if (end) return;
      sum += value;
      count++;
      start();
    };
    stream.ch.async_receive(asio::bind_executor(stream.here.get_executor(), on_received));
  }
};

// Runs the parts of a side on the calling thread, once the other one is ready, too. Returns when
// they began. A context has something to do before any other thread can touch it: it would stop for
// good when it has nothing left.
template <typename Parts>
static auto run_side(asio::io_context &io, std::barrier<> &ready, Parts &parts) {
  asio::post(io, [&] {
    for (auto &part : parts) part.start();
  });
  ready.arrive_and_wait();
  auto start = clock_type::now();
  io.run();
  return start;
}

static void check(const std::deque<shared_receiver> &receivers, std::uint64_t senders,
                  std::uint64_t each) {
  std::uint64_t count = 0, sum = 0;

  for (const shared_receiver &receiver : receivers) {
    EXPECT(receiver.end == asio::error::eof);
    count += receiver.count;
    sum += receiver.sum;
  }
  EXPECT(count == senders * each && sum == senders * (each * (each - 1) / 2));
}

void across(const char *name, std::size_t senders, std::size_t receivers, std::size_t capacity) {
  std::uint64_t n = scaled(capacity > 1 ? VALUES : FEWER_VALUES);
  shared_stream stream(capacity, n, senders, receivers);
  std::deque<shared_sender> from;
  std::deque<shared_receiver> to;
  std::barrier<> ready(2);

  for (std::size_t i = 0; i < senders; i++) from.push_back({stream});
  for (std::size_t i = 0; i < receivers; i++) to.push_back({stream});
  std::thread thread([&] { run_side(stream.there, ready, from); });
  auto start = run_side(stream.here, ready, to);
  note_since(name, start, n);
  thread.join();
  check(to, senders, stream.each);
}
