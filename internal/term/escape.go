package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxShown is the number of characters after which Escape cuts a text off:
// names and file names are shorter, and two lines of a terminal hold it.
const MaxShown = 160

// maxMarks is the number of combining marks that may follow each other.
// Vietnamese and Hebrew with points and accents need three; more are there to
// paint over the neighbouring lines.
const maxMarks = 3

// Escape makes a text from outside (a name in the log, a file or column name,
// a message of a server) safe to show on one line: what a person would not
// see, or what would move, hide or reorder other text, is written out as its
// number, such as \u{202E}, and a byte that is not UTF-8 as \x{FF}. That is
// every control and format character (bidirectional overrides, zero-width
// characters, line separators), every space but the ASCII one, fillers,
// variation selectors, unassigned characters, and combining marks without a
// letter or in a heap (attack 35). The result has at most MaxShown
// characters; a longer one ends in "…".
//
// The result is for eyes: a text that itself contains a backslash is shown as
// it is, so nothing may be read back from it.
func Escape(s string) string { return EscapeTo(s, MaxShown) }

// EscapeTo is Escape with another bound than MaxShown, for a message that
// names several things.
func EscapeTo(s string, limit int) string {
	var b strings.Builder
	count, cut, marks := 0, 0, maxMarks // no letter yet for a mark to stand on
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		piece := s[:size]
		s = s[size:]
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			piece = fmt.Sprintf(`\x{%02X}`, piece[0])
		case !visible(r) || marks > maxMarks:
			piece = fmt.Sprintf(`\u{%04X}`, r)
		}
		count += utf8.RuneCountInString(piece)
		if count > limit {
			return b.String()[:cut] + "…"
		}
		b.WriteString(piece)
		if count < limit { // "…" still fits behind it
			cut = b.Len()
		}
	}
	return b.String()
}

// visible tells whether r leaves a mark of its own on the screen, in its
// place.
func visible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol by its category, a space to the eye
	return unicode.IsPrint(r) && r != brailleBlank &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
