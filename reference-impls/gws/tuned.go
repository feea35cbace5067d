//go:build tuned

package main

import (
	"encoding/binary"
	"errors"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

// paceBytes wait for a client at most while its reader goes on: every other member of a room may
// get as many meanwhile.
const paceBytes = 16 << 10

func checkVariant(variant string) {
	if variant != "" && variant != "tuned" {
		log.Fatalf("CHAT_VARIANT is %q: this build is tuned (see README.md)", variant)
	}
}

// frame is a finished frame: nobody changes it, so everyone is sent the same bytes.
type frame struct {
	text  []byte
	bytes int64
}

// newFrame puts the head of a frame (RFC 6455, 5.2; servers do not mask) before the text.
func newFrame(text []byte) frame {
	const final, length16, length64, headMax = 0x80, 126, 127, 10
	f := make([]byte, 0, headMax+len(text))
	f = append(f, final|byte(gws.OpcodeText))
	switch size := len(text); {
	case size < length16:
		f = append(f, byte(size))
	case size < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, length16), uint16(size))
	default:
		f = binary.BigEndian.AppendUint64(append(f, length64), uint64(size))
	}
	f = append(f, text...)
	return frame{f, int64(len(f))}
}

func (frame) release() {}

// outbox is what waits for a client. Its first mutex is for writing: of what gws writes by itself
// and of what waits here, one comes after the other.
type outbox struct {
	sync.Mutex
	filling sync.Mutex
	waiting *net.Buffers // From batches, so that an idle connection has none.
}

// batches are lists of frames that wait, for those to whom something is sent just now.
var batches = sync.Pool{New: func() any { return new(net.Buffers) }}

// send has gws's queue, which runs one job after the other, write all that waits once its turn
// comes. The job is queued with the mutex held, so that a close that is queued later comes later.
func (c *connection) send(f frame) {
	t := c.transport
	t.filling.Lock()
	defer t.filling.Unlock()
	if t.waiting == nil {
		t.waiting = batches.Get().(*net.Buffers)
		c.socket.Async(t.flush)
	}
	*t.waiting = append(*t.waiting, f.text)
}

func (t *transport) flush() {
	t.Lock()
	defer t.Unlock()
	t.writeWaiting()
}

// writeWaiting writes all that waits at once (writev), and gives the list back. It is called with
// the first mutex held. A close that gws wrote may have left nothing for the job.
func (t *transport) writeWaiting() {
	t.filling.Lock()
	batch := t.waiting
	t.waiting = nil
	t.filling.Unlock()
	if batch == nil {
		return
	}
	var bytes int64
	for _, frame := range *batch {
		bytes += int64(len(frame))
	}
	t.writeAll(*batch)
	t.pending.Add(-bytes)
	clear(*batch)
	*batch = (*batch)[:0]
	batches.Put(batch)
}

// writeAll ends the reading, too, of a client that does not read.
func (t *transport) writeAll(frames net.Buffers) {
	if t.ended.Load() {
		return
	}
	t.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := frames.WriteTo(t.TCPConn)
	t.ended.Store(err != nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Close()
	}
}

// pace waits until what waits is sent, once it is more than a few messages. Without it clients that
// send without a pause would fill the outboxes of their whole room, though all of them read. To
// wait after each message would make batches small.
func (c *connection) pace() {
	if c.transport.pending.Load() > paceBytes || c.closing.Load() {
		c.drain()
	}
}
