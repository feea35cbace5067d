//go:build !tuned

package main

import (
	"log"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/gorilla/websocket"
)

type upgrader = websocket.Upgrader

// newUpgrader checks no origin: chat/1 leaves that to whatever stands in front.
func newUpgrader(variant string) *upgrader {
	if variant != "" && variant != "default" {
		log.Fatalf("CHAT_VARIANT is %q: this build is the default (see README.md)", variant)
	}
	return &upgrader{CheckOrigin: func(*http.Request) bool { return true }}
}

// frame writes a message that waits.
type frame func(*websocket.Conn) error

// forOne leaves the text to be framed when it is written: a prepared message costs the library a
// connection of its own, with its buffer.
func forOne(text []byte) frame {
	return func(conn *websocket.Conn) error { return conn.WriteMessage(websocket.TextMessage, text) }
}

// forAll has no error to return: a text frame of any size can be prepared.
func forAll(text []byte) frame {
	prepared, _ := websocket.NewPreparedMessage(websocket.TextMessage, text)
	return func(conn *websocket.Conn) error { return conn.WritePreparedMessage(prepared) }
}

// outbox is what waits for a client. One goroutine writes it.
type outbox struct {
	frames   chan frame
	sent     chan struct{} // Tells a reader that waits for the outbox.
	farewell []byte        // For when the connection's closing is closed.
}

func newOutbox(*websocket.Conn) *outbox {
	return &outbox{frames: make(chan frame, 256), sent: make(chan struct{}, 1)}
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(f frame) {
	select {
	case c.outbox.frames <- f:
	default:
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
}

// pace lets writers have a turn after each message, and waits while the own outbox is half full.
// Without it a client that sends without a pause would fill the outboxes of its whole room,
// though all of them read.
func (c *connection) pace() {
	runtime.Gosched()
	for len(c.outbox.frames) > cap(c.outbox.frames)/2 {
		select {
		case <-c.outbox.sent:
		case <-c.closing:
			return
		}
	}
}

func (c *connection) finish(farewell []byte) { c.outbox.farewell = farewell }

// writePump alone writes messages; the library sends pongs and its own closes between them.
func (c *connection) writePump(pingInterval time.Duration) {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
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
			c.conn.NetConn().(*net.TCPConn).CloseWrite()
			return
		}
	}
}

func (c *connection) send(f frame) {
	c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := f(c.conn); err != nil {
		c.close(websocket.CloseNoStatusReceived, "")
	}
	select {
	case c.outbox.sent <- struct{}{}:
	default:
	}
}
