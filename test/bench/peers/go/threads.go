package main

import (
	"fmt"
	"sync"
	"time"
)

// What weir_bench does across threads, for GOMAXPROCS=2; thread44x_128, which has eight threads there,
// for as many as there are processors.

var threaded = append([]workload{
	{"thread0", func(scale float64) { across("thread0", 1, 1, 0, scale) }},
	{"thread1", func(scale float64) { across("thread1", 1, 1, 1, scale) }},
	{"thread128", func(scale float64) { across("thread128", 1, 1, 128, scale) }},
	{"thread1024", func(scale float64) { across("thread1024", 1, 1, 1024, scale) }},
	{"thread44x_128", func(scale float64) { across("thread44x_128", 4, 4, 128, scale) }},
}, shapes()...)

// 4 senders and 1 receiver at each capacity, and so on.
func shapes() (all []workload) {
	for _, shape := range [][2]int{{4, 1}, {1, 4}, {4, 4}} {
		for _, capacity := range []int{0, 1, 128, 1024} {
			senders, receivers, capacity := shape[0], shape[1], capacity
			name := fmt.Sprintf("thread%d%d_%d", senders, receivers, capacity)
			all = append(all, workload{name, func(scale float64) {
				across(name, senders, receivers, capacity, scale)
			}})
		}
	}
	return all
}

type received struct {
	count, sum int
}

func receiveAll(c <-chan int) (all received) {
	for v := range c {
		all.sum, all.count = all.sum+v, all.count+1
	}
	return all
}

// Runs f in n goroutines, which wait for begin; ready and done count them.
func together(n int, f func(), begin <-chan struct{}, ready, done *sync.WaitGroup) {
	ready.Add(n)
	done.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			defer done.Done()
			ready.Done()
			<-begin
			f()
		}()
	}
}

// From when all goroutines are ready until the receivers have seen the end.
func across(name string, senders, receivers, capacity int, scale float64) {
	n := 2000000
	if capacity <= 1 {
		n = 200000
	}
	n = scaled(n, scale)
	c, begin, results := make(chan int, capacity), make(chan struct{}), make(chan received, receivers)
	var ready, sending, receiving sync.WaitGroup
	together(senders, func() { send(c, n/senders) }, begin, &ready, &sending)
	together(receivers, func() { results <- receiveAll(c) }, begin, &ready, &receiving)
	ready.Wait()
	start := time.Now()
	close(begin)
	sending.Wait()
	close(c)
	receiving.Wait()
	result(name, time.Since(start), n)
	var all received
	for i := 0; i < receivers; i++ {
		one := <-results
		all.count, all.sum = all.count+one.count, all.sum+one.sum
	}
	expect(all.count == n && all.sum == senders*sumBelow(n/senders), name)
}
