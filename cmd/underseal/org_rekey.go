package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// rekeyFlags are those of org rekey: of an account, or of a file.
type rekeyFlags struct {
	enableFlags
	fields    []string
	file      fileFlags
	input     string
	keepGoing bool
}

func newOrgRekeyCommand(a *app) *cobra.Command {
	var f rekeyFlags
	c := &cobra.Command{
		Use: "rekey [--field LABEL]... | --file FILE --out FILE --record-id COLUMN", Short: "Seal values again that are under earlier keys", Args: noArgs,
		Long: `Seal values again that are under earlier keys: after somebody was removed or a key
was changed, what was sealed before is still under a key that they may have. New
values are under the new key by themselves.

It reads the connected Clio account, says how much there is to do and asks. A value
is sealed again only where its token opens for its very record; what somebody changes
meanwhile stays as they want it. It can be ended at any moment and goes on with
underseal job resume; underseal job undo puts the earlier tokens back. A copy of all
values is written first, sealed. Without --field it is every field that you may
write.

With --file it does the same to a CSV or JSON Lines file: the output has tokens under
the present keys, and every other byte as it was. --dry-run reads the file, counts and
writes nothing.`,
		Example: `underseal org rekey --dry-run
underseal org rekey --field SSN --yes --rate 20
underseal org rekey --file sealed.csv --record-id id --dry-run
underseal org rekey --file sealed.csv --out new.csv --record-id id`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkRekey(cmd); err != nil {
				return err
			}
			if f.input != "" {
				return a.rekeyFile(cmd, f)
			}
			return a.withClio(cmd.Context(), 0, f.rate, func(x *account) error { return x.rekey(cmd.Context(), f) })
		},
	}
	c.Flags().StringArrayVar(&f.fields, "field", nil, "the `LABEL` of a field; repeat it")
	onFlag(c, &f.on)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do, and change nothing")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	rateFlag(c, &f.rate)
	c.Flags().StringVar(&f.export, "export", "", "`FILE` for the sealed copy (default: in the home folder, under exports)")
	c.Flags().BoolVar(&f.noCopy, "no-export", false, "write no sealed copy first")
	must(c.RegisterFlagCompletionFunc("export", files))
	c.Flags().StringVar(&f.input, "file", "", "seal again the tokens of this `FILE` instead, or - for standard input")
	f.file.addTo(c)
	c.Flags().StringVar(&f.file.recordID, "record-id", "", "of a file, the `COLUMN` with each row's own id")
	c.Flags().StringArrayVar(&f.file.columns, "column", nil, "of a file, a `COLUMN` whose tokens must be of the field of its name, or COLUMN=FIELD; repeat it")
	c.Flags().BoolVar(&f.keepGoing, "keep-going", false, "of a file, leave cells that fail as they are, report them all, fail at the end")
	must(c.RegisterFlagCompletionFunc("file", files))
	return c
}

// ofFiles and ofAccounts are the flags that make sense with --file alone, and
// without it alone.
var (
	ofFiles    = []string{"out", "record-id", "column", "dataset", "format", "delimiter", "force", "keep-going"}
	ofAccounts = []string{"field", "on", "yes", "rate", "export", "no-export"}
)

func (f *rekeyFlags) checkRekey(cmd *cobra.Command) error {
	if f.input == "" {
		for _, name := range ofFiles {
			if cmd.Flags().Changed(name) {
				return &usageError{fmt.Errorf("--%s belongs to --file", name), cmd}
			}
		}
		return f.check(cmd)
	}
	for _, name := range ofAccounts {
		if cmd.Flags().Changed(name) {
			return &usageError{fmt.Errorf("--%s is for the Clio account, not for a file", name), cmd}
		}
	}
	needs := []string{"out", "record-id"}
	if f.dryRun {
		needs = needs[1:]
	}
	for _, name := range needs {
		if !cmd.Flags().Changed(name) {
			return &usageError{fmt.Errorf("--file needs --%s", name), cmd}
		}
	}
	return nil
}

// rekeyTargets are the fields to work on. Without names those are left out that
// the caller cannot write; by name they are refused.
func (x *account) rekeyTargets(ctx context.Context, v *view, f rekeyFlags) (list []bulk.Target, err error) {
	found, err := v.protectedNamed(f.fields, f.on)
	if err != nil {
		return nil, err
	}
	for _, d := range v.defs {
		if len(f.fields) == 0 && v.isSigned(d) && !d.Deleted && (f.on == "" || f.on == d.Kind) {
			found = append(found, d)
		}
	}
	why := errNothingToRekey
	for _, d := range found {
		p, signed := v.signed[d.ID]
		if !signed {
			return nil, fmt.Errorf("%s: %w", term.Escape(d.Name), errNotProtected)
		}
		refused := notYours(p)
		switch {
		case refused == nil:
			list = append(list, bulk.Target{Field: d.ID, Label: p.LabelText, Twin: p.Twin != ""})
		case len(f.fields) > 0:
			return nil, refused
		default:
			why = refused
			x.a.warn("%s", foldText(classify(x.closedHint(ctx, refused)).message+"; it is left"))
		}
	}
	if len(list) == 0 {
		return nil, why
	}
	return list, nil
}

// notYours is why the caller cannot write under the key of a field.
func notYours(p protection) error {
	switch {
	case !p.Mine.Has(officer.Read | officer.Write):
		return fmt.Errorf("field %s: the right to write is %w", shown(p.LabelText), workspace.ErrNotGranted)
	case p.Epoch().Closed && !p.Mine.Has(officer.Share):
		return &bulk.ClosedError{Field: p.ID, Err: fmt.Errorf("field %s: %w", shown(p.LabelText), officer.ErrClosed)}
	default:
		return nil
	}
}

