//! Programs that channels are known for: the prime sieve, a token in a ring, a tree of adders.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{channel, Receiver, Sender};

use crate::bench::{expect, note, note_each, runtime, scaled_exactly, timed};

fn note_milliseconds(name: &'static str, took: Duration, n: u64) {
    note(name, "ms", took.as_secs_f64() * 1e3 / n as f64);
}

// sieve: a generator of 2, 3, 4, ... and a filter for each prime found. What still waits in the end
// goes with the runtime.

const PRIMES: usize = 1000;
const SIEVES: u64 = 5;

async fn generate(to: Sender<u64>) {
    for i in 2.. {
        if to.send(i).await.is_err() {
            return;
        }
    }
}

async fn filter(mut from: Receiver<u64>, to: Sender<u64>, prime: u64) {
    while let Some(value) = from.recv().await {
        if value % prime != 0 && to.send(value).await.is_err() {
            return;
        }
    }
}

async fn sieve() -> Vec<u64> {
    let (to, mut last) = channel(1);
    let mut primes = Vec::new();
    tokio::spawn(generate(to));
    loop {
        let prime = last.recv().await.unwrap();
        primes.push(prime);
        if primes.len() == PRIMES {
            return primes;
        }
        let (to, from) = channel(1);
        tokio::spawn(filter(last, to, prime));
        last = from;
    }
}

pub fn sieves(name: &'static str) {
    let n = scaled_exactly(SIEVES);
    let start = Instant::now();
    for _ in 0..n {
        let (_, primes) = timed(&runtime(), sieve());
        expect(primes.windows(2).all(|pair| pair[0] < pair[1]), name);
        expect(primes[PRIMES - 1] == 7919, name);
    }
    note_milliseconds(name, start.elapsed(), n);
}

// ring: each node passes a token on, which counts the hops. The last node counts the laps, and
// closes its channel in the end, which goes round once more.

const NODES: u64 = 10000;
const LAPS: u64 = 100;

async fn pass_on(mut from: Receiver<u64>, to: Sender<u64>) {
    while let Some(token) = from.recv().await {
        to.send(token + 1).await.unwrap();
    }
}

pub fn ring(name: &'static str) {
    let laps = scaled_exactly(LAPS);
    let (_, (took, right)) = timed(&runtime(), async move {
        let start = Instant::now();
        let (first, mut last) = channel(1);
        for _ in 1..NODES {
            let (to, from) = channel(1);
            tokio::spawn(pass_on(last, to));
            last = from;
        }
        let (mut token, mut right) = (0, true);
        for lap in 1..=laps {
            first.send(token).await.unwrap();
            token = last.recv().await.unwrap() + 1;
            right &= token == lap * NODES;
        }
        let took = start.elapsed();
        drop(first);
        (took, right && last.recv().await.is_none())
    });
    note_each(name, took, laps * NODES);
    expect(right, name);
}

// skynet: a leaf sends its number, a node the sum of its ten children's.

const LEAVES: u64 = 100000;
const CHILDREN: u64 = 10;
const TREES: u64 = 10;

fn spawn_node(parent: Sender<u64>, number: u64, leaves: u64) {
    tokio::spawn(async move {
        if leaves == 1 {
            parent.send(number).await.unwrap();
            return;
        }
        let (to, mut from) = channel(1);
        for i in 0..CHILDREN {
            spawn_node(
                to.clone(),
                number + i * (leaves / CHILDREN),
                leaves / CHILDREN,
            );
        }
        let mut sum = 0;
        for _ in 0..CHILDREN {
            sum += from.recv().await.unwrap();
        }
        parent.send(sum).await.unwrap();
    });
}

pub fn skynets(name: &'static str) {
    let n = scaled_exactly(TREES);
    let start = Instant::now();
    for _ in 0..n {
        let (_, sum) = timed(&runtime(), async {
            let (to, mut from) = channel(1);
            spawn_node(to, 0, LEAVES);
            from.recv().await
        });
        expect(sum == Some(4999950000), name);
    }
    note_milliseconds(name, start.elapsed(), n);
}
