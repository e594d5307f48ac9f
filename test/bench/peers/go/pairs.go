package main

import (
	"sync"
	"time"
)

// So many pairs of a sender and a receiver at once, each with a channel of its own.
func pairs(name string, count int, scale float64) {
	each := scaledExactly(1000000/count, scale)
	chans, inOrder := make([]chan int, count), make([]bool, count)
	for i := range chans {
		chans[i] = make(chan int)
	}
	var running sync.WaitGroup
	running.Add(count)
	start := time.Now()
	for i := range chans {
		go send(chans[i], each)
		go func(i int) {
			defer running.Done()
			inOrder[i] = receive(chans[i], each)
		}(i)
	}
	running.Wait()
	result(name, time.Since(start), count*each)
	for _, ok := range inOrder {
		expect(ok, name)
	}
}
