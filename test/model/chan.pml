/* What claim.pml is about: channels, their waiters, and how one is claimed (lib/chan.c). */

#ifndef OPS
#define OPS 3
#endif
#define RUNS 2
#define MANY 2 /* how many values an operation sends at most */
#define VALUES (OPS * RUNS * MANY)
#define NONE 255

mtype = {IDLE, PARKED, BUSY, CLAIMED, RUNNABLE};
mtype = {OK, END, CANCELED}; /* END is UV_EOF, UV_EPIPE */

typedef chan_t {
  bool locked;
  bool closed;
  byte capacity; /* of the ring: 0 or 1 */
  byte users;    /* operations yet to be started, each with a reference */
  bool dead;     /* no references are left */
  byte waiting;  /* cases that have neither happened here nor left: they keep its memory */
  bool freed;
}

typedef op_t {
  byte n;     /* cases: a select has two */
  byte at[2]; /* which channels */
  bool sends[2];
  bool may_cancel;
  byte runs;
  byte value; /* the first that it sends, and how many, and how many have gone */
  byte count;
  byte done;
  byte received;
  mtype state = IDLE;
  mtype status;
  byte index; /* of the case that happened */
  byte fired; /* how often it was completed, in this run */
  bool posted;
}

chan_t ch[2];
op_t op[OPS];
chan ring[2] = [1] of {byte};
chan waiters[4] = [OPS] of {byte}; /* of channel c: receivers at 2 * c, senders at 2 * c + 1 */
byte moved[VALUES];                /* how often each value left its sender, and reached somebody */
byte arrived[VALUES];

#define own_queue(o, k) (2 * op[o].at[k] + op[o].sends[k])
#define partners(o, k) (2 * op[o].at[k] + 1 - op[o].sends[k])

/* Which of its cases waits in this queue. */
#define case_in(o, queue) (own_queue(o, 0) == (queue) -> 0 : 1)

inline lock(c) {
  atomic { !ch[c].locked -> assert(!ch[c].freed); ch[c].locked = true }
}

inline unlock(c) {
  atomic { assert(ch[c].locked && !ch[c].freed); ch[c].locked = false }
}

#ifdef FAULT_NO_HOLD
#define HOLD 0
#else
#define HOLD 1
#endif

#define hold(c) ch[c].waiting = ch[c].waiting + HOLD
#define let_go(c) assert(ch[c].waiting >= HOLD); ch[c].waiting = ch[c].waiting - HOLD

/* Who finds, before it unlocks, that nobody needs the channel any more frees it. */
inline unlock_last(c) {
  last = ch[c].dead && ch[c].waiting == 0;
  unlock(c)
}

inline free_last(c) {
  if
  :: last -> atomic { assert(!ch[c].freed && !ch[c].locked); ch[c].freed = true; last = false }
  :: else
  fi
}

/*
 * Step 3: claims the first waiter that can be; `who` is NONE if there is none. The lock is held. Who
 * is BUSY will be PARKED or CLAIMED in a moment, and needs no lock for it.
 */
inline claim(queue) {
  do
  :: atomic { empty(waiters[queue]) -> who = NONE; break }
  :: atomic {
       waiters[queue]?<who> -> assert(who != me);
       assert(op[who].state != IDLE && op[who].state != RUNNABLE)
     }
#ifdef FAULT_NO_SWAP
     op[who].state != BUSY;
     if
     :: op[who].state == PARKED -> op[who].state = BUSY; break
#else
     atomic {
       op[who].state != BUSY;
       if
       :: op[who].state == PARKED -> op[who].state = BUSY; break
#endif
       :: else -> waiters[queue]?who /* stale */
       fi
#ifndef FAULT_NO_SWAP
     }
#endif
  od
}

inline finish(o, how, which) {
  assert(op[o].fired == 0);
  op[o].fired++;
  op[o].status = how;
  op[o].index = which
}

/* The waiter that was claimed has happened: it is to be posted. */
inline complete(queue, how) {
  assert(op[who].state == BUSY);
  waiters[queue]?eval(who);
  finish(who, how, case_in(who, queue));
  let_go((queue) / 2);
  op[who].state = CLAIMED;
  due!who
}

/* The next value of an operation leaves it. */
inline move_out(whose) {
  v = op[whose].value + op[whose].done;
  op[whose].done++;
  moved[v]++
}

/* A sender that was claimed has got rid of a value, and waits on if it has more. */
inline sent(queue) {
  if
  :: op[who].done == op[who].count -> complete(queue, OK)
  :: else -> assert(op[who].state == BUSY); op[who].state = PARKED
  fi
}

inline give(whom) {
  op[whom].received = v;
  arrived[v]++;
  assert(arrived[v] == 1 && moved[v] == 1)
}

/* Step 2: is case k ready? Takes stale waiters out. The lock is held. */
inline look(k) {
  do
  :: atomic {
       waiters[partners(me, k)]?<who> -> assert(who != me);
       assert(op[who].state != IDLE && op[who].state != RUNNABLE);
       if
       :: op[who].state != CLAIMED -> ready[k] = true; break
       :: else -> waiters[partners(me, k)]?who /* stale */
       fi
     }
  :: atomic {
       empty(waiters[partners(me, k)]) -> c = op[me].at[k];
       ready[k] = ch[c].closed || (op[me].sends[k] -> len(ring[c]) < ch[c].capacity : len(ring[c]) > 0);
       c = 0;
       break
     }
  od
}

/* Case k was ready: one value moves, or the case is to be looked at again. The lock is held. */
inline happen(k) {
  c = op[me].at[k];
  who = NONE;
  if
  :: op[me].sends[k] && ch[c].closed
  :: else -> claim(partners(me, k))
  fi;
  atomic {
    if
    :: ch[c].closed && (op[me].sends[k] || len(ring[c]) == 0) -> assert(who == NONE); finish(me, END, k)
    :: !ch[c].closed && op[me].sends[k] && who != NONE ->
       move_out(me); give(who); complete(partners(me, k), OK)
    :: !ch[c].closed && op[me].sends[k] && who == NONE && len(ring[c]) < ch[c].capacity ->
       move_out(me); ring[c]!v
    :: !op[me].sends[k] && len(ring[c]) > 0 ->
       ring[c]?v; give(me); finish(me, OK, k);
       if :: who != NONE -> move_out(who); ring[c]!v; sent(partners(me, k)) :: else fi
    :: !ch[c].closed && !op[me].sends[k] && len(ring[c]) == 0 && who != NONE ->
       move_out(who); give(me); sent(partners(me, k)); finish(me, OK, k)
    :: else /* the partner was claimed elsewhere */
    fi;
    if :: op[me].sends[k] && op[me].done == op[me].count -> finish(me, OK, k) :: else fi;
    who = NONE; c = 0; v = 0; k = 0; ready[0] = false; ready[1] = false;
    if :: op[me].fired == 0 -> goto again :: else fi
  }
}
