/* weir_dump_dot: the same as a picture, for Graphviz. Nodes are named by their addresses. */
#include <string.h>

#include <weir/stats.h>

#include "chan.h"
#include "stats.h"

/* Writes text inside a quoted string of dot. */
static void print_escaped(const char *text, FILE *out) {
  for (; *text; text++) {
    if (strchr("\"\\", *text)) fputc('\\', out);
    fputc(*text == '\n' ? ' ' : *text, out);
  }
}

static void print_chans(const weir_loop_t *loop, FILE *out) {
  for (const weir__link_t *link = loop->channels.next; link != &loop->channels; link = link->next) {
    const weir_chan_t *ch = WEIR__CONTAINER(link, weir_chan_t, link);
    fprintf(out, "  \"%p\" [shape=box, label=\"", (const void *)ch);
    print_escaped(ch->type.name ? ch->type.name : "", out);
    fprintf(out, "\\n%u/%u%s\"];\n", ch->length, ch->capacity, ch->status ? ", closed" : "");
    if (ch->producer)
      fprintf(out, "  \"%p\" -> \"%p\" [label=\"fills\"];\n", (void *)ch->producer,
              (const void *)ch);
  }
}

/* An arrow in the direction in which a value would go. */
static void print_case(const weir_op_t *op, const weir_case_t *c, FILE *out) {
  const void *from = c->is_send ? (const void *)op : (const void *)c->chan;
  const void *to = c->is_send ? (const void *)c->chan : (const void *)op;

  if (c->chan) fprintf(out, "  \"%p\" -> \"%p\";\n", from, to);
}

static void print_op(weir_op_t *op, FILE *out) {
  size_t n = 0;
  weir_case_t *cases = op->kind->cases ? op->kind->cases(op, &n) : NULL;

  fprintf(out, "  \"%p\" [label=\"%s\\n", (void *)op, op->kind->verb);
  print_escaped(op->where, out);
  fprintf(out, "\"];\n  \"%p\" -> \"%p\" [style=dotted, arrowhead=none];\n", (void *)op->ctx,
          (void *)op);
  for (size_t i = 0; i < n; i++) print_case(op, &cases[i], out);
}

static void print_ctx(weir_ctx_t *ctx, FILE *out) {
  fprintf(out, "  \"%p\" [shape=diamond, label=\"%s%s\"];\n", (void *)ctx,
          weir__ctx_kind(ctx)->name, weir_ctx_err(ctx) ? "\\ndone" : "");
  if (ctx->parent)
    fprintf(out, "  \"%p\" -> \"%p\" [style=%s];\n", (void *)ctx->parent, (void *)ctx,
            weir__ctx_is_detached(ctx) ? "dotted" : "dashed");
  for (weir_op_t *op = NULL; (op = weir__stats_next_op(ctx, op));) print_op(op, out);
}

void weir_dump_dot(const weir_loop_t *loop, FILE *out) {
  weir_ctx_t *root = NULL;

  fprintf(out, "digraph weir {\n");
  print_chans(loop, out);
  while ((root = weir__stats_next_root(loop, root)))
    for (weir_ctx_t *ctx = root; ctx; ctx = weir__ctx_next(root, ctx, true)) print_ctx(ctx, out);
  fprintf(out, "}\n");
}
