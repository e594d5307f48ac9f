package main

import "time"

// Receives from one of the channels, and returns what, and from which. The statements of 32 and 128
// cases are written out, in wide_selects.go: reflect.Select, for any number, is many times slower.
type chooser func(c []chan int) (v, i int)

func choose2(c []chan int) (v, i int) {
	select {
	case v = <-c[0]:
		i = 0
	case v = <-c[1]:
		i = 1
	}
	return
}

func choose4(c []chan int) (v, i int) {
	select {
	case v = <-c[0]:
		i = 0
	case v = <-c[1]:
		i = 1
	case v = <-c[2]:
		i = 2
	case v = <-c[3]:
		i = 3
	}
	return
}

// The first `active` of the channels have senders, of n values in all.
func selectOver(name string, choose chooser, channels, active, n int, scale float64) {
	each := scaledExactly(n/active, scale)
	chans, counts, inOrder := make([]chan int, channels), make([]int, channels), true
	for i := range chans {
		chans[i] = make(chan int)
	}
	start := time.Now()
	for _, c := range chans[:active] {
		go send(c, each)
	}
	for left := active * each; left > 0; left-- {
		v, i := choose(chans)
		if v != counts[i] {
			inOrder = false
		}
		counts[i]++
	}
	result(name, time.Since(start), active*each)
	for i, count := range counts {
		expect(count == each || i >= active && count == 0, name+": counts")
	}
	expect(inOrder, name+": order")
}
