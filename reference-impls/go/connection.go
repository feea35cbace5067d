package main

import (
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	messageBytesMax = 65_536
	writeTimeout    = 10 * time.Second
	// closeTimeout is for a close frame to leave and for the client to end its side.
	closeTimeout = 2 * time.Second
	// readFirst is for what has come to be read before its sender is taken for silent.
	readFirst = 100 * time.Millisecond
)

// connection is one client. The goroutine that serves it reads; a second one writes.
type connection struct {
	conn   *websocket.Conn
	hub    *hub
	user   string
	rooms  map[string]*room // Only the reader looks here.
	outbox chan *websocket.PreparedMessage
	sent   chan struct{} // Tells a reader that waits for the outbox.
	signs  atomic.Uint64 // Of life: frames.

	closed   atomic.Bool
	farewell []byte
	closing  chan struct{} // Closed once the farewell is set.
}

func (h *handler) serve(conn *websocket.Conn, user string) {
	defer conn.Close()
	c := &connection{
		conn: conn, hub: h.hub, user: user, rooms: map[string]*room{},
		outbox:  h.variant.newOutbox(conn),
		sent:    make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.deliver(event{Type: "welcome", User: user}.encode())
	if !h.hub.add(c) {
		return
	}
	defer h.hub.open.Done()
	go c.writePump(h.pingInterval)
	c.readPump(h.idleTimeout)
	for _, room := range c.rooms {
		h.hub.leave(c, room)
	}
	h.hub.remove(c)
	// A socket closed with unread input is reset, and the reset may overtake the close frame: so
	// read on until the client ends its side. The timer that close has started ends the wait.
	<-c.closing
	conn.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, conn.NetConn())
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(frame *websocket.PreparedMessage) {
	select {
	case c.outbox <- frame:
	default:
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
}

// close asks both goroutines to end, and resets what is left of the connection closeTimeout
// later. Any goroutine may call it; the first reason counts.
func (c *connection) close(code int, reason string) {
	if !c.closed.CompareAndSwap(false, true) {
		return
	}
	c.farewell = websocket.FormatCloseMessage(code, reason)
	c.conn.SetReadDeadline(time.Now()) // Wakes the reader.
	close(c.closing)
	time.AfterFunc(closeTimeout, func() {
		c.conn.NetConn().(tcp).SetLinger(0)
		c.conn.Close()
	})
}

func (c *connection) readPump(idleTimeout time.Duration) {
	c.conn.SetReadLimit(messageBytesMax)
	idle := time.AfterFunc(idleTimeout, c.closeSilent)
	defer idle.Stop()
	alive := func() {
		c.signs.Add(1)
		idle.Reset(idleTimeout)
	}
	c.conn.SetPongHandler(func(string) error {
		alive()
		return nil
	})
	answerPing := c.conn.PingHandler()
	c.conn.SetPingHandler(func(payload string) error {
		alive()
		return answerPing(payload)
	})
	for !c.closed.Load() {
		kind, text, err := c.conn.ReadMessage()
		if err != nil {
			// The library has sent a close of its own or in answer, and sends no second one. Or it
			// met a length beyond all bounds, of which it says nothing, or the network failed.
			c.close(websocket.CloseProtocolError, "")
			return
		}
		c.handle(kind, text)
		c.pace()
		alive()
	}
}

// closeSilent runs when the idle timeout is over. A process that stood still may hear of that
// before it hears of its sockets, so the client has a moment more. A read deadline could not give
// it: the library remembers that a read has failed.
func (c *connection) closeSilent() {
	signs := c.signs.Load()
	time.AfterFunc(readFirst, func() {
		if c.signs.Load() == signs {
			c.close(websocket.CloseGoingAway, "Heartbeat timeout")
		}
	})
}

// pace lets writers have a turn after each message, and waits while the own outbox is half full.
// Without it a client that sends without a pause would fill the outboxes of its whole room,
// though all of them read.
func (c *connection) pace() {
	runtime.Gosched()
	for len(c.outbox) > cap(c.outbox)/2 {
		select {
		case <-c.sent:
		case <-c.closing:
			return
		}
	}
}

// writePump alone writes messages; the library sends pongs and its own closes between them.
func (c *connection) writePump(pingInterval time.Duration) {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case frame := <-c.outbox:
			c.send(frame)
		case <-ping.C:
			c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		case <-c.closing:
			for len(c.outbox) > 0 {
				c.send(<-c.outbox)
			}
			c.conn.WriteControl(websocket.CloseMessage, c.farewell, time.Now().Add(writeTimeout))
			c.conn.NetConn().(tcp).CloseWrite()
			return
		}
	}
}

func (c *connection) send(frame *websocket.PreparedMessage) {
	c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := c.conn.WritePreparedMessage(frame); err != nil {
		c.close(websocket.CloseNoStatusReceived, "")
	}
	select {
	case c.sent <- struct{}{}:
	default:
	}
}
