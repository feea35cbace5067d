//go:build tuned

package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
)

// heard is what an oracle expects of a client: the number of each step that concerns it, by its
// source, which is a room or the client alone.
type heard struct {
	client *connection
	far    net.Conn
	rooms  map[*room]bool
	steps  []string
}

// Joins, leaves, messages, what is for one alone, and turns at any time, one after the other: so
// there is one order, which a list for each client keeps.
func TestClientsHearWhatAnOracleKeeps(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		writers := []*writer{resting(), resting()}
		writers[1].number = 1
		rooms := []*room{newRoom("0"), newRoom("1"), newRoom("2")}
		clients := make([]*heard, 6)
		for i := range clients {
			c, far := pipe(t, writers[i%2])
			clients[i] = &heard{client: c, far: far, rooms: map[*room]bool{}}
		}
		for step := range 400 {
			one, r := clients[random.IntN(len(clients))], rooms[random.IntN(len(rooms))]
			switch kind := random.IntN(10); {
			case kind == 0:
				writers[random.IntN(2)].turn()
			case kind == 1:
				own := fmt.Sprint("own ", step)
				one.client.deliver(padded(random, own))
				one.steps = append(one.steps, own)
			case kind == 2 && one.rooms[r]:
				r.remove(one.client)
				delete(one.rooms, r)
			case kind < 4 && !one.rooms[r]:
				r.add(one.client)
				one.rooms[r] = true
				fallthrough
			default:
				told := fmt.Sprint(r.name, " ", step)
				r.tell(padded(random, told))
				for _, c := range clients {
					if c.rooms[r] {
						c.steps = append(c.steps, told)
					}
				}
			}
		}
		for _, one := range clients {
			one.client.outbox.Write(goodbye)
			one.compare(t, seed)
		}
	}
}

// padded is a frame of text that begins with what counts.
func padded(random *rand.Rand, text string) frame {
	return forAll([]byte(text + "\n" + strings.Repeat("x", random.IntN(3_000))))
}

// compare has the order of what rooms say among each other left open, but that of a room, and that
// of a room and what is for the client alone.
func (h *heard) compare(t *testing.T, seed uint64) {
	t.Helper()
	got := textsOf(t, h.far)
	for _, source := range []string{"0", "1", "2", "own"} {
		ofSource := func(step string) bool { return !strings.HasPrefix(step, source+" ") }
		want := slices.DeleteFunc(slices.Clone(h.steps), ofSource)
		if came := slices.DeleteFunc(slices.Clone(got), ofSource); !slices.Equal(came, want) {
			t.Fatalf("seed %d: of %s came %v, want %v", seed, source, came, want)
		}
	}
	for at, step := range h.steps {
		if strings.HasPrefix(step, "own ") && !sameSet(got[:at], h.steps[:at]) {
			t.Fatalf("seed %d: before %s came %v, want %v", seed, step, got[:at], h.steps[:at])
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// textsOf is the first line of each text up to the close.
func textsOf(t *testing.T, far net.Conn) (lines []string) {
	t.Helper()
	in := bufio.NewReader(far)
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(in, head); err != nil {
			t.Fatal(err)
		}
		if head[0] == goodbye[0] {
			return lines
		}
		size := int(head[1])
		if size == 126 {
			if _, err := io.ReadFull(in, head); err != nil {
				t.Fatal(err)
			}
			size = int(head[0])<<8 | int(head[1])
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		lines = append(lines, line)
	}
}
