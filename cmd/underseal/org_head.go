package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

var (
	errHeadText    = errors.New("not a head")
	errHeadFork    = errors.New("your colleague's device has seen another history than this one")
	errHeadForeign = errors.New("the head of another organization")
)

type jsonSeen struct {
	Head    string `json:"head"`   // for pasting
	Number  string `json:"number"` // for reading out
	Entries uint64 `json:"entries"`
	Hash    string `json:"hash"`
}

type jsonOrgHead struct {
	jsonSeen
	Sightings []jsonSighting `json:"sightings"`
	Verdict   string         `json:"verdict,omitempty"`
	Theirs    uint64         `json:"their_entries,omitempty"`
}

// jsonSighting is a colleague's statement that does not go with this log.
type jsonSighting struct {
	Member  string `json:"member"`
	Device  string `json:"device"`
	Entries uint64 `json:"entries"`
	Hash    string `json:"hash"`
	Fork    bool   `json:"fork"`
}

func seenOf(org officer.OrganizationID, h officer.Head) jsonSeen {
	return jsonSeen{officer.FormatHead(org, h), officer.HeadNumber(org, h), h.Length, h.Hash.String()}
}

func newOrgHeadCommand(a *app) *cobra.Command {
	var check, compare string
	c := &cobra.Command{
		Use: "head", Short: "Show how far the log has come, to compare it with a colleague", Args: noArgs,
		Long: `Show how far the log has come: a line to paste, and a number to read to a
colleague. If two colleagues have the same number for the same count of entries,
they were shown the same history. A store that shows each of you another one is
found out so; colleagues' devices also leave signed statements of what they have
seen in the store, and they are asked for.

--check takes what a colleague's device printed, the line, or the count of entries
and the 60 digits; --compare takes it from a file, or - for standard input. Their
head may be older than yours, or newer. If it is of another history, do not write
to the store: the exit status is 7.`,
		Example: "underseal org head\nunderseal org head --check \"12 12345 …\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			theirs, given, err := a.theirHead(check, compare)
			if err != nil {
				return err
			}
			w, done, err := a.open(ctx)
			if err != nil {
				return a.pinnedHead(err)
			}
			defer done()
			if _, err := w.CompareHeads(ctx); err != nil {
				return a.pinnedHead(err)
			}
			a.warnOfSightings(ctx, w)
			return a.orgHead(ctx, w, theirs, given)
		},
	}
	c.Flags().StringVar(&check, "check", "", "the `HEAD` that a colleague's device printed")
	c.Flags().StringVar(&compare, "compare", "", "a `FILE` that holds it, or - for standard input")
	c.MarkFlagsMutuallyExclusive("check", "compare")
	return c
}

// pinnedHead shows what this device has seen, where the store is refused.
func (a *app) pinnedHead(cause error) error {
	refused := errors.Is(cause, workspace.ErrFork) || errors.Is(cause, workspace.ErrRollback) || errors.Is(cause, workspace.ErrLog)
	home, err := a.home()
	if err != nil || !refused {
		return cause
	}
	pin, err := workspace.ReadPin(homeDir(home))
	if err != nil {
		return cause
	}
	out := jsonOrgHead{jsonSeen: seenOf(pin.Organization, pin.Head), Sightings: []jsonSighting{}}
	if a.json {
		a.printJSON(out, cause)
		return cause
	}
	a.say("this device has seen, before the store was refused:")
	a.printSeen(out.jsonSeen)
	return cause
}

func (a *app) printSeen(s jsonSeen) {
	a.print("entries  %d", s.Entries)
	a.print("number   %s", s.Number)
	a.print("head     %s", s.Head)
}

// head is what a colleague gave: a whole head, or the number of one.
type givenHead struct {
	org    officer.OrganizationID // zero where only the number was given
	head   officer.Head
	number string
}

func (a *app) theirHead(check, compare string) (h givenHead, given bool, err error) {
	switch {
	case check != "":
		h, err = parseHead(check)
		return h, true, err
	case compare == "":
		return h, false, nil
	}
	const most = 4096 // a line, and what a mail puts around it
	var text []byte
	if compare == "-" {
		text, err = io.ReadAll(io.LimitReader(a.stdin, most+1))
	} else {
		text, err = durable.ReadFile(compare, most)
	}
	switch {
	case err != nil:
		return h, false, inputError(err)
	case len(text) > most:
		return h, false, fmt.Errorf("%w: too long", errHeadText)
	}
	h, err = parseHead(string(text))
	return h, true, err
}

// parseHead finds a head in a text: its line among other words, or the count of
// entries and the 60 digits alone.
func parseHead(text string) (h givenHead, err error) {
	words := strings.Fields(text)
	for _, word := range words {
		if strings.HasPrefix(strings.ToLower(word), "underseal-head1") {
			if h.org, h.head, err = officer.ParseHead(word); err != nil {
				return h, fmt.Errorf("%w: %w", errHeadText, err)
			}
			return h, nil
		}
	}
	if len(words) < 2 {
		return h, errHeadText
	}
	if h.head.Length, err = strconv.ParseUint(words[0], 10, 63); err != nil || h.head.Length == 0 {
		return h, fmt.Errorf("%w: it begins with the count of entries", errHeadText)
	}
	digits := strings.Join(words[1:], "")
	if len(digits) != 60 || strings.Trim(digits, "0123456789") != "" {
		return h, fmt.Errorf("%w: the number has 60 digits", errHeadText)
	}
	for ; digits != ""; digits = digits[5:] {
		h.number = strings.TrimSpace(h.number + " " + digits[:5])
	}
	return h, nil
}

