package tabular

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/underseal/underseal/connector"
)

// jsonFormat is JSON Lines.
type jsonFormat struct {
	o      *Options
	chosen map[string]bool
}

func newJSONFormat(o *Options) *jsonFormat {
	f := &jsonFormat{o: o, chosen: make(map[string]bool, len(o.Columns))}
	for _, name := range o.Columns {
		f.chosen[name] = true
	}
	return f
}

func (f *jsonFormat) begin(c *chunk) (bool, error) { return true, skipMark(c) }

// end accepts an empty file: it has no records, and JSON Lines no header.
func (f *jsonFormat) end() error { return nil }

// jsonParser parses chunks for one goroutine.
type jsonParser struct {
	f    *jsonFormat
	raw  json.RawMessage // of the last member
	seen map[string]struct{}
	row  []member
}

// member is a member of the object in hand that has to be looked at.
type member struct {
	name       string
	start, end int // in the chunk
}

// jsonLine is a line of a chunk that is not blank.
type jsonLine struct {
	start, end int // in the chunk, the line ending included
	number     int64
}

func (f *jsonFormat) parser() parser { return &jsonParser{f: f, seen: map[string]struct{}{}} }

func (p *jsonParser) parse(c *chunk) error {
	dec := json.NewDecoder(bytes.NewReader(c.raw[c.skip:]))
	for l := (jsonLine{end: c.skip, number: c.line - 1}); l.end < len(c.raw); {
		l.start, l.end = l.end, len(c.raw)
		l.number++
		if i := bytes.IndexByte(c.raw[l.start:], '\n'); i >= 0 {
			l.end = l.start + i + 1
		}
		if c.cut || l.end-l.start > MaxRecord {
			return &Error{Place{Row: c.rows + 1, Line: l.number}, tooLarge("bytes in a row, a number", MaxRecord)}
		}
		if blank(c.raw[l.start:l.end]) {
			continue
		}
		c.rows++
		if err := p.object(c, dec, l); err != nil {
			return err
		}
	}
	return nil
}

// blank tells whether b holds nothing but JSON white space.
func blank(b []byte) bool { return len(bytes.Trim(b, " \t\r\n")) == 0 }

// object takes up the id and the cells of one line.
func (p *jsonParser) object(c *chunk, dec *json.Decoder, l jsonLine) error {
	here := Place{Row: c.rows, Line: l.number}
	if !utf8.Valid(c.raw[l.start:l.end]) {
		return &Error{here, ErrNotUTF8}
	}
	id, hasID, err := p.members(c, dec, l)
	if err != nil {
		return err
	}
	if p.f.o.RecordID != "" {
		if !hasID {
			here.Column = p.f.o.RecordID
			return &Error{here, fmt.Errorf("%w: it is missing", ErrRecordID)}
		}
		if err := c.addID(id, p.f.o.RecordID, l.number); err != nil {
			return err
		}
	}
	for _, m := range p.row {
		if err := p.cell(c, m, id, l.number); err != nil {
			return err
		}
	}
	return nil
}

