package main

import (
	"io"
	"net"
	"time"
)

const (
	writeTimeout = 10 * time.Second
	// closeTimeout is for a close frame to leave and for the client to end its side.
	closeTimeout = 2 * time.Second
)

// transport is the TCP connection as gws has it. gws closes it as soon as its close frame is
// written: a socket closed with unread input is reset, and the reset may overtake the frame.
type transport struct{ *net.TCPConn }

func (t *transport) Write(p []byte) (int, error) {
	t.SetWriteDeadline(time.Now().Add(writeTimeout))
	return t.TCPConn.Write(p)
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
