/* Carries the data of a request through the call graph. A key is an address, so that nobody
 * else's can be the same: what Go does with a type of one's own. */
#include <stdio.h>
#include <weir.h>

static const char user_id_key, auth_token_key; /* for their addresses */

static void handle_response(weir_ctx_t *ctx) {
  const char *user_id = weir_ctx_value(ctx, &user_id_key);
  const char *auth_token = weir_ctx_value(ctx, &auth_token_key);

  printf("handling response for %s (%s)\n", user_id, auth_token);
}

static int process_request(weir_ctx_t *background, char *user_id, char *auth_token) {
  weir_ctx_t *outer = weir_ctx_with_value(background, &user_id_key, user_id, NULL);
  weir_ctx_t *ctx = weir_ctx_with_value(outer, &auth_token_key, auth_token, NULL);

  weir_ctx_unref(outer); /* its child holds it */
  if (!ctx) return UV_ENOMEM;
  handle_response(ctx);
  weir_ctx_unref(ctx);
  return 0;
}

int main(void) {
  uv_loop_t *uv = uv_default_loop();
  weir_loop_t *loop;

  if (weir_loop_new(&loop, uv)) return 1;
  int err = process_request(weir_loop_background(loop), "jane", "abc123");
  weir_loop_close(loop, NULL, NULL);
  uv_run(uv, UV_RUN_DEFAULT);
  return err || uv_loop_close(uv) != 0;
}
