/*
 * Joins: weir_all and weir_any.
 *
 *   1. number   Each join gets the next number at its start. Those that wait stand in the loop's
 *               tree by it. Numbers are never used again, so that one whose join has completed or
 *               was cancelled just finds nothing: a join leaves without touching its ops.
 *   2. mark     A join marks those of its ops that are pending with its number, and an `all` counts
 *               them. An op has room for two numbers, `first` and `last`, without any memory: it is
 *               wanted by exactly these joins. More make it MANY: wanted by `first`, by `last` and
 *               by those joins between that have it in their arrays. Who has completed makes room.
 *   3. leave    When the loop takes a marked op from the run queue to call it back, its joins hear
 *               of it, the oldest first, and its marks are gone: they are of one run of the op.
 *   4. finish   An `any` completes at its first op, an `all` when none is missing.
 *
 * So a join never touches an op that has completed and may be gone: arrays are searched for the
 * address of an op that is leaving. Its callback comes after its ops', and joins of joins do not
 * recurse. Each mark and each leave costs the depth of the tree; MANY costs a search of each array
 * between, and is for the few that many joins share (a stop signal).
 *
 * The tree is a treap: ordered by the numbers, a heap of the random ranks made from them.
 */
#include "op.h"

#include <inttypes.h>

/* How an operation stands in joins: op->joins. */
enum {
  MARKED = 1, /* by joins `first` and `last`, which may be one */
  MANY = 2    /* and maybe by some between */
};

/* the tree */

static uint64_t number_of(const weir_op_t *join) {
  return join->u.join.number;
}

static uint64_t rank_of(const weir_op_t *join) {
  weir__random_t random = {.state = number_of(join)};

  return weir__random_next(&random);
}

static weir_op_t **child(weir_op_t *join, uint64_t number) {
  return number < number_of(join) ? &join->u.join.older : &join->u.join.newer;
}

/* Puts the newest join into the tree: it has none to its right. */
static void tree_put(weir_op_t **at, weir_op_t *join) {
  uint64_t rank = rank_of(join);

  while (*at && rank_of(*at) > rank) at = &(*at)->u.join.newer;
  join->u.join.older = *at;
  join->u.join.newer = NULL;
  *at = join;
}

static void tree_take(weir_op_t **at, weir_op_t *join) {
  weir_op_t *older = join->u.join.older, *newer = join->u.join.newer;

  while (*at != join) at = child(*at, number_of(join));
  while (older && newer) {
    bool older_first = rank_of(older) > rank_of(newer);
    *at = older_first ? older : newer;
    at = older_first ? &older->u.join.newer : &newer->u.join.older;
    if (older_first)
      older = *at;
    else
      newer = *at;
  }
  *at = older ? older : newer;
}

static weir_op_t *tree_find(weir_op_t *join, uint64_t number) {
  while (join && number_of(join) != number) join = *child(join, number);
  return join;
}

/* arrays */

/* Where it comes first, which it does. */
static size_t index_of(const weir__join_t *join, const weir_op_t *op) {
  size_t i = 0;

  while (join->ops[i] != op) i++;
  return i;
}

/* Looks both ways from where it found the last one: ops tend to complete in some order. */
static bool holds(weir__join_t *join, const weir_op_t *op) {
  uint32_t down = join->found, up = join->found;

  while (down > 0 || up < join->n) {
    if (up < join->n && join->ops[up++] == op) {
      join->found = up;
      return true;
    }
    if (down > 0 && join->ops[--down] == op) {
      join->found = down;
      return true;
    }
  }
  return false;
}

/* finishing */

static weir_op_t **tree_of(const weir_op_t *op) {
  return &weir__scope(op)->loop->joins;
}

static int unpark(weir_op_t *op) {
  tree_take(tree_of(op), op);
  op->u.wait.index = 0;
  return 0;
}

static void describe(weir_op_t *op, FILE *out) {
  fprintf(out, "of %" PRIu32 " operations", op->u.join.n);
}

static const weir__kind_t all_kind = {.verb = "all", .unpark = unpark, .describe = describe};
static const weir__kind_t any_kind = {.verb = "any", .unpark = unpark, .describe = describe};

