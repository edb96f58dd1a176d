package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// maxLast bounds --last, whose entries are kept until the log's end.
const maxLast = 10_000

// logFlags are what log show is asked for.
type logFlags struct {
	since, until, by, about string
	kinds                   []string
	from, to                int64
	last                    int
}

func (f *logFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.since, "since", "", "from `DATE` on, such as 2026-03-01, by the authors' clocks")
	c.Flags().StringVar(&f.until, "until", "", "to the end of `DATE`")
	c.Flags().StringVar(&f.by, "by", "", "what `WHO` did: an email, or the beginning of a device's id")
	c.Flags().StringVar(&f.about, "about", "", "what concerns `WHAT`: an email, a group, a field, or the beginning of an id")
	c.Flags().StringSliceVar(&f.kinds, "kind", nil, "operations of a `KIND`, such as \"member added\"; may be repeated")
	c.Flags().Int64Var(&f.from, "from", 0, "from entry `N` on, counted from 0")
	c.Flags().Int64Var(&f.to, "to", -1, "to entry `N`")
	c.Flags().IntVar(&f.last, "last", 0, "the last `N` of what is left")
	choices(c, "kind", operationKinds()...)
}

// operationKinds are the words of all operations that the log can have.
func operationKinds() []string {
	var list []string
	for k := 1; k <= 255; k++ {
		if s := officer.OpKind(k).String(); s != fmt.Sprintf("operation %d", k) {
			list = append(list, s)
		}
	}
	return list
}

var errNothingSuch = errors.New("nobody and nothing of that name in the log")

// logFilter is what the flags mean in this log; nil maps let everything pass.
type logFilter struct {
	since, until time.Time // until is not part of it
	by           map[officer.DeviceID]bool
	about        map[string]bool // ids
	kinds        map[string]bool
	from, to     uint64 // to is not part of it
	last         int
}

func (f *logFlags) filter(ctx context.Context, w *workspace.Workspace) (out logFilter, err error) {
	if out.since, out.until, err = f.times(); err != nil {
		return out, err
	}
	switch {
	case f.from < 0, f.to < -1, f.to != -1 && f.to < f.from:
		return out, logUsage(errors.New("--from and --to are entries, counted from 0, in this order"))
	case f.last < 0 || f.last > maxLast:
		return out, logUsage(fmt.Errorf("--last takes 1 to %d", maxLast))
	}
	out.from, out.to, out.last = uint64(f.from), w.State().Head().Length, f.last
	if f.to >= 0 {
		out.to = min(out.to, uint64(f.to)+1)
	}
	known := operationKinds()
	for _, k := range f.kinds {
		k = strings.ToLower(strings.Join(strings.Fields(k), " "))
		if !slices.Contains(known, k) {
			return out, withHint(&usageError{err: fmt.Errorf("--kind %.40q: no kind of operation", k)}, likeKinds(known, k))
		}
		if out.kinds == nil {
			out.kinds = map[string]bool{}
		}
		out.kinds[k] = true
	}
	if f.by != "" {
		if out.by, err = devicesOf(ctx, w, f.by); err != nil {
			return out, err
		}
	}
	if f.about != "" {
		out.about, err = idsOf(ctx, w, f.about)
	}
	return out, err
}

func (f *logFlags) times() (since, until time.Time, err error) {
	if f.since != "" {
		if since, err = parseDay(f.since); err != nil {
			return since, until, logUsage(fmt.Errorf("--since: %w", err))
		}
	}
	if f.until != "" {
		if until, err = parseDay(f.until); err != nil {
			return since, until, logUsage(fmt.Errorf("--until: %w", err))
		}
		until = until.AddDate(0, 0, 1)
		if !until.After(since) {
			return since, until, logUsage(errors.New("--until is before --since"))
		}
	}
	return since, until, nil
}

// logUsage is an error of the flags, which the help explains.
func logUsage(err error) error {
	return withHint(&usageError{err: err}, "see: underseal log show --help")
}

// likeKinds is a hint: the kinds that share a word with what was typed, or some of
// those that are asked for most.
func likeKinds(known []string, typed string) string {
	var like []string
	for _, k := range known {
		if slices.ContainsFunc(strings.Fields(k), func(word string) bool { return slices.Contains(strings.Fields(typed), word) }) {
			like = append(like, k)
		}
	}
	if len(like) == 0 {
		like = []string{"member added", "member removed", "device removed", "grant", "revoke", "key rotated"}
	}
	return "such as " + strings.Join(like, ", ") + "; all: underseal log show --help"
}

func parseDay(s string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, time.Local)
	if err != nil {
		return t, fmt.Errorf("%.40q is no date such as 2026-03-01", s)
	}
	return t, nil
}

// devicesOf are all devices that a member has had, by email, or the one whose id
// begins so.
func devicesOf(ctx context.Context, w *workspace.Workspace, name string) (map[officer.DeviceID]bool, error) {
	found := map[officer.DeviceID]bool{}
	for _, m := range w.Members(ctx) {
		owns := m.EmailText != "" && strings.EqualFold(m.EmailText, name) || begins(m.ID.String(), name)
		for _, id := range m.Devices {
			if owns || begins(id.String(), name) {
				found[id] = true
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%.80q: %w", name, errNothingSuch)
	}
	return found, nil
}

// idsOf are the ids that a name stands for: those of a member with their
// devices, of a group, of a field, those who are no more among them.
func idsOf(ctx context.Context, w *workspace.Workspace, name string) (map[string]bool, error) {
	found := map[string]bool{}
	for _, m := range w.Members(ctx) {
		owns := m.EmailText != "" && strings.EqualFold(m.EmailText, name) || begins(m.ID.String(), name)
		if owns {
			found[m.ID.String()] = true
		}
		for _, id := range m.Devices {
			if owns || begins(id.String(), name) {
				found[id.String()] = true
			}
		}
	}
	for _, g := range w.State().Groups() {
		if label, ok := w.Text(ctx, g.Label, officer.TextGroup); ok && label == name || begins(g.ID.String(), name) {
			found[g.ID.String()] = true
		}
	}
	for _, r := range w.State().Resources() {
		label, ok := w.Text(ctx, r.Label, officer.TextLabel)
		secret, isSecret := workspace.SecretName(r)
		if ok && label == name || isSecret && secret == name || begins(r.ID.String(), name) {
			found[r.ID.String()] = true
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%.80q: %w", name, errNothingSuch)
	}
	return found, nil
}

// begins tells whether somebody has typed enough of an id.
func begins(id, typed string) bool {
	return len(typed) >= shortID && strings.HasPrefix(id, strings.ToLower(typed))
}

// keepsEntry tells whether anything of an entry may be shown.
func (f *logFilter) keepsEntry(e workspace.LogEntry) bool {
	return (f.by == nil || f.by[e.Author]) &&
		!e.Time.Before(f.since) && (f.until.IsZero() || e.Time.Before(f.until))
}

// keeps tells whether an operation is to be shown.
func (f *logFilter) keeps(o jsonOperation) bool {
	if f.kinds != nil && !f.kinds[o.Kind] {
		return false
	}
	if f.about == nil {
		return true
	}
	return f.about[o.Member] || f.about[o.Device] || f.about[o.Group] || f.about[o.Resource] ||
		slices.ContainsFunc(o.Members, func(m string) bool { return f.about[m] })
}
