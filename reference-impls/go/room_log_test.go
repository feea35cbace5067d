//go:build tuned

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"weak"
)

// everything reads a cursor to its end.
func everything(c *cursor) (all []byte) {
	for piece := c.next(); piece != nil; piece = c.next() {
		all = append(all, piece...)
	}
	return all
}

func someFrame(random *rand.Rand) frame {
	size := random.IntN(200)
	if random.IntN(50) == 0 {
		size = random.IntN(2 * chunkBytesMax)
	}
	return bytes.Repeat([]byte{byte(random.Uint32())}, 1+size)
}

// An oracle keeps all bytes in one slice, and for each cursor where it stands.
func TestCursorsReadWhatAnOracleKeeps(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		l := newRoomLog()
		var all []byte
		cursors := map[*cursor]int{}
		for range 500 {
			switch random.IntN(8) {
			case 0:
				c := l.reader()
				cursors[&c] = len(all)
			case 1:
				for c := range cursors {
					delete(cursors, c)
					break
				}
			case 2:
				l.markRead()
			case 3:
				for c, at := range cursors {
					piece := c.next()
					if !bytes.HasPrefix(all[at:], piece) || piece == nil && at != len(all) {
						t.Fatalf("seed %d: %d bytes that are not due, at %d", seed, len(piece), at)
					}
					cursors[c] = at + len(piece)
					break
				}
			default:
				f := someFrame(random)
				l.append(f)
				all = append(all, f...)
			}
		}
		for c, at := range cursors {
			if c.lag() != len(all)-at {
				t.Errorf("seed %d: a lag of %d, want %d", seed, c.lag(), len(all)-at)
			}
			if !bytes.Equal(everything(c), all[at:]) || c.lag() != 0 {
				t.Errorf("seed %d: a cursor read something else", seed)
			}
		}
	}
}

func TestPiecesEndWhereFramesDo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l := newRoomLog()
	c := l.reader()
	ends, end := map[int]bool{}, 0
	for range 5_000 {
		f := someFrame(random)
		l.append(f)
		end += len(f)
		ends[end] = true
	}
	at := 0
	for piece := c.next(); piece != nil; piece = c.next() {
		if at += len(piece); !ends[at] {
			t.Fatalf("a piece ends at %d, in the middle of a frame", at)
		}
	}
}

func TestALogIsReadWhileItGrows(t *testing.T) {
	const frames, readers = 20_000, 4
	l := newRoomLog()
	var want []byte
	for i := range frames {
		want = fmt.Append(want, i, " ")
	}
	var reading sync.WaitGroup
	for range readers {
		c := l.reader()
		reading.Go(func() {
			var got []byte
			for len(got) < len(want) {
				got = append(got, everything(&c)...)
				runtime.Gosched()
			}
			if !bytes.Equal(got, want) {
				t.Error("a reader got something else")
			}
		})
	}
	for i := range frames {
		l.append(fmt.Append(nil, i, " "))
	}
	reading.Wait()
}

func TestChunksThatNobodyNeedsAreFreed(t *testing.T) {
	l := newRoomLog()
	slow, fast := l.reader(), l.reader()
	var chunks []weak.Pointer[chunk]
	fill := func() {
		for range 3 {
			l.append(make(frame, chunkBytesMax))
			chunks = append(chunks, weak.Make(l.tail))
			everything(&fast)
		}
	}
	fill()
	runtime.GC()
	for _, chunk := range chunks {
		if chunk.Value() == nil {
			t.Fatal("a chunk is freed that the slow cursor has not read")
		}
	}
	everything(&slow)
	fill()
	everything(&slow)
	runtime.GC()
	for _, chunk := range chunks[:len(chunks)-1] {
		if chunk.Value() != nil {
			t.Error("a chunk is kept that all cursors are past")
		}
	}
	runtime.KeepAlive(slow)
	runtime.KeepAlive(fast)
	runtime.KeepAlive(l)
}

func TestAQuietLogKeepsSmallChunks(t *testing.T) {
	l := newRoomLog()
	for range 10_000 {
		l.append(make(frame, 100))
		l.markRead()
	}
	if size := len(l.tail.bytes); size != chunkBytesMin {
		t.Errorf("a chunk of %d bytes, want %d", size, chunkBytesMin)
	}
}
