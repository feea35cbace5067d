//go:build !tuned

package main

import "sync"

// room is a named group. Its mutex makes one order of all that happens in it.
type room struct {
	name    string
	mutex   sync.Mutex
	members group
}

func newRoom(name string) *room { return &room{name: name, members: group{}} }

// add, remove and tell are called with the mutex held.
func (r *room) add(c *connection)    { r.members[c] = true }
func (r *room) remove(c *connection) { delete(r.members, c) }
func (r *room) tell(f frame)         { r.members.deliver(f) }
func (r *room) isEmpty() bool        { return len(r.members) == 0 }
