package main

import (
	"log"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// variant is what the variants of this server differ in; GOGC comes by environment.
type variant struct {
	websocket.Upgrader
	outboxMessages int
	batches        bool // See batch.go.
}

// The origin is not checked: chat/1 leaves that to whatever stands in front.
func anyOrigin(*http.Request) bool { return true }

var variants = map[string]variant{
	"default": {
		Upgrader:       websocket.Upgrader{CheckOrigin: anyOrigin},
		outboxMessages: 256,
	},
	// gorilla's advice on buffers: no larger than what is usually received, and write buffers that
	// connections share. A connection of the default keeps both of net/http's, 4,096 bytes each.
	"tuned": {
		Upgrader: websocket.Upgrader{
			CheckOrigin: anyOrigin, ReadBufferSize: 2_048, WriteBufferPool: &sync.Pool{},
		},
		outboxMessages: 1_024,
		batches:        true,
	},
}

func chosenVariant(name string) variant {
	if name == "" {
		name = "default"
	}
	chosen, known := variants[name]
	if !known {
		log.Fatalf("CHAT_VARIANT is %q: give default or tuned", name)
	}
	return chosen
}

func (v variant) upgrade(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	if v.batches {
		w = batching{w}
	}
	return v.Upgrade(w, r, nil)
}

func (v variant) newOutbox(conn *websocket.Conn) chan *websocket.PreparedMessage {
	outbox := make(chan *websocket.PreparedMessage, v.outboxMessages)
	if transport, ok := conn.NetConn().(*batch); ok {
		transport.more = func() bool { return len(outbox) > 0 }
	}
	return outbox
}