// Verdicts on a colleague's head.
const (
	verdictSame  = "same"
	verdictOlder = "older" // theirs
	verdictNewer = "newer" // theirs
	verdictFork  = "fork"
)

func (a *app) orgHead(ctx context.Context, w *workspace.Workspace, theirs givenHead, given bool) error {
	f := w.Freshness()
	out := jsonOrgHead{jsonSeen: seenOf(w.Organization(), f.Head), Sightings: sightingsOf(w)}
	var failed error
	if given {
		verdict, err := judge(ctx, w, theirs)
		if err != nil {
			return err
		}
		out.Verdict, out.Theirs = verdict, theirs.head.Length
		if verdict == verdictFork {
			failed = fmt.Errorf("%w: entry %d is another", errHeadFork, theirs.head.Length-1)
		}
	}
	if a.json {
		a.printJSON(out, failed)
		return failed
	}
	if failed != nil {
		return failed
	}
	if !given {
		a.printSeen(out.jsonSeen)
		a.say("the last entry is from %s", age(f.HeadTime, a.now()))
		a.next("underseal org head --check, with what a colleague's device prints")
		return nil
	}
	switch mine, n := count(int64(f.Head.Length), "entry", "entries"), theirs.head.Length; out.Verdict {
	case verdictSame:
		a.print("the same history: both have seen %s", mine)
	case verdictOlder:
		a.print("the same history: your colleague has seen %d of the %s, and gets the rest with their next command", n, mine)
	case verdictNewer:
		a.print("your colleague has seen %d entries, and the store shows %d here: look again, and if it stays so, the store keeps something back", n, f.Head.Length)
	}
	return nil
}

// judge compares a colleague's head with the verified log.
func judge(ctx context.Context, w *workspace.Workspace, theirs givenHead) (string, error) {
	mine := w.State().Head()
	switch {
	case theirs.number == "" && theirs.org != w.Organization():
		return "", errHeadForeign
	case theirs.head.Length > mine.Length:
		return verdictNewer, nil
	}
	then, err := w.HeadAt(ctx, theirs.head.Length)
	if err != nil {
		return "", err
	}
	same := then == theirs.head
	if theirs.number != "" {
		same = officer.HeadNumber(w.Organization(), then) == theirs.number
	}
	switch {
	case !same:
		return verdictFork, nil
	case then == mine:
		return verdictSame, nil
	default:
		return verdictOlder, nil
	}
}

func sightingsOf(w *workspace.Workspace) []jsonSighting {
	list := []jsonSighting{}
	for _, s := range w.Sightings() {
		list = append(list, jsonSighting{s.Member.String(), s.Device.String(), s.Length, s.Hash.String(), s.Fork})
	}
	return list
}

// warnOfSightings tells what colleagues' devices say of the log that the store
// does not show here.
func (a *app) warnOfSightings(ctx context.Context, w *workspace.Workspace) {
	for _, line := range sightingWords(ctx, w) {
		a.warn("%s", line)
	}
}

func sightingWords(ctx context.Context, w *workspace.Workspace) (lines []string) {
	list := w.Sightings()
	if len(list) == 0 {
		return nil
	}
	x := newWords(ctx, w)
	for _, s := range list {
		who := fmt.Sprintf("%s (device %s)", x.member(s.Member), s.Device.String()[:shortID])
		if s.Fork {
			lines = append(lines, fmt.Sprintf("%s says that entry %d of the log is another; compare heads by voice: underseal org head", who, s.Length-1))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s has seen %d entries on %s, and the store shows %d: it may keep something back, such as a removal",
			who, s.Length, day(s.Time()), w.State().Head().Length))
	}
	return lines
}

// statusSightings asks what colleagues' devices have seen.
func (a *app) statusSightings(ctx context.Context, w *workspace.Workspace, s *jsonStatus) error {
	if _, err := w.CompareHeads(ctx); err != nil {
		return err
	}
	s.Pending = append(s.Pending, sightingWords(ctx, w)...)
	f := w.Freshness()
	s.Synced = &f.Synced
	return nil
}

// freshWords says how current the view of the log is.
func (a *app) freshWords(ctx context.Context, w *workspace.Workspace) string {
	f := w.Freshness()
	read := "the store was read " + age(f.Synced, a.now())
	if lines := sightingWords(ctx, w); len(lines) > 0 {
		return "no: " + lines[0]
	}
	if len(w.State().Members()) == 1 && w.Me() != nil {
		return read + "; there is nobody else who could have seen more"
	}
	return read + "; no colleague's device says that it has seen more"
}

// keepEvidence keeps what a fork can be shown by, at once and at home: the
// store may tell another story by the time that somebody asks.
func (a *app) keepEvidence(ctx context.Context, home string, conf workspace.Config, cause error) {
	path := evidencePath(home)
	if _, err := os.Stat(path); !errors.Is(cause, workspace.ErrFork) || err == nil {
		return
	}
	if err := a.writeEvidence(ctx, conf, cause, path, false); err != nil {
		a.warn("the evidence could not be kept: %s", classify(err).message)
		return
	}
	a.warn("what shows it is kept in %s; for others to check: underseal org evidence --out FILE", term.Escape(path))
}
