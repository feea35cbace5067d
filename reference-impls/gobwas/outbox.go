package main

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	writeTimeout    = 10 * time.Second
	pendingBytesMax = 1 << 20
	// frameBytes are what a frame that waits takes beside its own bytes: empty pongs count, too.
	frameBytes = 24
)

// outbox is what waits for a client. A goroutine that lives while something waits takes all of it
// and writes it at once (writev).
type outbox struct {
	*net.TCPConn
	mutex   sync.Mutex
	writing sync.WaitGroup
	written sync.Cond    // Of the mutex: less waits.
	waiting *net.Buffers // From batches, so that an idle connection has none.
	bytes   int          // Waiting, or being written, with frameBytes for each frame.
	sending bool
	ended   bool // A close is the last that waits, or writing has failed.
}

// batches are lists of frames that wait, for those to whom something is sent just now.
var batches = sync.Pool{New: func() any { return new(net.Buffers) }}

// put is false if the outbox is full. What comes after a close is not sent: it would be ignored.
func (o *outbox) put(frame []byte) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.bytes+len(frame)+frameBytes > pendingBytesMax {
		return false
	}
	if !o.ended {
		o.add(frame)
	}
	return true
}

// putLast is for a close, the last frame that is sent. It finds room in a full outbox.
func (o *outbox) putLast(frame []byte) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.ended {
		o.ended = true
		o.add(frame)
	}
}

// add is called with the mutex held.
func (o *outbox) add(frame []byte) {
	if o.waiting == nil {
		o.waiting = batches.Get().(*net.Buffers)
	}
	*o.waiting = append(*o.waiting, frame)
	o.bytes += len(frame) + frameBytes
	if !o.sending {
		o.sending = true
		o.writing.Go(o.send)
	}
}

// send writes what waits until nothing does.
func (o *outbox) send() {
	for batch := o.take(); batch != nil; batch = o.take() {
		o.SetWriteDeadline(time.Now().Add(writeTimeout))
		rest := *batch
		bytes, err := rest.WriteTo(o.TCPConn)
		bytes += int64(len(*batch) * frameBytes)
		clear(*batch)
		*batch = (*batch)[:0]
		batches.Put(batch)
		o.wrote(int(bytes), err)
	}
}

// take is nil if nothing waits: then the goroutine that asked ends.
func (o *outbox) take() *net.Buffers {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	batch := o.waiting
	o.waiting = nil
	if batch == nil {
		o.sending = false
		if o.ended {
			o.CloseWrite()
		}
	}
	return batch
}

// wrote takes note of a failure, which ends the writing alone: what the client sent before it left
// is there to be read. But nobody waits for one that does not read.
func (o *outbox) wrote(bytes int, err error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.bytes -= bytes
	if err != nil {
		o.ended, o.waiting, o.bytes = true, nil, 0
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.SetReadDeadline(time.Now()) // Whoever reads closes the connection.
	}
	o.written.Broadcast()
}

// pace waits while the outbox is half full. Without it a client that sends without a pause would be
// closed as slow, though it reads.
func (o *outbox) pace() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for o.bytes > pendingBytesMax/2 && !o.ended {
		o.written.Wait()
	}
}
