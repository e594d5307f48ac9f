/* Status checking that prints its errors where they happen, for the stream has no room for them:
 * whoever reads it never learns of them. See check_status_result.c. */
#include "servers.h"
#include "visit.h"

#include <stdio.h>

typedef struct get_s {
  weir_op_t op; /* one is enough: the stage has one target in hand */
  weir_chan_t *answer;
} get_t;

static void on_answer(weir_op_t *op, int status) {
  weir_slot_t *slot = op->data;
  get_t *get = weir_slot_arg(slot);
  result_t *result = *(result_t **)weir_slot_out(slot);
  char words[128];

  weir_chan_unref(get->answer);
  if (status == 0 && result->error.kind != FAILURE_NONE) {
    result_words(result, words, sizeof words);
    printf("Get \"%s\": %s\n", result->target->url, words);
    result_free(result);
    status = WEIR_SKIP;
  }
  weir_slot_done(slot, status);
}

static void start_get(weir_slot_t *slot) {
  get_t *get = weir_slot_arg(slot);

  get->answer = visit(weir_slot_ctx(slot), &settings_default, *(target_t **)weir_slot_in(slot));
  get->op.data = slot;
  weir_op_init(&get->op, weir_slot_ctx(slot));
  weir_chan_recv(&get->op, get->answer, weir_slot_out(slot), on_answer);
}

static weir_chan_t *check_status(weir_ctx_t *ctx, target_t **targets, size_t n, get_t *get) {
  weir_chan_t *stream = weir_pipe_from(ctx, WEIR_TYPE(target_t *), targets, n);

  return weir_pipe_async(ctx, stream, &result_type, 1, true, start_get, get);
}

static void on_response(weir_range_t *range, const void *value, int status) {
  char words[128];

  (void)range;
  if (status) return;

  result_t *result = *(result_t *const *)value;
  result_words(result, words, sizeof words);
  printf("Response: %s\n", words);
  result_free(result);
}

/* Servers of our own: one that answers, and one that accepts nobody. */
static int start_servers(servers_t **servers, uv_loop_t *uv, char urls[2][32]) {
  static const script_t scripts[] = {
      {SERVER_ANSWERS, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, {SERVER_REFUSES, ""}};
  int err = servers_start(servers, uv, scripts, 2);

  for (size_t i = 0; i < 2 && !err; i++)
    snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/", servers_port(*servers, i));
  return err;
}

int main(void) {
  char own[2][32];
  target_t targets[] = {{own[0], 10000}, {own[1], 10000}}, *list[] = {&targets[0], &targets[1]};
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;
  servers_t *servers;
  weir_range_t range;
  get_t get;

  if (weir_loop_new(&loop, uv) || start_servers(&servers, uv, own)) return 1;
  weir_ctx_t *ctx = weir_loop_background(loop);
  weir_chan_t *responses = check_status(ctx, list, 2, &get);

  weir_range_init(&range, ctx);
  weir_range_start(&range, responses, on_response);
  weir_chan_unref(responses);

  size_t left = weir_run(loop);
  servers_stop(servers);
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return left > 0 || uv_loop_close(uv) != 0;
}
