package main

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lxzan/gws"
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

// handle serves one message, or closes the connection. gws has checked that text is UTF-8.
func (c *connection) handle(opcode gws.Opcode, text []byte) {
	var value any
	if opcode != gws.OpcodeText || json.Unmarshal(text, &value) != nil {
		c.close(closeUnsupported, "Malformed message")
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
		c.answer(event{Type: kind, Timestamp: now()})
	case kind == "join" && isName(name):
		c.join(name)
	case kind == "leave" && room != nil:
		delete(c.rooms, name)
		c.hub.leave(c, room)
	case kind == "message" && room != nil && hasContent:
		room.publish(event{Type: kind, Room: name, User: c.user, Content: &content, Timestamp: now()})
	case kind == "direct" && isName(to) && hasContent:
		if !c.hub.direct(to, event{Type: kind, User: c.user, Content: &content, Timestamp: now()}) {
			c.refuse("no_such_user", "nobody by that name is connected")
		}
	case kind == "leave" && isName(name), kind == "message" && isName(name) && hasContent:
		c.refuse("not_joined", "join the room first")
	case !hasKind, kind == "join", kind == "leave", kind == "message", kind == "direct":
		c.refuse("bad_request", "type and content are strings; room and to: "+nameRule)
	default:
		c.commitFault(kind, request)
	}
}

func (c *connection) join(name string) {
	switch {
	case c.rooms[name] != nil:
		c.answer(event{Type: "user_joined", Room: name, User: c.user, Timestamp: now()})
	case len(c.rooms) >= roomsMax:
		c.refuse("too_many_rooms", "a connection can be in 64 rooms")
	default:
		c.rooms[name] = c.hub.join(c, name)
	}
}

func (c *connection) refuse(code, message string) {
	c.answer(event{Type: "error", Code: code, Message: message})
}
