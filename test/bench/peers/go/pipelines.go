package main

import "time"

// As many values as take about as long for any number of stages.
func pipelineValues(stages int, scale float64) int {
	return scaled(3000000/stages, scale)
}

// Plain: a generator of n values, stages, and a consumer, until the end has come through.

func addOne(in <-chan int, out chan<- int) {
	defer close(out)
	for v := range in {
		out <- v + 1
	}
}

func pipeline(name string, stages int, scale float64) {
	n, count, inOrder := pipelineValues(stages, scale), 0, true
	out := make(chan int)
	start := time.Now()
	go sendAndClose(out, n)
	for i := 0; i < stages; i++ {
		in := out
		out = make(chan int)
		go addOne(in, out)
	}
	for v := range out {
		if v != count+stages {
			inOrder = false
		}
		count++
	}
	result(name, time.Since(start), n)
	expect(count == n && inOrder, name)
}

// With a done channel, which ends a generator without end.

func generate(done <-chan struct{}, out chan<- int) {
	defer close(out)
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case out <- i:
		}
	}
}

// As in Go's own examples: what it receives from is closed by a stage that watches done.
func orDone(done <-chan struct{}, in <-chan int, out chan<- int) {
	defer close(out)
	for v := range in {
		select {
		case <-done:
			return
		case out <- v + 1:
		}
	}
}

// Done is watched at the receive, too: the input need not end.
func bySelect(done <-chan struct{}, in <-chan int, out chan<- int) {
	defer close(out)
	for {
		var v int
		var ok bool
		select {
		case <-done:
			return
		case v, ok = <-in:
			if !ok {
				return
			}
		}
		select {
		case <-done:
			return
		case out <- v + 1:
		}
	}
}

type stage func(done <-chan struct{}, in <-chan int, out chan<- int)

// The consumer stops the others when it has had enough.
func pipelineDone(name string, stages int, run stage, scale float64) {
	n, inOrder := pipelineValues(stages, scale), true
	done, out := make(chan struct{}), make(chan int)
	start := time.Now()
	go generate(done, out)
	for i := 0; i < stages; i++ {
		in := out
		out = make(chan int)
		go run(done, in, out)
	}
	for i := 0; i < n; i++ {
		if <-out != i+stages {
			inOrder = false
		}
	}
	close(done)
	for range out { // until the last stage has gone
	}
	result(name, time.Since(start), n)
	expect(inOrder, name)
}
