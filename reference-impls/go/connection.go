package main

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	messageBytesMax = 65_536
	outboxMessages  = 256
	writeTimeout    = 10 * time.Second
	// noFarewell ends a connection without a close frame of ours.
	noFarewell = 0
)

// connection is one client. The goroutine that serves it reads; a second one writes.
type connection struct {
	conn      *websocket.Conn
	transport *transport
	hub       *hub
	user      string
	rooms     map[string]*room // Only the reader looks here.
	outbox    chan *websocket.PreparedMessage
	sent      chan struct{} // Tells a reader that waits for the outbox.

	closeOnce     sync.Once
	closeCode     int
	closeReason   string
	closing       chan struct{} // Closed once the two above are set.
	writePumpDone chan struct{}
}

func newConnection(conn *websocket.Conn, h *hub, user string) *connection {
	return &connection{
		conn: conn, transport: conn.NetConn().(*transport), hub: h, user: user,
		rooms:         map[string]*room{},
		outbox:        make(chan *websocket.PreparedMessage, outboxMessages),
		sent:          make(chan struct{}, 1),
		closing:       make(chan struct{}),
		writePumpDone: make(chan struct{}),
	}
}

func (c *connection) serve(pingInterval time.Duration) {
	defer c.conn.Close()
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.deliver(event{Type: "welcome", User: c.user}.encode())
	if !c.hub.add(c) {
		return
	}
	defer c.hub.open.Done()
	go c.writePump(pingInterval)
	c.readPump()
	for _, room := range c.rooms {
		c.hub.leave(c, room)
	}
	c.hub.remove(c)
	select {
	case <-c.writePumpDone:
		c.transport.linger()
	case <-time.After(closeTimeout):
		c.transport.SetLinger(0) // The writer is stuck: a reset frees what the client won't read.
	}
}

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(frame *websocket.PreparedMessage) {
	select {
	case c.outbox <- frame:
	default:
		c.close(websocket.CloseTryAgainLater, "Slow consumer")
	}
}

// close asks both goroutines to end. Any goroutine may call it; the first reason counts.
func (c *connection) close(code int, reason string) {
	c.closeOnce.Do(func() {
		c.closeCode, c.closeReason = code, reason
		close(c.closing)
		c.transport.endReading()
	})
}

func (c *connection) readPump() {
	c.conn.SetReadLimit(messageBytesMax)
	// The writer answers a close, after what is still in the outbox.
	c.conn.SetCloseHandler(func(int, string) error { return nil })
	for !c.transport.ended.Load() {
		kind, text, err := c.conn.ReadMessage()
		if err != nil {
			c.closeAfter(err)
			return
		}
		c.handle(kind, text)
		c.pace()
	}
}

// pace lets writers have a turn after each message, and waits while the own outbox is half full.
// Without it a client that sends without a pause would fill the outboxes of its whole room,
// though all of them read.
func (c *connection) pace() {
	runtime.Gosched()
	for len(c.outbox) > outboxMessages/2 {
		select {
		case <-c.sent:
		case <-c.closing:
			return
		}
	}
}

func (c *connection) closeAfter(err error) {
	var closed *websocket.CloseError
	var failed net.Error
	switch {
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		c.close(closed.Code, "")
	case errors.As(err, &failed) && failed.Timeout():
		c.close(websocket.CloseGoingAway, "Heartbeat timeout")
	default:
		// The network failed, or the library has sent a close of its own: 1002 or 1009.
		c.close(noFarewell, "")
	}
}

// writePump alone writes messages; the library sends pongs and its own closes between them.
func (c *connection) writePump(pingInterval time.Duration) {
	defer close(c.writePumpDone)
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		var err error
		select {
		case frame := <-c.outbox:
			err = c.send(frame, writeTimeout)
		case <-ping.C:
			err = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		case <-c.closing:
			c.sendFarewell()
			return
		}
		if err != nil {
			c.close(noFarewell, "")
			return
		}
	}
}

func (c *connection) send(frame *websocket.PreparedMessage, timeout time.Duration) error {
	c.conn.SetWriteDeadline(time.Now().Add(timeout))
	err := c.conn.WritePreparedMessage(frame)
	select {
	case c.sent <- struct{}{}:
	default:
	}
	return err
}

// sendFarewell sends what was delivered before the close, unless that is just too much.
func (c *connection) sendFarewell() {
	if c.closeCode != websocket.CloseTryAgainLater {
		for waiting := len(c.outbox); waiting > 0; waiting-- {
			if c.send(<-c.outbox, closeTimeout) != nil {
				return
			}
		}
	}
	if c.closeCode != noFarewell {
		text := websocket.FormatCloseMessage(c.closeCode, c.closeReason)
		c.conn.WriteControl(websocket.CloseMessage, text, time.Now().Add(closeTimeout))
	}
}
