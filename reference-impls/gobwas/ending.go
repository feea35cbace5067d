package main

import (
	"io"
	"time"

	"github.com/gobwas/ws"
)

const (
	// closeTimeout is for a close frame to leave and for the client to end its side.
	closeTimeout = 2 * time.Second
	// readFirst is for what has come to be read before its sender is taken for silent.
	readFirst = 100 * time.Millisecond

	closeServiceRestart = ws.StatusCode(1012)
	closeTryAgainLater  = ws.StatusCode(1013)
)

// close sends a close behind all that waits, and resets what is left of the connection
// closeTimeout later. Any goroutine may call it; the first reason counts.
func (c *connection) close(code ws.StatusCode, reason string) {
	if !c.closed.CompareAndSwap(false, true) {
		return
	}
	c.putLast(ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason))))
	c.SetReadDeadline(time.Now()) // Wakes the reader.
	time.AfterFunc(closeTimeout, func() {
		c.SetLinger(0)
		c.Close()
	})
	go c.end()
}

// end reads on until the client ends its side: a socket closed with unread input is reset, and the
// reset may overtake the close frame. The timer that close has started ends the wait.
func (c *connection) end() {
	defer c.hub.open.Done()
	c.leave()
	c.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, c.TCPConn)
	c.writing.Wait() // Who has ended only its own side still reads.
	c.poller.remove(c)
	c.Close()
}

func (c *connection) leave() {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.left = true
	c.idle.Stop()
	c.ping.Stop()
	for _, room := range c.rooms {
		c.hub.leave(c, room)
	}
	c.hub.remove(c)
}

// alive takes note of a sign of life.
func (c *connection) alive() {
	c.signs.Add(1)
	c.idle.Reset(c.idleTimeout)
}

// closeSilent runs when the idle timeout is over. A process that stood still may hear of that
// before it hears of its sockets, so the client has a moment more.
func (c *connection) closeSilent() {
	signs := c.signs.Load()
	time.AfterFunc(readFirst, func() {
		if c.signs.Load() == signs {
			c.close(ws.StatusGoingAway, "Heartbeat timeout")
		}
	})
}

func (c *connection) sendPing() {
	if !c.closed.Load() {
		c.deliver(ws.CompiledPing)
		c.ping.Reset(c.pingInterval)
	}
}
