package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func profiledNames(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	message, err := unzipped(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	_, err = renamed(message, func(name []byte) []byte {
		names = append(names, string(name))
		return name
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// receiver is the type of a method, without its pointer.
func receiver(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return ""
	}
	of := function.Recv.List[0].Type
	if pointer, is := of.(*ast.StarExpr); is {
		of = pointer.X
	}
	if name, is := of.(*ast.Ident); is {
		return name.Name + "."
	}
	return ""
}

// embeds says whether a type has methods of others, which no declaration names.
func embeds(spec *ast.TypeSpec) bool {
	of, is := spec.Type.(*ast.StructType)
	return is && slices.ContainsFunc(of.Fields.List, func(field *ast.Field) bool {
		return len(field.Names) == 0
	})
}

// declared are the server's functions, and those of its tests, as "name" and "type.name", and as
// "type." where a type may have more.
func declared(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			switch found := node.(type) {
			case *ast.FuncDecl:
				names = append(names, receiver(found)+found.Name.Name)
			case *ast.TypeSpec:
				if embeds(found) {
					names = append(names, found.Name.Name+".")
				}
			}
			return true
		})
	}
	return names
}

// What runs most often: without these the profile is of something else.
var busiest = []string{"outbox.write", "attempt.writev", "roomLog.append", "connection.handle"}

var closure = regexp.MustCompile(`\.(func|gowrap|deferwrap)\d.*`)

func TestTheProfileNamesTheServersOwnFunctions(t *testing.T) {
	functions, seen := declared(t), []string{}
	for _, name := range profiledNames(t, "../tuned.pgo") {
		if strings.HasPrefix(name, tested) {
			t.Errorf("tuned.pgo has %s, a name that the server does not know: see README.md", name)
		}
		own, is := strings.CutPrefix(name, served)
		if !is || strings.HasSuffix(own, ".go") || own == "go" {
			continue
		}
		own = closure.ReplaceAllString(strings.NewReplacer("(*", "", ")", "").Replace(own), "")
		of, _, _ := strings.Cut(own, ".")
		if !slices.Contains(functions, own) && !slices.Contains(functions, of+".") {
			t.Errorf("tuned.pgo has %s, which is no more: make it anew, see README.md", name)
		}
		seen = append(seen, own)
	}
	for _, name := range busiest {
		if !slices.Contains(seen, name) {
			t.Errorf("tuned.pgo does not have main's %s, which most of the work passes", name)
		}
	}
}

func TestOnlyTheProgramsOwnFunctionsAreRenamed(t *testing.T) {
	message := []byte("\x32\x1dchinwag/reference-impls/go.ab\x48\x07\x32\x03net")
	out, err := renamed(message, inServer)
	if want := "\x32\x07main.ab\x48\x07\x32\x03net"; err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}

func TestWhatIsNoProfileIsRefused(t *testing.T) {
	for _, message := range []string{"\x32", "\x32\x05abc", "\x31abc"} {
		if _, err := renamed([]byte(message), inServer); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", message, err)
		}
	}
	if err := run(strings.NewReader("text"), &bytes.Buffer{}); !errors.Is(err, errMalformed) {
		t.Errorf("what is not zipped: %v", err)
	}
}
