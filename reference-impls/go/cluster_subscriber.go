//go:build cluster

package main

import (
	"context"
	"encoding/binary"
	"log"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// silenceMax is for how long Redis may stand still, as where it writes a snapshot. What is
	// published waits; a connection that is silent for longer is taken for dead.
	silenceMax       = 10 * time.Second
	pingEvery        = 2 * time.Second
	dialTimeout      = 2 * time.Second
	retryMin         = 50 * time.Millisecond
	retryMax         = time.Second
	steadyAfter      = 2 * time.Second // A connection that ends before was none.
	channelsAtOnce   = 1_000
	announcementsMax = 1<<32 - 1
)

// quiet has nothing of the library's own on standard error: what matters is said in one line.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// subscriber is subscribed to what somebody here is interested in, and to nothing else.
type subscriber struct {
	client *redis.Client
	node   nodeID
	tell   func(channel string, text []byte)

	mutex     sync.Mutex
	holders   map[string]int
	pubsub    *redis.PubSub              // Nil without a connection.
	asked     map[string][]chan struct{} // By channel: closed one by one, as Redis answers.
	announced map[uint32]func(heard bool)
	last      uint32
	up        bool
}

func newSubscriber(client *redis.Client, node nodeID, tell func(string, []byte)) *subscriber {
	return &subscriber{
		client: client, node: node, tell: tell,
		holders: map[string]int{}, asked: map[string][]chan struct{}{},
		announced: map[uint32]func(bool){},
	}
}

var nothing = func() <-chan struct{} { done := make(chan struct{}); close(done); return done }()

// hold gives what is closed once the subscription stands, or there is no Redis to wait for.
func (s *subscriber) hold(channel string) <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.holders[channel]++
	if s.holders[channel] == 1 {
		s.ask((*redis.PubSub).Subscribe, channel)
	}
	return s.answered(channel)
}

func (s *subscriber) release(channel string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.holders[channel]--; s.holders[channel] == 0 {
		delete(s.holders, channel)
		s.ask((*redis.PubSub).Unsubscribe, channel)
	}
}

// released gives what is closed once Redis has answered all that was asked of a channel.
func (s *subscriber) released(channel string) <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.answered(channel)
}

// ask and answered are called with the mutex held.
func (s *subscriber) ask(
	verb func(*redis.PubSub, context.Context, ...string) error, channels ...string,
) {
	if s.pubsub == nil {
		return
	}
	for _, channel := range channels {
		s.asked[channel] = append(s.asked[channel], make(chan struct{}))
	}
	// If it fails, so does the reading, and the next connection subscribes to everything.
	verb(s.pubsub, context.Background(), channels...)
}

func (s *subscriber) answered(channel string) <-chan struct{} {
	if asked := s.asked[channel]; len(asked) > 0 {
		return asked[len(asked)-1]
	}
	return nothing
}

// announce gives the number of an announcement. onHeard is called when it has come back, before
// anything that was published after it; or with false, where that can't be waited for.
func (s *subscriber) announce(onHeard func(heard bool)) uint32 {
	s.mutex.Lock()
	s.last = s.last%announcementsMax + 1
	number, up := s.last, s.up
	s.announced[number] = onHeard
	s.mutex.Unlock()
	if !up {
		s.settle(number, false)
	}
	return number
}

// settle does nothing for an announcement that is settled.
func (s *subscriber) settle(number uint32, heard bool) {
	s.mutex.Lock()
	onHeard := s.announced[number]
	delete(s.announced, number)
	s.mutex.Unlock()
	if onHeard != nil {
		onHeard(heard)
	}
}

func (s *subscriber) isUp() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.up
}

func (s *subscriber) run() {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		began := time.Now()
		pubsub := s.client.Subscribe(context.Background())
		if err := pubsub.Ping(context.Background()); err == nil {
			stop := s.keepAwake(pubsub)
			err = s.read(pubsub)
			stop()
			s.lose(err)
		}
		pubsub.Close()
		if time.Since(began) > steadyAfter {
			pause = retryMin
		}
		time.Sleep(pause/2 + rand.N(pause))
	}
}

// read subscribes to all that is wanted and serves what comes until the connection ends.
func (s *subscriber) read(pubsub *redis.PubSub) error {
	s.mutex.Lock()
	s.pubsub = pubsub
	wanted := slices.Collect(maps.Keys(s.holders))
	for some := range slices.Chunk(wanted, channelsAtOnce) {
		s.ask((*redis.PubSub).Subscribe, some...)
	}
	left := len(wanted)
	s.mutex.Unlock()
	if left == 0 {
		s.rise()
	}
	for {
		received, err := pubsub.ReceiveTimeout(context.Background(), silenceMax)
		if err != nil {
			return err
		}
		switch one := received.(type) {
		case *redis.Message:
			s.hear(one.Channel, []byte(one.Payload))
		case *redis.Subscription:
			s.confirm(one.Channel)
			if left--; left == 0 {
				s.rise()
			}
		}
	}
}

func (s *subscriber) confirm(channel string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	asked := s.asked[channel]
	if len(asked) == 0 {
		return
	}
	close(asked[0])
	if s.asked[channel] = asked[1:]; len(asked) == 1 {
		delete(s.asked, channel)
	}
}

func (s *subscriber) hear(channel string, bytes []byte) {
	switch {
	case len(bytes) < headBytes:
	case nodeID(bytes) == s.node:
		s.settle(binary.BigEndian.Uint32(bytes[len(s.node):]), true)
	default:
		s.tell(channel, bytes[headBytes:])
	}
}

func (s *subscriber) rise() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.up = true
	log.Print("the backplane is up")
}

// lose has nobody wait for what can't come any more.
func (s *subscriber) lose(err error) {
	s.mutex.Lock()
	if s.up {
		log.Print("the backplane is down: ", err)
	}
	s.up, s.pubsub = false, nil
	for _, asked := range s.asked {
		for _, one := range asked {
			close(one)
		}
	}
	clear(s.asked)
	numbers := slices.Collect(maps.Keys(s.announced))
	s.mutex.Unlock()
	for _, number := range numbers {
		s.settle(number, false)
	}
}

// keepAwake has Redis say something now and then, until stop is called.
func (s *subscriber) keepAwake(pubsub *redis.PubSub) (stop func()) {
	ticker, done := time.NewTicker(pingEvery), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				pubsub.Ping(context.Background())
			case <-done:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(done) }
}
