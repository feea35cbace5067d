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
	isPlain   bool    // The content is known to stand between quotes as it is.
}

// request is what a client asks for. What is no string counts as the empty one, which is no name.
// Its strings may lie in the memory that the message was read into: they last until it is handled.
type request struct {
	kind, room, to, content string
	hasKind, hasContent     bool
	isPlain                 bool    // All strings stood between their quotes as they are.
	ms                      float64 // Of a fault: see faults.go.
}

// decodeAny is false for what is no JSON.
func decodeAny(text []byte) (q request, isJSON bool) {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return q, false
	}
	// A map, because encoding/json matches a struct's fields without regard to case. What is no
	// object leaves it nil, which has no type either.
	fields, _ := value.(map[string]any)
	q.kind, q.hasKind = fields["type"].(string)
	q.room, _ = fields["room"].(string)
	q.to, _ = fields["to"].(string)
	q.content, q.hasContent = fields["content"].(string)
	q.ms, _ = fields["ms"].(float64)
	return q, true
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
	q, isJSON := request{}, false
	if opcode == websocket.TextMessage {
		q, isJSON = decode(text)
	}
	if !isJSON {
		c.close(websocket.CloseUnsupportedData, "Malformed message")
		return
	}
	room := c.rooms[q.room]
	switch {
	case q.kind == "heartbeat":
		c.reply(event{Type: q.kind, Timestamp: now()})
	case q.kind == "join" && isName(q.room):
		c.enter(strings.Clone(q.room)) // It outlasts the request.
	case q.kind == "leave" && room != nil:
		delete(c.rooms, q.room)
		c.leave(room, c.news("user_left", q.room))
	case q.kind == "message" && room != nil && q.hasContent:
		c.publish(room, event{Type: q.kind, Room: q.room, User: c.user, Content: &q.content,
			Timestamp: now(), isPlain: q.isPlain})
	case q.kind == "direct" && isName(q.to) && q.hasContent:
		c.direct(q.to, event{Type: q.kind, User: c.user, Content: &q.content, Timestamp: now(),
			isPlain: q.isPlain})
	case q.kind == "leave" && isName(q.room), q.kind == "message" && isName(q.room) && q.hasContent:
		c.refuse("not_joined", "join the room first")
	case !q.hasKind, q.kind == "join", q.kind == "leave", q.kind == "message", q.kind == "direct":
		c.refuse("bad_request", "type and content are strings; room and to: "+nameRule)
	default:
		c.commitFault(q)
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
