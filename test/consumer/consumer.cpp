// The same from C++: the headers' macros, lambdas as callbacks, a select over a send and a recv.
#include <cstdio>
#include <weir.h>

namespace {

struct point {
  int x, y;
};

int fail(const char *what) {
  std::fprintf(stderr, "consumer: wrong: %s\n", what);
  return 1;
}

int send_and_recv(weir_ctx_t *ctx, weir_chan_t *ch) {
  static int completions;
  weir_op_t sender, receiver;
  point sent{3, 4}, received{};
  auto on_done = [](weir_op_t *, int status) { completions += status == 0; };

  weir_op_init(&sender, ctx);
  weir_op_init(&receiver, ctx);
  weir_chan_recv(&receiver, ch, &received, on_done);
  weir_chan_send(&sender, ch, &sent, on_done);
  weir_run(weir_ctx_loop(ctx));
  return completions == 2 && received.x == 3 && received.y == 4 ? 0 : fail("send and recv");
}

int select_one(weir_ctx_t *ctx, weir_chan_t *ch) {
  const point sent{5, 6};
  point received{};
  weir_chan_t *full = weir_chan_new(weir_ctx_loop(ctx), WEIR_TYPE(point), 0);
  weir_case_t cases[] = {WEIR_SEND(full, &sent), WEIR_RECV(ch, &received)};
  weir_op_t sender, selector;

  weir_op_init(&sender, ctx);
  weir_op_init(&selector, ctx);
  weir_chan_send(&sender, ch, &sent, nullptr);
  weir_select(&selector, cases, 2, nullptr);
  if (weir_op_wait(&selector) || weir_op_wait(&sender)) return fail("select's status");
  weir_chan_unref(full);
  return weir_op_index(&selector) == 1 && received.x == 5 ? 0 : fail("select's choice");
}

} // namespace

int main() {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return fail("weir_loop_new");
  weir_chan_t *ch = weir_chan_new(loop, WEIR_TYPE(point), 0);
  int err = send_and_recv(weir_loop_background(loop), ch);

  if (!err) err = select_one(weir_loop_background(loop), ch);
  weir_chan_unref(ch);
  weir_loop_close(loop, nullptr, nullptr);
  uv_run(uv, UV_RUN_DEFAULT);
  if (!err && uv_loop_close(uv)) err = fail("uv_loop_close");
  return err;
}
