//! What the workloads share: checks, figures, a runtime of one thread.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

pub struct Figure {
    pub name: &'static str,
    pub unit: &'static str,
    pub values: Vec<f64>, // of the rounds
}

/// Of one workload.
pub static FIGURES: Mutex<Vec<Figure>> = Mutex::new(Vec::new());

static SCALE: AtomicU64 = AtomicU64::new(0);

pub fn set_scale(scale: f64) {
    SCALE.store(scale.to_bits(), Ordering::Relaxed);
}

/// n, scaled: at least 1.
pub fn scaled_exactly(n: u64) -> u64 {
    let scale = f64::from_bits(SCALE.load(Ordering::Relaxed));
    ((n as f64 * scale) as u64).max(1)
}

/// n, scaled: a multiple of 64, and at least that.
pub fn scaled(n: u64) -> u64 {
    (scaled_exactly(n) / 64 * 64).max(64)
}

/// A wrong result ends the program with status 1.
pub fn expect(ok: bool, what: &str) {
    if !ok {
        eprintln!("wrong result: {what}");
        std::process::exit(1);
    }
}

/// Notes a figure of this round.
pub fn note(name: &'static str, unit: &'static str, value: f64) {
    let mut figures = FIGURES.lock().unwrap();
    match figures.iter_mut().find(|figure| figure.name == name) {
        Some(figure) => figure.values.push(value),
        None => figures.push(Figure {
            name,
            unit,
            values: vec![value],
        }),
    }
}

/// Notes the nanoseconds for each of n.
pub fn note_each(name: &'static str, took: Duration, n: u64) {
    note(name, "ns", took.as_nanos() as f64 / n as f64);
}

/// 0 + 1 + 2 + ..., n numbers.
pub fn sum_below(n: u64) -> u64 {
    n * (n - 1) / 2
}

/// Without drivers for timers and I/O: only the sleeps need one.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Runs the future as a task, and returns how long that took, and its output.
pub fn timed<F>(runtime: &Runtime, future: F) -> (Duration, F::Output)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let start = Instant::now();
    let output = runtime.block_on(async { tokio::spawn(future).await.unwrap() });
    (start.elapsed(), output)
}
