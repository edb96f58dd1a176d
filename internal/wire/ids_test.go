package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIdentifiersPrintAsHex(t *testing.T) {
	t.Parallel()
	const n32 = "ab" + "00000000000000000000000000000000000000000000000000000000000000"
	const n16 = "ab" + "000000000000000000000000000000"
	for _, c := range []struct {
		id   fmt.Stringer
		want string
	}{
		{Hash{0xab}, n32},
		{OrganizationID{0xab}, n32},
		{MemberID{0xab}, n32},
		{DeviceID{0xab}, n32},
		{ResourceID{0xab}, n16},
		{GroupID{0xab}, n16},
	} {
		if got := c.id.String(); got != c.want {
			t.Errorf("%T: %s, want %s", c.id, got, c.want)
		}
	}
	if !(Hash{}).IsZero() || (Hash{31: 1}).IsZero() || !(OrganizationID{}).IsZero() || (OrganizationID{1}).IsZero() {
		t.Error("IsZero is wrong")
	}
	if (MemberID{1}).Compare(MemberID{2}) != -1 || (MemberID{2}).Compare(MemberID{1, 9}) != 1 || (MemberID{3}).Compare(MemberID{3}) != 0 {
		t.Error("Compare does not order by bytes")
	}
}

// What stands behind one label is never what stands behind another, wherever
// one text is cut into label and payload.
func TestLabelledIsUnambiguous(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9/-]{1,16}`).Draw(t, "text")
		cut := rapid.IntRange(0, len(text))
		i, j := cut.Draw(t, "i"), cut.Draw(t, "j")
		a, b := Labelled(text[:i], []byte(text[i:])), Labelled(text[:j], []byte(text[j:]))
		if bytes.Equal(a, b) != (i == j) {
			t.Fatalf("%q cut at %d and %d", text, i, j)
		}
	})
	if got, want := Labelled("a", []byte{0, 1}), []byte{'a', 0, 0, 1}; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	want := sha256.Sum256([]byte("label\x00onetwo"))
	if got := Sum("label", []byte("one"), []byte("two")); got != Hash(want) {
		t.Errorf("got %s, want %x", got, want)
	}
}

func TestKeyKindWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := KindField; k <= KindUser; k++ {
		if w := k.String(); w == "unknown kind" || seen[w] {
			t.Errorf("kind %d is called %q", uint8(k), w)
		} else {
			seen[w] = true
		}
	}
	if KeyKind(0).String() != "unknown kind" || KeyKind(6).String() != "unknown kind" {
		t.Error("an unknown kind has a name")
	}
}

func TestKeyContextCheck(t *testing.T) {
	t.Parallel()
	id := func(n int) []byte { return make([]byte, n) }
	for _, c := range []struct {
		name string
		c    KeyContext
		ok   bool
	}{
		{"field", KeyContext{Resource: id(16), Kind: KindField, Epoch: 1}, true},
		{"folder", KeyContext{Resource: id(16), Kind: KindFolder, Epoch: 1 << 63}, true},
		{"directory", KeyContext{Resource: id(16), Kind: KindDirectory, Epoch: 2}, true},
		{"group", KeyContext{Resource: id(16), Kind: KindGroup, Epoch: 1}, true},
		{"user", KeyContext{Resource: id(32), Kind: KindUser, Epoch: 1}, true},
		{"invitation", KeyContext{Resource: id(32), Kind: KindInvitation, Epoch: 2}, true},
		{"invitation of a short id", KeyContext{Resource: id(16), Kind: KindInvitation, Epoch: 1}, false},
		{"no kind", KeyContext{Resource: id(16), Epoch: 1}, false},
		{"unknown kind", KeyContext{Resource: id(16), Kind: 6, Epoch: 1}, false},
		{"no epoch", KeyContext{Resource: id(16), Kind: KindField}, false},
		{"no resource", KeyContext{Kind: KindField, Epoch: 1}, false},
		{"member as resource", KeyContext{Resource: id(32), Kind: KindField, Epoch: 1}, false},
		{"resource as member", KeyContext{Resource: id(16), Kind: KindUser, Epoch: 1}, false},
	} {
		if err := c.c.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrContext) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestKeyContextEncoding(t *testing.T) {
	t.Parallel()
	c := KeyContext{Organization: OrganizationID{1}, Resource: bytes.Repeat([]byte{2}, 16), Kind: KindField, Epoch: 3}
	want := "845820" + "01" + strings.Repeat("00", 31) + "50" + strings.Repeat("02", 16) + "0103"
	if got := hex.EncodeToString(c.Encode()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	d := c.Clone()
	d.Resource[0] = 9
	if c.Resource[0] != 2 {
		t.Error("a clone shares memory")
	}
}

// Two contexts that differ encode differently.
func TestKeyContextEncodingIsInjective(t *testing.T) {
	t.Parallel()
	context := rapid.Custom(func(t *rapid.T) KeyContext {
		return KeyContext{
			Organization: OrganizationID{rapid.Byte().Draw(t, "organization")},
			Resource:     rapid.SliceOfN(rapid.Byte(), 0, 33).Draw(t, "resource"),
			Kind:         KeyKind(rapid.Uint8().Draw(t, "kind")),
			Epoch:        rapid.Uint64().Draw(t, "epoch"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := context.Draw(t, "a"), context.Draw(t, "b")
		same := a.Organization == b.Organization && bytes.Equal(a.Resource, b.Resource) && a.Kind == b.Kind && a.Epoch == b.Epoch
		if bytes.Equal(a.Encode(), b.Encode()) != same {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}
