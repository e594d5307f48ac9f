/*
 * Description: four senders and three receivers, with cancels, timeouts and closes thrown in: every
 * value is received once, or dropped, or still its sender's; a sender's values come in order; an
 * operation completes once. A failure says its seed: WEIR_SEED repeats its choices.
 */
#include "support/shared.h"
#include "support/stress.h"

static void run(stress_plan_t plan) {
  if (plan.chans == 0) plan.chans = 1;
  stress_run(&plan);
}

/* only loops */

#define ON_LOOPS .senders = {OPS, OPS, OPS, OPS}, .receivers = {OPS, OPS, OPS}

START_TEST(loops_over_a_rendezvous) {
  run((stress_plan_t){.capacity = 0, .values = 20000, .loops = 7, ON_LOOPS});
}
END_TEST

START_TEST(loops_over_a_buffer_of_1) {
  run((stress_plan_t){.capacity = 1, .values = 30000, .loops = 2, ON_LOOPS});
}
END_TEST

START_TEST(loops_over_a_buffer_of_64) {
  run((stress_plan_t){.capacity = 64, .values = 100000, .loops = 4, ON_LOOPS});
}
END_TEST

START_TEST(loops_that_cancel_every_other_operation) {
  run((stress_plan_t){
      .capacity = 1, .values = 20000, .loops = 3, .is_cancelled_often = true, ON_LOOPS});
}
END_TEST

/* only threads */

#define ON_THREADS                                                                                 \
  .senders = {BLOCKING, BLOCKING, BLOCKING, BLOCKING}, .receivers = {BLOCKING, BLOCKING, BLOCKING}

START_TEST(threads_over_a_rendezvous) {
  run((stress_plan_t){.capacity = 0, .values = 20000, ON_THREADS});
}
END_TEST

START_TEST(threads_over_a_buffer_of_1) {
  run((stress_plan_t){.capacity = 1, .values = 20000, ON_THREADS});
}
END_TEST

START_TEST(threads_over_a_buffer_of_64) {
  run((stress_plan_t){.capacity = 64, .values = 100000, ON_THREADS});
}
END_TEST

/* all kinds together */

#define MIXED .senders = {OPS, MANY, BLOCKING, SELECTS}, .receivers = {RANGES, OPS, BLOCKING}

START_TEST(mix_over_a_rendezvous) {
  run((stress_plan_t){.capacity = 0, .values = 20000, .loops = 3, MIXED});
}
END_TEST

START_TEST(mix_over_a_buffer_of_1) {
  run((stress_plan_t){.capacity = 1, .values = 20000, .loops = 2, MIXED});
}
END_TEST

START_TEST(mix_over_a_buffer_of_64) {
  run((stress_plan_t){.capacity = 64, .values = 100000, .loops = 3, MIXED});
}
END_TEST

START_TEST(ranges_that_pause_and_stop) {
  run((stress_plan_t){.capacity = 4,
                      .values = 50000,
                      .loops = 3,
                      .senders = {OPS, MANY, BLOCKING, OPS},
                      .receivers = {RANGES, RANGES, RANGES}});
}
END_TEST

/* batches */

#define IN_BATCHES .senders = {MANY, MANY, MANY, MANY}, .receivers = {MANY, MANY, MANY}

START_TEST(batches_over_a_rendezvous) {
  run((stress_plan_t){.capacity = 0, .values = 100000, .loops = 3, IN_BATCHES});
}
END_TEST

START_TEST(batches_over_a_buffer_of_64) {
  run((stress_plan_t){.capacity = 64, .values = 100000, .loops = 3, IN_BATCHES});
}
END_TEST

START_TEST(batches_and_single_values) {
  run((stress_plan_t){.capacity = 16,
                      .values = 100000,
                      .loops = 3,
                      .senders = {MANY, OPS, MANY, BLOCKING},
                      .receivers = {OPS, MANY, BLOCKING}});
}
END_TEST

/* selects over three channels */

