//go:build cluster

// Variant `cluster`: one of several nodes that Redis joins. Own members are told at once; what is
// said goes to the channel of its room or user, from which other nodes have it.
package main

import (
	"cmp"
	"encoding/binary"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

var built = []string{"cluster"}

const (
	roomChannel = "chat:room:"
	userChannel = "chat:user:"
	// farewellTimeout is for what is said last to leave when the server stops.
	farewellTimeout = time.Second
)

type others = *cluster

// cluster passes on what this node's clients say, and tells them what others say.
type cluster struct {
	hub        *hub
	publisher  *publisher
	subscriber *subscriber
}

func newOthers(h *hub) others {
	options, err := redis.ParseURL(os.Getenv("CHAT_BACKPLANE"))
	if err != nil || !isAddress(options.Addr) {
		log.Fatalf("CHAT_BACKPLANE is %q: give redis://HOST:PORT", os.Getenv("CHAT_BACKPLANE"))
	}
	client := newClient(options)
	o := &cluster{hub: h}
	o.publisher = newPublisher(client, func() bool { return o.subscriber.isUp() })
	o.subscriber = newSubscriber(client, o.publisher.node, o.tell)
	go o.publisher.run()
	go o.subscriber.run()
	return o
}

func (o *cluster) health() string {
	state := "down"
	if o.subscriber.isUp() {
		state = "up"
	}
	return `,"backplane":"` + state + `"`
}

// end waits until what was said last has left, for as long as it may take.
func (o *cluster) end() {
	select {
	case <-o.publisher.finished():
	case <-time.After(farewellTimeout):
	}
}

// tell is what another node has published.
func (o *cluster) tell(channel string, text []byte) {
	if user, found := strings.CutPrefix(channel, userChannel); found {
		o.hub.direct(user, forOne(websocket.TextMessage, text))
		return
	}
	name := strings.TrimPrefix(channel, roomChannel)
	o.hub.mutex.RLock()
	r := o.hub.rooms[name]
	o.hub.mutex.RUnlock()
	if r != nil {
		r.publish(forAll(text))
	}
}

// await gives up where the connection ends first: nobody waits for it any more.
func (c *connection) await(done <-chan struct{}) {
	select {
	case <-done:
	case <-c.closing:
	}
}

// arrive is for its user to be found from other nodes.
func (c *connection) arrive() { c.await(c.hub.others.subscriber.hold(userChannel + c.user)) }

func (c *connection) depart() { c.hub.others.subscriber.release(userChannel + c.user) }

// join is over once the subscription stands and the news has come back by it: so c misses nothing
// that other nodes say from then on, and hears nothing that they said before.
func (c *connection) join(name string, joined []byte) (r *room) {
	o, channel := c.hub.others, roomChannel+name
	c.await(o.subscriber.hold(channel))
	entered := make(chan struct{})
	number := o.subscriber.announce(func(heard bool) {
		r = c.hub.join(c, name, joined)
		if !heard {
			c.unavailable()
		}
		close(entered)
	})
	o.publisher.publish(&publication{
		channel: channel, text: joined, number: number,
		done: func(_ int64, err error) {
			if err != nil {
				o.subscriber.settle(number, false)
			}
		},
	})
	c.await(entered)
	o.subscriber.settle(number, false) // Unless that is done.
	<-entered
	return r
}

func (c *connection) leave(r *room, left []byte) {
	o, channel := c.hub.others, roomChannel+r.name
	c.hub.leave(c, r, left)
	p := &publication{channel: channel, text: left, done: c.orUnavailable}
	if c.closed.Load() {
		// Who hears of it finds nobody by that name.
		p.after = o.subscriber.released(userChannel + c.user)
	}
	o.publisher.publish(p)
	o.subscriber.release(channel)
}

func (c *connection) publish(r *room, e event) {
	text := e.encode()
	p := &publication{channel: roomChannel + r.name, text: text, done: c.orUnavailable}
	c.hub.others.publisher.publish(p)
	r.publish(forAll(text))
}

// direct asks Redis how many nodes have somebody of that name, where this one has nobody.
func (c *connection) direct(to string, e event) {
	o, text := c.hub.others, e.encode()
	p := &publication{channel: userChannel + to, text: text, done: c.orUnavailable}
	if c.hub.direct(to, forOne(websocket.TextMessage, text)) {
		o.publisher.publish(p)
		return
	}
	answered := make(chan struct{})
	// Who comes here meanwhile is counted, so it has to be told as well.
	p.toAll, p.after = true, o.subscriber.released(p.channel)
	p.done = func(nodes int64, err error) {
		c.orUnavailable(nodes, err)
		if err == nil && nodes == 0 {
			c.refuse("no_such_user", "nobody by that name is connected")
		}
		close(answered)
	}
	o.publisher.publish(p)
	c.await(answered)
}

func (c *connection) orUnavailable(_ int64, err error) {
	if err != nil {
		c.unavailable()
	}
}

func (c *connection) unavailable() {
	c.refuse("unavailable", "the other nodes may not have it: the backplane is down")
}

// nodeID stands before each publication, and the number of an announcement behind it.
type nodeID [8]byte

const headBytes = len(nodeID{}) + 4

// head is of no node where the publisher's own clients are to hear it as well.
func (p *publication) head(node nodeID) []byte {
	if p.toAll {
		node = nodeID{}
	}
	bytes := append(make([]byte, 0, headBytes+len(p.text)), node[:]...)
	return binary.BigEndian.AppendUint32(bytes, p.number)
}

// isAddress is false for what the library takes and nobody can connect to.
func isAddress(hostPort string) bool {
	host, port, err := net.SplitHostPort(hostPort)
	number, wrong := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && wrong == nil && number > 0
}

// newClient sends each command once: what Redis has not answered may have been delivered.
func newClient(options *redis.Options) *redis.Client {
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.DialTimeout = cmp.Or(options.DialTimeout, dialTimeout)
	options.ReadTimeout, options.WriteTimeout = silenceMax, silenceMax
	options.ContextTimeoutEnabled = true
	options.PoolSize = 1 // Of the publisher, which waits for each answer; a subscription has its own.
	options.DisableIdentity = true
	none := maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.MaintNotificationsConfig = &none
	redis.SetLogger(quiet{})
	return redis.NewClient(options)
}
