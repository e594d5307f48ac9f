// Programs that channels are known for: the prime sieve, a token in a ring, a tree of adders.
#include "bench.hpp"

#include <deque>
#include <vector>

// sieve: a generator of 2, 3, 4, ... and a filter for each prime found.

constexpr std::size_t PRIMES = 1000, SIEVES = 5;
constexpr std::uint64_t LAST_PRIME = 7919;

struct filter {
  channel &in, &out;
  std::uint64_t prime;

  void start() {
    in.async_receive([this](error_code error, std::uint64_t value) {
      EXPECT(!error);
      if (value % prime == 0)
        start();
      else
        out.async_send(error_code(), value, [this](error_code failed) {
          EXPECT(!failed);
          start();
        });
    });
  }
};

// What still waits in the end goes with the channels and the context.
struct sieve {
  context io;
  std::deque<channel> chans; // of the generator, and of the filters
  std::deque<filter> filters;
  std::vector<std::uint64_t> primes;

  void generate(std::uint64_t value) {
    chans.front().async_send(error_code(), value, [this, value](error_code error) {
      EXPECT(!error);
      generate(value + 1);
    });
  }

  void find() {
    chans.back().async_receive([this](error_code error, std::uint64_t prime) {
      EXPECT(!error);
      primes.push_back(prime);
      if (primes.size() == PRIMES) return io.stop();
      channel &in = chans.back(), &out = chans.emplace_back(io.get_executor());
      filters.push_back({in, out, prime});
      filters.back().start();
      find();
    });
  }

  void run() {
    chans.emplace_back(io.get_executor());
    io.run_all([this] {
      generate(2);
      find();
    });
    EXPECT(primes.size() == PRIMES && primes.back() == LAST_PRIME);
    for (std::size_t i = 1; i < PRIMES; i++) EXPECT(primes[i - 1] < primes[i]);
  }
};

void sieves(const char *name) {
  std::uint64_t n = scaled_exactly(SIEVES);
  auto start = clock_type::now();

  for (std::uint64_t i = 0; i < n; i++) sieve().run();
  note(name, "ms", milliseconds_since(start) / static_cast<double>(n));
}

// ring: each node passes a token on, which counts the hops. The last node counts the laps.

constexpr std::size_t NODES = 10000, LAPS = 100;

struct node {
  channel &in, &out;

  void start() {
    in.async_receive([this](error_code error, std::uint64_t token) {
      if (error) return out.close();
      out.async_send(error_code(), token + 1, [this](error_code failed) {
        EXPECT(!failed);
        start();
      });
    });
  }
};

struct origin {
  channel &in, &out;
  std::uint64_t laps, lap = 0;
  clock_type::time_point start{}, end{};

  void send(std::uint64_t token) {
    out.async_send(error_code(), token, [this](error_code error) {
      EXPECT(!error);
      receive();
    });
  }

  // The close goes round once more, and ends all nodes.
  void receive() {
    in.async_receive([this](error_code error, std::uint64_t token) {
      EXPECT(!error && token + 1 == ++lap * NODES);
      if (lap < laps) return send(token + 1);
      end = clock_type::now();
      out.close();
    });
  }
};

void ring(const char *name) {
  context io;
  std::deque<channel> chans;
  std::deque<node> nodes;

  for (std::size_t i = 0; i < NODES; i++) chans.emplace_back(io.get_executor());
  for (std::size_t i = 0; i + 1 < NODES; i++) nodes.push_back({chans[i], chans[i + 1]});
  origin origin{chans.back(), chans.front(), scaled_exactly(LAPS)};
  origin.start = clock_type::now();
  io.run_all([&] {
    for (node &node : nodes) node.start();
    origin.send(0);
  });
  std::chrono::duration<double, std::nano> took = origin.end - origin.start;
  note(name, "ns", took.count() / static_cast<double>(origin.laps * NODES));
  EXPECT(origin.lap == origin.laps && !chans.back().is_open());
}

// skynet: a leaf sends its number, a node the sum of its ten children's.

constexpr std::uint64_t LEAVES = 100000, CHILDREN = 10, TREES = 10;

static void send_number(channel &to, std::uint64_t number) {
  to.async_send(error_code(), number, [](error_code error) { EXPECT(!error); });
}

// Owns itself, until it has sent.
struct adding_node {
  channel &parent;
  channel ch{parent.get_executor()};
  std::uint64_t sum = 0, missing = CHILDREN;

  void receive() {
    ch.async_receive([this](error_code error, std::uint64_t number) {
      EXPECT(!error);
      sum += number;
      if (--missing > 0) return receive();
      send_number(parent, sum);
      delete this;
    });
  }
};

static void start_tree(channel &parent, std::uint64_t number, std::uint64_t leaves) {
  if (leaves == 1) return send_number(parent, number);
  auto *node = new adding_node{parent};
  leaves /= CHILDREN;
  for (std::uint64_t i = 0; i < CHILDREN; i++) start_tree(node->ch, number + i * leaves, leaves);
  node->receive();
}

static void skynet() {
  context io;
  channel root(io.get_executor());
  std::uint64_t sum = 0;

  io.run_all([&] {
    start_tree(root, 0, LEAVES);
    root.async_receive([&](error_code error, std::uint64_t number) {
      EXPECT(!error);
      sum = number;
    });
  });
  EXPECT(sum == 4999950000);
}

void skynets(const char *name) {
  std::uint64_t n = scaled_exactly(TREES);
  auto start = clock_type::now();

  for (std::uint64_t i = 0; i < n; i++) skynet();
  note(name, "ms", milliseconds_since(start) / static_cast<double>(n));
}
