package main

import (
	"io"
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

// connection is one client. One goroutine reads; how what waits for it is written is up to the
// variant: see outbox.go and tuned.go.
type connection struct {
	conn   *websocket.Conn
	hub    *hub
	user   string
	rooms  map[string]*room // Only the reader looks here.
	outbox *outbox
	signs  atomic.Uint64 // Of life: frames.

	closed  atomic.Bool
	closing chan struct{} // Closed once the outbox has the farewell.
}

// serve leaves the connection to goroutines of its own, so that net/http's one ends, and what it
// keeps for a request with it.
func (h *handler) serve(conn *websocket.Conn, user string) {
	c := &connection{
		conn: conn, hub: h.hub, user: user, rooms: map[string]*room{},
		outbox:  h.upgrader.newOutbox(conn),
		closing: make(chan struct{}),
	}
	c.arrive()
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.reply(event{Type: "welcome", User: user})
	if !h.hub.add(c) {
		c.depart()
		conn.Close()
		return
	}
	go c.writePump(h.pingInterval)
	go c.read(h.idleTimeout)
}

func (c *connection) read(idleTimeout time.Duration) {
	defer c.hub.open.Done()
	defer c.conn.Close()
	c.readPump(idleTimeout)
	// Who hears that a user has left finds nobody by that name.
	c.hub.remove(c)
	c.depart()
	for name, room := range c.rooms {
		c.leave(room, c.news("user_left", name))
	}
	// A socket closed with unread input is reset, and the reset may overtake the close frame: so
	// read on until the client ends its side. The timer that close has started ends the wait.
	<-c.closing
	c.conn.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, c.conn.NetConn())
	// Who has ended only its own side still reads.
	<-c.outbox.done
}

// reply is for this client alone.
func (c *connection) reply(e event) { c.deliver(e.forOne()) }

// close asks both goroutines to end, and resets what is left of the connection closeTimeout
// later. Any goroutine may call it; the first reason counts.
func (c *connection) close(code int, reason string) {
	if !c.closed.CompareAndSwap(false, true) {
		return
	}
	c.finish(websocket.FormatCloseMessage(code, reason))
	c.conn.SetReadDeadline(time.Now()) // Wakes the reader.
	close(c.closing)
	time.AfterFunc(closeTimeout, func() {
		c.conn.NetConn().(interface{ SetLinger(int) error }).SetLinger(0)
		c.conn.Close()
	})
}

func (c *connection) readPump(idleTimeout time.Duration) {
	c.conn.SetReadLimit(messageBytesMax)
	idle := time.AfterFunc(idleTimeout, c.closeSilent)
	defer idle.Stop()
	defer c.contain()
	alive := func(string) error {
		c.signs.Add(1)
		idle.Reset(idleTimeout)
		return nil
	}
	c.conn.SetPongHandler(alive)
	// The library would write pongs and the answer to a close past what waits in the outbox, and
	// past its limit.
	c.conn.SetPingHandler(func(payload string) error {
		alive(payload)
		c.deliver(forOne(websocket.PongMessage, []byte(payload)))
		c.pace()
		return nil
	})
	c.conn.SetCloseHandler(func(code int, _ string) error {
		c.close(code, "")
		return nil
	})
	for !c.closed.Load() {
		kind, text, err := c.receive()
		if err != nil {
			// A close is answered already, or the library has sent one of its own, and sends no
			// second one. Or it met a length beyond all bounds, of which it says nothing, or the
			// network failed.
			c.close(websocket.CloseProtocolError, "")
			return
		}
		c.handle(kind, text)
		c.pace()
		alive("")
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
