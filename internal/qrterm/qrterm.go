// Package qrterm draws a QR code in a terminal, for a camera held before it:
// [Draw] gives the lines, two rows of squares in each. It is for short texts
// that one screen has room for, such as an invitation or a pairing code.
//
// The package is the command line's, promises nothing, and is not for js/wasm.
package qrterm

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/underseal/underseal/internal/secret"
)

// quiet is how many empty squares a camera needs round a code.
const quiet = 4

// Black on white whatever the terminal's own colours are: a camera does not
// read the reverse.
const (
	ink   = "\x1b[38;5;16;48;5;231m"
	plain = "\x1b[0m"
)

// Draw returns the code of a text in lines, each with its own colours, and how
// many columns wide they are. The text is drawn in capitals, which take fewer
// squares: it is one that means the same in capitals, such as Bech32. The
// caller destroys the drawing, which is as secret as the text.
func Draw(text *secret.Bytes) (lines *secret.Bytes, columns int, err error) {
	code, err := qr.Encode(strings.ToUpper(string(text.Expose())), qr.L, qr.AlphaNumeric)
	if err != nil {
		// The library's error may hold the text.
		return nil, 0, fmt.Errorf("a QR code has no room for a text of %d characters", text.Len())
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		if x < 0 || y < 0 || x >= size || y >= size {
			return false
		}
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}
	var b strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		b.WriteString(ink)
		for x := -quiet; x < size+quiet; x++ {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString(plain + "\n")
	}
	return secret.New([]byte(b.String())), size + 2*quiet, nil
}
