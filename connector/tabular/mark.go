package tabular

import "bytes"

// skipMark passes over a UTF-8 byte order mark at the beginning of the file
// and refuses the marks of other encodings. (That of UTF-32 in little endian
// begins with that of UTF-16; in big endian it begins with two zeros.)
func skipMark(c *chunk) error {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"} {
		if bytes.HasPrefix(c.raw, []byte(mark)) {
			return &Error{Place{Line: 1}, ErrEncoding}
		}
	}
	if bytes.HasPrefix(c.raw, []byte("\xef\xbb\xbf")) {
		c.skip = 3
	}
	return nil
}
