package main

import (
	"sync"
	"time"
)

// Brings the values of several channels together, as in "Go Concurrency Patterns: Pipelines".
func merge(chans []chan int) <-chan int {
	out := make(chan int)
	var running sync.WaitGroup
	running.Add(len(chans))
	for _, c := range chans {
		go func(c <-chan int) {
			defer running.Done()
			for v := range c {
				out <- v
			}
		}(c)
	}
	go func() {
		running.Wait()
		close(out)
	}()
	return out
}

func fanIn(name string, count int, scale float64) {
	each, sum, received := scaledExactly(1000000/count, scale), 0, 0
	chans := make([]chan int, count)
	for i := range chans {
		chans[i] = make(chan int)
	}
	start := time.Now()
	out := merge(chans)
	for _, c := range chans {
		go sendAndClose(c, each)
	}
	for v := range out {
		sum, received = sum+v, received+1
	}
	result(name, time.Since(start), count*each)
	expect(received == count*each && sum == count*sumBelow(each), name)
}
