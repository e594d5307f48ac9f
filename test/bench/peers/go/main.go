// The workloads of weir_bench as a Go program would have them, with the same options and output.
//
//	bench [--list] [--json] [--rounds N] [--scale F] [WORKLOAD...]
//
// GOMAXPROCS is taken from the environment, as by every Go program.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"
)

type workload struct {
	name string
	run  func(scale float64)
}

var workloads = append(append([]workload{
	{"rendezvous", func(scale float64) { stream("rendezvous", 0, scale) }},
	{"rendezvous10", func(scale float64) { pairs("rendezvous10", 10, scale) }},
	{"rendezvous100", func(scale float64) { pairs("rendezvous100", 100, scale) }},
	{"rendezvous1000", func(scale float64) { pairs("rendezvous1000", 1000, scale) }},
	{"rendezvous10000", func(scale float64) { pairs("rendezvous10000", 10000, scale) }},
	{"buffered1", func(scale float64) { stream("buffered1", 1, scale) }},
	{"buffered128", func(scale float64) { stream("buffered128", 128, scale) }},
	{"buffered4096", func(scale float64) { stream("buffered4096", 4096, scale) }},
	{"range", ranged},
	{"try_empty", tryEmpty},
	{"chan", chans},
	{"select2", func(scale float64) { selectOver("select2", choose2, 2, 2, 1000000, scale) }},
	{"select4", func(scale float64) { selectOver("select4", choose4, 4, 4, 1000000, scale) }},
	{"select32", func(scale float64) { selectOver("select32", choose32, 32, 32, 200000, scale) }},
	{"select128", func(scale float64) { selectOver("select128", choose128, 128, 128, 64000, scale) }},
	{"select4_one", func(scale float64) { selectOver("select4_one", choose4, 4, 1, 1000000, scale) }},
	{"pipeline3", func(scale float64) { pipeline("pipeline3", 3, scale) }},
	{"pipeline10", func(scale float64) { pipeline("pipeline10", 10, scale) }},
	{"pipeline3_done", func(scale float64) { pipelineDone("pipeline3_done", 3, orDone, scale) }},
	{"pipeline10_done", func(scale float64) { pipelineDone("pipeline10_done", 10, orDone, scale) }},
	{"pipeline3_select", func(scale float64) { pipelineDone("pipeline3_select", 3, bySelect, scale) }},
	{"fan_in8", func(scale float64) { fanIn("fan_in8", 8, scale) }},
	{"fan_in1000", func(scale float64) { fanIn("fan_in1000", 1000, scale) }},
	{"sieve", sieves},
	{"ring", ring},
	{"skynet", skynets},
	{"park", park},
	{"ctx", contexts},
	{"sleeps_expire", sleepsExpire},
	{"sleeps", sleeps},
}, append(threaded, latencies...)...), pooled...)

// Results of one workload, over its rounds.

var (
	names  []string
	units  = map[string]string{}
	values = map[string][]float64{}
)

func figure(name, unit string, value float64) {
	if values[name] == nil {
		names = append(names, name)
	}
	units[name] = unit
	values[name] = append(values[name], value)
}

func result(name string, took time.Duration, n int) {
	figure(name, "ns", float64(took.Nanoseconds())/float64(n))
}

func expect(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "wrong result:", what)
		os.Exit(1)
	}
}

func median(v []float64) float64 {
	sort.Float64s(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func printResults(json bool) {
	for _, name := range names {
		if json {
			fmt.Printf("{\"name\":%q,%q:%.2f}\n", name, units[name], median(values[name]))
		} else {
			fmt.Printf("%-18s %12.2f %s\n", name, median(values[name]), units[name])
		}
	}
	names, values = nil, map[string][]float64{}
}

// Channels.

func scaled(n int, scale float64) int {
	n = int(float64(n)*scale) / 64 * 64
	if n == 0 {
		return 64
	}
	return n
}

// At least 1.
func scaledExactly(n int, scale float64) int {
	n = int(float64(n) * scale)
	if n == 0 {
		return 1
	}
	return n
}

func sumBelow(n int) int {
	return n * (n - 1) / 2
}

func send(c chan<- int, n int) {
	for i := 0; i < n; i++ {
		c <- i
	}
}

func sendAndClose(c chan<- int, n int) {
	defer close(c)
	send(c, n)
}

// Receives n values, and returns whether they are 0, 1, 2, ...
func receive(c <-chan int, n int) bool {
	inOrder := true
	for i := 0; i < n; i++ {
		if <-c != i {
			inOrder = false
		}
	}
	return inOrder
}

func stream(name string, capacity int, scale float64) {
	n := scaled(1000000, scale)
	c := make(chan int, capacity)
	start := time.Now()
	go send(c, n)
	inOrder := receive(c, n)
	result(name, time.Since(start), n)
	expect(inOrder, name)
}

func ranged(scale float64) {
	n, count, inOrder := scaled(1000000, scale), 0, true
	c := make(chan int)
	start := time.Now()
	go sendAndClose(c, n)
	for v := range c {
		if v != count {
			inOrder = false
		}
		count++
	}
	result("range", time.Since(start), n)
	expect(count == n && inOrder, "range")
}

func tryEmpty(scale float64) {
	n, empty, value := scaled(50000000, scale), 0, 1
	c := make(chan int, 128)
	start := time.Now()
	for i := 0; i < n; i++ {
		select {
		case value = <-c:
		default:
			empty++
		}
	}
	result("try_empty", time.Since(start), n)
	expect(empty == n && value == 1, "try_empty")
}

var made chan int // so that a channel is made on the heap

func chans(scale float64) {
	n := scaled(1000000, scale)
	start := time.Now()
	for i := 0; i < n; i++ {
		made = make(chan int)
	}
	result("chan.new", time.Since(start), n)
	expect(cap(made) == 0, "chan.new")
}

// Contexts and timers.

func withCancel(parent context.Context, n int) {
	start := time.Now()
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithCancel(parent)
		cancel()
		expect(ctx.Err() == context.Canceled, "ctx.new_cancel")
	}
	result("ctx.new_cancel", time.Since(start), n)
}

func withTimeout(parent context.Context, n int) {
	start := time.Now()
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithTimeout(parent, time.Hour)
		cancel()
		expect(ctx.Err() == context.Canceled, "ctx.new_timeout_cancel")
	}
	result("ctx.new_timeout_cancel", time.Since(start), n)
}

