//go:build tuned

package main

import (
	"sync"
	"sync/atomic"
)

// room is a named log with members. Its mutex makes one order of all that happens in it.
type room struct {
	name  string
	mutex sync.Mutex
	log   *roomLog
	parts []*part // By their writer's number; nil where none of its clients is here.
	count int
}

// part is the members that one writer sees to.
type part struct {
	room   *room
	writer *writer
	seats  []*seat
	inLine atomic.Bool // It stands in the writer's line. Set with the room's mutex held.
}

// seat is a membership: how much of the room's log was taken for the client.
type seat struct {
	client *connection
	part   *part
	index  int // In the part's seats.
	cursor cursor
}

func newRoom(name string) *room { return &room{name: name, log: newRoomLog()} }

func (r *room) isEmpty() bool { return r.count == 0 }

// add, remove and tell are called with the mutex held.
func (r *room) add(c *connection) {
	p := r.partOf(c.outbox.writer)
	s := &seat{client: c, part: p, index: len(p.seats), cursor: r.log.reader()}
	p.seats = append(p.seats, s)
	r.count++
	c.outbox.sit(s)
}

func (r *room) partOf(w *writer) *part {
	if missing := w.number + 1 - len(r.parts); missing > 0 {
		r.parts = append(r.parts, make([]*part, missing)...)
	}
	if r.parts[w.number] == nil {
		r.parts[w.number] = &part{room: r, writer: w}
	}
	return r.parts[w.number]
}

// remove leaves to the client what the log has for it by now.
func (r *room) remove(c *connection) {
	p := r.parts[c.outbox.writer.number]
	s, hasNews := c.outbox.rise(p)
	last := p.seats[len(p.seats)-1]
	p.seats[s.index], last.index = last, s.index
	p.seats[len(p.seats)-1] = nil
	p.seats = p.seats[:len(p.seats)-1]
	r.count--
	if hasNews {
		p.writer.enqueue(entry{client: c})
	}
}

// tell costs the same whoever is there: an append, and each writer hears of it once a turn.
func (r *room) tell(f frame) {
	r.log.append(f)
	for _, p := range r.parts {
		switch {
		case p == nil || len(p.seats) == 0:
		case !p.inLine.Load():
			p.inLine.Store(true)
			p.writer.enqueue(entry{part: p})
		case r.log.grown() > earlyBytes:
			p.writer.hurry()
		}
	}
}

// take is who has to be visited for what the log has by now.
func (p *part) take(seats []*seat) []*seat {
	p.room.mutex.Lock()
	defer p.room.mutex.Unlock()
	p.inLine.Store(false)
	p.room.log.markRead()
	return append(seats, p.seats...)
}
