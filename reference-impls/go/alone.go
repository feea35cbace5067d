//go:build !cluster

package main

// built are the variants of this program: the default, and those that differ from it by settings.
var built = []string{"default", "tip", "gogc", "gogc-low"}

// others are further nodes, which only the variant `cluster` has: see cluster.go.
type others struct{}

func newOthers(*hub) (none others) { return }
func (others) health() string      { return "" }
func (others) end()                {}
func (c *connection) arrive()      {}
func (c *connection) depart()      {}

func (c *connection) join(name string, joined []byte) *room { return c.hub.join(c, name, joined) }
func (c *connection) leave(r *room, left []byte)            { c.hub.leave(c, r, left) }
func (c *connection) publish(r *room, e event)              { e.publishTo(r) }

func (c *connection) direct(to string, e event) {
	if !c.hub.direct(to, e.forOne()) {
		c.refuse("no_such_user", "nobody by that name is connected")
	}
}
