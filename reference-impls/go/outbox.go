//go:build !tuned

package main

import (
	"errors"
	"log"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const outboxMessagesMax = 1 << 16

// upgrader is the library's, and how long the outboxes are of those that it upgrades.
type upgrader struct {
	websocket.Upgrader
	messagesMax int
}

// newUpgrader checks no origin: chat/1 leaves that to whatever stands in front.
func newUpgrader(variant string) *upgrader {
	if variant != "" && !slices.Contains(built, variant) {
		known := strings.Join(built, " or ")
		log.Fatalf("CHAT_VARIANT is %q: this build is %s (see README.md)", variant, known)
	}
	return &upgrader{
		Upgrader:    websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }},
		messagesMax: setting("CHAT_OUTBOX", 256, outboxMessagesMax),
	}
}

// frame writes a message that waits.
type frame func(*websocket.Conn) error

// forOne leaves the payload to be framed when it is written: a prepared message costs the library a
// connection of its own, with its buffer.
func forOne(kind int, payload []byte) frame {
	return func(conn *websocket.Conn) error { return conn.WriteMessage(kind, payload) }
}

// forAll has no error to return: a text frame of any size can be prepared.
func forAll(text []byte) frame {
	prepared, _ := websocket.NewPreparedMessage(websocket.TextMessage, text)
	return func(conn *websocket.Conn) error { return conn.WritePreparedMessage(prepared) }
}

func (e event) forOne() frame     { return forOne(websocket.TextMessage, e.encode()) }
func (e event) publishTo(r *room) { r.publish(forAll(e.encode())) }

// outbox is what waits for a client. One goroutine writes it.
type outbox struct {
	frames   chan frame
	mark     chan struct{} // Of a reader that waits until what came before is written.
	farewell []byte        // For when the connection's closing is closed.
	done     chan struct{} // Closed once the farewell is written.
}

func (u *upgrader) newOutbox(*websocket.Conn) *outbox {
	return &outbox{frames: make(chan frame, u.messagesMax), done: make(chan struct{})}
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(f frame) {
	select {
	case c.outbox.frames <- f:
	default:
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
}

// pace lets writers have a turn after each message, and waits until what is in the own outbox is
// written. Without the first a client that sends without a pause would fill the outboxes of its
// whole room, though all of them read; without the second the close that the library writes for a
// faulty frame would overtake the answers to what came before.
func (c *connection) pace() {
	runtime.Gosched()
	written := make(chan struct{})
	mark := func(*websocket.Conn) error { c.outbox.mark = written; return nil }
	select {
	case c.outbox.frames <- mark:
	case <-c.closing:
		return
	}
	select {
	case <-written:
	case <-c.closing:
	}
}

// contain leaves a panic in a handler to the runtime, which ends the program.
func (c *connection) contain() {}

func (c *connection) finish(farewell []byte) { c.outbox.farewell = farewell }

// writePump alone writes; but the library itself sends the close for a faulty frame.
func (c *connection) writePump(pingInterval time.Duration) {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	defer close(c.outbox.done)
	for {
		select {
		case f := <-c.outbox.frames:
			c.send(f)
		case <-ping.C:
			c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		case <-c.closing:
			for len(c.outbox.frames) > 0 {
				c.send(<-c.outbox.frames)
			}
			deadline := time.Now().Add(writeTimeout)
			c.conn.WriteControl(websocket.CloseMessage, c.outbox.farewell, deadline)
			c.conn.NetConn().(interface{ CloseWrite() error }).CloseWrite()
			return
		}
	}
}

// send closes the connection of a client that does not read. Any other failure ends the writing
// alone, as the library remembers it: what the client sent before it left is there to be read.
func (c *connection) send(f frame) {
	c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	var failure net.Error
	if errors.As(c.write(f), &failure) && failure.Timeout() {
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
	if c.outbox.mark != nil {
		close(c.outbox.mark)
		c.outbox.mark = nil
	}
}
