//go:build batched

package main

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// batchBytes end a batch: what waits for a client when its writer wakes is one write up to there.
const batchBytes = 64 << 10

func init() { built = []string{"batched"} }

// batcher is a socket that can hold back what is written to it. The library writes to it from two
// goroutines: the writer's messages, and a reader's close for a faulty frame. What it embeds is an
// interface: net.Buffers would find a TCPConn's own writev and go past Write.
type batcher struct {
	net.Conn
	mutex  sync.Mutex
	held   *bytes.Buffer // Frames that one write will take. Nil: what is written leaves at once.
	failed error         // A part of a frame may have left: nothing can follow it.
}

// batches are buffers for those to whom something is written just now: an idle client has none.
var batches = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (b *batcher) Write(frame []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.failed != nil:
		return 0, b.failed
	case b.held != nil:
		return b.held.Write(frame)
	default:
		return b.Conn.Write(frame)
	}
}

// SetWriteDeadline is what the library calls for each frame. Frames that are held have one
// deadline, that of their write, and a close that waits for it does not bring it forward.
func (b *batcher) SetWriteDeadline(deadline time.Time) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.held != nil {
		return nil
	}
	return b.Conn.SetWriteDeadline(deadline)
}

func (b *batcher) CloseWrite() error           { return b.Conn.(*net.TCPConn).CloseWrite() }
func (b *batcher) SetLinger(seconds int) error { return b.Conn.(*net.TCPConn).SetLinger(seconds) }

func (b *batcher) hold() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.held = batches.Get().(*bytes.Buffer)
}

func (b *batcher) isFull() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.held.Len() >= batchBytes
}

// release writes what is held. The mutex is held meanwhile, so that no close overtakes it.
func (b *batcher) release() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	held := b.held
	b.held = nil
	if held.Len() > 0 {
		b.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, b.failed = b.Conn.Write(held.Bytes())
	}
	held.Reset()
	batches.Put(held)
	return b.failed
}

// write takes a message and what waits behind it, until that is enough for a write.
func (c *connection) write(f frame) error {
	b := c.conn.NetConn().(*batcher)
	b.hold()
	err := f(c.conn)
	for err == nil && len(c.outbox.frames) > 0 && !b.isFull() {
		err = (<-c.outbox.frames)(c.conn)
	}
	if failed := b.release(); failed != nil {
		return failed
	}
	return err
}

func (u *upgrader) Upgrade(
	w http.ResponseWriter, r *http.Request, header http.Header,
) (*websocket.Conn, error) {
	return u.Upgrader.Upgrade(hijacker{w}, r, header)
}

// hijacker puts a batcher between the upgraded connection and its socket.
type hijacker struct{ http.ResponseWriter }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &batcher{Conn: conn}, buffers, nil
}
