//! One sender and one receiver; one receiver that selects; and what a try costs in vain.

use std::time::Instant;

use tokio::sync::mpsc::{channel, Receiver, Sender};

use crate::bench::{expect, note_each, runtime, scaled, scaled_exactly, timed};

const VALUES: u64 = 1000000;
const TRIES: u64 = 50000000;

/// Sends 0, 1, 2, ... and closes the channel.
pub async fn send(to: Sender<u64>, n: u64) {
    for i in 0..n {
        to.send(i).await.unwrap();
    }
}

/// Receives until the channel is closed. Returns how many, if they were `first` and so on.
pub async fn receive(mut from: Receiver<u64>, first: u64) -> Option<u64> {
    let (mut count, mut in_order) = (0, true);
    while let Some(value) = from.recv().await {
        in_order &= value == first + count;
        count += 1;
    }
    in_order.then_some(count)
}

pub fn stream(name: &'static str, capacity: usize) {
    let n = scaled(VALUES);
    let (to, from) = channel(capacity);
    let (took, count) = timed(&runtime(), async move {
        tokio::spawn(send(to, n));
        receive(from, 0).await
    });
    note_each(name, took, n);
    expect(count == Some(n), name);
}

pub fn try_empty(name: &'static str) {
    let (n, mut empty) = (scaled(TRIES), 0);
    let (_to, mut from) = channel::<u64>(128);
    let start = Instant::now();
    for _ in 0..n {
        empty += from.try_recv().is_err() as u64;
    }
    note_each(name, start.elapsed(), n);
    expect(empty == n, name);
}

/// Channels, the first `active` of which have a sender. None of them is closed while there is this.
struct Channels {
    kept: Vec<Sender<u64>>,
    each: u64,
    active: usize,
}

impl Channels {
    fn new(active: usize) -> Channels {
        Channels {
            kept: Vec::new(),
            each: scaled_exactly(VALUES / active as u64),
            active,
        }
    }

    fn open(&mut self) -> Receiver<u64> {
        let (to, from) = channel(1);
        if self.kept.len() < self.active {
            tokio::spawn(send(to.clone(), self.each));
        }
        self.kept.push(to);
        from
    }
}

/// What came from each channel.
struct Tally<const N: usize> {
    counts: [u64; N],
    in_order: bool,
    left: u64,
}

impl<const N: usize> Tally<N> {
    fn new(channels: &Channels) -> Tally<N> {
        Tally {
            counts: [0; N],
            in_order: true,
            left: channels.active as u64 * channels.each,
        }
    }

    fn note(&mut self, i: usize, value: Option<u64>) {
        self.in_order &= value == Some(self.counts[i]);
        self.counts[i] += 1;
        self.left -= 1;
    }

    fn is_right(&self, channels: &Channels) -> bool {
        let (active, idle) = self.counts.split_at(channels.active);
        active.iter().all(|&n| n == channels.each) && idle.iter().all(|&n| n == 0) && self.in_order
    }
}

pub fn select2(name: &'static str) {
    let (took, (right, n)) = timed(&runtime(), async move {
        let mut channels = Channels::new(2);
        let (mut a, mut b) = (channels.open(), channels.open());
        let mut tally = Tally::<2>::new(&channels);
        let n = tally.left;
        while tally.left > 0 {
            tokio::select! {
                value = a.recv() => tally.note(0, value),
                value = b.recv() => tally.note(1, value),
            }
        }
        (tally.is_right(&channels), n)
    });
    note_each(name, took, n);
    expect(right, name);
}

pub fn select4(name: &'static str, active: usize) {
    let (took, (right, n)) = timed(&runtime(), async move {
        let mut channels = Channels::new(active);
        let (mut a, mut b) = (channels.open(), channels.open());
        let (mut c, mut d) = (channels.open(), channels.open());
        let mut tally = Tally::<4>::new(&channels);
        let n = tally.left;
        while tally.left > 0 {
            tokio::select! {
                value = a.recv() => tally.note(0, value),
                value = b.recv() => tally.note(1, value),
                value = c.recv() => tally.note(2, value),
                value = d.recv() => tally.note(3, value),
            }
        }
        (tally.is_right(&channels), n)
    });
    note_each(name, took, n);
    expect(right, name);
}
