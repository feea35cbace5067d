//go:build tuned

package main

import (
	"net"
	"syscall"
	"unsafe"
)

// piecesMax is how many pieces the system takes at once (IOV_MAX).
const piecesMax = 1024

// attempt writes pieces to a socket by one writev, as net.Buffers does, but never waits: what does
// not fit into the socket stays. For that net offers the descriptor itself (syscall.RawConn).
type attempt struct {
	pieces  net.Buffers // Its memory is used again.
	vectors []syscall.Iovec
	written int
	err     error
	call    func(fd uintptr) bool // Made once: it would be an allocation for each write.
}

func newAttempt() *attempt {
	a := &attempt{}
	a.call = a.writev
	return a
}

// write is what is left, as the socket took no more: a full one is no error.
func (a *attempt) write(raw syscall.RawConn, pieces net.Buffers) (net.Buffers, error) {
	a.pieces, a.written, a.err = pieces, 0, nil
	err := raw.Write(a.call)
	if err == nil {
		err = a.err
	}
	return rest(pieces, a.written), err
}

// writev is always done, as RawConn would wait otherwise. The runtime is not told of the call, as
// the socket never makes it wait: the runtime would take the thread's share of the processor for
// free (a P), and hand it on while the call is at work.
func (a *attempt) writev(fd uintptr) bool {
	a.vectors = a.vectors[:0]
	for _, piece := range a.pieces[:min(len(a.pieces), piecesMax)] {
		vector := syscall.Iovec{Base: unsafe.SliceData(piece)}
		vector.SetLen(len(piece))
		a.vectors = append(a.vectors, vector)
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(a.vectors))), uintptr(len(a.vectors)))
		switch errno {
		case 0:
			a.written = int(n)
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			a.err = errno
		}
		break
	}
	clear(a.vectors) // No log is kept for them.
	return true
}

// rest is what remains of pieces once so many bytes of them are written.
func rest(pieces net.Buffers, written int) net.Buffers {
	for len(pieces) > 0 && written >= len(pieces[0]) {
		written -= len(pieces[0])
		pieces = pieces[1:]
	}
	if written > 0 {
		pieces[0] = pieces[0][written:]
	}
	return pieces
}
