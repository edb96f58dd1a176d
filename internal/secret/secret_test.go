package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNothingPrintsASecret(t *testing.T) {
	s := New([]byte("hunter2-hunter2"))
	type wrap struct {
		S *Bytes
		V Bytes
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{s, *s, wrap{S: s, V: *s}, &wrap{S: s, V: *s}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "hunter2") || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", "hunter2")) || strings.Contains(got, "104 117 110") {
				t.Errorf("%s prints the secret: %s", verb, got)
			}
		}
		if got := fmt.Sprintf(verb, s); got != "[redacted]" {
			t.Errorf("%s: %q", verb, got)
		}
	}
	if _, err := json.Marshal(wrap{S: s}); !errors.Is(err, ErrMarshal) {
		t.Errorf("json: %v", err)
	}
}

func TestLifecycle(t *testing.T) {
	in := []byte{1, 2, 3}
	s := Take(in)
	if in[0] != 0 || in[2] != 0 {
		t.Error("Take left the source in place")
	}
	c := s.Clone()
	if !s.Equal(c) || s.Equal(New([]byte{1, 2})) || s.Equal(New([]byte{1, 2, 4})) {
		t.Error("Equal is wrong")
	}
	view := s.Expose()
	s.Destroy()
	if view[0] != 0 || s.Len() != 0 || c.Len() != 3 {
		t.Error("Destroy must clear its own memory and nothing else")
	}
	if Random(32).Equal(Random(32)) {
		t.Error("two random secrets are equal")
	}
	var none *Bytes
	none.Destroy()
	if none.Len() != 0 || none.Expose() != nil {
		t.Error("a nil secret is empty")
	}
}
