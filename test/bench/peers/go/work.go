package main

import (
	"sync"
	"time"
)

// Jobs that keep a processor busy, by two goroutines, for GOMAXPROCS=2.

const workers = 2

var pooled = []workload{
	{"work100us", func(scale float64) { work("work100us", 5000, 100*time.Microsecond, scale) }},
	{"work1us", func(scale float64) { work("work1us", 300000, time.Microsecond, scale) }},
}

//go:noinline
func busy(number, turns uint64) uint64 {
	for ; turns > 0; turns-- {
		number = number*6364136223846793005 + 1442695040888963407
	}
	return number
}

// How long a turn of the busy loop takes is measured once a run. The shortest of several times is
// the one that had the processor to itself.
var turnNs float64

func turnsIn(d time.Duration) uint64 {
	const turns, times = 1000000, 20
	if turnNs == 0 {
		shortest, number := time.Hour, uint64(0)
		for i := 0; i < times; i++ {
			start := time.Now()
			number = busy(number, turns)
			if took := time.Since(start); took < shortest {
				shortest = took
			}
		}
		turnNs = float64(shortest.Nanoseconds()) / turns
	}
	return uint64(float64(d.Nanoseconds()) / turnNs)
}

func oneByOne(n int, turns uint64) (sum uint64) {
	for i := 0; i < n; i++ {
		sum += busy(uint64(i), turns)
	}
	return sum
}

// As many may be ahead as in a weir_pipe_work: twice the workers.
func atOnce(n int, turns uint64) (sum uint64) {
	jobs, results := make(chan uint64, 2*workers), make(chan uint64, 2*workers)
	var running sync.WaitGroup
	running.Add(workers)
	for i := 0; i < workers; i++ {
		go func() {
			defer running.Done()
			for job := range jobs {
				results <- busy(job, turns)
			}
		}()
	}
	go func() {
		defer close(jobs)
		for i := 0; i < n; i++ {
			jobs <- uint64(i)
		}
	}()
	go func() {
		running.Wait()
		close(results)
	}()
	for r := range results {
		sum += r
	}
	return sum
}

func work(name string, n int, each time.Duration, scale float64) {
	n = scaled(n, scale)
	turns := turnsIn(each)
	start := time.Now()
	sum := oneByOne(n, turns)
	serial := time.Since(start)
	start = time.Now()
	same := atOnce(n, turns) == sum
	parallel := time.Since(start)
	result(name, parallel, n)
	figure(name+".speedup", "x", float64(serial)/float64(parallel))
	expect(same, name)
}
