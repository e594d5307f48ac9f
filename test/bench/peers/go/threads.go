package main

import "time"

// What weir_bench does across two threads, for GOMAXPROCS=2.

var threaded = []workload{
	{"thread0", func(scale float64) { across("thread0", 0, 200000, scale) }},
	{"thread1", func(scale float64) { across("thread1", 1, 200000, scale) }},
	{"thread128", func(scale float64) { across("thread128", 128, 2000000, scale) }},
	{"thread1024", func(scale float64) { across("thread1024", 1024, 2000000, scale) }},
}

// From when both goroutines are ready until the receiver has seen the end.
func across(name string, capacity, n int, scale float64) {
	n = scaled(n, scale)
	sum, count := 0, 0
	c, ready := make(chan int, capacity), make(chan struct{})
	go func() {
		defer close(c)
		ready <- struct{}{}
		send(c, n)
	}()
	<-ready
	start := time.Now()
	for v := range c {
		sum, count = sum+v, count+1
	}
	result(name, time.Since(start), n)
	expect(count == n && sum == sumBelow(n), name)
}
