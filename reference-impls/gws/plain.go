//go:build !tuned

package main

import (
	"log"

	"github.com/lxzan/gws"
)

func checkVariant(variant string) {
	if variant != "" && variant != "default" {
		log.Fatalf("CHAT_VARIANT is %q: this build is the default (see README.md)", variant)
	}
}

// frame is a message that gws frames once for all.
type frame struct {
	*gws.Broadcaster
	bytes int64
}

func newFrame(text []byte) frame {
	return frame{gws.NewBroadcaster(gws.OpcodeText, text), frameBytes(len(text))}
}

// release gives its memory back once everyone has it.
func (f frame) release() { f.Close() }

// outbox is empty: what waits, waits in gws's queue, and gws writes one frame after the other.
type outbox struct{}

func (outbox) Lock()   {}
func (outbox) Unlock() {}

func (*transport) writeWaiting() {}

func (c *connection) send(f frame) { f.Broadcast(c.socket) }

// pace waits until what waits is sent. Without it a client that sends without a pause would be
// closed as slow, though it reads; and the close that gws writes for a faulty frame, or in answer
// to one, would overtake the answers to what came before.
func (c *connection) pace() {
	if c.transport.pending.Load() > 0 || c.closing.Load() {
		c.drain()
	}
}

// frameBytes is how many bytes a frame with so many of text has (RFC 6455, 5.2).
func frameBytes(text int) int64 {
	const head, length16, length64 = 2, 2, 8
	switch {
	case text < 126:
		return int64(head + text)
	case text < 1<<16:
		return int64(head + length16 + text)
	default:
		return int64(head + length64 + text)
	}
}
