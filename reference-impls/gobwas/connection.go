package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

const (
	messageBytesMax = 65_536
	readBufferBytes = 2_048
)

// connection is one client. While it is idle no goroutine and no buffer belongs to it.
type connection struct {
	outbox
	*handler
	user string
	fd   int32 // The poller's.

	reading sync.Mutex       // Held by the goroutine that reads.
	rooms   map[string]*room // Only with reading held.
	left    bool             // Likewise.

	signs      atomic.Uint64 // Of life: frames.
	closed     atomic.Bool
	idle, ping *time.Timer
}

// readers are for those who are read just now.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBufferBytes) }}

// serve is given what came together with the request, too.
func (h *handler) serve(conn *net.TCPConn, early []byte, user string) {
	c := &connection{outbox: outbox{TCPConn: conn}, handler: h, user: user}
	c.written.L = &c.mutex
	c.reading.Lock() // Until the timers are there: whoever stops them waits for that.
	defer c.reading.Unlock()
	// Nobody can find this connection before it has its welcome, so that comes first.
	c.answer(event{Type: "welcome", User: user})
	if !h.hub.add(c) {
		conn.Close()
		return
	}
	c.idle = time.AfterFunc(h.idleTimeout, c.closeSilent)
	c.ping = time.AfterFunc(math.MaxInt64, c.sendPing)
	c.ping.Reset(h.pingInterval) // Not before sendPing can find it.
	h.poller.add(c, len(early) == 0)
	if len(early) > 0 {
		go c.read(early)
	}
}

// read serves what has come. The poller starts it, and waits for more once it ends.
func (c *connection) read(early []byte) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.left {
		return
	}
	buffered := readers.Get().(*bufio.Reader)
	defer readers.Put(buffered)
	defer buffered.Reset(nil)
	buffered.Reset(c.TCPConn)
	if len(early) > 0 {
		buffered.Reset(io.MultiReader(bytes.NewReader(early), c.TCPConn))
	}
	messages := &wsutil.Reader{
		Source: buffered, State: ws.StateServerSide, MaxMessageSize: messageBytesMax,
		OnIntermediate: c.control,
		OnContinuation: func(ws.Header, io.Reader) error { c.alive(); return nil },
	}
	for more := true; more && !c.closed.Load(); more = buffered.Buffered() > 0 {
		if err := c.readMessage(messages); err != nil {
			c.close(closeCode(err), "")
			return
		}
	}
	c.poller.again(c)
}

func (c *connection) readMessage(messages *wsutil.Reader) error {
	header, err := messages.NextFrame()
	if err != nil {
		return err
	}
	if header.OpCode.IsControl() {
		return c.control(header, messages)
	}
	c.alive()
	text, err := io.ReadAll(messages)
	if err != nil {
		return err
	}
	c.handle(header.OpCode, text)
	// Others have a turn: else a client that sends without a pause would fill the outboxes of its
	// whole room, though all of them read.
	runtime.Gosched()
	c.pace()
	return nil
}

// control answers a ping, and returns a close as the error that ends the connection. The library's
// own answers are several writes, or would be limited by nothing.
func (c *connection) control(header ws.Header, payload io.Reader) error {
	c.alive()
	body, err := io.ReadAll(payload)
	switch {
	case err != nil:
		return err
	case header.OpCode == ws.OpPing:
		c.deliver(ws.MustCompileFrame(ws.NewPongFrame(body)))
		c.pace()
	case header.OpCode == ws.OpClose:
		return closedBy(body)
	}
	return nil
}

func closedBy(body []byte) error {
	if len(body) == 0 {
		return wsutil.ClosedError{Code: ws.StatusNormalClosure}
	}
	code, reason := ws.ParseCloseFrameData(body)
	if code > ws.StatusRangePrivate.Max {
		return ws.ErrProtocolStatusCodeUnknown // The library takes any code from 3000 on.
	}
	return cmp.Or(ws.CheckCloseFrameData(code, reason), error(wsutil.ClosedError{Code: code}))
}

func closeCode(err error) ws.StatusCode {
	var closed wsutil.ClosedError
	switch {
	case errors.As(err, &closed):
		return closed.Code
	case errors.Is(err, wsutil.ErrMessageTooLarge):
		return ws.StatusMessageTooBig
	default:
		return ws.StatusProtocolError // Or the network failed: then nobody hears of it.
	}
}

// answer sends a message to this client alone.
func (c *connection) answer(e event) { c.deliver(e.encode()) }

// deliver never waits: who can't keep up is closed, so that nobody else has to.
func (c *connection) deliver(frame []byte) {
	if !c.put(frame) {
		c.close(closeTryAgainLater, "Slow consumer")
	}
}
