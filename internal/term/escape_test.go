package term

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Alice Officer", "Alice Officer"},
		{"other scripts", "Zoë 田中 Ольга فاطمة נועה", "Zoë 田中 Ольга فاطمة נועה"},
		{"accents of their own", "Vie\u0302\u0323t", "Vie\u0302\u0323t"},
		{"emoji", "🦭", "🦭"},
		{"quotes and backslash", `a"b\c`, `a"b\c`},
		{"line ends", "a\r\nb", `a\u{000D}\u{000A}b`},
		{"terminal sequence", "\x1b[2Ja", `\u{001B}[2Ja`},
		{"C1 control", "a\u009bb", `a\u{009B}b`},
		{"tab and nul", "a\tb\x00", `a\u{0009}b\u{0000}`},
		{"right-to-left override", "gpj.\u202eexe", `gpj.\u{202E}exe`},
		{"isolates", "\u2066a\u2069", `\u{2066}a\u{2069}`},
		{"marks of direction", "\u200ea\u200f\u061c", `\u{200E}a\u{200F}\u{061C}`},
		{"zero width", "a\u200bb\u200c\u200d\ufeff\u2060", `a\u{200B}b\u{200C}\u{200D}\u{FEFF}\u{2060}`},
		{"soft hyphen", "a\u00adb", `a\u{00AD}b`},
		{"line separators", "a\u2028b\u2029", `a\u{2028}b\u{2029}`},
		{"other spaces", "a\u00a0b\u2003c\u3000", `a\u{00A0}b\u{2003}c\u{3000}`},
		{"fillers", "\u3164\uffa0\u115f\u2800", `\u{3164}\u{FFA0}\u{115F}\u{2800}`},
		{"variation selectors", "a\ufe0f\U000e0101", `a\u{FE0F}\u{E0101}`},
		{"tags", "a\U000e0041", `a\u{E0041}`},
		{"private use and unassigned", "\ue000\u0378", `\u{E000}\u{0378}`},
		{"mark without a letter", "\u0301a", `\u{0301}a`},
		{"heap of marks", "a\u0301\u0302\u0303\u0304\u0305", "a\u0301\u0302\u0303" + `\u{0304}\u{0305}`},
		{"not UTF-8", "a\xff\xc0\xafb", `a\x{FF}\x{C0}\x{AF}b`},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"empty", "", ""},
		{"as long as allowed", strings.Repeat("é", MaxShown), strings.Repeat("é", MaxShown)},
		{"one more", strings.Repeat("é", MaxShown+1), strings.Repeat("é", MaxShown-1) + "…"},
		{"cut before an escape, not inside", strings.Repeat("a", MaxShown-3) + "\x00b",
			strings.Repeat("a", MaxShown-3) + "…"},
		{"10,000 characters", strings.Repeat("x", 10000), strings.Repeat("x", MaxShown-1) + "…"},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// checkShown holds for every result, whatever went in.
func checkShown(t interface{ Fatalf(string, ...any) }, in, out string) {
	if !utf8.ValidString(out) || utf8.RuneCountInString(out) > MaxShown {
		t.Fatalf("%q: %q is not UTF-8 or too long", in, out)
	}
	for _, r := range out {
		checkRune(t, in, r)
	}
	if again := Escape(out); again != out {
		t.Fatalf("%q: escaped twice is %q, once %q", in, again, out)
	}
}

func checkRune(t interface{ Fatalf(string, ...any) }, in string, r rune) {
	if unicode.IsControl(r) || !unicode.IsPrint(r) || r != ' ' && unicode.IsSpace(r) ||
		unicode.In(r, unicode.Bidi_Control, unicode.Join_Control, unicode.Cf, unicode.Zl, unicode.Zp,
			unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		t.Fatalf("%q is shown with %U", in, r)
	}
}

func TestEscapeProperties(t *testing.T) {
	nasty := rapid.SampledFrom([]rune("aé田\u0301\u0302\u202e\u2066\u200b\u00ad\x1b\n\u3000\u3164\ufe0f\\{}…"))
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOf(nasty)).Draw(t, "text")
		checkShown(t, in, Escape(in))
	})
}

// Each character alone, so that no table of the next Unicode version lets
// something through unseen.
func TestEscapeEveryCharacter(t *testing.T) {
	shown := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue // a surrogate is none
		}
		in := "a" + string(r)
		out := Escape(in)
		switch {
		case out == in:
			checkRune(t, in, r)
			shown++
		case strings.ContainsFunc(out, func(r rune) bool { return r < ' ' || r > '~' }):
			t.Fatalf("%U: %q", r, out)
		}
	}
	if shown < 100_000 {
		t.Errorf("only %d characters are shown as they are", shown)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("gpj.\u202eexe")
	f.Add("\xff\x1b[2J")
	f.Add("a\u0301\u0302\u0303\u0304")
	f.Fuzz(func(t *testing.T, in string) { checkShown(t, in, Escape(in)) })
}
