/*
 * Shared channels: start, claim, select, cancel, close (lib/chan.c, lib/contend.c, lib/life.c).
 * README.md says how to read this. The numbers in the comments are those of the steps there.
 *
 * Each operation has a thread of its own, which starts it, once or again, and may cancel it. What
 * inbox.pml proves is assumed here: what is posted arrives. PLAN chooses who waits for what.
 */
#include "chan.pml"
#include "plans.pml"

/* The start is over. The caller needs its references no longer than that, if it was the last. */
inline started() {
  op[me].runs--;
  ch[low].users = ch[low].users - (op[me].runs == 0 -> 1 : 0);
  ch[high].users = ch[high].users - (op[me].runs == 0 && low != high -> 1 : 0)
}

inline lock_all() {
  lock(low);
  if :: high != low -> lock(high) :: else fi
}

inline unlock_all() {
  atomic {
    if :: high != low -> unlock(low) :: else fi
  }
  atomic { unlock(high); started() }
}

/* Under the locks of all its channels, so that nobody sees it half done. */
inline park() {
  waiters[own_queue(me, 0)]!me;
  hold(op[me].at[0]);
  if :: op[me].n == 2 -> waiters[own_queue(me, 1)]!me; hold(op[me].at[1]) :: else fi;
  op[me].state = PARKED
}

/* Step 4, after the locks. */
inline post_due() {
  do
  :: atomic { due?who -> assert(op[who].fired == 1 && !op[who].posted); op[who].posted = true; who = NONE }
  :: empty(due) -> break
  od
}

/* Step 6: a claim, as a partner's. If one was first, its post will arrive. */
inline cancel() {
  atomic {
    op[me].state != BUSY;
    if
    :: op[me].state == PARKED -> op[me].state = BUSY; finish(me, CANCELED, NONE); canceled = true
    :: else
    fi
  }
#ifndef FAULT_BUSY_CANCEL
  if :: canceled -> op[me].state = CLAIMED :: else fi /* not BUSY while it waits for a lock */
#endif
}

/* A case that has not happened leaves its channel. Who found it stale may have taken it out. */
inline withdraw(k) {
  atomic {
    c = op[me].at[k];
    lock(c);
#ifndef FAULT_NO_LEAVE
    if :: waiters[own_queue(me, k)]??[eval(me)] -> waiters[own_queue(me, k)]??eval(me) :: else fi;
#endif
    let_go(c);
    unlock_last(c)
  }
  free_last(c)
}

/* Exactly one thing happened, and the values that were not sent are still the sender's. */
inline call_back() {
  assert(op[me].fired == 1 && !op[me].posted);
  assert(moved[op[me].value] == (op[me].done > 0) && moved[op[me].value + 1] == (op[me].done > 1));
  if
  :: op[me].status == OK && op[me].sends[op[me].index] ->
     assert(op[me].done == op[me].count && op[me].received == NONE)
  :: op[me].status == OK && !op[me].sends[op[me].index] ->
     assert(op[me].done == 0 && op[me].received != NONE)
  :: else -> assert(op[me].received == NONE)
  fi;
  op[me].state = IDLE;
  op[me].fired = 0; op[me].index = 0; op[me].status = 0; op[me].done = 0; op[me].received = NONE
}

proctype Thread(byte me) {
  byte who = NONE, c = 0, k = 0, v = 0, case_ = 0, low, high;
  bool is_select = (op[me].n == 2), ready[2], canceled, last;
  chan due = [MANY] of {byte};

  atomic {
    low = op[me].at[0];
    high = op[me].at[1];
#ifndef FAULT_CASE_ORDER
    if :: low > high -> low = op[me].at[1]; high = op[me].at[0] :: else fi;
#endif
    if :: op[me].may_cancel -> op[me].may_cancel = false :: true fi /* or it will not */
  }

start: /* step 2 */
  lock_all();
again:
  look(0);
  if :: is_select -> look(1) :: else fi;
  atomic {
    who = NONE;
    if
    :: ready[0] -> k = 0
    :: ready[1] -> k = 1
    :: !ready[0] && !ready[1] -> park(); goto waits
    fi
  }
  happen(k);
  unlock_all();
  post_due();
  goto over;

waits:
  unlock_all();
  post_due();
end_wait:
  do
  :: atomic { op[me].posted -> op[me].posted = false; case_ = op[me].index; break }
  :: atomic { op[me].may_cancel -> op[me].may_cancel = false }
     cancel();
     if :: canceled -> canceled = false; case_ = NONE; break :: else fi
  od;
  if :: case_ != 0 -> withdraw(0) :: else fi; /* step 5 */
  if :: is_select && case_ != 1 -> withdraw(1) :: else fi;
over:
  atomic {
    op[me].state = RUNNABLE;
    case_ = 0;
    call_back();
    if :: op[me].runs > 0 -> op[me].value = op[me].value + OPS * MANY; goto start :: else fi
  }
}

/* Step 7, at any time; then the last reference goes. */
proctype Closer(byte c) {
  byte who = NONE, me = OPS, q = 2 * c;
  bool last;
  chan due = [OPS] of {byte};

  lock(c);
  ch[c].closed = true;
  do
  :: q < 2 * c + 2 ->
     claim(q);
     if :: who != NONE -> atomic { complete(q, END); who = NONE } :: else -> q++ fi
  :: else -> break
  od;
  unlock(c);
  post_due();
  ch[c].users == 0;
  atomic { lock(c); ch[c].dead = true; unlock_last(c) }
  free_last(c)
}

/* When all is quiet: nobody waits who could be served, and no value is lost. */
inline check() {
  for (i : 0 .. OPS - 1) {
    assert(op[i].state == IDLE || op[i].state == PARKED);
    for (k : 0 .. op[i].n - 1) {
      c = op[i].at[k];
      if
      :: op[i].state == PARKED ->
         assert(waiters[own_queue(i, k)]??[eval(i)] && op[i].fired == 0);
         assert(!ch[c].closed && len(ring[c]) == (op[i].sends[k] -> ch[c].capacity : 0));
         for (j : 0 .. OPS - 1) {
           assert(i == j || !waiters[partners(i, k)]??[eval(j)] || op[j].state != PARKED)
         }
      :: else
      fi
    }
  }
  for (i : 0 .. VALUES - 1) { left = left + moved[i] - arrived[i] }
  assert(left == len(ring[0]) + len(ring[1]));
  for (i : 0 .. 1) { assert(ch[i].freed == ch[i].dead) }
}

init {
  byte i, j, k, c, left;

  atomic {
    plan();
    for (i : 0 .. OPS - 1) { op[i].value = i * MANY; op[i].received = NONE; run Thread(i) }
  }
  atomic { timeout && !ch[0].locked && !ch[1].locked -> check() }
}
