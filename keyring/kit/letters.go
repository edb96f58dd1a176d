package kit

import "unicode"

// drawable tells whether the page's typeface has every character of a text,
// and draws it right by putting one after the other. That is so for scripts
// that are written from left to right without letters that join or stack. Of
// any other text, a name in Japanese or in Arabic, nothing is drawn: a name
// with empty boxes or in the wrong order would be another name.
func drawable(text string) bool {
	for _, r := range text {
		if !drawableRune(r) {
			return false
		}
	}
	return true
}

func drawableRune(r rune) bool {
	for _, e := range [...][2]rune{
		{0x0020, 0x007E}, {0x00A0, 0x00AC}, {0x00AE, 0x00FF}, // Latin
		{0x0100, 0x024F}, {0x1E00, 0x1EFB}, // Latin with accents, that of Vietnamese included
		{0x0386, 0x03CE}, {0x0400, 0x0481}, {0x048A, 0x0525}, // Greek, Cyrillic
		{0x0531, 0x0556}, {0x0561, 0x0587}, // Armenian
		{0x10D0, 0x10F0},                                                       // Georgian
		{0x2010, 0x2015}, {0x2018, 0x201E}, {0x2026, 0x2026}, {0x2032, 0x2033}, // dashes and quotation marks
		{0x20AC, 0x20AC}, {0x2116, 0x2116}, {0x2122, 0x2122}, // euro, number, trade mark
	} {
		if e[0] <= r && r <= e[1] {
			return unicode.IsGraphic(r)
		}
	}
	return false
}
