package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A million goroutines, started for that alone, receive from one channel until it is closed: how
// much memory each takes, how long it takes until all wait, and until all have gone on.
func park(scale float64) {
	n := scaled(1000000, scale)
	var parked, woken int64
	var running sync.WaitGroup
	running.Add(n)
	c := make(chan int)
	before := inUse()
	start := time.Now()
	for i := 0; i < n; i++ {
		go func() {
			defer running.Done()
			atomic.AddInt64(&parked, 1)
			if _, more := <-c; !more {
				atomic.AddInt64(&woken, 1)
			}
		}()
	}
	for atomic.LoadInt64(&parked) < int64(n) {
		runtime.Gosched()
	}
	result("park.park", time.Since(start), n)
	figure("park.bytes", "bytes", float64(inUse()-before)/float64(n))
	start = time.Now()
	close(c)
	running.Wait()
	result("park.wake", time.Since(start), n)
	expect(woken == int64(n), "park")
}
