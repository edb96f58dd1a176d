package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/transport/nethttp"
	"github.com/underseal/underseal/workspace"
)

func newClioStatusCommand(a *app) *cobra.Command {
	var noCounts bool
	c := &cobra.Command{
		Use: "status", Short: "Show the connection, and whether what is protected is sealed", Args: noArgs,
		Long: `Show the connection, and whether what is protected is sealed: values in clear in
protected fields, which somebody entered since, are counted. The records that have
such fields are read for that; --no-counts leaves it out.`,
		RunE: a.clioCommand(func(ctx context.Context, x *account, _ []string) error { return x.status(ctx, !noCounts) }),
	}
	c.Flags().BoolVar(&noCounts, "no-counts", false, "read the fields alone, not the records")
	return c
}

type jsonClear struct {
	Name   string `json:"name"`
	Values int64  `json:"values"`
}

type jsonClioStatus struct {
	jsonConnection
	Protected  int         `json:"protected"`
	Counted    bool        `json:"counted"`
	Clear      []jsonClear `json:"in_clear"`
	Other      []jsonClear `json:"other"`
	News       []string    `json:"news"`
	ByHand     []looseTwin `json:"put_into_sets"`
	Unfinished []jsonJob   `json:"unfinished"`
}

func (x *account) status(ctx context.Context, counts bool) error {
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	if counts {
		if err := x.count(ctx, v, v.isSigned); err != nil {
			return err
		}
	}
	if err := x.saveLook(v); err != nil {
		return err
	}
	jobs, err := x.unfinished(ctx)
	if err != nil {
		return err
	}
	out := jsonClioStatus{jsonConnection: x.conn.json(), Protected: len(v.signed), Counted: v.counted, Clear: []jsonClear{}, Other: v.others(), News: v.newsList(), ByHand: v.loose, Unfinished: jobs}
	if v.counted {
		for _, c := range v.look.Clear {
			out.Clear = append(out.Clear, jsonClear{c.Name, c.Values})
		}
	}
	if x.a.json {
		x.a.printJSON(out, nil)
		return nil
	}
	opened, err := x.openedInClear(ctx, v)
	if err != nil {
		return err
	}
	x.a.printClioStatus(out, opened)
	return nil
}

func (v *view) isSigned(d connector.Definition) bool {
	_, signed := v.signed[d.ID]
	return signed
}

// others are the protected fields with values that are neither in clear nor
// tokens of theirs, as far as that was counted: somebody's text, most often.
func (v *view) others() []jsonClear {
	list := []jsonClear{}
	for _, d := range v.defs {
		c := v.counts[d.ID]
		if _, signed := v.signed[d.ID]; signed && c.Of(bulk.Foreign)+c.Of(bulk.Suspicious) > 0 {
			list = append(list, jsonClear{d.Name, c.Of(bulk.Foreign) + c.Of(bulk.Suspicious)})
		}
	}
	return list
}

// newsList is what is new, as people say it.
func (v *view) newsList() []string {
	list := []string{}
	for _, d := range v.defs {
		switch v.news[d.ID] {
		case isNew:
			list = append(list, term.Escape(d.Name)+" is new")
		case isChanged:
			list = append(list, term.Escape(d.Name)+" was changed")
		case isRemoved, noNews:
		}
	}
	for _, s := range v.removed {
		list = append(list, term.Escape(s.Name)+" was removed")
	}
	return list
}

