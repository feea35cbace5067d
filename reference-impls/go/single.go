//go:build !tuned && !batched

package main

// write makes a message a write of its own: all variants but `batched`, for which see batch.go.
func (c *connection) write(f frame) error { return f(c.conn) }
