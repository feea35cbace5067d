//go:build tuned

package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/gorilla/websocket"
)

// textBytesMax is how much memory of a message is kept for others.
const textBytesMax = 16 << 10

// Most texts are plain: an object of strings in which nothing is escaped. These are taken apart and
// put together here, without a map or reflection. encoding/json has whatever else may come.

// decode is given what is UTF-8. It is false for what is no JSON. What it returns lies in the
// text's own memory, which nobody writes to before the next message is received: a copy would be
// the only allocation of a message's size.
func decode(text []byte) (request, bool) {
	if q, isPlain := decodePlain(unsafe.String(unsafe.SliceData(text), len(text))); isPlain {
		q.isPlain = true
		return q, true
	}
	return decodeAny(text)
}

// decodePlain is false for what it does not know, which may be JSON all the same.
func decodePlain(text string) (q request, isPlain bool) {
	rest, isObject := strings.CutPrefix(text, "{")
	for isObject {
		var key, value string
		if key, rest, isPlain = cutString(rest, ':'); !isPlain {
			return q, false
		}
		last := false
		if value, rest, isPlain = cutString(rest, ','); !isPlain {
			if value, rest, last = cutString(rest, '}'); !last || rest != "" {
				return q, false
			}
		}
		q.set(key, value)
		if last {
			return q, true
		}
	}
	return q, false
}

// set knows the fields that are strings. The last of equal keys counts, as with encoding/json.
func (q *request) set(key, value string) {
	switch key {
	case "type":
		q.kind, q.hasKind = value, true
	case "room":
		q.room = value
	case "to":
		q.to = value
	case "content":
		q.content, q.hasContent = value, true
	case "ms":
		q.ms = 0
	}
}

// cutString takes a string without escapes, and what has to follow it, from the text's beginning.
func cutString(text string, follows byte) (value, rest string, found bool) {
	if text == "" || text[0] != '"' {
		return "", text, false
	}
	end := 1 + strings.IndexByte(text[1:], '"')
	if end == 0 || end+1 == len(text) || text[end+1] != follows {
		return "", text, false
	}
	value = text[1:end] // Without a quote.
	if strings.IndexByte(value, '\\') >= 0 || hasControl(value) {
		return "", text, false
	}
	return value, text[end+2:], true
}

// isPlain is whether a string stands between quotes as it is (RFC 8259, 7).
func isPlain(text string) bool {
	return strings.IndexByte(text, '"') < 0 && strings.IndexByte(text, '\\') < 0 && !hasControl(text)
}

// hasControl is whether a byte is below a blank. It looks at eight of them at once, and at the
// outcome of four such looks.
func hasControl(text string) bool {
	for ; len(text) >= 32; text = text[32:] {
		if (below(text)|below(text[8:])|below(text[16:])|below(text[24:]))&highest != 0 {
			return true
		}
	}
	for ; len(text) >= 8; text = text[8:] {
		if below(text)&highest != 0 {
			return true
		}
	}
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' {
			return true
		}
	}
	return false
}

const (
	each    = 0x01_01_01_01_01_01_01_01
	highest = each << 7
)

// below has the highest bit set of each of the first eight bytes that is below a blank, and maybe
// of one behind such a one: a smaller byte borrows. Bytes of 128 and more have that bit anyway.
func below(text string) uint64 {
	word := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
	return (word - each*' ') &^ word
}

// encode knows that a number and strings of UTF-8 can always be encoded.
func (e event) encode() []byte { return e.appendTo(make([]byte, 0, e.bytes())) }

// forOne has room for the frame's head from the start: no second copy.
func (e event) forOne() frame {
	text := make([]byte, headBytesMax, headBytesMax+e.bytes())
	return withHead(websocket.TextMessage, e.appendTo(text))
}

// encoded are what messages to rooms are encoded in: a room's log has a copy of each.
var encoded = sync.Pool{New: func() any { return new([]byte) }}

// publishTo has room for the head, too.
func (e event) publishTo(r *room) {
	memory := encoded.Get().(*[]byte)
	text := e.appendTo(append((*memory)[:0], make([]byte, headBytesMax)...))
	r.publish(withHead(websocket.TextMessage, text))
	if cap(text) <= textBytesMax {
		*memory = text
		encoded.Put(memory)
	}
}

// bytes are enough for what has no escapes.
func (e event) bytes() int {
	size := 160 + len(e.Room) + len(e.User) + len(e.Message)
	if e.Content != nil {
		size += len(*e.Content)
	}
	return size
}

func (e event) appendTo(text []byte) []byte {
	text = append(text, '{')
	for _, field := range []struct{ name, value string }{
		{"type", e.Type}, {"room", e.Room}, {"user", e.User}, {"code", e.Code},
		{"message", e.Message}, {"build", e.Build},
	} {
		if field.value != "" {
			text = appendField(text, field.name, field.value, isPlain(field.value))
		}
	}
	if e.Content != nil {
		text = appendField(text, "content", *e.Content, e.isPlain || isPlain(*e.Content))
	}
	if e.Timestamp != 0 {
		text = append(text, `"timestamp":`...)
		text = append(strconv.AppendInt(text, e.Timestamp, 10), ',')
	}
	text[len(text)-1] = '}' // In place of the last comma.
	return text
}

func appendField(text []byte, name, value string, plain bool) []byte {
	text = append(append(append(text, '"'), name...), '"', ':')
	if plain {
		text = append(append(append(text, '"'), value...), '"')
	} else {
		quoted, _ := json.Marshal(value)
		text = append(text, quoted...)
	}
	return append(text, ',')
}

// texts are what messages are read into, for as long as each is handled: a client that is silent
// has none.
var texts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// receive is the next message, until the next call.
func (c *connection) receive() (kind int, text []byte, err error) {
	c.outbox.forget()
	kind, reader, err := c.conn.NextReader()
	if err != nil {
		return kind, nil, err
	}
	buffer := texts.Get().(*bytes.Buffer)
	c.outbox.text = buffer
	_, err = buffer.ReadFrom(reader)
	return kind, buffer.Bytes(), err
}

// forget gives back what the last message was read into, unless that is unusually large.
func (o *outbox) forget() {
	if o.text != nil && o.text.Cap() <= textBytesMax {
		o.text.Reset()
		texts.Put(o.text)
	}
	o.text = nil
}
