package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/qrterm"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/workspace"
)

// The states of a pairing, as --json calls them.
const (
	pairWaiting   = "waiting"   // for the other device
	pairCompare   = "compare"   // for the person, who compares the words
	pairConfirmed = "confirmed" // on the new device: for the old one
	pairDone      = "paired"
	pairWithdrawn = "withdrawn"
)

// pollEvery is how often a device looks for the other one.
const pollEvery = time.Second

const pairingHelp = `Neither command waits longer than --wait says, and each goes on where it stopped:
with --wait 0s it does what can be done now. The words are compared on a
terminal, or given by --words; without either they are only shown.`

type pairFlags struct {
	codeOut, words string
	force          bool
	withdraw       bool
	good, wait     time.Duration
}

type jsonPairing struct {
	State   string     `json:"state"`
	Expires *time.Time `json:"expires,omitempty"`
	CodeOut string     `json:"code_out,omitempty"`
	Device  string     `json:"device,omitempty"`
	Label   string     `json:"label,omitempty"`
	Words   []string   `json:"words"`
}

func newDevicePairCommand(a *app) *cobra.Command {
	var f pairFlags
	c := &cobra.Command{
		Use: "pair", Short: "Add another device of yours: show it a code", Args: noArgs,
		Long: `Add another device of yours. This one shows a code, which the new one is given
by underseal device join. Both then show six words: compare them. Only then is
the new device added, and can read what you read.

The code is good once, for 15 minutes. Whoever else has it within that time can
answer first; then the words differ, or both devices say so.

` + pairingHelp,
		Example: `underseal device pair
underseal device pair --code-out stick/code --wait 0s`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(a.json); err != nil {
				return &usageError{err, cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error { return a.pair(cmd.Context(), w, f) })
		},
	}
	c.Flags().StringVar(&f.codeOut, "code-out", "", "`FILE` to write the code to, or - for standard output, instead of showing it")
	c.Flags().BoolVar(&f.force, "force", false, "replace the file if it exists")
	c.Flags().StringVar(&f.words, "words", "", "the six `WORDS` that the new device shows")
	c.Flags().BoolVar(&f.withdraw, "withdraw", false, "end the pairing that is under way")
	c.Flags().DurationVar(&f.good, "good-for", workspace.PairingTime, "how long the code is good, at most 24h")
	c.Flags().DurationVar(&f.wait, "wait", workspace.PairingTime, "how long to wait for the new device")
	must(c.RegisterFlagCompletionFunc("code-out", files))
	return c
}

func (f pairFlags) check(json bool) error {
	switch {
	case f.good < time.Minute || f.good > workspace.MaxPairingTime:
		return errors.New("a code is good for 1m to 24h")
	case f.wait < 0:
		return errors.New("--wait is a time such as 5m, or 0s")
	case f.withdraw && (f.words != "" || f.codeOut != ""):
		return errors.New("--withdraw stands alone")
	case json && f.codeOut == "-":
		return errors.New("--json and the code do not go to one place; give --code-out a file")
	}
	return nil
}

// poll looks until something is there, an error is, or the time is over, which
// is no error.
func (a *app) poll(ctx context.Context, wait time.Duration, look func() (bool, error)) error {
	until := a.now().Add(wait)
	for {
		if done, err := look(); done || err != nil || !a.now().Before(until) {
			return err
		}
		if err := a.pause(ctx); err != nil {
			return err
		}
	}
}

