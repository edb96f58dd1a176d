package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/term"
)

// table prints aligned columns on standard output.
type table struct {
	w   *tabwriter.Writer
	b   *bytes.Buffer
	out io.Writer
}

func (a *app) table() table {
	b := new(bytes.Buffer)
	return table{tabwriter.NewWriter(b, 0, 0, 2, ' ', 0), b, a.stdout}
}

// row adds a row. A tab after every cell makes all of them columns, also those
// that end some rows.
func (t table) row(cells ...string) {
	_, _ = t.w.Write([]byte(strings.Join(cells, "\t") + "\t\n")) // a buffer takes it
}

// flush prints the rows, without the spaces at their ends.
func (t table) flush() error {
	if err := t.w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(t.b.String()) {
		if _, err := io.WriteString(t.out, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// shown is a text from the directory, or what stands for one that the caller
// may not read.
func shown(s string) string {
	if s == "" {
		return "(sealed)"
	}
	return term.Escape(s)
}

// arg is a text as it is typed in a command: a folder's name may hold spaces.
func arg(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-"
	shown := term.EscapeTo(s, 4*term.MaxShown)
	switch {
	case shown != "" && strings.Trim(shown, plain) == "":
		return shown
	case runtime.GOOS == "windows":
		// A file's name holds no quote there, but somebody's email may, and
		// what follows it would be a command of its own when it is pasted.
		return `"` + strings.ReplaceAll(shown, `"`, `'`) + `"`
	default:
		return "'" + strings.ReplaceAll(shown, "'", `'\''`) + "'"
	}
}

// escapeJSON writes out, as JSON does, the control and format characters that
// encoding/json leaves as they are: in a terminal they would act (attack 35).
func escapeJSON(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for _, r := range string(body) {
		if r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf) {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// age is the time between two moments as people say it.
func age(then, now time.Time) string {
	d := now.Sub(then)
	switch {
	case d < 0:
		return "in the future, by its author's clock"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// moment is a day, and the time of it where that is less than two days away.
func (a *app) moment(t time.Time) string {
	if t.Sub(a.now()).Abs() < 48*time.Hour {
		return t.Local().Format("2006-01-02 15:04")
	}
	return day(t)
}

// lasting is a time to come as people type it: 15m, not 15m0s.
func lasting(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// count is a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// some is a part of a sentence that is left out where there is nothing of it.
func some(n int64, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}
