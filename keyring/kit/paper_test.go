package kit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/officer"
)

func paper(t *testing.T, b *Backup, d Details, size Size) []byte {
	t.Helper()
	p, err := b.Paper(d, size)
	if err != nil {
		t.Fatal(err)
	}
	return p.Expose()
}

// rendered is a PDF as a picture, in a file; "" if it shows nothing.
func rendered(t *testing.T, pdf []byte) string {
	t.Helper()
	tool := testenv.Tool(t, "pdftoppm", "poppler-utils")
	dir := t.TempDir()
	in := filepath.Join(dir, "kit.pdf")
	if err := os.WriteFile(in, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	// A PDF that is damaged is an error to one version and a blank to another.
	_ = exec.CommandContext(t.Context(), tool, "-png", "-r", "120", "-singlefile", in, filepath.Join(dir, "kit")).Run()
	picture := filepath.Join(dir, "kit.png")
	if _, err := os.Stat(picture); err != nil {
		return ""
	}
	return picture
}

// scanned is what the QR code in a picture says, "" if it is not read.
func scanned(t *testing.T, picture string) string {
	t.Helper()
	tool := testenv.Tool(t, "zbarimg", "zbar-tools")
	out, err := exec.CommandContext(t.Context(), tool, "--quiet", "--raw", picture).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) { // 4: no code was found
		t.Fatalf("zbarimg: %v\n%s", err, out)
	}
	return string(out)
}

// pdftotext is the page as another program reads it.
func pdftotext(t *testing.T, pdf []byte) string {
	t.Helper()
	tool := testenv.Tool(t, "pdftotext", "poppler-utils")
	c := exec.CommandContext(t.Context(), tool, "-layout", "-", "-")
	c.Stdin = bytes.NewReader(pdf)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What is printed is read back by programs that know nothing of this one: the
// code as a picture, the words and the fingerprint as text. Both open the
// device.
func TestPaper(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]Size{"A4": A4, "Letter": Letter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := kitOf(t)
			pdf := paper(t, b, details(), size)
			if err := mustParse(t, scanned(t, rendered(t, pdf))).Rehearse(b.org, b.Keys().Record()); err != nil {
				t.Errorf("the code: %v", err)
			}

			text := pdftotext(t, pdf)
			for _, want := range []string{
				"Example LLP", "Alice Nguyễn", "alice@example.com", "dir:/srv/firm", "made on 2026-03-02",
				officer.FormatFingerprint(b.org), b.ID().String(),
				"underseal backup restore", "underseal backup check", "underseal device remove",
			} {
				if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
					t.Errorf("the page does not say %q\n%s", want, text)
				}
			}
			if strings.Count(text, "\f") != 1 {
				t.Errorf("%d pages", strings.Count(text, "\f"))
			}
			// The rows of words as they are selected and copied: with their numbers.
			_, rows, found := strings.Cut(text, "says the same")
			rows, _, end := strings.Cut(rows, "To get everything back")
			if !found || !end {
				t.Fatalf("no words in\n%s", text)
			}
			c, err := Parse(secret.New([]byte(rows)))
			if err != nil {
				t.Fatalf("%v in\n%s", err, rows)
			}
			if err := c.Rehearse(b.org, b.Keys().Record()); err != nil {
				t.Errorf("the words: %v", err)
			}
		})
	}
}

