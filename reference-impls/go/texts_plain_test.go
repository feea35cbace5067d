//go:build tuned

package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Texts put together at random: most are no JSON, or none that is plain.
func TestPlainTextsAreWhatEncodingJSONTakesThemFor(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	parts := []string{
		`{`, `}`, `,`, `:`, `"type"`, `"room"`, `"to"`, `"content"`, `"ms"`, `"Type"`, `"message"`, `""`,
		`"a\n"`, "\"a\nb\"", `"é"`, `"x`, `x"`, ` `, `null`, `5`, `{"type":"message"`, `,"room":"r"`,
		`,"content":"c"}`, `"\u0000"`, `"` + "\x7f" + `"`,
	}
	plain := 0
	for range 200_000 {
		var text strings.Builder
		if random.IntN(2) == 0 {
			text.WriteString(`{"type":"direct"`)
		}
		for range 1 + random.IntN(6) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		got, isPlain := decodePlain(text.String())
		if !isPlain {
			continue
		}
		plain++
		if want, isJSON := decodeAny([]byte(text.String())); !isJSON || got != want {
			t.Fatalf("%s: got %+v, want %+v, %v", text.String(), got, want, isJSON)
		}
	}
	if plain < 1_000 {
		t.Errorf("only %d texts were plain", plain)
	}
}

func TestWhatIsEncodedIsWhatEncodingJSONReads(t *testing.T) {
	empty, odd := "", "\x00\"\\\n<é\u2028>"
	for _, e := range []event{
		{Type: "welcome", User: "ann"},
		{Type: "message", Room: odd, User: odd, Content: &odd, Timestamp: 1},
		{Type: "direct", User: "ann", Content: &empty, Timestamp: 1 << 50},
		{Type: "error", Code: "bad_request", Message: odd},
		{Type: "__build", Build: "2"},
	} {
		var got event
		text := e.encode()
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, e)
		}
		if !strings.HasPrefix(string(text), `{"type":`) {
			t.Errorf("%s does not begin with its type", text)
		}
	}
}

func TestAFrameIsWhatIsEncodedWithAHead(t *testing.T) {
	for _, size := range []int{0, 10, 1_024, 20_000, 65_535} {
		content := strings.Repeat("x", size)
		for _, known := range []bool{false, true} {
			e := event{Type: "message", Content: &content, isPlain: known, Timestamp: 1}
			want := forAll(e.encode())
			if got := e.forOne(); !bytes.Equal(got, want) {
				t.Errorf("%d: got %.60q, want %.60q", size, got, want)
			}
			r := newRoom("r")
			reader := r.log.reader()
			e.publishTo(r)
			e.publishTo(newRoom("another")) // By the same memory.
			if got := reader.next(); !bytes.Equal(got, want) {
				t.Errorf("%d: the log has %.60q, want %.60q", size, got, want)
			}
		}
	}
}

func TestAStringIsPlainWithoutWhatJSONEscapes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const plain, escaped = "ab \x7f\x80\xff !#[", "\x00\x1f\n\"\\"
	for range 200_000 {
		text := make([]byte, random.IntN(80))
		for i := range text {
			from := plain
			if random.IntN(30) == 0 {
				from = escaped
			}
			text[i] = from[random.IntN(len(from))]
		}
		want := true
		for _, b := range text {
			want = want && b >= ' ' && b != '"' && b != '\\'
		}
		if got := isPlain(string(text)); got != want {
			t.Fatalf("%q: got %v", text, got)
		}
	}
}
