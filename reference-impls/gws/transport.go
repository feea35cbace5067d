package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

const (
	writeTimeout = 10 * time.Second
	// closeTimeout is for a close frame to leave and for the client to end its side.
	closeTimeout = 2 * time.Second
)

// transport is the TCP connection as gws has it. gws closes it as soon as its close frame is
// written: a socket closed with unread input is reset, and the reset may overtake the frame.
type transport struct {
	*net.TCPConn
	pending atomic.Int64 // Bytes of text frames in gws's queue.
	failed  atomic.Bool  // To write.
}

// Write is called once for each frame. gws ends the reader if writing fails, but what the client
// sent before it left is there to be read: so it hears of no failure but that of a client that does
// not read.
func (t *transport) Write(p []byte) (int, error) {
	const opcode = 0x0f
	if gws.Opcode(p[0]&opcode) == gws.OpcodeText {
		defer t.pending.Add(-int64(len(p)))
	}
	if t.failed.Load() {
		return len(p), nil
	}
	t.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := t.TCPConn.Write(p)
	t.failed.Store(err != nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	return len(p), nil
}

// frameBytes is how many bytes a frame with so many of text has (RFC 6455, 5.2).
func frameBytes(text int) int64 {
	const head, length16, length64 = 2, 2, 8
	switch {
	case text < 126:
		return int64(head + text)
	case text < 1<<16:
		return int64(head + length16 + text)
	default:
		return int64(head + length64 + text)
	}
}

// Close ends this direction and the reader's work: its goroutine calls end.
func (t *transport) Close() error {
	err := t.CloseWrite()
	t.SetReadDeadline(time.Now())
	return err
}

// end reads on until the client has ended its direction, too, or has had the time to.
func (t *transport) end() {
	t.Close()
	t.SetReadDeadline(time.Now().Add(closeTimeout))
	if _, err := io.Copy(io.Discard, t.TCPConn); err != nil {
		t.reset()
	}
	t.TCPConn.Close()
}

func (t *transport) reset() {
	t.SetLinger(0)
	t.TCPConn.Close()
}
