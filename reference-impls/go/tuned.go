//go:build tuned

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	pendingBytesMax = 1 << 20
	// frameBytes are what a frame that waits takes beside its own bytes: empty pongs count, too.
	frameBytes = 24
	// earlyBytes end the delay of the coalesced variant: so much fills a write of its own.
	earlyBytes = 32 << 10
	// yieldBytes in the own outbox make a reader yield: a few messages, as every other member may
	// add as many before a writer has its turn.
	yieldBytes = 4 << 10
)

// frame is a finished frame: nobody changes it, so everyone is sent the same bytes.
type frame []byte

func forAll(text []byte) frame { return forOne(websocket.TextMessage, text) }

// forOne puts the head of a frame (RFC 6455, 5.2; servers do not mask) before the payload.
func forOne(kind int, payload []byte) frame {
	const final, length16, length64 = 0x80, 126, 127
	f := make(frame, 0, 10+len(payload))
	f = append(f, final|byte(kind))
	switch size := len(payload); {
	case size < length16:
		f = append(f, byte(size))
	case size < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, length16), uint16(size))
	default:
		f = binary.BigEndian.AppendUint64(append(f, length64), uint64(size))
	}
	return append(f, payload...)
}

// outbox is what waits for a client, and the TCP connection as gorilla/websocket has it: closes,
// which the library writes of its own accord, wait their turn there, too. A goroutine that lives
// while something waits takes all of it and writes it at once (writev).
type outbox struct {
	*net.TCPConn
	delay time.Duration
	timer *time.Timer   // Where there is a delay.
	sent  chan struct{} // Tells a reader that waits for the outbox.
	done  chan struct{} // Closed once a close is written, or writing has failed.

	mutex   sync.Mutex
	serving bool         // Else it is the answer to the handshake that is written.
	waiting *net.Buffers // From batches, so that an idle connection has none.
	bytes   int          // Waiting, or being written, with frameBytes for each frame.
	sending bool         // A goroutine is at it, or a timer will start one.
	ended   bool         // A close is the last that waits, or writing has failed.
	ping    *time.Timer
}

// batches are lists of frames that wait, for those to whom something is sent just now.
var batches = sync.Pool{New: func() any { return new(net.Buffers) }}

// put is false if the outbox is full. What comes after a close is not sent: it would be ignored.
func (o *outbox) put(f frame) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.bytes+len(f)+frameBytes > pendingBytesMax {
		return false
	}
	if !o.ended {
		o.add(f)
	}
	return true
}

// add is called with the mutex held.
func (o *outbox) add(f frame) {
	if o.waiting == nil {
		o.waiting = batches.Get().(*net.Buffers)
	}
	*o.waiting = append(*o.waiting, f)
	o.bytes += len(f) + frameBytes
	switch {
	case !o.sending:
		o.sending = true
		o.startSending()
	case o.timer != nil && (o.ended || o.bytes > earlyBytes) && o.timer.Stop():
		o.timer.Reset(0)
	}
}

func (o *outbox) startSending() {
	switch {
	case o.delay == 0 || o.ended:
		go o.send()
	case o.timer == nil:
		o.timer = time.AfterFunc(o.delay, o.send)
	default:
		o.timer.Reset(o.delay)
	}
}

// send writes what waits until nothing does.
func (o *outbox) send() {
	for batch := o.take(); batch != nil; batch = o.take() {
		o.write(batch)
		select {
		case o.sent <- struct{}{}:
		default:
		}
	}
}

// take is nil if nothing waits: then the goroutine that asked ends.
func (o *outbox) take() *net.Buffers {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	batch := o.waiting
	o.waiting = nil
	if batch == nil {
		o.sending = false
		if o.ended {
			o.CloseWrite()
			close(o.done)
		}
	}
	return batch
}

// write gives the list back. The deadline is the one that counts: see SetWriteDeadline.
func (o *outbox) write(batch *net.Buffers) {
	o.TCPConn.SetWriteDeadline(time.Now().Add(writeTimeout))
	rest := *batch
	bytes, err := rest.WriteTo(o.TCPConn)
	bytes += int64(len(*batch) * frameBytes)
	clear(*batch)
	*batch = (*batch)[:0]
	batches.Put(batch)
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.bytes -= int(bytes)
	if err != nil {
		o.fail(err)
	}
}

// fail is called with the mutex held. A failure ends the writing alone: what the client sent before
// it left is there to be read. But nobody waits for one that does not read.
func (o *outbox) fail(err error) {
	o.ended, o.waiting, o.bytes = true, nil, 0
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.SetReadDeadline(time.Now()) // The reader closes the connection.
	}
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(f frame) {
	if !c.outbox.put(f) {
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
}

// pace lets writers have a turn once some frames wait in the own outbox, and waits while that is
// half full. Without it clients that send without a pause would fill the outboxes of their whole
// room, though all of them read. To yield after each message would make batches small.
func (c *connection) pace() {
	if c.outbox.holds(yieldBytes) {
		runtime.Gosched()
	}
	for c.outbox.holds(pendingBytesMax / 2) {
		select {
		case <-c.outbox.sent:
		case <-c.closing:
			return
		}
	}
}

func (o *outbox) holds(bytes int) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.bytes > bytes
}

// Write is what gorilla/websocket calls with a close, the library's own or the server's. It finds
// room in a full outbox, and the first is the last frame that is sent.
func (o *outbox) Write(bytes []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.serving {
		return o.TCPConn.Write(bytes)
	}
	if !o.ended {
		o.ended = true
		o.add(append(frame(nil), bytes...))
	}
	return len(bytes), nil
}

// SetWriteDeadline is what gorilla/websocket calls for each frame; the outbox has its own.
func (o *outbox) SetWriteDeadline(time.Time) error { return nil }

// upgrader puts an outbox between the upgraded connection and its socket.
type upgrader struct {
	websocket.Upgrader
	delay time.Duration
}

// newUpgrader follows gorilla's advice on buffers: no larger than what is usually received, and no
// write buffer of its own for a connection. The origin is not checked: chat/1 leaves that to
// whatever stands in front.
func newUpgrader(variant string) *upgrader {
	u := &upgrader{Upgrader: websocket.Upgrader{
		ReadBufferSize: 2_048, WriteBufferPool: &sync.Pool{},
		CheckOrigin: func(*http.Request) bool { return true },
	}}
	switch variant {
	case "coalesced":
		u.delay = milliseconds("CHAT_WRITE_DELAY_MS", 20, time.Minute)
	case "", "tuned":
	default:
		log.Fatalf("CHAT_VARIANT is %q: this build is tuned or coalesced (see README.md)", variant)
	}
	return u
}

func (u *upgrader) Upgrade(
	w http.ResponseWriter, r *http.Request, header http.Header,
) (*websocket.Conn, error) {
	return u.Upgrader.Upgrade(hijacker{w, u.delay}, r, header)
}

type hijacker struct {
	http.ResponseWriter
	delay time.Duration
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return newOutboxOf(conn.(*net.TCPConn), h.delay), buffers, nil
}

func newOutboxOf(conn *net.TCPConn, delay time.Duration) *outbox {
	sent, done := make(chan struct{}, 1), make(chan struct{})
	return &outbox{TCPConn: conn, delay: delay, sent: sent, done: done}
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
