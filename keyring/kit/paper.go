package kit

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedbold"
	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
)

// Size is the size of a sheet of paper.
type Size int

// The sizes of paper.
const (
	A4     Size = iota // 210 × 297 mm
	Letter             // 8.5 × 11 inches
)

// Paper returns the paper kit: a PDF of one page. It holds the secret, as QR
// code and as words, in the open; whoever writes it to a disk says so, and the
// caller destroys it. The same kit makes the same bytes.
func (b *Backup) Paper(d Details, size Size) (*secret.Bytes, error) {
	if b.kind != officer.DevicePaperKit {
		return nil, fmt.Errorf("%w: a page is of a paper kit", ErrKind)
	}
	if size != A4 && size != Letter {
		return nil, fmt.Errorf("paper size %d is not known", size)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := newPage(size, d.Made)
	p.head(d)
	p.facts(b, d)
	if err := p.secret(b); err != nil {
		return nil, err
	}
	p.advice(d)
	p.foot()
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("paper kit: %w", err)
	}
	return secret.Take(out.Bytes()), nil
}

// page is the sheet as it is drawn from the top to the bottom. All lengths
// are in millimetres, those of type in points.
type page struct {
	*fpdf.Fpdf
	width, height float64
	y             float64 // where the next part begins
}

const (
	margin = 18.0
	sans   = "sans"
	mono   = "mono"
	bold   = "B"
	point  = 25.4 / 72
)

func newPage(size Size, made time.Time) *page {
	name := "A4"
	if size == Letter {
		name = "Letter"
	}
	p := &page{Fpdf: fpdf.New("P", "mm", name, "")}
	// The same bytes each time, of what is on the page and nothing else.
	p.SetCompression(false)
	p.SetCatalogSort(true)
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetProducer("Underseal", false)
	p.SetTitle("Underseal paper kit", false)
	p.SetLang("en")
	p.AddUTF8FontFromBytes(sans, "", bytes.Clone(dejavusanscondensed.TTF))
	p.AddUTF8FontFromBytes(sans, bold, bytes.Clone(dejavusanscondensedbold.TTF))
	p.AddUTF8FontFromBytes(mono, "", bytes.Clone(dejavusansmono.TTF))
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, 0)
	p.SetCellMargin(0)
	p.AddPage()
	p.width, p.height = p.GetPageSize()
	return p
}

// The inks: they are told apart on a printer without colours too.
type ink struct{ r, g, b int }

func dark() ink  { return ink{24, 32, 48} }
func muted() ink { return ink{96, 104, 120} }
func seal() ink  { return ink{122, 28, 40} }
func pale() ink  { return ink{244, 245, 248} }
func rule() ink  { return ink{190, 196, 206} }

func (p *page) face(family, style string, size float64, i ink) {
	p.SetFont(family, style, size)
	p.SetTextColor(i.r, i.g, i.b)
}

func (p *page) line(x1, y1, x2, y2, width float64, i ink) {
	p.SetDrawColor(i.r, i.g, i.b)
	p.SetLineWidth(width)
	p.Line(x1, y1, x2, y2)
}

// paragraph writes text in lines of a width, with the parts between grave
// accents as what is typed, and returns where the next may begin.
func (p *page) paragraph(x, y, width, size float64, text string) float64 {
	leading := size * point * 1.42
	at, space := x, 0.0
	y += size * point
	for i, part := range strings.Split(text, "`") {
		p.face(sans, "", size, dark())
		if i%2 == 1 {
			p.face(mono, "", size*0.9, dark())
		}
		for j, word := range strings.Split(part, " ") {
			if j > 0 {
				space = p.GetStringWidth(" ")
			}
			if word == "" {
				continue
			}
			w := p.GetStringWidth(word)
			if at > x && at+space+w > x+width && space > 0 {
				at, space = x, 0
				y += leading
			}
			p.Text(at+space, y, word)
			at, space = at+space+w, 0
		}
	}
	return y + leading - size*point
}

