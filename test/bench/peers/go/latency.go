package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// An echo server, and beside it (loaded) two goroutines on a channel without a buffer: tcp_latency of
// weir_bench.
//
// The client is a process of its own, so that it takes no processor of the scheduler's, and makes the
// same blocking calls as that of weir_bench. The server is for GOMAXPROCS=2, twice what weir's loop
// has: the pair takes one processor, and the other one looks for the network's events. With
// GOMAXPROCS=1 nothing looks while the pair has something to run, but a watchdog every 10 ms: that
// would be one thread beside one thread, but is not how Go programs are run.

var latencies = []workload{{"tcp_latency", tcpLatency}}

const (
	messageBytes = 64
	// Of the client: the address, and how many round trips.
	clientAddress, clientTrips = "WEIR_BENCH_ADDRESS", "WEIR_BENCH_TRIPS"
	// With GOMAXPROCS=1 there are fewer than asked for.
	mostTime = 2 * time.Second
)

// This program is its own client.
func init() {
	if address := os.Getenv(clientAddress); address != "" {
		drive(address)
		os.Exit(0)
	}
}

// The client.

func check(err error, what string) {
	if err != nil {
		expect(false, "tcp_latency: "+what+": "+err.Error())
	}
}

func connect(address string) int {
	to, err := net.ResolveTCPAddr("tcp4", address)
	check(err, "address")
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	check(err, "socket")
	check(syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1), "nodelay")
	sockaddr := &syscall.SockaddrInet4{Port: to.Port}
	copy(sockaddr.Addr[:], to.IP.To4())
	check(syscall.Connect(fd, sockaddr), "connect")
	return fd
}

// No two messages in a row are the same.
func exchange(fd, number int) {
	var sent, received [messageBytes]byte
	for i := range sent {
		sent[i] = byte(number + i)
	}
	n, err := syscall.Write(fd, sent[:])
	check(err, "write")
	expect(n == messageBytes, "tcp_latency: write")
	for n = 0; n < messageBytes; {
		some, err := syscall.Read(fd, received[n:])
		check(err, "read")
		expect(some > 0, "tcp_latency: read")
		n += some
	}
	expect(sent == received, "tcp_latency: echo")
}

// The first message, which waits for the connection to be accepted, does not count. Prints the
// nanoseconds of the others.
func drive(address string) {
	runtime.LockOSThread()
	trips, err := strconv.Atoi(os.Getenv(clientTrips))
	check(err, clientTrips)
	fd := connect(address)
	exchange(fd, 0)
	took := make([]time.Duration, 0, trips)
	start := time.Now()
	for last := start; len(took) < trips && last.Sub(start) < mostTime; {
		exchange(fd, len(took)+1)
		now := time.Now()
		took = append(took, now.Sub(last))
		last = now
	}
	check(syscall.Close(fd), "close")
	for _, t := range took {
		fmt.Println(t.Nanoseconds())
	}
}

// The load.

type pair struct {
	over  int32 // atomic
	ended chan int
	start time.Time
}

func startPair() *pair {
	p := &pair{ended: make(chan int), start: time.Now()}
	c := make(chan int)
	go func() {
		defer close(c)
		for i := 0; atomic.LoadInt32(&p.over) == 0; i++ {
			c <- i
		}
	}()
	go func() {
		all := receiveAll(c)
		expect(all.sum == sumBelow(all.count), "tcp_latency: load")
		p.ended <- all.count
	}()
	return p
}

func (p *pair) stop() {
	atomic.StoreInt32(&p.over, 1)
	n := <-p.ended
	expect(n > 0, "tcp_latency: no load")
	result("tcp_latency.load", time.Since(p.start), n)
}

// The server, of one connection.

func echo(listener net.Listener) {
	connection, err := listener.Accept()
	check(err, "accept")
	defer connection.Close()
	for buffer := make([]byte, 65536); ; {
		n, err := connection.Read(buffer)
		if err == io.EOF {
			return
		}
		check(err, "server's read")
		_, err = connection.Write(buffer[:n])
		check(err, "server's write")
	}
}

func serve(trips int) (took []int) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err, "listen")
	defer listener.Close()
	check(listener.SetDeadline(time.Now().Add(10*time.Second)), "deadline") // for one that failed
	var out strings.Builder
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), "GOMAXPROCS=1", clientAddress+"="+listener.Addr().String(),
		clientTrips+"="+strconv.Itoa(trips))
	client.Stdout, client.Stderr = &out, os.Stderr
	check(client.Start(), "client")
	echo(listener)
	check(client.Wait(), "client")
	for _, word := range strings.Fields(out.String()) {
		ns, err := strconv.Atoi(word)
		check(err, word)
		took = append(took, ns)
	}
	return took
}

func figures(name string, took []int) {
	sum, n := 0, len(took)
	for _, ns := range took {
		sum += ns
	}
	sort.Ints(took)
	figure(name, "us", float64(sum)/float64(n)/1e3)
	figure(name+".p50", "us", float64(took[n*500/1000])/1e3)
	figure(name+".p99", "us", float64(took[n*990/1000])/1e3)
	figure(name+".p99.9", "us", float64(took[n*999/1000])/1e3)
}

func tcpLatency(scale float64) {
	trips := scaled(10000, scale)
	figures("tcp_latency.idle", serve(trips))
	load := startPair()
	took := serve(trips)
	load.stop()
	figures("tcp_latency.loaded", took)
}
