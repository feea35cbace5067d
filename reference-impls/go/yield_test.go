//go:build tuned

package main

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"
)

// Not all of them each time: the runtime lets one who has yielded run first at every 61st switch.
func TestMostReadersWhoseSocketsHaveSomethingRunBeforeWhoYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const readers, rounds = 20, 50
	y := newYielder()
	var read atomic.Int64
	var clients []io.Writer
	for range readers {
		c, far := pipe(t, resting())
		clients = append(clients, far)
		go func() {
			for text := make([]byte, 1); ; read.Add(1) {
				if _, err := c.outbox.TCPConn.Read(text); err != nil {
					return
				}
			}
		}()
	}
	y.yield() // They wait now.
	late := int64(0)
	for round := int64(1); round <= rounds; round++ {
		for _, client := range clients {
			client.Write([]byte("x"))
		}
		y.yield()
		late += round*readers - read.Load()
	}
	if late > readers*rounds/2 {
		t.Errorf("%d of %d texts were read late", late, readers*rounds)
	}
}
