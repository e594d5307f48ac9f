// One receiver that selects over several channels.
//
// What is nearest to a select is a parallel_group of receives that are cancelled when one is
// complete. Receives that are complete by then are not: where several channels have a sender, one
// group takes several values, and dropping all but the first (as operator|| of awaitable_operators
// does) would lose them. Here all that came are counted.
//
// Groups of a fixed size are for 2 and 4, as one would write them; ranges of receives for more.
#include "ends.hpp"

#include <boost/asio/experimental/parallel_group.hpp>

#include <array>
#include <deque>
#include <utility>
#include <vector>

constexpr std::uint64_t VALUES = 1000000;

struct selector {
  std::deque<channel> &chans;
  std::uint64_t left;
  bool eager = false; // tries each channel first, in turns
  std::size_t turn = 0;
  std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(chans.size());
  bool in_order = true;

  void start() {
    while (eager && left > 0 && try_each()) continue;
    if (left == 0) return;
    switch (chans.size()) {
    case 2:
      return start_group(std::make_index_sequence<2>());
    case 4:
      return start_group(std::make_index_sequence<4>());
    default:
      return start_range();
    }
  }

  void accept(std::size_t i, error_code error, std::uint64_t value) {
    if (error) {
      EXPECT(error == experimental::error::channel_cancelled);
      return;
    }
    in_order &= value == counts[i]++;
    left--;
  }

  bool try_each() {
    for (std::size_t n = chans.size(); n > 0; n--) {
      std::size_t i = turn++ % chans.size();
      auto on_value = [=, this](error_code error, std::uint64_t value) { accept(i, error, value); };
      if (chans[i].try_receive(on_value)) return true;
    }
    return false;
  }

  template <std::size_t... I> void start_group(std::index_sequence<I...>) {
    experimental::make_parallel_group(chans[I].async_receive(asio::deferred)...)
        .async_wait(experimental::wait_for_one(),
                    [this](std::array<std::size_t, sizeof...(I)>, auto... results) {
                      on_group(std::make_index_sequence<sizeof...(I)>(), results...);
                    });
  }

  // `results` are an error and a value of each channel.
  template <std::size_t... I, typename... Results>
  void on_group(std::index_sequence<I...>, Results... results) {
    auto all = std::make_tuple(results...);

    (accept(I, std::get<2 * I>(all), std::get<2 * I + 1>(all)), ...);
    start();
  }

  // A range's receives need the executor said: otherwise they complete on other threads.
  void start_range() {
    auto token = asio::bind_executor(chans[0].get_executor(), asio::deferred);
    std::vector<decltype(chans[0].async_receive(token))> receives;

    receives.reserve(chans.size());
    for (channel &ch : chans) receives.push_back(ch.async_receive(token));
    experimental::make_parallel_group(std::move(receives))
        .async_wait(experimental::wait_for_one(),
                    [this](std::vector<std::size_t>, std::vector<error_code> errors,
                           std::vector<std::uint64_t> values) {
                      for (std::size_t i = 0; i < errors.size(); i++)
                        accept(i, errors[i], values[i]);
                      start();
                    });
  }
};

// The first `active` of the channels have senders.
void select_over(const char *name, std::size_t channels, std::size_t active, bool eager) {
  std::uint64_t each = scaled_exactly(VALUES / active);
  context io;
  std::deque<channel> chans;
  std::deque<sender> senders;

  for (std::size_t i = 0; i < channels; i++) chans.emplace_back(io.get_executor());
  for (std::size_t i = 0; i < active; i++) senders.push_back({chans[i], each});
  selector selector{chans, active * each, eager};
  auto start = clock_type::now();
  io.run_all([&] {
    for (sender &from : senders) from.start();
    selector.start();
  });
  note_since(name, start, active * each);
  for (std::size_t i = 0; i < channels; i++) EXPECT(selector.counts[i] == (i < active ? each : 0));
  EXPECT(selector.in_order);
}
