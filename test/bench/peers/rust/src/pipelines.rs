//! Stages in a row, and inputs that come together in one channel.

use tokio::sync::mpsc::{channel, Receiver, Sender};

use crate::bench::{expect, note_each, runtime, scaled, scaled_exactly, sum_below, timed};
use crate::streams::{receive, send};

const VALUES: u64 = 1000000;

/// Passes on what it receives, with something added, until the input is closed.
async fn pass(mut from: Receiver<u64>, to: Sender<u64>, added: u64) {
    while let Some(value) = from.recv().await {
        to.send(value + added).await.unwrap();
    }
}

pub fn pipeline(name: &'static str, stages: u64, values: u64) {
    let n = scaled(values);
    let (took, count) = timed(&runtime(), async move {
        let (to, mut last) = channel(1);
        tokio::spawn(send(to, n));
        for _ in 0..stages {
            let (to, from) = channel(1);
            tokio::spawn(pass(last, to, 1));
            last = from;
        }
        receive(last, stages).await
    });
    note_each(name, took, n);
    expect(count == Some(n), name);
}

pub fn fan_in(name: &'static str, inputs: u64) {
    let each = scaled_exactly(VALUES / inputs);
    let (took, (count, sum)) = timed(&runtime(), async move {
        let (all, mut out) = channel(1);
        for _ in 0..inputs {
            let (to, from) = channel(1);
            tokio::spawn(pass(from, all.clone(), 0));
            tokio::spawn(send(to, each));
        }
        drop(all);
        let (mut count, mut sum) = (0, 0);
        while let Some(value) = out.recv().await {
            count += 1;
            sum += value;
        }
        (count, sum)
    });
    note_each(name, took, inputs * each);
    expect(
        count == inputs * each && sum == inputs * sum_below(each),
        name,
    );
}
