package tabular

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
)

// splitter cuts the input into chunks of whole records, which are then parsed
// independently of each other.
//
// In CSV a record ends at a line feed that stands outside quotes. In a file
// that encoding/csv accepts without leniency, quotes occur only as the first
// and last byte of a quoted cell and in pairs inside it; so a byte is outside
// quotes exactly when the number of quotes before it is even. In a file that
// it does not accept this holds up to the first fault, so the chunk with the
// fault begins where it should and its parser reports the fault; whatever is
// cut wrongly comes after it and is never written.
type splitter struct {
	in     io.Reader
	size   int
	quotes bool   // CSV
	rest   []byte // read, not yet handed out: the beginning of a record
	line   int64  // lines handed out
	read   int64  // bytes handed out
	ended  bool   // in has no more to give
}

// next fills c with at least one whole record; it tells whether there was one.
func (s *splitter) next(ctx context.Context, c *chunk) (bool, error) {
	buf := c.raw[:0]
	buf = append(buf, s.rest...)
	s.rest = s.rest[:0]
	seen, odd, end := 0, false, -1
	for goal := len(buf) + s.size; ; goal *= 2 {
		goal = min(goal, MaxRecord+1)
		buf = slices.Grow(buf, goal-len(buf))
		for idle := 0; !s.ended && len(buf) < goal; {
			if err := context.Cause(ctx); err != nil {
				return false, err
			}
			n, err := s.in.Read(buf[len(buf):goal])
			buf = buf[:len(buf)+n]
			if err == io.EOF { // itself: an error that wraps it tells of a file cut short
				s.ended = true
			} else if err != nil {
				return false, fmt.Errorf("read: %w", err)
			}
			if idle++; n > 0 {
				idle = 0
			} else if idle == maxIdleReads && !s.ended {
				return false, fmt.Errorf("read: %w", io.ErrNoProgress)
			}
		}
		if s.ended {
			end = len(buf)
			break
		}
		if end, odd = s.boundary(buf, seen, odd); end > 0 {
			break
		}
		seen = len(buf)
		if seen > MaxRecord {
			// The parser finds out whether there is an earlier fault.
			c.cut, s.ended, end = true, true, len(buf)
			break
		}
	}
	if end == 0 {
		return false, nil
	}
	s.rest = append(s.rest, buf[end:]...)
	c.raw = buf[:end]
	c.line = s.line + 1
	s.line += int64(bytes.Count(c.raw, []byte{'\n'}))
	s.read += int64(end)
	c.read = s.read
	return true, nil
}

// boundary finds the end of the last record that ends in b[seen:], or 0. odd
// tells whether b[:seen] has an odd number of quotes; the result, b.
func (s *splitter) boundary(b []byte, seen int, odd bool) (int, bool) {
	b = b[seen:]
	if s.quotes {
		odd = odd != oddQuotes(b)
	}
	inside := odd
	for end := len(b); ; {
		i := bytes.LastIndexByte(b[:end], '\n')
		if i < 0 {
			return 0, odd
		}
		if s.quotes && oddQuotes(b[i:end]) {
			inside = !inside
		}
		if !inside {
			return seen + i + 1, odd
		}
		end = i
	}
}

func oddQuotes(b []byte) bool { return bytes.Count(b, []byte{'"'})%2 == 1 }
