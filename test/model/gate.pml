/* What inbox.pml is about: the gate of a loop, its inbox, uv_async_send (lib/inbox.c). */

#ifndef POSTERS
#define POSTERS 2
#endif
#ifndef EACH
#define EACH 2
#endif
#ifndef RUNS
#define RUNS 1
#endif
#ifndef NOTIFIERS
#define NOTIFIERS 0
#endif
#ifndef KEPT
#define KEPT 0
#endif

#define OPS (POSTERS * EACH)
#define NODES (OPS + NOTIFIERS)
#define NONE 255

mtype = {AWAKE, ASLEEP, NOTIFIED, CLOSED};
mtype = {IDLE, PARKED, CLAIMED, RUNNABLE};

/* The loop's memory: the gate word (a count and a state), the inbox. */
byte inside = 0;
mtype gate = AWAKE;
byte head = NONE;
byte holders = 1 + NOTIFIERS + KEPT; /* of the memory: 0 when it is freed */

/* The nodes: operations, then notes. */
byte next[NODES] = NONE;
mtype state[OPS];
byte runs_left[OPS];
byte posted[POSTERS]; /* how many operations a poster has posted, and how many of them came in */
byte arrived[POSTERS];
byte stamp[OPS];
byte notes = 0; /* pushed and not yet taken */

/* uv_async_t, as in libuv: pending is 1 while uv_async_send is inside, then 2. */
byte pending = 0;
bool readable = false; /* the descriptor that wakes the poll */
bool async_closed = false;

inline touch() {
  assert(holders > 0)
}

inline let_go() {
  atomic {
    holders--;
    assert(holders > 0 || (head == NONE && async_closed))
  }
}

inline async_send() {
  atomic {
    assert(!async_closed);
    assert(pending == 0); /* at most one in flight */
    pending = 1
  }
  atomic { assert(!async_closed); readable = true; pending = 2 }
}

/* One atomic add, which says what the gate's state was. */
inline enter() {
  atomic { touch(); inside++; entered = gate }
}

inline leave() {
  atomic { entered = 0; touch(); assert(inside > 0); inside-- }
}

/* Step 4, without entering the gate. */
inline push(node) {
  do
  :: atomic { touch(); seen = head; next[node] = seen }
     atomic {
       touch();
       if
       :: head == seen -> head = node; seen = NONE; break
       :: else
       fi
     }
  od
}

/* `if ASLEEP, compare-and-swap to NOTIFIED`, again while it fails only for the count. */
inline wake_and_leave() {
#if defined FAULT_NO_SWAP
  atomic { touch(); wakes = (gate == ASLEEP) }
  atomic { touch(); gate = (wakes -> NOTIFIED : gate) }
#elif defined FAULT_EARLY_LOOK
  atomic { touch(); wakes = (entered == ASLEEP && gate == ASLEEP); gate = (wakes -> NOTIFIED : gate) }
#else
  atomic { touch(); wakes = (gate == ASLEEP); gate = (wakes -> NOTIFIED : gate) }
#endif
#ifdef FAULT_EARLY_LEAVE
  leave();
#endif
  if
  :: wakes -> async_send(); wakes = false
  :: else
  fi;
#ifndef FAULT_EARLY_LEAVE
  leave()
#endif
}
