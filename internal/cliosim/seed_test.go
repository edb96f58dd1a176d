package cliosim_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/underseal/underseal/internal/cliosim"
)

// seeded makes a firm and returns all its values.
func seeded(t *testing.T, o cliosim.SeedOptions) (cliosim.Firm, []cliosim.Value) {
	t.Helper()
	sim, err := cliosim.Open(t.Context(), cliosim.Config{Path: filepath.Join(t.TempDir(), "a?b#c%20.db"), Now: newClock().now, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	firm, err := sim.Seed(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Seed(t.Context(), o); !errors.Is(err, cliosim.ErrSeeded) {
		t.Errorf("seeded twice: %v", err)
	}
	values, err := sim.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	return firm, values
}

// TestSeedRepeats: the same options make the same firm, other seeds others.
func TestSeedRepeats(t *testing.T) {
	t.Parallel()
	o := cliosim.SeedOptions{Seed: 7, Matters: 50, Contacts: 60}
	firm, values := seeded(t, o)
	again, same := seeded(t, o)
	if !reflect.DeepEqual(firm, again) || !reflect.DeepEqual(values, same) {
		t.Error("the same options make another firm")
	}
	o.Seed = 8
	if _, other := seeded(t, o); reflect.DeepEqual(values, other) {
		t.Error("another seed makes the same firm")
	}
	if firm, values := seeded(t, cliosim.SeedOptions{Matters: -1, Contacts: -1}); len(values) != 0 || len(firm.Fields) != 12 {
		t.Errorf("an empty firm has %d values", len(values))
	}
}

// TestSeedIsRealistic: every type, every empty state, many scripts.
func TestSeedIsRealistic(t *testing.T) {
	t.Parallel()
	o := cliosim.SeedOptions{Seed: 1, Matters: 200, Contacts: 300}
	firm, values := seeded(t, o)
	byType := map[string]int{}
	scripts := map[string]bool{}
	nulls := 0
	for _, v := range values {
		kind, n, _ := strings.Cut(v.ID, "-")
		byType[kind]++
		if n == fmt.Sprint(v.Field) {
			t.Errorf("value %s has its field's number", v.ID)
		}
		if string(v.JSON) == "null" {
			nulls++
		}
		for _, r := range string(v.JSON) {
			for name, table := range unicode.Scripts {
				if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
					scripts[name] = true
				}
			}
		}
	}
	if len(byType) != 12 || len(scripts) < 12 || nulls < len(values)/50 {
		t.Errorf("types %v, scripts %v, %d nulls of %d", byType, scripts, nulls, len(values))
	}
	never := 6*(o.Matters+o.Contacts) - len(values)
	if firm.Values != len(values) || never < len(values)/20 {
		t.Errorf("%d values, %d never set", firm.Values, never)
	}
	for name := range maps.Keys(firm.Fields) {
		if len([]rune(name)) > 32 {
			t.Errorf("field name %q", name)
		}
	}
	// Related matters and employers refer to records before them: the first
	// has none.
	for _, kind := range []string{"contact", "matter"} {
		if byType[kind] == 0 {
			t.Errorf("no value of type %s", kind)
		}
	}
}