#define BY_SELECTS                                                                                 \
  .senders = {SELECTS, SELECTS, SELECTS, SELECTS}, .receivers = {SELECTS, SELECTS, SELECTS}

START_TEST(selects_on_loops_over_rendezvous) {
  run((stress_plan_t){.capacity = 0, .chans = 3, .values = 15000, .loops = 3, BY_SELECTS});
}
END_TEST

START_TEST(selects_on_loops_over_buffers) {
  run((stress_plan_t){.capacity = 2, .chans = 3, .values = 30000, .loops = 3, BY_SELECTS});
}
END_TEST

START_TEST(selects_that_are_cancelled_every_other_time) {
  run((stress_plan_t){.capacity = 0,
                      .chans = 3,
                      .values = 15000,
                      .loops = 3,
                      .is_cancelled_often = true,
                      BY_SELECTS});
}
END_TEST

START_TEST(selects_on_threads) {
  run((stress_plan_t){
      .capacity = 1,
      .chans = 3,
      .values = 15000,
      .senders = {BLOCKING_SELECTS, BLOCKING_SELECTS, BLOCKING_SELECTS, BLOCKING_SELECTS},
      .receivers = {BLOCKING_SELECTS, BLOCKING_SELECTS, BLOCKING_SELECTS}});
}
END_TEST

#define SELECTS_AND_OTHERS                                                                         \
  .senders = {SELECTS, OPS, BLOCKING_SELECTS, MANY}, .receivers = {SELECTS, BLOCKING_SELECTS, OPS}

START_TEST(selects_and_others_over_rendezvous) {
  run((stress_plan_t){.capacity = 0, .chans = 3, .values = 15000, .loops = 3, SELECTS_AND_OTHERS});
}
END_TEST

START_TEST(selects_and_others_over_buffers) {
  run((stress_plan_t){.capacity = 64, .chans = 3, .values = 50000, .loops = 2, SELECTS_AND_OTHERS});
}
END_TEST

/* ends before all has been sent */

START_TEST(rendezvous_is_closed_midway) {
  run((stress_plan_t){.capacity = 0, .values = 20000, .loops = 3, .end = CLOSED_MIDWAY, MIXED});
}
END_TEST

START_TEST(buffers_are_closed_midway) {
  run((stress_plan_t){.capacity = 64,
                      .chans = 3,
                      .values = 50000,
                      .loops = 3,
                      .end = CLOSED_MIDWAY,
                      SELECTS_AND_OTHERS});
}
END_TEST

START_TEST(rendezvous_is_abandoned) {
  run((stress_plan_t){.capacity = 0, .values = 20000, .loops = 3, .end = ABANDONED, MIXED});
}
END_TEST

START_TEST(buffer_is_abandoned) {
  run((stress_plan_t){.capacity = 64, .values = 100000, .loops = 3, .end = ABANDONED, MIXED});
}
END_TEST

static const support_test_t tests[] = {
    T(loops_over_a_rendezvous),
    T(loops_over_a_buffer_of_1),
    T(loops_over_a_buffer_of_64),
    T(loops_that_cancel_every_other_operation),
    T(threads_over_a_rendezvous),
    T(threads_over_a_buffer_of_1),
    T(threads_over_a_buffer_of_64),
    T(mix_over_a_rendezvous),
    T(mix_over_a_buffer_of_1),
    T(mix_over_a_buffer_of_64),
    T(ranges_that_pause_and_stop),
    T(batches_over_a_rendezvous),
    T(batches_over_a_buffer_of_64),
    T(batches_and_single_values),
    T(selects_on_loops_over_rendezvous),
    T(selects_on_loops_over_buffers),
    T(selects_that_are_cancelled_every_other_time),
    T(selects_on_threads),
    T(selects_and_others_over_rendezvous),
    T(selects_and_others_over_buffers),
    T(rendezvous_is_closed_midway),
    T(buffers_are_closed_midway),
    T(rendezvous_is_abandoned),
    T(buffer_is_abandoned),
};
SUITE_MAIN("shared_stress", tests)
