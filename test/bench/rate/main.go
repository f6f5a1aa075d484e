// rate serve PORT: takes TCP connections, and ends each at once.
// rate connect ADDRESS PORT SECONDS: opens connections as fast as it can, a few at a time, and prints how many a second.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const atATime = 4

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

func serve(port int) {
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(err)
	must(syscall.SetsockoptInt(listener, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	must(syscall.Bind(listener, &syscall.SockaddrInet4{Port: port}))
	must(syscall.Listen(listener, 4096))
	var all sync.WaitGroup
	for i := 0; i < atATime; i++ {
		all.Add(1)
		go func() {
			for {
				if connection, _, err := syscall.Accept4(listener, 0); err == nil {
					syscall.Close(connection)
				}
			}
		}()
	}
	all.Wait()
}

// one opens a connection. It is reset, not closed: that leaves no port behind that has to wait.
func one(to *syscall.SockaddrInet4) error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	if err := syscall.SetsockoptLinger(socket, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}); err != nil {
		return err
	}
	return syscall.Connect(socket, to)
}

func connect(address string, port int, seconds float64) {
	to := &syscall.SockaddrInet4{Port: port}
	copy(to.Addr[:], net.ParseIP(address).To4())
	var count atomic.Int64
	begun := time.Now()
	end := begun.Add(time.Duration(seconds * float64(time.Second)))
	var all sync.WaitGroup
	for i := 0; i < atATime; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(end) {
				must(one(to))
				count.Add(1)
			}
		}()
	}
	all.Wait()
	fmt.Println(float64(count.Load()) / time.Since(begun).Seconds())
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(number(os.Args[2]))
	} else if len(os.Args) == 5 && os.Args[1] == "connect" {
		seconds, err := strconv.ParseFloat(os.Args[4], 64)
		must(err)
		connect(os.Args[2], number(os.Args[3]), seconds)
		return
	}
	fmt.Fprintln(os.Stderr, "rate serve PORT | rate connect ADDRESS PORT SECONDS")
	os.Exit(2)
}
