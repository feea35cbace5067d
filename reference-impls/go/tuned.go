//go:build tuned

package main

import (
	"bufio"
	"encoding/binary"
	"log"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// earlyBytes of a room end the delay of the coalesced variant: so much fills a write of its own.
	earlyBytes = 128 << 10
	// yieldBytes that wait for a reader's own client make it yield: others are to be read, too.
	yieldBytes = 64 << 10
	// headBytesMax is the longest head of a frame that is not masked (RFC 6455, 5.2).
	headBytesMax = 10
)

// frame is a finished frame: nobody changes it, so everyone is sent the same bytes.
type frame []byte

func forAll(text []byte) frame { return forOne(websocket.TextMessage, text) }

func forOne(kind int, payload []byte) frame {
	return withHead(kind, append(make([]byte, headBytesMax, headBytesMax+len(payload)), payload...))
}

// withHead puts the head of a frame (servers do not mask) right before the payload, which begins at
// headBytesMax.
func withHead(kind int, bytes []byte) frame {
	const final, length16, length64 = 0x80, 126, 127
	head := append(make([]byte, 0, headBytesMax), final|byte(kind))
	switch size := len(bytes) - headBytesMax; {
	case size < length16:
		head = append(head, byte(size))
	case size < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, length16), uint16(size))
	default:
		head = binary.BigEndian.AppendUint64(append(head, length64), uint64(size))
	}
	f := bytes[headBytesMax-len(head):]
	copy(f, head)
	return f
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(f frame) {
	fits, toLine := c.outbox.put(f)
	if !fits {
		c.tooSlow()
	} else if toLine {
		c.outbox.writer.enqueue(entry{client: c})
	}
}

func (c *connection) tooSlow() { c.close(websocket.CloseTryAgainLater, "Slow consumer") }

// pace lets others have a turn once much waits for the own client, and waits while its outbox is
// half full. Who sends is a member of the room, so this bounds what comes between two turns, too.
func (c *connection) pace() {
	if !c.outbox.holds(yieldBytes) {
		return
	}
	runtime.Gosched()
	for c.outbox.holds(pendingBytesMax / 2) {
		c.outbox.writer.hurry()
		select {
		case <-c.outbox.sent:
		case <-c.closing:
			return
		}
	}
}

// upgrader puts an outbox between the upgraded connection and its socket.
type upgrader struct {
	websocket.Upgrader
	writers  []*writer // They take turns in getting clients.
	upgraded atomic.Uint64
}

// newUpgrader follows gorilla's advice on buffers: no larger than what is usually received, and no
// write buffer of its own for a connection. The origin is not checked: chat/1 leaves that to
// whatever stands in front.
func newUpgrader(variant string) *upgrader {
	u := &upgrader{Upgrader: websocket.Upgrader{
		ReadBufferSize: 2_048, WriteBufferPool: &sync.Pool{},
		CheckOrigin: func(*http.Request) bool { return true },
	}}
	var delay time.Duration
	switch variant {
	case "coalesced":
		delay = milliseconds("CHAT_WRITE_DELAY_MS", 20, time.Minute)
	case "", "tuned":
	default:
		log.Fatalf("CHAT_VARIANT is %q: this build is tuned or coalesced (see README.md)", variant)
	}
	u.writers = newWriters(runtime.GOMAXPROCS(0), delay)
	return u
}

func (u *upgrader) Upgrade(
	w http.ResponseWriter, r *http.Request, header http.Header,
) (*websocket.Conn, error) {
	next := u.writers[u.upgraded.Add(1)%uint64(len(u.writers))]
	return u.Upgrader.Upgrade(hijacker{w, next}, r, header)
}

type hijacker struct {
	http.ResponseWriter
	writer *writer
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return newOutboxOf(conn.(*net.TCPConn), h.writer), buffers, nil
}

func (*upgrader) newOutbox(conn *websocket.Conn) *outbox {
	o := conn.NetConn().(*outbox)
	o.serving = true
	return o
}

// finish has the library put a close behind what waits, unless it has put one there itself.
func (c *connection) finish(farewell []byte) {
	c.conn.WriteControl(websocket.CloseMessage, farewell, time.Now().Add(writeTimeout))
	c.outbox.mutex.Lock()
	defer c.outbox.mutex.Unlock()
	if c.outbox.ping != nil {
		c.outbox.ping.Stop()
	}
}

// contain makes a panic in a handler cost its own connection alone.
func (c *connection) contain() {
	if defect := recover(); defect != nil {
		log.Printf("a handler panicked: %v\n%s", defect, debug.Stack())
		c.close(websocket.CloseInternalServerErr, "Internal error")
	}
}

// writePump has only to ping: a delivery starts a goroutine that writes, where none is at it.
func (c *connection) writePump(pingInterval time.Duration) {
	o := c.outbox
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.ping = time.AfterFunc(pingInterval, func() {
		c.deliver(forOne(websocket.PingMessage, nil))
		if !c.closed.Load() {
			o.ping.Reset(pingInterval)
		}
	})
}
