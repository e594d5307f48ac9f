/* A stage that sends an array of plain values again and again. */
#ifndef WEIR_PIPE_FROM_H
#define WEIR_PIPE_FROM_H

#include "stage.h"

weir_chan_t *weir__from_again(weir_ctx_t *ctx, const weir_type_t *type, const void *values,
                              size_t n);

#endif