static void happened(weir_op_t *join, const weir_op_t *op) {
  bool is_any = join->kind == &any_kind;
  size_t index = is_any ? index_of(&join->u.join, op) : 0;

  if (!is_any && --join->u.join.missing > 0) return;
  tree_take(tree_of(join), join);
  join->u.wait.index = (uint32_t)index;
  weir__op_ready(join, is_any ? weir__op_result(op) : 0);
}

/* marking and leaving */

/* Whether the op's current run was not marked for the join before. */
static bool mark(weir_op_t *op, const weir_op_t *join) {
  weir__marks_t *marks = &op->marks;
  uint64_t number = number_of(join);

  if (!op->joins) {
    op->joins = MARKED;
    marks->first = marks->last = number;
    return true;
  }
  if (marks->last == number) return false;
  if (!(op->joins & MANY)) {
    weir_op_t *tree = *tree_of(op);
    if (!tree_find(tree, marks->first))
      marks->first = marks->last;
    else if (marks->first != marks->last && tree_find(tree, marks->last))
      op->joins |= MANY;
  }
  marks->last = number;
  return true;
}

/*
 * The oldest join of the tree from `number` up to the op's last that holds the op. The depth is
 * logarithmic, whatever the user does.
 */
static weir_op_t *oldest_holding(weir_op_t *join, const weir_op_t *op, uint64_t number) {
  for (; join; join = join->u.join.newer) {
    weir_op_t *found;

    if (number_of(join) < number) continue;
    found = oldest_holding(join->u.join.older, op, number);
    if (found) return found;
    if (number_of(join) > op->marks.last) return NULL;
    if (holds(&join->u.join, op)) return join;
  }
  return NULL;
}

static void leave_many(weir_op_t **tree, const weir_op_t *op) {
  uint64_t number = op->marks.first;
  weir_op_t *join;

  while ((join = oldest_holding(*tree, op, number))) {
    number = number_of(join) + 1;
    happened(join, op);
  }
}

static void leave_one(weir_op_t **tree, const weir_op_t *op, uint64_t number) {
  weir_op_t *join = tree_find(*tree, number);

  if (join) happened(join, op);
}

void weir__op_leave_joins(weir_op_t *op) {
  weir_op_t **tree = tree_of(op);

  if (op->joins & MANY) {
    leave_many(tree, op);
  } else {
    leave_one(tree, op, op->marks.first);
    if (op->marks.last != op->marks.first) leave_one(tree, op, op->marks.last);
  }
  op->joins = 0;
}

/* the calls */

/* The context of an idle op may be gone. */
static bool may_join(const weir_op_t *op, const weir_op_t *join) {
  if (!op || op == join || !op->ctx) return false;
  return !weir_op_pending(op) || weir__scope(op)->loop == weir__scope(join)->loop;
}

static bool valid(const weir_op_t *join, weir_op_t *const *ops, size_t n) {
  if (!join || !join->ctx || (n > 0 && !ops) || (uint64_t)n > UINT32_MAX) return false;
  for (size_t i = 0; i < n; i++)
    if (!may_join(ops[i], join)) return false;
  return true;
}

static int join_start(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = valid(op, ops, n) ? weir__op_start(op, cb) : UV_EINVAL;

  if (started) return started;
  op->u.join =
      (weir__join_t){.ops = ops, .n = (uint32_t)n, .number = ++weir__scope(op)->loop->join_number};
  return 0;
}

static void join_park(weir_op_t *op, const weir__kind_t *kind) {
  tree_put(tree_of(op), op);
  weir__op_park(op, kind);
}

int weir_all(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = join_start(op, ops, n, cb);

  if (started) return weir__op_accepted(started);
  for (size_t i = 0; i < n; i++)
    if (weir_op_pending(ops[i])) op->u.join.missing += mark(ops[i], op);
  if (op->u.join.missing == 0)
    weir__op_complete(op, 0, 0);
  else
    join_park(op, &all_kind);
  return 0;
}

int weir_any(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = join_start(op, ops, n, cb);

  if (started) return weir__op_accepted(started);
  for (size_t i = 0; i < n; i++) {
    if (weir_op_pending(ops[i])) continue;
    weir__op_complete(op, weir__op_result(ops[i]), i);
    return 0;
  }
  for (size_t i = 0; i < n; i++) mark(ops[i], op);
  join_park(op, &any_kind);
  return 0;
}
