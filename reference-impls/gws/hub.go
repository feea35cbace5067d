package main

import "sync"

// hub knows who is connected and which rooms have members.
type hub struct {
	mutex   sync.RWMutex // Taken before a room's own mutex, never after it.
	users   map[string]group
	rooms   map[string]*room
	stopped bool
	open    sync.WaitGroup
}

// group is a set of connections.
type group map[*connection]bool

// publish encodes the message once, as a finished frame, for all.
func (g group) publish(e event) {
	if len(g) == 0 {
		return
	}
	f := newFrame(e.encode())
	defer f.release()
	for c := range g {
		c.deliver(f)
	}
}

// room is a named group. Its mutex makes one order of all that happens in it.
type room struct {
	name    string
	mutex   sync.Mutex
	members group
}

func newHub() *hub {
	return &hub{users: map[string]group{}, rooms: map[string]*room{}}
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
func (h *hub) join(c *connection, name string) *room {
	h.mutex.Lock()
	r := h.rooms[name]
	if r == nil {
		r = &room{name: name, members: group{}}
		h.rooms[name] = r
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	// Holding the room's mutex keeps the room; others need not wait while it tells its members.
	h.mutex.Unlock()
	r.members[c] = true
	r.members.publish(event{Type: "user_joined", Room: name, User: c.user, Timestamp: now()})
	return r
}

// leave forgets the room if c was its last member.
func (h *hub) leave(c *connection, r *room) {
	h.mutex.Lock()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.members, c)
	if len(r.members) == 0 {
		delete(h.rooms, r.name)
	}
	h.mutex.Unlock()
	r.members.publish(event{Type: "user_left", Room: r.name, User: c.user, Timestamp: now()})
}

func (r *room) publish(e event) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.members.publish(e)
}

// direct is false if nobody by that name is connected.
func (h *hub) direct(to string, e event) bool {
	h.mutex.RLock()
	defer h.mutex.RUnlock()
	recipients := h.users[to]
	recipients.publish(e)
	return len(recipients) > 0
}

// stop closes every connection and waits until all are gone.
func (h *hub) stop() {
	h.mutex.Lock()
	h.stopped = true
	for _, connections := range h.users {
		for c := range connections {
			c.close(closeServiceRestart, "Server is going away")
		}
	}
	h.mutex.Unlock()
	h.open.Wait()
}
