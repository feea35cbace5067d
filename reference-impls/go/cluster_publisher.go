//go:build cluster

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	// waitingBytesMax is what may wait for Redis; more is refused to whoever says it.
	waitingBytesMax = 16 << 20
	batchMax        = 1_000
)

var (
	errTooMuch = errors.New("too much waits for Redis")
	errDown    = errors.New("the backplane is down")
)

type publication struct {
	channel string
	text    []byte
	number  uint32          // Of an announcement, else 0.
	toAll   bool            // The publisher's own clients are to hear it as well.
	after   <-chan struct{} // It is sent once this is closed, if it is there.
	done    func(nodes int64, err error)
}

// publisher sends what waits in one pipeline, and waits for its answers: so the order stays.
type publisher struct {
	node   nodeID
	client *redis.Client
	isUp   func() bool

	mutex   sync.Mutex
	change  sync.Cond
	waiting []*publication
	bytes   int
	open    sync.WaitGroup // Publications without an answer.
}

func newPublisher(client *redis.Client, isUp func() bool) *publisher {
	p := &publisher{client: client, isUp: isUp}
	p.change.L = &p.mutex
	rand.Read(p.node[:])
	return p
}

func (p *publisher) publish(one *publication) {
	p.open.Add(1)
	if one.after == nil || one.after == nothing {
		p.put(one)
		return
	}
	go func() {
		<-one.after
		p.put(one)
	}()
}

// put has nobody wait for a Redis that is known to be gone.
func (p *publisher) put(one *publication) {
	if !p.isUp() {
		p.answer(one, 0, errDown)
		return
	}
	p.mutex.Lock()
	tooMuch := p.bytes > waitingBytesMax
	if !tooMuch {
		p.waiting = append(p.waiting, one)
		p.bytes += len(one.text)
		p.change.Signal()
	}
	p.mutex.Unlock()
	if tooMuch {
		p.answer(one, 0, errTooMuch)
	}
}

func (p *publisher) answer(one *publication, nodes int64, err error) {
	one.done(nodes, err)
	p.open.Done()
}

func (p *publisher) run() {
	for {
		batch := p.take()
		var answers []*redis.IntCmd
		// To connect again is within it, too.
		whole, cancel := context.WithTimeout(context.Background(), silenceMax)
		// An error is each command's own, too.
		p.client.Pipelined(whole, func(pipe redis.Pipeliner) error {
			for _, one := range batch {
				message := append(one.head(p.node), one.text...)
				answers = append(answers, pipe.Publish(context.Background(), one.channel, message))
			}
			return nil
		})
		cancel()
		p.mutex.Lock()
		for _, one := range batch {
			p.bytes -= len(one.text)
		}
		p.mutex.Unlock()
		for at, one := range batch {
			nodes, err := answers[at].Result()
			p.answer(one, nodes, err)
		}
	}
}

func (p *publisher) take() []*publication {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for len(p.waiting) == 0 {
		p.change.Wait()
	}
	batch := p.waiting[:min(len(p.waiting), batchMax)]
	p.waiting = p.waiting[len(batch):]
	return batch
}

func (p *publisher) finished() <-chan struct{} {
	done := make(chan struct{})
	go func() { p.open.Wait(); close(done) }()
	return done
}
