//go:build tuned

package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkRooms serves full rooms over real sockets. Its profile is what the compiler is given
// (see README.md): the clients are in it, too, but hardly any of the code that they run in the
// server.
func BenchmarkRooms(b *testing.B) {
	const rooms, members, ahead = 10, 100, 64
	address, _ := startVariant(b, "tuned")
	tokens := make(chan struct{}, ahead)
	var senders []*websocket.Conn
	for r := 0; r < rooms; r++ {
		join := fmt.Sprintf(`{"type":"join","room":"%d"}`, r)
		for m := 1; m < members; m++ {
			silent := dial(b, address, "silent")
			send(b, silent, join)
			go io.Copy(io.Discard, silent.NetConn())
		}
		sender := dial(b, address, "sender")
		send(b, sender, join)
		expect(b, sender, "user_joined", "sender")
		sender.SetReadDeadline(time.Time{})
		senders = append(senders, sender)
		go func() {
			for {
				if _, _, err := sender.ReadMessage(); err != nil {
					return
				}
				<-tokens
			}
		}()
	}
	content := strings.Repeat("x", 1_024)
	for i := 0; b.Loop(); i++ {
		tokens <- struct{}{}
		room := i % rooms
		send(b, senders[room],
			fmt.Sprintf(`{"type":"message","room":"%d","content":"%s"}`, room, content))
	}
	for i := 0; i < ahead; i++ {
		tokens <- struct{}{}
	}
}
