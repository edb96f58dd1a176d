package kit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/internal/secret"
)

func TestList(t *testing.T) {
	t.Parallel()
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(list))); sum != "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda" {
		t.Errorf("the list was changed: %s", sum)
	}
	all := words()
	begin := map[string]bool{}
	for _, w := range all {
		begin[w[:min(4, len(w))]] = true
		if len(w) > longestWord {
			t.Errorf("%s is longer than the longest word", w)
		}
	}
	if len(all) != 1<<wordBits || len(begin) != len(all) || !slices.IsSorted(all) {
		t.Errorf("%d words, %d beginnings", len(all), len(begin))
	}
}

// The vectors of 256 bits that BIP 39 refers to.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range [][2]string{
		{"00", strings.Repeat("abandon ", 23) + "art"},
		{"7f", strings.Repeat("legal winner thank year wave sausage worth useful ", 2) + "legal winner thank year wave sausage worth title"},
		{"80", strings.Repeat("letter advice cage absurd amount doctor acoustic avoid ", 2) + "letter advice cage absurd amount doctor acoustic bless"},
		{"ff", strings.Repeat("zoo ", 23) + "vote"},
	} {
		s := unhex(t, strings.Repeat(v[0], 32))
		if got := string(formatWords(secret.New(s)).Expose()); got != v[1] {
			t.Errorf("%s: %s", v[0], got)
		}
	}
}

func drawSecret(t *rapid.T) []byte {
	return rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret")
}

// However the words are typed, they are read: case, white space, punctuation,
// numbers, and with numbers in any order.
func TestWordsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSecret(t)
		all := secondWords(s)
		numbered := rapid.Bool().Draw(t, "numbered")
		for i, w := range all {
			if rapid.Bool().Draw(t, "upper") {
				w = strings.ToUpper(w)
			}
			if numbered {
				w = fmt.Sprintf(rapid.SampledFrom([]string{"%d %s", "%d. %s", "%02d) %s", "#%d:%s", "%d%s"}).Draw(t, "number"), i+1, w)
			}
			all[i] = w
		}
		if numbered {
			all = rapid.Permutation(all).Draw(t, "order")
		}
		var typed strings.Builder
		for _, w := range all {
			typed.WriteString(w + rapid.SampledFrom([]string{" ", "  ", "\n", "\r\n", "\t", ", ", "; ", "-"}).Draw(t, "between"))
		}
		c, err := Parse(secret.New([]byte(typed.String())))
		if err != nil {
			t.Fatalf("%q: %v", typed.String(), err)
		}
		if string(c.Secret().Expose()) != string(s) {
			t.Fatalf("%q is another secret", typed.String())
		}
		if got := string(formatWords(c.Secret()).Expose()); got != strings.Join(secondWords(s), " ") {
			t.Fatalf("words are now %q", got)
		}
	})
}

// misspellings are all words that are one slip away from w.
func misspellings(all []string, w string) []string {
	var out []string
	for i := range len(w) + 1 {
		for c := 'a'; c <= 'z'; c++ {
			out = append(out, w[:i]+string(c)+w[i:])
			if i < len(w) {
				out = append(out, w[:i]+string(c)+w[i+1:])
			}
		}
		if i < len(w) {
			out = append(out, w[:i]+w[i+1:])
		}
		if i+1 < len(w) {
			out = append(out, w[:i]+w[i+1:i+2]+w[i:i+1]+w[i+2:])
		}
	}
	return slices.DeleteFunc(out, func(m string) bool {
		_, found := slices.BinarySearch(all, m)
		return m == "" || found
	})
}

// Whatever slip is made in a word, the right one is suggested, among few.
func TestMisspelled(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(24, 39)) // a sample, the same each time
	all := words()
	sample := []string{"act", "abandon", "zoo", "science"}
	for len(sample) < 8 {
		sample = append(sample, all[r.IntN(len(all))])
	}
	tried := 0
	for _, right := range sample {
		for _, wrong := range misspellings(all, right) {
			tried++
			got := nearest(all, wrong)
			if !slices.Contains(got, right) || len(got) > 12 {
				t.Errorf("%s for %s: suggested %v", wrong, right, got)
			}
		}
	}
	if tried < 2000 {
		t.Errorf("only %d misspellings", tried)
	}
	for typed, first := range map[string]string{"aban": "abandon", "abandoning": "abandon", "acoustical": "acoustic", "vacum": "vacuum", "xylophone": ""} {
		if got := nearest(all, typed); first != "" && (len(got) == 0 || got[0] != first) || first == "" && len(got) > 0 {
			t.Errorf("%s: suggested %v", typed, got)
		}
	}
}

