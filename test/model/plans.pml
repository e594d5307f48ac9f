/* Who waits for what: the plans of claim.pml. */
#ifndef PLAN
#define PLAN 1
#endif

#define recv(c) c, 0
#define send(c) c, 1

inline single(o, c, s, many, may, times) {
  op[o].n = 1;
  op[o].at[0] = c; op[o].sends[0] = s;
  op[o].at[1] = c; op[o].sends[1] = s;
  op[o].count = many; op[o].may_cancel = may; op[o].runs = times;
  ch[c].users++
}

inline pair(o, c0, s0, c1, s1, may, times) {
  op[o].n = 2;
  op[o].at[0] = c0; op[o].sends[0] = s0;
  op[o].at[1] = c1; op[o].sends[1] = s1;
  op[o].count = 1; op[o].may_cancel = may; op[o].runs = times;
  ch[c0].users++;
  ch[c1].users = ch[c1].users + (c0 != c1 -> 1 : 0)
}

inline plan() {
#if PLAN == 1
  /* Selects that go the opposite way. */
  pair(0, recv(0), send(1), true, 1);
  pair(1, recv(1), send(0), false, 1);
  pair(2, send(0), recv(1), false, 1);
#if OPS > 3
  pair(3, send(1), recv(0), false, 1)
#endif
#elif PLAN == 2
  /* Two partners race for a select, and the close of one channel with them. */
  pair(0, recv(0), recv(1), true, 2);
  single(1, send(0), 1, false, 1);
  single(2, send(1), 1, true, 1);
  run Closer(0)
#elif PLAN == 3
  /* A ring, and single waiters. */
  ch[0].capacity = 1;
  single(0, recv(0), 1, true, 2);
  single(1, send(0), 2, true, 1);
  single(2, send(0), 1, false, 2);
  run Closer(0)
#elif PLAN == 4
  /* Both sides of one channel. */
  pair(0, recv(0), send(0), true, 2);
  pair(1, send(0), recv(0), false, 1);
  single(2, recv(0), 1, true, 1);
  run Closer(0)
#elif PLAN == 5
  /* Both channels close under selects. */
  ch[0].capacity = 1;
  pair(0, send(0), recv(1), false, 1);
  pair(1, recv(0), send(1), true, 1);
  single(2, recv(0), 1, true, 1);
  run Closer(0);
  run Closer(1)
#elif PLAN == 6
  /* A ring that is refilled from a select. */
  ch[0].capacity = 1;
  pair(0, send(0), recv(1), true, 2);
  single(1, send(0), 1, false, 1);
  single(2, recv(0), 1, true, 2);
  single(3, send(1), 1, false, 1)
#elif PLAN == 7
  /* Several values, one after the other, to receivers and a select. */
  single(0, send(0), 2, true, 2);
  single(1, recv(0), 1, true, 1);
  pair(2, recv(0), recv(1), true, 2);
  run Closer(0)
#endif
}
