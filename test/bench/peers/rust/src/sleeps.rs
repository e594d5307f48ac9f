//! Many sleeps at once: all dropped (sleeps), or waited for, by a task each (sleeps_expire).

use std::future::ready;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until, Instant, Sleep};

use crate::bench::{expect, note_each, scaled, timed};

const SLEEPS: u64 = 1000000;
const HOUR_MS: u64 = 3600000;
const LONGEST_MS: u64 = 64;

fn runtime_with_time() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// When a sleep ends: after `least` milliseconds and less than `range` more. The same in every
/// run, in no order.
fn end(now: Instant, i: u64, least: u64, range: u64) -> Instant {
    now + Duration::from_millis(least + i * 2654435761 % range)
}

/// A sleep begins when it is polled.
async fn begin(sleep: Pin<&mut Sleep>) {
    tokio::select! {
        biased;
        () = sleep => expect(false, "sleeps: early"),
        () = ready(()) => (),
    }
}

/// All of them sleep before the first is dropped: one more, a short one, ends meanwhile.
pub fn sleeps(name: &'static str) {
    let n = scaled(SLEEPS);
    let (took, ()) = timed(&runtime_with_time(), async move {
        let now = Instant::now();
        let mut sleeping = Vec::with_capacity(n as usize);
        for i in 0..n {
            let mut long = Box::pin(sleep_until(end(now, i, HOUR_MS, HOUR_MS)));
            begin(long.as_mut()).await;
            sleeping.push(long);
        }
        let mut short = Box::pin(sleep(Duration::from_millis(1)));
        begin(short.as_mut()).await;
        sleep(Duration::from_millis(2)).await;
        expect(short.is_elapsed(), name);
        expect(!sleeping.iter().any(|sleep| sleep.is_elapsed()), name);
    });
    note_each(name, took, n);
}

/// For up to 64 ms, which a million take to start: hardly any time is spent waiting.
pub fn sleeps_expire(name: &'static str) {
    let n = scaled(SLEEPS);
    let (woken, all) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let count = woken.clone();
    let (took, ()) = timed(&runtime_with_time(), async move {
        let now = Instant::now();
        for i in 0..n {
            let (woken, all) = (woken.clone(), all.clone());
            tokio::spawn(async move {
                sleep_until(end(now, i, 1, LONGEST_MS)).await;
                if woken.fetch_add(1, Ordering::Relaxed) + 1 == n {
                    all.notify_one();
                }
            });
        }
        all.notified().await;
    });
    note_each(name, took, n);
    expect(count.load(Ordering::Relaxed) == n, name);
    expect(took >= Duration::from_millis(LONGEST_MS), name);
}
