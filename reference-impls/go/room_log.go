//go:build tuned

package main

import "sync/atomic"

const (
	// chunkBytesMin and chunkBytesMax bound the parts of a log: a quiet room keeps little, and a busy
	// one is not cut into many pieces.
	chunkBytesMin = 2 << 10
	chunkBytesMax = 64 << 10
)

// roomLog is all that the members of a room are sent: finished frames, one behind the other, each
// of them once. One goroutine at a time appends; cursors read meanwhile. Nobody counts who still
// needs a chunk: chunks know only the next one, so what all cursors are past is the collector's.
type roomLog struct {
	tail *chunk
	end  atomic.Int64 // Bytes that were ever appended.
	read int64        // Where end was at the last call of grown.
}

// chunk is a part of a log. What is below used never changes.
type chunk struct {
	bytes []byte
	used  atomic.Int64
	next  atomic.Pointer[chunk]
}

// cursor is a reader's place in a log: always between two frames.
type cursor struct {
	log   *roomLog
	chunk *chunk
	at    int
	taken int64 // The log's bytes up to here.
}

func newRoomLog() *roomLog { return &roomLog{tail: &chunk{}} }

// append copies a frame to the log's end. A frame lies in one chunk.
func (l *roomLog) append(f frame) {
	tail := l.tail
	used := int(tail.used.Load())
	if len(tail.bytes)-used < len(f) {
		next := &chunk{bytes: make([]byte, l.chunkBytes(len(f)))}
		copy(next.bytes, f)
		next.used.Store(int64(len(f)))
		l.tail = next
		tail.next.Store(next)
	} else {
		copy(tail.bytes[used:], f)
		tail.used.Store(int64(used + len(f)))
	}
	l.end.Add(int64(len(f)))
}

// chunkBytes goes by what comes between two turns of those who write.
func (l *roomLog) chunkBytes(frame int) int {
	return max(frame, min(2*int(l.end.Load()-l.read), chunkBytesMax), chunkBytesMin)
}

// grown is how many bytes came since the last turn, which markRead is told of.
func (l *roomLog) grown() int { return int(l.end.Load() - l.read) }
func (l *roomLog) markRead()  { l.read = l.end.Load() }

// reader is a cursor at the end: it sees what is appended from now on. Nobody may append meanwhile.
func (l *roomLog) reader() cursor {
	return cursor{log: l, chunk: l.tail, at: int(l.tail.used.Load()), taken: l.end.Load()}
}

// lag is how many bytes the cursor has not passed.
func (c *cursor) lag() int { return max(0, int(c.log.end.Load()-c.taken)) }

// next passes as much as lies in one piece: nil at the end.
func (c *cursor) next() []byte {
	for {
		next := c.chunk.next.Load() // Before used: a chunk that has a next one does not grow.
		if used := int(c.chunk.used.Load()); c.at < used {
			piece := c.chunk.bytes[c.at:used:used]
			c.at = used
			c.taken += int64(len(piece))
			return piece
		}
		if next == nil {
			return nil
		}
		c.chunk, c.at = next, 0
	}
}
