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
	"time"
)

type workload struct {
	name string
	run  func(scale float64)
}

var workloads = append(append([]workload{
	{"rendezvous", rendezvous},
	{"buffered128", buffered128},
	{"select4", select4},
	{"pipeline3", func(scale float64) { pipeline("pipeline3", 3, 1000000, scale) }},
	{"pipeline10", func(scale float64) { pipeline("pipeline10", 10, 300000, scale) }},
	{"range", ranged},
	{"ctx", contexts},
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

func sumBelow(n int) int {
	return n * (n - 1) / 2
}

func send(c chan<- int, n int) {
	for i := 0; i < n; i++ {
		c <- i
	}
}

func stream(name string, capacity int, scale float64) {
	n, sum := scaled(1000000, scale), 0
	c := make(chan int, capacity)
	start := time.Now()
	go send(c, n)
	for i := 0; i < n; i++ {
		sum += <-c
	}
	result(name, time.Since(start), n)
	expect(sum == sumBelow(n), name)
}

func rendezvous(scale float64) {
	stream("rendezvous", 0, scale)
}

func buffered128(scale float64) {
	stream("buffered128", 128, scale)
}

func ranged(scale float64) {
	n, sum := scaled(1000000, scale), 0
	c := make(chan int)
	start := time.Now()
	go func() {
		defer close(c)
		send(c, n)
	}()
	for v := range c {
		sum += v
	}
	result("range", time.Since(start), n)
	expect(sum == sumBelow(n), "range")
}

func select4(scale float64) {
	n := scaled(1000000, scale)
	a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
	sum, counts := 0, [4]int{}
	start := time.Now()
	for _, ch := range []chan int{a, b, c, d} {
		go send(ch, n/4)
	}
	for i := 0; i < n; i++ {
		select {
		case v := <-a:
			sum, counts[0] = sum+v, counts[0]+1
		case v := <-b:
			sum, counts[1] = sum+v, counts[1]+1
		case v := <-c:
			sum, counts[2] = sum+v, counts[2]+1
		case v := <-d:
			sum, counts[3] = sum+v, counts[3]+1
		}
	}
	result("select4", time.Since(start), n)
	expect(counts == [4]int{n / 4, n / 4, n / 4, n / 4}, "select4: counts")
	expect(sum == 4*sumBelow(n/4), "select4: sum")
}

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

func addOne(done <-chan struct{}, in <-chan int, out chan<- int) {
	defer close(out)
	for v := range in {
		select {
		case <-done:
			return
		case out <- v + 1:
		}
	}
}

// A generator without end, stages, and a consumer that stops them when it has had enough.
func pipeline(name string, stages, n int, scale float64) {
	n, sum := scaled(n, scale), 0
	done, out := make(chan struct{}), make(chan int)
	start := time.Now()
	go generate(done, out)
	for i := 0; i < stages; i++ {
		in := out
		out = make(chan int)
		go addOne(done, in, out)
	}
	for i := 0; i < n; i++ {
		sum += <-out
	}
	close(done)
	for range out { // until the last stage has gone
	}
	result(name, time.Since(start), n)
	expect(sum == sumBelow(n)+stages*n, name)
}

// Contexts and timers.

func withCancel(parent context.Context, n int) {
	start := time.Now()
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithCancel(parent)
		cancel()
		expect(ctx.Err() == context.Canceled, "ctx.cancel")
	}
	result("ctx.cancel", time.Since(start), n)
}

func withTimeout(parent context.Context, n int) {
	start := time.Now()
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithTimeout(parent, time.Hour)
		cancel()
		expect(ctx.Err() == context.Canceled, "ctx.timeout")
	}
	result("ctx.timeout", time.Since(start), n)
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
	cancels[0]()
	expect(nodes[n-1].Err() == context.Canceled, "ctx.tree")
	result("ctx.tree", time.Since(start), n)
}

func contexts(scale float64) {
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	withCancel(parent, scaled(1000000, scale))
	withTimeout(parent, scaled(1000000, scale))
	tree(parent, scaled(200000, scale))
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