// The same kit makes the same bytes, and outside of the page nothing is said
// of it.
func TestPaperHoldsNoMore(t *testing.T) {
	t.Parallel()
	b := kitOf(t)
	pdf := paper(t, b, details(), A4)
	if again := paper(t, b, details(), A4); !bytes.Equal(pdf, again) {
		t.Error("two pages of one kit differ")
	}
	tool := testenv.Tool(t, "pdfinfo", "poppler-utils")
	c := exec.CommandContext(t.Context(), tool, "-")
	c.Stdin = bytes.NewReader(pdf)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		got[key] = strings.TrimSpace(value)
	}
	for key, want := range map[string]string{
		"Title": "Underseal paper kit", "Producer": "Underseal", "Author": "", "Subject": "", "Keywords": "", "Creator": "",
		"Pages": "1", "JavaScript": "no", "Encrypted": "no", "Form": "none",
	} {
		if got[key] != want {
			t.Errorf("%s is %q", key, got[key])
		}
	}
	// In the page itself text is of two bytes a character, so that its parts
	// as they are typed stand nowhere in the file.
	text := string(b.Text().Expose())
	zeros := paper(t, answers(t)[2].backup(t), details(), A4) // its words are other ones
	for _, part := range append(strings.Fields(string(b.Words().Expose())), text[:24], text[40:64], text[100:120]) {
		said := []byte(strings.ToUpper(part)) // "range" is a word of every PDF
		if len(part) > 4 && bytes.Contains(bytes.ToUpper(pdf), said) && !bytes.Contains(bytes.ToUpper(zeros), said) {
			t.Errorf("%q stands in the file", part)
		}
	}
}

// A name in a script that the page cannot write is left to the hand, whole,
// and never comes out as boxes.
func TestPaperNames(t *testing.T) {
	t.Parallel()
	const byHand = "write it here by hand"
	for name, drawn := range map[string]bool{
		"Nguyễn Thị Minh Khai": true, "Łukasz Żółć": true, "Κωνσταντίνος Παπαδόπουλος": true, "Шевченко Оксана": true,
		"Արամ Խաչատրյան": true, "ნინო ბერიძე": true, "Şükrü İnönü": true, "O’Brien–Smith, Jr.": true,
		"山田太郎": false, "김민준": false, "مريم الفاسي": false, "רות כהן": false, "प्रिया शर्मा": false, "สมชาย": false,
		"Yamada 太郎": false, "e\u0301": false, "Ann 😀": false, "\U00010400x": false,
	} {
		d := details()
		d.Name = name
		text := pdftotext(t, paper(t, kitOf(t), d, A4))
		if strings.Contains(text, byHand) == drawn || strings.Contains(text, name) != drawn {
			t.Errorf("%s: drawn %v\n%s", name, strings.Contains(text, name), text)
		}
	}
}

// Every character that is drawn has a picture in the typeface of names. The
// one of fixed width is for what is ASCII always.
func TestLettersAreThere(t *testing.T) {
	t.Parallel()
	count, has := 0, glyphs(t, dejavusanscondensed.TTF)
	for r := range rune(0x10000) {
		if drawableRune(r) {
			count++
			if !has[r] {
				t.Errorf("no picture of %U", r)
			}
		}
	}
	if count < 1200 {
		t.Errorf("only %d characters", count)
	}
}

// glyphs are the characters that a TrueType font maps to a picture, by its
// table "cmap" of format 4.
func glyphs(t *testing.T, ttf []byte) map[rune]bool {
	t.Helper()
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(ttf[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(ttf[at:])) }
	out := map[rune]bool{}
	for i := range u16(4) {
		entry := 12 + 16*i
		if string(ttf[entry:entry+4]) != "cmap" {
			continue
		}
		cmap := u32(entry + 8)
		for j := range u16(cmap + 2) {
			sub := cmap + u32(cmap+4+8*j+4)
			if u16(sub) != 4 {
				continue
			}
			n := u16(sub + 6)
			for s := 0; s < n; s += 2 {
				end, start := u16(sub+14+s), u16(sub+16+n+s)
				delta, at := u16(sub+16+2*n+s), sub+16+3*n+s
				for c := start; c <= end && c < 0xFFFF; c++ {
					glyph := (c + delta) & 0xFFFF
					if u16(at) != 0 {
						if glyph = u16(at + u16(at) + 2*(c-start)); glyph != 0 {
							glyph = (glyph + delta) & 0xFFFF
						}
					}
					if glyph != 0 {
						out[rune(c)] = true
					}
				}
			}
		}
	}
	if len(out) < 1000 {
		t.Fatalf("only %d characters in the font", len(out))
	}
	return out
}