// The error names the place and holds nothing that was typed.
func TestMisspelledError(t *testing.T) {
	t.Parallel()
	list := words()
	rapid.Check(t, func(t *rapid.T) {
		all := secondWords(drawSecret(t))
		at := rapid.IntRange(0, 23).Draw(t, "at")
		right := all[at]
		all[at] = rapid.SampledFrom(misspellings(list, right)).Draw(t, "misspelled")
		_, err := Parse(secret.New([]byte(strings.Join(all, " "))))
		var word *WordError
		if !errors.As(err, &word) || !errors.Is(err, ErrMalformed) || word.Position != at+1 || !slices.Contains(word.Suggestions, right) {
			t.Fatalf("%q at %d: %+v", all[at], at, err)
		}
		if want := fmt.Sprintf("word %d is not on the list of words", at+1); err.Error() != want {
			t.Fatalf("the error says %q", err)
		}
	})
}

// Of words that changed places, or of one that is another, the checksum of 8
// bits finds all but one in 256.
func TestChecksum(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) // a sample, the same each time
	swaps, missed := 0, 0
	for range 10 {
		s := make([]byte, 32)
		for i := range s {
			s[i] = byte(r.Uint32())
		}
		all := secondWords(s)
		for i := range all {
			for j := range i {
				if all[i] == all[j] {
					continue
				}
				swapped := slices.Clone(all)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				swaps++
				switch c, err := Parse(secret.New([]byte(strings.Join(swapped, " ")))); {
				case err == nil && string(c.Secret().Expose()) == string(s):
					t.Fatalf("%v is read as %v", swapped, all)
				case err == nil:
					missed++
				case !errors.Is(err, ErrChecksum):
					t.Fatal(err)
				}
			}
		}
	}
	if swaps < 2000 || missed > swaps/100 {
		t.Errorf("%d of %d swaps went unnoticed", missed, swaps)
	}
}

func TestWordsRefused(t *testing.T) {
	t.Parallel()
	good := strings.Fields(strings.Repeat("abandon ", 23) + "art")
	edit := func(f func([]string) []string) string { return strings.Join(f(slices.Clone(good)), " ") }
	for name, c := range map[string]struct {
		typed string
		want  error
		says  string
	}{
		"nothing":         {"", ErrMalformed, "0 words, not 24"},
		"white space":     {" \n\t", ErrMalformed, "0 words"},
		"one missing":     {edit(func(w []string) []string { return w[1:] }), ErrMalformed, "23 words, not 24"},
		"one too many":    {edit(func(w []string) []string { return append(w, "art") }), ErrMalformed, "more than 24 words"},
		"wrong checksum":  {edit(func(w []string) []string { w[23] = "able"; return w }), ErrChecksum, ""},
		"a digit within":  {edit(func(w []string) []string { w[4] = "ab4ndon"; return w }), ErrMalformed, "word 5"},
		"another script":  {edit(func(w []string) []string { w[4] = "абандон"; return w }), ErrMalformed, "word 5"},
		"very long":       {edit(func(w []string) []string { w[4] = strings.Repeat("a", 900); return w }), ErrMalformed, "word 5"},
		"half numbered":   {edit(func(w []string) []string { w[0] = "1 abandon"; return w }), ErrMalformed, "number every word or none"},
		"two numbers":     {edit(func(w []string) []string { w[0] = "1 1 abandon"; return w }), ErrMalformed, "without its word"},
		"a number behind": {edit(func(w []string) []string { w[23] = "art 24"; return w }), ErrMalformed, "number every word or none"},
		"one unnumbered": {edit(func(w []string) []string {
			for i := range 22 {
				w[i] = fmt.Sprint(i+2) + w[i]
			}
			return w
		}), ErrMalformed, "number every word or none"},
		"number 25": {edit(func(w []string) []string { w[23] = "25 art"; return w }), ErrMalformed, "not of 1 to 24"},
		"number 0":  {edit(func(w []string) []string { w[0] = "0 abandon"; return w }), ErrMalformed, "not of 1 to 24"},
		"too large": {strings.Repeat("a ", MaxInput), ErrMalformed, "larger than allowed: 4096 bytes"},
		"the same number": {edit(func(w []string) []string {
			for i := range w {
				w[i] = "7 " + w[i]
			}
			return w
		}), ErrMalformed, "two words are numbered 7"},
	} {
		_, err := Parse(secret.New([]byte(c.typed)))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "abandon") || strings.Contains(err.Error(), "art")) {
			t.Errorf("%s: the error says what was typed: %v", name, err)
		}
	}
}