func (a *app) pause(ctx context.Context) error {
	next := a.after
	if next == nil {
		next = time.After
	}
	select {
	case <-next(pollEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *app) pair(ctx context.Context, w *workspace.Workspace, f pairFlags) error {
	p, err := w.Pairing()
	none := errors.Is(err, workspace.ErrNoPairing)
	switch {
	case f.withdraw && err == nil:
		defer p.Close()
		if err := p.End(ctx); err != nil {
			return err
		}
		a.say("the code is good for nothing any more")
		return a.pairState(jsonPairing{State: pairWithdrawn})
	case f.withdraw, f.words != "" && none:
		return err
	case err == nil && f.words == "" && !a.now().Before(p.Expires()):
		p.Close()
		none = true // and another code takes its place
	case err != nil && !none:
		return err
	}
	shown := none || f.codeOut != ""
	if none {
		if p, err = a.beginPairing(ctx, w, f); err != nil {
			return err
		}
	}
	defer p.Close()
	state := jsonPairing{State: pairWaiting, CodeOut: f.codeOut, Expires: timePointer(p.Expires())}
	var found *workspace.PairingAnswer
	look := func() (done bool, err error) {
		found, err = p.Answer(ctx)
		return found != nil, err
	}
	if !none {
		if _, err := look(); err != nil {
			return err
		}
	}
	if found == nil {
		if err := a.showCode(w, p, f, shown); err != nil {
			return err
		}
		if err := a.poll(ctx, f.wait, look); err != nil {
			return err
		}
	}
	if found == nil {
		a.say("nobody has answered yet")
		a.next("underseal device pair, which goes on, or underseal device pair --withdraw")
		return a.pairState(state)
	}
	return a.confirmPairing(ctx, p, found, f, state)
}

// beginPairing makes a code, once it is known where it can be shown.
func (a *app) beginPairing(ctx context.Context, w *workspace.Workspace, f pairFlags) (*workspace.Pairing, error) {
	switch _, err := os.Lstat(f.codeOut); {
	case f.codeOut == "" && (a.json || !a.seen()):
		return nil, withHint(term.ErrNoTerminal, "give --code-out FILE")
	case f.codeOut != "" && f.codeOut != "-" && err == nil && !f.force:
		return nil, fmt.Errorf("%s: %w", term.Escape(f.codeOut), errOutputExists)
	}
	return w.BeginPairing(ctx, f.good)
}

// seen tells whether a person reads standard error: a code is not for a log.
func (a *app) seen() bool {
	f, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(f)
}

// showCode shows the code, or writes it to a file; again only if that is asked
// for, or somebody is there to see it.
func (a *app) showCode(w *workspace.Workspace, p *workspace.Pairing, f pairFlags, asked bool) error {
	text := p.Code().Text()
	defer text.Destroy()
	if f.codeOut != "" {
		line := secret.Take(fmt.Appendf(nil, "%s %s\n", text.Expose(), w.Store().Info().Location))
		defer line.Destroy()
		if f.codeOut == "-" {
			_, err := a.stdout.Write(line.Expose())
			return err
		}
		write := durable.CreateFile
		if f.force || !asked {
			write = durable.WriteFile
		}
		if err := outputError(f.codeOut, write(f.codeOut, line.Expose(), durable.Private)); err != nil {
			return err
		}
		a.say("wrote the code to %s; it is good until %s", term.Escape(f.codeOut), p.Expires().Local().Format(time.TimeOnly))
		a.next("on the new device: underseal device join --from %s", arg(f.codeOut))
		return nil
	}
	if a.json || !a.seen() {
		return nil
	}
	if drawing, _, err := qrterm.Draw(text); err == nil { // else it is typed
		a.say("%s", drawing.Expose())
		drawing.Destroy()
	}
	a.say("    %s", grouped(text))
	a.say("")
	a.say("good once, until %s", p.Expires().Local().Format(time.TimeOnly))
	a.next("on the new device: underseal device join --store %s", arg(w.Store().Info().Location))
	a.say("      waiting for it; Ctrl-C and underseal device pair --withdraw end it")
	return nil
}

// grouped is a code as it is typed: without its prefix, in groups of four.
func grouped(text *secret.Bytes) string {
	s := string(text.Expose())
	s = s[strings.LastIndex(s, "1")+1:]
	var groups []string
	for ; len(s) > 4; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(append(groups, s), " ")
}

func (a *app) confirmPairing(ctx context.Context, p *workspace.Pairing, found *workspace.PairingAnswer, f pairFlags, state jsonPairing) error {
	state.Device, state.Label, state.Words = found.Device.String(), found.Label, inWords(found.Words)
	if !found.Added {
		words, compared, err := a.compareWords(ctx, found.Words, f.words, "the new device calls itself "+shown(found.Label), "The new device shows six words.")
		if err != nil {
			if errors.Is(err, workspace.ErrPairingWords) {
				err = errors.Join(err, p.End(ctx))
			}
			return err
		}
		if !compared {
			state.State = pairCompare
			return a.pairState(state)
		}
		found.Words = words
	}
	if err := p.Confirm(ctx, found.Words); err != nil {
		return err
	}
	state.State = pairDone
	a.say("added %s", shown(found.Label))
	a.next("underseal device list; a device that is lost: underseal device remove")
	return a.pairState(state)
}

func (a *app) pairState(s jsonPairing) error {
	if a.json {
		if s.Words == nil {
			s.Words = []string{}
		}
		a.printJSON(s, nil)
	}
	return nil
}

func timePointer(t time.Time) *time.Time { return &t }

func inWords(words workspace.PairingWords) []string {
	list := make([]string, 0, len(words))
	for _, n := range words {
		list = append(list, kit.Word(n))
	}
	return list
}

// compareWords has the person compare, or takes what they read from the other
// device; false means that nobody was there to do it.
// about, which may have a text of others in it, stands before the question and
// not within it (attack 5).
func (a *app) compareWords(ctx context.Context, own workspace.PairingWords, given, about, intro string) (words workspace.PairingWords, compared bool, err error) {
	if given != "" {
		numbers, err := kit.ParseList(given)
		if err != nil {
			return words, false, fmt.Errorf("--words: %w", err)
		}
		if len(numbers) != len(words) {
			return words, false, withHint(&usageError{err: fmt.Errorf("--words are %d words, not %d", len(words), len(numbers))}, "as the other device shows them, in one argument")
		}
		return workspace.PairingWords(numbers), true, nil
	}
	text := strings.Join(inWords(own), " ")
	a.say("%s", about)
	question := fmt.Sprintf("%s\n\n    %s\n\nAre they the same on both, each of them?", intro, text)
	p, err := a.prompt()
	if err != nil || a.json {
		a.say("the six words:  %s", text)
		a.next(`compare them with the other device, and type this again with --words "WORDS"`)
		return words, false, nil //nolint:nilerr // nobody to ask: the words are shown
	}
	same, err := p.Confirm(ctx, question)
	switch {
	case err != nil:
		return words, false, err
	case !same:
		return words, false, workspace.ErrPairingWords
	}
	return own, true, nil
}

// maxPairingLine bounds what is read as a code and the address of a store.
const maxPairingLine = 4096

// readPairingLine reads a code, and a store's address where it is beside it.
func (a *app) readPairingLine(from string) (code workspace.PairingCode, address string, err error) {
	var b []byte
	if from == "-" {
		b, err = io.ReadAll(io.LimitReader(a.stdin, maxPairingLine+1))
		if err == nil && len(b) > maxPairingLine {
			err = durable.ErrTooLarge
		}
	} else {
		b, err = durable.ReadFile(from, maxPairingLine)
	}
	if err != nil {
		return code, "", err
	}
	defer clear(b)
	return parsePairingLine(string(b))
}

func parsePairingLine(text string) (code workspace.PairingCode, address string, err error) {
	if at := strings.Index(text, scheme); at >= 0 {
		text, address = text[:at], strings.TrimRight(text[at:], "\r\n")
	}
	typed := secret.New([]byte(text))
	defer typed.Destroy()
	code, err = workspace.ParsePairingCode(typed)
	return code, address, err
}
