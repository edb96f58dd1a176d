package fieldcrypt

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/wire"
)

// A token of a newer version is named as such, whatever else it is; version 0
// is nobody's.
func TestAttack37UnknownVersion(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	token := seal(t, k, name, TextValue("x"))
	opens(t, k, name, token, TextValue("x"))
	for _, v := range []byte{2, 0x81, 255} {
		raw := rawOf(t, token)
		raw[0] = v
		for what, b := range map[string][]byte{"as it was": raw, "shorter": raw[:40], "longer": append(bytes.Clone(raw), 1)} {
			_, _, err := k.Open(textOf(b), name)
			var ve *VersionError
			if !errors.As(err, &ve) || ve.Version != uint64(v) || ve.Format != "token" {
				t.Errorf("version %d, %s: %v", v, what, err)
			}
		}
	}
	raw := rawOf(t, token)
	raw[0] = 0
	v, b, err := k.Open(textOf(raw), name)
	refused(t, "version 0", v, b, err, ReasonForm)
}

func TestLooksLike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"us1.": true, "us1.!": true, "us1": false, "": false, "US1.AA": false, " us1.AA": false, "us2.AA": false, "us1:AA": false,
	} {
		if LooksLike([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
		if _, err := Parse([]byte(text)); errors.Is(err, ErrNotToken) == want {
			t.Errorf("Parse of %q: %v", text, err)
		}
	}
}

func TestParseLengths(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		raw := make([]byte, n)
		if n > 0 {
			raw[0] = wire.Version
		}
		want := n >= minRaw && (n-minRaw)%padStep == 0
		token, err := Parse([]byte(textOf(raw)))
		if (err == nil) != want || err != nil && !errors.Is(err, ErrOpen) {
			t.Errorf("%d bytes: %v", n, err)
		} else if want && !bytes.Equal(token.raw(), raw) {
			t.Errorf("%d bytes: parsed as %x", n, token.raw())
		}
	}
}

// Exactly one text is accepted for a token.
func TestAttack27OtherEncodings(t *testing.T) {
	t.Parallel()
	k, name := fieldKey(t, 1), recordName(t, "1")
	// Of each of the three lengths modulo 3, which end in 4, 2 and 3 characters.
	for _, n := range []int{14, 30, 46} {
		v := Value{Type: Text, Data: bytes.Repeat([]byte("x"), n)}
		token := seal(t, k, name, v)
		for !strings.ContainsAny(token, "-_") { // to tell the alphabets apart
			token = seal(t, k, name, v)
		}
		opens(t, k, name, token, v)
		body := strings.TrimPrefix(token, Prefix)
		raw := rawOf(t, token)

		check := func(what, text string) {
			t.Helper()
			if text == token {
				t.Fatalf("%s changed nothing", what)
			}
			if v, _, err := k.Open(text, name); err == nil || v.Data != nil {
				t.Errorf("%d bytes, %s: accepted", n, what)
			}
			if r, err := recordKey(t, k, name).Open(text); err == nil || r.Data != nil {
				t.Errorf("%d bytes, %s: accepted by the record key", n, what)
			}
		}
		check("nothing", "")
		check("no prefix", body)
		check("prefix alone", Prefix)
		check("prefix twice", Prefix+token)
		for _, p := range []string{"US1.", "Us1.", "us1", "us1:", "us01.", "us2.", "us1.\x00", "\ufeffus1.", "us1%2E", "us1。"} {
			check("prefix "+p, p+body)
		}
		for i := range len(token) {
			check(fmt.Sprintf("first %d characters", i), token[:i])
			check(fmt.Sprintf("without character %d", i), token[:i]+token[i+1:])
		}
		for i := range len(token) + 1 {
			for _, s := range []string{" ", "\n", "\r\n", "\t", "=", "A", "-", "\x00", "\u200b", "%0A"} {
				check(fmt.Sprintf("%q at %d", s, i), token[:i]+s+token[i:])
			}
		}
		check("upper case", Prefix+strings.ToUpper(body))
		check("lower case", Prefix+strings.ToLower(body))
		check("the standard alphabet", Prefix+strings.NewReplacer("-", "+", "_", "/").Replace(body))
		check("padding", token+strings.Repeat("=", max(1, (4-len(body)%4)%4)))
		check("escaped", strings.ReplaceAll(token, "-", "%2D")+"%3D")
		check("twice", token+body)
		check("quoted", `"`+token+`"`)
		check("base64 of it", Prefix+base64.RawURLEncoding.EncodeToString([]byte(token)))
		check("another step of length", textOf(append(bytes.Clone(raw), make([]byte, padStep)...)))
		check("a step less", textOf(raw[:len(raw)-padStep]))

		// Bits that no byte is made of, in the last character.
		spare := 0
		for i := range alphabet {
			text := token[:len(token)-1] + alphabet[i:i+1]
			if text == token {
				continue
			}
			check("last character "+alphabet[i:i+1], text)
			if loose, err := base64.RawURLEncoding.DecodeString(text[len(Prefix):]); err == nil && bytes.Equal(loose, raw) {
				spare++
			}
		}
		if len(body)%4 != 0 && spare == 0 {
			t.Errorf("%d bytes: no left-over bits were tried", n)
		}
	}
}

// FuzzParse: what is accepted is the one text of what it says.
func FuzzParse(f *testing.F) {
	k := fieldKey(f, 1)
	name := recordName(f, "1")
	r := recordKey(f, k, name)
	ring := NewRing(k)
	good := seal(f, k, name, TextValue("202-224-3441"))
	opens(f, k, name, good, TextValue("202-224-3441"))
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		token, err := Parse(text)
		v, b, openErr := ring.Open(string(text), Name{})
		if err != nil {
			if openErr == nil || openErr.Error() != err.Error() {
				t.Fatalf("%q: parsing says %v, opening %v", text, err, openErr)
			}
			return
		}
		if again := textOf(token.raw()); again != string(text) {
			t.Fatalf("accepted %q, which is written %q", text, again)
		}
		if raw := rawToken(token.raw()); token.KeyID != raw.keyID() || token.Tag != raw.tag() || raw[0] != wire.Version {
			t.Fatalf("%q: %x, %x", text, token.KeyID, token.Tag)
		}
		// Only the key's holder makes what opens: the seeds.
		if openErr == nil && (string(v.Data) != "202-224-3441" || b != Unchecked) {
			t.Fatalf("%q opens to %q, %s", text, v.Data, b)
		}
		if got, err := r.Open(string(text)); (err == nil) != (openErr == nil) || err == nil && !bytes.Equal(got.Data, v.Data) {
			t.Fatalf("%q: the record key says %v, the ring %v", text, err, openErr)
		}
	})
}