func (p *page) head(d Details) {
	right := p.width - margin
	p.SetFillColor(seal().r, seal().g, seal().b)
	p.Rect(0, 0, p.width, 3.2, "F")
	p.face(sans, bold, 8, seal())
	p.Text(margin, 14.5, "UNDERSEAL")
	p.face(sans, "", 8, muted())
	made := "made on " + d.day()
	p.Text(right-p.GetStringWidth(made), 14.5, made)
	p.face(sans, bold, 23, dark())
	p.Text(margin, 25, "Paper kit")
	p.y = p.paragraph(margin, 27.6, right-margin, 9.5,
		"This page opens what is sealed for the member named below, when every computer is lost. "+
			"So can whoever else holds it: keep it as you would keep a signed will.") + 2.2
}

func (p *page) facts(b *Backup, d Details) {
	const label = 30.0
	x, width := margin+label, p.width-2*margin-label
	fact := func(name, family string, size float64, text string) {
		p.line(margin, p.y, p.width-margin, p.y, 0.15, rule())
		p.face(sans, "", 8, muted())
		p.Text(margin, p.y+4.5, name)
		if !drawable(text) {
			p.line(x, p.y+5, x+70, p.y+5, 0.2, dark())
			p.face(sans, "", 7.5, muted())
			p.Text(x+72, p.y+4.5, "write it here by hand: this page lacks its letters")
			p.y += 6.6
			return
		}
		p.face(family, "", size, dark())
		lines := p.wrap(text, width, 2)
		for i, line := range lines {
			p.Text(x, p.y+4.6+4.2*float64(i), line)
		}
		p.y += 6.6 + 4.2*float64(len(lines)-1)
	}
	fact("Organization", sans, 10, d.Organization)
	fact("Fingerprint", mono, 7.6, officer.FormatFingerprint(b.org))
	fact("Member", sans, 10, d.Name)
	fact("Email", sans, 10, d.Email)
	fact("Device id", mono, 7.6, b.ID().String())
	if d.Store != "" {
		fact("Store", sans, 9, d.Store)
	}
	p.y += 2.6
}

// wrap breaks a text into at most so many lines of a width, between words
// where that is possible. What is too long even so ends in "…".
func (p *page) wrap(text string, width float64, most int) []string {
	lines := p.SplitText(text, width)
	if len(lines) <= most {
		return lines
	}
	lines = lines[:most]
	last := []rune(lines[most-1])
	for len(last) > 0 && p.GetStringWidth(string(last)+"…") > width {
		last = last[:len(last)-1]
	}
	lines[most-1] = string(last) + "…"
	return lines
}

// codeSize is the side of the QR code without its margin: modules of more than
// a millimetre, which any camera sees.
const codeSize = 58.0

func (p *page) secret(b *Backup) error {
	const inside, rows = 7.0, 8
	x, width, height := margin, p.width-2*margin, codeSize+2*inside+1
	p.SetFillColor(pale().r, pale().g, pale().b)
	p.SetDrawColor(seal().r, seal().g, seal().b)
	p.SetLineWidth(0.45)
	p.RoundedRect(x, p.y, width, height, 2.2, "1234", "FD")

	// A QR code needs four modules of white around it.
	p.SetFillColor(255, 255, 255)
	p.Rect(x+2.2, p.y+2.2, codeSize+2*inside-3.4, height-4.4, "F")
	if err := p.code(x+0.5+inside, p.y+0.5+inside, b); err != nil {
		return err
	}

	words := b.Words()
	defer words.Destroy()
	left := x + codeSize + 2*inside + 4
	step := (x + width - left) / 3
	p.face(sans, bold, 9.5, seal())
	p.Text(left, p.y+8.6, "The secret in 24 words")
	p.face(sans, "", 7.5, muted())
	p.Text(left, p.y+12.6, "read down each column; the code at the left says the same")
	for i, w := range strings.Fields(string(words.Expose())) {
		wx, wy := left+step*float64(i/rows), p.y+20.4+6.8*float64(i%rows)
		p.face(sans, "", 7, muted())
		number := fmt.Sprint(i + 1)
		p.Text(wx+4-p.GetStringWidth(number), wy, number)
		p.face(mono, "", 11, dark())
		p.Text(wx+5.4, wy, w)
	}
	p.y += height + 7
	return nil
}

