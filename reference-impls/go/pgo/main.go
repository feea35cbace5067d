// Command pgo renames the functions in a CPU profile of the tests' program, in which this server
// is an imported package, to what they are called in the server itself, where it is main. The
// compiler finds no function of the program by the other names. It reads the profile from standard
// input and writes it to standard output: see README.md.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"os"
)

const (
	tested = "chinwag/reference-impls/go."
	served = "main."
	// A profile is a protobuf message (google/pprof, proto/profile.proto), gzipped: its field 6
	// holds a string each time.
	stringTable = 6
	varint      = 0
	bytesOfLen  = 2
)

var errMalformed = errors.New("this is no profile: give the file that -cpuprofile wrote")

// inServer is what the server calls a function of the tests' program.
func inServer(name []byte) []byte {
	if own, is := bytes.CutPrefix(name, []byte(tested)); is {
		return append([]byte(served), own...)
	}
	return name
}

// renamed is the message with each of its strings replaced.
func renamed(message []byte, replace func([]byte) []byte) ([]byte, error) {
	var out []byte
	for rest := message; len(rest) > 0; {
		tag, n := binary.Uvarint(rest)
		if n <= 0 || tag&7 != varint && tag&7 != bytesOfLen {
			return nil, errMalformed
		}
		value, m := binary.Uvarint(rest[n:])
		if m <= 0 {
			return nil, errMalformed
		}
		if tag&7 == varint {
			out, rest = append(out, rest[:n+m]...), rest[n+m:]
			continue
		}
		rest = rest[n+m:]
		if value > uint64(len(rest)) {
			return nil, errMalformed
		}
		field := rest[:value]
		rest = rest[value:]
		if tag>>3 == stringTable {
			field = replace(field)
		}
		out = binary.AppendUvarint(out, tag)
		out = binary.AppendUvarint(out, uint64(len(field)))
		out = append(out, field...)
	}
	return out, nil
}

func unzipped(in io.Reader) ([]byte, error) {
	reader, err := gzip.NewReader(in)
	if err != nil {
		return nil, errMalformed
	}
	message, err := io.ReadAll(reader)
	if err != nil {
		return nil, errMalformed
	}
	return message, nil
}

func run(in io.Reader, out io.Writer) error {
	message, err := unzipped(in)
	if err != nil {
		return err
	}
	if message, err = renamed(message, inServer); err != nil {
		return err
	}
	writer := gzip.NewWriter(out)
	if _, err := writer.Write(message); err != nil {
		return err
	}
	return writer.Close()
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