type jsonRekeyPlan struct {
	Event    string           `json:"event"` // "plan"
	Account  string           `json:"account"`
	Records  int64            `json:"records"`
	Values   int64            `json:"values"` // to be sealed again
	Writes   int64            `json:"records_to_write"`
	Requests int64            `json:"requests"`
	PerMin   float64          `json:"requests_per_minute"`
	Seconds  int64            `json:"seconds"`
	Export   string           `json:"export,omitempty"`
	Fields   []jsonRekeyField `json:"fields"`
	Findings []jsonFinding    `json:"findings"`
	More     int64            `json:"more_findings"`
}

type jsonRekeyField struct {
	Name   string       `json:"name"`
	ID     string       `json:"id"`
	Values int64        `json:"values"` // to be sealed again
	Sealed int64        `json:"sealed"` // under the present key
	Epochs []epochCount `json:"epochs"`
}

func rekeyPlanOf(p bulk.Plan, export string) jsonRekeyPlan {
	j := jsonRekeyPlan{
		Event: "plan", Account: p.Place.Account, Records: p.Records, Writes: p.Writes, Requests: p.Requests, PerMin: perMinute(p.Budget),
		Seconds: int64(takes(p).Seconds()), Export: export, Fields: []jsonRekeyField{}, Findings: []jsonFinding{}, More: p.More,
	}
	var l look
	l.noteEpochs(p.Counts, p.Ended)
	for _, f := range p.Fields {
		x := jsonRekeyField{Name: f.Name, ID: f.Field, Values: f.SealedAgain, Sealed: f.Of(bulk.Sealed), Epochs: []epochCount{}}
		if at := l.epochsOf(f.Field); at != nil {
			x.Epochs = at.Epochs
		}
		j.Values += f.SealedAgain
		j.Fields = append(j.Fields, x)
	}
	for _, f := range p.Findings {
		j.Findings = append(j.Findings, jsonFindingOf(f))
	}
	return j
}

func (a *app) sayRekeyPlan(j jsonRekeyPlan, p bulk.Plan) {
	for _, f := range j.Fields {
		a.say("  %s: %s to seal again, %d under the present key%s", term.Escape(f.Name), count(f.Values, "value", "values"), f.Sealed, earlier(f.Epochs))
	}
	a.say("%s", foldText(fmt.Sprintf("%s are read and %d written: at least %s, %s", count(j.Records, "record", "records"), j.Writes, count(j.Requests, "request", "requests"), pace(p))))
	if len(p.Findings) > 0 {
		a.say("%s", foldText(count(int64(len(p.Findings))+p.More, "value", "values")+" cannot be sealed again and would be left: underseal clio verify lists them"))
	}
	if j.Export != "" {
		a.say("A sealed copy of all values is written first (underseal open reads it):\n  %s", term.Escape(j.Export))
	}
}

// earlier says under which epochs tokens are, but for the last.
func earlier(list []epochCount) string {
	var parts []string
	for i, e := range list {
		switch {
		case e.Ended:
			parts = append(parts, fmt.Sprintf("%d of an ended field", e.Values))
		case i < len(list)-1:
			parts = append(parts, fmt.Sprintf("%d of epoch %d", e.Values, e.Epoch))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (x *account) rekey(ctx context.Context, f rekeyFlags) error {
	if err := x.a.canConfirm(f.yes || f.dryRun); err != nil {
		return err
	}
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	targets, err := x.rekeyTargets(ctx, v, f)
	if err != nil {
		return x.closedHint(ctx, err)
	}
	exp := x.exporter(f.enableFlags)
	if err := exp.check(); err != nil {
		return err
	}
	watching, end := x.a.watch()
	defer end()
	watching.quiet = f.dryRun
	j, err := x.job(ctx, bulk.Config{Targets: targets, Events: watching.event, Export: exp.export()})
	if err != nil {
		return err
	}
	p, err := j.PlanRekey(ctx)
	if err != nil {
		return err
	}
	end()
	v.look.noteEpochs(p.Counts, x.a.now())
	if err := x.saveLook(v); err != nil {
		return err
	}
	plan := rekeyPlanOf(p, exp.shown())
	x.a.sayRekeyPlan(plan, p)
	if f.dryRun || plan.Values == 0 {
		if plan.Values == 0 {
			x.a.say("nothing that you can open is under an earlier key")
		}
		x.a.say("nothing was changed")
		if x.a.json {
			x.a.printJSON(plan, nil)
		}
		return nil
	}
	if err := x.a.confirm(ctx, f.yes, fmt.Sprintf("Seal %s again now?", count(plan.Values, "value", "values"))); err != nil {
		return err
	}
	r, err := j.Rekey(ctx, p)
	end()
	v.look.noteEpochs(r.Counts, x.a.now())
	return errors.Join(x.finish(ctx, r, exp.path, x.closedHint(ctx, err)), x.saveLook(v))
}

// closedHint adds to an error about a closed field who can open it.
func (x *account) closedHint(ctx context.Context, err error) error {
	var closed *bulk.ClosedError
	if !errors.As(err, &closed) {
		return err
	}
	return withHint(err, x.whoOpens(ctx, closed.Field))
}

// whoOpens says who can open the next epoch of a field, and how.
func (x *account) whoOpens(ctx context.Context, id officer.ResourceID) string {
	for _, c := range x.w.Pending(ctx).Closed {
		if c.Resource == id && c.Kind == workspace.ThingField {
			return opensHint(c)
		}
	}
	return "see: underseal org status"
}
