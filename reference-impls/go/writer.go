//go:build tuned

package main

import (
	"runtime"
	"sync"
	"time"
)

// visitsMax clients are seen to, the last room's members aside, before readers have their turn.
const visitsMax = 64

// writer writes what waits for its share of the clients, in turns. There is one for each thread
// that the runtime may use: a room's members are spread over all of them.
type writer struct {
	number  int
	delay   time.Duration // Before a turn: the coalesced variant's.
	try     *attempt
	seats   []*seat // Of the room whose members have their turn.
	visits  int     // Since readers had theirs.
	readers *yielder

	mutex   sync.Mutex
	line    []entry // Those with news, each once, in the order in which they had it.
	last    []entry // The line before: the next one uses its memory.
	waiting *time.Timer
	running bool // A goroutine is at it, or a timer will start one.
}

// entry is a room's members, or one client for whom something waits that is no room's.
type entry struct {
	part   *part
	client *connection
}

func newWriters(count int, delay time.Duration) []*writer {
	writers := make([]*writer, count)
	for i := range writers {
		writers[i] = &writer{number: i, delay: delay, try: newAttempt(), readers: newYielder()}
	}
	return writers
}

// enqueue has a goroutine see to it that lives while there is news.
func (w *writer) enqueue(e entry) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.line = append(w.line, e)
	if !w.running {
		w.running = true
		w.start()
	}
}

// start is called with the mutex held.
func (w *writer) start() {
	switch {
	case w.delay == 0:
		go w.run()
	case w.waiting == nil:
		w.waiting = time.AfterFunc(w.delay, w.run)
	default:
		w.waiting.Reset(w.delay)
	}
}

// hurry ends the delay.
func (w *writer) hurry() {
	if w.delay == 0 {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.waiting != nil && w.waiting.Stop() {
		w.waiting.Reset(0)
	}
}

// run is one turn after the other until nobody stands in line. Whoever can run does so before each:
// those are readers, and what they have read leaves with the same writes. Where there is a delay,
// the next turn has its own.
func (w *writer) run() {
	w.visits = 0
	for again := true; again; again = w.goesOn() {
		runtime.Gosched()
		w.turn()
	}
}

// turn goes through the line. Who has news meanwhile stands in the next one. A long line, or one
// after the other, does not keep readers waiting: what they read meanwhile leaves with fewer
// writes, and senders' messages do not gather in the sockets.
func (w *writer) turn() {
	w.mutex.Lock()
	line := w.line
	w.line, w.last = w.last[:0], line
	w.mutex.Unlock()
	for _, e := range line {
		if w.visits >= visitsMax {
			w.readers.yield()
			w.visits = 0
		}
		if e.part != nil {
			w.visitMembers(e.part)
		} else {
			w.visitClient(e.client)
		}
	}
	clear(line) // Nobody is kept for it.
}

func (w *writer) goesOn() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.running = len(w.line) > 0
	if w.running && w.delay > 0 {
		w.start()
	}
	return w.running && w.delay == 0
}

func (w *writer) visitMembers(p *part) {
	w.seats = p.take(w.seats[:0])
	for _, s := range w.seats {
		w.visit(s.client)
	}
	clear(w.seats)
}

// visitClient leaves a client alone whose room stands in line: one write takes both.
func (w *writer) visitClient(c *connection) {
	if !c.outbox.leaveLine() {
		w.visit(c)
	}
}

func (w *writer) visit(c *connection) {
	w.visits++
	if !c.outbox.flush(w.try) {
		c.tooSlow()
	}
}
