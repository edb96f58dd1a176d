package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
)

// app is what every command works with: the surroundings of the process and
// the flags that all commands share.
type app struct {
	stdin  *os.File
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	now    func() time.Time
	browse func(ctx context.Context, address string) error // shows a page to the person
	after  func(time.Duration) <-chan time.Time            // nil is time.After

	json     bool
	keyStore string

	prompter *term.Prompter
	me       *keyring.Unlocked // while an organization is open
	held     *secret.Bytes     // the device secret, within one run of setup
	began    bool              // a command of ours was reached
	jsonTo   io.Writer         // where --json goes
	failure  bool              // the error was printed, within the result
}

func newApp() *app {
	return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now, browse: openBrowser}
}

// schemaVersion is that of everything --json prints (doc/cli.md).
const schemaVersion = 1

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	out := &output{w: a.stdout}
	a.stdout, a.jsonTo = out, out
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if a.prompter != nil {
		_ = a.prompter.Close()
	}
	a.held.Destroy()
	switch {
	case err == nil:
		err = out.err // what should have been printed is not there
	case !a.began:
		// What a number is made of concerns nobody who typed none.
		text, _, _ := strings.Cut(err.Error(), ": strconv.")
		err = &usageError{err: &reworded{err, text}, command: cmd}
		// The flag was not reached, but it says how to answer.
		a.json = a.json || slices.Contains(args, "--json")
		a.route(cmd)
	}
	if err == nil {
		return exitOK
	}
	return a.report(err)
}

// route sends JSON to standard error where standard output is the data itself.
func (a *app) route(cmd *cobra.Command) {
	if f := cmd.Flags().Lookup("out"); f != nil && f.Value.String() == "-" {
		a.jsonTo = a.stderr
	}
}

// output is standard output. It remembers that it failed: what a command
// prints is its result, and half of it is none.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		o.err = &durable.Error{Path: "standard output", Cause: err}
	}
	return n, o.err
}

// output is standard output itself.
func (a *app) output() io.Writer {
	if o, ok := a.stdout.(*output); ok {
		return o.w
	}
	return a.stdout
}

// report prints an error as one line with its hint, or as JSON.
func (a *app) report(err error) int {
	p := classify(err)
	switch {
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has what they wanted.
	case a.failure:
	case a.json:
		a.printJSON(struct{}{}, err)
	default:
		_, _ = fmt.Fprintf(a.stderr, "underseal: %s\n", p.message)
		if p.hint != "" {
			_, _ = fmt.Fprintf(a.stderr, "hint: %s\n", p.hint)
		}
	}
	return p.class.code
}

type jsonError struct {
	Code    string `json:"code"`
	Exit    int    `json:"exit"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// printJSON writes the one JSON object of a command: the schema version, the
// members of v, and the error, if there is one.
func (a *app) printJSON(v any, failed error) {
	body, err := json.Marshal(v)
	if err != nil || len(body) < 2 || body[0] != '{' {
		_, _ = fmt.Fprintf(a.stderr, "underseal: cannot print JSON: %v\n", err)
		return
	}
	out := fmt.Appendf(nil, `{"schema_version":%d`, schemaVersion)
	if members := body[1 : len(body)-1]; len(members) > 0 {
		out = append(append(out, ','), members...)
	}
	if failed != nil {
		out = append(append(out, `,"error":`...), a.errorJSON(failed)...)
	}
	_, _ = a.jsonTo.Write(append(escapeJSON(out), "}\n"...)) // the output remembers
}

// errorJSON is the error of a command, which is printed then.
func (a *app) errorJSON(failed error) []byte {
	a.failure = true
	p := classify(failed)
	body, err := json.Marshal(jsonError{Code: p.class.name, Exit: p.class.code, Message: p.message, Hint: p.hint})
	if err != nil {
		return []byte("null")
	}
	return body
}

// say writes a line for people to standard error; silent with --json.
func (a *app) say(format string, args ...any) {
	if !a.json {
		_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// warn writes a warning for people, whatever the format of the output.
func (a *app) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, "warning: "+format+"\n", args...)
}

// next tells what to type next.
func (a *app) next(format string, args ...any) { a.say("next: "+format, args...) }

// print writes a line of data to standard output.
func (a *app) print(format string, args ...any) { _, _ = fmt.Fprintf(a.stdout, format+"\n", args...) }

// prompt returns the terminal to ask on, or term.ErrNoTerminal.
func (a *app) prompt() (*term.Prompter, error) {
	if a.prompter != nil {
		return a.prompter, nil
	}
	p, err := term.OpenControlling()
	if err != nil {
		return nil, err
	}
	a.prompter = p
	return p, nil
}
