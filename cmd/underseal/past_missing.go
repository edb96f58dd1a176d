package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/workspace"
)

// pastFlags let a command go on past a key that is missing.
type pastFlags struct{ past, yes bool }

func (p *pastFlags) add(c *cobra.Command, what string) {
	c.Flags().BoolVar(&p.past, "past-missing", false, what)
	c.Flags().BoolVar(&p.yes, "yes", false, "with --past-missing, do not ask")
}

// pastLong is what commands say about --past-missing.
const pastLong = `

With --past-missing it goes on without a key that the log grants you and this device
cannot get: the store lost it, or whoever opened the epoch sealed it to nobody. What
was sealed since then opens only for those who have that key, so it shows whom to ask
first, and asks before it does anything.`

// goPast shows what it means to go on past keys that are missing, asks, and does it.
// One after the other: what is done is done when it is run again.
func (a *app) goPast(ctx context.Context, w *workspace.Workspace, yes bool, list ...workspace.MissingKey) (done []string, err error) {
	if err := a.canConfirm(yes); err != nil {
		return nil, err
	}
	me := a.me.Card().Email.Text
	able := list[:0:0]
	for _, m := range list {
		a.say("missing  %s, epoch %d, opened by %s: %s", thingWords(m.Thing), m.Epoch, memberWords(m.Author), missingWords(m))
		if len(m.Holders) > 0 {
			a.say("         ask first, they were sealed it: %s, who type: underseal org catch-up --for %s", few(emails(m.Holders)), arg(me))
		}
		if m.From > 0 {
			able = append(able, m)
		}
	}
	if len(able) == 0 {
		return nil, withHint(workspace.ErrKeyMissing, "this device has no key of it to go on from: ask those who have one; where nobody has, what is sealed in it is lost, and another field or group takes its place")
	}
	if err := a.confirm(ctx, yes, "Go on without it?"); err != nil {
		return nil, err
	}
	for _, m := range able {
		if err := w.RotatePast(ctx, m); err != nil {
			return done, fmt.Errorf("%s: %w", thingWords(m.Thing), err)
		}
		a.say("changed the key of %s, past epoch %d", thingWords(m.Thing), m.Epoch)
		done = append(done, thingWords(m.Thing))
	}
	return done, nil
}

// missingWords says what it means to go on.
func missingWords(m workspace.MissingKey) string {
	what := "what was sealed in it"
	if m.Kind == workspace.ThingGroup {
		what = "what was sealed to the group in it"
	}
	switch {
	case m.From == 0:
		return "this device has none of its keys"
	case m.From+1 < m.Epoch:
		return fmt.Sprintf("%s and in the epochs since %d opens only for those who have their keys; what was sealed before opens as it did", what, m.From+1)
	default:
		return what + " opens only for those who have its key; what was sealed before opens as it did"
	}
}

func memberWords(m workspace.MemberInfo) string {
	if m.Member == nil {
		return "somebody"
	}
	return term.Escape(emails([]workspace.MemberInfo{m})[0])
}

// few lists the first of many.
func few(list []string) string {
	const shownAtMost = 3
	if len(list) <= shownAtMost {
		return escaped(list)
	}
	return fmt.Sprintf("%s and %s", escaped(list[:shownAtMost]), count(int64(len(list)-shownAtMost), "other", "others"))
}
