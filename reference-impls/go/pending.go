//go:build tuned

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	pendingBytesMax = 1 << 20
	// pieceBytes are what a piece that waits takes beside its own bytes: empty pongs count, too.
	pieceBytes = 24
	// copiedBytes of a room that is left are copied: a piece keeps its whole chunk, and who joins
	// and leaves again and again would keep one each time.
	copiedBytes = 8 << 10
	// drainBytes go out before a client is looked at again: a slow one has time for each, and what
	// it has taken no longer counts as waiting.
	drainBytes = 128 << 10
)

// outbox is what waits for a client, and the TCP connection as gorilla/websocket has it: closes,
// which the library writes of its own accord, wait there, too. What waits are pieces, and behind
// them whatever the logs of the client's rooms have for it. Its writer writes all of that at once.
// A socket that is full costs its writer nothing: a goroutine of its own waits for that.
type outbox struct {
	*net.TCPConn
	raw    syscall.RawConn
	writer *writer
	sent   chan struct{} // Tells a reader that waits for the outbox.
	done   chan struct{} // Closed once a close is written, or writing has failed.
	text   *bytes.Buffer // The reader's: the message that is handled just now.

	mutex   sync.Mutex
	serving bool        // Else it is the answer to the handshake that is written.
	waiting net.Buffers // Frames for this client alone, and what came before them from its rooms.
	size    int         // Waiting, or being written by drain, with pieceBytes for each piece.
	seats   []*seat     // Its rooms.
	inLine  bool        // It stands in its writer's line.
	busy    bool        // drain is at it.
	ended   bool        // A close is the last that waits, or writing has failed.
	ping    *time.Timer
}

func newOutboxOf(conn *net.TCPConn, w *writer) *outbox {
	raw, _ := conn.SyscallConn() // It fails for none.
	sent, done := make(chan struct{}, 1), make(chan struct{})
	return &outbox{TCPConn: conn, raw: raw, writer: w, sent: sent, done: done}
}

// put is whether there is room for the frame, and whether the client has to be put in line. What
// comes after a close is not sent: it would be ignored.
func (o *outbox) put(f frame) (fits, toLine bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.ended {
		return true, false
	}
	if !o.fits(f) && !o.busy {
		// Before its turn: who reads all is not closed, however much comes at once.
		o.write(newAttempt())
	}
	switch {
	case o.ended:
		return true, false
	case !o.fits(f):
		return false, false
	}
	o.gather()
	o.add(f)
	return true, o.toLine()
}

// fits, and what follows up to pending, is called with the mutex held.
func (o *outbox) fits(f frame) bool {
	return o.pending()+len(f)+pieceBytes <= pendingBytesMax
}

func (o *outbox) toLine() bool {
	if o.busy || o.inLine {
		return false
	}
	o.inLine = true
	return true
}

func (o *outbox) add(piece []byte) {
	o.waiting = append(o.waiting, piece)
	o.size += len(piece) + pieceBytes
}

// gather keeps the order: what rooms have for the client by now comes before what is added next.
func (o *outbox) gather() {
	for _, s := range o.seats {
		for piece := s.cursor.next(); piece != nil; piece = s.cursor.next() {
			o.add(piece)
		}
	}
}

// pending is all that waits.
func (o *outbox) pending() int {
	bytes := o.size
	if !o.ended {
		for _, s := range o.seats {
			bytes += s.cursor.lag()
		}
	}
	return bytes
}

func (o *outbox) holds(bytes int) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.pending() > bytes
}

// sit and rise are a room's, with its mutex held.
func (o *outbox) sit(s *seat) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.seats = append(o.seats, s)
	if o.ended {
		s.cursor = cursor{}
	}
}

// rise keeps what waits in the room's log, and tells whether the client has to be put in line for
// that.
func (o *outbox) rise(p *part) (s *seat, toLine bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	index := slices.IndexFunc(o.seats, func(s *seat) bool { return s.part == p })
	s = o.seats[index]
	o.seats = slices.Delete(o.seats, index, index+1)
	if o.ended {
		return s, false
	}
	for piece := s.cursor.next(); piece != nil; piece = s.cursor.next() {
		if len(piece) < copiedBytes {
			piece = slices.Clone(piece)
		}
		o.add(piece)
	}
	return s, len(o.waiting) > 0 && o.toLine()
}

