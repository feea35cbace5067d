//go:build tuned

package main

import (
	"log"
	"os"
	"runtime"
	"syscall"
)

// yielder lets all readers run first whose sockets have something by now. runtime.Gosched does not:
// the runtime asks the system for such sockets when nobody else can run, or after 10 ms, and who
// has only yielded can run. So this waits as readers do, for a byte of its own in a pipe. Of all
// that the system tells of at once, the runtime may have it run first: then it yields.
type yielder struct {
	far  *os.File
	near syscall.RawConn
	sent bool
	call func(fd uintptr) bool // Made once: it would be an allocation each time.
	byte [1]byte
}

func newYielder() *yielder {
	near, far, err := os.Pipe()
	if err != nil {
		log.Fatalf("a pipe can't be made: %v", err)
	}
	y := &yielder{far: far}
	y.near, _ = near.SyscallConn() // It fails for none.
	y.call = y.pass
	return y
}

func (y *yielder) yield() {
	y.sent = false
	y.near.Read(y.call)
	runtime.Gosched()
}

// pass is false the first time: RawConn then waits until there is something to read.
func (y *yielder) pass(fd uintptr) bool {
	if !y.sent {
		y.sent = true
		y.far.Write(y.byte[:])
		return false
	}
	syscall.Read(int(fd), y.byte[:])
	return true
}
