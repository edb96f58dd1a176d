package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	s := New([]byte("hunter2-hunter2"))
	type wrap struct {
		S *Bytes
		V Bytes
		s *Bytes
		v Bytes
	}
	all := wrap{S: s, V: *s, s: s, v: *s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%z"} {
		for _, v := range []any{s, *s, all, &all, []*Bytes{s}, map[string]Bytes{"": *s}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "hunter2") || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", "hunter2")) || strings.Contains(got, "104 117 110") {
				t.Errorf("%s prints the secret: %s", verb, got)
			}
		}
		if got := fmt.Sprintf(verb, s); verb != "%p" && got != "[redacted]" {
			t.Errorf("%s: %q", verb, got)
		}
	}
	for _, got := range []string{s.String(), s.GoString()} {
		if got != "[redacted]" {
			t.Errorf("prints as %q", got)
		}
	}
}

func TestNothingMarshalsASecret(t *testing.T) {
	t.Parallel()
	s := New([]byte("hunter2-hunter2"))
	var out bytes.Buffer
	for name, marshal := range map[string]func() error{
		"json":        func() error { return json.NewEncoder(&out).Encode(map[string]*Bytes{"s": s}) },
		"json, value": func() error { return json.NewEncoder(&out).Encode(*s) },
		"xml":         func() error { return xml.NewEncoder(&out).Encode(s) },
		"gob":         func() error { return gob.NewEncoder(&out).Encode(struct{ S *Bytes }{s}) },
		"cbor":        func() error { _, err := s.MarshalCBOR(); return err },
	} {
		if err := marshal(); !errors.Is(err, ErrMarshal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if bytes.Contains(out.Bytes(), []byte("hunter2")) {
		t.Errorf("the secret was written: %q", out.Bytes())
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
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
