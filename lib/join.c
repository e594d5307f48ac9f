/*
 * Joins: weir_all and weir_any.
 *
 *   1. An op stands in at most one join by its own link, so that nothing has to be allocated. A
 *      member of an `all` is in that join's list: it leaves alone, and who leaves last finds only
 *      the head beside it. Members of an `any` leave together, so each points straight at the join.
 *   2. A join that wants an op which stands in another join, or twice one op, links none: it goes
 *      on the loop's list of overlapping joins and marks its ops. When a marked op completes, those
 *      joins look for it in their arrays. Slower, and rare.
 *   3. A member leaves when the loop takes it from the run queue to call it back. So a join never
 *      touches an op that has completed and may be gone, its callback comes after theirs, and joins
 *      of joins do not recurse.
 */
#include "op.h"

/* How an op stands in joins: op->joins. */
enum {
  MEMBER = 1, /* linked, as a member of one join */
  SHARED = 2, /* in an overlapping join */
  SEEN = 4    /* has come up in the array that exclusive() looks at */
};

static weir_op_t *join_of(weir__link_t *members) {
  return WEIR__CONTAINER(members, weir_op_t, u.join.members);
}

static weir_op_t *member_of(weir__link_t *link) {
  return WEIR__CONTAINER(link, weir_op_t, joined);
}

static void finish(weir_op_t *join, int status, size_t index) {
  join->u.wait.index = (uint32_t)index;
  weir__op_ready(join, status);
}

static void finish_at_once(weir_op_t *join, int status, size_t index) {
  join->u.wait.index = (uint32_t)index;
  weir__op_complete(join, status);
}

static size_t find(const weir__join_t *join, const weir_op_t *op) {
  size_t i = 0;

  while (i < join->n && join->ops[i] != op) i++;
  return i;
}

static void describe(const weir_op_t *op, FILE *out) {
  fprintf(out, "of %zu operations", op->u.join.n);
}

/* any: its members leave together */

static void any_unpark(weir_op_t *op) {
  for (size_t i = 0; i < op->u.join.n; i++) op->u.join.ops[i]->joins &= (uint16_t)~MEMBER;
  op->u.wait.index = 0;
}

static const weir__kind_t any_kind = {.verb = "any", .unpark = any_unpark, .describe = describe};

static void any_happened(weir_op_t *join, weir_op_t *first) {
  size_t index = find(&join->u.join, first);

  any_unpark(join);
  finish(join, first->status, index);
}

static void any_link(weir_op_t *join) {
  for (size_t i = 0; i < join->u.join.n; i++) {
    weir_op_t *op = join->u.join.ops[i];
    op->joined = (weir__link_t){.prev = NULL, .next = &join->u.join.members};
    op->joins |= MEMBER;
  }
}

/* all: each member leaves alone */

static void all_unpark(weir_op_t *op) {
  weir__link_t *members = &op->u.join.members;

  for (weir__link_t *link = members->next; link != members; link = link->next)
    member_of(link)->joins &= (uint16_t)~MEMBER;
  op->u.wait.index = 0;
}

static const weir__kind_t all_kind = {.verb = "all", .unpark = all_unpark, .describe = describe};

static void all_link(weir_op_t *join) {
  weir__join_t *j = &join->u.join;

  for (size_t i = 0; i < j->n; i++)
    if (weir_op_pending(j->ops[i])) {
      weir__queue_put(&j->members, &j->ops[i]->joined);
      j->ops[i]->joins |= MEMBER;
    }
}

static void all_leave(weir_op_t *member) {
  weir__link_t *other = member->joined.next;
  bool last = other == member->joined.prev;

  weir__queue_take(&member->joined);
  if (last) finish(join_of(other), 0, 0);
}

/* overlapping joins */

static void overlap_remove(weir_op_t *op) {
  weir_op_t **at = &weir__scope(op)->loop->overlapping;

  while (*at != op) at = &(*at)->u.join.next_overlapping;
  *at = op->u.join.next_overlapping;
  op->u.wait.index = 0;
}

static const weir__kind_t overlap_any_kind = {
    .verb = "any", .unpark = overlap_remove, .describe = describe};
static const weir__kind_t overlap_all_kind = {
    .verb = "all", .unpark = overlap_remove, .describe = describe};

