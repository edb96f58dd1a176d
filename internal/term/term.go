// Package term asks a person on a terminal, and makes text from outside safe
// to show on one.
//
// Use [Open] where standard input is free for answers, [OpenControlling]
// where it carries data; without a terminal both return [ErrNoTerminal],
// whose caller names the flag or file to use instead. Questions are the
// program's own text; whatever part of them came from outside goes through
// [Escape] first.
//
// The package is internal: it promises nothing to other modules.
package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	xterm "golang.org/x/term"

	"github.com/underseal/underseal/internal/secret"
)

// Errors of a Prompter, wrapped with detail.
var (
	// ErrNoTerminal: there is nobody to ask.
	ErrNoTerminal = errors.New("no terminal to ask on")
	// ErrInterrupted: the person pressed Ctrl-C, or the program is to end.
	ErrInterrupted = errors.New("interrupted")
	// ErrNoAnswer: the input ended, or no answer could be used.
	ErrNoAnswer = errors.New("no answer")
	// ErrLongAnswer: the answer exceeds MaxAnswer.
	ErrLongAnswer = errors.New("the answer is too long")
)

const (
	// MaxAnswer bounds one answer in bytes. A terminal's own line buffer
	// holds 4,096 on Linux and 1,024 on macOS.
	MaxAnswer = 4096
	// attempts bounds how often Confirm and Choose ask again.
	attempts = 3
)

// IsTerminal tells whether f is a terminal.
func IsTerminal(f *os.File) bool {
	return f != nil && xterm.IsTerminal(int(f.Fd()))
}

// Prompter asks questions on a terminal, one at a time. It is not for use by
// several goroutines at once. After ErrInterrupted it must not be used again:
// the read of the terminal cannot be taken back.
type Prompter struct {
	in, out *os.File
	own     bool
}

// Columns is how many characters fit into a line of the terminal f, or 0.
func Columns(f *os.File) int {
	n, _, err := xterm.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}

// Open returns a prompter that writes to out and reads from in, usually
// os.Stdin and os.Stderr, or ErrNoTerminal if either is not a terminal.
func Open(in, out *os.File) (*Prompter, error) {
	if !IsTerminal(in) || !IsTerminal(out) {
		return nil, ErrNoTerminal
	}
	return &Prompter{in: in, out: out}, nil
}

// OpenControlling returns a prompter on the terminal that the program was
// started from, wherever standard input and output lead.
func OpenControlling() (*Prompter, error) {
	in, out, err := openControlling()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	return &Prompter{in: in, out: out, own: true}, nil
}

// Close closes what OpenControlling opened.
func (p *Prompter) Close() error {
	if !p.own {
		return nil
	}
	err := p.in.Close()
	if p.out != p.in {
		err = errors.Join(err, p.out.Close())
	}
	return err
}

// Line asks for a line of text and returns it without surrounding space. An
// empty answer is "".
func (p *Prompter) Line(ctx context.Context, question string) (string, error) {
	answer, err := p.ask(ctx, question, true)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(answer)), nil
}

// Secret asks for a line that is not shown while it is typed, and returns it
// as it was typed, without the line end. An empty answer is an empty secret.
func (p *Prompter) Secret(ctx context.Context, question string) (*secret.Bytes, error) {
	answer, err := p.ask(ctx, question, false)
	if err != nil {
		return nil, err
	}
	return secret.Take(answer), nil
}

// Confirm asks a question that takes yes or no. There is no default: what
// deserves a question deserves an answer.
func (p *Prompter) Confirm(ctx context.Context, question string) (bool, error) {
	for range attempts {
		answer, err := p.Line(ctx, question+" (yes or no)")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
	return false, fmt.Errorf("%w: neither yes nor no", ErrNoAnswer)
}

// Choose lists the options, numbered from 1, and returns the index from 0 of
// the one that the person names by its number.
func (p *Prompter) Choose(ctx context.Context, question string, options []string) (int, error) {
	var list strings.Builder
	for i, o := range options {
		fmt.Fprintf(&list, "  %d  %s\n", i+1, Escape(o))
	}
	if _, err := io.WriteString(p.out, list.String()); err != nil {
		return 0, fmt.Errorf("write to the terminal: %w", err)
	}
	for range attempts {
		answer, err := p.Line(ctx, fmt.Sprintf("%s (1 to %d)", question, len(options)))
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
	}
	return 0, fmt.Errorf("%w: not a number from 1 to %d", ErrNoAnswer, len(options))
}

// ask writes the question and reads one line. Echo is off before the question
// appears, so that whoever answers at once is not shown either, and is on
// again however ask ends, by a signal too: a shell left without echo helps
// nobody.
func (p *Prompter) ask(ctx context.Context, question string, echo bool) (line []byte, err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !echo {
		restore, err := echoOff(p.in)
		if err != nil {
			return nil, fmt.Errorf("turn off the echo: %w", err)
		}
		// The person's own line end was not shown either.
		defer func() { _, _ = io.WriteString(p.out, "\n"); restore() }()
	}
	if _, err := io.WriteString(p.out, question+" "); err != nil {
		return nil, fmt.Errorf("write to the terminal: %w", err)
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := readLine(p.in)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, ctx.Err())
	}
}

// readLine reads up to the line end and not a byte further, so that the rest
// is there for the next question. Nothing of an answer stays behind in a
// buffer that grew.
func readLine(r io.Reader) ([]byte, error) {
	line := make([]byte, 0, MaxAnswer)
	one := make([]byte, 1)
	defer clear(one)
	tooLong := false
	for {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			if tooLong {
				clear(line)
				return nil, fmt.Errorf("%w: at most %d bytes", ErrLongAnswer, MaxAnswer)
			}
			if len(line) > 0 && line[len(line)-1] == '\r' {
				line = line[:len(line)-1]
			}
			return line, nil
		case n == 1 && len(line) == MaxAnswer:
			tooLong = true
		case n == 1:
			line = append(line, one[0])
		case err != nil: // a half line before the end is not an answer
			clear(line)
			return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
	}
}