func (a *app) printClioStatus(s jsonClioStatus, opened bool) {
	a.print("account    %s (%s)", term.Escape(s.AccountName), term.Escape(s.Account))
	a.print("you        %s <%s>", term.Escape(s.User.Name), term.Escape(s.User.Email))
	a.print("protected  %s", count(int64(s.Protected), "field", "fields"))
	for _, c := range s.Clear {
		a.print("in clear   %s in %s", count(c.Values, "value", "values"), term.Escape(c.Name))
	}
	for _, c := range s.Other {
		a.print("other      %s in %s: no token, or one that does not belong there", count(c.Values, "value", "values"), term.Escape(c.Name))
	}
	for _, n := range s.News {
		a.print("news       %s", n)
	}
	for _, t := range s.ByHand {
		a.print("by hand    put %s into the set %s", term.Escape(t.Field), term.Escape(t.Set))
	}
	for _, j := range s.Unfinished {
		a.print("job        %s, %s, not finished", j.ID, j.Direction)
	}
	if !s.Counted {
		a.say("records were not read: a protected field may hold values in clear")
	}
	switch {
	case len(s.Unfinished) > 0:
		a.next("underseal job resume %s", s.Unfinished[0].ID)
	case len(s.Clear) > 0 && !opened:
		a.next("underseal clio enable --repair")
	case len(s.Clear) > 0, len(s.News) > 0, s.Protected == 0:
		a.next("underseal clio fields")
	default:
		a.next("underseal clio verify")
	}
}

func newClioVerifyCommand(a *app) *cobra.Command {
	var rate int
	c := &cobra.Command{
		Use: "verify", Short: "Read every protected value and check that it is sealed", Args: noArgs,
		Long: `Read every record anew and check each value of every protected field: that it is
sealed, opens, and belongs to its field and record; that no record is missing or
comes twice. It changes nothing. What it finds is listed, and the exit status is 7;
what you were not granted is counted by field.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := (&enableFlags{rate: rate}).check(cmd); err != nil {
				return err
			}
			return a.withClio(cmd.Context(), 0, rate, func(x *account) error { return x.verify(cmd.Context()) })
		},
	}
	rateFlag(c, &rate)
	return c
}

func (x *account) verify(ctx context.Context) error {
	v, err := x.see(ctx)
	if err != nil {
		return err
	}
	if len(v.signed) == 0 {
		return errNothingToDo
	}
	watching, end := x.a.watch()
	defer end()
	j, err := x.job(ctx, bulk.Config{Events: watching.event})
	if err != nil {
		return err
	}
	r, err := j.Verify(ctx)
	end()
	if err != nil && !errors.Is(err, bulk.ErrNotVerified) {
		return err
	}
	x.noteClear(v, r.Counts)
	if e := x.saveLook(v); e != nil {
		return errors.Join(err, e)
	}
	rep := jsonReportOf(r, "")
	if err != nil {
		err = withHint(err, x.unverified(ctx, v, watching.found, rep))
	}
	if x.a.json {
		x.a.printJSON(rep, err)
		return err
	}
	if e := x.a.printReport(rep, watching.found); e != nil {
		return e
	}
	if err == nil {
		x.a.say("every value in %s is sealed, and opens", count(int64(len(r.Fields)), "protected field", "protected fields"))
	}
	return err
}

func newClioReportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "report", Short: "Show the report of the last job", Args: noArgs,
		Long: `Show the report of the last job: what was sealed or opened, what was skipped and
why, how long it took, and how many requests. It asks Clio nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.lastReport(cmd.Context()) },
	}
}

func (a *app) lastReport(ctx context.Context) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	jobs, err := a.jobs(ctx, homeDir(home))
	if err != nil {
		return err
	}
	for _, j := range jobs {
		r, err := loadReport(homeDir(home), j.ID)
		if errors.Is(err, errNoReport) {
			continue // it was killed
		} else if err != nil {
			return err
		}
		if a.json {
			a.printJSON(r, nil)
			return nil
		}
		a.say("%s of %s", r.Call, r.Ended.Local().Format(time.DateTime))
		return a.printReport(r, findingsOf(r))
	}
	return errNoReport
}

