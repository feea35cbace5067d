package main

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	roomsMax = 64
	nameRule = "give 1 to 64 bytes of UTF-8 without control characters"
)

// event is any message that the server sends.
type event struct {
	Type      string  `json:"type"`
	Room      string  `json:"room,omitempty"`
	User      string  `json:"user,omitempty"`
	Content   *string `json:"content,omitempty"` // A pointer, because "" is a content too.
	Code      string  `json:"code,omitempty"`
	Message   string  `json:"message,omitempty"`
	Build     string  `json:"build,omitempty"`
	Timestamp int64   `json:"timestamp,omitempty"`
}

// encode has no error to return: strings and a number can always be encoded.
func (e event) encode() []byte {
	text, _ := json.Marshal(e)
	return text
}

func now() int64 { return time.Now().UnixMilli() }

func isName(name string) bool {
	return name != "" && len(name) <= 64 && utf8.ValidString(name) &&
		strings.IndexFunc(name, unicode.IsControl) < 0
}

// handle serves one message, or closes the connection.
func (c *connection) handle(opcode int, text []byte) {
	// Neither the library nor encoding/json refuses text that is not UTF-8.
	if opcode == websocket.TextMessage && !utf8.Valid(text) {
		c.close(websocket.CloseInvalidFramePayloadData, "Text is not UTF-8")
		return
	}
	var value any
	if opcode != websocket.TextMessage || json.Unmarshal(text, &value) != nil {
		c.close(websocket.CloseUnsupportedData, "Malformed message")
		return
	}
	// A map, because encoding/json matches a struct's fields without regard to case. What is no
	// object leaves it nil, which has no type either.
	request, _ := value.(map[string]any)
	kind, hasKind := request["type"].(string)
	name, _ := request["room"].(string)
	to, _ := request["to"].(string)
	content, hasContent := request["content"].(string)
	room := c.rooms[name]
	switch {
	case kind == "heartbeat":
		c.reply(event{Type: kind, Timestamp: now()})
	case kind == "join" && isName(name):
		c.enter(name)
	case kind == "leave" && room != nil:
		delete(c.rooms, name)
		c.leave(room, c.news("user_left", name))
	case kind == "message" && room != nil && hasContent:
		e := event{Type: kind, Room: name, User: c.user, Content: &content, Timestamp: now()}
		c.publish(room, e.encode())
	case kind == "direct" && isName(to) && hasContent:
		c.direct(to, event{Type: kind, User: c.user, Content: &content, Timestamp: now()}.encode())
	case kind == "leave" && isName(name), kind == "message" && isName(name) && hasContent:
		c.refuse("not_joined", "join the room first")
	case !hasKind, kind == "join", kind == "leave", kind == "message", kind == "direct":
		c.refuse("bad_request", "type and content are strings; room and to: "+nameRule)
	default:
		c.commitFault(kind, request)
	}
}

func (c *connection) enter(name string) {
	switch {
	case c.rooms[name] != nil:
		c.deliver(forOne(websocket.TextMessage, c.news("user_joined", name)))
	case len(c.rooms) >= roomsMax:
		c.refuse("too_many_rooms", "a connection can be in 64 rooms")
	default:
		c.rooms[name] = c.join(name, c.news("user_joined", name))
	}
}

// news is what the members of a room are told of this client.
func (c *connection) news(kind, room string) []byte {
	return event{Type: kind, Room: room, User: c.user, Timestamp: now()}.encode()
}

func (c *connection) refuse(code, message string) {
	c.reply(event{Type: "error", Code: code, Message: message})
}
