package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

var errNoEvidence = errors.New("this device has met no fork and keeps no evidence")

func evidencePath(home string) string { return filepath.Join(home, "fork.evidence") }

type jsonEvidenceOut struct {
	Out  string `json:"out"`
	Kept bool   `json:"kept"` // what was kept when the fork was met
}

func newOrgEvidenceCommand(a *app) *cobra.Command {
	var f struct {
		out        string
		now, force bool
	}
	c := &cobra.Command{
		Use: "evidence --out FILE", Short: "Write evidence of two histories, for somebody else to check", Args: noArgs,
		Long: `Write evidence of two histories of the organization, for somebody to check who
has neither your home nor the store: the whole log that the store shows, and the
signed statements of what devices have seen. It is kept at home when a command
meets a fork; --now writes what the store shows now. It holds no names and no
values, and no secret of yours; who reads it learns how many members, devices
and fields there are and when they changed.

Where your colleague's device was shown the other history, both of you write one:
the two files together are proof.`,
		Example: "underseal org evidence --out firm.evidence\nunderseal org evidence check firm.evidence colleague.evidence",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kept, err := a.orgEvidence(cmd.Context(), f.out, f.now, f.force)
			if err != nil {
				return err
			}
			if a.json {
				a.printJSON(jsonEvidenceOut{f.out, kept}, nil)
				return nil
			}
			a.say("wrote %s", term.Escape(f.out))
			a.next("underseal org evidence check %s", arg(f.out))
			return nil
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "`FILE` to write")
	c.Flags().BoolVar(&f.now, "now", false, "write what the store shows now")
	c.Flags().BoolVar(&f.force, "force", false, "replace the output if it exists")
	required(c, "out")
	must(c.RegisterFlagCompletionFunc("out", files))
	c.AddCommand(newOrgEvidenceCheckCommand(a))
	return c
}

func (a *app) orgEvidence(ctx context.Context, out string, now, force bool) (kept bool, err error) {
	if out == "-" {
		return false, &usageError{err: errors.New("evidence goes into a file")}
	}
	home, err := a.home()
	if err != nil {
		return false, err
	}
	if !now {
		return true, copyEvidence(evidencePath(home), out, force)
	}
	pin, err := workspace.ReadPin(homeDir(home))
	if err != nil {
		return false, err
	}
	st, err := a.openStore(pin.Location, pin.Organization)
	if err != nil {
		return false, err
	}
	defer func() { _ = st.Close() }() // only read
	me, err := a.unlock(ctx)
	if err != nil {
		return false, err
	}
	defer me.Lock()
	return false, a.writeEvidence(ctx, workspace.Config{Store: st, Local: homeDir(home), Identity: me, Now: a.now}, nil, out, force)
}

func copyEvidence(from, to string, force bool) error {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return errNoEvidence
	} else if err != nil {
		return inputError(err)
	}
	defer func() { _ = in.Close() }() // only read
	return place(to, force, func(out io.Writer) error {
		_, err := io.Copy(out, in)
		return err
	})
}

func (a *app) writeEvidence(ctx context.Context, conf workspace.Config, cause error, path string, force bool) error {
	return place(path, force, func(out io.Writer) error {
		sum, err := workspace.WriteEvidence(ctx, conf, cause, out)
		if err == nil && sum.Refused != nil {
			a.warn("the store's log verifies up to entry %d only, and the evidence ends there", sum.Entries)
		}
		return err
	})
}