// Each context has eight children; the root is cancelled, and the others with it.
func tree(parent context.Context, n int) {
	nodes := make([]context.Context, n)
	cancels := make([]context.CancelFunc, n)
	start := time.Now()
	for i := range nodes {
		if i > 0 {
			parent = nodes[(i-1)/8]
		}
		nodes[i], cancels[i] = context.WithCancel(parent)
	}
	result("ctx.tree_create", time.Since(start), n)
	start = time.Now()
	cancels[0]()
	result("ctx.tree_cancel", time.Since(start), n)
	for _, ctx := range nodes {
		expect(ctx.Err() == context.Canceled, "ctx.tree")
	}
}

func contexts(scale float64) {
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	withCancel(parent, scaled(1000000, scale))
	withTimeout(parent, scaled(1000000, scale))
	for i := 0; i < 3; i++ {
		tree(parent, scaled(200000, scale))
	}
}

// Between one hour and two, in no order; the same in every run.
func duration(i int) time.Duration {
	return time.Hour + time.Duration(uint64(i)*2654435761%3600000)*time.Millisecond
}

// All of them run before the first is stopped. Nothing is called back, unlike in weir_bench.
func sleeps(scale float64) {
	n, stopped := scaled(1000000, scale), 0
	timers := make([]*time.Timer, n)
	start := time.Now()
	for i := range timers {
		timers[i] = time.AfterFunc(duration(i), func() {})
	}
	for _, t := range timers {
		if t.Stop() {
			stopped++
		}
	}
	result("sleeps", time.Since(start), n)
	expect(stopped == n, "sleeps")
}

// For up to 64 ms, about as long as it takes to start a million: next to no time is spent waiting.
func sleepsExpire(scale float64) {
	n := scaled(1000000, scale)
	timers := make([]*time.Timer, n)
	var missing sync.WaitGroup
	missing.Add(n)
	start := time.Now()
	for i := range timers {
		d := time.Duration(1+uint64(i)*2654435761%64) * time.Millisecond
		timers[i] = time.AfterFunc(d, missing.Done)
	}
	missing.Wait()
	took := time.Since(start)
	result("sleeps_expire", took, n)
	for _, t := range timers {
		expect(!t.Stop(), "sleeps_expire")
	}
	expect(took >= 64*time.Millisecond, "sleeps_expire: early")
}

// The command line.

func find(name string) *workload {
	for i := range workloads {
		if workloads[i].name == name {
			return &workloads[i]
		}
	}
	fmt.Fprintln(os.Stderr, "no such workload:", name)
	os.Exit(2)
	return nil
}

func selected(names []string) []*workload {
	var all []*workload
	for i := range workloads {
		all = append(all, &workloads[i])
	}
	if len(names) == 0 {
		return all
	}
	var some []*workload
	for _, name := range names {
		some = append(some, find(name))
	}
	return some
}

func main() {
	list := flag.Bool("list", false, "name the workloads")
	json := flag.Bool("json", false, "print an object a line")
	rounds := flag.Int("rounds", 1, "how often to run each workload")
	scale := flag.Float64("scale", 1, "how many times the values")
	flag.Parse()
	for _, w := range selected(flag.Args()) {
		if *list {
			fmt.Println(w.name)
			continue
		}
		for i := 0; i < *rounds; i++ {
			w.run(*scale)
		}
		printResults(*json)
	}
}
