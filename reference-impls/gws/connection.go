package main

import (
	"log"
	"math"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

const (
	messageBytesMax = 65_536
	// pendingBytesMax may wait for a client: gws's queue has no limit of its own.
	pendingBytesMax = 1 << 20
	// readFirst is for what has come to be read before its sender is taken for silent.
	readFirst = 100 * time.Millisecond

	closeGoingAway      = 1001
	closeUnsupported    = 1003
	closeServiceRestart = 1012
	closeTryAgainLater  = 1013
)

// connection is one client. A goroutine of its own reads; gws sends from its queue in a second one
// that lives while something waits there.
type connection struct {
	socket    *gws.Conn
	transport *transport
	*handler
	user  string
	rooms map[string]*room // Only the reader looks here.

	closing atomic.Bool
	signs   atomic.Uint64 // Of life.

	idle, ping *time.Timer
}

// serve leaves the connection to its goroutine, so that net/http's one ends, and what it keeps for
// a request with it.
func (h *handler) serve(socket *gws.Conn, t *transport, user string) {
	c := &connection{
		socket: socket, transport: t, handler: h, user: user, rooms: map[string]*room{},
	}
	socket.Session().Store("connection", c)
	c.idle = time.AfterFunc(h.idleTimeout, c.closeSilent)
	c.ping = time.AfterFunc(math.MaxInt64, c.sendPing)
	c.ping.Reset(h.pingInterval) // Not before sendPing can find it.
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.answer(event{Type: "welcome", User: user})
	if !h.hub.add(c) {
		c.stopTimers()
		t.end()
		return
	}
	go c.read()
}

// read recovers, because gws panics at a length beyond all bounds.
func (c *connection) read() {
	defer c.hub.open.Done()
	defer c.transport.end()
	defer c.leave()
	defer func() {
		if fault := recover(); fault != nil {
			log.Print("a connection ends: ", fault)
		}
	}()
	c.socket.ReadLoop()
}

func (c *connection) leave() {
	c.stopTimers()
	for _, room := range c.rooms {
		c.hub.leave(c, room)
	}
	c.hub.remove(c)
}

func (c *connection) stopTimers() {
	c.closing.Store(true) // So that no ping is sent any more.
	c.idle.Stop()
	c.ping.Stop()
}

// answer sends a message to this client alone.
func (c *connection) answer(e event) { group{c: true}.publish(e) }

// deliver never waits: who can't keep up is closed, so that nobody else has to. The transport
// counts the bytes out again: gws does not tell when a broadcast is sent.
func (c *connection) deliver(f frame) {
	if c.transport.pending.Add(f.bytes) > pendingBytesMax {
		c.close(closeTryAgainLater, "Slow consumer")
	} else {
		c.send(f)
	}
}

// drain waits until what waits is sent, a close included.
func (c *connection) drain() {
	sent := make(chan struct{})
	c.socket.Async(func() { close(sent) })
	<-sent
}

// close sends a close behind all that waits, and resets what is left of the connection
// closeTimeout later. Any goroutine may call it; the first reason counts.
func (c *connection) close(code uint16, reason string) {
	if c.closing.Swap(true) {
		return
	}
	time.AfterFunc(closeTimeout, c.transport.reset)
	c.socket.Async(func() { c.socket.WriteClose(code, []byte(reason)) })
}

// closeSilent runs when the idle timeout is over. A process that stood still may hear of that
// before it hears of its sockets, so the client has a moment more.
func (c *connection) closeSilent() {
	signs := c.signs.Load()
	time.AfterFunc(readFirst, func() {
		if c.signs.Load() == signs {
			c.close(closeGoingAway, "Heartbeat timeout")
		}
	})
}

func (c *connection) sendPing() {
	if !c.closing.Load() {
		c.socket.Async(func() { c.socket.WritePing(nil) })
		c.ping.Reset(c.pingInterval)
	}
}

// events are gws's callbacks, in the goroutine that serves the connection.
type events struct{ gws.BuiltinEventHandler }

// alive takes note of a sign of life. gws tells of no fragment before the last.
func alive(socket *gws.Conn) *connection {
	value, _ := socket.Session().Load("connection")
	c := value.(*connection)
	c.signs.Add(1)
	c.idle.Reset(c.idleTimeout)
	return c
}

func (events) OnPing(socket *gws.Conn, payload []byte) {
	alive(socket)
	socket.WritePong(payload)
}

func (events) OnPong(socket *gws.Conn, payload []byte) { alive(socket) }

func (events) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := alive(socket)
	if !c.closing.Load() {
		c.handle(message.Opcode, message.Bytes())
	}
	c.pace()
}
