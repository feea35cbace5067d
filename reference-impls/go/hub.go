package main

import (
	"sync"

	"github.com/gorilla/websocket"
)

// hub knows who is connected and which rooms have members.
type hub struct {
	usersMutex sync.RWMutex
	users      map[string]map[*connection]struct{}
	stopped    bool
	open       sync.WaitGroup

	// roomsMutex is taken before a room's own mutex, never after it.
	roomsMutex sync.Mutex
	rooms      map[string]*room
}

func newHub() *hub {
	return &hub{users: map[string]map[*connection]struct{}{}, rooms: map[string]*room{}}
}

// add is false once the hub has stopped.
func (h *hub) add(c *connection) bool {
	h.usersMutex.Lock()
	defer h.usersMutex.Unlock()
	if h.stopped {
		return false
	}
	if h.users[c.user] == nil {
		h.users[c.user] = map[*connection]struct{}{}
	}
	h.users[c.user][c] = struct{}{}
	h.open.Add(1)
	return true
}

func (h *hub) remove(c *connection) {
	h.usersMutex.Lock()
	defer h.usersMutex.Unlock()
	delete(h.users[c.user], c)
	if len(h.users[c.user]) == 0 {
		delete(h.users, c.user)
	}
}

// join makes the room if c is its first member; c hears of it before anything else there.
func (h *hub) join(c *connection, name string) *room {
	frame := event{Type: "user_joined", Room: name, User: c.user, Timestamp: now()}.encode()
	h.roomsMutex.Lock()
	r := h.rooms[name]
	if r == nil {
		r = &room{name: name, members: map[*connection]struct{}{}}
		h.rooms[name] = r
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	// Holding the room's mutex keeps the room; others need not wait while it tells its members.
	h.roomsMutex.Unlock()
	r.members[c] = struct{}{}
	r.fanOut(frame)
	return r
}

// leave forgets the room if c was its last member.
func (h *hub) leave(c *connection, r *room) {
	frame := event{Type: "user_left", Room: r.name, User: c.user, Timestamp: now()}.encode()
	h.roomsMutex.Lock()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.members, c)
	if len(r.members) == 0 {
		delete(h.rooms, r.name)
	}
	h.roomsMutex.Unlock()
	r.fanOut(frame)
}

// direct is false if nobody by that name is connected.
func (h *hub) direct(to string, e event) bool {
	h.usersMutex.RLock()
	defer h.usersMutex.RUnlock()
	recipients := h.users[to]
	if len(recipients) == 0 {
		return false
	}
	frame := e.encode()
	for c := range recipients {
		c.deliver(frame)
	}
	return true
}

// stop closes every connection and waits until all are gone.
func (h *hub) stop() {
	h.usersMutex.Lock()
	h.stopped = true
	for _, connections := range h.users {
		for c := range connections {
			c.close(websocket.CloseServiceRestart, "Server is going away")
		}
	}
	h.usersMutex.Unlock()
	h.open.Wait()
}

// room is a named set of members. Its mutex makes one order of all that happens in it.
type room struct {
	name    string
	mutex   sync.Mutex
	members map[*connection]struct{}
}

func (r *room) publish(e event) {
	frame := e.encode()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.fanOut(frame)
}

// fanOut needs the mutex to be held.
func (r *room) fanOut(frame *websocket.PreparedMessage) {
	for c := range r.members {
		c.deliver(frame)
	}
}
