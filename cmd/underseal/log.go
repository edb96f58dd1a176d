package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/workspace"
)

func newLogCommand(a *app) *cobra.Command {
	return noun("log", "What happened in your organization", `The membership log: who belongs, who may read what, and who said so. It holds no
names and no values in the clear, and nobody can change it unseen.`,
		newLogShowCommand(a), newLogVerifyCommand(a))
}

type jsonEntry struct {
	Sequence   uint64          `json:"sequence"`
	Time       time.Time       `json:"time"`
	Author     string          `json:"author"`
	By         string          `json:"author_member,omitempty"`
	Device     string          `json:"author_device"`
	Hash       string          `json:"hash"`
	Operations []jsonOperation `json:"operations"`
}

func newLogShowCommand(a *app) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use: "show", Short: "Show what happened, in plain words", Args: noArgs,
		Long: `Show what happened, in plain words, oldest first. Times are what the authors'
clocks said; the order is what the signatures prove. Nothing is shown that was
not verified. Flags leave out what was not asked for; --about knows those who
were removed as well.

--kind is one of:
` + kindLines() + ".",
		Example: `underseal log show --since 2026-03-01 --about bob@example.com
underseal log show --kind "member added" --kind "member removed"`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			filter, err := f.filter(ctx, w)
			if err != nil {
				return err
			}
			return a.showLog(filter.apply(newAuditor(ctx, w), w.Log(ctx, filter.from, filter.to)))
		}),
	}
	f.add(c)
	return c
}

// kindLines are the kinds of operations, in lines.
func kindLines() string {
	var lines []string
	for few := range slices.Chunk(operationKinds(), 3) {
		lines = append(lines, strings.Join(few, ", "))
	}
	return strings.Join(lines, ",\n")
}

// apply turns entries into what is shown of them. Only the last ones, if that
// is asked for, are kept.
func (f *logFilter) apply(x *auditor, log iter.Seq2[workspace.LogEntry, error]) iter.Seq2[jsonEntry, error] {
	return func(yield func(jsonEntry, error) bool) {
		var kept []jsonEntry
		for e, err := range log {
			if err != nil {
				yield(jsonEntry{}, err)
				return
			}
			j, ok := f.entry(x, e)
			switch {
			case !ok:
			case f.last == 0:
				if !yield(j, nil) {
					return
				}
			default:
				if kept = append(kept, j); len(kept) > 2*f.last { // now and then, so that it costs little
					kept = append(kept[:0], kept[len(kept)-f.last:]...)
				}
			}
		}
		for _, j := range kept[max(0, len(kept)-f.last):] {
			if !yield(j, nil) {
				return
			}
		}
	}
}

func (f *logFilter) entry(x *auditor, e workspace.LogEntry) (jsonEntry, bool) {
	if !f.keepsEntry(e) {
		return jsonEntry{}, false
	}
	j := jsonEntry{Sequence: e.Sequence, Time: e.Time, Author: x.device(e.Author), Device: e.Author.String(), Hash: e.Hash.String()}
	if m, ok := x.owner[e.Author]; ok {
		j.By = m.String()
	}
	for _, op := range e.Operations {
		if o := x.describe(op); f.keeps(o) {
			j.Operations = append(j.Operations, o)
		}
	}
	return j, len(j.Operations) > 0
}

// showLog prints entries as they come, however many there are.
func (a *app) showLog(entries iter.Seq2[jsonEntry, error]) error {
	if a.json {
		return a.streamJSON("entries", func(yield func(any, error) bool) {
			for e, err := range entries {
				if !yield(e, err) {
					return
				}
			}
		})
	}
	n := 0
	for e, err := range entries {
		if err != nil {
			return err
		}
		n++
		a.print("%d  %s  %s", e.Sequence, e.Time.Local().Format("2006-01-02 15:04"), e.Author)
		for _, op := range e.Operations {
			a.print("     %s", op.Text)
		}
	}
	if n == 0 {
		a.say("nothing in the log is so")
	}
	return nil
}

// streamJSON prints one object with one list, item by item. An error after the
// first item stands in the object, as with every command.
func (a *app) streamJSON(list string, items iter.Seq2[any, error]) error {
	write := func(format string, args ...any) {
		_, _ = a.jsonTo.Write(escapeJSON(fmt.Appendf(nil, format, args...))) // the output remembers
	}
	write(`{"schema_version":%d,%q:[`, schemaVersion, list)
	separator := ""
	var failed error
	for item, err := range items {
		var body []byte
		if err == nil {
			body, err = json.Marshal(item)
		}
		if err != nil {
			failed = err
			break
		}
		write("%s%s", separator, body)
		separator = ","
	}
	write("]")
	if failed != nil {
		write(`,"error":%s`, a.errorJSON(failed))
	}
	write("}\n")
	return failed
}

type jsonVerified struct {
	Verified   bool     `json:"verified"`
	Head       jsonHead `json:"head"`
	Operations uint64   `json:"operations"`
	Members    int      `json:"members"`
	Devices    int      `json:"devices"`
}

func newLogVerifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Verify the whole log from its beginning", Args: noArgs,
		Long: `Verify the whole log from its beginning: the chain, every signature, and that
every author was allowed to do what they did. Every command verifies what is new;
this trusts nothing that was verified before.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			s, err := w.VerifyLog(ctx)
			if err != nil {
				return err
			}
			h := s.Head()
			v := jsonVerified{Verified: true, Head: jsonHead{h.Length, h.Hash.String(), s.HeadTime()}, Operations: s.Operations()}
			for _, m := range s.Members() {
				if m.Removed {
					continue
				}
				v.Members++
				for _, id := range m.Devices {
					if !s.Device(id).Removed {
						v.Devices++
					}
				}
			}
			if a.json {
				a.printJSON(v, nil)
				return nil
			}
			a.print("verified %s: chain, signatures and authority hold, and the head is the one this device pinned",
				count(int64(h.Length), "entry", "entries"))
			a.print("%s, the last on %s; %s with %s belong to the organization", count(int64(v.Operations), "operation", "operations"),
				s.HeadTime().Local().Format("2006-01-02 15:04"), count(int64(v.Members), "member", "members"), count(int64(v.Devices), "device", "devices"))
			return nil
		}),
	}
}
