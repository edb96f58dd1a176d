package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
)

func TestClasses(t *testing.T) {
	t.Parallel()
	codes, names := map[int]bool{}, map[string]bool{}
	last := -1
	for _, c := range classes() {
		if codes[c.code] || names[c.name] || c.name == "" || c.means == "" {
			t.Errorf("%+v: a code or a name twice, or none", c)
		}
		if c.code <= last {
			t.Errorf("%+v is not in order", c)
		}
		codes[c.code], names[c.name], last = true, true, c.code
	}
	for _, r := range rules() {
		if !names[r.class.name] {
			t.Errorf("%v: its class %q is not listed", r.is, r.class.name)
		}
	}
}

// Each rule decides about its own error: none is there twice, and none comes
// after one that catches its error as well.
func TestRules(t *testing.T) {
	t.Parallel()
	list := rules()
	for i, r := range list {
		p := classify(fmt.Errorf("while trying: %w", r.is))
		if p.class != r.class || p.hint != r.hint {
			t.Errorf("%v: %s %q, want %s %q", r.is, p.class.name, p.hint, r.class.name, r.hint)
		}
		for _, before := range list[:i] {
			if errors.Is(r.is, before.is) {
				t.Errorf("%v never gets its turn after %v", r.is, before.is)
			}
		}
		if strings.HasSuffix(r.hint, ".") || strings.Contains(r.hint, "\n") || len(r.hint) > 160 {
			t.Errorf("%v: hint %q", r.is, r.hint)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	seal := newSealCommand(&app{})
	root := &cobra.Command{Use: "underseal"}
	root.AddCommand(seal)
	entry := &officer.EntryError{Sequence: 4, Operation: 1, Kind: "grant", Err: officer.ErrAuthority}
	at := tabular.Place{Row: 2, Line: 3, Record: "a", Column: "phone"}
	for _, c := range []struct {
		name    string
		err     error
		class   class
		message string
		hint    string
	}{
		{"unknown", errors.New("something odd"), classError, "something odd", ""},
		{"of many lines", errors.New("one\ntwo"), classError, "one", ""},
		{"with a control character", errors.New("a\x1b[2Jb"), classError, `a\u{001B}[2Jb`, ""},
		{"very long", errors.New(strings.Repeat("x", 5000)), classError, strings.Repeat("x", maxMessage-1) + "…", ""},
		{"usage with a command", &usageError{errors.New("bad"), seal}, classUsage, "bad", "see: underseal seal --help"},
		{"usage without", &usageError{err: errors.New("bad")}, classUsage, "bad", ""},
		{"usage with a hint of its own", &usageError{withHint(errors.New("bad"), "try it"), seal}, classUsage, "bad", "try it"},
		{"usage that wraps what has a rule", &usageError{officer.ErrText, nil}, classUsage, officer.ErrText.Error(), ""},
		{"hint before rule", withHint(store.ErrFull, "empty the bin"), classStorage, store.ErrFull.Error(), "empty the bin"},
		{"interrupted", fmt.Errorf("write: %w", context.Canceled), classInterrupted, "interrupted", "no output was written; run it again"},
		{"interrupted at a prompt", fmt.Errorf("%w: %w", term.ErrInterrupted, context.Canceled), classInterrupted, "interrupted", "no output was written; run it again"},
		{"a newer file", fmt.Errorf("x: %w", &wire.VersionError{Format: "card", Version: 7}), classNewer, "x: card of format version 7; this program knows version 1", hintNewer},
		{"a newer file that also is altered", fmt.Errorf("%w: %w", workspace.ErrLocal, &wire.VersionError{Format: "pin", Version: 7}), classNewer, "", hintNewer},
		{"a log that names a kind to come", fmt.Errorf("%w: %w", workspace.ErrLog, officer.ErrUnknownOp), classNewer, "", hintNewer},
		{"a file that costs too much", &keystore.WorkFactorError{LogN: 30, Min: 17, Max: 20}, classLocked, "", "this key file was not written by underseal; restore it from your copy"},
		{"the store's log breaks a rule", fmt.Errorf("%w: %w", workspace.ErrLog, entry), classRefused, "", "the store's log was altered or is damaged; " + hintCompare},
		{"an own change breaks a rule", entry, classDenied, "you may not do this", "ask an officer, or somebody with the share right"},
		{"an own change breaks another", &officer.EntryError{Err: officer.ErrDuplicate}, classDenied, officer.ErrDuplicate.Error(), "see what is so already: underseal log show"},
		{"a place with a rule", &tabular.Error{Place: at, Err: tabular.ErrNotUTF8}, classInput, `row 2, line 3, record "a", column "phone": not UTF-8`, hintUTF8},
		{"a place without", &tabular.Error{Place: at, Err: tabular.ErrBareQuote}, classInput, "", "nothing was written"},
	} {
		p := classify(c.err)
		if p.class != c.class || p.hint != c.hint || c.message != "" && p.message != c.message {
			t.Errorf("%s: %s %q %q", c.name, p.class.name, p.message, p.hint)
		}
	}
}

// The contract names every class, with its code.
func TestContractHasClasses(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	for _, c := range classes() {
		if line := fmt.Sprintf("| %d | `%s` |", c.code, c.name); !strings.Contains(doc, line) {
			t.Errorf("doc/cli.md has no line that begins %q", line)
		}
	}
}

func contract(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../doc/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
