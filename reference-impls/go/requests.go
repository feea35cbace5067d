package main

import (
	"errors"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const roomsMax = 64

// handle serves one message, or ends the connection.
func (c *connection) handle(kind int, text []byte) {
	if kind != websocket.TextMessage {
		c.close(websocket.CloseUnsupportedData, "Malformed message")
		return
	}
	// Neither the library nor encoding/json refuses text that is not UTF-8.
	if !utf8.Valid(text) {
		c.close(websocket.CloseInvalidFramePayloadData, "Text is not UTF-8")
		return
	}
	request, err := parseRequest(text)
	switch {
	case errors.Is(err, errNotAnObject):
		c.refuse("bad_request", "a message is a JSON object")
	case err != nil:
		c.close(websocket.CloseUnsupportedData, "Malformed message")
	default:
		c.answer(request)
	}
}

func (c *connection) answer(r request) {
	kind, isString := r.text("type")
	name, isName := r.name("room")
	content, hasContent := r.raw("content")
	room, joined := c.rooms[name]
	switch {
	case !isString:
		c.refuse("bad_request", "type: give a string")
	case kind == "heartbeat":
		c.deliver(event{Type: kind, Timestamp: now()}.encode())
	case kind == "direct":
		c.direct(r)
	case kind != "join" && kind != "leave" && kind != "message":
		// A later version of the protocol: chat/1 has this ignored.
	case !isName || kind == "message" && !hasContent:
		c.refuse("bad_request", "room: give a name of 1 to 64 bytes; content: give a string")
	case kind == "join":
		c.join(name, joined)
	case !joined:
		c.refuse("not_joined", "join the room first")
	case kind == "leave":
		delete(c.rooms, name)
		c.hub.leave(c, room)
	default:
		room.publish(event{
			Type: kind, Room: name, User: c.user, Content: content, Timestamp: now(),
		})
	}
}

func (c *connection) join(name string, joined bool) {
	switch {
	case joined:
		c.deliver(event{Type: "user_joined", Room: name, User: c.user, Timestamp: now()}.encode())
	case len(c.rooms) >= roomsMax:
		c.refuse("too_many_rooms", "a connection can be in 64 rooms")
	default:
		c.rooms[name] = c.hub.join(c, name)
	}
}

func (c *connection) direct(r request) {
	to, isName := r.name("to")
	content, hasContent := r.raw("content")
	if !isName || !hasContent {
		c.refuse("bad_request", "to: give a name of 1 to 64 bytes; content: give a string")
		return
	}
	if !c.hub.direct(to, event{Type: "direct", User: c.user, Content: content, Timestamp: now()}) {
		c.refuse("no_such_user", "nobody by that name is connected")
	}
}

func (c *connection) refuse(code, message string) {
	c.deliver(event{Type: "error", Code: code, Message: message}.encode())
}