static size_t count(const weir__join_t *join, const weir_op_t *op) {
  size_t found = 0;

  for (size_t i = 0; i < join->n; i++) found += join->ops[i] == op;
  return found;
}

/*
 * Marks an op. Unmarked, it is one that no overlapping join waits for, though some may have it in
 * their arrays: they do not miss it any more, or never did. They will count its completion, so they
 * miss it once more.
 */
static void share(weir_op_t *op) {
  weir_op_t *join = weir__scope(op)->loop->overlapping;

  if (op->joins & SHARED) return;
  op->joins |= SHARED;
  for (; join; join = join->u.join.next_overlapping)
    join->u.join.missing += count(&join->u.join, op);
}

static void overlap_link(weir_op_t *op) {
  weir_loop_t *loop = weir__scope(op)->loop;
  weir__join_t *join = &op->u.join;

  join->missing = 0;
  for (size_t i = 0; i < join->n; i++) {
    if (!weir_op_pending(join->ops[i])) continue;
    share(join->ops[i]);
    join->missing++;
  }
  join->next_overlapping = loop->overlapping;
  loop->overlapping = op;
}

static void overlap_happened(weir_op_t *join, weir_op_t *op) {
  size_t index = find(&join->u.join, op);

  if (index == join->u.join.n) return;
  if (join->kind == &overlap_any_kind) {
    overlap_remove(join);
    finish(join, op->status, index);
    return;
  }
  join->u.join.missing -= count(&join->u.join, op);
  if (join->u.join.missing > 0) return;
  overlap_remove(join);
  finish(join, 0, 0);
}

void weir__op_leave_joins(weir_op_t *op) {
  bool is_member = op->joins & MEMBER, is_shared = op->joins & SHARED;
  weir_op_t *join, *next;

  if (is_member && op->joined.prev)
    all_leave(op);
  else if (is_member)
    any_happened(join_of(op->joined.next), op);
  op->joins = 0;
  if (!is_shared) return;
  for (join = weir__scope(op)->loop->overlapping; join; join = next) {
    next = join->u.join.next_overlapping;
    overlap_happened(join, op);
  }
}

/* the calls */

static bool valid(const weir_op_t *op, weir_op_t *const *ops, size_t n) {
  if (!op || !op->ctx || (n > 0 && !ops)) return false;
  for (size_t i = 0; i < n; i++)
    if (!ops[i] || ops[i] == op || !ops[i]->ctx ||
        weir__scope(ops[i])->loop != weir__scope(op)->loop)
      return false;
  return true;
}

static int join_start(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = valid(op, ops, n) ? weir__op_start(op, cb) : UV_EINVAL;

  if (started) return started;
  weir__queue_init(&op->u.join.members);
  op->u.join.ops = ops;
  op->u.join.n = n;
  return 0;
}

/* Whether the join may link its pending ops; a mark of its own finds repeated ones. */
static bool exclusive(const weir__join_t *join) {
  bool free_to_link = true;
  size_t marked = 0;

  for (; marked < join->n && free_to_link; marked++) {
    weir_op_t *op = join->ops[marked];
    if (!weir_op_pending(op)) continue;
    free_to_link = !(op->joins & (MEMBER | SEEN));
    op->joins |= SEEN;
  }
  while (marked > 0) join->ops[--marked]->joins &= (uint16_t)~SEEN;
  return free_to_link;
}

int weir_all(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = join_start(op, ops, n, cb);

  if (started) return weir__op_accepted(started);
  if (exclusive(&op->u.join)) {
    all_link(op);
    if (weir__queue_empty(&op->u.join.members))
      finish_at_once(op, 0, 0);
    else
      weir__op_park(op, &all_kind);
  } else {
    overlap_link(op);
    weir__op_park(op, &overlap_all_kind);
  }
  return 0;
}

int weir_any(weir_op_t *op, weir_op_t *const *ops, size_t n, weir_op_cb cb) {
  int started = join_start(op, ops, n, cb);

  if (started) return weir__op_accepted(started);
  for (size_t i = 0; i < n; i++) {
    if (weir_op_pending(ops[i])) continue;
    finish_at_once(op, ops[i]->status, i);
    return 0;
  }
  if (exclusive(&op->u.join)) {
    any_link(op);
    weir__op_park(op, &any_kind);
  } else {
    overlap_link(op);
    weir__op_park(op, &overlap_any_kind);
  }
  return 0;
}
