package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/underseal/underseal/connector/tabular"
)

// mark is the byte order mark that a file may begin with.
var mark = []byte("\xef\xbb\xbf")

// header reads the names of the columns: those of the first row of a CSV file,
// or all that the objects of a JSON Lines file have, in alphabetical order. It
// does not judge the file: tabular.Process does.
func (t *Table) header() (columns []string, err error) {
	f, err := os.Open(t.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReaderSize(f, 64<<10)
	if head, err := in.Peek(len(mark)); err == nil && bytes.Equal(head, mark) {
		if _, err := in.Discard(len(mark)); err != nil {
			return nil, err
		}
	}
	if t.o.Format == tabular.CSV {
		columns, err = csvHeader(io.LimitReader(in, tabular.MaxRecord), t.o.Comma)
	} else {
		columns, err = members(in)
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(columns, t.o.RecordID) {
		return nil, fmt.Errorf("%w: %.80q", tabular.ErrUnknownColumn, t.o.RecordID)
	}
	return columns, nil
}

func csvHeader(in io.Reader, comma byte) ([]string, error) {
	r := csv.NewReader(in)
	if comma != 0 {
		r.Comma = rune(comma)
	}
	columns, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, tabular.ErrEmpty
	}
	return columns, err
}

func members(in io.Reader) ([]string, error) {
	seen := map[string]bool{}
	var columns []string
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, tabular.MaxRecord)
	for lines.Scan() {
		var object map[string]json.RawMessage
		if json.Unmarshal(lines.Bytes(), &object) != nil {
			continue // the pass that follows says where and why
		}
		for name := range object {
			if !seen[name] && len(columns) < tabular.MaxColumns {
				seen[name] = true
				columns = append(columns, name)
			}
		}
	}
	slices.Sort(columns)
	return columns, lines.Err()
}
