package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// closeTimeout is for a close frame to leave, and again for the client to end its side.
const closeTimeout = time.Second

// hijacker hands the library a transport for the TCP connection. The library refuses a client
// whose first frames came together with the upgrade request, because net/http has read them
// ahead: so they go back in front of the connection, and the library finds an empty buffer.
type hijacker struct {
	http.ResponseWriter
	idleTimeout time.Duration
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early := make([]byte, buffers.Reader.Buffered())
	if _, err := io.ReadFull(buffers.Reader, early); err != nil {
		return nil, nil, err
	}
	t := &transport{TCPConn: conn.(*net.TCPConn), early: early, idleTimeout: h.idleTimeout}
	buffers.Reader.Reset(t)
	return t, buffers, nil
}

// transport is a TCP connection that times out when the client is silent.
type transport struct {
	*net.TCPConn
	early       []byte
	idleTimeout time.Duration
	ended       atomic.Bool
}

// Read looks at ended after it has set the deadline, while endReading acts in the reverse order:
// so one of them always ends the reader.
func (t *transport) Read(p []byte) (int, error) {
	if n := copy(p, t.early); n > 0 {
		t.early = t.early[n:]
		return n, nil
	}
	if err := t.SetReadDeadline(time.Now().Add(t.idleTimeout)); err != nil {
		return 0, err
	}
	if t.ended.Load() {
		return 0, net.ErrClosed
	}
	return t.TCPConn.Read(p)
}

func (t *transport) endReading() {
	t.ended.Store(true)
	t.SetReadDeadline(time.Now())
}

// linger waits for the client to end its side. To close a socket with unread input resets it,
// and the reset may overtake the close frame.
func (t *transport) linger() {
	t.CloseWrite()
	t.SetReadDeadline(time.Now().Add(closeTimeout))
	io.Copy(io.Discard, t.TCPConn)
}
