package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/workspace"
)

func newLogCommand(a *app) *cobra.Command {
	return noun("log", "What happened in your organization", `The membership log: who belongs, who may read what, and who said so. It holds no
names and no values in the clear, and nobody can change it unseen.`,
		newLogShowCommand(a), newLogVerifyCommand(a))
}

type jsonOperation struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

type jsonEntry struct {
	Sequence   uint64          `json:"sequence"`
	Time       time.Time       `json:"time"`
	Author     string          `json:"author"`
	Operations []jsonOperation `json:"operations"`
}

type jsonLog struct {
	Entries []jsonEntry `json:"entries"`
}

func newLogShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what happened, in plain words", Args: noArgs,
		Long: `Show what happened, in plain words, oldest first. Times are what the authors'
clocks said; the order is what the signatures prove.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			entries, err := w.Entries(ctx)
			if err != nil {
				return err
			}
			words := newWords(ctx, w)
			out := jsonLog{[]jsonEntry{}}
			for _, e := range entries {
				j := jsonEntry{Sequence: e.Sequence, Time: e.Time, Author: words.device(e.Author)}
				for _, op := range e.Operations {
					j.Operations = append(j.Operations, jsonOperation{op.Kind().String(), words.operation(op)})
				}
				out.Entries = append(out.Entries, j)
			}
			if a.json {
				a.printJSON(out, nil)
				return nil
			}
			for _, e := range out.Entries {
				a.print("%d  %s  %s", e.Sequence, e.Time.Local().Format("2006-01-02 15:04"), e.Author)
				for _, op := range e.Operations {
					a.print("     %s", op.Text)
				}
			}
			return nil
		}),
	}
}

type jsonVerified struct {
	Verified bool     `json:"verified"`
	Head     jsonHead `json:"head"`
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
			if a.json {
				a.printJSON(jsonVerified{true, jsonHead{h.Length, h.Hash.String(), s.HeadTime()}}, nil)
				return nil
			}
			a.print("verified %s: chain, signatures and authority hold, and the head is the one this device pinned",
				count(int64(h.Length), "entry", "entries"))
			return nil
		}),
	}
}
