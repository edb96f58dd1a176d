package officer_test

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

func TestOpening(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		o := officer.Opening{
			Kind: officer.TextKind(rapid.IntRange(1, 5).Draw(rt, "kind")),
			Salt: [officer.SaltSize]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "salt")),
			Text: rapid.StringN(1, -1, wire.MaxText).Draw(rt, "text"),
		}
		if o.Check() != nil { // what is not seen: TestTextsAreSeen
			o.Text = "Åse 佐藤"
		}
		b := o.Encode()
		if len(b)%64 != 0 {
			rt.Fatalf("%d bytes", len(b))
		}
		got, err := officer.DecodeOpening(b, o.Commitment())
		if err != nil || got != o {
			rt.Fatalf("%+v: %v", got, err)
		}
		other := o
		other.Salt[rapid.IntRange(0, 31).Draw(rt, "at")] ^= 1
		if _, err := officer.DecodeOpening(b, other.Commitment()); !errors.Is(err, officer.ErrOpening) {
			rt.Fatalf("another salt: %v", err)
		}
		i := rapid.IntRange(0, len(b)-1).Draw(rt, "byte")
		b[i] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if _, err := officer.DecodeOpening(b, o.Commitment()); err == nil {
			rt.Fatalf("byte %d changed: accepted", i)
		}
	})
}

// TestTextsAreSeen holds what a text may hold against the table of
// spec/card.md: the ends of each range, and their neighbours.
func TestTextsAreSeen(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../spec/card.md")
	if err != nil {
		t.Fatal(err)
	}
	ends := regexp.MustCompile(`(?m)^\| U\+([0-9A-F]+)(?: to U\+([0-9A-F]+))? \|`).FindAllStringSubmatch(string(page), -1)
	if len(ends) != 11 {
		t.Fatalf("%d ranges in the specification", len(ends))
	}
	unseen := map[rune]bool{}
	for _, e := range ends {
		if e[2] == "" {
			e[2] = e[1]
		}
		from, err := strconv.ParseInt(e[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		to, err := strconv.ParseInt(e[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		for r := from; r <= to; r++ {
			unseen[rune(r)] = true
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		err := officer.Opening{Kind: officer.TextName, Text: "a" + string(r) + "b"}.Check()
		if errors.Is(err, officer.ErrText) != unseen[r] || (err != nil) != unseen[r] {
			t.Fatalf("%U: %v", r, err)
		}
	}
	for text, ok := range map[string]bool{"a b": true, " ab": false, "ab ": false, " ": false, "\u00a0ab\u3000": true} {
		if err := (officer.Opening{Kind: officer.TextName, Text: text}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOpeningForm(t *testing.T) {
	t.Parallel()
	o := officertest.NewOpening(officer.TextName, "Al")
	b := o.Encode()
	c := o.Commitment()
	for name, bad := range map[string][]byte{
		"nothing":             nil,
		"cut":                 b[:len(b)-1],
		"a zero more":         append(slices.Clone(b), 0),
		"a step more":         append(slices.Clone(b), make([]byte, 64)...),
		"no end":              make([]byte, 64),
		"an end alone":        append([]byte{0x80}, make([]byte, 63)...),
		"another end":         bytes.Replace(b, []byte{0x80, 0}, []byte{0x81, 0}, 1),
		"a second end":        append(slices.Clone(b[:len(b)-1]), 0x80),
		"a text and a byte":   append(slices.Clone(b[:len(b)-2]), 0x80, 0),
		"not cbor":            append(bytes.Repeat([]byte{0xff}, 63), 0x80),
		"longer than allowed": append(append(bytes.Repeat([]byte{1}, 4095), 0x80), nil...),
	} {
		if _, err := officer.DecodeOpening(bad, c); !errors.Is(err, officer.ErrOpening) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A text that may not be, with a commitment that fits.
	for name, text := range map[string]string{"empty": "", "too long": strings.Repeat("x", wire.MaxText+1)} {
		o := officer.Opening{Kind: officer.TextName, Text: text}
		if err := o.Check(); !errors.Is(err, officer.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := officer.DecodeOpening(o.Encode(), o.Commitment()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (officer.Opening{Kind: officer.TextName, Text: "\xff"}).Check(); !errors.Is(err, officer.ErrText) {
		t.Errorf("not UTF-8: %v", err)
	}
	if err := (officer.Opening{Kind: officer.TextName, Text: strings.Repeat("x", wire.MaxText)}).Check(); err != nil {
		t.Errorf("as long as allowed: %v", err)
	}
	// Kind is part of what is committed to.
	email := o
	email.Kind = officer.TextEmail
	if email.Commitment() == c {
		t.Error("a name and an email have one commitment")
	}
}

func TestSafetyNumber(t *testing.T) {
	t.Parallel()
	// Computed by another program: HKDF-SHA256 of 32 zero bytes with info
	// "underseal/v1/safety-number".
	const zero = "14563 09861 90827 80179 17947 22377 65203 67019 93675 14295 35053 60613"
	if got := officer.SafetyNumber(officer.MemberID{}); got != zero {
		t.Errorf("got %s", got)
	}
	form := regexp.MustCompile(`^\d{5}( \d{5}){11}$`)
	seen := map[string]bool{}
	for i := range 500 {
		n := officer.SafetyNumber(officer.MemberID{byte(i), byte(i >> 8), 1})
		if !form.MatchString(n) || seen[n] {
			t.Fatalf("%q", n)
		}
		seen[n] = true
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	id := officertest.New(t, "alice").ID
	text := officer.FormatFingerprint(id)
	if !strings.HasPrefix(text, "underseal-org1") {
		t.Error(text)
	}
	for _, s := range []string{text, " " + text + "\n"} {
		if got, err := officer.ParseFingerprint(s); err != nil || got != id {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "underseal-org1", text[:len(text)-1], strings.Replace(text, "org", "orj", 1), text + "q"} {
		if _, err := officer.ParseFingerprint(s); err == nil {
			t.Errorf("%q: accepted", s)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, r := range []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest} {
		if got, err := officer.ParseRole(r.String()); err != nil || got != r {
			t.Errorf("%s: %v", r, err)
		}
	}
	for _, s := range []string{"", "unknown role", "Officer", "admin"} {
		if _, err := officer.ParseRole(s); !errors.Is(err, officer.ErrRole) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for got, want := range map[string]string{
		officer.Role(9).String():                          "unknown role",
		officer.Rights(0).String():                        "none",
		officer.Read.String():                             "read",
		(officer.Read | officer.Share).String():           "read, share",
		(officer.Read | officer.Write | 4 | 128).String(): "read, write, share",
		officer.OpKind(77).String():                       "operation 77",
		officer.OpKeyResealed.String():                    "key re-sealed",
		officer.OpResourceEnded.String():                  "resource ended",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, ok := (officer.Principal{Kind: officer.PrincipalGroup, ID: make([]byte, 32)}).Member(); ok {
		t.Error("a group is a member")
	}
	if _, ok := (officer.Principal{Kind: officer.PrincipalMember, ID: make([]byte, 31)}).Member(); ok {
		t.Error("a short id is a member's")
	}
	e := &officer.EntryError{Sequence: 3, Operation: -1, Err: officer.ErrChain}
	if e.Error() != "log entry 3: does not continue the log" {
		t.Error(e)
	}
	e = &officer.EntryError{Sequence: 3, Operation: 1, Kind: "grant", Err: officer.ErrAuthority}
	if e.Error() != "log entry 3, operation 2 (grant): the author may not do this" || !errors.Is(e, officer.ErrAuthority) {
		t.Error(e)
	}
}
