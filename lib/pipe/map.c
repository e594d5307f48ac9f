/* weir_pipe_map and weir_pipe_filter. */
#include "relay.h"

weir_chan_t *weir_pipe_map(weir_ctx_t *ctx, weir_chan_t *in, const weir_type_t *out, weir_map_fn fn,
                           void *arg) {
  size_t after = weir__room(sizeof(weir__relay_t), weir_chan_type(in), 1);
  size_t size = in && fn ? weir__room(after, out, 1) : 0;
  weir__relay_t *map = weir__relay_new(ctx, in, out, 0, size, "weir_pipe_map");

  if (!map) return NULL;
  map->received = weir__room_at(map, sizeof(*map));
  map->sent = weir__room_at(map, after);
  map->step = fn;
  map->arg = arg;
  return weir__relay_start(map);
}

typedef struct filter_s {
  weir__relay_t relay;
  bool (*keep)(const void *value, void *arg);
  void *arg;
} filter_t;

static int ask(void *out, void *in, void *arg) {
  filter_t *filter = arg;

  (void)out;
  if (filter->keep(in, filter->arg)) return 0;
  weir__values_drop(weir_chan_type(filter->relay.stage.out), in, 1);
  return WEIR_SKIP;
}

weir_chan_t *weir_pipe_filter(weir_ctx_t *ctx, weir_chan_t *in,
                              bool (*keep)(const void *value, void *arg), void *arg) {
  filter_t *filter =
      weir__relay_new_alike(keep ? ctx : NULL, in, 0, sizeof(*filter), "weir_pipe_filter");

  if (!filter) return NULL;
  filter->relay.step = ask;
  filter->relay.arg = filter;
  filter->keep = keep;
  filter->arg = arg;
  return weir__relay_start(&filter->relay);
}
