package tabular

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendJSONString appends text, which must be UTF-8, as a JSON string in
// canonical spelling: that of RFC 8785, section 3.2.2.2. Quote, backslash and
// the control characters below U+0020 are escaped, as \" \\ \b \t \n \f \r or
// \u00xx in lower case; everything else stands for itself.
//
// It is not left to encoding/json, whose spelling has changed between
// releases of Go: text that is sealed today must be spelled the same when it
// is opened in ten years.
func AppendJSONString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i, b := range text {
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}

// jsonText is the text of a JSON string.
func jsonText(raw []byte) (string, error) {
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// oneJSONValue tells whether b is one JSON text without white space around it.
func oneJSONValue(b []byte) bool {
	return json.Valid(b) && len(bytes.Trim(b, " \t\r\n")) == len(b)
}

// textOfJSON is what a JSON value is as the text of a CSV cell.
func textOfJSON(b []byte) ([]byte, error) {
	if !utf8.Valid(b) || !oneJSONValue(b) || halfSurrogate(b) {
		return nil, ErrNewValue
	}
	if b[0] != '"' {
		return b, nil
	}
	s, err := jsonText(b)
	if err != nil {
		return nil, ErrNewValue
	}
	return []byte(s), nil
}

// halfSurrogate tells whether a string in raw, valid JSON, has an escaped
// surrogate without its other half. It stands for no character, and
// encoding/json replaces it silently.
func halfSurrogate(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return false
		}
		r, size := escape(raw[i:])
		if utf16.IsSurrogate(r) {
			low, n := rune(0), 0
			if rest := raw[i+size:]; len(rest) > 0 && rest[0] == '\\' {
				low, n = escape(rest)
			}
			if utf16.DecodeRune(r, low) == utf8.RuneError {
				return true
			}
			size += n
		}
		raw = raw[i+size:]
	}
}

// escape reads the escape that b begins with: its UTF-16 unit (0 for the
// short ones) and length.
func escape(b []byte) (rune, int) {
	if len(b) < 6 || b[1] != 'u' {
		return 0, min(2, len(b))
	}
	u, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return 0, 2
	}
	return rune(u), 6
}