func newClioDisconnectCommand(a *app) *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use: "disconnect", Short: "End this device's connection to Clio", Args: noArgs,
		Long: `End this device's connection: its tokens are revoked at Clio and deleted here. What
is sealed stays sealed, and the firm's Clio application stays a secret of the
organization. Where Clio cannot be reached, nothing is deleted, unless --offline is
given; then revoke the access in Clio itself.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(*workspace.Workspace) error { return a.clioDisconnect(cmd.Context(), offline) })
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "delete the tokens here without revoking them at Clio")
	return c
}

func (a *app) clioDisconnect(ctx context.Context, offline bool) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	c, err := loadConnection(homeDir(home), a.me.Keys())
	switch {
	case errors.Is(err, errNotConnected):
		return err
	case err != nil && !offline:
		return withHint(err, "underseal clio disconnect --offline deletes the file; then revoke the access in Clio itself")
	}
	if !offline {
		if err := a.revoke(ctx, c); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(home, connectionFile)); err != nil {
		return err
	}
	if offline {
		a.say("deleted the connection here; revoke the access in Clio itself: Settings, Apps")
	} else {
		a.say("disconnected from %s: Clio accepts this device no more", term.Escape(c.AccountName))
	}
	if a.json {
		a.printJSON(jsonConnection{}, nil)
	}
	return nil
}

// revoke ends the tokens at Clio.
func (a *app) revoke(ctx context.Context, c connection) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	defer app.Secret.Destroy()
	t := nethttp.New(nethttp.Options{Timeout: exchangeTime})
	defer t.Close()
	tokens := c.tokens()
	defer tokens.Access.Destroy()
	defer tokens.Refresh.Destroy()
	return app.Deauthorize(ctx, t, tokens)
}

// unfinished are the jobs that can be resumed.
func (x *account) unfinished(ctx context.Context) ([]jsonJob, error) {
	jobs, err := x.a.jobs(ctx, x.home)
	if err != nil {
		return nil, err
	}
	list := []jsonJob{}
	for _, j := range slices.DeleteFunc(jobs, func(j bulk.JobInfo) bool { return j.State == bulk.Finished || j.Place.Account != x.conn.Account }) {
		list = append(list, jsonJobOf(j))
	}
	return list, nil
}

// jsonClioSeen is what status says of Clio without asking it.
type jsonClioSeen struct {
	Connected bool        `json:"connected"`
	Account   string      `json:"account,omitempty"`
	Name      string      `json:"account_name,omitempty"`
	Read      *time.Time  `json:"read,omitempty"` // when records were last read
	Clear     []jsonClear `json:"in_clear"`
}

// clioSeen tells of the connection and of what was last seen in clear, without
// asking anybody. While the device is locked nobody checks who wrote it.
func (a *app) clioSeen(home homeDir) (*jsonClioSeen, error) {
	s := &jsonClioSeen{Clear: []jsonClear{}}
	if _, err := os.Stat(filepath.Join(string(home), connectionFile)); err == nil {
		s.Connected = true
	}
	var l *look
	var err error
	if a.me == nil {
		l, _, err = readLook(home)
	} else {
		l, err = loadLook(home, a.me.Keys(), "")
	}
	if err != nil {
		return nil, err
	}
	if l == nil {
		if !s.Connected {
			return nil, nil
		}
		return s, nil
	}
	s.Account, s.Name = l.Account, l.Name
	if !l.Passed.IsZero() {
		s.Read = &l.Passed
	}
	for _, c := range l.Clear {
		s.Clear = append(s.Clear, jsonClear{c.Name, c.Values})
	}
	return s, nil
}

func (a *app) printClioSeen(s *jsonClioSeen) {
	if s == nil {
		return
	}
	state := "not connected"
	if s.Connected {
		state = "connected"
	}
	if s.Account != "" {
		state += fmt.Sprintf(", %s (%s)", term.Escape(s.Name), term.Escape(s.Account))
	}
	if s.Read != nil {
		state += ", records read " + age(*s.Read, a.now())
	}
	a.print("clio          %s", state)
	for _, c := range s.Clear {
		a.print("in clear      %s in %s, when they were last read", count(c.Values, "value", "values"), term.Escape(c.Name))
	}
}
