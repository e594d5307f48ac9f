/*
 * One loop's inbox: posting, sleeping, waking and closing (lib/inbox.c). README.md says how to read
 * this. The numbers in the comments are those of the steps there.
 *
 * What claim.pml proves is assumed here: an operation is claimed by one poster, or cancelled. Each
 * poster has EACH operations, which it completes in turn, as often as they are started: RUNS times.
 * It may stop at any time, so that a wake-up that is lost is not made up for by a later one.
 * Notifiers (contexts that are cancelled elsewhere) post without an operation that would keep the
 * loop open: they hold its memory, and may come when it is closed.
 */
#include "gate.pml"

proctype Poster(byte me) {
  byte o = me * EACH, round = 0, seen;
  mtype entered;
  bool wakes;

  do
  :: o == (me + 1) * EACH && round == RUNS - 1 -> break
  :: o == (me + 1) * EACH && round < RUNS - 1 -> o = me * EACH; round++
  :: o < (me + 1) * EACH -> break /* it stops */
  :: o < (me + 1) * EACH -> /* step 3, under the channel's lock */
     atomic {
       if
       :: state[o] == IDLE && runs_left[o] == 0 -> goto next_op /* cancelled */
       :: state[o] == PARKED -> state[o] = CLAIMED; posted[me]++; stamp[o] = posted[me]
       fi
     }
     enter();
     assert(entered != CLOSED);
     push(o);
     wake_and_leave();
next_op:
     o++
  od
}

proctype Notifier(byte me) {
  byte seen;
  mtype entered;
  bool wakes;

  enter();
  if
#ifndef FAULT_LATE_NOTE
  :: entered == CLOSED -> leave()
#endif
  :: else -> notes++; push(OPS + me); wake_and_leave()
  fi;
  let_go()
}

/*
 * Step 5: takes the whole inbox, turns it round, and delivers: an operation becomes runnable. That is
 * one step, since nobody else looks at it in between.
 */
inline take() {
  atomic {
    touch();
    node = head;
    head = NONE;
    do
    :: node != NONE -> rest = next[node]; next[node] = list; list = node; node = rest
    :: else -> break
    od;
    do
    :: list != NONE -> node = list; list = next[node]; next[node] = NONE; deliver()
    :: else -> break
    od;
    rest = NONE;
    node = NONE
  }
}

inline deliver() {
  if
  :: node >= OPS -> notes--
  :: else ->
     assert(state[node] == CLAIMED);
     arrived[node / EACH]++;
     assert(stamp[node] == arrived[node / EACH]); /* once, and in order */
     stamp[node] = 0;
     state[node] = RUNNABLE;
     runnable!node
  fi
}

/* The callbacks, which may start an operation again; in one step, as they concern none but it. */
inline drain() {
  atomic {
    do
    :: len(runnable) > 0 ->
       runnable?node;
       if
       :: runs_left[node] > 0 && !closing -> runs_left[node]--; state[node] = PARKED
       :: else -> runs_left[node] = 0; state[node] = IDLE; unfinished--
       fi
    :: len(runnable) == 0 -> break
    od;
    node = NONE
  }
}

/* Step 6; a claimed one will arrive. */
inline cancel_all() {
  atomic {
    closing = true;
    for (node : 0 .. OPS - 1) {
      if :: state[node] == PARKED -> state[node] = RUNNABLE; runnable!node :: else fi
    }
    node = NONE
  }
}

proctype Loop() {
  byte list = NONE, node = NONE, rest = NONE, unfinished = OPS;
  bool closing = false;
  chan runnable = [OPS] of {byte};

prepare: /* step 5 */
  if
  :: len(runnable) == 0 && gate == AWAKE && head == NONE ->
     gate = ASLEEP;
#ifndef FAULT_NO_LOOK
     if
     :: head != NONE ->
        atomic {
          if
          :: gate == ASLEEP -> gate = AWAKE
          :: else /* NOTIFIED: the poll returns at once */
          fi
        }
     :: else
     fi
#endif
  :: else
  fi;
#ifndef FAULT_NO_LOOK
  take();
#ifndef FAULT_ONE_LOOK
  if /* What came may have left nothing to run: not to sleep AWAKE. */
  :: len(runnable) == 0 && gate == AWAKE -> goto prepare
  :: else
  fi;
#endif
#endif

  /* the poll: returns at once, for what is runnable or something of the host's, or waits */
  if
  :: true
  :: len(runnable) == 0 ->
end_sleep:
     readable
  fi;
  readable = false;
  if
  :: pending > 0 ->
     atomic { pending == 2 -> pending = 0 }
     atomic { assert(gate == NOTIFIED); gate = AWAKE }
  :: else
  fi;

  /* the check */
  take();
  drain();
  if /* step 8: weir_loop_close, at any time */
  :: !closing -> cancel_all()
  :: unfinished > 0 || head != NONE
  :: closing && unfinished == 0 && head == NONE -> goto close
  fi;
  goto prepare;

close:
  gate = CLOSED;
#ifndef FAULT_NO_WAIT
  inside == 0;
#endif
  take();
  assert(len(runnable) == 0);
  async_closed = true;
  let_go()
}

init {
  byte i = 0;

  atomic {
    for (i : 0 .. OPS - 1) { state[i] = PARKED; runs_left[i] = RUNS - 1 }
    for (i : 0 .. POSTERS - 1) { run Poster(i) }
#if NOTIFIERS
    for (i : 0 .. NOTIFIERS - 1) { run Notifier(i) }
#endif
    run Loop()
  }
  /* When all is quiet, nothing that was posted is left. */
  atomic { timeout -> assert(head == NONE && inside == 0 && notes == 0) }
}
