package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/gorilla/websocket"
)

// event is any message that the server sends. A content stays as the sender wrote it.
type event struct {
	Type      string          `json:"type"`
	Room      string          `json:"room,omitempty"`
	User      string          `json:"user,omitempty"`
	Content   json.RawMessage `json:"content,omitempty"`
	Code      string          `json:"code,omitempty"`
	Message   string          `json:"message,omitempty"`
	Timestamp int64           `json:"timestamp,omitempty"`
}

// encode makes the finished frame, once for all who receive it. Neither step can fail: contents
// were found to be JSON on arrival, and a text frame of any size can be prepared.
func (e event) encode() *websocket.PreparedMessage {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	frame, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		panic(err)
	}
	return frame
}

func now() int64 { return time.Now().UnixMilli() }

var errNotAnObject = errors.New("not a JSON object")

// request is a message from a client, its fields still undecoded. It is a map because
// encoding/json would match the names of a struct's fields without regard to case.
type request map[string]json.RawMessage

func parseRequest(text []byte) (request, error) {
	var r request
	err := json.Unmarshal(text, &r)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return nil, errNotAnObject
	}
	return r, err
}

// raw gives a field that must be a string, as it was written.
func (r request) raw(field string) (json.RawMessage, bool) {
	value := r[field]
	return value, len(value) > 0 && value[0] == '"'
}

func (r request) text(field string) (string, bool) {
	value, ok := r.raw(field)
	if !ok {
		return "", false
	}
	var text string
	err := json.Unmarshal(value, &text)
	return text, err == nil
}

func (r request) name(field string) (string, bool) {
	name, ok := r.text(field)
	return name, ok && isName(name)
}
