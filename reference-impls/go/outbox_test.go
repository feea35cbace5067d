//go:build !tuned

package main

var variants = []string{"default"}
