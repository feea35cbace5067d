package main

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

const (
	messageBytesMax = 65_536
	// pendingBytesMax may wait in gws's queue, which has no limit of its own.
	pendingBytesMax = 1 << 20
	// readFirst is for what has come to be read before its sender is taken for silent.
	readFirst = 100 * time.Millisecond

	closeGoingAway      = 1001
	closeUnsupported    = 1003
	closeServiceRestart = 1012
	closeTryAgainLater  = 1013
)

// connection is one client. The goroutine that serves it reads; gws sends from its queue in a
// goroutine that lives while something waits there.
type connection struct {
	socket *gws.Conn
	*handler
	user  string
	rooms map[string]*room // Only the reader looks here.

	pending atomic.Int64
	closing atomic.Bool
	signs   atomic.Uint64 // Of life.

	idle, ping *time.Timer
}

func (h *handler) serve(socket *gws.Conn, user string) {
	c := &connection{socket: socket, handler: h, user: user, rooms: map[string]*room{}}
	socket.Session().Store("connection", c)
	c.idle = time.AfterFunc(h.idleTimeout, c.closeSilent)
	c.ping = time.AfterFunc(math.MaxInt64, c.sendPing)
	c.ping.Reset(h.pingInterval) // Not before sendPing can find it.
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.answer(event{Type: "welcome", User: user})
	if !h.hub.add(c) {
		return
	}
	// Deferred, because gws panics at a length beyond all bounds.
	defer c.leave()
	socket.ReadLoop()
}

func (c *connection) leave() {
	c.closing.Store(true) // So that no ping is sent any more.
	c.idle.Stop()
	c.ping.Stop()
	for _, room := range c.rooms {
		c.hub.leave(c, room)
	}
	c.hub.remove(c)
	c.hub.open.Done()
}

// answer sends a message to this client alone.
func (c *connection) answer(e event) { group{c: true}.publish(e) }

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(frame *gws.Broadcaster, bytes int64) {
	if c.pending.Add(bytes) > pendingBytesMax {
		c.close(closeTryAgainLater, "Slow consumer")
	} else if frame.Broadcast(c.socket) == nil {
		// Behind the frame in the same queue: gws does not tell when it is sent.
		c.socket.Async(func() { c.pending.Add(-bytes) })
	}
}

// pace waits until what waits is sent, once half of what may wait does. Without it a client that
// sends without a pause would be closed as slow, though it reads.
func (c *connection) pace() {
	if c.pending.Load() > pendingBytesMax/2 {
		sent := make(chan struct{})
		c.socket.Async(func() { close(sent) })
		<-sent
	}
}

// close sends a close behind all that waits, and resets what is left of the connection
// closeTimeout later. Any goroutine may call it; the first reason counts.
func (c *connection) close(code uint16, reason string) {
	if c.closing.Swap(true) {
		return
	}
	time.AfterFunc(closeTimeout, c.socket.NetConn().(*transport).reset)
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
		c.pace()
	}
}
