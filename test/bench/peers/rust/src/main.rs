//! rust_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]
//!
//! The workloads of weir_bench in Rust, with the same options and output: on one thread with the
//! bounded channel of tokio::sync::mpsc, across threads (thread*) with crossbeam_channel, whose
//! ends block and have a thread each. How to build it: Cargo.toml.
//!
//! Tokio has no channel without a buffer. What is one in weir_bench has capacity 1 here, and
//! rendezvous* and range are left out.

mod bench;
mod patterns;
mod pipelines;
mod sleeps;
mod streams;
mod threads;

use std::process::exit;

use bench::{set_scale, FIGURES};
use patterns::{ring, sieves, skynets};
use pipelines::{fan_in, pipeline};
use streams::{select2, select4, stream, try_empty};
use threads::across;

type Run = fn(&'static str);

const WORKLOADS: &[(&str, Run)] = &[
    ("buffered1", |name| stream(name, 1)),
    ("buffered128", |name| stream(name, 128)),
    ("buffered4096", |name| stream(name, 4096)),
    ("try_empty", try_empty),
    ("select2", select2),
    ("select4", |name| select4(name, 4)),
    ("select4_one", |name| select4(name, 1)),
    ("pipeline3", |name| pipeline(name, 3, 1000000)),
    ("pipeline10", |name| pipeline(name, 10, 300000)),
    ("fan_in8", |name| fan_in(name, 8)),
    ("fan_in1000", |name| fan_in(name, 1000)),
    ("sieve", sieves),
    ("ring", ring),
    ("skynet", skynets),
    ("sleeps", sleeps::sleeps),
    ("sleeps_expire", sleeps::sleeps_expire),
    ("thread0", |name| across(name, 1, 1, 0)),
    ("thread1", |name| across(name, 1, 1, 1)),
    ("thread128", |name| across(name, 1, 1, 128)),
    ("thread1024", |name| across(name, 1, 1, 1024)),
    ("thread41_0", |name| across(name, 4, 1, 0)),
    ("thread41_1", |name| across(name, 4, 1, 1)),
    ("thread41_128", |name| across(name, 4, 1, 128)),
    ("thread41_1024", |name| across(name, 4, 1, 1024)),
    ("thread14_0", |name| across(name, 1, 4, 0)),
    ("thread14_1", |name| across(name, 1, 4, 1)),
    ("thread14_128", |name| across(name, 1, 4, 128)),
    ("thread14_1024", |name| across(name, 1, 4, 1024)),
    ("thread44_0", |name| across(name, 4, 4, 0)),
    ("thread44_1", |name| across(name, 4, 4, 1)),
    ("thread44_128", |name| across(name, 4, 4, 128)),
    ("thread44_1024", |name| across(name, 4, 4, 1024)),
];

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

fn print_figures(json: bool) {
    for mut figure in FIGURES.lock().unwrap().drain(..) {
        let (name, unit, value) = (figure.name, figure.unit, median(&mut figure.values));
        if json {
            println!("{{\"name\":\"{name}\",\"{unit}\":{value:.2}}}");
        } else {
            println!("{name:<28} {value:12.2} {unit}");
        }
    }
}

fn usage() -> ! {
    eprintln!("usage: rust_bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]");
    exit(2);
}

struct Options {
    list: bool,
    json: bool,
    rounds: u32,
    scale: f64,
    names: Vec<String>, // none: all
}

fn parse() -> Options {
    let mut words = std::env::args().skip(1);
    let mut options = Options {
        list: false,
        json: false,
        rounds: 1,
        scale: 1.0,
        names: Vec::new(),
    };
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
        match word.as_str() {
            "--list" => options.list = true,
            "--json" => options.json = true,
            "--rounds" => options.rounds = number().unwrap_or(0.0) as u32,
            "--scale" => options.scale = number().unwrap_or(0.0),
            name if WORKLOADS.iter().any(|workload| workload.0 == name) => options.names.push(word),
            _ => usage(),
        }
    }
    if options.rounds == 0 || options.scale <= 0.0 {
        usage();
    }
    options
}

fn main() {
    let options = parse();
    let chosen = |name: &str| options.names.is_empty() || options.names.iter().any(|n| n == name);

    set_scale(options.scale);
    for (name, run) in WORKLOADS {
        if options.list {
            println!("{name}");
        } else if chosen(name) {
            (0..options.rounds).for_each(|_| run(name));
            print_figures(options.json);
        }
    }
}