// members parses the line's object, checks its form, and leaves the members
// to be looked at in p.row. The decoder has the whole chunk before it; its
// offsets show that the object begins and ends in this line and that nothing
// else is there. The library's own messages are not passed on: they show a
// character of the file.
func (p *jsonParser) members(c *chunk, dec *json.Decoder, l jsonLine) (id string, hasID bool, err error) {
	p.row = p.row[:0]
	clear(p.seen)
	offset := func() int { return c.skip + int(dec.InputOffset()) }
	here := Place{Row: c.rows, Line: l.number}
	at := l.start // where the decoder stood before its last step
	bad := func(err error) (string, bool, error) {
		if at = min(at, l.end); blank(c.raw[at:l.end]) {
			at = l.end // whether it read on depends on the chunk
		}
		here.Byte = int64(at-l.start) + 1
		return "", false, &Error{here, err}
	}
	switch open, err := dec.Token(); {
	case err != nil:
		return bad(ErrJSON)
	case open != json.Delim('{') || offset() > l.end:
		return bad(ErrNotObject)
	}
	for dec.More() {
		at = offset()
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok || offset() > l.end {
			return bad(ErrJSON)
		}
		here.Column = name
		if _, ok := p.seen[name]; ok {
			return bad(ErrDuplicateColumn)
		}
		if p.seen[name] = struct{}{}; len(p.seen) > MaxColumns {
			return bad(tooLarge("members, a number", MaxColumns))
		}
		at = offset()
		if err := dec.Decode(&p.raw); err != nil || offset() > l.end {
			return bad(ErrJSON)
		}
		m := member{name: name, end: offset()}
		m.start = m.end - len(p.raw)
		if m.start < l.start || !bytes.Equal(c.raw[m.start:m.end], p.raw) {
			return bad(ErrLocate)
		}
		if name == p.f.o.RecordID && name != "" {
			if id, hasID = jsonID(p.raw); !hasID {
				return bad(fmt.Errorf("%w: it must be a string or a number", ErrRecordID))
			}
		}
		if p.f.o.Prefix != "" && p.raw[0] == '"' || p.f.chosen[name] {
			p.row = append(p.row, m)
		}
		if c.rows == 1 && len(c.exist) <= maxNames {
			c.exist = append(c.exist, name)
		}
	}
	at = offset()
	if end, err := dec.Token(); err != nil || end != json.Delim('}') {
		return bad(ErrJSON)
	}
	here.Column = ""
	if at = offset(); at > l.end || !blank(c.raw[offset():l.end]) {
		return bad(ErrJSON)
	}
	return id, hasID, nil
}

// jsonID is the text of a string, or a number as it is written.
func jsonID(raw []byte) (string, bool) {
	switch {
	case raw[0] == '"' && !halfSurrogate(raw):
		s, err := jsonText(raw)
		return s, err == nil
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return string(raw), true
	default:
		return "", false
	}
}

// cell takes up one member's value, unless it is empty or not selected.
func (p *jsonParser) cell(c *chunk, m member, id string, line int64) error {
	o, raw := p.f.o, c.raw[m.start:m.end]
	fail := func(err error) error {
		return &Error{Place{Row: c.rows, Line: line, Record: id, Column: m.name}, err}
	}
	value, t := raw, connector.JSON
	if raw[0] == '"' {
		text := raw[1 : len(raw)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			s, err := jsonText(raw)
			if err != nil {
				return fail(ErrLocate)
			}
			text = []byte(s)
		}
		if o.Prefix != "" {
			if !strings.HasPrefix(string(text[:min(len(text), len(o.Prefix))]), o.Prefix) {
				return nil
			}
			// A token is its text, however it is spelled here.
			value, t = text, connector.Text
		} else if len(text) == len(raw)-2 || bytes.Equal(AppendJSONString(nil, text), raw) {
			value, t = text, connector.Text
		}
	}
	if len(value) == 0 || string(value) == "null" && t == connector.JSON {
		c.columns[c.column(m.name)].Empty++
		return nil
	}
	if len(value) > MaxCell {
		return fail(tooLarge("bytes in a cell, a number", MaxCell))
	}
	if o.Prefix == "" && halfSurrogate(raw) {
		return fail(ErrNotUTF8)
	}
	c.add(id, m.name, t, value, slot{start: m.start, end: m.end, line: line})
	return nil
}

// appendNew writes a new value: text as a canonical JSON string, JSON as it is.
func (f *jsonFormat) appendNew(dst []byte, c *chunk, i int) ([]byte, Change, error) {
	cell := &c.cells[i]
	switch {
	case !utf8.Valid(cell.New):
	case cell.NewType == connector.Text:
		return AppendJSONString(dst, cell.New), 0, nil
	case cell.NewType == connector.JSON && oneJSONValue(cell.New) && bytes.IndexByte(cell.New, '\n') < 0:
		return append(dst, cell.New...), 0, nil
	}
	return dst, 0, ErrNewValue
}
