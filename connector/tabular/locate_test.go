package tabular

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
)

// TestLocate: if the bytes at hand were others than those that the library
// parsed, or offsets pointed elsewhere, a cell would be refused.
func TestLocate(t *testing.T) {
	t.Parallel()
	const file = "\n1,\"x\"\"\r\ny\",zz\r\n"
	f := newCSVFormat(&Options{Comma: ',', Columns: []string{"b", "c"}})
	f.header, f.pick = []string{"a", "b", "c"}, []int{1, 2}
	try := func(data string, start, end int) error {
		r := csv.NewReader(strings.NewReader(file))
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		at := cursor{r: r, data: []byte(data), comma: ',', lineNo: 1}
		if !at.record(start, end) {
			return ErrLocate
		}
		c := &chunk{raw: at.data}
		c.reset()
		c.raw = at.data
		return (&csvParser{f: f}).row(c, rec, &at, 1)
	}
	if err := try(file, 0, len(file)); err != nil {
		t.Fatal(err)
	}
	for i := strings.IndexByte(file, '"'); i < strings.LastIndexByte(file, 'z')+1; i++ {
		if file[i] == '\r' {
			continue // CR and LF are one with LF to the library
		}
		data := file[:i] + "#" + file[i+1:]
		if err := try(data, 0, len(data)); !errors.Is(err, ErrLocate) {
			t.Errorf("%q: %v", data, err)
		}
	}
	for _, at := range [][2]int{{1, len(file)}, {0, len(file) - 1}, {0, 10}, {0, 2}, {0, 0}} {
		if err := try(file, at[0], at[1]); !errors.Is(err, ErrLocate) && at[1] != len(file)-1 {
			t.Errorf("%d to %d: %v", at[0], at[1], err)
		}
	}
	if err := try(strings.Replace(file, "\n1", "1,", 1), 0, len(file)); !errors.Is(err, ErrLocate) {
		t.Errorf("without the blank line: %v", err)
	}
}