// leaveLine is whether one of the rooms stands in line: their members' turn is this client's, too.
func (o *outbox) leaveLine() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.inLine = false
	return slices.ContainsFunc(o.seats, func(s *seat) bool { return s.part.inLine.Load() })
}

// flush writes what waits, as much as the socket takes. It is false if too much is left.
func (o *outbox) flush(a *attempt) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.busy && !o.ended {
		o.write(a)
	}
	return o.ended || !o.busy || o.pending() <= pendingBytesMax
}

// write starts drain where the socket is full.
func (o *outbox) write(a *attempt) {
	pieces := append(a.pieces[:0], o.waiting...)
	for _, s := range o.seats {
		for piece := s.cursor.next(); piece != nil; piece = s.cursor.next() {
			pieces = append(pieces, piece)
		}
	}
	if len(pieces) == 0 {
		return
	}
	left, err := a.write(o.raw, pieces)
	o.waiting, o.size = nil, 0
	for _, piece := range left {
		o.add(piece)
	}
	clear(pieces)
	a.pieces = pieces
	switch {
	case err != nil:
		o.fail(err)
		o.finish()
	case len(left) > 0:
		o.busy = true
		go o.drain()
	}
	o.tellReader()
}

func (o *outbox) tellReader() {
	select {
	case o.sent <- struct{}{}:
	default:
	}
}

// drain waits for the socket until nothing is left.
func (o *outbox) drain() {
	for batch := o.take(); len(batch) > 0; batch = o.take() {
		frames := len(batch)
		o.TCPConn.SetWriteDeadline(time.Now().Add(writeTimeout))
		bytes, err := batch.WriteTo(o.TCPConn)
		o.mutex.Lock()
		o.size -= int(bytes) + frames*pieceBytes
		if err != nil {
			o.fail(err)
		}
		o.mutex.Unlock()
		o.tellReader()
	}
}

// take is a part of what waits, and empty if nothing does: then the goroutine that asked ends.
func (o *outbox) take() net.Buffers {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.ended {
		o.gather()
	}
	pieces, bytes := 0, 0
	for pieces < len(o.waiting) && bytes < drainBytes {
		bytes += len(o.waiting[pieces])
		pieces++
	}
	batch := o.waiting[:pieces:pieces]
	o.waiting = o.waiting[pieces:]
	if len(batch) == 0 {
		o.busy = false
		o.TCPConn.SetWriteDeadline(time.Time{}) // A turn's write does not wait.
		if o.ended {
			o.finish()
		}
	}
	return batch
}

// end puts the last frame behind all that waits, and does not wait for a turn.
func (o *outbox) end(f frame) {
	o.gather()
	o.add(f)
	o.leaveLogs()
	if !o.busy {
		o.busy = true
		go o.drain()
	}
}

// leaveLogs keeps nothing of them for who gets no more.
func (o *outbox) leaveLogs() {
	o.ended = true
	for _, s := range o.seats {
		s.cursor = cursor{}
	}
}

// fail ends the writing alone: what the client sent before it left is there to be read. But nobody
// waits for one that does not read.
func (o *outbox) fail(err error) {
	o.waiting, o.size = nil, 0
	o.leaveLogs()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.SetReadDeadline(time.Now()) // The reader closes the connection.
	}
}

func (o *outbox) finish() {
	o.CloseWrite()
	close(o.done)
}

// Write is what gorilla/websocket calls with a close, the library's own or the server's. It finds
// room in a full outbox, and the first is the last frame that is sent.
func (o *outbox) Write(bytes []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.serving {
		return o.TCPConn.Write(bytes)
	}
	if !o.ended {
		o.end(slices.Clone(bytes))
	}
	return len(bytes), nil
}

// SetWriteDeadline is what gorilla/websocket calls for each frame; the outbox has its own.
func (o *outbox) SetWriteDeadline(time.Time) error { return nil }
