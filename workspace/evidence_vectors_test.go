package workspace

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type evidenceVector struct {
	Name, Kind, Rule string
	File, Other      []string
	Organization     vectortest.Hex
	Head             vectortest.Hex
	Length, Shared   uint64
	Statements       []struct {
		Device vectortest.Hex
		Length uint64
		Is     string
	}
	Verdict string
}

// evidenceRule is the rule of spec/evidence.md by which a file is refused.
func evidenceRule(err error) string {
	var version *wire.VersionError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errEvidenceLog):
		return "V-2"
	case errors.Is(err, errEvidenceBlob):
		return "V-3"
	case errors.Is(err, errEvidenceStatement):
		return "V-4"
	case errors.Is(err, errEvidenceNumbers):
		return "V-5"
	case errors.As(err, &version), errors.Is(err, wire.ErrMalformed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "V-1"
	default:
		return err.Error()
	}
}

// TestEvidenceVectors reads every file of testdata/vectors/evidence.json, which
// were made without this package.
func TestEvidenceVectors(t *testing.T) { //nolint:tparallel // it counts what is refused
	t.Parallel()
	f := vectortest.Load[evidenceVector](t, "evidence")
	read := func(t *testing.T, parts []string) (*Evidence, error) {
		t.Helper()
		var b []byte
		for _, name := range parts {
			part, ok := f.Entries[name]
			if !ok {
				t.Fatalf("no part is named %q", name)
			}
			b = append(b, part...)
		}
		return ReadEvidence(t.Context(), bytes.NewReader(b))
	}
	seen := map[string]int{}
	for _, v := range f.Vectors {
		seen[v.Kind+v.Rule+v.Verdict]++
		t.Run(v.Rule+": "+v.Name, func(t *testing.T) {
			e, err := read(t, v.File)
			if rule := evidenceRule(err); rule != v.Rule {
				t.Fatalf("refused by %q: %v", rule, err)
			}
			var version *wire.VersionError
			newer := errors.As(err, &version)
			if newer != strings.Contains(v.Name, "of version 2") {
				t.Errorf("a version is named: %v", newer)
			}
			switch {
			case err != nil && !errors.Is(err, ErrEvidence) && !newer:
				t.Errorf("refused with %v", err)
			case err != nil && e != nil:
				t.Error("something of it was taken")
			case err != nil:
			case v.Kind == "file":
				v.shown(t, e)
			case v.Kind == "two files":
				o, err := read(t, v.Other)
				if err != nil {
					t.Fatal(err)
				}
				v.compared(t, e, o)
				v.compared(t, o, e)
			default:
				t.Errorf("kind %q", v.Kind)
			}
		})
	}
	for what, least := range map[string]int{
		"file": 8, "fileV-1": 15, "fileV-2": 8, "fileV-3": 4, "fileV-4": 6, "fileV-5": 4,
		"two filesproof": 4, "two filespart": 6, "two filesone history": 2, "two filestwo organizations": 1,
	} {
		if seen[what] < least {
			t.Errorf("only %d vectors of %q", seen[what], what)
		}
	}
}

// TestEvidenceWritesABlobOnce: an entry may name a blob more than once, which
// stands before it once.
func TestEvidenceWritesABlobOnce(t *testing.T) {
	t.Parallel()
	parts := vectortest.Load[evidenceVector](t, "evidence").Entries
	blob, entry := parts["blob: a policy"], parts["entry: Alice sets a policy by a blob that is named twice"]
	if len(blob) < 6 || len(entry) < 6 {
		t.Fatal("the parts are not there")
	}
	blobs := func(name officer.Hash) ([]byte, error) {
		if name != sha256.Sum256(blob[5:]) {
			t.Errorf("another blob: %x", name)
		}
		return blob[5:], nil
	}
	var b bytes.Buffer
	out := &evidenceWriter{w: bufio.NewWriter(&b)}
	if err := errors.Join(out.entry(blobs, entry[5:]), out.w.Flush()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), slices.Concat(blob, entry)) {
		t.Errorf("wrote %x", b.Bytes())
	}
}

func (v evidenceVector) shown(t *testing.T, e *Evidence) {
	t.Helper()
	h := e.State.Head()
	if e.State.Organization() != vectortest.Array[officer.OrganizationID](t, v.Organization) ||
		h.Length != v.Length || h.Hash != vectortest.Array[officer.Hash](t, v.Head) {
		t.Errorf("of %s, %+v", e.State.Organization(), h)
	}
	if len(e.Statements) != len(v.Statements) {
		t.Fatalf("%d statements", len(e.Statements))
	}
	for i, want := range v.Statements {
		got := e.Statements[i]
		is := "same"
		switch {
		case got.Fork:
			is = "fork"
		case got.Ahead:
			is = "ahead"
		}
		if got.Device != vectortest.Array[officer.DeviceID](t, want.Device) || got.Length != want.Length || is != want.Is {
			t.Errorf("statement %d is %s: %+v", i, is, got)
		}
		if m := e.State.Member(got.Member); !slices.Contains(m.Devices, got.Device) {
			t.Errorf("statement %d is of another member", i)
		}
	}
}

func (v evidenceVector) compared(t *testing.T, e, o *Evidence) {
	t.Helper()
	shared, fork, err := e.Part(o)
	verdict := "one history"
	switch {
	case errors.Is(err, officer.ErrOrganization):
		verdict = "two organizations"
	case err != nil:
		t.Fatal(err)
	case fork && e.Seen(shared, o) && o.Seen(shared, e):
		verdict = "proof"
	case fork:
		verdict = "part"
	}
	if verdict != v.Verdict || shared != v.Shared {
		t.Errorf("%s after %d entries", verdict, shared)
	}
}
