package main

import "time"

func milliseconds(name string, took time.Duration, n int) {
	figure(name, "ms", float64(took.Nanoseconds())/1e6/float64(n))
}

// The concurrent prime sieve of Go's own examples. What it has started is left behind, blocked.

func sieveGenerate(out chan<- int) {
	for i := 2; ; i++ {
		out <- i
	}
}

func sieveFilter(in <-chan int, out chan<- int, prime int) {
	for {
		if v := <-in; v%prime != 0 {
			out <- v
		}
	}
}

func sieve(primes []int) {
	c := make(chan int)
	go sieveGenerate(c)
	for i := range primes {
		if i > 0 {
			out := make(chan int)
			go sieveFilter(c, out, primes[i-1])
			c = out
		}
		primes[i] = <-c
	}
}

func sieves(scale float64) {
	times, primes, sum := scaledExactly(5, scale), make([]int, 1000), 0
	start := time.Now()
	for i := 0; i < times; i++ {
		sieve(primes)
	}
	milliseconds("sieve", time.Since(start), times)
	for _, prime := range primes {
		sum += prime
	}
	expect(primes[999] == 7919 && sum == 3682913, "sieve")
}

// A token that counts its hops goes round a ring of channels. The last node counts the laps.

func ringNode(in <-chan int, out chan<- int) {
	defer close(out)
	for token := range in {
		out <- token + 1
	}
}

func ring(scale float64) {
	const channels = 10000
	laps, token, ok := scaledExactly(100, scale), 0, true
	chans := make([]chan int, channels)
	for i := range chans {
		chans[i] = make(chan int)
	}
	first, last := chans[0], chans[channels-1]
	start := time.Now()
	for i := 0; i < channels-1; i++ {
		go ringNode(chans[i], chans[i+1])
	}
	for lap := 1; lap <= laps; lap++ {
		first <- token
		token = <-last + 1
		if token != lap*channels {
			ok = false
		}
	}
	result("ring", time.Since(start), laps*channels)
	close(first)
	_, more := <-last
	expect(ok && !more, "ring")
}

// github.com/atemerev/skynet, of 100,000 leaves: each node adds up the numbers of its ten children.

func skynet(parent chan<- int, number, leaves, children int) {
	if leaves == 1 {
		parent <- number
		return
	}
	c, sum := make(chan int), 0
	for i := 0; i < children; i++ {
		go skynet(c, number+i*(leaves/children), leaves/children, children)
	}
	for i := 0; i < children; i++ {
		sum += <-c
	}
	parent <- sum
}

func skynets(scale float64) {
	times, ok := scaledExactly(5, scale), true
	start := time.Now()
	for i := 0; i < times; i++ {
		c := make(chan int)
		go skynet(c, 0, 100000, 10)
		if <-c != 4999950000 {
			ok = false
		}
	}
	milliseconds("skynet", time.Since(start), times)
	expect(ok, "skynet")
}