// code draws the QR code as lines of rectangles: sharp at every size, and
// without the seams that single squares show.
func (p *page) code(x, y float64, b *Backup) error {
	text := b.Text()
	defer text.Destroy()
	// Level Q reads with a quarter of the code torn off or under a stain.
	c, err := qr.Encode(string(text.Expose()), qr.Q, qr.AlphaNumeric)
	if err != nil {
		return fmt.Errorf("QR code: %w", ErrMalformed) // its message may quote the text
	}
	n := c.Bounds().Dx()
	side := codeSize / float64(n)
	black := func(col, row int) bool {
		r, _, _, _ := c.At(col, row).RGBA()
		return r == 0
	}
	p.SetFillColor(0, 0, 0)
	for row := range n {
		for col := 0; col < n; col++ {
			from := col
			for col < n && black(col, row) {
				col++
			}
			if col > from {
				p.Rect(x+float64(from)*side, y+float64(row)*side, float64(col-from)*side, side+0.02, "F")
			}
		}
	}
	return nil
}

// advice returns where it ends.
func (p *page) advice(d Details) float64 {
	const gap = 9.0
	width := (p.width - 2*margin - gap) / 2
	// Whoever reads this may have forgotten everything about the program.
	restore := "Type `underseal backup restore --store` and the address of your firm's store, which its officers know."
	if d.Store != "" {
		restore = "Type `underseal backup restore --store` and the store named above. Has it moved since, ask your security officer."
	}
	column := func(x float64, title string, numbered bool, items ...string) float64 {
		y := p.y
		p.face(sans, bold, 11, dark())
		p.Text(x, y+4, title)
		y += 6.8
		for i, item := range items {
			p.face(sans, bold, 9.2, seal())
			mark := "–"
			if numbered {
				mark = fmt.Sprint(i + 1)
			}
			p.Text(x, y+9.2*point, mark)
			y = p.paragraph(x+4.6, y, width-4.6, 9.2, item) + 1.2
		}
		return y
	}
	return max(column(margin, "To get everything back", true,
		"Install Underseal on a computer that you trust: `github.com/underseal/underseal`",
		restore,
		"Type the 24 words when you are asked for them, or read the code with a scanner and paste what it says.",
		"The program shows a fingerprint. Compare it with the one above; if they differ, stop.",
		"Make a new kit with `underseal backup create`, and end this one with `underseal device remove`.",
	), column(margin+width+gap, "To keep it safe", false,
		"Keep it in a safe, away from your computer, and tell one person you trust where it is.",
		"Do not photograph, scan, copy or send it. A telephone may pass on what its camera sees.",
		"Whoever finds it can read what you can read, and sign as you. No password protects it.",
		"If it is lost or was seen, end it at once: `underseal device list` shows its id, `underseal device remove` takes that. Or tell your security officer.",
		"The words belong to Underseal alone. Type them into no other program and no web page.",
	))
}

func (p *page) foot() {
	y := p.height - 15
	p.line(margin, y-6.5, p.width-margin, y-6.5, 0.15, rule())
	p.SetDrawColor(dark().r, dark().g, dark().b)
	p.SetLineWidth(0.3)
	p.Rect(margin, y-2.9, 3.2, 3.2, "D")
	p.face(sans, "", 8.6, dark())
	const text = "Rehearsed with "
	p.Text(margin+5, y, text)
	x := margin + 5 + p.GetStringWidth(text)
	p.face(mono, "", 7.8, dark())
	const command = "underseal backup check"
	p.Text(x, y, command)
	x += p.GetStringWidth(command) + 2
	p.face(sans, "", 8.6, dark())
	p.Text(x, y, "on")
	p.line(x+5, y+0.6, x+45, y+0.6, 0.2, dark())
	p.face(sans, "", 7.5, muted())
	const why = "A backup counts once it was tried."
	p.Text(p.width-margin-p.GetStringWidth(why), y, why)
}
