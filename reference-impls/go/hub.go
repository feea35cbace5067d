package main

import (
	"sync"

	"github.com/gorilla/websocket"
)

// hub knows who is connected and which rooms have members.
type hub struct {
	mutex   sync.RWMutex // Taken before a room's own mutex, never after it.
	users   map[string]group
	rooms   map[string]*room
	stopped bool
	open    sync.WaitGroup
	others  others // Other nodes, in the variant `cluster`: see alone.go and cluster.go.
}

// group is a set of connections.
type group map[*connection]bool

func (g group) deliver(f frame) {
	for c := range g {
		c.deliver(f)
	}
}

func newHub() *hub {
	h := &hub{users: map[string]group{}, rooms: map[string]*room{}}
	h.others = newOthers(h)
	return h
}

// add is false once the hub has stopped.
func (h *hub) add(c *connection) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.stopped {
		return false
	}
	if h.users[c.user] == nil {
		h.users[c.user] = group{}
	}
	h.users[c.user][c] = true
	h.open.Add(1)
	return true
}

func (h *hub) remove(c *connection) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.users[c.user], c)
	if len(h.users[c.user]) == 0 {
		delete(h.users, c.user)
	}
}

// join makes the room if c is its first member; c hears of it before anything else there.
func (h *hub) join(c *connection, name string, joined []byte) *room {
	f := forAll(joined)
	h.mutex.Lock()
	r := h.rooms[name]
	if r == nil {
		r = newRoom(name)
		h.rooms[name] = r
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	// Holding the room's mutex keeps the room; others need not wait while it tells its members.
	h.mutex.Unlock()
	r.add(c)
	r.tell(f)
	return r
}

// leave forgets the room if c was its last member.
func (h *hub) leave(c *connection, r *room, left []byte) {
	f := forAll(left)
	h.mutex.Lock()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.remove(c)
	if r.isEmpty() {
		delete(h.rooms, r.name)
	}
	h.mutex.Unlock()
	r.tell(f)
}

func (r *room) publish(f frame) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.tell(f)
}

// direct is false if nobody by that name is connected.
func (h *hub) direct(to string, f frame) bool {
	h.mutex.RLock()
	defer h.mutex.RUnlock()
	recipients := h.users[to]
	recipients.deliver(f)
	return len(recipients) > 0
}

// stop closes every connection and waits until all are gone.
func (h *hub) stop() {
	h.mutex.Lock()
	h.stopped = true
	for _, connections := range h.users {
		for c := range connections {
			c.close(websocket.CloseServiceRestart, "Server is going away")
		}
	}
	h.mutex.Unlock()
	h.open.Wait()
}