// place writes a file that is there whole or not at all.
func place(path string, force bool, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && (!force || !info.Mode().IsRegular()) {
		return fmt.Errorf("%s: %w", term.Escape(path), errOutputExists)
	}
	f, err := durable.Create(path, durable.Private)
	if err != nil {
		return outputError(path, err)
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit(force)
}

type jsonStatement struct {
	Device  string `json:"device"`
	Member  string `json:"member"`
	Role    string `json:"role"`
	Entries uint64 `json:"entries"`
	Hash    string `json:"hash"`
	Verdict string `json:"verdict"` // same (or older), newer, fork
}

type jsonEvidence struct {
	File       string          `json:"file"`
	Entries    uint64          `json:"entries"`
	Hash       string          `json:"hash"`
	Statements []jsonStatement `json:"statements"`
}

type jsonEvidenceCheck struct {
	Fingerprint string         `json:"fingerprint"`
	Files       []jsonEvidence `json:"files"`
	Verdict     string         `json:"verdict"`
	Shared      uint64         `json:"shared,omitempty"`  // entries before the two histories part
	Authors     []string       `json:"authors,omitempty"` // devices that signed the first entry that differs
	Proof       bool           `json:"proof"`
}

// Verdicts on evidence, beside those on a head.
const (
	verdictNone      = "none"
	verdictStatement = "statement"
)

func newOrgEvidenceCheckCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "check FILE [FILE]", Short: "Check evidence of two histories, with neither home nor store",
		Long: `Check evidence of two histories: every signature, every right, from the first entry
on. Neither a home nor a store is needed. What it shows is said plainly; evidence
that does not verify is refused with exit status 7.

Two files, of two devices, prove that two histories are kept if they part and
somebody has signed to have seen each of the two go on: an officer, or somebody
other than who made the first entry that differs. One file shows that a
device has signed to have seen another history than the one beside it: then
either somebody keeps two, or whoever holds that device says what is not so.
It does not prove who: the store, or people who work with it.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("%s takes one FILE or two, and got %d", called(cmd), len(args))
			}
			return nil
		},
		ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.checkEvidence(cmd.Context(), args)
		},
	}
	return c
}

func (a *app) checkEvidence(ctx context.Context, names []string) error {
	var list []*workspace.Evidence
	out := jsonEvidenceCheck{Verdict: verdictNone}
	for _, name := range names {
		e, err := readEvidence(ctx, name)
		if err != nil {
			return err
		}
		list = append(list, e)
		out.Files = append(out.Files, evidenceOf(name, e))
	}
	out.Fingerprint = officer.FormatFingerprint(list[0].State.Organization())
	for _, f := range out.Files {
		for _, s := range f.Statements {
			if s.Verdict == verdictFork {
				out.Verdict = verdictStatement
			}
		}
	}
	if len(list) == 2 {
		if err := compareEvidence(list[0], list[1], &out); err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(out, nil)
		return nil
	}
	a.printEvidence(out)
	return nil
}

func readEvidence(ctx context.Context, name string) (*workspace.Evidence, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, inputError(err)
	}
	defer func() { _ = f.Close() }() // only read
	e, err := workspace.ReadEvidence(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term.Escape(name), err)
	}
	return e, nil
}

func evidenceOf(name string, e *workspace.Evidence) jsonEvidence {
	h := e.State.Head()
	j := jsonEvidence{File: name, Entries: h.Length, Hash: h.Hash.String(), Statements: []jsonStatement{}}
	for _, s := range e.Statements {
		verdict := verdictSame
		switch {
		case s.Fork:
			verdict = verdictFork
		case s.Ahead:
			verdict = verdictNewer
		case s.Length < h.Length:
			verdict = verdictOlder
		}
		j.Statements = append(j.Statements, jsonStatement{s.Device.String(), s.Member.String(),
			e.State.Member(s.Member).Role.String(), s.Length, s.Hash.String(), verdict})
	}
	return j
}

func compareEvidence(one, other *workspace.Evidence, out *jsonEvidenceCheck) error {
	shared, fork, err := one.Part(other)
	if err != nil {
		return fmt.Errorf("the two files: %w", err)
	}
	out.Shared = shared
	a, b := one.State.Head().Length, other.State.Head().Length
	switch {
	case fork:
		out.Verdict, out.Proof = verdictFork, one.Seen(shared, other) && other.Seen(shared, one)
		out.Authors = []string{one.Author(shared).String(), other.Author(shared).String()}
	case out.Verdict == verdictStatement:
	case a == b:
		out.Verdict = verdictSame
	default:
		out.Verdict = verdictOlder
		if b > a {
			out.Verdict = verdictNewer // the second
		}
	}
	return nil
}

func (a *app) printEvidence(out jsonEvidenceCheck) {
	a.print("organization  %s", out.Fingerprint)
	for _, f := range out.Files {
		a.print("%s: %d entries, each signed by a device that was entitled to", term.Escape(f.File), f.Entries)
		for _, s := range f.Statements {
			who := fmt.Sprintf("device %s of %s %s", s.Device[:shortID], s.Role, s.Member[:shortID])
			switch s.Verdict {
			case verdictFork:
				a.print("  %s signed that it has seen another entry %d", who, s.Entries-1)
			case verdictNewer:
				a.print("  %s signed that it has seen %d entries", who, s.Entries)
			default:
				a.print("  %s signed that it has seen %d of these entries", who, s.Entries)
			}
		}
	}
	switch {
	case out.Verdict == verdictFork && out.Proof:
		a.print("TWO HISTORIES: they share %d entries, and each was seen to go on in its own way", out.Shared)
		if out.Authors[0] == out.Authors[1] {
			a.print("device %s signed entry %d in both: it was made to, or it was set back to an old copy", out.Authors[0][:shortID], out.Shared)
		}
		a.print("that is proof of a fork; it does not say who made it: the store, or people who work with it")
	case out.Verdict == verdictFork:
		a.print("they part after %d entries, but nobody other than its own author has signed to have seen one of them go on: that entry may have lost a race, which is no fork, or its author made it up", out.Shared)
	case out.Verdict == verdictStatement:
		a.print("a device signed to have seen another history: somebody keeps two, or its holder says what is not so; with that device's own evidence it is proof")
	case len(out.Files) == 2:
		a.print("one history: it is the same for both, as far as both go")
	default:
		a.print("nothing in it contradicts anything else")
	}
}
