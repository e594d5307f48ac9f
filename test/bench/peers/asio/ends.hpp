// The two ends of a stream of 0, 1, 2, ... A handler starts the next operation.
#pragma once

#include "bench.hpp"

// Sends n values.
struct sender {
  channel &out;
  std::uint64_t n;
  bool closes = false; // the channel, after the last value
  std::uint64_t value = 0;

  void start() {
    out.async_send(error_code(), value, [this](error_code error) { on_sent(error); });
  }

  void on_sent(error_code error) {
    EXPECT(!error);
    if (++value < n)
      start();
    else if (closes)
      out.close();
  }
};

// Receives n values, or until the channel is closed.
struct receiver {
  channel &in;
  std::uint64_t n = UINT64_MAX;
  std::uint64_t first = 0; // the value that is due first
  std::uint64_t count = 0;
  bool in_order = true, closed = false;

  void start() {
    in.async_receive([this](error_code error, std::uint64_t value) { on_received(error, value); });
  }

  void on_received(error_code error, std::uint64_t value) {
    closed = static_cast<bool>(error);
    if (closed) return;
    in_order &= value == first + count;
    if (++count < n) start();
  }
};
