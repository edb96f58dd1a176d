package qrterm_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/qrterm"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

// TestCameraReadsIt draws texts as a terminal shows them and has another
// program read the picture.
func TestCameraReadsIt(t *testing.T) {
	t.Parallel()
	zbarimg := testenv.Tool(t, "zbarimg", "zbar-tools")
	for _, text := range []string{"underseal-pair1qqqsyqcyq5rqwzqfpg9", "underseal-invite1" + strings.Repeat("qpzry9x8gf2tvdw0", 24)} {
		lines, columns, err := qrterm.Draw(secret.New([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "screen.png")
		picture(t, path, string(lines.Expose()), columns)
		out, err := exec.CommandContext(t.Context(), zbarimg, "--raw", "-q", path).Output() // #nosec G204 -- a tool of the test
		if err != nil || strings.TrimSpace(string(out)) != strings.ToUpper(text) {
			t.Errorf("%d characters: read %q, %v", len(text), out, err)
		}
	}
}

// picture paints the lines with squares of 4 pixels.
func picture(t *testing.T, path, lines string, columns int) {
	t.Helper()
	const side = 4
	rows := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	img := image.NewGray(image.Rect(0, 0, columns*side, 2*len(rows)*side))
	for y, row := range rows {
		row, found := strings.CutPrefix(strings.TrimSuffix(row, "\x1b[0m"), "\x1b[38;5;16;48;5;231m")
		if !found || len([]rune(row)) != columns {
			t.Fatalf("row %d: not in its colours, or %d columns instead of %d", y, len([]rune(row)), columns)
		}
		for x, c := range []rune(row) {
			for half, marks := range []string{"█▀", "█▄"} {
				shade := color.Gray{Y: 255}
				if strings.ContainsRune(marks, c) {
					shade = color.Gray{}
				}
				for p := range side * side {
					img.SetGray(x*side+p%side, (2*y+half)*side+p/side, shade)
				}
			}
		}
	}
	f, err := os.Create(path) // #nosec G304 -- of the test
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNoRoom(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("q", 5000), "a\nb"} {
		if _, _, err := qrterm.Draw(secret.New([]byte(text))); err == nil || strings.Contains(err.Error(), "qq") {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
}
