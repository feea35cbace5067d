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
	outbox
	pending atomic.Int64 // Bytes of text frames that wait.
	ended   atomic.Bool  // Writing: it failed, or a close was the last frame.
}

// Write is called once for each frame that gws writes. gws ends the reader if writing fails, but
// what the client sent before it left is there to be read: so it hears of no failure but that of a
// client that does not read. A close comes behind what waits.
func (t *transport) Write(p []byte) (int, error) {
	const opcode, lastFrame = 0x0f, 0x80 | byte(gws.OpcodeCloseConnection)
	if gws.Opcode(p[0]&opcode) == gws.OpcodeText {
		defer t.pending.Add(-int64(len(p)))
	}
	t.Lock()
	defer t.Unlock()
	if p[0] == lastFrame {
		t.writeWaiting()
	}
	if t.ended.Load() {
		return len(p), nil
	}
	t.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := t.TCPConn.Write(p)
	t.ended.Store(err != nil || p[0] == lastFrame)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	return len(p), nil
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
