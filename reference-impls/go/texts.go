//go:build !tuned

package main

import "encoding/json"

// encode has no error to return: strings and a number can always be encoded.
func (e event) encode() []byte {
	text, _ := json.Marshal(e)
	return text
}

func decode(text []byte) (request, bool) { return decodeAny(text) }

// receive is the next message.
func (c *connection) receive() (kind int, text []byte, err error) { return c.conn.ReadMessage() }
