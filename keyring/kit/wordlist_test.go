package kit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/keyring/kit"
)

func TestWordList(t *testing.T) {
	t.Parallel()
	var all []string
	for n := range uint16(2048) {
		w := kit.Word(n)
		all = append(all, w)
		for _, typed := range []string{w, " " + strings.ToUpper(w) + "\n", "1. " + w + ","} {
			if got, err := kit.ParseList(typed); err != nil || !slices.Equal(got, []uint16{n}) {
				t.Fatalf("%q: %v, %v", typed, got, err)
			}
		}
	}
	if !slices.IsSorted(all) || len(slices.Compact(all)) != 2048 {
		t.Error("not the list")
	}
	if got, err := kit.ParseList("zoo abandon-zoo"); err != nil || !slices.Equal(got, []uint16{2047, 0, 2047}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := kit.ParseList(" "); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	var word *kit.WordError
	if _, err := kit.ParseList("zoo abandom"); !errors.As(err, &word) || word.Position != 2 || !slices.Contains(word.Suggestions, "abandon") || strings.Contains(err.Error(), "abando") {
		t.Errorf("%v", err)
	}
	if _, err := kit.ParseList(strings.Repeat("zoo ", 5000)); !errors.Is(err, kit.ErrMalformed) {
		t.Errorf("%v", err)
	}
}