// The longest texts, at which lines are broken, stay on the one page and hide
// nothing of it.
func TestPaperLongest(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	b := kitOf(t)
	for name, unit := range map[string]string{"words": "Adams & Baker ", "one word": "W", "wide": "Ж", "two units": "ễ"} {
		long := strings.TrimSpace(strings.Repeat(unit, 1024/len(unit)))
		d := Details{Organization: long, Name: long, Email: long, Store: long, Made: details().Made}
		pdf := paper(t, b, d, Letter)
		if err := mustParse(t, scanned(t, rendered(t, pdf))).Rehearse(b.org, b.Keys().Record()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text := pdftotext(t, pdf)
		if strings.Count(text, "\f") != 1 || !strings.Contains(text, "Rehearsed with") || !strings.Contains(text, "…") {
			t.Errorf("%s: the page says\n%s", name, text)
		}
		if lowest := lastLine(t, b, d); lowest > 279.4-15-6.5-4 {
			t.Errorf("%s: the advice ends at %.1f mm, in the foot of the page", name, lowest)
		}
	}
}

// lastLine is where the advice ends, in millimetres from the top.
func lastLine(t *testing.T, b *Backup, d Details) float64 {
	t.Helper()
	p := newPage(Letter, d.Made)
	p.head(d)
	p.facts(b, d)
	if err := p.secret(b); err != nil {
		t.Fatal(err)
	}
	return p.advice(d)
}

// A page that is cut short, or a picture of one that is stained, says the
// secret or nothing, and never another.
func TestPaperDamaged(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	b := kitOf(t)
	pdf := paper(t, b, details(), A4)
	text := string(b.Text().Expose())
	for _, part := range []int{1, 2, 3, 5, 7, 9} {
		picture := rendered(t, pdf[:len(pdf)*part/10])
		if picture == "" {
			continue
		}
		if got := strings.TrimSpace(scanned(t, picture)); got != "" && got != text {
			t.Errorf("%d tenths of the file say %q", part, got)
		}
	}

	file, err := os.ReadFile(rendered(t, pdf))
	if err != nil {
		t.Fatal(err)
	}
	page, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	const perMillimetre = 120 / 25.4
	read := 0
	for _, side := range []float64{5, 10, 15, 20, 30, 45} {
		stained := image.NewRGBA(page.Bounds())
		draw.Draw(stained, stained.Bounds(), page, image.Point{}, draw.Src)
		// From the middle of the code, away from the marks in its corners.
		x, y := 246, 529 // 52 and 112 mm
		half := int(side * perMillimetre / 2)
		draw.Draw(stained, image.Rect(x-half, y-half, x+half, y+half), image.NewUniform(color.Gray{Y: 60}), image.Point{}, draw.Src)
		var buf bytes.Buffer
		if err := png.Encode(&buf, stained); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "stained.png")
		if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		switch got := strings.TrimSpace(scanned(t, path)); got {
		case text:
			read++
		case "":
		default:
			t.Errorf("a stain of %.0f mm makes it say %q", side, got)
		}
	}
	// Level Q bears a quarter of the code, as long as its parts are spread.
	if read < 2 || read == 6 {
		t.Errorf("%d of 6 stained pages were read", read)
	}
}

// The page draws the words and the name that it was given: not only for the
// known kit.
func TestPaperOfAny(t *testing.T) {
	t.Parallel()
	seen := []officer.DeviceID{}
	for range 4 {
		b, err := New(officer.DevicePaperKit, officer.OrganizationID{9}, "paper kit")
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(seen, b.ID()) {
			t.Error("twice the same device")
		}
		seen = append(seen, b.ID())
		if err := mustParse(t, scanned(t, rendered(t, paper(t, b, details(), Letter)))).Rehearse(b.org, b.Keys().Record()); err != nil {
			t.Error(err)
		}
	}
}

// wide is a text as a PDF writes it.
func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// The words are on the page once each, as text.
func TestPaperWordsAreText(t *testing.T) {
	t.Parallel()
	b := kitOf(t)
	pdf := paper(t, b, details(), A4)
	for _, w := range strings.Fields(string(b.Words().Expose())) {
		if !bytes.Contains(pdf, append(wide(w), []byte(") Tj")...)) {
			t.Errorf("%s is not on the page", w)
		}
	}
}
