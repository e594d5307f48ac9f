//! Senders and receivers, each on a thread of its own, over one channel of crossbeam's. From when
//! all are ready until the receivers have seen the end.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{bounded, Receiver, Sender};

use crate::bench::{expect, note_each, scaled, sum_below};

const VALUES: u64 = 2000000;
const FEWER_VALUES: u64 = 50000;

/// Closes the channel, as the last of them.
fn send(to: Sender<u64>, n: u64) {
    for i in 0..n {
        to.send(i).unwrap();
    }
}

fn receive(from: Receiver<u64>) -> (u64, u64) {
    from.iter()
        .fold((0, 0), |(count, sum), value| (count + 1, sum + value))
}

pub fn across(name: &'static str, senders: u64, receivers: u64, capacity: usize) {
    let n = scaled(if capacity > 1 { VALUES } else { FEWER_VALUES });
    let each = n / senders;
    let ready = Barrier::new((senders + receivers + 1) as usize);
    let (to, from) = bounded(capacity);
    let (took, count, sum) = thread::scope(|scope| {
        let ready = &ready;
        for _ in 0..senders {
            let to = to.clone();
            scope.spawn(move || {
                ready.wait();
                send(to, each);
            });
        }
        drop(to);
        let threads: Vec<_> = (0..receivers)
            .map(|_| {
                let from = from.clone();
                scope.spawn(move || {
                    ready.wait();
                    receive(from)
                })
            })
            .collect();
        let start = Instant::now(); // before: this thread may be the last to go on
        ready.wait();
        let (mut count, mut sum) = (0, 0);
        for thread in threads {
            let (its_count, its_sum) = thread.join().unwrap();
            count += its_count;
            sum += its_sum;
        }
        (start.elapsed(), count, sum)
    });
    note_each(name, took, n);
    expect(count == n && sum == senders * sum_below(each), name);
}
