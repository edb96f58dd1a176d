package tabular

import (
	"bytes"
	"encoding/csv"
)

// cursor turns the lines and columns that csv.Reader gives for the beginnings
// of cells into offsets. It moves forward only.
type cursor struct {
	r     *csv.Reader
	data  []byte // all that r reads
	comma byte

	lineNo    int // line of r that begins at lineAt
	lineAt    int
	end       int // end of the record, without its line ending
	nextAt    int // beginning of what follows the record
	nextLine  int
	fieldLine int // line of r that the last field begins in
}

// record moves to the record that r has just read from data[start:end], blank
// lines before it included. It tells whether the two agree.
func (u *cursor) record(start, end int) bool {
	if u.nextLine > 0 {
		u.lineNo, u.lineAt = u.nextLine, u.nextAt
	}
	if u.lineAt != start {
		return false
	}
	first, col := u.r.FieldPos(0)
	if col != 1 || !u.seek(first, end) {
		return false
	}
	u.nextAt, u.nextLine = end, u.lineNo+bytes.Count(u.data[u.lineAt:end], []byte{'\n'})
	if end > u.lineAt && u.data[end-1] == '\n' {
		end--
	}
	// CRLF, or the CR at the end of the file, which the library drops too.
	if end > u.lineAt && u.data[end-1] == '\r' {
		end--
	}
	u.end = end
	return true
}

// seek moves to the beginning of a line before end.
func (u *cursor) seek(line, end int) bool {
	for u.lineNo < line {
		i := bytes.IndexByte(u.data[u.lineAt:end], '\n')
		if i < 0 {
			return false
		}
		u.lineAt += i + 1
		u.lineNo++
	}
	return u.lineNo == line
}

// field locates field i of n, with its quotes. The result is not empty. Calls
// for one record go by ascending i.
func (u *cursor) field(i, n int) (start, end int, ok bool) {
	line, col := u.r.FieldPos(i)
	u.fieldLine = line
	if !u.seek(line, u.end) {
		return 0, 0, false
	}
	start, end = u.lineAt+col-1, u.end
	if i+1 < n {
		line, col = u.r.FieldPos(i + 1)
		if !u.seek(line, u.end) {
			return 0, 0, false
		}
		end = u.lineAt + col - 2
		if end < start || end >= u.end || u.data[end] != u.comma {
			return 0, 0, false
		}
	}
	return start, end, start < end && end <= u.end
}
